// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma splits=2 warps=8" \
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
// CHECK: scf.for %[[J:.*]] = %[[SECOND]] to %[[END]] step %c2 iter_args(%[[LAST:.*]] = %[[BEGIN]], %[[P:.*]] = %[[P0]],
// CHECK: %[[O:.*]] = simplex.contract %[[P]],
// CHECK: simplex.load %arg3[%{{.*}}, %[[LAST]], %c0]
// CHECK: simplex.load %arg1[%{{.*}}, %[[J]], %c0]
// CHECK: simplex.contract %{{.*}} transposed
// CHECK: simplex.fold %{{.*}}, %[[O]]
// CHECK: simplex.exp
// CHECK: %[[NEXT:.*]] = simplex.convert
// CHECK: scf.yield %[[J]], %[[NEXT]],
// The last key's values.
// CHECK: simplex.contract
// CHECK: simplex.fold
// CHECK: scf.yield
