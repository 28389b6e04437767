// Logits in f64 (see --simplex-tile-attention): each half of a fragment of C is the left side of an m8n8k4 product.
// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize --cse | FileCheck %s

#schedule = #simplex.schedule<rows = 16, keys = 16, stages = 2>
!shared = memref<16x16xf32, #gpu.address_space<workgroup>>

// CHECK-LABEL: gpu.func @logits
// Keys become wider in registers.
// CHECK: %[[K:.+]] = memref.load {{.*}} : memref<16x16xf32
// CHECK: arith.extf %{{.+}} : f32 to f64
// CHECK: nvvm.mma.sync A[%{{[^,]+}}] B[%{{[^,]+}}] C[%{{[^,]+}}, %{{[^,]+}}] {{.*}}shape = #nvvm.shape<m = 8, n = 8, k = 4>} : (f64, f64, f64) -> !llvm.struct<(f64, f64)>
// Two halves, two columns a thread, two fragments of C, and two of keys.
// CHECK-COUNT-15: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// Logits are rounded at the end.
// CHECK: arith.truncf %{{.+}} : vector<2x2xf64> to vector<2x2xf32>
func.func private @logits(%q: !shared, %k: !shared, %from: memref<1x?x1x16xf32>, %i: index, %max: memref<1x1x?xf32>)
    attributes {simplex.kernel, simplex.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %row = simplex.load %from[%c0, %i, %c0] valid(%c0, %i, %c1) heads 1 : memref<1x?x1x16xf32> -> !simplex.tile<1x16xf32>
  %c = simplex.combine #simplex.multilinear %q, %row biases [0.0] factor 1 head_dim 16
       : !shared, !simplex.tile<1x16xf32> -> !simplex.tile<16x16xf64>
  %s = simplex.contract %c, %k transposed : !simplex.tile<16x16xf64>, !shared -> !simplex.tile<16x16xf64>
  %r = simplex.convert %s : !simplex.tile<16x16xf64> -> !simplex.tile<16x16xf32>
  %lowest = simplex.fill 0xFFF0000000000000 : !simplex.tile<16xf32>
  %m = simplex.row_max %r, %lowest scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
  simplex.store %m, %max[%c0, %i, %c0] valid(%c0, %i, %c1) heads 1 : !simplex.tile<16xf32>, memref<1x1x?xf32>
  return
}

// A number of each row (a bias of the last key) is summed over threads word by word.
// CHECK-LABEL: gpu.func @row_sum
// CHECK: %[[WORDS:.+]] = vector.bitcast %{{.+}} : vector<1xf64> to vector<2xi32>
// CHECK-COUNT-8: gpu.shuffle xor %{{.+}}, %{{.+}}, %{{.+}} : i32
// CHECK-NOT: gpu.shuffle
func.func private @row_sum(%q: !shared, %to: memref<1x1x?xf64>, %i: index)
    attributes {simplex.kernel, simplex.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = simplex.combine #simplex.multilinear %q biases [] factor 1 head_dim 16 : !shared -> !simplex.tile<16x16xf64>
  %zero = simplex.fill 0.0 : !simplex.tile<16xf64>
  %sum = simplex.row_sum %c, %zero {factor = 0.25 : f64} : !simplex.tile<16x16xf64>, !simplex.tile<16xf64>
  simplex.store %sum, %to[%c0, %i, %c0] valid(%c0, %i, %c1) heads 1 : !simplex.tile<16xf64>, memref<1x1x?xf64>
  return
}
