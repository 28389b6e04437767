// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-defer-row-sums --simplex-rotate-keys --simplex-overlap-contracts --simplex-speculate-maximum | FileCheck %s
// RUN: sed s/bf16/f16/g %S/../../Transforms/Inputs/trilinear.mlir > %t
// RUN: simplex-opt %t --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-defer-row-sums --simplex-rotate-keys --simplex-overlap-contracts --simplex-speculate-maximum \
// RUN:   | FileCheck %s --check-prefix=F16

// CHECK: scf.while (%[[SAFE:.*]] = %false)
// Maxima begin at 0, which bounds the error of a sum that does not underflow.
// CHECK: %[[START:.*]] = scf.if %[[SAFE]] -> (!simplex.tile<64xf32>)
// A tile's first key raises them.
// CHECK: simplex.row_max
// CHECK: simplex.rescale
// The others only in a safe round.
// CHECK: scf.for
// CHECK: simplex.await
// CHECK: simplex.mask
// CHECK: scf.if %[[SAFE]] -> (!simplex.tile<64xf32>, !simplex.tile<64xf32>, !simplex.tile<64x64xf32>)
// CHECK-NEXT: simplex.row_max
// CHECK-NEXT: simplex.rescale
// CHECK-NEXT: simplex.rescale
// CHECK: } else {
// CHECK: simplex.exp
// CHECK: simplex.finalize %{{[a-z0-9]+}}, %[[SUM:[a-z0-9]+]],
// CHECK: %[[WRONG:.*]] = simplex.out_of_range %[[SUM]] : <64xf32>
// CHECK-NEXT: %[[ANY:.*]] = simplex.vote %[[WRONG]]
// CHECK: %[[FIRST:.*]] = arith.xori %[[SAFE]],
// CHECK-NEXT: %[[AGAIN:.*]] = arith.andi %[[ANY]], %[[FIRST]]
// CHECK-NEXT: scf.condition(%[[AGAIN]])

// The exponents of f16 do not reach that far: the accumulator shows it.
// F16: simplex.out_of_range %{{[0-9a-z#]+}} finite %{{[0-9a-z#]+}} : <64xf32>, !simplex.tile<64x64xf32>

// DEFINE: %{pairs} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma splits=2 warps=8" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-defer-row-sums \
// DEFINE:   --simplex-pair-tiles --simplex-rotate-keys
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{pairs} --simplex-overlap-contracts --simplex-speculate-maximum | FileCheck %s --check-prefix=PAIRS
// RUN: simplex-opt %t %{pairs} --simplex-overlap-contracts --simplex-speculate-maximum | FileCheck %s --check-prefixes=PAIRS,HALF

// A pair's first tile raises maxima by its first outer key, its second tile never does: in a safe round the first
// tile's product moves with them.
// PAIRS: scf.while (%[[SAFE:.*]] = %false)
// PAIRS: simplex.row_max
// PAIRS: scf.for
// PAIRS: %[[PV:.*]] = simplex.await
// PAIRS: simplex.start_contract %{{.*}} transposed
// PAIRS: %[[RENEWED:.*]]:4 = scf.if %[[SAFE]] -> (!simplex.tile<64xf32>, !simplex.tile<64xf32>, !simplex.tile<64x64xf32>, !simplex.tile<64x64xf32>)
// PAIRS-NEXT: %[[M:.*]] = simplex.row_max %{{.*}}, %[[OLD:.*]] scale
// PAIRS-NEXT: simplex.rescale
// PAIRS-NEXT: simplex.rescale
// PAIRS-NEXT: simplex.rescale %[[PV]] from %[[OLD]] to %[[M]]
// PAIRS: } else {
// PAIRS-NEXT: scf.yield %[[OLD]], %{{.*}}, %{{.*}}, %[[PV]] :
// PAIRS: simplex.exp %{{.*}}, %[[RENEWED]]#0
// PAIRS: {simplex.second_tile}
// PAIRS: scf.if %[[SAFE]]
// PAIRS-NEXT: simplex.row_max
// Behind the loop.
// PAIRS: scf.if %[[SAFE]]
// PAIRS-NEXT: simplex.row_max
// PAIRS: {simplex.second_tile}
// PAIRS-NOT: simplex.row_max
// PAIRS: simplex.finalize
// HALF: simplex.out_of_range %{{[0-9a-z#]+}} finite
