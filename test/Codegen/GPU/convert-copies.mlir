// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize --cse | FileCheck %s

#shared = #gpu.address_space<workgroup>
#schedule = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true>
!keys = memref<?x?x1x64xbf16, strided<[?, ?, ?, 1], offset: ?>>
!queries = memref<?x?x256x64xbf16, strided<[?, ?, ?, 1], offset: ?>>
!padded = memref<128x64xbf16, strided<[72, 1]>, #shared>
!more = memref<256x64xbf16, strided<[72, 1]>, #shared>

// 8 threads copy a row, 128 threads 16 of them: a thread has 8 rows, 16 apart.
// CHECK-LABEL: gpu.func @keys
// CHECK: %[[STRIDES:strides[_0-9]*]]:4 = memref.extract_strided_metadata %arg0
// CHECK: %[[BYTES:.*]] = arith.muli %[[STRIDES]]#1, %c2 : index
// CHECK: scf.if
// The first and the last row are there.
// CHECK: arith.addi %arg2, %c127
// CHECK-NOT: scf.for
// CHECK: scf.if
// CHECK: %[[P0:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK: %[[TO:.*]] = arith.index_cast %{{.*}} : index to i32
// What multiplies the stride is computed here, not ahead of all loops.
// CHECK: %[[WORD:.*]] = arith.index_cast %[[BYTES]] : index to i64
// CHECK-NEXT: %[[STRIDE:.*]] = llvm.inline_asm has_side_effects {{.*}}"mov.b64 $0, $1;", "=l,l" %[[WORD]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.muli %[[STRIDE]], %c16_i64 : i64
// CHECK-NEXT: %[[JUMP:.*]] = arith.muli %[[STRIDE]], %c32_i64 : i64
// CHECK-NOT: arith.muli
// CHECK-NEXT: %[[FROM:.*]] = llvm.inttoptr %[[P0]] : i64 to !llvm.ptr<1>
// CHECK-NEXT: %[[PLACE:.*]] = llvm.inttoptr %[[TO]] : i32 to !llvm.ptr<3>
// CHECK-NEXT: nvvm.cp.async.shared.global %[[PLACE]], %[[FROM]], 16, cache = cg
// Two chains: the second one begins a step after the first ..
// CHECK-NEXT: %[[P1:.*]] = llvm.inline_asm has_side_effects {{.*}}"add.s64 $0, $1, $2;", "=l,l,l" %[[P0]], %[[NEXT]]
// CHECK-NEXT: %[[TO1:.*]] = arith.addi %[[TO]], %c2048_i32
// CHECK-NEXT: %[[FROM1:.*]] = llvm.inttoptr %[[P1]]
// CHECK-NEXT: %[[PLACE1:.*]] = llvm.inttoptr %[[TO1]]
// CHECK-NEXT: nvvm.cp.async.shared.global %[[PLACE1]], %[[FROM1]], 16, cache = cg
// .. then each goes on from two steps before.
// CHECK-NEXT: %[[P2:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[P0]], %[[JUMP]]
// CHECK-NEXT: arith.addi %[[TO]], %c4096_i32
// CHECK-NEXT: %[[FROM2:.*]] = llvm.inttoptr %[[P2]]
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[FROM2]]
// CHECK-NEXT: %[[P3:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[P1]], %[[JUMP]]
// CHECK-NEXT: arith.addi %[[TO]], %c6144_i32
// CHECK-NEXT: %[[FROM3:.*]] = llvm.inttoptr %[[P3]]
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[FROM3]]
// CHECK-NEXT: %[[P4:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[P2]], %[[JUMP]]
// CHECK-NEXT: arith.addi %[[TO]], %c8192_i32
// CHECK-NEXT: %[[FROM4:.*]] = llvm.inttoptr %[[P4]]
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[FROM4]]
// CHECK-NEXT: %[[P5:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[P3]], %[[JUMP]]
// CHECK-NEXT: arith.addi %[[TO]], %c10240_i32
// CHECK-NEXT: %[[FROM5:.*]] = llvm.inttoptr %[[P5]]
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[FROM5]]
// CHECK-NEXT: %[[P6:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[P4]], %[[JUMP]]
// CHECK-NEXT: arith.addi %[[TO]], %c12288_i32
// CHECK-NEXT: %[[FROM6:.*]] = llvm.inttoptr %[[P6]]
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[FROM6]]
// CHECK-NEXT: %[[P7:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[P5]], %[[JUMP]]
// CHECK-NEXT: arith.addi %[[TO]], %c14336_i32
// CHECK-NEXT: %[[FROM7:.*]] = llvm.inttoptr %[[P7]]
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[FROM7]]
// CHECK-NEXT: } else {
// Rows that are not all there: each is asked for by itself. Rows that are not aligned: by elements.
// CHECK: scf.for
// CHECK: nvgpu.device_async_copy
// CHECK: } else {
// CHECK: scf.for
// CHECK: memref.load
// CHECK-NOT: nvvm.cp.async
func.func private @keys(%k: !keys, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<1x128x64xbf16, #shared>
  simplex.copy %k[%b, %s, %h] valid(%begin, %end, %heads) heads 1 to %m {simplex.unroll} : !keys to memref<1x128x64xbf16, #shared>
  return
}

// 64 heads of two queries. From one head to the one 16 on; after 4 of these to the first head of the next query, 48 back.
// CHECK-LABEL: gpu.func @queries
// CHECK: %[[STRIDES:strides[_0-9]*]]:4 = memref.extract_strided_metadata %arg0
// CHECK: %[[POSITION:.*]] = arith.muli %[[STRIDES]]#1, %c2 : index
// CHECK: %[[HEAD:.*]] = arith.muli %[[STRIDES]]#2, %c2 : index
// CHECK: %[[Q0:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK: %[[TO:.*]] = arith.index_cast %{{.*}} : index to i32
// CHECK: %[[WORD:.*]] = arith.index_cast %[[HEAD]] : index to i64
// CHECK-NEXT: %[[STRIDE:.*]] = llvm.inline_asm {{.*}}mov.b64{{.*}} %[[WORD]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.muli %[[STRIDE]], %c16_i64 : i64
// CHECK-NEXT: %[[JUMP:.*]] = arith.muli %[[STRIDE]], %c32_i64 : i64
// CHECK-NEXT: %[[BACK:.*]] = arith.muli %[[STRIDE]], %c48_i64 : i64
// CHECK-NEXT: %[[WORD2:.*]] = arith.index_cast %[[POSITION]] : index to i64
// CHECK-NEXT: %[[STRIDE2:.*]] = llvm.inline_asm {{.*}}mov.b64{{.*}} %[[WORD2]]
// CHECK-NEXT: %[[WRAP:.*]] = arith.subi %[[STRIDE2]], %[[BACK]] : i64
// CHECK-NOT: arith.muli
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q1:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q0]], %[[NEXT]]
// Rows of 72 elements in shared memory.
// CHECK-NEXT: arith.addi %[[TO]], %c2304_i32
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q2:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q0]], %[[JUMP]]
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q3:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q1]], %[[JUMP]]
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q4:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q3]], %[[WRAP]]
// CHECK-NEXT: arith.addi %[[TO]], %c9216_i32
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q5:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q4]], %[[NEXT]]
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q6:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q4]], %[[JUMP]]
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: %[[Q7:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q5]], %[[JUMP]]
// CHECK: nvvm.cp.async.shared.global
// CHECK-NEXT: } else {
func.func private @queries(%q: !queries, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : !padded
  simplex.copy %q[%b, %s, %h] valid(%begin, %end, %heads) heads 64 to %m {simplex.unroll} : !queries to !padded
  return
}

// 128 heads: chains as above, for each of two queries.
// CHECK-LABEL: gpu.func @many_heads
// CHECK: %[[Q0:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK: %[[STRIDE:.*]] = llvm.inline_asm {{.*}}mov.b64
// CHECK-NEXT: %[[NEXT:.*]] = arith.muli %[[STRIDE]], %c16_i64 : i64
// CHECK-NEXT: %[[JUMP:.*]] = arith.muli %[[STRIDE]], %c32_i64 : i64
// CHECK-NEXT: %[[BACK:.*]] = arith.muli %[[STRIDE]], %c112_i64 : i64
// CHECK: %[[WRAP:.*]] = arith.subi %{{.*}}, %[[BACK]] : i64
// CHECK: %[[Q1:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q0]], %[[NEXT]]
// CHECK: %[[Q2:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q0]], %[[JUMP]]
// CHECK: %[[Q3:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q1]], %[[JUMP]]
// CHECK: %[[Q4:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q2]], %[[JUMP]]
// CHECK: %[[Q5:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q3]], %[[JUMP]]
// CHECK: %[[Q6:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q4]], %[[JUMP]]
// CHECK: %[[Q7:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q5]], %[[JUMP]]
// CHECK: %[[Q8:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q7]], %[[WRAP]]
// CHECK: %[[Q9:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q8]], %[[NEXT]]
// CHECK: %[[Q10:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q8]], %[[JUMP]]
// CHECK: %[[Q11:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q9]], %[[JUMP]]
// CHECK: %[[Q12:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q10]], %[[JUMP]]
// CHECK: %[[Q13:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q11]], %[[JUMP]]
// CHECK: %[[Q14:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q12]], %[[JUMP]]
// CHECK: %[[Q15:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q13]], %[[JUMP]]
// CHECK-NOT: add.s64
// CHECK: gpu.return
func.func private @many_heads(%q: !queries, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : !more
  simplex.copy %q[%b, %s, %h] valid(%begin, %end, %heads) heads 128 to %m {simplex.unroll} : !queries to !more
  return
}

// 16 heads: a thread's rows are of one head, of one query after the other.
// CHECK-LABEL: gpu.func @one_head
// CHECK: %[[STRIDES:strides[_0-9]*]]:4 = memref.extract_strided_metadata %arg0
// CHECK: %[[POSITION:.*]] = arith.muli %[[STRIDES]]#1, %c2 : index
// CHECK: %[[Q0:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK: %[[WORD:.*]] = arith.index_cast %[[POSITION]] : index to i64
// CHECK-NEXT: %[[WRAP:.*]] = llvm.inline_asm {{.*}}mov.b64{{.*}} %[[WORD]]
// CHECK: %[[Q1:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q0]], %[[WRAP]]
// CHECK: %[[Q2:.*]] = llvm.inline_asm {{.*}}add.s64{{.*}} %[[Q1]], %[[WRAP]]
// CHECK-COUNT-5: llvm.inline_asm {{.*}}add.s64{{.*}}, %[[WRAP]]
// CHECK-NOT: add.s64
// CHECK: gpu.return
func.func private @one_head(%q: !queries, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : !padded
  simplex.copy %q[%b, %s, %h] valid(%begin, %end, %heads) heads 16 to %m {simplex.unroll} : !queries to !padded
  return
}

// 8 heads: the next row of a thread is of another query too. A loop, in which nobody asks if a row is there.
// CHECK-LABEL: gpu.func @few_heads
// CHECK-NOT: add.s64
// CHECK: scf.if
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: arith.select
// CHECK: nvgpu.device_async_copy {{.*}}, 8 {bypassL1}
// CHECK-NEXT: }
// CHECK-NEXT: } else {
// CHECK: scf.for
// CHECK: nvgpu.device_async_copy
// CHECK-NOT: nvgpu.device_async_copy
// CHECK-NOT: add.s64
// CHECK: gpu.return
func.func private @few_heads(%q: !queries, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : !padded
  simplex.copy %q[%b, %s, %h] valid(%begin, %end, %heads) heads 8 to %m {simplex.unroll} : !queries to !padded
  return
}

// A copy that is not marked stays a loop.
// CHECK-LABEL: gpu.func @rolled
// CHECK-NOT: nvvm.cp.async
// CHECK: scf.for
// CHECK: nvgpu.device_async_copy
// CHECK-NOT: nvgpu.device_async_copy
// CHECK: gpu.return
func.func private @rolled(%k: !keys, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<1x128x64xbf16, #shared>
  simplex.copy %k[%b, %s, %h] valid(%begin, %end, %heads) heads 1 to %m : !keys to memref<1x128x64xbf16, #shared>
  return
}
