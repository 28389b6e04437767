// RUN: simplex-opt %s --simplex-assign-scratch | FileCheck %s --check-prefix=PLACE
// RUN: simplex-opt %s --simplex-assign-scratch --convert-simplex-to-vector="vector-bytes=64 registers=32" --canonicalize --cse | FileCheck %s
// RUN: simplex-opt %s --simplex-assign-scratch --convert-simplex-to-vector="vector-bytes=32 registers=16" --canonicalize --cse | FileCheck %s --check-prefix=HALF

!rows = memref<?x?x1x64xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Both products of a bf16 attention, by pairs along the depth.
// PLACE-LABEL: func.func @products
// CHECK-LABEL: func.func @products
// HALF-LABEL: func.func @products
func.func @products(%k: !rows, %v: !rows, %out: !rows, %n: index) attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q = simplex.fill 0.5 : !simplex.tile<8x64xf32>
  // Pairs of the key lie side by side: 32-bit words are transposed.
  // PLACE: simplex.load {{.*}}simplex.paired{{.*}}simplex.transposed
  // CHECK: vector.load {{.*}} vector<32xbf16>
  // CHECK-NEXT: vector.bitcast {{.*}} vector<32xbf16> to vector<16xi32>
  // CHECK-COUNT-64: vector.shuffle {{.*}} vector<16xi32>, vector<16xi32>
  // HALF-COUNT-24: vector.shuffle {{.*}} vector<8xi32>, vector<8xi32>
  %k0 = simplex.load %k[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !rows -> !simplex.tile<32x64xbf16>
  // Two rows of the value are interleaved.
  // PLACE: simplex.load {{.*}}{simplex.paired, simplex.scratch = array<i64: {{[0-9]+}}>} :
  // CHECK: vector.interleave {{.*}} : vector<16xi16> -> vector<32xi16>
  %v0 = simplex.load %v[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !rows -> !simplex.tile<32x64xbf16>
  // The combined tile is rounded when it is written.
  // CHECK: arith.truncf {{.*}} vector<16xf32> to vector<16xbf16>
  %c = simplex.combine #simplex.multilinear %q biases [] factor 1 head_dim 64
       : !simplex.tile<8x64xf32> -> !simplex.tile<8x64xbf16>
  // CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>
  // CHECK: vector.load {{.*}} vector<32xbf16>
  // CHECK: vector.load {{.*}} vector<2xbf16>
  // CHECK: vector.broadcast {{.*}} i32 to vector<16xi32>
  // CHECK: x86vector.avx512.dot {{.*}} vector<32xbf16> -> vector<16xf32>
  // CHECK-NOT: arith.mulf
  // HALF: x86vector.avx512.dot {{.*}} vector<16xbf16> -> vector<8xf32>
  %s = simplex.contract %c, %k0 transposed
       : !simplex.tile<8x64xbf16>, !simplex.tile<32x64xbf16> -> !simplex.tile<8x32xf32>
  // CHECK: arith.truncf {{.*}} vector<16xf32> to vector<16xbf16>
  %p = simplex.convert %s : !simplex.tile<8x32xf32> -> !simplex.tile<8x32xbf16>
  // CHECK: x86vector.avx512.dot {{.*}} vector<32xbf16> -> vector<16xf32>
  %o = simplex.contract %p, %v0
       : !simplex.tile<8x32xbf16>, !simplex.tile<32x64xbf16> -> !simplex.tile<8x64xf32>
  simplex.store %o, %out[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !simplex.tile<8x64xf32>, !rows
  return
}

!narrow = memref<?x?x1x7xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Half a pair is left over: the seventh column is read alone, with a zero.
// CHECK-LABEL: func.func @odd
func.func @odd(%k: !narrow, %out: !narrow, %n: index) attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : index
  // CHECK-DAG: %[[SEVEN:.*]] = arith.constant dense<[true, true, true, true, true, true, true, false, {{.*}}]> : vector<32xi1>
  %q = simplex.fill 0.5 : !simplex.tile<4x7xf32>
  // CHECK: vector.maskedload {{.*}} %[[SEVEN]]
  %k0 = simplex.load %k[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !narrow -> !simplex.tile<7x7xbf16>
  %c = simplex.convert %q : !simplex.tile<4x7xf32> -> !simplex.tile<4x7xbf16>
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[FOUR]] step %{{.*}} iter_args
  // CHECK: x86vector.avx512.dot
  %s = simplex.contract %c, %k0 transposed
       : !simplex.tile<4x7xbf16>, !simplex.tile<7x7xbf16> -> !simplex.tile<4x7xf32>
  simplex.store %s, %out[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !simplex.tile<4x7xf32>, !narrow
  return
}

// One array is key and value: each product has its own copy.
// PLACE-LABEL: func.func @shared
func.func @shared(%kv: !rows, %out: !rows, %n: index) attributes {simplex.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = simplex.fill 0.5 : !simplex.tile<8x64xbf16>
  // PLACE: %[[V:.*]] = simplex.load {{.*}}{simplex.paired, simplex.scratch = array<i64: {{[0-9]+}}>} :
  // PLACE: %[[T:.*]] = simplex.load {{.*}}simplex.paired{{.*}}simplex.transposed
  %kv0 = simplex.load %kv[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !rows -> !simplex.tile<64x64xbf16>
  // PLACE: simplex.contract %{{.*}}, %[[T]] transposed
  %s = simplex.contract %c, %kv0 transposed
       : !simplex.tile<8x64xbf16>, !simplex.tile<64x64xbf16> -> !simplex.tile<8x64xf32>
  %p = simplex.convert %s : !simplex.tile<8x64xf32> -> !simplex.tile<8x64xbf16>
  // PLACE: simplex.contract %{{.*}}, %[[V]] {
  %o = simplex.contract %p, %kv0
       : !simplex.tile<8x64xbf16>, !simplex.tile<64x64xbf16> -> !simplex.tile<8x64xf32>
  simplex.store %o, %out[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1 : !simplex.tile<8x64xf32>, !rows
  return
}
