// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0" \
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

// DEFINE: %{pairs} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-defer-row-sums \
// DEFINE:   --simplex-pair-tiles --simplex-rotate-keys
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{pairs} --simplex-overlap-contracts | FileCheck %s --check-prefix=PAIRS

// PAIRS: simplex.contract %{{.*}} transposed
// PAIRS: scf.for %{{.*}} step %c1
// PAIRS-NEXT: arith.subi
// PAIRS-NEXT: %[[SECOND:.*]]:5 = scf.if
// PAIRS-NEXT: %[[F0:.*]] = simplex.start_contract
// PAIRS: %[[PV:.*]] = simplex.await %[[F0]]
// PAIRS-NEXT: %[[F1:.*]] = simplex.start_contract %{{.*}} transposed
// PAIRS: scf.if
// PAIRS-NEXT: simplex.await %[[F1]]
// PAIRS: } else {
// PAIRS-NEXT: simplex.await %[[F1]]
// PAIRS: simplex.rescale %[[PV]]
// PAIRS: {simplex.second_tile}
// The last tile's values are added to those of the first: no fold in between.
// PAIRS-NEXT: %[[F2:.*]] = simplex.start_contract %[[SECOND]]#0, %{{.*}} onto %[[SECOND]]#1
// PAIRS: %[[C:.*]] = simplex.combine
// PAIRS-NEXT: %[[BOTH:.*]] = simplex.await %[[F2]]
// PAIRS-NEXT: %[[F3:.*]] = simplex.start_contract %[[C]], %{{.*}} transposed
// PAIRS-NEXT: simplex.fold %[[SECOND]]#4, %[[BOTH]] values(
// PAIRS: simplex.await %[[F3]]
// Behind the loop, too; there nothing else is to be done meanwhile.
// PAIRS: %[[REST:.*]]:5 = scf.if
// PAIRS-NEXT: simplex.contract
// PAIRS: {simplex.second_tile}
// PAIRS-NEXT: %[[F5:.*]] = simplex.start_contract %[[REST]]#0, %{{.*}} onto %[[REST]]#1
// PAIRS-NEXT: %[[LAST:.*]] = simplex.await %[[F5]]
// PAIRS-NEXT: simplex.fold %[[REST]]#4, %[[LAST]] values(

// A bias of the last value comes with the await.
// RUN: sed 's/windows .128, 16./& value_biases [3.0, 4.0]/' %S/../../Transforms/Inputs/trilinear.mlir > %t.bias.mlir
// RUN: simplex-opt %t.bias.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-overlap-contracts \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=BIAS
// BIAS: %[[SECOND:.*]]:6 = scf.if
// BIAS-NEXT: %[[F0:.*]] = simplex.start_contract
// BIAS: simplex.await %[[F0]] init
// BIAS: {simplex.second_tile}
// BIAS-NEXT: %[[F1:.*]] = simplex.start_contract %[[SECOND]]#0, %{{.*}} onto %[[SECOND]]#2
// BIAS: simplex.await %[[F1]] init %[[SECOND]]#1
