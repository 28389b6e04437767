// DEFINE: %{rows} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{rows} --simplex-stage-rows --simplex-count-keys | FileCheck %s

// CHECK: %[[FIRST:.*]] = arith.maxsi
// CHECK: simplex.copy %arg1[%{{.*}}, %[[FIRST]], %c0]
// The loop over outer keys starts at the row of a share's first one, and nothing is below row 0.
// CHECK: scf.for {{.*}} iter_args
// CHECK: %[[ROWS:.*]] = arith.subi %{{.*}}, %[[FIRST]] : index
// CHECK: %[[SOME:.*]] = arith.maxsi %[[ROWS]], %c0
// CHECK: %[[END:.*]] = arith.index_castui %[[SOME]] : index to i32
// CHECK: scf.for %[[R:.*]] = %{{.*}} to %[[END]] step %c2_i32 {{.*}} : i32 {
// CHECK-NEXT: %[[ROW:.*]] = arith.index_castui %[[R]] : i32 to index
// CHECK-NEXT: %[[KEY:.*]] = arith.addi %[[FIRST]], %[[ROW]]
// CHECK: simplex.load_row %{{.*}}[%[[ROW]]]
// CHECK: simplex.load_row %{{.*}}[%[[ROW]]]
// CHECK: simplex.mask {{.*}} outer(%[[KEY]])

// Nothing says how many keys there are: the loop stays.
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir %{rows} -o %t.same
// RUN: simplex-opt %t.same --simplex-count-keys | cmp %t.same -
