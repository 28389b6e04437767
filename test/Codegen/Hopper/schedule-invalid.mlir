// A schedule that is forced and does not fit, each with its reason.
// RUN: sed 's/SCHEDULE/rows = 64, keys = 64, splits = 2, warps = 8, stages = 2, wgmma = true/' %s > %t
// RUN: not simplex-opt %t --simplex-nvptx-pipeline="chip=sm_80 emit=mlir" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: sed -e 's/SCHEDULE/rows = 32, keys = 64, splits = 2, warps = 4, stages = 2, wgmma = true/' %s > %t
// RUN: not simplex-opt %t --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" 2>&1 | FileCheck %s --check-prefix=WARPS
// RUN: sed -e 's/SCHEDULE/rows = 64, keys = 64, splits = 2, warps = 8, stages = 2, wgmma = true/' -e s/bf16/f32/g %s > %t
// RUN: not simplex-opt %t --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" 2>&1 | FileCheck %s --check-prefix=TYPE

// CHIP: schedule: wgmma needs a chip with warpgroup products, sm_90a
// WARPS: schedule: wgmma needs 16 rows a warp and a multiple of 4 warps for each split, found 32 rows over 2 warps
// TYPE: schedule: wgmma multiplies bf16 and f16, found 'f32'
func.func @attend(%q: tensor<1x64x64x64xbf16>, %k: tensor<1x64x1x64xbf16>) -> tensor<1x64x64x64xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form multilinear windows [16, 128] {schedule = #simplex.schedule<SCHEDULE>}
      : (tensor<1x64x64x64xbf16>, tensor<1x64x1x64xbf16>, tensor<1x64x1x64xbf16>, tensor<1x64x1x64xbf16>,
         tensor<1x64x1x64xbf16>) -> (tensor<1x64x64x64xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x64xbf16>
}
