func.func @other(%q: tensor<1x8x2x6xf32>, %k: tensor<1x8x1x6xf32>) -> tensor<1x8x2x6xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [4]
      : (tensor<1x8x2x6xf32>, tensor<1x8x1x6xf32>, tensor<1x8x1x6xf32>) -> (tensor<1x8x2x6xf32>, tensor<1x2x8xf32>)
  return %out : tensor<1x8x2x6xf32>
}

func.func @determinant(%q: tensor<1x?x4x7xf32>, %k1: tensor<1x?x1x7xf32>, %k2: tensor<1x?x1x7xf32>,
                       %v1: tensor<1x?x1x5xf32>, %v2: tensor<1x?x1x5xf32>) -> tensor<1x?x4x5xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form determinant windows [16, 3]
      key_biases [0.0, 0.5] value_biases [1.0, 0.0]
      : (tensor<1x?x4x7xf32>, tensor<1x?x1x7xf32>, tensor<1x?x1x7xf32>, tensor<1x?x1x5xf32>, tensor<1x?x1x5xf32>)
      -> (tensor<1x?x4x5xf32>, tensor<1x4x?xf32>)
  return %out : tensor<1x?x4x5xf32>
}

func.func @matrix(%q: tensor<?x?x64x128xbf16>, %k1: tensor<?x?x1x128xbf16>, %k2: tensor<?x?x1x128xbf16>)
    -> tensor<?x?x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%k1, %k2) form multilinear windows [32, 512]
      : (tensor<?x?x64x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>,
         tensor<?x?x1x128xbf16>) -> (tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>)
  return %out : tensor<?x?x64x128xbf16>
}
