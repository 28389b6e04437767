func.func @f(%q: tensor<1x6x4x16xf32>, %k: tensor<1x9x2x16xf32>) -> tensor<1x6x4x16xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form determinant windows [4, 8]
      : (tensor<1x6x4x16xf32>, tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>,
         tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>)
      -> (tensor<1x6x4x16xf32>, tensor<1x4x6xf32>)
  return %out : tensor<1x6x4x16xf32>
}
