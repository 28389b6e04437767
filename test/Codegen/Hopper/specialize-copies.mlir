// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-defer-row-sums --simplex-rotate-tiles --canonicalize --simplex-overlap-contracts -o %t
// RUN: simplex-opt %t --simplex-speculate-maximum --simplex-specialize-copies --canonicalize --cse | FileCheck %s
// RUN: simplex-opt %t --simplex-specialize-copies --canonicalize --cse | FileCheck %s --check-prefix=ONCE
// After a cleanup constants stand before the rounds: they belong to neither role.
// RUN: simplex-opt %t --simplex-speculate-maximum --canonicalize --cse --simplex-specialize-copies --canonicalize --cse \
// RUN:   | FileCheck %s

// A key's ring has two slots, a value's three; a second round has barriers of its own.
// CHECK: %[[KRING:.*]] = memref.alloc() {{.*}} : memref<2x1x128x64xbf16
// CHECK: %[[VRING:.*]] = memref.alloc() {{.*}} : memref<3x1x128x64xbf16
// CHECK: %[[K:.*]] = memref.alloc() : memref<2x4xi64
// CHECK: %[[V:.*]] = memref.alloc() : memref<2x6xi64
// CHECK: %[[ANSWER:.*]] = memref.alloc() : memref<2xi64
// CHECK: simplex.open_channel %[[K]] : memref
// CHECK-NEXT: simplex.open_channel %[[V]] : memref
// CHECK-NEXT: simplex.open_answer %[[ANSWER]]
// CHECK-NEXT: gpu.barrier
// CHECK-NEXT: simplex.specialize copy {
// CHECK-NEXT: scf.while (%[[AGAIN:.*]] = %false)
// CHECK: %[[KBASE:.*]] = arith.select %[[AGAIN]], %c2, %c0
// CHECK: %[[VBASE:.*]] = arith.select %[[AGAIN]], %c3, %c0
// The same tiles as below, one group of copies behind the other.
// CHECK: %[[LOOP:.*]]:5 = scf.for %[[TILE:.*]] = %[[BEGIN:.*]] to %[[END:.*]] step %c128
// CHECK-SAME: iter_args(%[[KSLOT:.*]] = %c0, %[[KPHASE:.*]] = %false, %[[VSLOT:.*]] = %c0, %[[VPHASE:.*]] = %false, %[[LAST:.*]] = %c0)
// CHECK: %[[KPLACE:.*]] = arith.addi %[[KSLOT]], %[[KBASE]]
// CHECK: simplex.acquire %[[K]][%[[KPLACE]]] phase %[[KPHASE]]
// CHECK: %[[TO:.*]] = memref.subview %[[KRING]][%[[KSLOT]],
// CHECK: simplex.copy %{{.*}}[%{{.*}}, %[[TILE]], %{{.*}}] {{.*}} to %[[TO]] {simplex.unroll}
// CHECK-NEXT: simplex.commit
// CHECK: %[[SOME:.*]] = arith.cmpi ne, %[[TILE]], %[[BEGIN]]
// CHECK: scf.if %[[SOME]]
// CHECK-NEXT: simplex.announce %[[V]][%[[LAST]]] leaving 1
// CHECK: %[[WRAPS:.*]] = arith.cmpi eq, %[[KSLOT]], %c1
// CHECK: %[[KNEXT:.*]] = arith.select %[[WRAPS]], %c0,
// CHECK: %[[KFLIP:.*]] = arith.xori %[[KPHASE]], %[[WRAPS]]
// CHECK: %[[VPLACE:.*]] = arith.addi %[[VSLOT]], %[[VBASE]]
// CHECK: simplex.acquire %[[V]][%[[VPLACE]]] phase %[[VPHASE]]
// CHECK: simplex.copy
// CHECK-NEXT: simplex.commit
// CHECK-NEXT: simplex.announce %[[K]][%[[KPLACE]]] leaving 1
// CHECK: %[[VWRAPS:.*]] = arith.cmpi eq, %[[VSLOT]], %c2
// CHECK: scf.yield %[[KNEXT]], %[[KFLIP]], %{{.*}}, %{{.*}}, %[[VPLACE]]
// The last tile's values, if there was a tile. Those that multiply say if there is another round.
// CHECK: %[[ANY:.*]] = arith.cmpi sgt, %[[END]], %[[BEGIN]]
// CHECK: scf.if %[[ANY]]
// CHECK-NEXT: simplex.announce %[[V]][%[[LOOP]]#4] :
// CHECK-NOT: simplex.vote
// CHECK: %[[YES:.*]] = simplex.await_answer %[[ANSWER]]
// CHECK: %[[FIRST:.*]] = arith.xori %[[AGAIN]], %true
// CHECK: %[[BOTH:.*]] = arith.andi %[[YES]], %[[FIRST]]
// CHECK: scf.condition(%[[BOTH]])
// CHECK: } compute {
// CHECK: scf.while (%[[SAFE:.*]] = %false)
// The query is copied, and awaited, by those who read it.
// CHECK: simplex.copy
// CHECK-NEXT: simplex.copy_wait
// CHECK-NOT: simplex.copy
// CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]] step %c128
// CHECK-SAME: %[[KP:[a-z0-9]+]] = %false, %[[VP:[a-z0-9]+]] = %false, %[[LASTP:[a-z0-9]+]] = %false)
// CHECK-NOT: simplex.copy
// CHECK: simplex.receive %[[K]][%[[AT:.*]]] phase %[[KP]]
// CHECK-NEXT: %[[S:.*]] = simplex.start_contract %{{.*}} transposed
// CHECK: simplex.receive %[[V]][%[[VAT:.*]]] phase %[[LASTP]]
// CHECK-NEXT: %[[PV:.*]] = simplex.start_contract
// CHECK: simplex.await %[[S]] leaving 1
// CHECK: simplex.release %[[K]][%[[AT]]] :
// CHECK: simplex.exp
// CHECK: simplex.await %[[PV]]
// CHECK: simplex.release %[[V]][%[[VAT]]] if %[[THERE:.*]] :
// CHECK: scf.yield {{.*}}%{{.*}}, %{{.*}}, %[[VP]] :
// CHECK: scf.if
// CHECK: simplex.receive %[[V]]
// CHECK-NEXT: simplex.contract
// CHECK-NOT: simplex.copy
// Nobody waits for the last slot.
// CHECK-NOT: simplex.release
// CHECK: %[[WRONG:.*]] = simplex.out_of_range %{{.*}} :
// CHECK-NEXT: %[[VOTE:.*]] = simplex.vote %[[WRONG]]
// CHECK-NEXT: %[[ASKED:.*]] = arith.xori %[[SAFE]], %true
// CHECK-NEXT: %[[TWICE:.*]] = arith.andi %[[VOTE]], %[[ASKED]]
// An answer is given once.
// CHECK-NEXT: scf.if %[[ASKED]] {
// CHECK-NEXT: simplex.give_answer %[[ANSWER]], %[[VOTE]]
// CHECK-NEXT: }
// CHECK-NEXT: scf.condition(%[[TWICE]])

// ONCE: memref.alloc() : memref<2x2xi64
// ONCE: memref.alloc() : memref<2x3xi64
// ONCE-NOT: scf.while
// ONCE-NOT: answer
// ONCE: simplex.specialize copy {
// ONCE: simplex.acquire %{{.*}}[%[[SLOT:.*]]] phase
// ONCE: memref.subview %{{.*}}[%[[SLOT]],
// ONCE: } compute {
// ONCE: simplex.release
// ONCE: simplex.release
// ONCE: simplex.finalize
// ONCE: }
// ONCE-NEXT: return

// Kernels with outer keys stay as they are.
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s --check-prefix=OUTER
// OUTER-NOT: simplex.block
// OUTER: gpu.func @attend_kernel
// OUTER-NOT: simplex.block
// OUTER-NOT: nvvm.setmaxregister
// OUTER: gpu.return
