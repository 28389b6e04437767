// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-defer-row-sums --simplex-rotate-tiles --canonicalize --simplex-overlap-contracts \
// RUN:   --simplex-specialize-copies --canonicalize --cse -o %t
// RUN: FileCheck %s --check-prefix=BEFORE --input-file=%t
// RUN: simplex-opt %t --simplex-copy-by-maps --canonicalize --cse --remarks-filter=simplex --remark-format=emitRemark -o %t.maps \
// RUN:   2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s --input-file=%t.maps

// BEFORE-NOT: simplex.fetch
// BEFORE: simplex.specialize copy {
// BEFORE: simplex.acquire %[[K:.*]][%[[SLOT:.*]]] phase
// BEFORE: simplex.copy
// BEFORE-NEXT: simplex.commit

// REMARK: remark: [Passed] tensor-maps
// REMARK-SAME: tensor maps bring tiles of keys and values

// Without a key range all rows are to be had. Channels know who fills them.
// CHECK: func.func private @attend_kernel
// CHECK: %[[MAPS:.*]] = simplex.has_maps
// CHECK-NEXT: %[[NONE:.*]] = arith.xori %[[MAPS]], %true
// CHECK-NEXT: simplex.open_channel %[[K:.*]] by_maps %[[MAPS]] : memref
// CHECK-NEXT: simplex.open_channel %[[V:.*]] by_maps %[[MAPS]] : memref
// CHECK: gpu.barrier
// CHECK: scf.for %[[TILE:[a-z0-9]*]] =
// CHECK-NOT: simplex.acquire
// CHECK: %[[TO:.*]] = memref.subview
// CHECK-NEXT: scf.if %[[MAPS]] {
// CHECK-NEXT: simplex.fetch %arg1[%[[B:.*]], %[[TILE]], %[[H:.*]]] to %[[TO]], %[[K]][%[[KSLOT:.*]]] phase %[[PHASE:.*]] : memref
// CHECK-NEXT: } else {
// CHECK-NEXT: simplex.acquire %[[K]][%[[KSLOT]]] phase %[[PHASE]] :
// CHECK-NEXT: simplex.copy %arg1[%[[B]], %[[TILE]], %[[H]]] valid({{.*}}) heads 1 to %[[TO]] {simplex.unroll}
// CHECK-NEXT: }
// CHECK-NEXT: simplex.commit
// What is fetched is not announced.
// CHECK: %[[LATER:.*]] = arith.andi %{{.*}}, %[[NONE]]
// CHECK-NEXT: scf.if %[[LATER]] {
// CHECK-NEXT: simplex.announce %[[V]]
// CHECK: simplex.fetch %arg2[%[[B]], %[[TILE]], %[[H]]] to %{{.*}}, %[[V]][%[[VSLOT:.*]]] phase %[[VPHASE:.*]] : memref
// CHECK: simplex.acquire %[[V]][%[[VSLOT]]] phase %[[VPHASE]] :
// CHECK: simplex.commit
// CHECK-NEXT: scf.if %[[NONE]] {
// CHECK-NEXT: simplex.announce %[[K]]
// CHECK: } compute {
// CHECK-NOT: simplex.fetch

// Blocks that stay: the query is copied by all warps of the role, and announced.
// RUN: sed -e 's/windows .0./windows [512]/' %S/../../Transforms/Inputs/dot-product.mlir > %t.window.mlir
// RUN: simplex-opt %t.window.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-copy-by-maps 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=ITEMS
// ITEMS: %[[MAPS:.*]] = simplex.has_maps
// ITEMS: simplex.open_channel %{{.*}} by_maps %[[MAPS]] :
// ITEMS-NEXT: simplex.open_channel %{{.*}} by_maps %[[MAPS]] :
// ITEMS-NEXT: simplex.open_channel %[[Q:.*]] by_threads :
// ITEMS: simplex.specialize copy {
// ITEMS: simplex.acquire %[[Q]]
// ITEMS-NEXT: simplex.copy
// ITEMS-NEXT: simplex.commit
// ITEMS: simplex.fetch
// ITEMS: simplex.commit
// ITEMS: } else {
// ITEMS-NOT: scf.if
// ITEMS: simplex.announce %[[Q]]

// A key range hides rows that a map would read: there are no maps then.
// RUN: sed -e 's/(%%q: /(%%lo: index, %%hi: index, %%q: /' -e 's/values(%%v)/& key_range(%%lo, %%hi)/' \
// RUN:   %S/../../Transforms/Inputs/dot-product.mlir > %t.range.mlir
// RUN: simplex-opt %t.range.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-copy-by-maps 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=RANGE
// RANGE: %[[BEGIN:.*]] = arith.maxsi %{{.*}}, %c0
// RANGE: %[[END:.*]] = arith.minsi
// RANGE: %[[GIVEN:.*]] = simplex.has_maps
// RANGE: %[[FIRST:.*]] = arith.cmpi sle, %[[BEGIN]], %c0
// RANGE: %[[SOME:.*]] = arith.andi %[[GIVEN]], %[[FIRST]]
// RANGE: %[[DIM:.*]] = memref.dim
// RANGE: %[[LAST:.*]] = arith.cmpi sge, %[[END]], %[[DIM]]
// RANGE: %[[MAPS:.*]] = arith.andi %[[SOME]], %[[LAST]]
// RANGE: simplex.open_channel %{{.*}} by_maps %[[MAPS]]

// Kernels with outer keys have no warps that copy: all ask for pairs of tiles, one thread for all. The first pair comes
// before the loop. What the first logits need comes by a slot of its own.
// RUN: sed -e s/x64xbf16/x128xbf16/g -e s/x8x/x64x/g -e 's/128, 16/512, 16/' %S/../../Transforms/Inputs/trilinear.mlir > %t.pairs.mlir
// RUN: simplex-opt %t.pairs.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-copy-by-maps 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=PAIRS
// PAIRS: func.func private @attend_kernel
// PAIRS: %[[CHANNEL:.*]] = memref.alloc() : memref<2x2xi64
// PAIRS: simplex.open_channel %[[CHANNEL]] by_maps %true fetches [1, 3]
// PAIRS-NEXT: gpu.barrier
// PAIRS: scf.while (%[[AGAIN:.*]] =
// PAIRS: %[[GIVEN:.*]] = simplex.has_maps
// PAIRS: simplex.split 2
// A round that begins again goes on where the first one ended.
// PAIRS: %[[ODD:.*]] = arith.select %[[AGAIN]], %false{{.*}}, %{{.*}} : i1
// PAIRS: scf.if %[[AGAIN]] {
// PAIRS-NEXT: simplex.copy_wait
// PAIRS: %[[SOME:.*]] = arith.cmpi slt, %[[BEGIN:.*]], %[[END:.*]] : index
// PAIRS-NEXT: %[[ANY:.*]] = arith.andi %[[MAPS:.*]], %[[SOME]]
// PAIRS-NEXT: scf.if %[[ANY]] {
// PAIRS-NOT: simplex.copy_wait
// PAIRS: simplex.fetch %arg1[%{{.*}}, %[[BEGIN]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%{{.*}}] : memref
// PAIRS: simplex.fetch %arg3[%{{.*}}, %[[BEGIN]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%{{.*}}] : memref
// PAIRS: simplex.fetch %arg1
// PAIRS: simplex.fetch %arg3
// PAIRS: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]] step
// PAIRS: simplex.copy_wait
// PAIRS: %[[LEFT:.*]] = arith.ceildivui
// PAIRS: %[[PHASE:.*]] = arith.xori %{{.*}}, %[[ODD]]
// PAIRS-NEXT: scf.if %[[MAPS]] {
// PAIRS: simplex.receive %[[CHANNEL]][%{{.*}}] phase %[[PHASE]]
// PAIRS: } else {
// PAIRS-COUNT-4: simplex.copy %
// PAIRS: simplex.copy_wait
// PAIRS: scf.if %{{.*}} -> (
// PAIRS: simplex.contract {{.*}} transposed
// PAIRS: scf.if %[[MAPS]] {
// PAIRS: simplex.receive %[[CHANNEL]][%{{.*}}] phase %[[PHASE]]
// PAIRS: scf.for
// PAIRS: simplex.start_contract
// PAIRS-COUNT-2: {simplex.second_tile}
// A group without outer keys waits, too: nobody leaves while tiles are on their way.
// PAIRS: } else {
// PAIRS-NEXT: scf.if %[[MAPS]] {
// PAIRS: simplex.receive %[[CHANNEL]][%{{.*}}] phase %[[PHASE]]
// The next pair.
// PAIRS: %[[NEXT:.*]] = arith.addi %[[TILE]],
// PAIRS: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// PAIRS-NEXT: %[[ASK:.*]] = arith.andi %[[MAPS]], %[[MORE]]
// PAIRS-NEXT: scf.if %[[ASK]] {
// PAIRS-NEXT: simplex.copy_wait
// PAIRS-COUNT-4: simplex.fetch
// PAIRS-NOT: simplex.fetch
// PAIRS: return

// Tiles of two sizes: the second ones are shorter boxes.
// RUN: sed s/x64x/x16x/g %t.pairs.mlir > %t.uneven.mlir
// RUN: simplex-opt %t.uneven.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-copy-by-maps 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=UNEVEN
// UNEVEN: simplex.open_channel %{{.*}} by_maps %true fetches [1, 3]
// UNEVEN: simplex.fetch {{.*}} to memref<2x96x64xbf16,
// UNEVEN: simplex.fetch {{.*}} to memref<2x96x64xbf16,
// UNEVEN: simplex.fetch {{.*}} to memref<2x80x64xbf16, strided<[6144, 64, 1]
// UNEVEN: simplex.fetch {{.*}} to memref<2x80x64xbf16, strided<[6144, 64, 1]

// Both tiles of a determinant's key are arranged before any product.
// RUN: sed 's/form multilinear/form determinant/' %t.pairs.mlir > %t.det.mlir
// RUN: simplex-opt %t.det.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-copy-by-maps 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=ARRANGED
// ARRANGED: simplex.open_channel %[[CHANNEL:.*]] by_maps %true fetches [2, 2]
// ARRANGED: simplex.receive %[[CHANNEL]]
// ARRANGED: simplex.arrange
// ARRANGED: gpu.barrier
// ARRANGED: simplex.receive %[[CHANNEL]]

// Single tiles of outer keys are copied.
// RUN: simplex-opt %t.pairs.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0" --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax --simplex-guard-masks --canonicalize --cse \
// RUN:   --simplex-stage-tiles --canonicalize --cse --simplex-rotate-keys --simplex-copy-by-maps \
// RUN:   --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=SINGLE
// SINGLE: remark: [Missed] tensor-maps
// SINGLE-SAME: no tensor maps: tiles do not come in pairs, or
