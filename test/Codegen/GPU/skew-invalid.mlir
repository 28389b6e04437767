// Only products of boxes begin at a row of their own for each 64 rows.

// RUN: not simplex-opt %s --split-input-file --convert-simplex-to-gpu 2>&1 | FileCheck %s
// RUN: not simplex-opt %s --split-input-file --simplex-assign-scratch --convert-simplex-to-vector 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: sed 's/skew = 8 : i64} : !simplex.tile<64x64x/skew = 0 : i64} : !simplex.tile<64x64x/; s/40x64xf32>/32x64xf32>/g' %s \
// RUN:   | not simplex-opt --split-input-file --simplex-assign-scratch --convert-simplex-to-vector 2>&1 | FileCheck %s --check-prefix=MASK

// CHECK: error: 'simplex.contract' op with 'skew' needs its rhs in boxes
// CPU: error: 'simplex.contract' op with 'skew' is for warpgroup products
// MASK: error: 'simplex.mask' op with 'skew' is for warpgroup products
// CPU: error: 'simplex.load' op with 'skew' is for warpgroup products
// CPU: error: 'simplex.combine' op on a CPU takes one row of each outer operand, found 2
func.func private @k(%key: memref<1x?x1x64xf32>, %p: index, %out: memref<1x64x1x32xf32>)
    attributes {simplex.grid = #simplex.grid<[0, 0]>, simplex.kernel,
                simplex.schedule = #simplex.schedule<rows = 64, keys = 32, warps = 4>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %k = simplex.load %key[%c0, %p, %c0] valid(%c0, %c64, %c1) heads 1 : memref<1x?x1x64xf32> -> !simplex.tile<40x64xf32>
  %c = simplex.fill 1.0 : !simplex.tile<64x64xf32>
  %s = simplex.contract %c, %k transposed {skew = 8 : i64} : !simplex.tile<64x64xf32>, !simplex.tile<40x64xf32> -> !simplex.tile<64x32xf32>
  %m = simplex.mask %s rows(%p) columns(%p) range(%c0, %p) windows [16] heads 8 {skew = 8 : i64} : !simplex.tile<64x32xf32>
  simplex.store %m, %out[%c0, %c0, %c0] valid(%c0, %c64, %c1) heads 1 : !simplex.tile<64x32xf32>, memref<1x64x1x32xf32>
  return
}

// -----

func.func private @rows(%k: memref<40x64xbf16, 3>, %out: memref<1x64x1x32xf32>)
    attributes {simplex.grid = #simplex.grid<[1, 0]>, simplex.kernel,
                simplex.schedule = #simplex.schedule<rows = 64, keys = 32, warps = 4>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c = simplex.fill 1.0 : !simplex.tile<64x64xbf16>
  %s = simplex.contract %c, %k transposed {skew = 8 : i64} : !simplex.tile<64x64xbf16>, memref<40x64xbf16, 3> -> !simplex.tile<64x32xf32>
  simplex.store %s, %out[%c0, %c0, %c0] valid(%c0, %c64, %c1) heads 1 : !simplex.tile<64x32xf32>, memref<1x64x1x32xf32>
  return
}

// -----

func.func private @row(%key: memref<1x?x1x64xf32>, %p: index, %out: memref<1x64x1x64xf32>)
    attributes {simplex.grid = #simplex.grid<[0, 0]>, simplex.kernel,
                simplex.schedule = #simplex.schedule<rows = 64, keys = 32, warps = 4>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %k = simplex.load %key[%c0, %p, %c0] valid(%c0, %c64, %c1) heads 1 {skew = 4 : i64} : memref<1x?x1x64xf32> -> !simplex.tile<2x64xf32>
  simplex.store %k, %out[%c0, %c0, %c0] valid(%c0, %c64, %c1) heads 1 : !simplex.tile<2x64xf32>, memref<1x64x1x64xf32>
  return
}

// -----

func.func private @combined(%p: index, %out: memref<1x128x1x64xf32>)
    attributes {simplex.grid = #simplex.grid<[1, 0]>, simplex.kernel,
                simplex.schedule = #simplex.schedule<rows = 128, keys = 32, warps = 4>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %q = simplex.fill 1.0 : !simplex.tile<128x64xf32>
  %k = simplex.fill 1.0 : !simplex.tile<2x64xf32>
  %c = simplex.combine #simplex.multilinear %q, %k biases [0.0] factor 1 head_dim 64
     : !simplex.tile<128x64xf32>, !simplex.tile<2x64xf32> -> !simplex.tile<128x64xf32>
  simplex.store %c, %out[%c0, %c0, %c0] valid(%c0, %c64, %c1) heads 1 : !simplex.tile<128x64xf32>, memref<1x128x1x64xf32>
  return
}
