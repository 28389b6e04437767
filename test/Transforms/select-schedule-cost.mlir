// What a schedule asks of each unit of a multiprocessor, as remarks; and the choices made by it.

// RUN: simplex-opt %s --split-input-file --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=WGMMA
// RUN: simplex-opt %s --split-input-file --simplex-bufferize --simplex-select-schedule="target=gpu shared-memory=166912 processor-shared-memory=167936 mma-flops=2048 wgmma-flops=0" --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=MMA
// RUN: not simplex-opt %s --simplex-select-schedule="target=gpu mma-flops=0" --split-input-file 2>&1 | FileCheck %s --check-prefix=ZERO

// The pipeline passes what the table of chips says.
// RUN: simplex-opt %s --split-input-file --simplex-nvptx-pipeline="chip=sm_86 emit=mlir" --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=SM86
// RUN: simplex-opt %s --split-input-file --simplex-nvptx-pipeline="chip=sm_103a emit=mlir" --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=SM103

// Without pairs of tiles.
// RUN: simplex-opt %s --split-input-file --simplex-bufferize --simplex-select-schedule="target=gpu wgmma pairs=0" --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=SINGLE
// SINGLE: rows 128, keys 128, splits 1, warpgroup products, skewed; {{.*}} shared memory 1553,
// SINGLE: rows 128, keys 128, splits 1, warpgroup products, skewed; {{.*}} shared memory 1618,

// SM86: tensor cores 2048 cycles, exponentials 256, {{.*}} 1 block a multiprocessor
// SM103: tensor cores 1024 cycles, exponentials 128, {{.*}} 2 blocks a multiprocessor

// ZERO: simplex-select-schedule: mma-flops, wgmma-flops and exponentials are 0, 4096 and 16, expected positive numbers
// RUN: not simplex-opt %s --simplex-select-schedule="target=gpu processor-shared-memory=-5" 2>&1 | FileCheck %s --check-prefix=NO-MEMORY
// NO-MEMORY: simplex-select-schedule: processor-shared-memory is -5, expected a positive number

// By hand, for warpgroup products. 128 rows times 128 keys are 16,384 logits: 2 (128 + 128) flops each at 4,096 a cycle,
// and an exponential each at 16. Shared memory: both groups read the tiles of key and value, 2 * 128 (128 + 128) 2 =
// 131,072 bytes; the query's 128 rows of 256 bytes are 32,768; a row of the outer key and one of the outer value as eight
// rows for each of eight warps, 8 * 8 * 512 = 32,768, each once for two tiles; a 32nd of the copy of the tiles, of 136
// rows for two queries, 136 * 512 / 32 = 2,176: 166,016 / 128 = 1,297, or 1,553 without pairs of tiles. 4 tiles and 32
// outer keys are 128 steps. A block has the query (128 * 272 = 34,816) and two stages of both tiles (139,264). Registers:
// 16 rows a warp and 32 threads, so half a row's numbers each: answer 64, product of values 64, logits 64, combined tile
// (16 bits) 32.
// WGMMA: rows 128, keys 128, splits 1, warpgroup products, pairs of tiles, skewed; a tile of keys and one outer key: tensor cores 2048 cycles, exponentials 1024, shared memory 1297, 2176 bytes from L2; limited by tensor cores, 262144 cycles a work item; 0% masked or beyond windows; 174080 bytes of shared memory, about 224 registers a thread for tiles, 1 block a multiprocessor"

// Portable products: four warps read both tiles of 64 keys, 4 * 64 * 512 = 131,072 bytes, the query 16,384, rows of
// outer keys 16,384, and a 32nd of the tiles 1,024: 164,864 / 128 = 1,288.
// MMA: rows 64, keys 64, splits 1; a tile of keys and one outer key: tensor cores 1024 cycles, exponentials 256, shared memory 1288, 1024 bytes from L2; limited by shared memory, 329728 cycles a work item; 0% masked or beyond windows; 87040 bytes of shared memory, about 128 registers a thread for tiles, 1 block a multiprocessor"
func.func @trilinear(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}

// -----

// Determinants read more of the query: 128 dims are 5 half blocks of 24 columns and two copies of a rest of 8, 136
// columns, 144 with padding. The keys' columns are arranged in place.
// WGMMA: rows 128, keys 128, splits 1, warpgroup products, pairs of tiles, skewed; a tile of keys and one outer key: tensor cores 2048 cycles, exponentials 1024, shared memory 1338, 2176 bytes from L2; limited by tensor cores
// WGMMA-SAME: 178176 bytes of shared memory
// MMA: rows 64, keys 64, splits 1; a tile of keys and one outer key: tensor cores 1024 cycles, exponentials 256, shared memory 1320, 1024 bytes from L2; limited by shared memory
// MMA-SAME: 89088 bytes of shared memory
func.func @determinant(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form determinant windows [32, 512]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}

// -----

// Without outer keys every step copies a tile, so it should serve more rows: 2 queries, whose 513 keys would be 5
// tiles of 112; skewed, each query's 512 are 4 of 128, of 136 rows in memory: 5 * 136 * 256 bytes beside the query.
// WGMMA: rows 128, keys 128, splits 1, warpgroup products, skewed; a tile of keys: tensor cores 2048 cycles, exponentials 1024, shared memory 1568, 69632 bytes from L2; limited by tensor cores, 8192 cycles a work item; 0% masked or beyond windows
// WGMMA-SAME: 209408 bytes of shared memory, about 192 registers a thread for tiles, 1 block a multiprocessor
// MMA: rows 64, keys 64, splits 1; a tile of keys: tensor cores 1024 cycles, exponentials 256, shared memory 1280, 32768 bytes from L2; limited by shared memory, 10240 cycles a work item; 0% masked
func.func @dot_product(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [512]
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>)
      -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}

// -----

// n = 4, unlimited windows: no number of steps, and as many second tiles as first ones.
// WGMMA: a tile of keys and one tuple of outer keys: tensor cores 512 cycles, exponentials 512, shared memory 328, 1024 bytes from L2; limited by tensor cores; 0% masked
// WGMMA-SAME: 2 blocks a multiprocessor
// MMA: a tile of keys and one tuple of outer keys: tensor cores 512 cycles, exponentials 256, shared memory 708, 512 bytes from L2; limited by shared memory; 0% masked
func.func @unlimited(%q: tensor<1x64x64x64xbf16>, %k: tensor<1x64x1x64xbf16>) -> tensor<1x64x64x64xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k) form multilinear windows [4, 8, 0]
      : (tensor<1x64x64x64xbf16>, tensor<1x64x1x64xbf16>, tensor<1x64x1x64xbf16>, tensor<1x64x1x64xbf16>,
         tensor<1x64x1x64xbf16>, tensor<1x64x1x64xbf16>, tensor<1x64x1x64xbf16>)
      -> (tensor<1x64x64x64xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x64xbf16>
}

// -----

// 48 heads leave a quarter of 64 rows empty, and three tiles of 16 none. Numbers of f32 take three products of tf32, at
// half the rate: 6 * 2 * 128 * 1,024 / 2,048.
// WGMMA: no warpgroup products: elements must be bf16 or f16
// MMA: rows 16, keys 64, splits 4; a tile of keys and one outer key: tensor cores 768 cycles,
// MMA-SAME: limited by tensor cores, 196608 cycles a work item; 0% masked or beyond windows; {{[0-9]+}} bytes
func.func @heads48(%q: tensor<1x64x48x64xf32>, %k: tensor<1x64x1x64xf32>) -> tensor<1x64x48x64xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x48x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>,
         tensor<1x64x1x64xf32>) -> (tensor<1x64x48x64xf32>, tensor<1x48x64xf32>)
  return %out : tensor<1x64x48x64xf32>
}

// -----

// 16 heads: 4 queries in 64 rows visit 35 outer keys for 32, and 3 pairs of 176 for 515 and 512 keys: 12.8%. A tile has
// 88 keys on average: 128 * 88 logits, 2 * 256 flops each at 4,096 a cycle, 35 * 6 times. A block has four tiles of 104
// rows: 34,816 + 4 * 104 * 256 bytes. Without pairs, 5 tiles of 112: 19.6%. Portable tiles of 16 rows have one query, and
// warps take shares of the outer keys.
// WGMMA: rows 128, keys 96 and 80, splits 1, warpgroup products, pairs of tiles, skewed; a tile of keys and one outer key: tensor cores 1408 cycles, exponentials 704,
// WGMMA-SAME: limited by tensor cores, 295680 cycles a work item; 13% masked or beyond windows; 141312 bytes of shared memory, about 208 registers
// SINGLE: rows 128, keys 112, splits 1, warpgroup products, skewed;
// SINGLE-SAME: limited by tensor cores, 313600 cycles a work item; 20% masked or beyond windows
// MMA: rows 16, keys 64, splits 4; a tile of keys and one outer key: tensor cores 256 cycles, exponentials 64, shared memory 328, 1024 bytes from L2; limited by shared memory, 83968 cycles a work item; 0% masked
func.func @heads16(%q: tensor<1x64x16x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x16x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512]
      : (tensor<1x64x16x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x16x128xbf16>, tensor<1x16x64xf32>)
  return %out : tensor<1x64x16x128xbf16>
}

// -----

// A schedule that is given is explained, too. 40 heads leave 24 of 64 rows empty. On both sides the windows have 63 and
// 1,023 keys, of which 32 tiles of 32 hold one more.
// WGMMA: rows 64, keys 32, splits 1; a tile of keys and one outer key:
// WGMMA-SAME: 0% masked or beyond windows, 60% more rows than heads fill
// MMA: rows 64, keys 32, splits 1; a tile of keys and one outer key:
func.func @given(%q: tensor<1x64x40x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x40x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [32, 512] bidirectional
      {schedule = #simplex.schedule<rows = 64, keys = 32, splits = 1, warps = 4, stages = 2>}
      : (tensor<1x64x40x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x40x128xbf16>, tensor<1x40x64xf32>)
  return %out : tensor<1x64x40x128xbf16>
}
