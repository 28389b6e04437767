// Kernels with outer keys have no warps that copy: all ask for pairs of tiles, one thread for all. The first pair comes
// before the loop. What the first logits need comes by a slot of its own.
// RUN: sed -e s/x64xbf16/x128xbf16/g -e s/x8x/x64x/g -e 's/128, 16/512, 16/' %S/../../Transforms/Inputs/trilinear.mlir > %t.pairs.mlir
// RUN: simplex-opt %t.pairs.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-fetch-pairs 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=PAIRS
// PAIRS: func.func private @attend_kernel
// PAIRS: %[[CHANNEL:.*]] = memref.alloc() : memref<2x2xi64
// PAIRS: simplex.open_channel %[[CHANNEL]] by_maps %true fetches [1, 3]
// PAIRS-NEXT: gpu.barrier
// PAIRS: scf.while (%[[AGAIN:.*]] =
// PAIRS: %[[GIVEN:.*]] = simplex.has_maps
// A round that begins again goes on where the first one ended.
// PAIRS: %[[ODD:.*]] = arith.select %[[AGAIN]], %false{{.*}}, %{{.*}} : i1
// PAIRS: scf.if %[[AGAIN]] {
// PAIRS-NEXT: simplex.copy_wait
// PAIRS: %[[SOME:.*]] = arith.cmpi slt, %[[BEGIN:.*]], %[[END:.*]] : index
// PAIRS-NEXT: %[[ANY:.*]] = arith.andi %[[MAPS:.*]], %[[SOME]]
// PAIRS-NEXT: scf.if %[[ANY]] {
// PAIRS-NOT: simplex.copy_wait
// PAIRS: simplex.fetch %arg1[%{{.*}}, %[[BEGIN]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%c0{{(_[0-9]+)?}}] : memref
// PAIRS: simplex.fetch %arg3[%{{.*}}, %[[BEGIN]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%c1{{(_[0-9]+)?}}] : memref
// PAIRS: simplex.fetch %arg1[%{{.*}}, %[[SECOND:[0-9]+]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%c1{{(_[0-9]+)?}}] : memref
// PAIRS: simplex.fetch %arg3[%{{.*}}, %[[SECOND]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%c1{{(_[0-9]+)?}}] : memref
// PAIRS: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]] step
// PAIRS: simplex.copy_wait
// PAIRS: %[[LEFT:.*]] = arith.ceildivui
// PAIRS: %[[PHASE:.*]] = arith.xori %{{.*}}, %[[ODD]]
// PAIRS-NEXT: scf.if %[[MAPS]] {
// PAIRS: simplex.receive %[[CHANNEL]][%c0{{(_[0-9]+)?}}] phase %[[PHASE]]
// PAIRS: } else {
// PAIRS-COUNT-4: simplex.copy %
// PAIRS: simplex.copy_wait
// PAIRS: scf.if %{{.*}} -> (
// PAIRS: simplex.contract {{.*}} transposed
// PAIRS: scf.if %[[MAPS]] {
// PAIRS: simplex.receive %[[CHANNEL]][%c1{{(_[0-9]+)?}}] phase %[[PHASE]]
// PAIRS: scf.for
// PAIRS: simplex.start_contract
// PAIRS-COUNT-2: {simplex.second_tile}
// A group without outer keys waits, too: nobody leaves while tiles are on their way.
// PAIRS: } else {
// PAIRS-NEXT: scf.if %[[MAPS]] {
// PAIRS: simplex.receive %[[CHANNEL]][%c1{{(_[0-9]+)?}}] phase %[[PHASE]]
// The next pair.
// PAIRS: %[[NEXT:.*]] = arith.addi %[[TILE]],
// PAIRS: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// PAIRS-NEXT: %[[ASK:.*]] = arith.andi %[[MAPS]], %[[MORE]]
// PAIRS-NEXT: scf.if %[[ASK]] {
// PAIRS-NEXT: simplex.copy_wait
// PAIRS-COUNT-4: simplex.fetch
// PAIRS-NOT: simplex.fetch
// PAIRS: return

// Tiles of two sizes: the second ones are shorter boxes. (Each has eight rows more, for the keys of the last four queries.)
// RUN: sed s/x64x/x16x/g %t.pairs.mlir > %t.uneven.mlir
// RUN: simplex-opt %t.uneven.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-fetch-pairs 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=UNEVEN
// UNEVEN: simplex.open_channel %{{.*}} by_maps %true fetches [1, 3]
// UNEVEN: simplex.fetch {{.*}} to memref<2x104x64xbf16,
// UNEVEN: simplex.fetch {{.*}} to memref<2x104x64xbf16,
// UNEVEN: simplex.fetch {{.*}} to memref<2x88x64xbf16, strided<[6656, 64, 1]
// UNEVEN: simplex.fetch {{.*}} to memref<2x88x64xbf16, strided<[6656, 64, 1]

// Both tiles of a determinant's key are arranged before any product.
// RUN: sed 's/form multilinear/form determinant/' %t.pairs.mlir > %t.det.mlir
// RUN: simplex-opt %t.det.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-fetch-pairs 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=ARRANGED
// ARRANGED: simplex.open_channel %[[CHANNEL:.*]] by_maps %true fetches [2, 2]
// ARRANGED: simplex.receive %[[CHANNEL]]
// ARRANGED: simplex.arrange
// ARRANGED: gpu.barrier
// ARRANGED: simplex.receive %[[CHANNEL]]

// Single tiles of outer keys are copied.
// RUN: simplex-opt %t.pairs.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0" --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax --simplex-guard-masks --canonicalize --cse \
// RUN:   --simplex-stage-tiles --canonicalize --cse --simplex-rotate-keys --simplex-fetch-pairs \
// RUN:   --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=SINGLE
// SINGLE: remark: [Missed] tensor-maps
// SINGLE-SAME: no tensor maps: tiles do not come in pairs, or
