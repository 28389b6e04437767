// RUN: simplex-opt %s --simplex-outline-kernels | FileCheck %s

// One value that is several operands stays several arguments.
// CHECK-LABEL: func.func private @shared_kernel(
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x?x4x16xf32{{[^%]*}}%[[K1:[^:]*]]: memref<?x?x2x16xf32{{[^%]*}}%[[K2:[^:]*]]: memref<?x?x2x16xf32
// CHECK-SAME: %[[V1:[^:]*]]: memref<?x?x2x8xf32{{[^%]*}}%[[V2:[^:]*]]: memref<?x?x2x8xf32
// CHECK-SAME: %[[P:[^:]*]]: index, %[[P2:[^:]*]]: index
// CHECK: simplex.attention query(%[[Q]]) keys(%[[K1]], %[[K2]]) values(%[[V1]], %[[V2]])
// CHECK-SAME: positions(%[[P]], %[[P2]])
