// RUN: simplex-opt %s --simplex-cast-masked-access | FileCheck %s
//
// No call remains where a chip moves 16-bit elements one by one: an object
// that refers to `__truncsfbf2` is refused.
// RUN: simplex-compile %S/Inputs/tails.mlir --chip=x86-64-v2 -o %t.simplex
// RUN: simplex-compile %S/Inputs/tails.mlir --chip=x86-64-v3 -o %t.simplex

// CHECK-LABEL: @load
// CHECK: %[[ZERO:.*]] = llvm.bitcast %{{.*}} : vector<8xbf16> to vector<8xi16>
// CHECK: %[[BITS:.*]] = llvm.intr.masked.load %{{.*}}, %{{.*}}, %[[ZERO]] {alignment = 2 : i32} : {{.*}} -> vector<8xi16>
// CHECK: llvm.bitcast %[[BITS]] : vector<8xi16> to vector<8xbf16>
llvm.func @load(%p: !llvm.ptr, %mask: vector<8xi1>, %zero: vector<8xbf16>) -> vector<8xbf16> {
  %x = llvm.intr.masked.load %p, %mask, %zero {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xbf16>) -> vector<8xbf16>
  llvm.return %x : vector<8xbf16>
}

// CHECK-LABEL: @store
// CHECK: %[[BITS:.*]] = llvm.bitcast %{{.*}} : vector<8xf16> to vector<8xi16>
// CHECK: llvm.intr.masked.store %[[BITS]], %{{.*}} : vector<8xi16>
llvm.func @store(%x: vector<8xf16>, %p: !llvm.ptr, %mask: vector<8xi1>) {
  llvm.intr.masked.store %x, %p, %mask {alignment = 2 : i32} : vector<8xf16>, vector<8xi1> into !llvm.ptr
  llvm.return
}

// CHECK-LABEL: @wide
// CHECK-NOT: bitcast
// CHECK: llvm.intr.masked.store %{{.*}} : vector<8xf32>
llvm.func @wide(%x: vector<8xf32>, %p: !llvm.ptr, %mask: vector<8xi1>) {
  llvm.intr.masked.store %x, %p, %mask {alignment = 4 : i32} : vector<8xf32>, vector<8xi1> into !llvm.ptr
  llvm.return
}
