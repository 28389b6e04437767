// 2-simplicial attention with the rotation-invariant form: the logit is the sum
// of the determinants of (q, k1, k2) over chunks of three dimensions; D = 128
// leaves two dimensions that add their plain products.
//
//   build/release/bin/simplex-opt examples/determinant.mlir
func.func @determinant(%q: tensor<1x?x64x128xbf16>, %k1: tensor<1x?x1x128xbf16>,
                       %k2: tensor<1x?x1x128xbf16>, %v1: tensor<1x?x1x128xbf16>,
                       %v2: tensor<1x?x1x128xbf16>)
    -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form determinant windows [512, 32]
      : (tensor<1x?x64x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>,
         tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
      -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>)
  return %out, %lse : tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>
}
