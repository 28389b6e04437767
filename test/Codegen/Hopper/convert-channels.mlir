// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s
// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-nvptx-pipeline="chip=sm_90 emit=mlir" | FileCheck %s --check-prefix=PORTABLE

// CHECK: gpu.func @attend_kernel
// CHECK-SAME: known_block_size = array<i32: 384, 1, 1>
// CHECK-SAME: simplex.block = 384
// One thread of the block sets up the barriers: full by 128 threads that copy,
// empty by 8 warps that multiply.
// CHECK: %[[TID:.*]] = gpu.thread_id x upper_bound 384
// CHECK: arith.cmpi eq, %[[TID]], %c0
// CHECK: scf.if
// CHECK: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %c128_i32
// CHECK: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %c8_i32
// CHECK: gpu.barrier
// CHECK-NOT: gpu.barrier
// The last four warps copy.
// CHECK: %[[COPIES:.*]] = arith.cmpi uge, %{{.*}}, %c8_i32
// CHECK: scf.if %[[COPIES]] {
// CHECK-NEXT: nvvm.setmaxregister decrease 40
// A slot is waited for by the parity of the phase before.
// CHECK: %[[LAST:.*]] = arith.xori %[[PHASE:.*]], %true
// CHECK: %[[PARITY:.*]] = arith.extui %[[LAST]]
// CHECK: llvm.inline_asm {{.*}}mbarrier.try_wait.parity{{.*}} %[[PARITY]]
// CHECK: %[[OWN:.*]] = arith.remui %[[TID]], %c128
// CHECK: nvgpu.device_async_copy
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: nvvm.fence.proxy
// CHECK: mbarrier.arrive.shared::cta.b64 _, [$0];
// CHECK: nvvm.cp.async.wait.group 0
// CHECK: llvm.inline_asm has_side_effects {{.*}}barrier.cta.red.or.pred q, 0, 384, p;
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
// CHECK: llvm.inline_asm has_side_effects {{.*}}barrier.cta.red.or.pred q, 0, 384, p;

// PORTABLE-NOT: mbarrier
// PORTABLE: nvvm.mma.sync
