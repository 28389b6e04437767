// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s
// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-nvptx-pipeline="chip=sm_90 emit=mlir" | FileCheck %s --check-prefix=PORTABLE

// CHECK: gpu.func @attend_kernel
// CHECK-SAME: known_block_size = array<i32: 384, 1, 1>
// What warps give and take with the roles is what all begin with.
// CHECK-SAME: nvvm.maxnreg = 168
// CHECK-SAME: simplex.block = 384
// One thread of the block sets up the barriers: full by 128 threads that copy
// (or one that fetches), empty by 8 warps that multiply.
// CHECK: %[[TID:.*]] = gpu.thread_id x upper_bound 384
// CHECK: %[[LEADER:.*]] = arith.cmpi eq, %[[TID]], %c0
// CHECK: scf.if %[[LEADER]]
// CHECK: %[[WRITERS:.*]] = arith.select %{{.*}}, %c1_i32, %c128_i32
// CHECK: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %[[WRITERS]]
// CHECK: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %c8_i32
// An answer is complete when all threads that compute have given it.
// CHECK: scf.if
// CHECK: scf.if
// CHECK-COUNT-2: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %c256_i32
// CHECK-NEXT: }
// CHECK-NEXT: gpu.barrier
// CHECK-NOT: gpu.barrier
// The last four warps copy.
// CHECK: %[[COPIES:.*]] = arith.cmpi uge, %{{.*}}, %c8_i32
// CHECK: scf.if %[[COPIES]] {
// CHECK-NEXT: nvvm.setmaxregister decrease 40
// A slot is waited for by the parity of the phase before.
// CHECK: %[[LAST:.*]] = arith.xori %[[PHASE:.*]], %true
// CHECK: %[[PARITY:.*]] = arith.extui %[[LAST]]
// CHECK: llvm.inline_asm {{.*}}mbarrier.try_wait.parity{{.*}} %[[PARITY]]
// Whose thread copies what is computed here, not ahead of all loops.
// CHECK: %[[COPIER:.*]] = llvm.inline_asm has_side_effects {{.*}}"mov.u32 $0, %tid.x;"
// CHECK-NEXT: %[[HIDDEN:.*]] = arith.index_castui %[[COPIER]]
// CHECK: %[[OWN:.*]] = arith.remui %[[HIDDEN]], %c128
// CHECK: nvvm.cp.async.shared.global
// CHECK-NOT: %[[TID]]
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: nvvm.fence.proxy
// CHECK: mbarrier.arrive.shared::cta.b64 _, [$0];
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NOT: barrier.cta
// Those that copy do not vote: they wait for one of two answers.
// CHECK: %[[NO:.*]] = arith.index_cast %[[ANSWER:intptr[_0-9]*]] : index to i32
// CHECK-NEXT: %[[AT:.*]] = arith.addi %[[ANSWER]], %c8
// CHECK-NEXT: %[[YES:.*]] = arith.index_cast %[[AT]] : index to i32
// CHECK-NEXT: %[[SAID:.*]] = llvm.inline_asm has_side_effects
// CHECK-SAME: again:\0Ambarrier.test_wait.parity.shared::cta.b64 yes, [$2], 0;
// CHECK-SAME: mbarrier.test_wait.parity.shared::cta.b64 any, [$1], 0;
// CHECK-SAME: or.pred any, any, yes;\0A@!any bra again;\0Aselp.u32 $0, 1, 0, yes;
// CHECK-SAME: %[[NO]], %[[YES]]
// CHECK-NEXT: arith.cmpi ne, %[[SAID]], %c0_i32
// CHECK: } else {
// CHECK-NEXT: nvvm.setmaxregister increase 232
// Those that multiply wait for each other at a barrier of their own.
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NEXT: nvvm.fence.proxy
// CHECK-NEXT: nvvm.barrier id = %c3_i32 number_of_threads = %c256_i32
// CHECK: mbarrier.try_wait.parity
// CHECK: wgmma.mma_async
// CHECK: mbarrier.try_wait.parity
// CHECK: wgmma.mma_async
// CHECK-NOT: gpu.barrier
// One thread of a warp says that it has read a slot.
// CHECK: @$1 mbarrier.arrive.shared::cta.b64 _, [$0];
// Those that multiply vote at that barrier; all of them tell the others.
// CHECK: llvm.inline_asm has_side_effects {{.*}}barrier.cta.red.or.pred q, 3, 256, p;
// CHECK-NEXT: %[[AGAIN:.*]] = arith.cmpi ne,
// CHECK: scf.if
// CHECK-NEXT: %[[WHICH:.*]] = arith.index_castui %[[AGAIN]] : i1 to index
// CHECK: arith.muli %[[WHICH]], %c8
// CHECK: mbarrier.arrive.shared::cta.b64 _, [$0];

// PORTABLE-NOT: mbarrier
// PORTABLE: nvvm.mma.sync
