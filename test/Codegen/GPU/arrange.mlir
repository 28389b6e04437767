// Rows are arranged in place. A thread reads all of a half block, or of the rest, before it writes: nobody waits.

// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize --cse | FileCheck %s --implicit-check-not=gpu.barrier

#shared = #gpu.address_space<workgroup>
#schedule = #simplex.schedule<rows = 64, keys = 64, splits = 4, warps = 4, stages = 2>

// A query of D = 32: a half block of 24 dims, and two copies of the 8 others,
// two chunks and two dims left over.
// CHECK-LABEL: gpu.func @query
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK-DAG: %[[FIRST:.*]] = arith.constant 24 : index
// CHECK-DAG: %[[SECOND:.*]] = arith.constant 32 : index
// CHECK: scf.for
// CHECK-COUNT-3: vector.load {{.*}}, vector<8xbf16>
// CHECK-NOT: vector.load
// CHECK-COUNT-3: vector.store {{.*}}, vector<8xbf16>
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: %[[REST:.*]] = vector.load %[[M:.*]][%[[ROW]], %[[FIRST]]] {{.*}}, vector<8xbf16>
// CHECK-NEXT: %[[D0:.*]] = vector.extract %[[REST]][0]
// CHECK-NEXT: %[[D1:.*]] = vector.extract %[[REST]][1]
// CHECK-NEXT: %[[D2:.*]] = vector.extract %[[REST]][2]
// CHECK-NEXT: %[[D3:.*]] = vector.extract %[[REST]][3]
// CHECK-NEXT: %[[D4:.*]] = vector.extract %[[REST]][4]
// CHECK-NEXT: %[[D5:.*]] = vector.extract %[[REST]][5]
// CHECK-NEXT: %[[D6:.*]] = vector.extract %[[REST]][6]
// CHECK-NEXT: %[[D7:.*]] = vector.extract %[[REST]][7]
// CHECK-NEXT: %[[A:.*]] = vector.from_elements %[[D1]], %[[D2]], %[[D0]], %[[D4]], %[[D5]], %[[D3]], %[[D6]], %[[D7]]
// CHECK-NEXT: vector.store %[[A]], %[[M]][%[[ROW]], %[[FIRST]]]
// CHECK-NEXT: %[[B:.*]] = vector.from_elements %[[D2]], %[[D0]], %[[D1]], %[[D5]], %[[D3]], %[[D4]], %[[ZERO]], %[[ZERO]]
// CHECK-NEXT: vector.store %[[B]], %[[M]][%[[ROW]], %[[SECOND]]]
// CHECK-NOT: vector.store
func.func private @query(%i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<64x48xbf16, #shared>
  simplex.arrange #simplex.chunked<chunk = 3, head_dim = 32, rotations = [1, 2]> %m : memref<64x48xbf16, #shared>
  return
}

// The last key's rest stays as it is. f32: twice as many units of 16 bytes.
// CHECK-LABEL: gpu.func @last_key
// CHECK: scf.for
// CHECK-COUNT-6: vector.load {{.*}}, vector<4xf32>
// CHECK-NOT: vector.load
// CHECK-COUNT-6: vector.store {{.*}}, vector<4xf32>
// CHECK-NOT: scf.for
// CHECK: gpu.return
func.func private @last_key(%i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<64x32xf32, #shared>
  simplex.arrange #simplex.chunked<chunk = 3, head_dim = 32, rotations = [0]> %m : memref<64x32xf32, #shared>
  return
}

// Without a half block there is the rest only.
// CHECK-LABEL: gpu.func @short
// CHECK: scf.for
// CHECK-COUNT-1: vector.load {{.*}}, vector<8xbf16>
// CHECK-COUNT-2: vector.store {{.*}}, vector<8xbf16>
// CHECK-NOT: scf.for
// CHECK: gpu.return
func.func private @short(%i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #schedule} {
  %m = memref.alloc() : memref<64x16xbf16, #shared>
  simplex.arrange #simplex.chunked<chunk = 3, head_dim = 7, rotations = [1, 2]> %m : memref<64x16xbf16, #shared>
  return
}
