// The example of docs/architecture.md, small enough to read at every level.
func.func @attention(%q: memref<1x64x1x16xf32>, %k1: memref<1x64x1x16xf32>,
                     %k2: memref<1x64x1x16xf32>, %v1: memref<1x64x1x16xf32>,
                     %v2: memref<1x64x1x16xf32>, %out: memref<1x64x1x16xf32>,
                     %lse: memref<1x1x64xf32>) {
  simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) outs(%out, %lse)
      form multilinear windows [4, 32] value_biases [0.0, 1.0]
      : (memref<1x64x1x16xf32>, memref<1x64x1x16xf32>, memref<1x64x1x16xf32>,
         memref<1x64x1x16xf32>, memref<1x64x1x16xf32>, memref<1x64x1x16xf32>,
         memref<1x1x64xf32>) -> ()
  return
}
