// Round trip of the operations between warps that copy and warps that compute, and what they reject.

// RUN: simplex-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: simplex-opt %s --split-input-file --verify-diagnostics --mlir-print-op-generic -o /dev/null

// CHECK-LABEL: func @roles
// CHECK: simplex.open_channel %[[CHANNEL:.*]] : memref<2x3xi64>
// CHECK-NEXT: simplex.open_channel %[[CHANNEL]] by_threads : memref<2x3xi64>
// CHECK-NEXT: simplex.open_answer %[[ANSWER:.*]] : memref<2xi64>
// CHECK: simplex.specialize copy {
// CHECK-NEXT: simplex.acquire %[[CHANNEL]][%{{.*}}] phase %{{.*}} : memref<2x3xi64>
// CHECK-NEXT: simplex.commit
// CHECK-NEXT: simplex.announce %[[CHANNEL]][%{{.*}}] leaving 1 : memref<2x3xi64>
// CHECK-NEXT: simplex.announce %[[CHANNEL]][%{{.*}}] : memref<2x3xi64>
// CHECK-NEXT: %{{.*}} = simplex.await_answer %[[ANSWER]] : memref<2xi64>
// CHECK-NEXT: } compute {
// CHECK-NEXT: simplex.receive %[[CHANNEL]][%{{.*}}] phase %{{.*}} : memref<2x3xi64>
// CHECK-NEXT: simplex.release %[[CHANNEL]][%{{.*}}] : memref<2x3xi64>
// CHECK-NEXT: simplex.release %[[CHANNEL]][%{{.*}}] if %{{.*}} : memref<2x3xi64>
// CHECK-NEXT: simplex.release %[[CHANNEL]][%{{.*}}] by_threads : memref<2x3xi64>
// CHECK-NEXT: simplex.release %[[CHANNEL]][%{{.*}}] if %{{.*}} by_threads : memref<2x3xi64>
// CHECK-NEXT: %[[ANY:.*]] = simplex.vote %{{.*}}
// CHECK-NEXT: simplex.give_answer %[[ANSWER]], %[[ANY]] : memref<2xi64>
func.func @roles(%channel: memref<2x3xi64>, %answer: memref<2xi64>, %slot: index, %phase: i1) {
  simplex.open_channel %channel : memref<2x3xi64>
  simplex.open_channel %channel by_threads : memref<2x3xi64>
  simplex.open_answer %answer : memref<2xi64>
  simplex.specialize copy {
    simplex.acquire %channel[%slot] phase %phase : memref<2x3xi64>
    simplex.commit
    simplex.announce %channel[%slot] leaving 1 : memref<2x3xi64>
    simplex.announce %channel[%slot] : memref<2x3xi64>
    %yes = simplex.await_answer %answer : memref<2xi64>
  } compute {
    simplex.receive %channel[%slot] phase %phase : memref<2x3xi64>
    simplex.release %channel[%slot] : memref<2x3xi64>
    simplex.release %channel[%slot] if %phase : memref<2x3xi64>
    simplex.release %channel[%slot] by_threads : memref<2x3xi64>
    simplex.release %channel[%slot] if %phase by_threads : memref<2x3xi64>
    %any = simplex.vote %phase
    simplex.give_answer %answer, %any : memref<2xi64>
  }
  return
}

// CHECK-LABEL: func @maps
// CHECK: %[[MAPS:.*]] = simplex.has_maps
// CHECK-NEXT: simplex.open_channel %[[CHANNEL:.*]] by_maps %[[MAPS]] : memref<2x3xi64>
// CHECK-NEXT: simplex.fetch %{{.*}}[%{{.*}}, %[[ROW:.*]], %{{.*}}] to %{{.*}}, %[[CHANNEL]][%{{.*}}] phase %{{[a-z0-9]+}}
// CHECK-SAME: : memref<?x?x1x64xbf16> to memref<1x128x64xbf16, 3>, memref<2x3xi64>
func.func @maps(%key: memref<?x?x1x64xbf16>, %boxes: memref<1x128x64xbf16, 3>, %channel: memref<2x3xi64>,
                %b: index, %row: index, %h: index, %slot: index, %phase: i1) {
  %maps = simplex.has_maps
  simplex.open_channel %channel by_maps %maps : memref<2x3xi64>
  simplex.fetch %key[%b, %row, %h] to %boxes, %channel[%slot] phase %phase
      : memref<?x?x1x64xbf16> to memref<1x128x64xbf16, 3>, memref<2x3xi64>
  return
}

// -----

func.func @rows(%key: memref<?x?x64xbf16>, %boxes: memref<1x128x64xbf16, 3>, %channel: memref<2x3xi64>, %i: index, %phase: i1) {
  // expected-error @+1 {{'simplex.fetch' op source must have rank 4, found rank 3}}
  simplex.fetch %key[%i, %i, %i] to %boxes, %channel[%i] phase %phase
      : memref<?x?x64xbf16> to memref<1x128x64xbf16, 3>, memref<2x3xi64>
  return
}

// -----

func.func @boxes(%key: memref<?x?x1x64xbf16>, %boxes: memref<1x12x64xbf16, 3>, %channel: memref<2x3xi64>, %i: index, %phase: i1) {
  // expected-error @+1 {{'simplex.fetch' op destination is 'memref<1x12x64xbf16, 3>', expected boxes of at most 256 rows, a multiple of 8, of 128 bytes each, of the source's elements}}
  simplex.fetch %key[%i, %i, %i] to %boxes, %channel[%i] phase %phase
      : memref<?x?x1x64xbf16> to memref<1x12x64xbf16, 3>, memref<2x3xi64>
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

// -----

func.func @three_answers(%answer: memref<3xi64>) {
  // expected-error @+1 {{'simplex.open_answer' op answer is 'memref<3xi64>', expected memref<2xi64>: a barrier for no and one for yes}}
  simplex.open_answer %answer : memref<3xi64>
  return
}

// -----

func.func @one_answer(%answer: memref<1xi64>, %yes: i1) {
  // expected-error @+1 {{'simplex.give_answer' op answer is 'memref<1xi64>', expected memref<2xi64>: a barrier for no and one for yes}}
  simplex.give_answer %answer, %yes : memref<1xi64>
  return
}

// -----

func.func @some_answers(%answer: memref<?xi64>) {
  // expected-error @+1 {{'simplex.await_answer' op answer is 'memref<?xi64>', expected memref<2xi64>: a barrier for no and one for yes}}
  %yes = simplex.await_answer %answer : memref<?xi64>
  return
}

// -----

func.func @small_barriers(%answer: memref<2xi32>) {
  // expected-error @+1 {{'simplex.open_answer' op operand #0 must be 1D memref of 64-bit signless integer values, but got 'memref<2xi32>'}}
  simplex.open_answer %answer : memref<2xi32>
  return
}
