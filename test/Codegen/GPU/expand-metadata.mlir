// RUN: simplex-opt %s --simplex-expand-metadata | FileCheck %s

// A view becomes arithmetic; what is not of memref stays, even a sum that
// folds.
// CHECK-LABEL: func.func @row
// CHECK-DAG: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %arg0
// CHECK-DAG: %[[FIRST:.*]] = affine.apply #{{.*}}()[%arg1]
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [%[[FIRST]]], sizes: [64], strides: [1]
// CHECK-NOT: memref.subview
// CHECK: arith.addi %{{.*}}, %{{.*}} : index
// CHECK: return
func.func @row(%x: memref<4x64xf32>, %i: index)
    -> (memref<64xf32, strided<[1], offset: ?>>, index) {
  %row = memref.subview %x[%i, 0] [1, 64] [1, 1]
      : memref<4x64xf32> to memref<64xf32, strided<[1], offset: ?>>
  %one = arith.constant 1 : index
  %two = arith.addi %one, %one : index
  return %row, %two : memref<64xf32, strided<[1], offset: ?>>, index
}
