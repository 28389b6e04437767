// REQUIRES: ptxas
// ptxas runs the products asynchronously: none of its messages C7510 to C7518.
//
// RUN: simplex-compile %S/../../Transforms/Inputs/trilinear.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s
// RUN: sed -e 's/x8x64x/x64x128x/g' -e 's/x1x64x/x1x128x/g' -e 's/x8x?x/x64x?x/g' %S/../../Transforms/Inputs/trilinear.mlir > %t.mlir
// RUN: simplex-compile %t.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s
// RUN: sed 's/windows .128, 16./& value_biases [0.0, 1.0]/' %t.mlir > %t.bias.mlir
// RUN: simplex-compile %t.bias.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s
// Warps that copy give registers to those that multiply.
// RUN: sed -e 's/x1x64xbf16/x8x128xbf16/g' -e 's/x8x64xbf16/x8x128xbf16/g' %S/../../Transforms/Inputs/dot-product.mlir > %t.mlir
// RUN: simplex-compile %t.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s --check-prefixes=CHECK,ROLES,ONE
// RUN: FileCheck %s --check-prefix=MAPS --input-file=%t.ptx
// Nor do blocks that take several work items spill.
// RUN: sed 's/windows .0./windows [512]/' %t.mlir > %t.window.mlir
// RUN: simplex-compile %t.window.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s --check-prefixes=CHECK,ROLES,ONE
// Skewed: four tiles of 128 for two queries, in place of five of 112.
// RUN: sed -e 's/x8x64x/x64x128x/g' -e 's/x1x64x/x1x128x/g' -e 's/x8x?x/x64x?x/g' -e 's/windows .0./windows [512]/' \
// RUN:   %S/../../Transforms/Inputs/dot-product.mlir > %t.skew.mlir
// RUN: simplex-compile %t.skew.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s --check-prefixes=CHECK,ROLES,ONE
// With a second outer key a few registers are spilled, less than 64, and none in the loop (scripts/check-sass).
// RUN: sed -e 's/x64x64x/x64x128x/g' -e 's/x1x64x/x1x128x/g' %S/../../Transforms/Inputs/quadrilinear.mlir > %t.four.mlir
// RUN: simplex-compile %t.four.mlir --chip=sm_90a --emit=ptx -o %t.ptx
// RUN: %ptxas -v -arch=sm_90a %t.ptx -o %t.cubin 2>&1 | FileCheck %s --check-prefixes=CHECK,FOUR
// Tensor maps lie in the parameters, and are read there.
// MAPS: .param .u64 attend_kernel_param_53,
// MAPS-NEXT: .param .align 64 .b8 attend_kernel_param_54[128],
// MAPS-NEXT: .param .align 64 .b8 attend_kernel_param_55[128]
// MAPS-NOT: .local
// MAPS: elect.sync
// MAPS: mbarrier.arrive.expect_tx
// MAPS: cp.async.bulk.tensor.4d
// ROLES-NOT: setmaxnreg
// CHECK-NOT: C75
// CHECK: Compiling entry function 'attend_kernel' for 'sm_90a'
// ONE: stack frame, 0 bytes spill stores
// FOUR: stack frame, {{[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]}} bytes spill stores
// What they give and take is what all begin with: 12 warps * 168 = 4 * 40 + 8 * 232.
// ROLES: Used 168 registers
// CHECK-NOT: C75
