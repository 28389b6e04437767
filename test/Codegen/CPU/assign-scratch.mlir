// RUN: simplex-opt %s --simplex-assign-scratch | FileCheck %s

// The state is updated in place; the old maximum is still read by the rescale,
// so the new one gets another place and is copied.
// CHECK-LABEL: func.func @state
// CHECK-SAME: memref<?xi8>
// CHECK-SAME: simplex.workspace = {{[0-9]+}} : i64
func.func @state(%s: memref<?x?x1x16xf32, strided<[?, ?, ?, 1], offset: ?>>,
                 %lse: memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>)
    attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // CHECK: simplex.fill 0xFFF0000000000000 {simplex.scratch = array<i64: [[MAX:[0-9]+]]>}
  %m0 = simplex.fill 0xFFF0000000000000 : !simplex.tile<4xf32>
  // CHECK: simplex.fill 0.000000e+00 {simplex.scratch = array<i64: [[SUM:[0-9]+]]>}
  %l0 = simplex.fill 0.0 : !simplex.tile<4xf32>
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%m = %m0, %l = %l0)
      -> (!simplex.tile<4xf32>, !simplex.tile<4xf32>) {
    // CHECK: simplex.load {{.*}}simplex.scratch = array<i64: [[TILE:[0-9]+]]>
    %x = simplex.load %s[%c0, %i, %c0] valid(%c0, %c4, %c1) heads 1
      : memref<?x?x1x16xf32, strided<[?, ?, ?, 1], offset: ?>> -> !simplex.tile<4x16xf32>
    // CHECK: %[[NEW:.*]] = simplex.row_max {{.*}}simplex.scratch = array<i64: [[NEWMAX:[0-9]+]]>
    %m1 = simplex.row_max %x, %m scale 1.0 : !simplex.tile<4x16xf32>, !simplex.tile<4xf32>
    // CHECK: simplex.rescale {{.*}}simplex.in_place, simplex.scratch = array<i64: [[SUM]]>
    %l1 = simplex.rescale %l from %m to %m1 : !simplex.tile<4xf32>, !simplex.tile<4xf32>
    // CHECK: simplex.exp {{.*}}simplex.scratch = array<i64: [[TILE]]>
    %p = simplex.exp %x, %m1 scale 1.0 : !simplex.tile<4x16xf32>, !simplex.tile<4xf32>
    // CHECK: %[[L:.*]] = simplex.row_sum {{.*}}simplex.scratch = array<i64: [[SUM]]>
    %l2 = simplex.row_sum %p, %l1 : !simplex.tile<4x16xf32>, !simplex.tile<4xf32>
    // CHECK: %[[COPY:.*]] = simplex.convert %[[NEW]] {simplex.scratch = array<i64: [[MAX]]>}
    // CHECK: scf.yield %[[COPY]], %[[L]]
    scf.yield %m1, %l2 : !simplex.tile<4xf32>, !simplex.tile<4xf32>
  }
  simplex.store %r#0, %lse[%c0, %c0, %c0] valid(%c0, %c4, %c1) heads 1
    : !simplex.tile<4xf32>, memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>
  simplex.store %r#1, %lse[%c0, %c0, %c0] valid(%c0, %c4, %c1) heads 1
    : !simplex.tile<4xf32>, memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>
  return
}

// A swap needs a third place.
// CHECK-LABEL: func.func @swap
func.func @swap(%out: memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>)
    attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // CHECK: simplex.fill {{.*}}array<i64: [[A:[0-9]+]]>
  // CHECK: simplex.fill {{.*}}array<i64: [[B:[0-9]+]]>
  %a0 = simplex.fill 1.0 : !simplex.tile<4xf32>
  %b0 = simplex.fill 2.0 : !simplex.tile<4xf32>
  // CHECK: iter_args(%[[X:.*]] = %{{.*}}, %[[Y:.*]] = %{{.*}})
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %a0, %b = %b0)
      -> (!simplex.tile<4xf32>, !simplex.tile<4xf32>) {
    // CHECK: %[[T:.*]] = simplex.convert
    // CHECK-NOT: array<i64: [[A]]>
    // CHECK-NOT: array<i64: [[B]]>
    // CHECK: simplex.convert {{.*}}array<i64: {{[0-9]+}}>
    // CHECK: simplex.convert {{.*}}array<i64: {{[0-9]+}}>
    // CHECK: scf.yield
    scf.yield %b, %a : !simplex.tile<4xf32>, !simplex.tile<4xf32>
  }
  simplex.store %r#0, %out[%c0, %c0, %c0] valid(%c0, %c4, %c1) heads 1
    : !simplex.tile<4xf32>, memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>
  simplex.store %r#1, %out[%c0, %c0, %c0] valid(%c0, %c4, %c1) heads 1
    : !simplex.tile<4xf32>, memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>
  return
}

// The mask of one branch is in place though the other branch reads the logits;
// keys that are read transposed are stored so, and loaded twice if read both
// ways.
// CHECK-LABEL: func.func @branch
func.func @branch(%k: memref<?x?x1x16xf32, strided<[?, ?, ?, 1], offset: ?>>, %edge: index)
    attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // CHECK: %[[T:.*]] = simplex.load {{.*}}simplex.transposed
  // CHECK: %[[K:.*]] = simplex.load
  // CHECK-NOT: simplex.transposed
  // CHECK-SAME: -> <16x16xf32>
  %x = simplex.load %k[%c0, %c0, %c0] valid(%c0, %c4, %c1) heads 1
    : memref<?x?x1x16xf32, strided<[?, ?, ?, 1], offset: ?>> -> !simplex.tile<16x16xf32>
  // CHECK: simplex.contract %[[K]], %[[T]] transposed {{.*}}array<i64: [[S:[0-9]+]]>
  %s = simplex.contract %x, %x transposed
    : !simplex.tile<16x16xf32>, !simplex.tile<16x16xf32> -> !simplex.tile<16x16xf32>
  %crossed = arith.cmpi slt, %edge, %c4 : index
  %m = scf.if %crossed -> (!simplex.tile<16x16xf32>) {
    // CHECK: simplex.mask {{.*}}array<i64: [[S]]>
    %y = simplex.mask %s rows(%c0) columns(%c0) range(%c0, %c4) windows [0] heads 1
      : !simplex.tile<16x16xf32>
    scf.yield %y : !simplex.tile<16x16xf32>
  } else {
    // CHECK-NOT: simplex.convert
    scf.yield %s : !simplex.tile<16x16xf32>
  }
  simplex.store %m, %k[%c0, %c0, %c0] valid(%c0, %c4, %c1) heads 1
    : !simplex.tile<16x16xf32>, memref<?x?x1x16xf32, strided<[?, ?, ?, 1], offset: ?>>
  return
}
