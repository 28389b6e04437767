// A schedule that is forced and does not fit the chip: the whole compiler says which limit it breaks.

// RUN: sed 's/SCHEDULE/rows = 64, keys = 128, warps = 4, stages = 2/' %s > %t
// RUN: simplex-compile %t --chip=sm_90 --emit=ptx -o /dev/null
// RUN: not simplex-compile %t --chip=sm_86 --emit=ptx -o %t.ptx 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: 'simplex.attention' op needs 156672 bytes of shared memory a block with #simplex.schedule<rows = 64, keys = 128, warps = 4, stages = 2> and head dims 128 and 128; the limit is 101376: choose fewer keys or rows

// RUN: sed 's/SCHEDULE/rows = 64, keys = 48, splits = 16, warps = 64, stages = 2/' %s > %t
// RUN: not simplex-compile %t --chip=sm_90 --emit=ptx -o %t.ptx 2>&1 | FileCheck %s --check-prefix=WARPS
// WARPS: error: schedule: at most 32 warps fit a block, found 64

// RUN: sed 's/SCHEDULE/rows = 64, keys = 64, splits = 3, warps = 8, stages = 2, wgmma = true/' %s > %t
// RUN: not simplex-compile %t --chip=sm_90a --emit=ptx -o %t.ptx 2>&1 | FileCheck %s --check-prefix=SPLITS
// SPLITS: error: schedule: 8 warps cannot be dealt to 3 splits

// RUN: sed 's/SCHEDULE/rows = 64, keys = 24, warps = 4, stages = 2, wgmma = true/' %s > %t
// RUN: not simplex-compile %t --chip=sm_90a --emit=ptx -o %t.ptx 2>&1 | FileCheck %s --check-prefix=KEYS
// KEYS: error: schedule: keys must be a multiple of 16, found 24

// RUN: sed 's/SCHEDULE/rows = 5000, keys = 16/' %s > %t
// RUN: not simplex-compile %t --chip=sm_90a --emit=ptx -o %t.ptx 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: error: schedule: 'rows' must be from 1 to 4096, found 5000

// An artifact for several chips holds one that every chip takes; the one that does not is named by its limit.
// RUN: sed 's/SCHEDULE/rows = 64, keys = 128, warps = 4, stages = 2/' %s > %t
// RUN: not simplex-compile %t --chip=sm_90,sm_89 -o %t.simplex 2>&1 | FileCheck %s --check-prefix=SHARED

// Random ones compile, or break a limit by name.
// RUN: %python %S/Inputs/force-schedules.py simplex-compile --seed 1 --count 20 --scratch %t.random.mlir | FileCheck %s --check-prefix=RANDOM
// RANDOM: 20 schedules, 0 unexpected
func.func @attend(%q: tensor<1x64x64x128xbf16>, %k: tensor<1x64x1x128xbf16>) -> tensor<1x64x64x128xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form multilinear windows [16, 128] {schedule = #simplex.schedule<SCHEDULE>}
      : (tensor<1x64x64x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>, tensor<1x64x1x128xbf16>,
         tensor<1x64x1x128xbf16>) -> (tensor<1x64x64x128xbf16>, tensor<1x64x64xf32>)
  return %out : tensor<1x64x64x128xbf16>
}
