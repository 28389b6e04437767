// Upstream's tiling and fusion cut an attention into attentions.

// RUN: simplex-opt %s --transform-interpreter --canonicalize --cse --split-input-file | FileCheck %s

// Batch, key heads, queries; 4 heads are groups of 2. The queries of a tile
// stand at q0 = 40 - 24 + their offset.
// CHECK: #[[HEAD:.*]] = affine_map<(d0) -> (d0 * 2)>
// CHECK: #[[POSITION:.*]] = affine_map<(d0) -> (d0 + 16)>
// CHECK-LABEL: @loops
// CHECK-SAME: %[[Q:.*]]: tensor<3x24x4x8xf32>, %[[K:.*]]: tensor<3x40x2x8xf32>, %[[V:.*]]: tensor<3x40x2x5xf32>
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK: scf.for %[[B:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args
// CHECK: scf.for %[[G:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[OUT:.*]] = %{{.*}}, %[[LSE:.*]] = %{{.*}})
// CHECK-DAG: %[[H:.*]] = affine.apply #[[HEAD]](%[[G]])
// CHECK-DAG: %[[P:.*]] = affine.apply #[[POSITION]](%[[I]])
// CHECK-DAG: %[[QT:.*]] = tensor.extract_slice %[[Q]][%[[B]], %[[I]], %[[H]], 0] [1, 8, 2, 8] [1, 1, 1, 1]
// CHECK-DAG: %[[KT:.*]] = tensor.extract_slice %[[K]][%[[B]], 0, %[[G]], 0] [1, 40, 1, 8] [1, 1, 1, 1]
// CHECK-DAG: %[[VT:.*]] = tensor.extract_slice %[[V]][%[[B]], 0, %[[G]], 0] [1, 40, 1, 5] [1, 1, 1, 1]
// CHECK: %[[O:.*]], %[[L:.*]] = simplex.attention query(%[[QT]]) keys(%[[KT]], %[[KT]]) values(%[[VT]], %[[VT]]) positions(%[[P]], %[[C0]])
// CHECK-SAME: form determinant windows [3, 7] scale 2.000000e+00 value_biases [0.000000e+00, 1.000000e+00] {note = "kept", schedule = #simplex.schedule<rows = 8, keys = 16>}
// CHECK-SAME: -> (tensor<1x8x2x5xf32>, tensor<1x2x8xf32>)
// CHECK-DAG: tensor.insert_slice %[[O]] into %[[OUT]][%[[B]], %[[I]], %[[H]], 0] [1, 8, 2, 5]
// CHECK-DAG: tensor.insert_slice %[[L]] into %[[LSE]][%[[B]], %[[H]], %[[I]]] [1, 2, 8]
module attributes {transform.with_named_sequence} {
  func.func @loops(%q: tensor<3x24x4x8xf32>, %k: tensor<3x40x2x8xf32>, %v: tensor<3x40x2x5xf32>)
      -> (tensor<3x24x4x5xf32>, tensor<3x4x24xf32>) {
    %o, %l = simplex.attention query(%q) keys(%k, %k) values(%v, %v)
        form determinant windows [3, 7] scale 2.0 value_biases [0.0, 1.0]
        {note = "kept", schedule = #simplex.schedule<rows = 8, keys = 16>}
        : (tensor<3x24x4x8xf32>, tensor<3x40x2x8xf32>, tensor<3x40x2x8xf32>,
           tensor<3x40x2x5xf32>, tensor<3x40x2x5xf32>)
        -> (tensor<3x24x4x5xf32>, tensor<3x4x24xf32>)
    return %o, %l : tensor<3x24x4x5xf32>, tensor<3x4x24xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["simplex.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:3 = transform.structured.tile_using_for %op tile_sizes [1, 1, 8]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A parallel loop, dynamic extents, given positions and range, ragged tiles.
// CHECK: #[[OFFSET:.*]] = affine_map<(d0) -> (d0 * 5)>
// CHECK: #[[SUM:.*]] = affine_map<(d0)[s0] -> (d0 * 5 + s0)>
// CHECK-LABEL: @forall
// CHECK-SAME: %[[Q:.*]]: tensor<?x?x2x8xf32>, %[[K:.*]]: tensor<?x?x2x8xf32>, %[[Q0:.*]]: index, %[[K0:.*]]: index, %[[LO:.*]]: index, %[[HI:.*]]: index
// CHECK: scf.forall (%[[B:.*]], %[[T:.*]]) in (%{{.*}}, %{{.*}}) shared_outs
// CHECK-DAG: %[[I:.*]] = affine.apply #[[OFFSET]](%[[T]])
// CHECK-DAG: %[[N:.*]] = affine.min
// CHECK-DAG: %[[P:.*]] = affine.apply #[[SUM]](%[[T]])[%[[Q0]]]
// CHECK-DAG: %[[QT:.*]] = tensor.extract_slice %[[Q]][%[[B]], %[[I]], 0, 0] [1, %[[N]], 2, 8]
// CHECK-DAG: %[[KT:.*]] = tensor.extract_slice %[[K]][%[[B]], 0, 0, 0] [1, %{{.*}}, 2, 8]
// CHECK: %[[O:.*]], %[[L:.*]] = simplex.attention query(%[[QT]]) keys(%[[KT]]) values(%[[KT]]) positions(%[[P]], %[[K0]]) key_range(%[[LO]], %[[HI]])
// CHECK-SAME: bidirectional
// CHECK-SAME: -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
// CHECK-DAG: tensor.parallel_insert_slice %[[O]] into %{{.*}}[%[[B]], %[[I]], 0, 0] [1, %[[N]], 2, 8]
// CHECK-DAG: tensor.parallel_insert_slice %[[L]] into %{{.*}}[%[[B]], 0, %[[I]]] [1, 2, %[[N]]]
module attributes {transform.with_named_sequence} {
  func.func @forall(%q: tensor<?x?x2x8xf32>, %k: tensor<?x?x2x8xf32>, %q0: index, %k0: index, %lo: index,
                    %hi: index) -> (tensor<?x?x2x8xf32>, tensor<?x2x?xf32>) {
    %o, %l = simplex.attention query(%q) keys(%k) values(%k) positions(%q0, %k0) key_range(%lo, %hi)
        form multilinear windows [7] bidirectional
        : (tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>)
        -> (tensor<?x?x2x8xf32>, tensor<?x2x?xf32>)
    return %o, %l : tensor<?x?x2x8xf32>, tensor<?x2x?xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["simplex.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [1, 0, 5]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The attention moves into the loop of a consumer that is tiled by whole
// groups: heads 2 and 2 of groups of 2.
// CHECK-LABEL: @fuse
// CHECK: scf.forall (%{{.*}}) in (2)
// CHECK: %[[O:.*]], %{{.*}} = simplex.attention
// CHECK-SAME: (tensor<1x24x2x8xf32>, tensor<1x40x1x8xf32>, tensor<1x40x1x8xf32>) -> (tensor<1x24x2x8xf32>, tensor<1x2x24xf32>)
// CHECK: linalg.exp ins(%[[O]]
// CHECK: scf.forall.in_parallel
// CHECK-NOT: simplex.attention
// CHECK: return
module attributes {transform.with_named_sequence} {
  func.func @fuse(%q: tensor<1x24x4x8xf32>, %k: tensor<1x40x2x8xf32>) -> tensor<1x24x4x8xf32> {
    %o, %l = simplex.attention query(%q) keys(%k) values(%k)
        form multilinear windows [7]
        : (tensor<1x24x4x8xf32>, tensor<1x40x2x8xf32>, tensor<1x40x2x8xf32>)
        -> (tensor<1x24x4x8xf32>, tensor<1x4x24xf32>)
    %e = tensor.empty() : tensor<1x24x4x8xf32>
    %r = linalg.exp ins(%o : tensor<1x24x4x8xf32>) outs(%e : tensor<1x24x4x8xf32>) -> tensor<1x24x4x8xf32>
    return %r : tensor<1x24x4x8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %exp = transform.structured.match ops{["linalg.exp"]} in %root : (!transform.any_op) -> !transform.any_op
    %op = transform.structured.match ops{["simplex.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %exp tile_sizes [0, 0, 2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %all = transform.structured.fuse_into_containing_op %op into %loop
        : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// No keys: upstream allows no slice of an empty tensor.
// CHECK-LABEL: @no_keys
// CHECK: scf.forall
// CHECK: %[[K:.*]] = tensor.empty() : tensor<1x0x2x8xf32>
// CHECK: simplex.attention query(%{{.*}}) keys(%[[K]]) values(%[[K]])
module attributes {transform.with_named_sequence} {
  func.func @no_keys(%q: tensor<1x24x2x8xf32>, %k: tensor<1x0x2x8xf32>) -> tensor<1x24x2x8xf32> {
    %o, %l = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [7] bidirectional
        : (tensor<1x24x2x8xf32>, tensor<1x0x2x8xf32>, tensor<1x0x2x8xf32>)
        -> (tensor<1x24x2x8xf32>, tensor<1x2x24xf32>)
    return %o : tensor<1x24x2x8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["simplex.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [0, 0, 8]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
