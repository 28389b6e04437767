// Every constraint of simplex.attention (C1 .. C16 in SimplexOps.td), each with
// its whole message.

// RUN: simplex-opt %s --verify-diagnostics --split-input-file --allow-unregistered-dialect

// C1
func.func @case1(%q: tensor<1x6x4x8xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op takes 1 to 4 keys, found 0}}
  %r:2 = simplex.attention query(%q) keys() values() form multilinear windows []
      : (tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C1
func.func @case2(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %k2: tensor<1x9x2x8xf32>, %k3: tensor<1x9x2x8xf32>, %k4: tensor<1x9x2x8xf32>, %k5: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %v2: tensor<1x9x2x5xf32>, %v3: tensor<1x9x2x5xf32>, %v4: tensor<1x9x2x5xf32>, %v5: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op takes 1 to 4 keys, found 5}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2, %k3, %k4, %k5) values(%v1, %v2, %v3, %v4, %v5) form multilinear windows [1, 1, 1, 1, 1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C1
func.func @case3(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %k2: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op takes as many values as keys, found 2 keys and 1 values}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2) values(%v1) form multilinear windows [1, 1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C2
func.func @case4(%q: tensor<6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query must have rank 4 [batch, sequence, heads, dim], found rank 3}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C2
func.func @case5(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %k2: tensor<1x9x2x8x1xf32>, %v1: tensor<1x9x2x5xf32>, %v2: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 2 must have rank 4 [batch, sequence, heads, dim], found rank 5}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form multilinear windows [1, 1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8x1xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C2
func.func @case6(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<*xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 must be a ranked tensor or memref, found 'tensor<*xf32>'}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<*xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C2
func.func @case7(%q: memref<*xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query must be a ranked tensor or memref, found 'memref<*xf32>'}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (memref<*xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C2
func.func @case8(%q: vector<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query must be a ranked tensor or memref, found 'vector<1x6x4x8xf32>'}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (vector<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C2
func.func @case9(%q: tensor<1x6x4x8xf32>, %k1: f32, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 must be a ranked tensor or memref, found 'f32'}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, f32, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C3
func.func @case10(%q: tensor<1x6x4x8xi8>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query has element type 'i8', expected bf16, f16, f32 or f64}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xi8>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C3
func.func @case11(%q: tensor<1x6x4x8xf8E4M3FN>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query has element type 'f8E4M3FN', expected bf16, f16, f32 or f64}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf8E4M3FN>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C3
func.func @case12(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf16>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 has element type 'f16', expected 'f32' as the query}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf16>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C4
func.func @case13(%q: tensor<1x6x4x8xf32>, %k1: tensor<2x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 has batch size 2, expected 1 as the query}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<2x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C4
func.func @case14(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<3x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 has batch size 3, expected 1 as the query}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<3x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C5
func.func @case15(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %k2: tensor<1x8x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %v2: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 2 has length 8, expected 9 as key 1}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form multilinear windows [1, 1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x8x2x8xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C5
func.func @case16(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x8x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 has length 8, expected 9 as key 1}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x8x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C6
func.func @case17(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x1x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 has head count 1, expected 2 as key 1}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x1x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C6
func.func @case18(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x3x8xf32>, %v1: tensor<1x9x3x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query has 4 heads, expected a multiple of the keys' head count 3}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x3x8xf32>, tensor<1x9x3x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C6: more key heads than heads
func.func @case19(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x8x8xf32>, %v1: tensor<1x9x8x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query has 4 heads, expected a multiple of the keys' head count 8}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x8x8xf32>, tensor<1x9x8x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C7
func.func @case20(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x7xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 has head dim 7, expected 8 as the query}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x7xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C8
func.func @case21(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %k2: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %v2: tensor<1x9x2x6xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 2 has head dim 6, expected 5 as value 1}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form multilinear windows [1, 1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x6xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C9
func.func @case22(%q: tensor<1x6x?x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query needs a static, positive head count, found ?}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x?x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C9
func.func @case23(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x0x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 needs a static, positive head count, found 0}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x0x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C9
func.func @case24(%q: tensor<1x6x4x0xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query needs a static, positive head dim, found 0}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x0xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C9
func.func @case25(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x?xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 needs a static, positive head dim, found ?}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x?xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C10
func.func @case26(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'windows' takes one size for each key: expected 1, found 2}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3, 4]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C10
func.func @case27(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'windows' takes one size for each key: expected 1, found 0}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows []
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C10
func.func @case28(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'windows' must not be negative (0 is unlimited), found -1}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [-1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C11
func.func @case29(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'scale' must be finite, found inf}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] scale 0x7FF0000000000000
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C11
func.func @case30(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'scale' must be finite, found nan}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] scale 0x7FF8000000000000
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C12
func.func @case31(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'key_biases' takes one number for each key: expected 1, found 2}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] key_biases [0.0, 1.0]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C12
func.func @case32(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'value_biases' takes one number for each value: expected 1, found 0}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] value_biases []
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C12
func.func @case33(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'key_biases' must be finite, found inf}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] key_biases [0x7FF0000000000000]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C12
func.func @case34(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op 'value_biases' must be finite, found nan}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] value_biases [0x7FF8000000000000]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C13
func.func @case35(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op form determinant takes exactly 2 keys (n = 3), found 1}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form determinant windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C13
func.func @case36(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %k2: tensor<1x9x2x8xf32>, %k3: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %v2: tensor<1x9x2x5xf32>, %v3: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op form determinant takes exactly 2 keys (n = 3), found 3}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2, %k3) values(%v1, %v2, %v3) form determinant windows [1, 1, 1]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C13
func.func @case37(%q: tensor<1x6x4x2xf32>, %k1: tensor<1x9x2x2xf32>, %k2: tensor<1x9x2x2xf32>, %v1: tensor<1x9x2x5xf32>, %v2: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op form determinant needs a head dim of at least 3, found 2}}
  %r:2 = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form #simplex.determinant<reversed = true> windows [1, 1]
      : (tensor<1x6x4x2xf32>, tensor<1x9x2x2xf32>, tensor<1x9x2x2xf32>, tensor<1x9x2x5xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C14
func.func @case38(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op out has type 'tensor<1x6x4x8xf32>', expected 'tensor<1x6x4x5xf32>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C14
func.func @case39(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op lse has type 'tensor<1x6x4xf32>', expected 'tensor<1x4x6xf32>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x6x4xf32>)
  return
}

// -----

// C14
func.func @case40(%q: tensor<1x6x4x8xf16>, %k1: tensor<1x9x2x8xf16>, %v1: tensor<1x9x2x5xf16>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op lse has type 'tensor<1x4x6xf16>', expected 'tensor<1x4x6xf32>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf16>, tensor<1x9x2x8xf16>, tensor<1x9x2x5xf16>)
      -> (tensor<1x6x4x5xf16>, tensor<1x4x6xf16>)
  return
}

// -----

// C14
func.func @case41(%q: tensor<1x6x4x8xf64>, %k1: tensor<1x9x2x8xf64>, %v1: tensor<1x9x2x5xf64>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op lse has type 'tensor<1x4x6xf32>', expected 'tensor<1x4x6xf64>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf64>, tensor<1x9x2x8xf64>, tensor<1x9x2x5xf64>)
      -> (tensor<1x6x4x5xf64>, tensor<1x4x6xf32>)
  return
}

// -----

// C14
func.func @case42(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op out has type 'tensor<*xf32>', expected 'tensor<1x6x4x5xf32>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<*xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C14: no other shaped type
func.func @case43(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op out has type 'vector<1x6x4x5xf32>', expected 'tensor<1x6x4x5xf32>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (vector<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C15
func.func @case44(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x2147483648x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 has an extent of 2147483648, expected less than 2^31}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x2147483648x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C15
func.func @case45(%q: tensor<9223372036854775807x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query has an extent of 9223372036854775807, expected less than 2^31}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<9223372036854775807x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C16
func.func @case46(%q: memref<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 is no memref, but the query is one}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C16
func.func @case47(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op value 1 is a memref, but the query is a tensor}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, memref<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C16
func.func @case48(%q: memref<1x6x4x8xf32>, %k1: memref<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op has 2 results on tensors and 2 outs on memrefs, found 2 results and 0 outs}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C16
func.func @case49(%q: memref<1x6x4x8xf32>, %k1: memref<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %o1: memref<1x6x4x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op has 2 results on tensors and 2 outs on memrefs, found 0 results and 1 outs}}
  simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x5xf32>, memref<1x6x4x5xf32>)
      -> ()
  return
}

// -----

// C16
func.func @case50(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op has 2 results on tensors and 2 outs on memrefs, found 1 results and 0 outs}}
  %r:1 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>)
  return
}

// -----

// C16
func.func @case51(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %o1: memref<1x6x4x5xf32>, %o2: memref<1x4x6xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op has 2 results on tensors and 2 outs on memrefs, found 2 results and 2 outs}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1, %o2) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, memref<1x6x4x5xf32>, memref<1x4x6xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C16
func.func @case52(%q: memref<1x6x4x8xf32>, %k1: memref<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %o1: tensor<1x6x4x5xf32>, %o2: tensor<1x4x6xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op out has type 'tensor<1x6x4x5xf32>', expected 'memref<1x6x4x5xf32>' (up to compatible dynamic dimensions)}}
  simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1, %o2) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x5xf32>, tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
      -> ()
  return
}

// -----

// C16
func.func @case53(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op out has type 'memref<1x6x4x5xf32>', expected 'tensor<1x6x4x5xf32>' (up to compatible dynamic dimensions)}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (memref<1x6x4x5xf32>, memref<1x4x6xf32>)
  return
}

// -----

// C16
func.func @case54(%q: memref<1x6x4x8xf32, strided<[384, 64, 16, 2]>>, %k1: memref<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %o1: memref<1x6x4x5xf32>, %o2: memref<1x4x6xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op query must be contiguous in its innermost dimension, found 'memref<1x6x4x8xf32, strided<[384, 64, 16, 2]>>'}}
  simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1, %o2) form multilinear windows [3]
      : (memref<1x6x4x8xf32, strided<[384, 64, 16, 2]>>, memref<1x9x2x8xf32>, memref<1x9x2x5xf32>, memref<1x6x4x5xf32>, memref<1x4x6xf32>)
      -> ()
  return
}

// -----

// C16
func.func @case55(%q: memref<1x6x4x8xf32>, %k1: memref<1x9x2x8xf32, strided<[?, ?, ?, ?]>>, %v1: memref<1x9x2x5xf32>, %o1: memref<1x6x4x5xf32>, %o2: memref<1x4x6xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op key 1 must be contiguous in its innermost dimension, found 'memref<1x9x2x8xf32, strided<[?, ?, ?, ?]>>'}}
  simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1, %o2) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, memref<1x9x2x8xf32, strided<[?, ?, ?, ?]>>, memref<1x9x2x5xf32>, memref<1x6x4x5xf32>, memref<1x4x6xf32>)
      -> ()
  return
}

// -----

// C16
func.func @case56(%q: memref<1x6x4x8xf32>, %k1: memref<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %o1: memref<1x6x4x5xf32, strided<[120, 1, 30, 6]>>, %o2: memref<1x4x6xf32>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op out must be contiguous in its innermost dimension, found 'memref<1x6x4x5xf32, strided<[120, 1, 30, 6]>>'}}
  simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1, %o2) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x5xf32>, memref<1x6x4x5xf32, strided<[120, 1, 30, 6]>>, memref<1x4x6xf32>)
      -> ()
  return
}

// -----

// C16
func.func @case57(%q: memref<1x6x4x8xf32>, %k1: memref<1x9x2x8xf32>, %v1: memref<1x9x2x5xf32>, %o1: memref<1x6x4x5xf32>, %o2: memref<1x4x6xf32, strided<[24, 1, 4]>>, %i: index) {
  // expected-error @+1 {{'simplex.attention' op lse must be contiguous in its innermost dimension, found 'memref<1x4x6xf32, strided<[24, 1, 4]>>'}}
  simplex.attention query(%q) keys(%k1) values(%v1) outs(%o1, %o2) form multilinear windows [3]
      : (memref<1x6x4x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x5xf32>, memref<1x6x4x5xf32>, memref<1x4x6xf32, strided<[24, 1, 4]>>)
      -> ()
  return
}

// -----

// parse
func.func @case58(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' 'positions' takes the first query's and the first key's position, found 1 operands}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) positions(%i) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse
func.func @case59(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' 'key_range' takes the first key position and the one past the last, found 3 operands}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) key_range(%i, %i, %i) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse
func.func @case60(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' unknown form 'trilinear', expected multilinear, determinant or an attribute with the form interface}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form trilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse: of the dialect, but no form
func.func @case61(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' unknown form 'schedule', expected multilinear, determinant or an attribute with the form interface}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form schedule windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse
func.func @case62(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' expected an attribute with the form interface, found 5 : i64}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form 5 windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse
func.func @case63(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' expected an attribute with the form interface, found #other.form}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form #other.form windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse: was dropped without a word
func.func @case64(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' attribute 'scale' failed to satisfy constraint: 64-bit float attribute}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] {scale = "large"}
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse
func.func @case65(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x9x2x8xf32>, %v1: tensor<1x9x2x5xf32>, %i: index) {
  // expected-error @+1 {{custom op 'simplex.attention' attribute 'bidirectional' failed to satisfy constraint: unit attribute}}
  %r:2 = simplex.attention query(%q) keys(%k1) values(%v1) form multilinear windows [3] {bidirectional = false}
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse: types for each operand
func.func @types(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [3]
      // expected-error @+1 {{custom op 'simplex.attention' expected 3 operand types, found 2}}
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// parse: one query
func.func @queries(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>) {
  // expected-error @+1 {{custom op 'simplex.attention' expected 1 query, found 2}}
  %out, %lse = simplex.attention query(%q, %q) keys(%k) values(%k) form multilinear windows [3]
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: one position
func.func @case66(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op needs both positions or none}}
  %r:2 = "simplex.attention"(%q, %k, %v, %i) <{form = #simplex.multilinear, windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, index)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: one end of the range
func.func @case67(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op needs both ends of the key range or none}}
  %r:2 = "simplex.attention"(%q, %k, %v, %i) <{form = #simplex.multilinear, windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, index)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: a position of another type
func.func @case68(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op operand #3 must be index, but got 'i32'}}
  %r:2 = "simplex.attention"(%q, %k, %v, %j, %j) <{form = #simplex.multilinear, windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, i32, i32)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: two positions in a group
func.func @case69(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op operand group starting at #3 requires 0 or 1 element, but found 2}}
  %r:2 = "simplex.attention"(%q, %k, %v, %i, %i) <{form = #simplex.multilinear, windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, 1, 1, 2, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>, index, index)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: segments beyond the operands
func.func @case70(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op operand count (3) does not match with the total size (4) specified in attribute 'operandSegmentSizes'}}
  %r:2 = "simplex.attention"(%q, %k, %v) <{form = #simplex.multilinear, windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, 2, 1, 0, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: negative segments
func.func @case71(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op 'operandSegmentSizes' attribute cannot have negative elements}}
  %r:2 = "simplex.attention"(%q, %k, %v) <{form = #simplex.multilinear, windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, -1, 3, 0, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: no segments
func.func @case72(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op operand count (3) does not match with the total size (0) specified in attribute 'operandSegmentSizes'}}
  %r:2 = "simplex.attention"(%q, %k, %v) <{form = #simplex.multilinear, windows = array<i64: 3>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: no form
func.func @case73(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op requires attribute 'form'}}
  %r:2 = "simplex.attention"(%q, %k, %v) <{windows = array<i64: 3>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: no windows
func.func @case74(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op requires attribute 'windows'}}
  %r:2 = "simplex.attention"(%q, %k, %v) <{form = #simplex.multilinear, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// generic: a scale of another type
func.func @case75(%q: tensor<1x6x4x8xf32>, %k: tensor<1x9x2x8xf32>, %v: tensor<1x9x2x5xf32>, %i: index, %j: i32) {
  // expected-error @+1 {{'simplex.attention' op attribute 'scale' failed to satisfy constraint: 64-bit float attribute}}
  %r:2 = "simplex.attention"(%q, %k, %v) <{form = #simplex.multilinear, windows = array<i64: 3>, scale = 1.0 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}>
      : (tensor<1x6x4x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x5xf32>)
      -> (tensor<1x6x4x5xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C4: the extent may be in any of the types.
func.func @c4_dynamic_query(%q: tensor<?x6x4x8xf32>, %k: tensor<2x9x2x8xf32>, %v: tensor<3x9x2x8xf32>) {
  // expected-error @+1 {{'simplex.attention' op value 1 has batch size 3, expected 2 as key 1}}
  %out, %lse = simplex.attention query(%q) keys(%k) values(%v) form multilinear windows [4]
      : (tensor<?x6x4x8xf32>, tensor<2x9x2x8xf32>, tensor<3x9x2x8xf32>)
      -> (tensor<?x6x4x8xf32>, tensor<?x4x6xf32>)
  return
}

// -----

// C5
func.func @c5_dynamic_key(%q: tensor<1x6x4x8xf32>, %k1: tensor<1x?x2x8xf32>, %k2: tensor<1x9x2x8xf32>,
                          %v1: tensor<1x?x2x8xf32>, %v2: tensor<1x8x2x8xf32>) {
  // expected-error @+1 {{'simplex.attention' op value 2 has length 8, expected 9 as key 2}}
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form multilinear windows [4, 4]
      : (tensor<1x6x4x8xf32>, tensor<1x?x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x?x2x8xf32>,
         tensor<1x8x2x8xf32>) -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

// C14: also by what the keys say of the batch.
func.func @c14_batch(%q: tensor<?x6x4x8xf32>, %k: tensor<2x9x2x8xf32>) {
  // expected-error @+1 {{'simplex.attention' op out has type 'tensor<3x6x4x8xf32>', expected 'tensor<2x6x4x8xf32>' (up to compatible dynamic dimensions)}}
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [4]
      : (tensor<?x6x4x8xf32>, tensor<2x9x2x8xf32>, tensor<2x9x2x8xf32>)
      -> (tensor<3x6x4x8xf32>, tensor<?x4x6xf32>)
  return
}

// -----

// Clauses that are missing, twice, or nonsense.
func.func @no_windows(%q: tensor<1x6x4x8xf32>) {
  // expected-error @+2 {{custom op 'simplex.attention' expected 'windows'}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

func.func @windows_twice(%q: tensor<1x6x4x8xf32>) {
  // expected-error @+1 {{custom op 'simplex.attention' attribute 'windows' occurs more than once in the attribute list}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear windows [4]
      {windows = array<i64: 3>}
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

func.func @windows_too_large(%q: tensor<1x6x4x8xf32>) {
  // expected-error @+1 {{custom op 'simplex.attention' integer value too large}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear windows [99999999999999999999]
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

func.func @form_text(%q: tensor<1x6x4x8xf32>) {
  // expected-error @+1 {{custom op 'simplex.attention' expected an attribute with the form interface, found "multilinear"}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form "multilinear" windows [4]
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

func.func @biases_text(%q: tensor<1x6x4x8xf32>) {
  // expected-error @+2 {{expected floating point literal}}
  // expected-error @+1 {{expected ']'}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear windows [4] key_biases [one]
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

func.func @no_function_type(%q: tensor<1x6x4x8xf32>) {
  // expected-error @+2 {{invalid kind of type specified: expected builtin.function, but found 'f32'}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear windows [4]
      : f32
  return
}

// -----

func.func @positions_i32(%q: tensor<1x6x4x8xf32>, %i: i32) { // expected-note {{prior use here}}
  // expected-error @+2 {{use of value '%i' expects different type than prior uses: 'index' vs 'i32'}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q)
      positions(%i, %i) form multilinear windows [4]
      : (tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}

// -----

func.func @query_pointer(%q: !llvm.ptr, %k: tensor<1x6x4x8xf32>) {
  // expected-error @+1 {{'simplex.attention' op query must be a ranked tensor or memref, found '!llvm.ptr'}}
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [4]
      : (!llvm.ptr, tensor<1x6x4x8xf32>, tensor<1x6x4x8xf32>)
      -> (tensor<1x6x4x8xf32>, tensor<1x4x6xf32>)
  return
}
