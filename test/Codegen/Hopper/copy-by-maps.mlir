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
