// The example of docs/architecture.md, small enough to read at every level.
func.func @f(%q: tensor<1x?x1x16xf32>, %k1: tensor<1x?x1x16xf32>, %k2: tensor<1x?x1x16xf32>,
             %v1: tensor<1x?x1x16xf32>, %v2: tensor<1x?x1x16xf32>) -> tensor<1x?x1x16xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [4, 32] value_biases [0.0, 1.0]
      : (tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>,
         tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>)
      -> (tensor<1x?x1x16xf32>, tensor<1x1x?xf32>)
  return %out : tensor<1x?x1x16xf32>
}
