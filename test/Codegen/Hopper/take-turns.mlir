// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-rotate-keys --simplex-overlap-contracts --simplex-take-turns | FileCheck %s

// CHECK: simplex.open_turns
// CHECK: simplex.split 2
// CHECK-NEXT: ^bb0(%[[SHARE:.*]]: index):
// CHECK: scf.for %{{.*}} = %[[BEGIN:.*]] to %[[END:.*]] step %c2 iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-NEXT: simplex.take_turn
// CHECK-NEXT: simplex.start_contract
// CHECK: simplex.start_contract
// CHECK-NEXT: simplex.pass_turn
// A share that is one key shorter takes its turn as often.
// CHECK: %[[OWN:.*]] = arith.subi %[[END]], %[[BEGIN]]
// CHECK: %[[LONGEST:.*]] = arith.addi %[[OWN]], %[[SHARE]]
// CHECK: scf.for
// CHECK-NEXT: simplex.take_turn
// CHECK-NEXT: simplex.pass_turn
// CHECK: simplex.close_turns
// CHECK-NEXT: return
