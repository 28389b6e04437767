func.func @attend(%q: tensor<?x?x64x64xbf16>, %k1: tensor<?x?x1x64xbf16>,
                  %k2: tensor<?x?x1x64xbf16>, %k3: tensor<?x?x1x64xbf16>,
                  %v1: tensor<?x?x1x64xbf16>, %v2: tensor<?x?x1x64xbf16>,
                  %v3: tensor<?x?x1x64xbf16>)
    -> (tensor<?x?x64x64xbf16>, tensor<?x64x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2, %k3) values(%v1, %v2, %v3)
      form multilinear windows [4, 8, 256]
      : (tensor<?x?x64x64xbf16>, tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>,
         tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>,
         tensor<?x?x1x64xbf16>)
      -> (tensor<?x?x64x64xbf16>, tensor<?x64x?xf32>)
  return %out, %lse : tensor<?x?x64x64xbf16>, tensor<?x64x?xf32>
}
