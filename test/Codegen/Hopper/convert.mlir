// One group a block: the rows are short.
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-nvptx-pipeline="chip=sm_90 emit=mlir" | FileCheck %s --check-prefix=PORTABLE

// CHECK: gpu.func @attend_kernel
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK-NOT: nvvm.mma.sync
// What copies wrote is fenced off from the products.
// CHECK: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK-NEXT: gpu.barrier
// Logits: four steps down the key's dims, 32 bytes each, no accumulator.
// CHECK: llvm.inline_asm has_side_effects {{.*}}wgmma.fence.sync.aligned;
// CHECK-SAME: add.s64 at, $56, 2;\0Awgmma.mma_async.sync.aligned.m64n80k16.f32.bf16.bf16
// CHECK-SAME: at, add, 1, 1, 0;
// Values: boxes by their columns.
// CHECK: llvm.inline_asm has_side_effects {{.*}}add.s64 at, $52, 128;\0Awgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// CHECK-SAME: at, add, 1, 1, 1;

// PORTABLE-NOT: wgmma
// PORTABLE: nvvm.mma.sync

// Skewed: the products of each 64 rows begin a row of the boxes, 8 units of 16 bytes, after those of the 64 before. How
// many is asked once.
// RUN: sed -e s/x8x/x64x/g -e 's/windows .0./windows [512]/' %S/../../Transforms/Inputs/dot-product.mlir \
// RUN:   | simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s --check-prefix=SKEW
// SKEW: %[[GROUP:[^ ]+]] = arith.shrui %{{.*}}, %c6_i32 : i32
// SKEW: %[[ROWS:[^ ]+]] = arith.muli %[[GROUP]], %c8_i32 : i32
// SKEW: %[[OFFSET:[^ ,]+]], %{{.*}} = gpu.shuffle idx %[[ROWS]]
// SKEW: %[[PLACE:[^ ]+]] = arith.andi %{{.*}}, %c16383_i32
// SKEW: %[[BITS:[^ ]+]] = arith.ori %[[PLACE]], %{{.*}} : i32
// SKEW: %[[FIRST:[^ ,]+]], %{{.*}} = gpu.shuffle idx %[[BITS]]
// SKEW: arith.addi %[[FIRST]], %[[OFFSET]]
// SKEW: wgmma.mma_async.sync.aligned.m64n128k16
// The key of a group's first column is as much further, too; its number is not held for tiles without a mask.
// SKEW: scf.if
// SKEW-NOT: scf.if
// SKEW: mov.u32 $0, %tid.x;
