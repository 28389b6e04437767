// RUN: simplex-opt %S/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=widen --canonicalize --cse | FileCheck %s
// RUN: simplex-opt %S/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 | FileCheck %s --check-prefix=SPLIT
// RUN: not simplex-opt %S/Inputs/trilinear.mlir --simplex-bufferize --simplex-outline-kernels \
// RUN:   --simplex-tile-attention 2>&1 | FileCheck %s --check-prefix=NOSCHEDULE

// NOSCHEDULE: 'simplex.attention' op has no schedule: run --simplex-select-schedule first

// The grid is batch x (key heads * head blocks) x query tiles.
// CHECK: simplex.grid = #simplex.grid<[0, 0], 1, [0, 1]>
// CHECK: %[[Q:.+]] = simplex.load {{.*}} heads 8 {{.*}} -> <8x64xf32>
// First pass: maxima only. Key tiles outside, outer keys inside.
// CHECK: %[[M:.+]] = scf.for
// CHECK: %[[K:.+]] = simplex.load {{.*}} -> <64x64xf32>
// CHECK: scf.for
// CHECK: simplex.combine #simplex.multilinear %[[Q]]
// CHECK: simplex.contract %{{.+}}, %[[K]] transposed
// CHECK: simplex.mask {{.*}} windows [16, 128] heads 8
// CHECK: simplex.row_max
// CHECK-NOT: simplex.exp
// Second pass: sums against the final maximum.
// CHECK: scf.for
// CHECK: simplex.exp %{{.+}}, %[[M]] scale
// CHECK: simplex.row_sum
// CHECK: simplex.fold
// CHECK: simplex.finalize %[[M]]
// CHECK: simplex.store

// SPLIT: simplex.split 4
// SPLIT: ^bb0(%[[S:.+]]: index):
// SPLIT: simplex.yield
