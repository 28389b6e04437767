// RUN: simplex-opt %s --simplex-expand-math | FileCheck %s

// CHECK-LABEL: @exp2
// CHECK-NOT: math.exp2
// CHECK: arith.shli {{.*}} vector<16xi32>
func.func @exp2(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: @log2
// CHECK-NOT: math.log2
// CHECK: arith.divf {{.*}} f64
func.func @log2(%x: f64) -> f64 {
  %y = math.log2 %x : f64
  return %y : f64
}

// CHECK-LABEL: @round
// CHECK-NOT: arith.truncf
// CHECK: arith.shrui
func.func @round(%x: vector<16xf32>) -> vector<16xbf16> {
  %y = arith.truncf %x : vector<16xf32> to vector<16xbf16>
  return %y : vector<16xbf16>
}

// Not ours.
// CHECK-LABEL: @half
// CHECK: math.exp2
func.func @half(%x: f16) -> f16 {
  %y = math.exp2 %x : f16
  return %y : f16
}
