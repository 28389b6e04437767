// 2-simplicial attention: the trilinear form over 512 x 32 causal windows, 64
// query heads on one key head, with the
// biases k2 + 1/d and v2 + 1 of Roy et al. 2025.
//
//   build/release/bin/simplex-opt examples/trilinear.mlir
func.func @trilinear(%q: tensor<1x?x64x128xbf16>, %k1: tensor<1x?x1x128xbf16>,
                     %k2: tensor<1x?x1x128xbf16>, %v1: tensor<1x?x1x128xbf16>,
                     %v2: tensor<1x?x1x128xbf16>)
    -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [512, 32]
      key_biases [0.0, 0.0078125] value_biases [0.0, 1.0]
      : (tensor<1x?x64x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>,
         tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
      -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>)
  return %out, %lse : tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>
}
