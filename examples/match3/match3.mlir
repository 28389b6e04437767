// Match3 (Roy et al. 2025) as one determinant head of dimension 7: two 3-chunks
// hold cos(2 pi (x_i + x_j1 + x_j2) / M), the dimension left over a blank token
// that sets the threshold. Match3.h derives it; README.md runs it.
func.func @match3(%query: tensor<1x?x1x7xf32>,
                  %key1: tensor<1x?x1x7xf32>, %key2: tensor<1x?x1x7xf32>,
                  %value1: tensor<1x?x1x1xf32>, %value2: tensor<1x?x1x1xf32>)
    -> tensor<1x?x1x1xf32> {
  %out, %lse = simplex.attention query(%query) keys(%key1, %key2)
      values(%value1, %value2)
      form determinant windows [0, 0] bidirectional scale 1.0
      : (tensor<1x?x1x7xf32>, tensor<1x?x1x7xf32>, tensor<1x?x1x7xf32>,
         tensor<1x?x1x1xf32>, tensor<1x?x1x1xf32>)
      -> (tensor<1x?x1x1xf32>, tensor<1x1x?xf32>)
  return %out : tensor<1x?x1x1xf32>
}
