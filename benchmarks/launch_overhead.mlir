// A kernel that does almost nothing, for launch_overhead.c:
//
//   simplex-compile launch_overhead.mlir --chip=native,sm_90a -o launch_overhead.simplex
func.func @nothing(%q: tensor<?x?x1x16xbf16>, %k1: tensor<?x?x1x16xbf16>, %k2: tensor<?x?x1x16xbf16>,
                   %v1: tensor<?x?x1x16xbf16>, %v2: tensor<?x?x1x16xbf16>)
    -> (tensor<?x?x1x16xbf16>, tensor<?x1x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [1, 1]
      : (tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>,
         tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>)
      -> (tensor<?x?x1x16xbf16>, tensor<?x1x?xf32>)
  return %out, %lse : tensor<?x?x1x16xbf16>, tensor<?x1x?xf32>
}
