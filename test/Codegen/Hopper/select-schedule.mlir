// RUN: simplex-opt %s --simplex-select-schedule="target=gpu wgmma" --split-input-file --remarks-filter=simplex --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: simplex-opt %s --simplex-select-schedule="target=gpu wgmma" --split-input-file | FileCheck %s --check-prefix=IR
// RUN: simplex-opt %s --simplex-select-schedule="target=gpu wgmma pairs=0" --split-input-file | FileCheck %s --check-prefix=SINGLE --implicit-check-not=pairs
// RUN: not simplex-opt %s --simplex-select-schedule="target=gpu wgmma pairs=2" --split-input-file 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not simplex-opt %s --simplex-select-schedule="target=gpu pairs=1" --split-input-file 2>&1 | FileCheck %s --check-prefix=MMA

// SINGLE: schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>
// RANGE: simplex-select-schedule: pairs is 2, expected 0, 1 or -1 (choose)
// MMA: schedule: 'pairs' needs 'wgmma'

// Two groups of 64 rows: a query each, which sees its own keys. 512 are four
// tiles of 128.
// CHECK: rows 128, keys 128, splits 1, warpgroup products, pairs of tiles, skewed;
// IR-LABEL: func.func @heads64
// IR: schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, pairs = true, skew = true>
// Rows of that many outer keys are not in shared memory: a share of them for each group.
// RUN: sed 's/.32, 512./[64, 512]/' %s | simplex-opt --simplex-select-schedule="target=gpu wgmma" --split-input-file | FileCheck %s --check-prefix=LONG
// LONG: schedule = #simplex.schedule<rows = 64, keys = 128, splits = 2, warps = 8, stages = 2, wgmma = true, pairs = true>
func.func @heads64(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}

// -----

// IR-LABEL: func.func @heads128
// IR: schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, pairs = true>
func.func @heads128(%q: tensor<1x64x128x128xf16>, %k: tensor<1x64x1x128xf16>) -> tensor<1x64x128x128xf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x128x128xf16>, tensor<1x64x1x128xf16>, tensor<1x64x1x128xf16>, tensor<1x64x1x128xf16>,
         tensor<1x64x1x128xf16>) -> (tensor<1x64x128x128xf16>, tensor<1x128x64xf32>)
  return %out : tensor<1x64x128x128xf16>
}

// -----

// Short rows: one group a block, so that two blocks fit a multiprocessor.
// IR-LABEL: func.func @short_rows
// IR: schedule = #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2, wgmma = true, pairs = true>
func.func @short_rows(%q: tensor<1x64x128x64xf16>, %k: tensor<1x64x1x64xf16>) -> tensor<1x64x128x64xf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x128x64xf16>, tensor<1x64x1x64xf16>, tensor<1x64x1x64xf16>, tensor<1x64x1x64xf16>,
         tensor<1x64x1x64xf16>) -> (tensor<1x64x128x64xf16>, tensor<1x128x64xf32>)
  return %out : tensor<1x64x128x64xf16>
}

// -----

// A row of each query of its own: 64 neighbours see three times the keys.
// CHECK: no warpgroup products: the windows of 64 queries together are 2.2 times as many keys as those of smaller tiles; predicted 0.549 cycles for a row and a tuple, 0.525 without
// IR-LABEL: func.func @heads1
// IR: schedule = #simplex.schedule<rows = 16, keys = 64, splits = 4, warps = 4, stages = 2>
func.func @heads1(%q: tensor<1x64x1x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x1x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x1x128xbf16>, tensor<1x1x64xf32>)
  return %out : tensor<1x64x1x128xbf16>
}

// -----

// Three queries of 40 heads fill 120 of 128 rows; one fills 40 of 64. Their 514 last keys take five tiles of 112, or
// three pairs of 176.
// CHECK: rows 128, keys 96 and 80, splits 1, warpgroup products, pairs of tiles;
// SINGLE: schedule = #simplex.schedule<rows = 128, keys = 112, warps = 8, stages = 2, wgmma = true>
// IR-LABEL: func.func @heads40
// IR: schedule = #simplex.schedule<rows = 128, keys = 96, warps = 8, stages = 2, wgmma = true, pairs = true, second_keys = 80>
func.func @heads40(%q: tensor<1x64x40x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x40x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x40x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x40x128xbf16>, tensor<1x40x64xf32>)
  return %out : tensor<1x64x40x128xbf16>
}

// -----

// One size where two visit no more: 259 keys are three tiles of 96, or two pairs of 144.
// IR-LABEL: func.func @heads16
// IR: schedule = #simplex.schedule<rows = 128, keys = 96, warps = 8, stages = 2, wgmma = true, pairs = true, skew = true>
func.func @heads16(%q: tensor<1x64x16x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x16x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 256]
      : (tensor<1x64x16x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x16x128xbf16>, tensor<1x16x64xf32>)
  return %out : tensor<1x64x16x128xbf16>
}

// -----

// CHECK: no warpgroup products: elements must be bf16 or f16
func.func @f32(%q: tensor<1x64x64x128xf32>, %k: tensor<1x64x1x128xf32>) -> tensor<1x64x64x128xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [0]
      : (tensor<1x64x64x128xf32>, tensor<1x64x1x128xf32>, tensor<1x64x1x128xf32>)
      -> (tensor<1x64x64x128xf32>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xf32>
}

// -----

// Any form: its combined tile is the product's left operand.
// IR-LABEL: func.func @determinant
// IR: schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, pairs = true, skew = true>
func.func @determinant(%q: tensor<1x64x64x96xbf16>, %k: tensor<1x64x1x96xbf16>) -> tensor<1x64x64x96xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form determinant windows [32, 512]
      : (tensor<1x64x64x96xbf16>, tensor<1x64x1x96xbf16>, tensor<1x64x1x96xbf16>, tensor<1x64x1x96xbf16>,
         tensor<1x64x1x96xbf16>) -> (tensor<1x64x64x96xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x96xbf16>
}

// -----

// CHECK: no warpgroup products: head dims must be multiples of 16 up to 128, found 256
func.func @wide(%q: tensor<1x64x64x256xbf16>, %k: tensor<1x64x1x256xbf16>) -> tensor<1x64x64x256xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [0]
      : (tensor<1x64x64x256xbf16>, tensor<1x64x1x256xbf16>, tensor<1x64x1x256xbf16>)
      -> (tensor<1x64x64x256xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x256xbf16>
}

// -----

// One tile holds all last keys: there are no pairs, but there are with shorter tiles.
// RUN: simplex-opt %s --simplex-select-schedule="target=gpu wgmma keys=32" --split-input-file | FileCheck %s --check-prefix=SHORT
// IR-LABEL: func.func @one_tile
// IR: schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>
// SHORT-LABEL: func.func @one_tile
// SHORT: schedule = #simplex.schedule<rows = 128, keys = 32, warps = 8, stages = 2, wgmma = true, pairs = true, skew = true>
func.func @one_tile(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 128]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}

// -----

// Without outer keys there is nothing to share. Two queries together see 513 keys, five tiles, but each group of 64 rows,
// on its own, 512.
// CHECK: rows 128, keys 128, splits 1, warpgroup products, skewed;
// CHECK-SAME: ; 0% masked or beyond windows
// IR-LABEL: func.func @dot_product
// IR: schedule = #simplex.schedule<rows = 128, keys = 128, warps = 8, stages = 2, wgmma = true, skew = true>
func.func @dot_product(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [512]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>)
      -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}

// -----

// Five tiles for two queries, too.
// IR-LABEL: func.func @not_skewed
// IR: schedule = #simplex.schedule<rows = 128, keys = 112, warps = 8, stages = 2, wgmma = true>
func.func @not_skewed(%q: tensor<1x64x32x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x32x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [512]
      : (tensor<1x64x32x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>)
      -> (tensor<1x64x32x128xbf16>, tensor<1x32x64xf32>)
  return %out : tensor<1x64x32x128xbf16>
}

// -----

// A table holds the products of 4 and 8 rows, but not those of 16 and 16, whose rows need registers of their own.
// IR-LABEL: func.func @quadrilinear
// IR: windows [4, 8, 256] {schedule = #simplex.schedule<rows = 64, keys = 128, splits = 2, warps = 8, stages = 2, wgmma = true, pairs = true>}
// IR: windows [16, 16, 256] {schedule = #simplex.schedule<rows = 64, keys = 128, splits = 2, warps = 8, stages = 2, wgmma = true>}
func.func @quadrilinear(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>)
    -> (tensor<1x64x64x128xbf16>, tensor<1x64x64x128xbf16>) {
  %few, %lse = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k) form multilinear windows [4, 8, 256]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>)
      -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  %many, %lse2 = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k) form multilinear windows [16, 16, 256]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>)
      -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %few, %many : tensor<1x64x64x128xbf16>, tensor<1x64x64x128xbf16>
}
