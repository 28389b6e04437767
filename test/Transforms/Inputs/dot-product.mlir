func.func @attend(%q: tensor<?x?x8x64xbf16>, %k: tensor<?x?x1x64xbf16>, %v: tensor<?x?x1x64xbf16>)
    -> (tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%v)
      form multilinear windows [0]
      : (tensor<?x?x8x64xbf16>, tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>)
      -> (tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>)
  return %out, %lse : tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>
}
