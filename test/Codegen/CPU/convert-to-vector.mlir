// RUN: simplex-opt %s --simplex-assign-scratch --convert-simplex-to-vector="vector-bytes=64 registers=32" --canonicalize --cse | FileCheck %s
// RUN: simplex-opt %s --simplex-assign-scratch --convert-simplex-to-vector="vector-bytes=32 registers=16" | FileCheck %s --check-prefix=AVX2
// RUN: simplex-opt %s --simplex-assign-scratch --convert-simplex-to-vector --canonicalize --cse | FileCheck %s --check-prefix=GONE

// No tile is left, and no loop carries a buffer.
// GONE-NOT: simplex.{{(load|store|contract|fill|exp|mask|row_max|rescale)}}
// GONE-NOT: iter_args({{.*}}memref

!rows = memref<?x?x1x64xbf16, strided<[?, ?, ?, 1], offset: ?>>

// CHECK-LABEL: func.func @contract
// AVX2-LABEL: func.func @contract
func.func @contract(%q: !rows, %k: !rows, %n: index) attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // Rows that are not valid become zeros, and are not read.
  // CHECK: scf.for
  // CHECK: scf.if
  // CHECK: vector.load {{.*}} vector<16xbf16>
  // CHECK: arith.extf {{.*}} vector<16xbf16> to vector<16xf32>
  // CHECK: else
  // CHECK-NOT: bf16
  // CHECK: vector.store
  %x = simplex.load %q[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !rows -> !simplex.tile<8x64xf32>
  // Transposed by shuffles.
  // CHECK-COUNT-64: vector.shuffle
  %y = simplex.load %k[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !rows -> !simplex.tile<128x64xf32>
  // One step of the micro kernel: a block of accumulators.
  // CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>
  // CHECK: vector.load
  // CHECK: vector.broadcast
  // CHECK: arith.mulf {{.*}} fastmath<contract> : vector<16xf32>
  // CHECK: arith.addf {{.*}} fastmath<contract> : vector<16xf32>
  // AVX2: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>
  %s = simplex.contract %x, %y transposed
    : !simplex.tile<8x64xf32>, !simplex.tile<128x64xf32> -> !simplex.tile<8x128xf32>
  // Rounded to nearest even by arith.truncf.
  // CHECK: arith.truncf {{.*}} vector<16xf32> to vector<16xbf16>
  simplex.store %s, %q[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !simplex.tile<8x128xf32>, !rows
  return
}

!narrow = memref<?x?x1x7xf32, strided<[?, ?, ?, 1], offset: ?>>

// Columns beyond the seventh are masked in memory, and -inf in a maximum.
// CHECK-LABEL: func.func @ragged
func.func @ragged(%q: !narrow, %lse: memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>, %n: index) attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[MASK:.*]] = arith.constant dense<[true, true, true, true, true, true, true, false,
  // CHECK: vector.maskedload {{.*}} %[[MASK]]
  %x = simplex.load %q[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !narrow -> !simplex.tile<3x7xf32>
  %m = simplex.fill 0xFFF0000000000000 : !simplex.tile<3xf32>
  // CHECK: arith.select %[[MASK]]
  %m1 = simplex.row_max %x, %m scale 1.0 : !simplex.tile<3x7xf32>, !simplex.tile<3xf32>
  // CHECK: math.exp2 {{.*}} vector<16xf32>
  %p = simplex.exp %x, %m1 scale 1.0 : !simplex.tile<3x7xf32>, !simplex.tile<3xf32>
  // CHECK: vector.maskedstore {{.*}} %[[MASK]]
  simplex.store %p, %q[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !simplex.tile<3x7xf32>, !narrow
  simplex.store %m1, %lse[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1
    : !simplex.tile<3xf32>, memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>
  return
}
