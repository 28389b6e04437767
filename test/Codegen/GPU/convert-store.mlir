// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize --cse | FileCheck %s

#schedule = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2>
!short = memref<?x?x8x32xbf16, strided<[?, ?, ?, 1], offset: ?>>
!long = memref<?x?x8x96xf16, strided<[?, ?, ?, 1], offset: ?>>
!odd = memref<?x?x8x48xbf16, strided<[?, ?, ?, 1], offset: ?>>
!padded = memref<?x?x8x30xbf16, strided<[?, ?, ?, 1], offset: ?>>
!single = memref<?x?x8x32xf32, strided<[?, ?, ?, 1], offset: ?>>
!lse = memref<?x8x?xf32, strided<[?, ?, 1], offset: ?>>

// Four threads hold a row, two columns of each fragment each; the transposed words are 8 columns of one fragment.
// CHECK-LABEL: gpu.func @short
// CHECK: %[[LANE:.*]] = gpu.lane_id
// CHECK: %[[W0:.*]] = vector.extract %{{.*}}[0] : i32 from vector<1xi32>
// CHECK: %[[W1:.*]] = vector.extract %{{.*}}[0] : i32 from vector<1xi32>
// CHECK: %[[W2:.*]] = vector.extract %{{.*}}[0] : i32 from vector<1xi32>
// CHECK: %[[W3:.*]] = vector.extract %{{.*}}[0] : i32 from vector<1xi32>
// All threads of a warp take part, also those whose rows are not there.
// CHECK-NOT: scf.if
// CHECK: %[[LOW:.*]] = arith.remui %[[LANE]], %c2
// CHECK-NEXT: %[[ODD:.*]] = arith.cmpi ne, %[[LOW]], %c0
// CHECK-NEXT: %[[S0:.*]] = arith.select %[[ODD]], %[[W0]], %[[W1]] : i32
// CHECK-NEXT: %[[G0:[a-zA-Z_0-9]*]], %{{.*}} = gpu.shuffle xor %[[S0]], %c1_i32, %c32_i32
// CHECK-NEXT: %[[A0:.*]] = arith.select %[[ODD]], %[[G0]], %[[W0]] : i32
// CHECK-NEXT: %[[A1:.*]] = arith.select %[[ODD]], %[[W1]], %[[G0]] : i32
// CHECK-NEXT: %[[S1:.*]] = arith.select %[[ODD]], %[[W2]], %[[W3]] : i32
// CHECK-NEXT: %[[G1:[a-zA-Z_0-9]*]], %{{.*}} = gpu.shuffle xor %[[S1]], %c1_i32, %c32_i32
// CHECK-NEXT: %[[A2:.*]] = arith.select %[[ODD]], %[[G1]], %[[W2]] : i32
// CHECK-NEXT: %[[A3:.*]] = arith.select %[[ODD]], %[[W3]], %[[G1]] : i32
// CHECK: %[[UPPER:.*]] = arith.cmpi ne, %{{.*}}, %c0
// CHECK-NEXT: %[[S2:.*]] = arith.select %[[UPPER]], %[[A0]], %[[A2]] : i32
// CHECK-NEXT: %[[G2:[a-zA-Z_0-9]*]], %{{.*}} = gpu.shuffle xor %[[S2]], %c2_i32, %c32_i32
// CHECK-NEXT: %[[B0:.*]] = arith.select %[[UPPER]], %[[G2]], %[[A0]] : i32
// CHECK-NEXT: %[[B2:.*]] = arith.select %[[UPPER]], %[[A2]], %[[G2]] : i32
// CHECK-NEXT: %[[S3:.*]] = arith.select %[[UPPER]], %[[A1]], %[[A3]] : i32
// CHECK-NEXT: %[[G3:[a-zA-Z_0-9]*]], %{{.*}} = gpu.shuffle xor %[[S3]], %c2_i32, %c32_i32
// CHECK-NEXT: %[[B1:.*]] = arith.select %[[UPPER]], %[[G3]], %[[A1]] : i32
// CHECK-NEXT: %[[B3:.*]] = arith.select %[[UPPER]], %[[A3]], %[[G3]] : i32
// CHECK-NEXT: %[[WORDS:.*]] = vector.from_elements %[[B0]], %[[B1]], %[[B2]], %[[B3]] : vector<4xi32>
// CHECK-NEXT: %[[UNIT:.*]] = vector.bitcast %[[WORDS]] : vector<4xi32> to vector<8xbf16>
// The row is there; it is aligned.
// CHECK-NOT: scf.if
// CHECK: arith.cmpi slt, %{{.*}}, %arg6
// CHECK: %[[VALID:[0-9]+]] = arith.andi %{{[0-9]+}}, %{{[0-9]+}} : i1
// CHECK-NEXT: %[[ACTIVE:[0-9]+]] = arith.andi %{{[0-9]+}}, %[[VALID]]
// CHECK-NEXT: scf.if %[[ACTIVE]] {
// CHECK: %[[BITS:.*]] = arith.andi %{{.*}}, %c15
// CHECK-NEXT: %[[ALIGNED:.*]] = arith.cmpi eq, %[[BITS]], %c0
// CHECK-NEXT: scf.if %[[ALIGNED]] {
// CHECK-NEXT: %[[QUAD:.*]] = arith.remui %[[LANE]], %c4
// CHECK-NEXT: %[[COLUMN:.*]] = arith.muli %[[QUAD]], %c8
// CHECK-NEXT: vector.store %[[UNIT]], %arg0[%arg1, %{{.*}}, %{{.*}}, %[[COLUMN]]] {alignment = 16 : i64} : {{.*}}, vector<8xbf16>
// CHECK-NEXT: } else {
// Elsewhere element by element, from before the exchange.
// CHECK-NOT: vector.store
// CHECK-COUNT-8: memref.store
// CHECK-NOT: memref.store
// The other half of the fragments.
// CHECK-COUNT-4: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
// CHECK: scf.if
// CHECK: scf.if
// CHECK: vector.store {{.*}} {alignment = 16 : i64}
// CHECK-NOT: vector.store
// CHECK: gpu.return
func.func private @short(%o: !short, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<64x32xbf16, #gpu.address_space<workgroup>>
  %t = simplex.combine #simplex.multilinear %m biases [] factor 1 head_dim 32
      : memref<64x32xbf16, #gpu.address_space<workgroup>> -> !simplex.tile<64x32xbf16>
  simplex.store %t, %o[%b, %s, %h] valid(%begin, %end, %heads) heads 8 : !simplex.tile<64x32xbf16>, !short
  return
}

// 96 columns: three units a thread, 32 columns apart.
// CHECK-LABEL: gpu.func @long
// CHECK-NOT: scf.if
// CHECK-COUNT-12: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
// CHECK: scf.if
// CHECK: scf.if
// CHECK: %[[COLUMN:.*]] = arith.muli %{{.*}}, %c8
// CHECK-NEXT: vector.store %{{.*}}, %{{.*}}[%{{.*}}, %[[COLUMN]]] {alignment = 16 : i64} : {{.*}}, vector<8xf16>
// CHECK-NEXT: %[[SECOND:.*]] = arith.addi %[[COLUMN]], %c32
// CHECK-NEXT: vector.store %{{.*}}, %{{.*}}[%{{.*}}, %[[SECOND]]] {alignment = 16 : i64} : {{.*}}, vector<8xf16>
// CHECK-NEXT: %[[THIRD:.*]] = arith.addi %[[COLUMN]], %c64
// CHECK-NEXT: vector.store %{{.*}}, %{{.*}}[%{{.*}}, %[[THIRD]]] {alignment = 16 : i64} : {{.*}}, vector<8xf16>
// CHECK-NEXT: } else {
func.func private @long(%o: !long, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<64x96xf16, #gpu.address_space<workgroup>>
  %t = simplex.combine #simplex.multilinear %m biases [] factor 1 head_dim 96
      : memref<64x96xf16, #gpu.address_space<workgroup>> -> !simplex.tile<64x96xf16>
  simplex.store %t, %o[%b, %s, %h] valid(%begin, %end, %heads) heads 8 : !simplex.tile<64x96xf16>, !long
  return
}

// 48 columns are no units for all four threads: pairs, as before.
// CHECK-LABEL: gpu.func @odd
// CHECK-NOT: gpu.shuffle
// CHECK: arith.andi %{{.*}}, %c3
// CHECK-NOT: gpu.shuffle
// CHECK-COUNT-6: vector.store %{{.*}} {alignment = 4 : i64} : {{.*}}, vector<2xbf16>
// CHECK-NEXT: } else {
// CHECK: memref.store
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.return
func.func private @odd(%o: !odd, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %t = simplex.fill 1.0 : !simplex.tile<64x48xbf16>
  simplex.store %t, %o[%b, %s, %h] valid(%begin, %end, %heads) heads 8 : !simplex.tile<64x48xbf16>, !odd
  return
}

// So is a tile that is wider than the rows.
// CHECK-LABEL: gpu.func @padded
// CHECK-NOT: gpu.shuffle
// CHECK-COUNT-3: vector.store %{{.*}} {alignment = 4 : i64} : {{.*}}, vector<2xbf16>
// CHECK: memref.store
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.return
func.func private @padded(%o: !padded, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %t = simplex.fill 1.0 : !simplex.tile<64x32xbf16>
  simplex.store %t, %o[%b, %s, %h] valid(%begin, %end, %heads) heads 8 : !simplex.tile<64x32xbf16>, !padded
  return
}

// Pairs of f32 are 8 bytes, which fill the sectors of a row by themselves. A column: one number a row.
// CHECK-LABEL: gpu.func @single
// CHECK-NOT: gpu.shuffle
// CHECK: arith.andi %{{.*}}, %c7
// CHECK-COUNT-4: vector.store %{{.*}} {alignment = 8 : i64} : {{.*}}, vector<2xf32>
// CHECK-NEXT: } else {
// CHECK-COUNT-8: memref.store
// CHECK-NOT: gpu.shuffle
// CHECK: memref.store %{{.*}}, %arg1[%arg2, %{{.*}}, %{{.*}}] :
// CHECK: gpu.return
func.func private @single(%o: !single, %l: !lse, %b: index, %s: index, %h: index, %begin: index, %end: index, %heads: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %t = simplex.fill 1.0 : !simplex.tile<64x32xf32>
  %c = simplex.fill 1.0 : !simplex.tile<64xf32>
  simplex.store %t, %o[%b, %s, %h] valid(%begin, %end, %heads) heads 8 : !simplex.tile<64x32xf32>, !single
  simplex.store %c, %l[%b, %s, %h] valid(%begin, %end, %heads) heads 8 : !simplex.tile<64xf32>, !lse
  return
}
