// RUN: simplex-opt %s --simplex-outline-kernels | FileCheck %s

// One value that is several operands becomes several arguments.
// CHECK-LABEL: func.func private @shared_kernel(
// CHECK: simplex.attention query(%arg0) keys(%arg1, %arg2) values(%arg3, %arg4)
// CHECK-SAME: positions(%arg5, %arg6) outs(%arg7, %arg8)
// CHECK-LABEL: func.func @shared(
// CHECK: simplex.launch @shared_kernel(
// CHECK-SAME: %arg3, %arg3,
func.func @shared(%q: memref<?x?x4x16xf32>, %k: memref<?x?x2x16xf32>,
                  %v: memref<?x?x2x8xf32>, %p: index,
                  %out: memref<?x?x4x8xf32>, %lse: memref<?x4x?xf32>) {
  simplex.attention query(%q) keys(%k, %k) values(%v, %v) positions(%p, %p)
      outs(%out, %lse) form multilinear windows [8, 4]
      : (memref<?x?x4x16xf32>, memref<?x?x2x16xf32>, memref<?x?x2x16xf32>,
         memref<?x?x2x8xf32>, memref<?x?x2x8xf32>, memref<?x?x4x8xf32>,
         memref<?x4x?xf32>) -> ()
  return
}
