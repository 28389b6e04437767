// bf16, and two kernels in a row: the second reads what the first wrote.
func.func @chain(%q: tensor<1x?x8x64xbf16>, %k: tensor<1x?x2x64xbf16>, %v: tensor<1x?x2x64xbf16>)
    -> tensor<1x?x8x64xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%v) form multilinear windows [16]
      : (tensor<1x?x8x64xbf16>, tensor<1x?x2x64xbf16>, tensor<1x?x2x64xbf16>)
      -> (tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>)
  %out2, %lse2 = simplex.attention query(%out) keys(%k) values(%v) form multilinear windows [0]
      : (tensor<1x?x8x64xbf16>, tensor<1x?x2x64xbf16>, tensor<1x?x2x64xbf16>)
      -> (tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>)
  return %out2 : tensor<1x?x8x64xbf16>
}
func.func @single(%q: tensor<1x?x8x64xbf16>, %k: tensor<1x?x2x64xbf16>, %v: tensor<1x?x2x64xbf16>)
    -> (tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%v) form multilinear windows [16]
      : (tensor<1x?x8x64xbf16>, tensor<1x?x2x64xbf16>, tensor<1x?x2x64xbf16>)
      -> (tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>)
  return %out, %lse : tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>
}
