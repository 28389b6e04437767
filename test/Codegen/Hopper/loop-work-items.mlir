// DEFINE: %{stage} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-defer-row-sums
// DEFINE: %{overlap} = --simplex-rotate-keys --simplex-rotate-tiles --canonicalize --simplex-overlap-contracts
// RUN: sed 's/windows .0./windows [512]/' %S/../../Transforms/Inputs/dot-product.mlir > %t.mlir
// RUN: simplex-opt %t.mlir %{stage} %{overlap} --simplex-speculate-maximum --canonicalize --cse -o %t.before
// RUN: simplex-opt %t.before --simplex-loop-work-items --canonicalize --cse -o %t.loop
// RUN: FileCheck %s --input-file=%t.before --check-prefix=BEFORE
// RUN: FileCheck %s --input-file=%t.loop

// A work item a block, at most twice.
// BEFORE-LABEL: func private @attend_kernel
// BEFORE-NOT: gpu.grid_dim
// BEFORE: scf.while (%[[SAFE:.*]] = %false)
// BEFORE: simplex.work_item
// BEFORE: memref.alloc
// BEFORE: simplex.copy %arg0
// BEFORE: scf.for
// BEFORE: %[[WRONG:.*]] = simplex.out_of_range
// BEFORE-NEXT: simplex.vote %[[WRONG]]

// A loop over them inside each round; one block a processor, which has its buffers once.
// CHECK-LABEL: func private @attend_kernel(%arg0:
// CHECK-SAME: simplex.resident_blocks = 1 : i64
// CHECK-DAG: memref.alloc() : memref<1x128x72xbf16
// CHECK-DAG: memref.alloc() {{.*}} : memref<2x1x112x64xbf16
// CHECK-DAG: memref.alloc() {{.*}} : memref<3x1x112x64xbf16
// CHECK: scf.while (%[[SAFE:.*]] = %false)
// Block b of n takes items b, b + n, ..; count: batch * ceildiv(queries, 16).
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: %[[BLOCKS:.*]] = gpu.grid_dim x
// CHECK: %[[BATCH:.*]] = memref.dim %arg0, %c0
// CHECK: %[[QUERIES:.*]] = memref.dim %arg0, %c1
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[QUERIES]], %c16
// CHECK: %[[COUNT:.*]] = arith.muli %[[BATCH]], %[[TILES]]
// CHECK: %[[REST:.*]] = arith.subi %[[COUNT]], %[[BLOCK]]
// CHECK-NEXT: %[[OWN:.*]] = arith.ceildivsi %[[REST]], %[[BLOCKS]]
// CHECK-NEXT: %[[ANY:.*]] = scf.for %[[NUMBER:.*]] = %c0 to %[[OWN]] step %c1 iter_args(%[[SOME:.*]] = %false) -> (i1)
// CHECK-NOT: simplex.work_item
// CHECK-NOT: memref.alloc
// CHECK: %[[AHEAD:.*]] = arith.muli %[[NUMBER]], %[[BLOCKS]]
// CHECK-NEXT: %[[ITEM:.*]] = arith.addi %[[AHEAD]], %[[BLOCK]]
// CHECK-NEXT: arith.remui %[[ITEM]],
// CHECK-NEXT: arith.divui %[[ITEM]],
// CHECK: simplex.copy %arg0
// Every item has a tile, if need be a masked one.
// CHECK: simplex.fill 0.000000e+00 : <128x112xbf16>
// CHECK: %[[ONE:.*]] = arith.addi %[[LOW:.*]], %c1
// CHECK-NEXT: %[[HIGH:.*]] = arith.maxsi %[[KEYS:.*]], %[[ONE]]
// CHECK-NEXT: %[[VISITED:.*]] = arith.cmpi slt, %[[LOW]], %[[KEYS]] : index
// CHECK-NEXT: %{{[0-9]+}}:{{[0-9]+}} = scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step %c112
// CHECK: simplex.store
// CHECK: simplex.store
// Whatever item it is whose sums cannot be trusted, all are done again: the threads vote once a round.
// An item without a tile is finished.
// CHECK-NEXT: %[[WRONG:.*]] = simplex.out_of_range
// CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[WRONG]], %[[VISITED]] : i1
// CHECK-NEXT: %[[OR:.*]] = arith.ori %[[SOME]], %[[BOTH]]
// CHECK-NEXT: scf.yield %[[OR]] : i1
// CHECK-NEXT: }
// CHECK-NEXT: %[[VOTE:.*]] = simplex.vote %[[ANY]]
// CHECK-NOT: simplex.vote
// CHECK: %[[NOT:.*]] = arith.xori %[[SAFE]], %true
// CHECK-NEXT: %[[AGAIN:.*]] = arith.andi %[[VOTE]], %[[NOT]]
// CHECK-NEXT: scf.condition(%[[AGAIN]])

// Other kernels stay as they are. Of a window without a limit the last items take longest; long ones gain nothing.
// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir %{stage} %{overlap} --simplex-speculate-maximum -o %t.unlimited
// RUN: simplex-opt %t.unlimited --simplex-loop-work-items | cmp %t.unlimited -
// RUN: sed 's/windows .512./windows [1025]/' %t.mlir > %t.1025.mlir
// RUN: simplex-opt %t.1025.mlir %{stage} %{overlap} --simplex-speculate-maximum -o %t.long
// RUN: simplex-opt %t.long --simplex-loop-work-items | cmp %t.long -
// With outer keys there are no warps that copy.
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{stage} %{overlap} --simplex-speculate-maximum -o %t.outer
// RUN: simplex-opt %t.outer --simplex-loop-work-items | cmp %t.outer -
// The sums of f16 are too often out of range.
// RUN: sed 's/bf16/f16/g' %t.mlir > %t.f16.mlir
// RUN: simplex-opt %t.f16.mlir %{stage} %{overlap} --simplex-speculate-maximum -o %t.f16
// RUN: simplex-opt %t.f16 --simplex-loop-work-items | cmp %t.f16 -
// Without rounds.
// RUN: simplex-opt %t.mlir %{stage} %{overlap} -o %t.once
// RUN: simplex-opt %t.once --simplex-loop-work-items | cmp %t.once -
// Two blocks a processor: each begins while the other computes.
// RUN: sed 's/windows .512./& {schedule = #simplex.schedule<rows = 64, keys = 64, warps = 4, stages = 2, wgmma = true>}/' %t.mlir > %t.4.mlir
// RUN: simplex-opt %t.4.mlir %{stage} %{overlap} --simplex-speculate-maximum -o %t.4
// RUN: simplex-opt %t.4 --simplex-loop-work-items | cmp %t.4 -
// Who loops needs warps that copy: between two items nobody else waits.
// RUN: echo 'func.func private @k() attributes {simplex.resident_blocks = 1 : i64} { return }' \
// RUN:   | not simplex-opt --simplex-specialize-copies 2>&1 | FileCheck %s --check-prefix=ALONE
// ALONE: error: simplex-specialize-copies: cannot give the loop over work items warps that copy
// The number of work items comes from an attribute that anybody can write.
// RUN: sed 's/simplex.grid = #simplex.grid<[^>]*>, //' %t.before | not simplex-opt --simplex-loop-work-items 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NO-GRID
// NO-GRID: error: simplex-loop-work-items: the kernel has no 'simplex.grid'
// RUN: for grid in '[9, 0]' '[0, 7]'; do sed "s/#simplex.grid<[^>]*>/#simplex.grid<$grid>/" %t.before \
// RUN:     | not simplex-opt --simplex-loop-work-items 2>&1; done | FileCheck %s --check-prefix=GRID
// GRID: error: simplex-loop-work-items: the grid names argument 9 of 5
// GRID: error: simplex-loop-work-items: the grid names dimension 7 of argument 0, which is of type 'memref<
// Once is enough.
// RUN: simplex-opt %t.loop --simplex-loop-work-items | cmp %t.loop -

// RUN: simplex-opt %t.loop --simplex-specialize-copies --canonicalize --cse | FileCheck %s --check-prefix=ROLES
// The query of an item is a channel too, of one slot a round. Each thread that computes reads it.
// ROLES: %[[QUERY:.*]] = memref.cast %{{.*}} to memref<128x64xbf16, strided<[72, 1], offset: ?>
// ROLES: %[[K:.*]] = memref.alloc() : memref<2x4xi64
// ROLES: %[[V:.*]] = memref.alloc() : memref<2x6xi64
// ROLES: %[[Q:.*]] = memref.alloc() : memref<2x2xi64
// ROLES: %[[ANSWER:.*]] = memref.alloc() : memref<2xi64
// ROLES: simplex.open_channel %[[K]] : memref
// ROLES-NEXT: simplex.open_channel %[[V]] : memref
// ROLES-NEXT: simplex.open_channel %[[Q]] by_threads : memref
// ROLES-NEXT: simplex.open_answer %[[ANSWER]]
// ROLES-NEXT: gpu.barrier
// ROLES-NEXT: simplex.specialize copy {
// ROLES: scf.while (%[[SECOND:.*]] = %false)
// ROLES: %[[QPLACE:.*]] = arith.select %[[SECOND]], %c1, %c0
// Slots and phases go from item to item; so does what is still to be announced, if an item has tiles.
// ROLES: %[[LOOP:.*]]:7 = scf.for %[[ITEM:.*]] = %[[FIRST:.*]] to %[[ITEMS:.*]] step %[[BLOCKS:.*]] iter_args(
// ROLES-SAME: %[[KS:[a-z0-9]+]] = %c0, %[[KP:[a-z0-9]+]] = %false, %[[VS:[a-z0-9]+]] = %c0, %[[VP:[a-z0-9]+]] = %false,
// ROLES-SAME: %[[LAST:[a-z0-9]+]] = %c0, %[[TILES:[a-z0-9]+]] = %false, %[[QP:[a-z0-9]+]] = %false)
// ROLES: simplex.acquire %[[Q]][%[[QPLACE]]] phase %[[QP]]
// ROLES-NEXT: simplex.copy %arg0[%{{.*}}] valid{{.*}} heads 8 to %[[QUERY]] {simplex.unroll}
// ROLES-NEXT: simplex.commit
// ROLES-NEXT: scf.if %[[TILES]] {
// ROLES-NEXT: simplex.announce %[[V]][%[[LAST]]] leaving 1
// ROLES: %[[QNEXT:.*]] = arith.xori %[[QP]], %true
// ROLES: %[[TILE:.*]]:5 = scf.for %[[T:.*]] = %[[BEGIN:.*]] to %[[END:.*]] step %c112 iter_args(
// ROLES-SAME: = %[[KS]], %{{[a-z0-9]+}} = %[[KP]], %{{[a-z0-9]+}} = %[[VS]], %{{[a-z0-9]+}} = %[[VP]], %[[PENDING:[a-z0-9]+]] = %c0)
// ROLES: simplex.acquire %[[K]]
// ROLES: simplex.copy %arg1
// ROLES-NEXT: simplex.commit
// ROLES-NEXT: %[[LATER:.*]] = arith.cmpi ne, %[[T]], %[[BEGIN]]
// ROLES-NEXT: scf.if %[[LATER]] {
// ROLES-NEXT: simplex.announce %[[V]][%[[PENDING]]] leaving 1
// ROLES-NEXT: } else {
// ROLES-NEXT: simplex.announce %[[Q]][%[[QPLACE]]] leaving 1
// ROLES-NEXT: }
// ROLES: simplex.acquire %[[V]]
// ROLES: simplex.copy %arg2
// ROLES-NEXT: simplex.commit
// ROLES-NEXT: simplex.announce %[[K]]{{.*}} leaving 1
// ROLES: %[[HAS:.*]] = arith.cmpi slt, %[[BEGIN]], %[[END]]
// An item without tiles has a query.
// ROLES: %[[NONE:.*]] = arith.cmpi sge, %[[BEGIN]], %[[END]]
// ROLES-NEXT: scf.if %[[NONE]] {
// ROLES-NEXT: simplex.announce %[[Q]][%[[QPLACE]]] : memref
// ROLES: scf.yield %[[TILE]]#0, %[[TILE]]#1, %[[TILE]]#2, %[[TILE]]#3, %[[TILE]]#4, %[[HAS]], %[[QNEXT]]
// ROLES: scf.if %[[LOOP]]#5 {
// ROLES-NEXT: simplex.announce %[[V]][%[[LOOP]]#4] : memref
// ROLES: %[[YES:.*]] = simplex.await_answer %[[ANSWER]]
// ROLES-NEXT: %[[NOT:.*]] = arith.xori %[[SECOND]], %true
// ROLES-NEXT: %[[BOTH:.*]] = arith.andi %[[YES]], %[[NOT]]
// ROLES-NEXT: scf.condition(%[[BOTH]])
// ROLES: } compute {
// ROLES: scf.while (%[[SAFE:.*]] = %false)
// ROLES: %[[DONE:.*]]:6 = scf.for %{{.*}} = %[[FIRST]] to %[[ITEMS]] step %[[BLOCKS]] iter_args(%[[SOME:[a-z0-9]+]] = %false,
// ROLES-SAME: %[[QPHASE:[a-z0-9]+]] = %false, %[[KSLOT:[a-z0-9]+]] = %c0, %[[KPHASE:[a-z0-9]+]] = %false, %[[VSLOT:[a-z0-9]+]] = %c0, %[[VPHASE:[a-z0-9]+]] = %false)
// They copy nothing, and wait for no copies.
// ROLES-NOT: simplex.copy
// ROLES: %[[FROM:.*]] = arith.select %[[SAFE]], %c1, %c0
// ROLES: simplex.receive %[[Q]][%[[FROM]]] phase %[[QPHASE]]
// ROLES-NEXT: simplex.combine {{.*}} %[[QUERY]]
// ROLES-NEXT: simplex.release %[[Q]][%[[FROM]]] by_threads : memref
// ROLES: %[[STATE:.*]]:10 = scf.for %[[I:.*]] = %[[START:.*]] to %{{.*}} step %c112 iter_args(%{{[^,]*}}, %{{[^,]*}},
// ROLES-SAME: %[[KI:[a-z0-9]+]] = %[[KSLOT]], %{{[a-z0-9]+}} = %[[VSLOT]], %{{[^,]*}}, %[[VCURRENT:[a-z0-9]+]] = %[[VSLOT]], %{{[^,]*}},
// ROLES-SAME: %[[KPI:[a-z0-9]+]] = %[[KPHASE]], %{{[a-z0-9]+}} = %[[VPHASE]], %[[VPCURRENT:[a-z0-9]+]] = %[[VPHASE]])
// ROLES-NOT: simplex.copy
// ROLES: %[[KAT:.*]] = arith.addi %[[KI]],
// ROLES: simplex.receive %[[K]][%[[KAT]]] phase %[[KPI]]
// ROLES: %[[VAT:.*]] = arith.addi %[[VCURRENT]],
// ROLES: simplex.receive %[[V]][%[[VAT]]] phase %[[VPCURRENT]]
// ROLES: simplex.release %[[K]][%[[KAT]]] : memref
// ROLES: %[[THERE:.*]] = arith.cmpi ne, %[[I]], %[[START]]
// ROLES: simplex.release %[[V]][%[[VAT]]] if %[[THERE]] : memref
// The slot of an item's last values is one that the next item waits for.
// ROLES: scf.if
// ROLES: %[[LASTV:.*]] = arith.addi %[[STATE]]#5,
// ROLES: simplex.receive %[[V]][%[[LASTV]]] phase %[[STATE]]#9
// ROLES-NEXT: simplex.contract
// ROLES-NEXT: simplex.release %[[V]][%[[LASTV]]] : memref
// ROLES-NOT: simplex.copy
// ROLES: %[[OR:.*]] = arith.ori %[[SOME]],
// ROLES-NEXT: %[[QFLIP:.*]] = arith.xori %[[QPHASE]], %true
// ROLES-NEXT: scf.yield %[[OR]], %[[QFLIP]], %[[STATE]]#2, %[[STATE]]#7, %[[STATE]]#3, %[[STATE]]#8
// The first round says if there is another; nobody asks the second one.
// ROLES: %[[VOTE:.*]] = simplex.vote %[[DONE]]#0
// ROLES-NEXT: %[[ONCE:.*]] = arith.xori %[[SAFE]], %true
// ROLES-NEXT: %[[AGAIN:.*]] = arith.andi %[[VOTE]], %[[ONCE]]
// ROLES-NEXT: scf.if %[[ONCE]] {
// ROLES-NEXT: simplex.give_answer %[[ANSWER]], %[[VOTE]]
// ROLES-NEXT: }
// ROLES-NEXT: scf.condition(%[[AGAIN]])

// The launch hears of it.
// RUN: simplex-opt %t.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s --check-prefix=GPU
// GPU: gpu.func @attend_kernel
// GPU-SAME: simplex.resident_blocks = 1 : i64
// All of 256 threads release a query.
// GPU: scf.if
// GPU: scf.if
// GPU: scf.if
// GPU-NOT: scf.if
// GPU-COUNT-2: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %c128_i32
// GPU-COUNT-2: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %c256_i32
// GPU: nvvm.setmaxregister increase 232
// GPU: scf.while
// GPU: mbarrier.try_wait.parity
// GPU-NOT: nvvm.barrier
// GPU: nvgpu.ldmatrix
// GPU: "mbarrier.arrive.shared::cta.b64 _, [$0];"
// GPU: scf.for
// GPU: scf.for
// Where a thread stores is computed here, not ahead of all items. Two results; then all vote.
// GPU-COUNT-2: "mov.u32 $0, %tid.x;"
// GPU: barrier.cta.red.or.pred q, 3, 256, p;

// RUN: env SIMPLEXIR_PTXAS=%t.none simplex-compile %t.mlir --chip=sm_90a,sm_90 -o %t.simplex
// RUN: %python %S/Inputs/print-images.py %t.simplex | FileCheck %s --check-prefix=ARTIFACT
// ARTIFACT: attend_kernel sm_90a: 384 threads, {{[0-9]+}} bytes, 1 resident blocks
// ARTIFACT-NEXT: map of argument 1: boxes of 112 rows, 64 columns, swizzle 3
// ARTIFACT-NEXT: map of argument 2: boxes of 112 rows, 64 columns, swizzle 3
// ARTIFACT: attend_kernel sm_90: {{.*}} 0 resident blocks
