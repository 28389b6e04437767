// RUN: simplex-opt %s --canonicalize --split-input-file | FileCheck %s
// RUN: simplex-opt %s --canonicalize --split-input-file | simplex-opt --canonicalize --split-input-file | FileCheck %s

// Biases that are all zero are dropped, by list.
// CHECK-LABEL: @zero_biases
// CHECK: windows [2, 3] :
// CHECK: windows [2, 3] value_biases [0.000000e+00, 1.000000e+00] :
// CHECK: windows [2, 3] key_biases [5.000000e-01, 0.000000e+00] :
func.func @zero_biases(%q: tensor<1x?x2x8xf32>, %k: tensor<1x?x2x8xf32>)
    -> (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>) {
  %o0, %l0 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form multilinear windows [2, 3] key_biases [0.0, -0.0] value_biases [0.0, 0.0]
      : (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>,
         tensor<1x?x2x8xf32>) -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form multilinear windows [2, 3] key_biases [0.0, 0.0] value_biases [0.0, 1.0]
      : (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>,
         tensor<1x?x2x8xf32>) -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
  %o2, %l2 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form multilinear windows [2, 3] key_biases [0.5, 0.0]
      : (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>,
         tensor<1x?x2x8xf32>) -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
  return %o0, %o1, %o2 : tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>
}

// -----

// The default scale is left out; its neighbour is not.
// CHECK-LABEL: @scale
// CHECK: windows [3] :
// CHECK: windows [3] scale 0.12500000000000003 :
func.func @scale(%q: tensor<1x?x2x64xf32>, %k: tensor<1x?x2x64xf32>)
    -> (tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>) {
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [3] scale 0.125
      : (tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>)
      -> (tensor<1x?x2x64xf32>, tensor<1x2x?xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [3] scale 0.12500000000000003
      : (tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>)
      -> (tensor<1x?x2x64xf32>, tensor<1x2x?xf32>)
  return %o0, %o1 : tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>
}

// -----

// Causal: with 6 queries at the end of 9 keys, the last query is 8 past key 0.
// CHECK-LABEL: @windows_causal
// CHECK: windows [8, 0, 0] :
func.func @windows_causal(%q: tensor<1x6x2x8xf32>, %k: tensor<1x9x2x8xf32>) -> tensor<1x6x2x8xf32> {
  %o, %l = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k)
      form multilinear windows [8, 9, 2305843009213693952]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>,
         tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return %o : tensor<1x6x2x8xf32>
}

// -----

// Bidirectional: with 9 queries over 6 keys, the first query is at -3 and the
// last key at 5, 8 ahead. A causal window of 6 reaches all of them.
// CHECK-LABEL: @windows_bidirectional
// CHECK: windows [6, 8, 0] bidirectional :
// CHECK: windows [5, 0, 0] :
func.func @windows_bidirectional(%q: tensor<1x9x2x8xf32>, %k: tensor<1x6x2x8xf32>)
    -> (tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>) {
  %o0, %l0 = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k)
      form multilinear windows [6, 8, 9] bidirectional
      : (tensor<1x9x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
         tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>)
      -> (tensor<1x9x2x8xf32>, tensor<1x2x9xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k)
      form multilinear windows [5, 6, 9]
      : (tensor<1x9x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
         tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>)
      -> (tensor<1x9x2x8xf32>, tensor<1x2x9xf32>)
  return %o0, %o1 : tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>
}

// -----

// With positions, the last query is at 25 and key 0 at 10: 15 back. The first
// query is at 20 and the last key at 18: never ahead. Positions that are not
// constant leave a window as it is, and so does a length that is not static.
// CHECK-LABEL: @windows_positions
// CHECK: windows [15, 0] :
// CHECK: windows [15, 0] bidirectional :
// CHECK: windows [2000000000] :
// CHECK: windows [2000000000] :
// CHECK: windows [0] :
func.func @windows_positions(%q: tensor<1x6x2x8xf32>, %k: tensor<1x9x2x8xf32>,
                             %kd: tensor<1x?x2x8xf32>, %i: index)
    -> (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
        tensor<1x6x2x8xf32>) {
  %c10 = arith.constant 10 : index
  %c20 = arith.constant 20 : index
  %o0, %l0 = simplex.attention query(%q) keys(%k, %k) values(%k, %k) positions(%c20, %c10)
      form multilinear windows [15, 16]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>,
         tensor<1x9x2x8xf32>) -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k, %k) values(%k, %k) positions(%c20, %c10)
      form multilinear windows [15, 16] bidirectional
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>,
         tensor<1x9x2x8xf32>) -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o2, %l2 = simplex.attention query(%q) keys(%k) values(%k) positions(%i, %c10)
      form multilinear windows [2000000000]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o3, %l3 = simplex.attention query(%q) keys(%kd) values(%kd)
      form multilinear windows [2000000000]
      : (tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  // No length can be above 2^31 - 1.
  %o4, %l4 = simplex.attention query(%q) keys(%kd) values(%kd)
      form multilinear windows [2147483647]
      : (tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return %o0, %o1, %o2, %o3, %o4 : tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
      tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>
}

// -----

// On buffers windows stay.
// CHECK-LABEL: @windows_buffers
// CHECK: windows [9] :
func.func @windows_buffers(%q: memref<1x6x2x8xf32>, %k: memref<1x9x2x8xf32>,
                           %o: memref<1x6x2x8xf32>, %l: memref<1x2x6xf32>) {
  simplex.attention query(%q) keys(%k) values(%k) outs(%o, %l)
      form multilinear windows [9]
      : (memref<1x6x2x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x8xf32>, memref<1x6x2x8xf32>,
         memref<1x2x6xf32>) -> ()
  return
}

// -----

// A range that holds every key is dropped, whether its end is a number or the
// extent itself.
// CHECK-LABEL: @full_range
// CHECK: values(%{{.*}}) form multilinear
// CHECK: values(%{{.*}}) form multilinear
// CHECK: values(%{{.*}}) positions(%{{[a-z0-9_]+}}, %{{[a-z0-9_]+}}) form multilinear
func.func @full_range(%q: tensor<1x6x2x8xf32>, %k: tensor<1x9x2x8xf32>, %kd: tensor<1x?x2x8xf32>, %i: index)
    -> (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %c4 = arith.constant 4 : index
  %c13 = arith.constant 13 : index
  %n = tensor.dim %kd, %c1 : tensor<1x?x2x8xf32>
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k) key_range(%c0, %c9)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%kd) values(%kd) key_range(%c0, %n)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o2, %l2 = simplex.attention query(%q) keys(%k) values(%k) positions(%i, %c4) key_range(%c4, %c13)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return %o0, %o1, %o2 : tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>
}

// -----

// One that leaves out a key, or may, stays.
// CHECK-LABEL: @partial_range
// CHECK-COUNT-5: key_range
func.func @partial_range(%q: tensor<1x6x2x8xf32>, %k: tensor<1x9x2x8xf32>, %kd: tensor<1x?x2x8xf32>, %i: index)
    -> (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
        tensor<1x6x2x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c9 = arith.constant 9 : index
  %n = tensor.dim %kd, %c1 : tensor<1x?x2x8xf32>
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k) key_range(%c0, %c8)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k) values(%k) key_range(%c1, %c9)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  // Key 0 is not at 0.
  %o2, %l2 = simplex.attention query(%q) keys(%k) values(%k) positions(%i, %c1) key_range(%c0, %c9)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o3, %l3 = simplex.attention query(%q) keys(%k) values(%k) positions(%i, %i) key_range(%c0, %c9)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  // The extent of something else.
  %o4, %l4 = simplex.attention query(%q) keys(%k) values(%k) key_range(%c0, %n)
      form multilinear windows [3]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return %o0, %o1, %o2, %o3, %o4 : tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
      tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>
}

// -----

// The queries are the last ones: by numbers, shifted together, or by extents.
// CHECK-LABEL: @default_positions
// CHECK-NOT: positions
// CHECK: return
func.func @default_positions(%q: tensor<1x6x2x8xf32>, %k: tensor<1x9x2x8xf32>,
                             %qd: tensor<1x?x2x8xf32>, %kd: tensor<1x?x2x8xf32>)
    -> (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %nq = tensor.dim %qd, %c1 : tensor<1x?x2x8xf32>
  %nk = tensor.dim %kd, %c1 : tensor<1x?x2x8xf32>
  %q0 = arith.subi %nk, %nq : index
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k) positions(%c3, %c0)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k) values(%k) positions(%c4, %c1)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o2, %l2 = simplex.attention query(%qd) keys(%kd) values(%kd) positions(%q0, %c0)
      form multilinear windows [4]
      : (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
      -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
  return %o0, %o1, %o2 : tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>
}

// -----

// Others stay; also shifted ones where a range speaks of positions.
// CHECK-LABEL: @other_positions
// CHECK-COUNT-4: positions
func.func @other_positions(%q: tensor<1x6x2x8xf32>, %k: tensor<1x9x2x8xf32>, %kd: tensor<1x?x2x8xf32>)
    -> (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k) positions(%c4, %c0)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k) values(%k) positions(%c4, %c1) key_range(%c3, %c4)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x9x2x8xf32>, tensor<1x9x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o2, %l2 = simplex.attention query(%q) keys(%kd) values(%kd) positions(%c3, %c0)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  // q0 = Sq - Sk, the wrong way round.
  %n = tensor.dim %kd, %c1 : tensor<1x?x2x8xf32>
  %c6 = arith.constant 6 : index
  %d = arith.subi %c6, %n : index
  %o3, %l3 = simplex.attention query(%q) keys(%kd) values(%kd) positions(%d, %c0)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return %o0, %o1, %o2, %o3 : tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
      tensor<1x6x2x8xf32>
}

// -----

// Casts that hide extents disappear, and the results are cast back.
// CHECK-LABEL: @casts
// CHECK-SAME: %[[Q:.*]]: tensor<2x6x2x8xf32>, %[[K:.*]]: tensor<2x9x2x8xf32>
// CHECK-NEXT: %[[O:.*]], %[[L:.*]] = simplex.attention query(%[[Q]]) keys(%[[K]]) values(%[[K]])
// CHECK-SAME: {note = "kept"}
// CHECK-SAME: (tensor<2x6x2x8xf32>, tensor<2x9x2x8xf32>, tensor<2x9x2x8xf32>) -> (tensor<2x6x2x8xf32>, tensor<2x2x6xf32>)
// CHECK-DAG: tensor.cast %[[O]] : tensor<2x6x2x8xf32> to tensor<?x?x2x8xf32>
// CHECK-DAG: tensor.cast %[[L]] : tensor<2x2x6xf32> to tensor<?x2x?xf32>
func.func @casts(%q: tensor<2x6x2x8xf32>, %k: tensor<2x9x2x8xf32>) -> (tensor<?x?x2x8xf32>, tensor<?x2x?xf32>) {
  %qd = tensor.cast %q : tensor<2x6x2x8xf32> to tensor<?x?x2x8xf32>
  %kd = tensor.cast %k : tensor<2x9x2x8xf32> to tensor<?x?x2x8xf32>
  %o, %l = simplex.attention query(%qd) keys(%kd) values(%kd)
      form multilinear windows [4] {note = "kept"}
      : (tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>)
      -> (tensor<?x?x2x8xf32>, tensor<?x2x?xf32>)
  return %o, %l : tensor<?x?x2x8xf32>, tensor<?x2x?xf32>
}

// -----

// The batch extent of the keys is that of the results; what a result type
// says already is kept.
// CHECK-LABEL: @results
// CHECK: -> (tensor<2x6x2x8xf32>, tensor<2x2x6xf32>)
func.func @results(%q: tensor<?x?x2x8xf32>, %k: tensor<2x9x2x8xf32>) -> (tensor<?x6x?x?xf32>, tensor<?x?x?xf32>) {
  %o, %l = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [4]
      : (tensor<?x?x2x8xf32>, tensor<2x9x2x8xf32>, tensor<2x9x2x8xf32>)
      -> (tensor<?x6x?x?xf32>, tensor<?x?x?xf32>)
  return %o, %l : tensor<?x6x?x?xf32>, tensor<?x?x?xf32>
}

// -----

// Extents that differ are an error of the running program, not of this module.
// CHECK-LABEL: @casts_conflict
// CHECK-COUNT-2: tensor.cast
// CHECK: (tensor<2x6x2x8xf32>, tensor<2x?x2x8xf32>, tensor<2x?x2x8xf32>) ->
func.func @casts_conflict(%q: tensor<2x6x2x8xf32>, %k: tensor<2x9x2x8xf32>, %v: tensor<2x8x2x8xf32>)
    -> tensor<2x6x2x8xf32> {
  %kd = tensor.cast %k : tensor<2x9x2x8xf32> to tensor<2x?x2x8xf32>
  %vd = tensor.cast %v : tensor<2x8x2x8xf32> to tensor<2x?x2x8xf32>
  %o, %l = simplex.attention query(%q) keys(%kd) values(%vd)
      form multilinear windows [4]
      : (tensor<2x6x2x8xf32>, tensor<2x?x2x8xf32>, tensor<2x?x2x8xf32>)
      -> (tensor<2x6x2x8xf32>, tensor<2x2x6xf32>)
  return %o : tensor<2x6x2x8xf32>
}

// -----

// An attention without a use is erased, on tensors.
// CHECK-LABEL: @unused
// CHECK-NEXT: return
func.func @unused(%q: tensor<1x6x2x8xf32>) {
  %o, %l = simplex.attention query(%q) keys(%q) values(%q)
      form multilinear windows [4]
      : (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return
}
