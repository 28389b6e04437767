// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-nvptx-pipeline="chip=sm_80 emit=mlir" | FileCheck %s

// A gpu.func whose block is the schedule's warps.
// CHECK: gpu.module @attend_kernel
// CHECK: gpu.func @attend_kernel
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK-SAME: simplex.shared_memory
// Key tiles arrive by cp.async; a block barrier orders them.
// CHECK: nvgpu.device_async_copy
// CHECK: nvvm.cp.async.wait.group 0
// CHECK: gpu.barrier
// The query's fragment times the outer key's row is the left operand.
// CHECK: nvgpu.ldmatrix {{.*}}transpose = false{{.*}} -> vector<4x2xbf16>
// CHECK: nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>
// Softmax in base 2, then P V with transposed fragments.
// CHECK: gpu.shuffle
// CHECK: llvm.nvvm.ex2.approx.ftz
// CHECK: nvgpu.ldmatrix {{.*}}transpose = true
// CHECK: nvvm.mma.sync
// CHECK-NOT: !simplex.tile
