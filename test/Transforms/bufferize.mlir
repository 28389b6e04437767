// RUN: simplex-opt %S/Inputs/trilinear.mlir --simplex-bufferize | FileCheck %s

// Arguments keep dynamic strides but for the innermost; results are buffers.
// CHECK-LABEL: func.func @attend
// CHECK-SAME: %[[Q:[^:]+]]: memref<?x?x8x64xbf16, strided<[?, ?, ?, 1], offset: ?>>
// CHECK: %[[OUT:.+]] = memref.alloc(%{{.+}}, %{{.+}}) {{.*}} : memref<?x?x8x64xbf16>
// CHECK: %[[LSE:.+]] = memref.alloc(%{{.+}}, %{{.+}}) {{.*}} : memref<?x8x?xf32>
// CHECK: simplex.attention query(%[[Q]])
// CHECK-SAME: outs(%[[OUT]], %[[LSE]])

// RUN: simplex-opt %s --simplex-bufferize | FileCheck %s --check-prefix=LOOP
// An attention that feeds itself: a buffer for each turn.
// LOOP-LABEL: func.func @layers
// LOOP: scf.for {{.*}} iter_args(%[[X:.+]] = %{{.+}}) -> (memref<1x?x2x8xf32
// LOOP: %[[OUT:.+]] = memref.alloc
// LOOP: simplex.attention query(%[[X]])
// LOOP: scf.yield
func.func @layers(%x: tensor<1x?x2x8xf32>, %n: index) -> tensor<1x?x2x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> tensor<1x?x2x8xf32> {
    %out, %lse = simplex.attention query(%y) keys(%y) values(%y) form multilinear windows [4]
        : (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
        -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
    scf.yield %out : tensor<1x?x2x8xf32>
  }
  return %r : tensor<1x?x2x8xf32>
}
