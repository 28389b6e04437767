// Rows of 7 elements: no vector length divides them.
func.func @tails(%q: tensor<1x?x2x5xbf16>, %k: tensor<1x?x2x5xbf16>, %v: tensor<1x?x2x7xbf16>)
    -> (tensor<1x?x2x7xbf16>, tensor<1x2x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%v) form multilinear windows [32]
      : (tensor<1x?x2x5xbf16>, tensor<1x?x2x5xbf16>, tensor<1x?x2x7xbf16>)
      -> (tensor<1x?x2x7xbf16>, tensor<1x2x?xf32>)
  return %out, %lse : tensor<1x?x2x7xbf16>, tensor<1x2x?xf32>
}
