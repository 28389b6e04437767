// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-stage-rows | FileCheck %s
// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse \
// RUN:   --simplex-stage-rows=max-rows=22 | FileCheck %s --check-prefix=MANY

// A window of 16 and 8 queries: 23 rows of the outer key and of the value, from
// the first one on, for both splits.
// CHECK: %[[FIRST:.*]] = arith.maxsi %{{.*}}, %c0
// CHECK: %[[K:.*]] = memref.alloc() : memref<23x64xbf16, #gpu.address_space<workgroup>>
// CHECK: simplex.copy %arg1[%{{.*}}, %[[FIRST]], %c0] {{.*}} to %[[K]]
// CHECK: %[[V:.*]] = memref.alloc() : memref<23x64xbf16, #gpu.address_space<workgroup>>
// CHECK: simplex.copy %arg3[%{{.*}}, %[[FIRST]], %c0] {{.*}} to %[[V]]
// CHECK: simplex.split 2
// CHECK: scf.for %[[J:.*]] =
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: %[[ROW:.*]] = arith.subi %[[J]], %[[FIRST]]
// CHECK: simplex.load_row %[[K]][%[[ROW]]]
// CHECK: simplex.load_row %[[V]]
// CHECK-NOT: simplex.load %
// CHECK: return

// MANY-NOT: simplex.load_row
