// RUN: simplex-opt %S/Inputs/trilinear.mlir --simplex-bufferize --simplex-select-schedule --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=widen --canonicalize --cse --simplex-fuse-online-softmax | FileCheck %s
// RUN: simplex-opt %s --simplex-fuse-online-softmax | FileCheck %s --check-prefix=DIFFERENT

// One nest is left; the maximum is carried with sum and accumulator, and one
// exponential a logit is taken.
// CHECK: %[[STATE:.+]]:3 = scf.for {{.*}} -> (!simplex.tile<8xf32>, !simplex.tile<8xf32>, !simplex.tile<8x64xf32>)
// CHECK: scf.for {{.*}} iter_args(%[[M:.+]] = %{{.+}}, %[[L:.+]] = %{{.+}}, %[[A:.+]] = %{{.+}})
// CHECK: %[[NEXT:.+]] = simplex.row_max %[[S:.+]], %[[M]] scale
// CHECK: %[[L1:.+]] = simplex.rescale %[[L]] from %[[M]] to %[[NEXT]]
// CHECK: %[[A1:.+]] = simplex.rescale %[[A]] from %[[M]] to %[[NEXT]]
// CHECK: simplex.exp %[[S]], %[[NEXT]] scale
// CHECK: simplex.row_sum %{{.+}}, %[[L1]]
// CHECK: simplex.fold %[[A1]]
// CHECK-NOT: simplex.exp
// CHECK: simplex.finalize %[[STATE]]#0, %[[STATE]]#1, %[[STATE]]#2

// Loops of different bounds are no two passes over the same tiles.
// DIFFERENT-LABEL: func.func @bounds
// DIFFERENT: scf.for
// DIFFERENT: simplex.row_max
// DIFFERENT: scf.for
// DIFFERENT: simplex.exp
func.func @bounds(%s: !simplex.tile<16x16xf32>, %n: index, %k: index) -> !simplex.tile<16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %low = simplex.fill 0xFFF0000000000000 : !simplex.tile<16xf32>
  %zero = simplex.fill 0.0 : !simplex.tile<16xf32>
  %m = scf.for %i = %c0 to %n step %c1 iter_args(%a = %low) -> !simplex.tile<16xf32> {
    %b = simplex.row_max %s, %a scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
    scf.yield %b : !simplex.tile<16xf32>
  }
  %l = scf.for %i = %c0 to %k step %c1 iter_args(%a = %zero) -> !simplex.tile<16xf32> {
    %p = simplex.exp %s, %m scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
    %b = simplex.row_sum %p, %a : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
    scf.yield %b : !simplex.tile<16xf32>
  }
  return %l : !simplex.tile<16xf32>
}

// Logits from before the loops.
// DIFFERENT-LABEL: func.func @outside
// DIFFERENT-SAME: %[[S:[^:]+]]: !simplex.tile<16x16xf32>
// DIFFERENT: scf.for
// DIFFERENT: %[[N:.+]] = simplex.row_max %[[S]]
// DIFFERENT: simplex.exp %[[S]], %[[N]]
// DIFFERENT-NOT: scf.for
func.func @outside(%s: !simplex.tile<16x16xf32>, %n: index) -> !simplex.tile<16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %low = simplex.fill 0xFFF0000000000000 : !simplex.tile<16xf32>
  %zero = simplex.fill 0.0 : !simplex.tile<16xf32>
  %m = scf.for %i = %c0 to %n step %c1 iter_args(%a = %low) -> !simplex.tile<16xf32> {
    %b = simplex.row_max %s, %a scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
    scf.yield %b : !simplex.tile<16xf32>
  }
  %l = scf.for %i = %c0 to %n step %c1 iter_args(%a = %zero) -> !simplex.tile<16xf32> {
    %p = simplex.exp %s, %m scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
    %b = simplex.row_sum %p, %a : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
    scf.yield %b : !simplex.tile<16xf32>
  }
  return %l : !simplex.tile<16xf32>
}
