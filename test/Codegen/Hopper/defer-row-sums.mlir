// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-defer-row-sums | FileCheck %s

// In the loops a thread adds what it sees; the row is summed after them.
// CHECK-NOT: simplex.row_sum
// CHECK: %[[LOOP:.*]]:4 = scf.for
// CHECK: simplex.row_partial
// CHECK: %[[SUM:.*]] = simplex.row_reduce %[[LOOP]]#1
// CHECK: simplex.yield %[[LOOP]]#0, %[[SUM]], %[[LOOP]]#2
