// RUN: simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse | FileCheck %s

// Tiles of last keys and values lie in boxes of 128-byte rows, aligned to the
// pattern of the banks; query rows are padded as for mma.sync.
// CHECK: memref.alloc() : memref<1x64x72xbf16, #gpu.address_space<workgroup>>
// CHECK: memref.alloc() {alignment = 1024 : i64} : memref<2x1x80x64xbf16, #gpu.address_space<workgroup>>
// CHECK: simplex.copy %{{.*}} to memref<1x80x64xbf16
// CHECK: simplex.contract %{{.+}}, %{{.+}} transposed : <64x64xbf16>, memref<1x80x64xbf16{{.*}} -> <64x80xf32>
