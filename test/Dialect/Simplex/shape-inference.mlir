// RUN: simplex-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// The extents of results are those of the operands.
// CHECK-LABEL: @shapes
// CHECK-SAME: %[[Q:.*]]: tensor<?x?x4x8xf32>, %[[K:.*]]: tensor<?x?x2x8xf32>, %[[V:.*]]: tensor<?x?x2x5xf32>
// CHECK-DAG: %[[C5:.*]] = arith.constant 5
// CHECK-DAG: %[[C4:.*]] = arith.constant 4
// CHECK-DAG: %[[C0:.*]] = arith.constant 0
// CHECK-DAG: %[[C1:.*]] = arith.constant 1
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[Q]], %[[C0]]
// CHECK-DAG: %[[S:.*]] = tensor.dim %[[Q]], %[[C1]]
// CHECK-NOT: simplex.attention
// CHECK: return %[[B]], %[[S]], %[[C4]], %[[C5]], %[[B]], %[[C4]], %[[S]]
func.func @shapes(%q: tensor<?x?x4x8xf32>, %k: tensor<?x?x2x8xf32>, %v: tensor<?x?x2x5xf32>)
    -> (index, index, index, index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %o, %l = simplex.attention query(%q) keys(%k) values(%v)
      form multilinear windows [4]
      : (tensor<?x?x4x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x5xf32>)
      -> (tensor<?x?x?x?xf32>, tensor<?x?x?xf32>)
  %o0 = tensor.dim %o, %c0 : tensor<?x?x?x?xf32>
  %o1 = tensor.dim %o, %c1 : tensor<?x?x?x?xf32>
  %o2 = tensor.dim %o, %c2 : tensor<?x?x?x?xf32>
  %o3 = tensor.dim %o, %c3 : tensor<?x?x?x?xf32>
  %l0 = tensor.dim %l, %c0 : tensor<?x?x?xf32>
  %l1 = tensor.dim %l, %c1 : tensor<?x?x?xf32>
  %l2 = tensor.dim %l, %c2 : tensor<?x?x?xf32>
  return %o0, %o1, %o2, %o3, %l0, %l1, %l2 : index, index, index, index, index, index, index
}
