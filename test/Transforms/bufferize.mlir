// RUN: simplex-opt %S/Inputs/trilinear.mlir --simplex-bufferize | FileCheck %s

// Arguments keep dynamic strides but for the innermost; results are buffers.
// CHECK-LABEL: func.func @attend
// CHECK-SAME: %[[Q:[^:]+]]: memref<?x?x8x64xbf16, strided<[?, ?, ?, 1], offset: ?>>
// CHECK: %[[OUT:.+]] = memref.alloc(%{{.+}}, %{{.+}}) {{.*}} : memref<?x?x8x64xbf16>
// CHECK: %[[LSE:.+]] = memref.alloc(%{{.+}}, %{{.+}}) {{.*}} : memref<?x8x?xf32>
// CHECK: simplex.attention query(%[[Q]])
// CHECK-SAME: outs(%[[OUT]], %[[LSE]])
