// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-rotate-keys | FileCheck %s

// CHECK: simplex.copy_wait
// CHECK: scf.if
// CHECK: %[[SOME:.*]] = arith.cmpi slt, %[[BEGIN:.*]], %[[END:.*]] : index
// CHECK-NEXT: scf.if %[[SOME]] -> (!simplex.tile
// The first key up to its probabilities.
// CHECK: simplex.load %arg1[%{{.*}}, %[[BEGIN]], %c0]
// CHECK: simplex.contract %{{.*}} transposed
// CHECK: %[[P0:.*]] = simplex.convert
// CHECK: %[[SECOND:.*]] = arith.addi %[[BEGIN]], %c2
// Each iteration multiplies the last key's, then computes its own.
// Which key was the last one is not carried, but computed.
// CHECK: scf.for %[[J:.*]] = %[[SECOND]] to %[[END]] step %c2 iter_args(%[[P:.*]] = %[[P0]],
// CHECK-NEXT: %[[LAST:.*]] = arith.subi %[[J]], %c2
// CHECK: %[[O:.*]] = simplex.contract %[[P]],
// CHECK: simplex.load %arg3[%{{.*}}, %[[LAST]], %c0]
// CHECK: simplex.load %arg1[%{{.*}}, %[[J]], %c0]
// CHECK: simplex.contract %{{.*}} transposed
// CHECK: simplex.fold %{{.*}}, %[[O]]
// CHECK: simplex.exp
// CHECK: %[[NEXT:.*]] = simplex.convert
// CHECK: scf.yield %[[NEXT]],
// The last key's values.
// CHECK: %[[LENGTH:.*]] = arith.subi %[[END]], %[[BEGIN]]
// CHECK: %[[STEPS:.*]] = arith.muli
// CHECK: %[[J:.*]] = arith.addi %[[BEGIN]], %[[STEPS]]
// CHECK: simplex.load %arg3[%{{.*}}, %[[J]], %c0]
// CHECK: simplex.contract
// CHECK: simplex.fold
// CHECK: scf.yield

// DEFINE: %{pairs} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-defer-row-sums \
// DEFINE:   --simplex-pair-tiles --simplex-rotate-keys
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{pairs} | FileCheck %s --check-prefix=PAIRS

// With pairs of tiles the second tile and what follows it go with the values: the combined tile is carried, too.
// PAIRS: %[[TWO:.*]] = arith.cmpi slt
// PAIRS: scf.if %{{[0-9]+}} -> (!simplex.tile
// PAIRS: %[[C0:.*]] = simplex.combine
// PAIRS: %[[P0:.*]] = simplex.convert
// PAIRS: scf.for %[[J:.*]] = %{{.*}} iter_args({{.*}}%[[P:.*]] = %[[P0]], %[[C:.*]] = %[[C0]],
// PAIRS-NEXT: arith.subi %[[J]]
// PAIRS-NEXT: %[[SECOND:.*]]:5 = scf.if %[[TWO]]
// PAIRS-NEXT: %[[PV:.*]] = simplex.contract %[[P]],
// PAIRS: simplex.contract %[[C]], %{{.*}} transposed
// PAIRS: } {simplex.second_tile}
// PAIRS-NEXT: %[[O:.*]] = simplex.contract %[[SECOND]]#0,
// PAIRS: simplex.load %arg1[%{{.*}}, %[[J]], %c0]
// PAIRS: %[[NEXT:.*]] = simplex.combine
// PAIRS-NEXT: simplex.contract %[[NEXT]], %{{.*}} transposed
// PAIRS: %[[BOTH:.*]] = simplex.fold %[[SECOND]]#1, %[[O]] biases []
// PAIRS-NEXT: simplex.fold %[[SECOND]]#4, %[[BOTH]] values(
// PAIRS: simplex.row_max %{{.*}}, %[[SECOND]]#2
// PAIRS: %[[PN:.*]] = simplex.convert
// PAIRS: scf.yield {{.*}}%[[PN]], %[[NEXT]],
// The last key's second tile and values.
// PAIRS: scf.if %[[TWO]]
// PAIRS: } {simplex.second_tile}
// PAIRS-NEXT: simplex.contract
// PAIRS: simplex.fold {{.*}} biases []
// PAIRS-NEXT: simplex.fold {{.*}} values(
