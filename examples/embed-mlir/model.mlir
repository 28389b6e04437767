// A query that looks 8 tokens back for the first key and 32 for the second.
func.func @attend(%q: tensor<1x?x4x64xbf16>, %k1: tensor<1x?x1x64xbf16>, %k2: tensor<1x?x1x64xbf16>,
                  %v1: tensor<1x?x1x64xbf16>, %v2: tensor<1x?x1x64xbf16>) -> tensor<1x?x4x64xbf16> {
  %0 = "toy.attend"(%q, %k1, %k2, %v1, %v2) {look_back = array<i64: 8, 32>}
      : (tensor<1x?x4x64xbf16>, tensor<1x?x1x64xbf16>, tensor<1x?x1x64xbf16>, tensor<1x?x1x64xbf16>,
         tensor<1x?x1x64xbf16>) -> tensor<1x?x4x64xbf16>
  return %0 : tensor<1x?x4x64xbf16>
}
