func.func @trilinear(%q: tensor<?x?x4x16xf32>, %k1: tensor<?x?x2x16xf32>,
                     %k2: tensor<?x?x2x16xf32>, %v1: tensor<?x?x2x16xf32>,
                     %v2: tensor<?x?x2x16xf32>)
    -> (tensor<?x?x4x16xf32>, tensor<?x4x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [16, 4]
      : (tensor<?x?x4x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>,
         tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      -> (tensor<?x?x4x16xf32>, tensor<?x4x?xf32>)
  return %out, %lse : tensor<?x?x4x16xf32>, tensor<?x4x?xf32>
}
