// Round trip of the operations between warps that copy and warps that compute, and what they reject.

// RUN: simplex-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: simplex-opt %s --split-input-file --verify-diagnostics --mlir-print-op-generic -o /dev/null

// CHECK-LABEL: func @roles
// CHECK: simplex.open_channel %[[CHANNEL:.*]] : memref<2x3xi64>
// CHECK: simplex.specialize copy {
// CHECK-NEXT: simplex.acquire %[[CHANNEL]][%{{.*}}] phase %{{.*}} : memref<2x3xi64>
// CHECK-NEXT: simplex.commit
// CHECK-NEXT: simplex.announce %[[CHANNEL]][%{{.*}}] leaving 1 : memref<2x3xi64>
// CHECK-NEXT: simplex.announce %[[CHANNEL]][%{{.*}}] : memref<2x3xi64>
// CHECK-NEXT: simplex.out_of_range
// CHECK-NEXT: } compute {
// CHECK-NEXT: simplex.receive %[[CHANNEL]][%{{.*}}] phase %{{.*}} : memref<2x3xi64>
// CHECK-NEXT: simplex.release %[[CHANNEL]][%{{.*}}] : memref<2x3xi64>
// CHECK-NEXT: simplex.release %[[CHANNEL]][%{{.*}}] if %{{.*}} : memref<2x3xi64>
// CHECK-NEXT: simplex.out_of_range %{{.*}} : !simplex.tile<64xf32>
func.func @roles(%channel: memref<2x3xi64>, %slot: index, %phase: i1, %l: !simplex.tile<64xf32>) {
  simplex.open_channel %channel : memref<2x3xi64>
  simplex.specialize copy {
    simplex.acquire %channel[%slot] phase %phase : memref<2x3xi64>
    simplex.commit
    simplex.announce %channel[%slot] leaving 1 : memref<2x3xi64>
    simplex.announce %channel[%slot] : memref<2x3xi64>
    %any = simplex.out_of_range
  } compute {
    simplex.receive %channel[%slot] phase %phase : memref<2x3xi64>
    simplex.release %channel[%slot] : memref<2x3xi64>
    simplex.release %channel[%slot] if %phase : memref<2x3xi64>
    %any = simplex.out_of_range %l : !simplex.tile<64xf32>
  }
  return
}

// -----

func.func @barriers(%channel: memref<3x2xi64>) {
  // expected-error @+1 {{'simplex.open_channel' op channel is 'memref<3x2xi64>', expected memref<2xnxi64>: two barriers for each of n slots}}
  simplex.open_channel %channel : memref<3x2xi64>
  return
}

// -----

func.func @slots(%channel: memref<2x?xi64>, %slot: index, %phase: i1) {
  // expected-error @+1 {{'simplex.receive' op channel is 'memref<2x?xi64>', expected memref<2xnxi64>: two barriers for each of n slots}}
  simplex.receive %channel[%slot] phase %phase : memref<2x?xi64>
  return
}

// -----

func.func @leaving(%channel: memref<2x2xi64>, %slot: index) {
  // expected-error @+1 {{'simplex.announce' op 'leaving' must not be negative, found -1}}
  simplex.announce %channel[%slot] leaving -1 : memref<2x2xi64>
  return
}
