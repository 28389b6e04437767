// Round trip of the operations of asynchronous schedules, and what they reject.

// RUN: simplex-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: simplex-opt %s --split-input-file --verify-diagnostics --mlir-print-op-generic -o /dev/null

// CHECK-LABEL: func @turn
// CHECK: simplex.open_turns
// CHECK: simplex.take_turn
// CHECK: %[[F:.*]] = simplex.start_contract %{{.*}}, %{{.*}} transposed : <64x96xbf16>, memref<2x128x64xbf16> -> <64x128xf32>
// CHECK: simplex.pass_turn
// CHECK: %[[S:.*]] = simplex.await %[[F]] init %{{.*}} : <64x128xf32>, !simplex.tile<64xf32>
// CHECK: %[[P:.*]] = simplex.row_partial %[[S]], %{{.*}} : <64x128xf32>, <64xf32>
// CHECK: %[[L:.*]] = simplex.row_reduce %[[P]] : <64xf32>
// CHECK: %[[WRONG:.*]] = simplex.out_of_range %[[L]] : <64xf32>
// CHECK: simplex.out_of_range %[[L]] finite %{{.*}} : <64xf32>, !simplex.tile<64x128xf32>
// CHECK: simplex.vote %[[WRONG]]
// CHECK-NOT: :
// CHECK: simplex.load_row %{{.*}}[%{{.*}}] : memref<32x96xbf16> -> <1x96xbf16>
// CHECK: simplex.drop_rows %[[L]] rows(%{{.*}}) outer(%{{.*}}) range(%{{.*}}, %{{.*}}) windows [16] bidirectional heads 8
// CHECK-SAME: {skew = 8 : i64} : <64xf32>
// CHECK: simplex.close_turns
func.func @turn(%c: !simplex.tile<64x96xbf16>, %k: memref<2x128x64xbf16>, %l: !simplex.tile<64xf32>,
                %rows: memref<32x96xbf16>, %i: index) -> i1 {
  simplex.open_turns
  simplex.take_turn
  %f = simplex.start_contract %c, %k transposed
      : !simplex.tile<64x96xbf16>, memref<2x128x64xbf16> -> !simplex.tile<64x128xf32>
  simplex.pass_turn
  %s = simplex.await %f init %l : !simplex.tile<64x128xf32>, !simplex.tile<64xf32>
  %p = simplex.row_partial %s, %l : !simplex.tile<64x128xf32>, !simplex.tile<64xf32>
  %sum = simplex.row_reduce %p : !simplex.tile<64xf32>
  %wrong = simplex.out_of_range %sum : !simplex.tile<64xf32>
  %half = simplex.out_of_range %sum finite %s : !simplex.tile<64xf32>, !simplex.tile<64x128xf32>
  %any = simplex.vote %wrong
  %row = simplex.load_row %rows[%i] : memref<32x96xbf16> -> !simplex.tile<1x96xbf16>
  %d = simplex.drop_rows %sum rows(%i) outer(%i) range(%i, %i) windows [16] bidirectional heads 8 {skew = 8}
     : !simplex.tile<64xf32>
  simplex.close_turns
  return %any : i1
}

// CHECK: func private @pairs() attributes {s = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true, pairs = true>}
func.func private @pairs() attributes {
  s = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true, pairs = true>}

// CHECK: func private @two_sizes() attributes {s = #simplex.schedule<rows = 64, keys = 96, warps = 4, stages = 2, wgmma = true, pairs = true, second_keys = 80>}
func.func private @two_sizes() attributes {
  s = #simplex.schedule<rows = 64, keys = 96, warps = 4, stages = 2, wgmma = true, pairs = true, second_keys = 80>}

// CHECK: func private @skewed() attributes {s = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>}
func.func private @skewed() attributes {
  s = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>}

// The second 64 rows read rows 2 to 33 of the keys, and of the values.
// CHECK-LABEL: func @skew
// CHECK: simplex.start_contract %{{.*}}, %{{.*}} transposed {skew = 2 : i64} : <128x64xbf16>, memref<1x40x64xbf16> -> <128x32xf32>
// CHECK: simplex.contract %{{.*}}, %{{.*}} {skew = 2 : i64} : <128x32xbf16>, memref<1x40x64xbf16> -> <128x64xf32>
// CHECK: simplex.mask %{{.*}} rows(%{{.*}}) columns(%{{.*}}) range(%{{.*}}, %{{.*}}) windows [512] heads 32 {skew = 2 : i64} : <128x32xf32>
func.func @skew(%c: !simplex.tile<128x64xbf16>, %p: !simplex.tile<128x32xbf16>, %k: memref<1x40x64xbf16>, %i: index) {
  %f = simplex.start_contract %c, %k transposed {skew = 2 : i64}
      : !simplex.tile<128x64xbf16>, memref<1x40x64xbf16> -> !simplex.tile<128x32xf32>
  %s = simplex.await %f : !simplex.tile<128x32xf32>
  %v = simplex.contract %p, %k {skew = 2 : i64}
      : !simplex.tile<128x32xbf16>, memref<1x40x64xbf16> -> !simplex.tile<128x64xf32>
  %m = simplex.mask %s rows(%i) columns(%i) range(%i, %i) windows [512] heads 32 {skew = 2 : i64} : !simplex.tile<128x32xf32>
  return
}

// -----

func.func @drop(%m: !simplex.tile<64xf32>, %i: index) {
  // expected-error @+1 {{'simplex.drop_rows' op 'windows' takes one number for each key: expected 1, found 2}}
  %d = simplex.drop_rows %m rows(%i) outer(%i) range(%i, %i) windows [16, 128] heads 8 : !simplex.tile<64xf32>
  return
}

// -----

func.func @heads(%m: !simplex.tile<64xf32>, %i: index) {
  // expected-error @+1 {{'simplex.drop_rows' op 'heads' must be positive, found 0}}
  %d = simplex.drop_rows %m rows(%i) outer(%i) range(%i, %i) windows [16] heads 0 : !simplex.tile<64xf32>
  return
}

// -----

func.func @depth(%c: !simplex.tile<64x144xbf16>, %k: memref<2x128x64xbf16>) {
  // expected-error @+1 {{'simplex.start_contract' op lhs has 144 columns, expected 128 as the rhs}}
  %f = simplex.start_contract %c, %k transposed
      : !simplex.tile<64x144xbf16>, memref<2x128x64xbf16> -> !simplex.tile<64x128xf32>
  return
}

// -----

func.func @rank(%c: !simplex.tile<64x64xbf16>, %k: memref<1x2x128x64xbf16>) {
  // expected-error @+1 {{'simplex.start_contract' op rhs has rank 4, expected 2}}
  %f = simplex.start_contract %c, %k transposed
      : !simplex.tile<64x64xbf16>, memref<1x2x128x64xbf16> -> !simplex.tile<64x128xf32>
  return
}

// -----

func.func @await(%s: !simplex.tile<64x128xf32>) {
  // expected-error @+1 {{'simplex.await' op expects the result of simplex.start_contract}}
  %r = simplex.await %s : !simplex.tile<64x128xf32>
  return
}

// -----

func.func @init(%c: !simplex.tile<64x64xbf16>, %k: memref<1x128x64xbf16>, %l: !simplex.tile<32xf32>) {
  %f = simplex.start_contract %c, %k transposed
      : !simplex.tile<64x64xbf16>, memref<1x128x64xbf16> -> !simplex.tile<64x128xf32>
  // expected-error @+1 {{'simplex.await' op init has 32 rows, expected 64 as the product}}
  %r = simplex.await %f init %l : !simplex.tile<64x128xf32>, !simplex.tile<32xf32>
  return
}
