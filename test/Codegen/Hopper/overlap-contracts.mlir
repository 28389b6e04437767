// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-rotate-keys --simplex-overlap-contracts | FileCheck %s

// Before the loop there is nothing to do meanwhile.
// CHECK: simplex.contract %{{.*}} transposed
// CHECK: scf.for
// CHECK: %[[F0:.*]] = simplex.start_contract
// CHECK: %[[C:.*]] = simplex.combine
// CHECK-NEXT: %[[O:.*]] = simplex.await %[[F0]]
// CHECK-NEXT: %[[F1:.*]] = simplex.start_contract %[[C]], %{{.*}} transposed
// CHECK-NEXT: simplex.fold %{{.*}}, %[[O]]
// CHECK: scf.if
// CHECK-NEXT: simplex.await %[[F1]]
// CHECK: simplex.mask
// CHECK: } else {
// CHECK-NEXT: simplex.await %[[F1]]
// CHECK: simplex.exp
// CHECK: scf.yield
// CHECK: simplex.contract
