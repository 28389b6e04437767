// Blocks fit the shared memory of the chip: fewer keys for longer rows, an error where nothing helps.

// RUN: simplex-opt %s --split-input-file --verify-diagnostics --simplex-bufferize --simplex-select-schedule="target=gpu shared-memory=101376" | FileCheck %s

// CHECK-LABEL: func.func @wide
// CHECK: #simplex.schedule<rows = 32, keys = 16, splits = 2, warps = 4, stages = 2>
func.func @wide(%q: tensor<1x8x64x256xf32>, %k: tensor<1x8x1x256xf32>) -> tensor<1x8x64x256xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [4, 8]
      : (tensor<1x8x64x256xf32>, tensor<1x8x1x256xf32>, tensor<1x8x1x256xf32>, tensor<1x8x1x256xf32>,
         tensor<1x8x1x256xf32>) -> (tensor<1x8x64x256xf32>, tensor<1x64x8xf32>)
  return %out : tensor<1x8x64x256xf32>
}

// -----

func.func @forced(%q: tensor<1x8x64x128xbf16>, %k: tensor<1x8x1x128xbf16>) -> tensor<1x8x64x128xbf16> {
  // expected-error @+1 {{'simplex.attention' op needs 156672 bytes of shared memory a block with #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2> and head dims 128 and 128; the limit is 101376: choose fewer keys or rows}}
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k) form multilinear windows [4, 8]
      {schedule = #simplex.schedule<rows = 64, keys = 128, splits = 1, warps = 4, stages = 2>}
      : (tensor<1x8x64x128xbf16>, tensor<1x8x1x128xbf16>, tensor<1x8x1x128xbf16>, tensor<1x8x1x128xbf16>,
         tensor<1x8x1x128xbf16>) -> (tensor<1x8x64x128xbf16>, tensor<1x64x8xf32>)
  return %out : tensor<1x8x64x128xbf16>
}

// -----

func.func @huge(%q: tensor<1x8x1x2147483647xf32>) -> tensor<1x8x1x2147483647xf32> {
  // expected-error @+1 {{'simplex.attention' op needs 687194768640 bytes of shared memory a block with #simplex.schedule<rows = 16, keys = 16, splits = 4, warps = 4, stages = 2> and head dims 2147483647 and 2147483647; the limit is 101376: choose fewer keys or rows}}
  %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear windows [8]
      : (tensor<1x8x1x2147483647xf32>, tensor<1x8x1x2147483647xf32>, tensor<1x8x1x2147483647xf32>)
      -> (tensor<1x8x1x2147483647xf32>, tensor<1x1x8xf32>)
  return %out : tensor<1x8x1x2147483647xf32>
}
