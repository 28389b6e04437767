// Round trip of every tile operation, and what their verifiers reject.

// RUN: simplex-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: simplex-opt %s --split-input-file --verify-diagnostics --mlir-print-op-generic -o /dev/null

// CHECK-LABEL: func @memory
// CHECK: %[[ITEM:[a-z0-9_]+]] = simplex.work_item
// CHECK: %[[T:[a-z0-9_]+]] = simplex.load %{{.*}}[%[[ITEM]], %{{.*}}, %{{.*}}] valid(%{{.*}}, %{{.*}}, %{{.*}}) heads 4 : memref<1x?x8x64xbf16> -> <16x64xf32>
// CHECK: simplex.store %[[T]], %{{.*}}[%{{.*}}] valid(%{{.*}}) heads 4 : <16x64xf32>, memref<1x?x8x64xbf16>
// CHECK: %[[C:[a-z0-9_]+]] = simplex.fill 0xFFF0000000000000 : <16xf32>
// CHECK: simplex.store %[[C]], %{{.*}} heads 4 : <16xf32>, memref<1x8x?xf32>
func.func @memory(%q: memref<1x?x8x64xbf16>, %lse: memref<1x8x?xf32>, %i: index) {
  %b = simplex.work_item
  %t = simplex.load %q[%b, %i, %i] valid(%i, %i, %i) heads 4
       : memref<1x?x8x64xbf16> -> !simplex.tile<16x64xf32>
  simplex.store %t, %q[%b, %i, %i] valid(%i, %i, %i) heads 4
       : !simplex.tile<16x64xf32>, memref<1x?x8x64xbf16>
  %c = simplex.fill 0xFFF0000000000000 : !simplex.tile<16xf32>
  simplex.store %c, %lse[%b, %i, %i] valid(%i, %i, %i) heads 4
       : !simplex.tile<16xf32>, memref<1x8x?xf32>
  return
}

// CHECK-LABEL: func @arithmetic
// CHECK: simplex.combine #simplex.determinant<reversed = true> %{{.*}}, %{{.*}} biases [5.000000e-01] factor -1 head_dim 7
// CHECK: simplex.combine #simplex.multilinear %{{.*}} biases [] factor 1 head_dim 8
// CHECK: simplex.contract %{{.*}}, %{{.*}} transposed {bias = 5.000000e-01 : f64}
// CHECK: simplex.contract %{{.*}}, %{{.*}} init %{{.*}} transposed
// CHECK: simplex.mask %{{.*}} rows(%{{.*}}) columns(%{{.*}}) outer(%{{.*}}) range(%{{.*}}, %{{.*}}) windows [3, 4] bidirectional heads 2
// CHECK: simplex.row_max %{{.*}}, %{{.*}} scale 1.500000e+00
// CHECK: simplex.exp %{{.*}}, %{{.*}} scale 1.500000e+00
// CHECK: simplex.row_sum %{{.*}}, %{{.*}} {factor = 5.000000e-01 : f64}
// CHECK: simplex.rescale %{{.*}} from %{{.*}} to %{{.*}} : <16x32xf32>, <16xf32>
// CHECK: simplex.convert %{{.*}} : <16x32xf32> -> <16x32xbf16>
// CHECK: simplex.contract %{{.*}}, %{{.*}} : <16x32xbf16>, !simplex.tile<32x8xbf16> -> <16x8xf32>
// CHECK: simplex.fold %{{.*}}, %{{.*}} values(%{{.*}}) biases [1.000000e+00]
// CHECK: simplex.finalize %{{.*}}, %{{.*}}, %{{.*}} : <16xf32>, <16x8xf32> -> <16x8xbf16>, <16xf32>
func.func @arithmetic(%q: !simplex.tile<16x8xbf16>, %k1: !simplex.tile<1x8xbf16>,
                      %k: !simplex.tile<32x8xbf16>, %m: !simplex.tile<16xf32>, %i: index)
    -> !simplex.tile<16x8xbf16> {
  %a = simplex.combine #simplex.determinant<reversed = true> %q, %k1 biases [0.5] factor -1 head_dim 7
       : !simplex.tile<16x8xbf16>, !simplex.tile<1x8xbf16> -> !simplex.tile<16x8xbf16>
  %a2 = simplex.combine #simplex.multilinear %q biases [] factor 1 head_dim 8
       : !simplex.tile<16x8xbf16> -> !simplex.tile<16x8xbf16>
  %s = simplex.contract %a, %k transposed {bias = 0.5 : f64}
       : !simplex.tile<16x8xbf16>, !simplex.tile<32x8xbf16> -> !simplex.tile<16x32xf32>
  %s2 = simplex.contract %a2, %k init %m transposed
       : !simplex.tile<16x8xbf16>, !simplex.tile<32x8xbf16>, !simplex.tile<16xf32> -> !simplex.tile<16x32xf32>
  %x = simplex.mask %s rows(%i) columns(%i) outer(%i) range(%i, %i) windows [3, 4] bidirectional heads 2
       : !simplex.tile<16x32xf32>
  %n = simplex.row_max %x, %m scale 1.5 : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
  %p = simplex.exp %x, %n scale 1.5 : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
  %l = simplex.row_sum %p, %m {factor = 0.5 : f64} : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
  %r = simplex.rescale %p from %m to %n : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
  %b = simplex.convert %r : !simplex.tile<16x32xf32> -> !simplex.tile<16x32xbf16>
  %o = simplex.contract %b, %k : !simplex.tile<16x32xbf16>, !simplex.tile<32x8xbf16> -> !simplex.tile<16x8xf32>
  %f = simplex.fold %o, %o values(%k1) biases [1.0]
       : !simplex.tile<16x8xf32>, !simplex.tile<16x8xf32>, !simplex.tile<1x8xbf16>
  %out, %lse = simplex.finalize %n, %l, %f
       : !simplex.tile<16xf32>, !simplex.tile<16x8xf32> -> !simplex.tile<16x8xbf16>, !simplex.tile<16xf32>
  return %out : !simplex.tile<16x8xbf16>
}

// simplex.yield must be known to MLIR's core as a terminator.
// CHECK-LABEL: func @split
// CHECK: simplex.split 4 : <4xf32>, <4xf32>, <4x8xf32> {
// CHECK-NEXT: ^bb0(%{{.*}}: index):
// CHECK-NEXT: simplex.yield %{{.*}}, %{{.*}}, %{{.*}} : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32>
func.func @split(%c: !simplex.tile<4xf32>, %t: !simplex.tile<4x8xf32>) {
  %r:3 = simplex.split 4 : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32> {
  ^bb0(%split: index):
    simplex.yield %c, %c, %t : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32>
  }
  return
}

// CHECK-LABEL: func private @kernel
// CHECK: simplex.launch @kernel(%{{.*}}) : memref<4xf32>
// CHECK: simplex.launch @nothing(){{$}}
func.func private @kernel(memref<4xf32>) attributes {simplex.kernel}
func.func private @nothing() attributes {simplex.kernel}
func.func @launch(%m: memref<4xf32>) {
  simplex.launch @kernel(%m) : memref<4xf32>
  simplex.launch @nothing()
  return
}

// -----

// expected-error @+1 {{a tile has rank 1 or 2, found rank 3}}
func.func private @f(!simplex.tile<2x2x2xf32>)

// -----

// expected-error @+1 {{the extents of a tile are positive and below 2^31, found 0}}
func.func private @f(!simplex.tile<0x4xf32>)

// -----

// expected-error @+1 {{the extents of a tile are positive and below 2^31, found 9223372036854775807}}
func.func private @f(!simplex.tile<9223372036854775807x4xf32>)

// -----

// expected-error @+1 {{a tile has floating-point elements, found 'i8'}}
func.func private @f(!simplex.tile<4x4xi8>)

// -----

// expected-error @+1 {{schedule: 'rows' must be from 1 to 4096, found 0}}
func.func private @f() attributes {s = #simplex.schedule<rows = 0, keys = 1>}

// -----

// expected-error @+1 {{schedule: 'pairs' needs 'wgmma'}}
func.func private @f() attributes {s = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, pairs = true>}

// -----

// expected-error @+1 {{schedule: 'second_keys' needs 'pairs'}}
func.func private @f() attributes {s = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true, second_keys = 64>}

// -----

// expected-error @+1 {{schedule: 'second_keys' must be a multiple of 16 up to 'keys', found 24 with keys = 128}}
func.func private @f() attributes {s = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true, pairs = true, second_keys = 24>}

// -----

// expected-error @+1 {{schedule: 'second_keys' must be a multiple of 16 up to 'keys', found 144 with keys = 128}}
func.func private @f() attributes {s = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true, pairs = true, second_keys = 144>}

// -----

// expected-error @+1 {{schedule: 'skew' needs 'wgmma', and no 'splits'}}
func.func private @f() attributes {s = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, skew = true>}

// -----

// expected-error @+1 {{schedule: 'skew' needs 'wgmma', and no 'splits'}}
func.func private @f() attributes {s = #simplex.schedule<rows = 64, keys = 128, splits = 2, warps = 8, stages = 2, wgmma = true, skew = true>}

// -----

// expected-error @+1 {{schedule: 'skew' needs rows that are a multiple of 64, found 96}}
func.func private @f() attributes {s = #simplex.schedule<rows = 96, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>}

// -----

func.func @f(%s: !simplex.tile<128x32xf32>, %i: index) {
  // expected-error @+1 {{'simplex.mask' op 'skew' is 4 for 128 rows and 8 heads, expected whole queries in each 64 rows}}
  %m = simplex.mask %s rows(%i) columns(%i) range(%i, %i) windows [512] heads 8 {skew = 4 : i64} : !simplex.tile<128x32xf32>
  return
}

// -----

func.func @f(%c: !simplex.tile<128x64xbf16>, %k: memref<1x32x64xbf16>) {
  // expected-error @+1 {{'simplex.contract' op rhs has 32 rows, expected at least 34 with skew 2}}
  %s = simplex.contract %c, %k transposed {skew = 2 : i64} : !simplex.tile<128x64xbf16>, memref<1x32x64xbf16> -> !simplex.tile<128x32xf32>
  return
}

// -----

func.func @f(%c: !simplex.tile<128x64xbf16>, %k: memref<1x40x64xbf16>) {
  // expected-error @+1 {{'skew' is 9223372036854775807 for 128 rows, expected 1 to 64 and a multiple of 64}}
  %s = simplex.start_contract %c, %k transposed {skew = 9223372036854775807 : i64} : !simplex.tile<128x64xbf16>, memref<1x40x64xbf16> -> !simplex.tile<128x32xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<128x64xbf16>, %k: !simplex.tile<3x64xbf16>) {
  // expected-error @+1 {{'simplex.combine' op key 1 has 3 rows, expected 1, or one for each 64 of 128}}
  %c = simplex.combine #simplex.multilinear %q, %k biases [0.0] factor 1 head_dim 64
     : !simplex.tile<128x64xbf16>, !simplex.tile<3x64xbf16> -> !simplex.tile<128x64xbf16>
  return
}

// -----

func.func @f(%acc: !simplex.tile<64x64xf32>, %v: !simplex.tile<2x64xbf16>) {
  // expected-error @+1 {{'simplex.fold' op value 1 has 2 rows, expected 1, or one for each 64 of 64}}
  %sum = simplex.fold %acc, %acc values(%v) biases [0.0]
     : !simplex.tile<64x64xf32>, !simplex.tile<64x64xf32>, !simplex.tile<2x64xbf16>
  return
}

// -----

func.func @f(%k: memref<1x?x2x64xbf16>, %i: index) {
  // expected-error @+1 {{'simplex.load' op 'skew' is 4 with 2 heads, expected 0 or more, and one head}}
  %r = simplex.load %k[%i, %i, %i] valid(%i, %i, %i) heads 2 {skew = 4 : i64}
     : memref<1x?x2x64xbf16> -> !simplex.tile<2x64xbf16>
  return
}

// -----

func.func @f(%rows: memref<32x64xbf16, 3>, %i: index) {
  // expected-error @+1 {{'simplex.load_row' op result has 2 rows with skew 0, expected 1 where it is 0}}
  %r = simplex.load_row %rows[%i] : memref<32x64xbf16, 3> -> !simplex.tile<2x64xbf16>
  return
}

// -----

func.func @f(%c: !simplex.tile<96x64xbf16>, %k: memref<1x40x64xbf16>) {
  // expected-error @+1 {{'simplex.start_contract' op 'skew' is 1 for 96 rows, expected 1 to 64 and a multiple of 64}}
  %s = simplex.start_contract %c, %k transposed {skew = 1 : i64} : !simplex.tile<96x64xbf16>, memref<1x40x64xbf16> -> !simplex.tile<96x32xf32>
  return
}

// -----

// expected-error @+1 {{chunked: 'chunk' must be from 1 to 64, found 65}}
func.func private @f() attributes {s = #simplex.chunked<chunk = 65, head_dim = 96, rotations = [0]>}

// -----

// expected-error @+1 {{chunked: 'head_dim' must be positive and below 2^31, found 0}}
func.func private @f() attributes {s = #simplex.chunked<chunk = 3, head_dim = 0, rotations = [0]>}

// -----

// expected-error @+1 {{chunked: 'rotations' must have one number for each term, found none}}
func.func private @f() attributes {s = #simplex.chunked<chunk = 3, head_dim = 96, rotations = []>}

// -----

// expected-error @+1 {{chunked: 'rotations' must be from 0 to 2, below the chunk, found 3}}
func.func private @f() attributes {s = #simplex.chunked<chunk = 3, head_dim = 96, rotations = [1, 3]>}

// -----

func.func @f(%m: memref<1x5x4x64xbf16>, %i: index) {
  // expected-error @+1 {{'simplex.load' op result has 64 columns, expected 80 as the layout}}
  %0 = simplex.load %m[%i, %i, %i] valid(%i, %i, %i) heads 4 {layout = #simplex.chunked<chunk = 3, head_dim = 64, rotations = [1, 2]>}
       : memref<1x5x4x64xbf16> -> !simplex.tile<4x64xbf16>
  return
}

// -----

func.func @f(%m: memref<16x64xbf16, 3>) {
  // expected-error @+1 {{'simplex.arrange' op buffer has 64 columns, expected 80 as the layout}}
  simplex.arrange #simplex.chunked<chunk = 3, head_dim = 64, rotations = [1, 2]> %m : memref<16x64xbf16, 3>
  return
}

// -----

func.func @f(%m: memref<1x16x64xbf16, 3>) {
  // expected-error @+1 {{'simplex.arrange' op buffer has 64 columns in boxes, expected at least 96 as the layout}}
  simplex.arrange #simplex.chunked<chunk = 3, head_dim = 96, rotations = [0]> %m : memref<1x16x64xbf16, 3>
  return
}

// -----

func.func @f(%m: memref<f32>, %i: index) {
  // expected-error @+1 {{'simplex.load' op source must have rank 4, found rank 0}}
  %0 = simplex.load %m[%i, %i, %i] valid(%i, %i, %i) heads 4 : memref<f32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%m: memref<1x5x4x8xi8>, %i: index) {
  // expected-error @+1 {{'simplex.load' op source must have floating-point elements, found 'i8'}}
  %0 = simplex.load %m[%i, %i, %i] valid(%i, %i, %i) heads 4 : memref<1x5x4x8xi8> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%m: memref<1x5x4x8xf32>, %i: index) {
  // expected-error @+1 {{'simplex.load' op 'heads' must be positive, found 0}}
  %0 = simplex.load %m[%i, %i, %i] valid(%i, %i, %i) heads 0 : memref<1x5x4x8xf32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%m: memref<1x5x4x8xf32>, %c: !simplex.tile<4xf32>, %i: index) {
  // expected-error @+1 {{'simplex.store' op destination must have rank 3, found rank 4}}
  simplex.store %c, %m[%i, %i, %i] valid(%i, %i, %i) heads 4 : !simplex.tile<4xf32>, memref<1x5x4x8xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.combine' op key 1 has 4 rows, expected 1}}
  %0 = simplex.combine #simplex.multilinear %q, %q biases [0.0] factor 1 head_dim 8
       : !simplex.tile<4x8xf32>, !simplex.tile<4x8xf32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.combine' op 'head_dim' must be from 1 to the 8 columns of the tile, found 9}}
  %0 = simplex.combine #simplex.multilinear %q biases [] factor 1 head_dim 9
       : !simplex.tile<4x8xf32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.combine' op 'factor' must be -1, 0 or 1, found 2}}
  %0 = simplex.combine #simplex.multilinear %q biases [] factor 2 head_dim 8
       : !simplex.tile<4x8xf32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>, %k: !simplex.tile<8x6xf32>) {
  // expected-error @+1 {{'simplex.contract' op lhs has 8 columns, expected 6 as the rhs}}
  %0 = simplex.contract %q, %k transposed : !simplex.tile<4x8xf32>, !simplex.tile<8x6xf32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>, %c: !simplex.tile<9xf32>) {
  // expected-error @+1 {{'simplex.contract' op init has 9 rows, expected 4 as the lhs}}
  %0 = simplex.contract %q, %q init %c transposed
       : !simplex.tile<4x8xf32>, !simplex.tile<4x8xf32>, !simplex.tile<9xf32> -> !simplex.tile<4x4xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>, %i: index) {
  // expected-error @+1 {{'simplex.mask' op 'windows' takes one number for each key: expected 2, found 1}}
  %0 = simplex.mask %q rows(%i) columns(%i) outer(%i) range(%i, %i) windows [3] heads 1 : !simplex.tile<4x8xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>, %c: !simplex.tile<9xf32>) {
  // expected-error @+1 {{'simplex.row_max' op running has 9 rows, expected 4 as the tile}}
  %0 = simplex.row_max %q, %c scale 1.0 : !simplex.tile<4x8xf32>, !simplex.tile<9xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.convert' op keeps the shape of a tile, found '!simplex.tile<4x8xf32>' and '!simplex.tile<8x4xf32>'}}
  %0 = simplex.convert %q : !simplex.tile<4x8xf32> -> !simplex.tile<8x4xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>, %v: !simplex.tile<1x8xf32>) {
  // expected-error @+1 {{'simplex.fold' op 'biases' takes one number for each outer value: expected 1, found 0}}
  %0 = simplex.fold %q, %q values(%v) biases []
       : !simplex.tile<4x8xf32>, !simplex.tile<4x8xf32>, !simplex.tile<1x8xf32>
  return
}

// -----

func.func @f(%c: !simplex.tile<4xf32>, %t: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.split' op 'count' must be positive, found -4}}
  %r:3 = simplex.split -4 : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32> {
  ^bb0(%split: index):
    simplex.yield %c, %c, %t : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32>
  }
  return
}

// -----

func.func @f(%c: !simplex.tile<4xf32>, %t: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.split' op body yields the types of the results}}
  %r:3 = simplex.split 4 : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32> {
  ^bb0(%split: index):
  }
  return
}

// -----

func.func @f(%i: index) {
  // expected-error @+1 {{'simplex.launch' op 'missing' is no symbol}}
  simplex.launch @missing(%i) : index
  return
}

// -----

func.func @f(%i: index) {
  // expected-error @+1 {{'simplex.launch' op 'f' is no kernel (it lacks 'simplex.kernel')}}
  simplex.launch @f(%i) : index
  return
}

// -----

// Separated tiles have the columns of #simplex.chunked.
func.func @f(%q: !simplex.tile<4x64xf32>, %k: !simplex.tile<1x80xf32>) {
  // expected-error @+1 {{'simplex.combine' op query has 64 columns, expected 80 as the layout}}
  %0 = simplex.combine #simplex.determinant %q, %k biases [0.0] factor 1 head_dim 64 separated
       : !simplex.tile<4x64xf32>, !simplex.tile<1x80xf32> -> !simplex.tile<4x64xf32>
  return
}

// -----

func.func @f(%q: memref<f32>, %k: !simplex.tile<1x80xf32>) {
  // expected-error @+1 {{'simplex.combine' op query must have rank 2, found rank 0}}
  %0 = simplex.combine #simplex.determinant %q, %k biases [0.0] factor 1 head_dim 64 separated
       : memref<f32>, !simplex.tile<1x80xf32> -> !simplex.tile<4x64xf32>
  return
}

// -----

func.func @f(%q: memref<4x80xf32>, %k: !simplex.tile<1x64xf32>) {
  // expected-error @+1 {{'simplex.combine' op key 1 has 64 columns, expected 80 as the layout}}
  %0 = simplex.combine #simplex.determinant %q, %k biases [0.0] factor 1 head_dim 64 separated
       : memref<4x80xf32>, !simplex.tile<1x64xf32> -> !simplex.tile<4x64xf32>
  return
}

// -----

func.func @f(%q: memref<4x80xf32>, %k: !simplex.tile<1x80xf32>) {
  // expected-error @+1 {{'simplex.combine' op result has 80 columns, expected 64 as the layout}}
  %0 = simplex.combine #simplex.determinant %q, %k biases [0.0] factor 1 head_dim 64 separated
       : memref<4x80xf32>, !simplex.tile<1x80xf32> -> !simplex.tile<4x80xf32>
  return
}

// -----

func.func @f(%q: !simplex.tile<4x8xf32>) {
  // expected-error @+1 {{'simplex.combine' op form determinant takes exactly 2 keys (n = 3), found 1}}
  %0 = simplex.combine #simplex.determinant %q biases [] factor 1 head_dim 8
       : !simplex.tile<4x8xf32> -> !simplex.tile<4x8xf32>
  return
}

// -----

func.func @other_rows(%sum: !simplex.tile<32xf32>, %acc: !simplex.tile<64x128xf32>) -> i1 {
  // expected-error @+1 {{'simplex.out_of_range' op sum has 32 rows, expected 64 as the tile}}
  %wrong = simplex.out_of_range %sum finite %acc : !simplex.tile<32xf32>, !simplex.tile<64x128xf32>
  return %wrong : i1
}

// -----

func.func @half_accumulator(%sum: !simplex.tile<64xf32>, %acc: !simplex.tile<64x128xf16>) -> i1 {
  // expected-error @+1 {{'simplex.out_of_range' op accumulator is '!simplex.tile<64x128xf16>', expected elements of type f32}}
  %wrong = simplex.out_of_range %sum finite %acc : !simplex.tile<64xf32>, !simplex.tile<64x128xf16>
  return %wrong : i1
}
