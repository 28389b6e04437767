// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-rotate-keys --simplex-overlap-contracts --simplex-take-turns | FileCheck %s

// CHECK: simplex.open_turns
// CHECK: simplex.split 2
// CHECK-NEXT: ^bb0(%[[SHARE:.*]]: index):
// CHECK: scf.for %{{.*}} = %[[BEGIN:.*]] to %[[END:.*]] step %c2 iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-NEXT: arith.subi
// CHECK-NEXT: simplex.take_turn
// CHECK-NEXT: simplex.start_contract
// CHECK: simplex.start_contract
// CHECK-NEXT: simplex.pass_turn
// A share that is one key shorter takes its turn as often.
// CHECK: %[[OWN:.*]] = arith.subi %[[END]], %[[BEGIN]] : index
// CHECK: %[[LONGEST:.*]] = arith.addi %[[OWN]], %[[SHARE]]
// CHECK: scf.for
// CHECK-NEXT: simplex.take_turn
// CHECK-NEXT: simplex.pass_turn
// CHECK: simplex.close_turns
// CHECK-NEXT: return

// DEFINE: %{pairs} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma splits=2 warps=8" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-defer-row-sums \
// DEFINE:   --simplex-pair-tiles --simplex-rotate-keys
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{pairs} --simplex-overlap-contracts --simplex-take-turns | FileCheck %s --check-prefix=PAIRS

// The second tile of a pair has a turn of its own.
// PAIRS: simplex.split 2
// PAIRS-NEXT: ^bb0(%[[SHARE:.*]]: index):
// PAIRS: %[[TWO:.*]] = arith.cmpi slt
// PAIRS: scf.for %{{.*}} = %[[BEGIN:.*]] to %[[END:.*]] step %c2 iter_args
// PAIRS-NEXT: arith.subi
// PAIRS-NEXT: scf.if %[[TWO]]
// PAIRS-NEXT: simplex.take_turn
// PAIRS-NEXT: simplex.start_contract
// PAIRS: simplex.start_contract %{{.*}} transposed
// PAIRS-NEXT: simplex.pass_turn
// PAIRS: {simplex.second_tile}
// PAIRS-NEXT: simplex.take_turn
// PAIRS-NEXT: simplex.start_contract {{.*}} onto
// PAIRS: simplex.start_contract %{{.*}} transposed
// PAIRS-NEXT: simplex.pass_turn
// A share that is one key shorter takes both as often.
// PAIRS: %[[OWN:.*]] = arith.subi %[[END]], %[[BEGIN]]
// PAIRS: %[[LONGEST:.*]] = arith.addi %[[OWN]], %[[SHARE]]
// PAIRS: scf.for
// PAIRS-NEXT: simplex.take_turn
// PAIRS-NEXT: simplex.pass_turn
// PAIRS-NEXT: scf.if %[[TWO]] {
// PAIRS-NEXT: simplex.take_turn
// PAIRS-NEXT: simplex.pass_turn
// PAIRS-NEXT: {{^ *[}]}}
// PAIRS-NEXT: {{^ *[}]}}
// Not behind the loop, which a share without keys does not come to.
// PAIRS: {simplex.second_tile}
// PAIRS-NOT: turn
// PAIRS: simplex.close_turns

// Nor where that is in a loop over another outer key: its iterations are the same in both shares.
// RUN: sed 's/windows .4, 8, 256./windows [0, 0, 0]/' %S/../../Transforms/Inputs/quadrilinear.mlir > %t.mlir
// RUN: simplex-opt %t.mlir %{pairs} --simplex-overlap-contracts --simplex-take-turns | FileCheck %s --check-prefix=NEST
// NEST-COUNT-4: simplex.take_turn
// NEST-NOT: simplex.take_turn
