// RUN: not simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu warps=3" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --simplex-stage-tiles --convert-simplex-to-gpu 2>&1 | FileCheck %s --check-prefix=WARPS
// RUN: not simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu rows=24" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --simplex-stage-tiles --convert-simplex-to-gpu 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not simplex-opt %S/../../Transforms/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu keys=24" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --simplex-stage-tiles --convert-simplex-to-gpu 2>&1 | FileCheck %s --check-prefix=KEYS

// WARPS: schedule: 3 warps cannot be dealt to 4 splits
// ROWS: schedule: 24 rows over 1 warps are no whole fragments of 16 rows
// KEYS: schedule: keys must be a multiple of 16, found 24
