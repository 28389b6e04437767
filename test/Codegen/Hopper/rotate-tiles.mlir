// RUN: simplex-opt %S/../../Transforms/Inputs/dot-product.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse -o %t.staged
// RUN: simplex-opt %t.staged --simplex-defer-row-sums --simplex-rotate-tiles --canonicalize -o %t
// RUN: FileCheck %s --input-file=%t.staged --check-prefix=STAGED
// RUN: FileCheck %s --input-file=%t
// RUN: simplex-opt %t --simplex-overlap-contracts | FileCheck %s --check-prefix=OVERLAP
// RUN: simplex-opt %t --simplex-overlap-contracts --simplex-speculate-maximum --simplex-take-turns | FileCheck %s --check-prefix=SPECULATE

// A tile of values is kept for one more iteration, in the third place of a ring.
// STAGED: memref.alloc() {{.*}} : memref<2x1x128x64xbf16
// STAGED: memref.alloc() {{.*}} : memref<3x1x128x64xbf16
// STAGED: scf.for {{.*}} iter_args({{.*}}, %[[K:.*]] = %c0, %[[V:.*]] = %c0)
// STAGED: simplex.copy {{.*}} {simplex.unroll}
// STAGED: arith.subi %c1, %[[K]]
// STAGED: %[[LAST:.*]] = arith.cmpi eq, %[[V]], %c2
// STAGED: arith.select %[[LAST]], %c0,

// Probabilities and their values' place travel. First come this tile's logits,
// then the next one's copies and the last one's values.
// CHECK: %[[P0:.*]] = simplex.fill 0.000000e+00 : <128x128xbf16>
// CHECK: scf.for %[[TILE:.*]] = %[[BEGIN:.*]] to %[[END:.*]] step %c128 iter_args(
// CHECK-SAME: %[[P:[a-z0-9]+]] = %[[P0]]
// CHECK: simplex.copy_wait
// CHECK: simplex.contract %{{.*}} transposed
// CHECK: scf.if
// CHECK: simplex.copy
// CHECK: %[[PV:.*]] = simplex.contract %[[P]],
// CHECK: %[[E:.*]] = simplex.exp
// CHECK: %[[ACC:.*]] = simplex.fold %{{.*}}, %[[PV]]
// CHECK: simplex.rescale %[[ACC]]
// CHECK: simplex.convert %[[E]]
// CHECK: scf.yield
// What is left: the last tile's values, if there was one.
// CHECK: %[[SOME:.*]] = arith.cmpi sgt, %[[END]], %[[BEGIN]]
// CHECK: scf.if %[[SOME]]
// CHECK: simplex.contract
// CHECK: simplex.fold

// Both products run, one behind the other; the second adds to the state.
// OVERLAP: %[[S:.*]] = simplex.start_contract %{{.*}} transposed
// OVERLAP: %[[PV:.*]] = simplex.start_contract %{{.*}} onto %{{.*}} : !simplex.tile<128x64xf32>
// OVERLAP: simplex.await %[[S]] leaving 1
// OVERLAP: simplex.exp
// OVERLAP: simplex.await %[[PV]] : <128x64xf32>
// OVERLAP-NEXT: simplex.rescale

// The first tile raises the maxima from 0; what is still being added to is
// rescaled later, under a condition of its own. There are no turns.
// SPECULATE: %[[FIRST:.*]] = arith.cmpi eq, %[[TILE:.*]], %{{.*}} : index
// SPECULATE: %[[WANTED:.*]] = arith.ori %{{.*}}, %[[FIRST]]
// SPECULATE-NOT: simplex.take_turn
// SPECULATE: scf.if %[[WANTED]] -> (!simplex.tile<128xf32>, !simplex.tile<128xf32>)
// SPECULATE: simplex.row_max
// SPECULATE: simplex.await
// SPECULATE: scf.if %[[WANTED]] -> (!simplex.tile<128x64xf32>)
// SPECULATE: simplex.rescale
// SPECULATE: simplex.out_of_range
