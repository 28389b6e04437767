// RUN: simplex-opt %S/../../Transforms/Inputs/quadrilinear.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-stage-rows \
// RUN:   --simplex-coalesce-keys --canonicalize --cse -o %t
// RUN: FileCheck %s --input-file=%t
// RUN: simplex-opt %t --simplex-multiply-rows | FileCheck %s --check-prefix=ROWS
// RUN: simplex-opt %t --simplex-multiply-rows=max-rows=31 | FileCheck %s --check-prefix=MANY
// RUN: simplex-opt %t --simplex-multiply-rows=shared-per-block=80000 | FileCheck %s --check-prefix=MANY

// Two loops over outer keys are one, whose number says which pair.
// CHECK: %[[PAIRS:.*]] = arith.muli {{.*}} : i32
// CHECK: simplex.split 2
// CHECK-NEXT: ^bb0(%[[SHARE:.*]]: index)
// CHECK: scf.for {{.*}} iter_args
// CHECK: %[[BEGIN:.*]] = arith.index_castui %[[SHARE]] : index to i32
// CHECK: scf.for %[[PAIR:.*]] = %[[BEGIN]] to %[[PAIRS]] step %c2_i32
// CHECK-NOT: scf.for
// CHECK: arith.divui %[[PAIR]], %[[N:.*]] : i32
// CHECK: arith.remui %[[PAIR]], %[[N]] : i32
// CHECK: simplex.combine
// CHECK: simplex.mask {{.*}} outer(%{{.*}}, %{{.*}})
// CHECK: return

// 4 rows times 8 rows, of keys and of values.
// ROWS: %[[K:.*]] = memref.alloc() : memref<32x64xbf16
// ROWS-NEXT: simplex.copy_wait
// ROWS-NEXT: simplex.multiply_rows %{{.*}}, %{{.*}} extent %{{.*}} biases [0.000000e+00, 0.000000e+00] to %[[K]]
// ROWS: %[[V:.*]] = memref.alloc() : memref<32x64xbf16
// ROWS: simplex.multiply_rows {{.*}} to %[[V]]
// ROWS: scf.for %[[PAIR:.*]] = %{{.*}} to %{{.*}} step %c2_i32
// ROWS: %[[ROW:.*]] = simplex.load_row %[[K]][%{{.*}}]
// The step has few registers left: half of a value's row can wait.
// ROWS: %[[VALUE:.*]] = simplex.load_row %[[V]][%{{.*}}] {simplex.read_late}
// ROWS: simplex.combine #simplex.multilinear %{{.*}}, %[[ROW]] biases [0.000000e+00] factor 1
// ROWS: simplex.fold {{.*}} values(%[[VALUE]]) biases [0.000000e+00]

// MANY-NOT: simplex.multiply_rows

// More tuples than 32 bits count: the loops stay.
// RUN: sed 's/windows .4, 8, 256./windows [65536, 65536, 70000]/' %S/../../Transforms/Inputs/quadrilinear.mlir > %t.large.mlir
// RUN: simplex-opt %t.large.mlir --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0 splits=2 warps=8" \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-stage-rows \
// RUN:   --simplex-coalesce-keys | FileCheck %s --check-prefix=LARGE
// LARGE-NOT: arith.divui {{.*}} : i32
