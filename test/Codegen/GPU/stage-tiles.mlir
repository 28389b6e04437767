// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule=target=gpu \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --loop-invariant-code-motion --simplex-stage-tiles | FileCheck %s
// RUN: not simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu stages=1" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --simplex-stage-tiles 2>&1 | FileCheck %s --check-prefix=STAGES

// STAGES: simplex-stage-tiles needs a tiled kernel whose schedule has stages = 2

// Rows are padded by 16 bytes: no bank conflicts.
// CHECK: memref.alloc() : memref<1x16x72xbf16, #gpu.address_space<workgroup>>
// CHECK: simplex.copy %arg0
// CHECK: memref.alloc() : memref<2x64x72xbf16, #gpu.address_space<workgroup>>
// The first tile is on its way before the loop, the next one in it.
// CHECK: simplex.copy
// CHECK: scf.for {{.*}} iter_args({{.*}}%[[SLOT:[a-z0-9]+]] = %{{[a-z0-9_]+}}) ->
// CHECK: simplex.copy_wait
// CHECK: scf.if
// CHECK: simplex.copy
// CHECK: simplex.contract %{{.+}}, %{{.+}} transposed : {{.*}}memref<64x64xbf16
