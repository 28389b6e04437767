func.func @attend(%q: tensor<?x?x8x64xbf16>, %k1: tensor<?x?x1x64xbf16>,
                  %k2: tensor<?x?x1x64xbf16>, %v1: tensor<?x?x1x64xbf16>,
                  %v2: tensor<?x?x1x64xbf16>)
    -> (tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [128, 16]
      : (tensor<?x?x8x64xbf16>, tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>,
         tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>)
      -> (tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>)
  return %out, %lse : tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>
}
