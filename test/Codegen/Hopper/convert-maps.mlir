// RUN: sed -e 's/x1x64xbf16/x8x128xbf16/g' -e 's/x8x64xbf16/x8x128xbf16/g' %S/../../Transforms/Inputs/dot-product.mlir > %t.mlir
// RUN: simplex-opt %t.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s
// RUN: simplex-opt %t.mlir --simplex-nvptx-pipeline="chip=sm_90 emit=mlir" | FileCheck %s --check-prefix=NONE

// After the arguments one that says if there are maps, and the maps.
// CHECK: gpu.func @attend_kernel({{.*}}%[[LSE:[^:]*]]: memref<?x8x?xf32{{.*}}>, %[[FLAG:[^:]*]]: i64, %[[KEY:[^:]*]]: !llvm.ptr, %[[VALUE:[^:]*]]: !llvm.ptr) kernel
// CHECK-SAME: simplex.maps = array<i64: 1, 64, 128, 2, 64, 128>
// CHECK: %[[MAPS:.*]] = arith.cmpi ne, %[[FLAG]], %c0_i64
// One thread fetches, or 128 copy. Tensor copies must see the barriers.
// CHECK: %[[WRITERS:.*]] = arith.select %[[MAPS]], %c1_i32, %c128_i32
// CHECK: llvm.inline_asm {{.*}}mbarrier.init{{.*}} %{{.*}}, %[[WRITERS]]
// CHECK: llvm.inline_asm {{.*}}fence.mbarrier_init.release.cluster;\0Afence.proxy.async.shared::cta;
// CHECK: gpu.barrier
// CHECK: nvvm.setmaxregister decrease 40
// One warp waits and asks, the others go on.
// CHECK: scf.if %[[MAPS]] {
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK: mbarrier.try_wait.parity
// CHECK: %[[ADDRESS:.*]] = llvm.ptrtoint %[[KEY]]
// Both boxes of a row of 128 columns: 2 * 128 rows * 128 bytes.
// CHECK: llvm.inline_asm has_side_effects {{.*}}elect.sync _|one, 0xffffffff;
// CHECK-SAME: @one mbarrier.arrive.expect_tx.shared::cta.b64 _, [$1], 32768;
// CHECK-SAME: @one cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [$0+0], [$2, {0, $3, $4, $5}], [$1];
// CHECK-SAME: @one cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [$0+16384], [$2, {64, $3, $4, $5}], [$1];
// CHECK-SAME: %[[ADDRESS]],
// CHECK: } else {
// CHECK: mbarrier.try_wait.parity
// CHECK: nvvm.cp.async.shared.global
// CHECK: llvm.ptrtoint %[[VALUE]]
// CHECK: cp.async.bulk.tensor

// NONE: gpu.func @attend_kernel(
// NONE-NOT: !llvm.ptr
// NONE-SAME: kernel
// NONE-NOT: simplex.maps
