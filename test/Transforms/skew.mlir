// Each 64 rows, which four warps multiply, see the keys from their own first query's window on: no tile but at the ends of
// the keys needs a mask, and as many columns are visited as one query has keys.

// RUN: sed -e s/x8x/x64x/g -e 's/windows .0./windows [512]/' %S/Inputs/dot-product.mlir > %t.mlir
// RUN: simplex-opt %t.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse -o %t.tiled
// RUN: FileCheck %s < %t.tiled
// RUN: simplex-opt %t.tiled --simplex-guard-masks | FileCheck %s --check-prefix=GUARD

// CHECK: skew = true>
// What the second query's group reads one row further on begins at key 0.
// CHECK: %[[FIRST:[^ ]+]] = arith.addi %[[POSITION:[^ ]+]], %c-511
// CHECK: %[[BEGIN:[^ ]+]] = arith.maxsi %[[FIRST]], %c-1
// The loop visits the first query's window, out of tiles with a row more, in whole periods of eight.
// CHECK: scf.for %[[COLUMN:[^ ]+]] = %[[BEGIN]] to
// CHECK: %[[K:[^ ]+]] = simplex.load {{.*}} -> <136x64xbf16>
// CHECK: %[[S:[^ ]+]] = simplex.contract %{{.*}}, %[[K]] transposed {skew = 1 : i64} : <128x64xbf16>, !simplex.tile<136x64xbf16> -> <128x128xf32>
// CHECK: simplex.mask %[[S]] rows(%[[POSITION]]) columns(%[[COLUMN]]) {{.*}} windows [512] heads 64 {skew = 1 : i64} : <128x128xf32>
// CHECK: scf.for
// CHECK: simplex.contract {{.*}} {skew = 1 : i64} : <128x128xbf16>, !simplex.tile<136x64xbf16> -> <128x64xf32>

// The last rows reach the end of the keys first, and the first ones their beginning last; the window's edges are all rows'.
// GUARD: %[[END:[^ ]+]] = arith.addi %[[COLUMN:[^ ]+]], %c128
// GUARD: %[[LAST:[^ ]+]] = arith.addi %[[END]], %c1
// GUARD: arith.cmpi sgt, %[[LAST]], %{{.*}}
// GUARD: arith.cmpi slt, %[[COLUMN]], %c0
// GUARD: scf.if
// GUARD: simplex.mask {{.*}} {skew = 1 : i64}

// An option that it does not go with leaves it out, and its number of keys.
// RUN: simplex-opt %t.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma splits=2" | FileCheck %s --check-prefix=SPLITS
// RUN: simplex-opt %t.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma rows=64" | FileCheck %s --check-prefix=ROWS
// SPLITS: schedule = #simplex.schedule<rows = 128, keys = 112, splits = 2, warps = 8, stages = 2, wgmma = true>
// ROWS: schedule = #simplex.schedule<rows = 64, keys = 112, warps = 8, stages = 2, wgmma = true>

// RUN: sed 's/windows .512./& {schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>}/' %t.mlir > %t.forced
// RUN: simplex-opt %t.forced --simplex-bufferize --simplex-outline-kernels --simplex-tile-attention=widen | FileCheck %s --check-prefix=CPU
// RUN: sed 's/windows .512./windows [0]/' %t.forced | not simplex-opt --simplex-bufferize --simplex-outline-kernels --simplex-tile-attention 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNLIMITED
// RUN: sed 's/x64x64/x48x64/g; s/tensor<?x64x/tensor<?x48x/' %t.forced | not simplex-opt --simplex-bufferize --simplex-outline-kernels --simplex-tile-attention 2>&1 \
// RUN:   | FileCheck %s --check-prefix=HEADS
// A CPU does what the schedule says but for that, as without warpgroup products.
// CPU: simplex.load {{.*}} -> <128x64xf32>
// CPU-NOT: {skew
// UNLIMITED: schedule: 'skew' needs one or two keys, each with a window
// HEADS: schedule: 'skew' needs groups of 64 rows to have whole queries, found 48 heads in a tile
