// With two keys, too, each 64 rows see the keys from their own first query's window on: here four queries of 16 heads, so
// those of the second 64 rows are four keys further on.

// RUN: sed -e s/x8x64xbf16/x16x128xbf16/g -e s/x1x64xbf16/x1x128xbf16/g -e s/x8x/x16x/g %S/Inputs/trilinear.mlir > %t.mlir
// RUN: simplex-opt %t.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse -o %t.tiled
// RUN: FileCheck %s < %t.tiled
// RUN: simplex-opt %t.tiled --simplex-guard-masks | FileCheck %s --check-prefix=GUARD

// CHECK: skew = true>
// What the second 64 rows read four keys further on begins at key 0.
// CHECK: %[[OUTER:[^ ]+]] = arith.maxsi %{{.*}}, %c-4
// CHECK: %[[OUTER_END:[^ ]+]] = arith.minsi
// CHECK: %[[BEGIN:[^ ]+]] = arith.maxsi %{{.*}}, %c-4
// CHECK: scf.for %[[COLUMN:[^ ]+]] = %[[BEGIN]] to
// CHECK: %[[K:[^ ]+]] = simplex.load {{.*}} -> <88x128xbf16>
// CHECK: scf.for %[[J:[^ ]+]] = %[[OUTER]] to %[[OUTER_END]]
// CHECK: %[[ROWS:[^ ]+]] = simplex.load %{{.*}}[%{{.*}}, %[[J]], %{{.*}}] {{.*}} heads 1 {skew = 4 : i64} : {{.*}} -> <2x128xbf16>
// CHECK: %[[C:[^ ,]+]] = simplex.combine #simplex.multilinear %{{.*}}, %[[ROWS]]
// CHECK: %[[S:[^ ]+]] = simplex.contract %[[C]], %[[K]] transposed {skew = 4 : i64}
// CHECK: simplex.mask %[[S]] rows(%{{.*}}) columns(%[[COLUMN]]) outer(%[[J]]) {{.*}} heads 16 {skew = 4 : i64}
// CHECK: simplex.fold %{{.*}}, %{{.*}} values(%{{.*}}) {{.*}} !simplex.tile<2x128xbf16>

// An end of the keys may cut an outer key of some rows: asked of all that the loop visits, which few tiles of queries do
// not have whole. What a window's edge cuts of a group's queries is asked of each.
// GUARD: scf.for %[[COLUMN:[^ ]+]] =
// GUARD: scf.for %[[J:[^ ]+]] = %[[FIRST:[^ ]+]] to %[[LAST:[^ ]+]] step
// GUARD: arith.cmpi slt, %[[FIRST]], %c0
// GUARD: %[[FAR:[^ ]+]] = arith.addi %[[LAST]], %c4
// GUARD: arith.cmpi sgt, %[[FAR]], %{{.*}}
// GUARD: arith.cmpi slt, %[[J]],
// GUARD: scf.if
// GUARD-NEXT: simplex.mask {{.*}} {skew = 4 : i64}

// Where each 64 rows are one query, no edge of an outer window cuts anything.
// RUN: sed -e s/x8x64xbf16/x64x128xbf16/g -e s/x1x64xbf16/x1x128xbf16/g -e s/x8x/x64x/g %S/Inputs/trilinear.mlir > %t.64.mlir
// RUN: simplex-opt %t.64.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-guard-masks | FileCheck %s --check-prefix=ONE
// ONE: scf.for
// ONE: scf.for %[[J:[^ ]+]] =
// ONE-NOT: %[[J]]{{[,)]| :}} index
// ONE: simplex.mask {{.*}} outer(%[[J]]) {{.*}} {skew = 1 : i64}

// A row of an outer key in shared memory: each group of warps its own.
// RUN: simplex-opt %t.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-stage-rows \
// RUN:   2>%t.staged | FileCheck %s --check-prefix=GROUP
// RUN: FileCheck %s --check-prefix=STAGED < %t.staged
// 16 keys of the window, for eight queries. Of the value half a row is read when the other half is folded.
// STAGED: memref.alloc() : memref<23x128xbf16, #gpu.address_space<workgroup>>
// STAGED: simplex.load_row %{{.*}}[%{{.*}}] {skew = 4 : i64} : {{.*}} -> <2x128xbf16>
// STAGED: simplex.load_row %{{.*}}[%{{.*}}] {simplex.read_late, skew = 4 : i64} : {{.*}} -> <2x128xbf16>
// GROUP: %[[WARP_ROW:[^ ]+]] = arith.muli %{{.*}}, %c16 : index
// GROUP: %[[GROUP:[^ ]+]] = arith.divui %[[WARP_ROW]], %c64 : index
// GROUP: %[[LAG:[^ ]+]] = arith.muli %[[GROUP]], %c4 : index
// GROUP: nvgpu.ldmatrix %{{.*}}[%[[LAG]], %{{.*}}] {{.*}} memref<23x128xbf16

// Are the outer keys of these rows in the range of keys, as counted from the loop's first one? Kept from before it on.
// RUN: simplex-opt %t.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s --check-prefix=RANGE
// RANGE: llvm.store volatile
// RANGE: scf.for
// RANGE: %[[FIRST:[^ ]+]] = llvm.load volatile
// RANGE: %[[LAST:[^ ]+]] = llvm.load volatile
// RANGE: %[[TO:[^ ]+]] = arith.cmpi sgt, %[[LAST]], %[[NUMBER:[^ ]+]] : i32
// RANGE: %[[FROM:[^ ]+]] = arith.cmpi sle, %[[FIRST]], %[[NUMBER]] : i32
// RANGE: %[[IN:[^ ]+]] = arith.andi %[[FROM]], %[[TO]] : i1
// RANGE: arith.andi %[[IN]], %{{.*}} : i1

// Whole rows are dropped as without a skew.
// RUN: simplex-opt %t.mlir --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-drop-rows \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=DROP
// DROP: simplex.drop_rows %{{.*}} rows(%{{.*}}) outer(%{{.*}}) range(%c0, %dim{{[_0-9]*}}) windows [16] heads 16 {skew = 4 : i64}

// Rows that are not in shared memory have no lowering: the window is too long for that, or unlimited, or tiles take it all.
// The compiler does not choose that.
// RUN: simplex-opt %t.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma keys=176" | FileCheck %s --check-prefix=CHOSEN
// CHOSEN: keys = 176
// CHOSEN-NOT: skew
// RUN: sed 's/windows .128, 16./windows [16, 128] {schedule = #simplex.schedule<rows = 128, keys = 80, warps = 8, stages = 2, wgmma = true, skew = true>}/' %t.mlir > %t.forced
// RUN: simplex-opt %t.forced --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" -o /dev/null
// RUN: sed 's/windows .16/windows [60/' %t.forced | not simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" 2>&1 | FileCheck %s --check-prefix=LONG
// RUN: sed 's/windows .16/windows [0/' %t.forced | not simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" 2>&1 | FileCheck %s --check-prefix=UNLIMITED
// LONG: error: 'simplex.attention' op schedule: 'skew' holds 64 rows of an outer key in shared memory, found a window of 60, which is 67 for 8 queries
// RUN: sed 's/keys = 80/keys = 176/' %t.forced | not simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" 2>&1 | FileCheck %s --check-prefix=FULL
// FULL: error: 'simplex.load' op of a row for each group of rows must be staged first, and there is no shared memory left for them (schedule: 'skew')
// UNLIMITED: error: 'simplex.attention' op schedule: 'skew' needs one or two keys, each with a window
