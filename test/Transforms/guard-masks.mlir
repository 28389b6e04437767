// RUN: simplex-opt %s --simplex-guard-masks | FileCheck %s

// CHECK-LABEL: func.func @guarded
// CHECK-SAME: %[[S:[^:]+]]: !simplex.tile<16x32xf32>
func.func @guarded(%s: !simplex.tile<16x32xf32>, %p: index, %c: index, %j: index, %lo: index, %hi: index)
    -> !simplex.tile<16x32xf32> {
  // CHECK-COUNT-4: arith.ori
  // CHECK: %[[R:.+]] = scf.if
  // CHECK: %[[M:.+]] = simplex.mask %[[S]]
  // CHECK: scf.yield %[[M]]
  // CHECK: else
  // CHECK: scf.yield %[[S]]
  // CHECK: return %[[R]]
  %m = simplex.mask %s rows(%p) columns(%c) outer(%j) range(%lo, %hi) windows [4, 64] heads 8
     : !simplex.tile<16x32xf32>
  return %m : !simplex.tile<16x32xf32>
}

// Unlimited and bidirectional: only the end of the keys is an edge, and the
// outer key, always in range, needs no check.
// CHECK-LABEL: func.func @unlimited
// CHECK: %[[EDGE:.+]] = arith.cmpi sgt, %{{.+}}, %arg5
// CHECK-NOT: arith.cmpi
// CHECK: scf.if %[[EDGE]]
func.func @unlimited(%s: !simplex.tile<16x32xf32>, %p: index, %c: index, %j: index, %lo: index, %hi: index)
    -> !simplex.tile<16x32xf32> {
  %m = simplex.mask %s rows(%p) columns(%c) outer(%j) range(%lo, %hi) windows [0, 0] bidirectional heads 8
     : !simplex.tile<16x32xf32>
  return %m : !simplex.tile<16x32xf32>
}
