// DEFINE: %{stage} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse
// DEFINE: %{paired} = --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" --mlir-print-ir-after=simplex-pair-tiles -o /dev/null
// 8 queries and a window of 153 are two tiles of 80 keys.
// RUN: sed 's/128, 16/153, 16/' %S/../../Transforms/Inputs/trilinear.mlir > %t.mlir
// RUN: simplex-opt %t.mlir %{stage} -o %t.staged.mlir
// RUN: FileCheck %s --check-prefix=STAGED --input-file=%t.staged.mlir
// RUN: simplex-opt %t.staged.mlir --simplex-pair-tiles | FileCheck %s

// Two tiles of keys and two of values: the second ones come if they begin before the end.
// STAGED: %[[KEYS:.*]] = memref.alloc() {alignment = 1024 : i64} : memref<2x1x80x64xbf16
// STAGED: %[[VALUES:.*]] = memref.alloc() {alignment = 1024 : i64} : memref<2x1x80x64xbf16
// STAGED: scf.for %[[T:.*]] = %{{.*}} to %[[END:.*]] step %c160
// STAGED: memref.subview %[[KEYS]][0, 0, 0, 0]
// STAGED: memref.subview %[[VALUES]][0, 0, 0, 0]
// STAGED: simplex.copy_wait
// STAGED-NEXT: simplex.copy %arg2[%{{.*}}, %[[T]], %c0]
// STAGED-NEXT: simplex.copy %arg4[%{{.*}}, %[[T]], %c0]
// STAGED: %[[NEXT:.*]] = arith.addi %[[T]], %c80
// STAGED-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// STAGED-NEXT: scf.if %[[MORE]] {
// STAGED-NEXT: memref.subview %[[KEYS]][1, 0, 0, 0]
// STAGED: simplex.copy %arg2[%{{.*}}, %[[NEXT]], %c0]
// STAGED: memref.subview %[[VALUES]][1, 0, 0, 0]
// STAGED: simplex.copy %arg4[%{{.*}}, %[[NEXT]], %c0]
// STAGED-NEXT: {{^ *[}]}}
// STAGED-NEXT: simplex.copy_wait
// Both are there: nothing is copied before the loop or ahead.
// STAGED-NOT: simplex.copy {{.*}}%arg2

// CHECK: scf.for %[[T:.*]] = %{{.*}} to %[[END:.*]] step %c160
// CHECK: %[[NEXT:.*]] = arith.addi %[[T]], %c80
// CHECK-NEXT: %[[TWO:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// The last tile of values is the second one, or the first if it is alone.
// CHECK-NEXT: %[[BIT:.*]] = arith.extui %[[TWO]] : i1 to i32
// CHECK-NEXT: %[[SLOT:.*]] = arith.index_cast %[[BIT]] : i32 to index
// CHECK-NEXT: %[[LAST:.*]] = memref.subview %[[VALUES:.*]][%[[SLOT]], 0, 0, 0]
// CHECK: scf.for %[[J:.*]] = %{{.*}} iter_args(%[[M0:.*]] = %{{.*}}, %[[L0:.*]] = %{{.*}}, %[[ACC0:.*]] = %{{.*}}) ->
// One combined tile.
// CHECK: %[[C:.*]] = simplex.combine
// CHECK-NEXT: %[[S:.*]] = simplex.contract %[[C]], %{{.*}} transposed
// CHECK: simplex.mask %[[S]] {{.*}} columns(%[[T]]) outer(%[[J]])
// CHECK: %[[M1:.*]] = simplex.row_max %{{.*}}, %[[M0]]
// CHECK-NEXT: %[[L1:.*]] = simplex.rescale %[[L0]] from %[[M0]] to %[[M1]]
// CHECK-NEXT: %[[ACC1:.*]] = simplex.rescale %[[ACC0]] from %[[M0]] to %[[M1]]
// CHECK: %[[SUM1:.*]] = simplex.row_sum %{{.*}}, %[[L1]]
// CHECK-NEXT: %[[P1:.*]] = simplex.convert
// CHECK-NEXT: %[[SECOND:.*]]:5 = scf.if %[[TWO]]
// CHECK-NEXT: %[[PV:.*]] = simplex.contract %[[P1]], %[[FIRST:.*]] :
// CHECK: %[[K1:.*]] = memref.subview %{{.*}}[%{{.*}}, 0, 0, 0]
// CHECK-NEXT: %[[S2:.*]] = simplex.contract %[[C]], %[[K1]] transposed
// The mask and its condition are those of the second tile's columns.
// CHECK: %[[END2:.*]] = arith.addi %[[NEXT]], %c80
// CHECK-NEXT: arith.cmpi sgt, %[[END2]], %{{.*}}
// CHECK: simplex.mask %[[S2]] {{.*}} columns(%[[NEXT]]) outer(%[[J]])
// CHECK: %[[M2:.*]] = simplex.row_max %{{.*}}, %[[M1]]
// CHECK-NEXT: %[[L2:.*]] = simplex.rescale %[[SUM1]] from %[[M1]] to %[[M2]]
// CHECK-NEXT: %[[ACC2:.*]] = simplex.rescale %[[ACC1]] from %[[M1]] to %[[M2]]
// CHECK: %[[SUM2:.*]] = simplex.row_sum %{{.*}}, %[[L2]]
// CHECK-NEXT: %[[P2:.*]] = simplex.convert
// What the first tile's product added up moves with the maximum.
// CHECK-NEXT: %[[PV2:.*]] = simplex.rescale %[[PV]] from %[[M1]] to %[[M2]]
// CHECK-NEXT: scf.yield %[[P2]], %[[PV2]], %[[M2]], %[[SUM2]], %[[ACC2]] :
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[NONE:.*]] = simplex.fill 0.000000e+00 : <64x64xf32>
// CHECK-NEXT: scf.yield %[[P1]], %[[NONE]], %[[M1]], %[[SUM1]], %[[ACC1]] :
// CHECK-NEXT: } {simplex.second_tile}
// CHECK-NEXT: %[[O:.*]] = simplex.contract %[[SECOND]]#0, %[[LAST]] :
// CHECK-NEXT: %[[BOTH:.*]] = simplex.fold %[[SECOND]]#1, %[[O]] biases []
// One fold.
// CHECK-NEXT: %[[ACC:.*]] = simplex.fold %[[SECOND]]#4, %[[BOTH]] values(%{{.*}}) biases [0.000000e+00]
// CHECK-NEXT: scf.yield %[[SECOND]]#2, %[[SECOND]]#3, %[[ACC]] :
// CHECK-NOT: simplex.fold

// Biases of keys and values: the logits' sums of rows are the combined tile's, those of the values each tile's.
// RUN: sed 's/windows .153, 16./& key_biases [1.0, 2.0] value_biases [3.0, 4.0]/' %t.mlir > %t.bias.mlir
// RUN: simplex-opt %t.bias.mlir %{paired} 2>&1 | FileCheck %s --check-prefix=BIAS
// BIAS: %[[C:.*]] = simplex.combine {{.*}} biases [2.000000e+00]
// BIAS: %[[CSUM:.*]] = simplex.row_sum %[[C]],
// BIAS-NEXT: simplex.contract %[[C]], %{{.*}} init %[[CSUM]] transposed
// BIAS: %[[P1:.*]] = simplex.convert
// BIAS-NEXT: %[[INIT1:.*]] = simplex.row_sum %[[P1]], %{{.*}} {factor = 3.000000e+00 : f64}
// BIAS-NEXT: %[[SECOND:.*]]:6 = scf.if
// BIAS-NEXT: simplex.contract %[[P1]], %{{.*}} init %[[INIT1]]
// BIAS: simplex.contract %[[C]], %{{.*}} init %[[CSUM]] transposed
// BIAS: %[[P2:.*]] = simplex.convert
// BIAS-NEXT: %[[INIT2:.*]] = simplex.row_sum %[[P2]], %{{.*}} {factor = 3.000000e+00 : f64}
// BIAS: scf.yield %[[P2]], %[[INIT2]],
// BIAS-NEXT: } else {
// BIAS: scf.yield %[[P1]], %[[INIT1]],
// BIAS: simplex.contract %[[SECOND]]#0, %{{.*}} init %[[SECOND]]#1
// BIAS: simplex.fold {{.*}} values(%{{.*}}) biases [4.000000e+00]

// Tiles of two sizes: with a window of 128, 135 keys are a tile of 80 and one of 64.
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{stage} -o %t.uneven.mlir
// RUN: FileCheck %s --check-prefix=SIZES --input-file=%t.uneven.mlir
// RUN: simplex-opt %t.uneven.mlir --simplex-pair-tiles | FileCheck %s --check-prefix=UNEVEN

// The second slot has the boxes of the first, of which fewer rows are used.
// SIZES: %[[KEYS:.*]] = memref.alloc() {alignment = 1024 : i64} : memref<2x1x80x64xbf16
// SIZES: scf.for %[[T:.*]] = %{{.*}} to %[[END:.*]] step %c144
// SIZES: %[[NEXT:.*]] = arith.addi %[[T]], %c80
// SIZES-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// SIZES-NEXT: scf.if %[[MORE]] {
// SIZES-NEXT: memref.subview %[[KEYS]][1, 0, 0, 0] [1, 1, 64, 64]
// SIZES: simplex.copy %arg2[%{{.*}}, %[[NEXT]], %c0] {{.*}} to memref<1x64x64xbf16, strided<[5120, 64, 1], offset: ?>

// UNEVEN: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %c144
// UNEVEN: %[[NEXT:.*]] = arith.addi %[[T]], %c80
// UNEVEN: %[[LAST:.*]] = memref.subview %[[VALUES:.*]][%{{.*}}, 0, 0, 0] [1, 1, 64, 64]
// UNEVEN: %[[C:.*]] = simplex.combine
// UNEVEN-NEXT: simplex.contract %[[C]], %{{.*}} transposed {{.*}} -> <64x80xf32>
// UNEVEN: %[[P1:.*]] = simplex.convert
// UNEVEN-NEXT: %[[SECOND:.*]]:5 = scf.if %{{.*}} -> (!simplex.tile<64x64xbf16>, !simplex.tile<64x64xf32>,
// UNEVEN-NEXT: %[[PV:.*]] = simplex.contract %[[P1]], %[[V0:.*]] : <64x80xbf16>, memref<1x80x64xbf16
// UNEVEN: %[[K1:.*]] = memref.subview %{{.*}}[%{{.*}}, 0, 0, 0] [1, 1, 64, 64]
// The end of the second tile's columns, which masks ask for.
// UNEVEN: %[[END2:.*]] = arith.addi %[[NEXT]], %c64
// UNEVEN-NEXT: %[[S2:.*]] = simplex.contract %[[C]], %[[K1]] transposed {{.*}} -> <64x64xf32>
// UNEVEN-NEXT: arith.cmpi sgt, %[[END2]], %{{.*}}
// UNEVEN: scf.if %{{.*}} -> (!simplex.tile<64x64xf32>)
// UNEVEN: simplex.mask %[[S2]] {{.*}} columns(%[[NEXT]]) {{.*}} : <64x64xf32>
// UNEVEN: %[[P2:.*]] = simplex.convert %{{.*}} : <64x64xf32> -> <64x64xbf16>
// UNEVEN: scf.yield %[[P2]],
// A tile that is alone is multiplied at once: its probabilities are too many for the last product.
// UNEVEN-NEXT: } else {
// UNEVEN-NEXT: %[[ALONE:.*]] = simplex.contract %[[P1]], %[[V0]] : <64x80xbf16>
// UNEVEN-NEXT: %[[NONE:.*]] = simplex.fill 0.000000e+00 : <64x64xbf16>
// UNEVEN-NEXT: scf.yield %[[NONE]], %[[ALONE]],
// UNEVEN-NEXT: } {simplex.second_tile}
// UNEVEN-NEXT: %[[O:.*]] = simplex.contract %[[SECOND]]#0, %[[LAST]] : <64x64xbf16>
// UNEVEN-NEXT: simplex.fold %[[SECOND]]#1, %[[O]] biases []

// RUN: sed 's/windows .128, 16./& key_biases [1.0, 2.0] value_biases [3.0, 4.0]/' %S/../../Transforms/Inputs/trilinear.mlir > %t.two.mlir
// RUN: simplex-opt %t.two.mlir %{paired} 2>&1 | FileCheck %s --check-prefix=ZEROS
// ZEROS: %[[P1:.*]] = simplex.convert
// ZEROS-NEXT: %[[INIT1:.*]] = simplex.row_sum %[[P1]], %{{.*}} {factor = 3.000000e+00 : f64}
// ZEROS-NEXT: %[[SECOND:.*]]:6 = scf.if
// ZEROS: simplex.row_sum %{{.*}}, %{{.*}} {factor = 3.000000e+00 : f64} : <64x64xbf16>
// ZEROS: } else {
// ZEROS-NEXT: %[[ALONE:.*]] = simplex.contract %[[P1]], %{{.*}} init %[[INIT1]]
// ZEROS-NEXT: %[[NONE:.*]] = simplex.fill 0.000000e+00 : <64x64xbf16>
// ZEROS-NEXT: %[[ZERO:.*]] = simplex.fill 0.000000e+00 : <64xf32>
// ZEROS-NEXT: scf.yield %[[NONE]], %[[ZERO]], %[[ALONE]],
// ZEROS: simplex.contract %[[SECOND]]#0, %{{.*}} init %[[SECOND]]#1

// Chunks of a determinant are arranged in both tiles, once they have come.
// RUN: sed s/multilinear/determinant/ %t.mlir > %t.determinant.mlir
// RUN: simplex-opt %t.determinant.mlir %{paired} 2>&1 | FileCheck %s --check-prefix=DETERMINANT
// DETERMINANT: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args
// DETERMINANT: simplex.copy_wait
// DETERMINANT: scf.if %[[MORE:[0-9]+]] {
// DETERMINANT: {{^ *[}]}}
// DETERMINANT-NEXT: simplex.copy_wait
// DETERMINANT-NEXT: simplex.arrange <{{.*}}> %[[KEYS1:[a-z_0-9]+]] :
// DETERMINANT-NEXT: scf.if %[[MORE]] {
// DETERMINANT: memref.subview %[[RING:.*]][1, 0, 0, 0]
// DETERMINANT-NEXT: %[[KEYS2:.*]] = memref.cast
// DETERMINANT-NEXT: simplex.arrange <{{.*}}> %[[KEYS2]] :
// DETERMINANT-NEXT: {{^ *[}]}}
// DETERMINANT-NEXT: gpu.barrier
// DETERMINANT: simplex.combine #simplex.determinant
// DETERMINANT-NOT: simplex.combine
// DETERMINANT: {simplex.second_tile}
// DETERMINANT-NOT: simplex.combine

// n = 4: one loop over pairs of outer keys, whose rows are multiplied. The number of the pair is known outside the branch.
// RUN: simplex-opt %S/../../Transforms/Inputs/quadrilinear.mlir %{paired} 2>&1 | FileCheck %s --check-prefix=FOUR
// FOUR: simplex.multiply_rows
// FOUR: scf.for
// FOUR: scf.for
// FOUR: arith.divui
// FOUR: %[[C:.*]] = simplex.combine
// FOUR: scf.if %{{.*}} -> (!simplex.tile<64x{{.*}}xbf16>,
// FOUR-NOT: arith.divui
// FOUR: simplex.contract %[[C]], %{{.*}} transposed
// FOUR-NOT: arith.divui
// FOUR: {simplex.second_tile}

// Unlimited outer windows: the loop over the first outer key stays, and the innermost one is changed.
// RUN: sed 's/windows .4, 8, 256./windows [0, 0, 0]/' %S/../../Transforms/Inputs/quadrilinear.mlir > %t.unlimited.mlir
// RUN: simplex-opt %t.unlimited.mlir %{paired} 2>&1 | FileCheck %s --check-prefix=NEST
// NEST: scf.for
// NEST: scf.for
// NEST: scf.for
// NEST: simplex.combine
// NEST: scf.if
// NEST-NOT: simplex.load %
// NEST: {simplex.second_tile}

// Other kernels stay as they are; but tiles that come by pairs must find their loop.
// RUN: sed 's/, pairs = true//' %t.staged.mlir > %t.single.mlir
// RUN: simplex-opt %t.single.mlir --simplex-pair-tiles | diff %t.single.mlir -
// RUN: not simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --simplex-pair-tiles 2>&1 | FileCheck %s --check-prefix=UNSTAGED
// UNSTAGED: error: simplex-pair-tiles found no loop over outer keys whose tiles of last keys are staged by pairs

// Without outer keys there is nothing to share.
// RUN: not simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=1" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax --simplex-stage-tiles \
// RUN:   2>&1 | FileCheck %s --check-prefix=DOT
// DOT: error: schedule: pairs of tiles are for outer keys, and here are none (n = 2)
