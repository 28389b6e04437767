// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-defer-row-sums --simplex-rotate-keys --simplex-overlap-contracts --simplex-speculate-maximum \
// RUN:   --simplex-drop-rows | FileCheck %s
// One query a tile: outer keys are allowed.
// RUN: sed s/x8x/x64x/g %S/../../Transforms/Inputs/trilinear.mlir > %t.64.mlir
// RUN: simplex-opt %t.64.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-drop-rows \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=KEPT

// CHECK: scf.while (%[[SAFE:.*]] = %false)
// A tile's first outer key raises maxima: its logits are masked.
// CHECK: simplex.mask
// CHECK: simplex.row_max
// CHECK: scf.for
// CHECK: %[[GUARD:.*]]:2 = scf.if
// CHECK: %[[S:.*]] = simplex.await
// The range of keys and both sides of the last window, but not the outer one.
// CHECK-COUNT-3: arith.cmpi
// CHECK-NOT: arith.cmpi
// CHECK: %[[ELEMENTS:.*]] = arith.ori %{{.*}}, %[[SAFE]]
// CHECK-NEXT: %[[CHOICE:.*]]:2 = scf.if %[[ELEMENTS]]
// CHECK-NEXT: %[[MASK:.*]] = simplex.mask %[[S]] {{.*}} windows [16, 128] heads 8
// CHECK-NEXT: scf.yield %[[MASK]], %[[RUNNING:.*]] :
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[DROP:.*]] = simplex.drop_rows %[[RUNNING]] {{.*}} windows [16] heads 8
// CHECK-NEXT: scf.yield %[[S]], %[[DROP]] :
// CHECK: scf.yield %[[CHOICE]]#0, %[[CHOICE]]#1 :
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[T:.*]] = simplex.await
// CHECK-NEXT: scf.yield %[[T]], %[[RUNNING]] :
// In a safe round the maximum is of allowed logits, and the one that counts.
// CHECK: %[[RENEWED:.*]]:4 = scf.if %[[SAFE]]
// CHECK-NEXT: %[[MAX:.*]] = simplex.row_max %[[GUARD]]#0, %[[RUNNING]]
// CHECK: scf.yield %[[MAX]], {{.*}}, %[[MAX]] :
// CHECK: scf.yield %[[RUNNING]], {{.*}}, %[[GUARD]]#1 :
// CHECK: simplex.exp %[[GUARD]]#0, %[[RENEWED]]#3

// KEPT: simplex.mask
// KEPT-NOT: simplex.drop_rows

// The mask of a pair's second tile, too, in the loop and behind it.
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" \
// RUN:   --mlir-print-ir-after=simplex-drop-rows -o /dev/null 2>&1 | FileCheck %s --check-prefix=PAIRS
// PAIRS: scf.for
// PAIRS: scf.for
// PAIRS: simplex.mask %{{.*}} columns(%[[NEXT:[0-9]+]]) outer(%[[J:[a-z0-9]+]])
// PAIRS: %[[DROP:.*]] = simplex.drop_rows %[[RUNNING:[a-z0-9]+]] {{.*}} outer(%[[J]])
// PAIRS: %[[M:.*]] = simplex.row_max %{{.*}}, %[[RUNNING]] scale
// PAIRS: simplex.exp
// PAIRS: {simplex.second_tile}
// PAIRS: simplex.drop_rows
// PAIRS: simplex.mask %{{.*}} columns(%[[NEXT]])
// PAIRS: simplex.drop_rows
// PAIRS: {simplex.second_tile}
