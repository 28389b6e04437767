// RUN: simplex-opt %s --simplex-lower-grid-function | FileCheck %s

// CHECK: llvm.func @kernel(%[[WORDS:.*]]: !llvm.ptr, %[[FIRST:.*]]: i64, %[[LAST:.*]]: i64, %[[WS:.*]]: !llvm.ptr)
// CHECK-SAME: simplex.workspace = 256
// The pointers, the offset, a size and a stride, then the index.
// CHECK-COUNT-5: llvm.getelementptr %[[WORDS]]
// CHECK: unrealized_conversion_cast {{.*}} to memref<?xf32, strided<[1], offset: ?>>
// CHECK: llvm.getelementptr %[[WORDS]][5]
// CHECK: %[[N:.*]] = arith.index_cast
// CHECK: llvm.insertvalue %[[WS]]
// CHECK: %[[A:.*]] = arith.index_cast %[[FIRST]]
// CHECK: %[[B:.*]] = arith.index_cast %[[LAST]]
// CHECK: scf.for %[[ITEM:.*]] = %[[A]] to %[[B]]
// CHECK: arith.addi %[[ITEM]], %[[N]]
// CHECK: llvm.return
func.func private @kernel(%x: memref<?xf32, strided<[1], offset: ?>>, %n: index, %ws: memref<?xi8>)
    attributes {simplex.kernel, simplex.workspace = 256 : i64} {
  %item = simplex.work_item
  %at = arith.addi %item, %n : index
  %v = memref.load %x[%at] : memref<?xf32, strided<[1], offset: ?>>
  memref.store %v, %x[%item] : memref<?xf32, strided<[1], offset: ?>>
  return
}

// CHECK: func.func @other
func.func @other() {
  return
}
