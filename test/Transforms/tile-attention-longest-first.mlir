// Where later queries see more keys, their tiles come first, over all batches and heads.

// RUN: simplex-opt %S/Inputs/dot-product.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse | FileCheck %s
// RUN: sed 's/windows .0./windows [256]/' %S/Inputs/dot-product.mlir > %t
// RUN: simplex-opt %t --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse | FileCheck %s --check-prefix=WINDOW

// CHECK: %[[ITEM:.*]] = simplex.work_item
// CHECK: %[[LENGTH:.*]] = memref.dim %[[Q:.*]], %c1
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[LENGTH]], %c16
// CHECK: %[[BATCHES:.*]] = memref.dim %[[Q]], %c0
// CHECK: arith.remui %[[ITEM]], %[[BATCHES]]
// CHECK: %[[PLACE:.*]] = arith.divui %[[ITEM]], %[[BATCHES]]
// CHECK: %[[LAST:.*]] = arith.subi %[[TILES]], %c1
// CHECK: %[[TILE:.*]] = arith.subi %[[LAST]], %[[PLACE]]
// CHECK: arith.muli %[[TILE]], %c16

// WINDOW: %[[ITEM:.*]] = simplex.work_item
// WINDOW: %[[TILES:.*]] = arith.ceildivsi
// WINDOW: %[[TILE:.*]] = arith.remui %[[ITEM]], %[[TILES]]
// WINDOW: arith.muli %[[TILE]],
