func.func @f(%q: tensor<1x6x4x16xf32>, %k: tensor<2x9x2x16xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [4]
      : (tensor<1x6x4x16xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>)
      -> (tensor<1x6x4x16xf32>, tensor<1x4x6xf32>)
  return
}
