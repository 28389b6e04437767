// RUN: simplex-opt %s --simplex-fold-biases | FileCheck %s

// CHECK-LABEL: func.func @biased
// CHECK-SAME: %[[C:[^:]+]]: !simplex.tile<16x32xf32>, %[[K:[^:]+]]: !simplex.tile<8x32xf32>
func.func @biased(%c: !simplex.tile<16x32xf32>, %k: !simplex.tile<8x32xf32>) -> !simplex.tile<16x8xf32> {
  // CHECK: %[[ZERO:.+]] = simplex.fill 0.0
  // CHECK: %[[ROW:.+]] = simplex.row_sum %[[C]], %[[ZERO]] {factor = 5.000000e-01 : f64}
  // CHECK: simplex.contract %[[C]], %[[K]] init %[[ROW]] transposed
  // CHECK-NOT: bias
  %s = simplex.contract %c, %k transposed {bias = 0.5 : f64}
     : !simplex.tile<16x32xf32>, !simplex.tile<8x32xf32> -> !simplex.tile<16x8xf32>
  return %s : !simplex.tile<16x8xf32>
}
