// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize | FileCheck %s

#wgmma = #simplex.schedule<rows = 128, keys = 64, warps = 8, stages = 2, wgmma = true>
#mma = #simplex.schedule<rows = 64, keys = 64, warps = 4, stages = 2>
!rows = memref<32x64xbf16, #gpu.address_space<workgroup>>
!out = memref<?x?x8x64xf32, strided<[?, ?, ?, 1], offset: ?>>

// Beside warpgroup products the second half of a row is read when the first half has been folded.
// CHECK-LABEL: gpu.func @late
// CHECK: nvgpu.ldmatrix {{.*}} vector<4x2xbf16>
// CHECK-NOT: nvgpu.ldmatrix
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
// CHECK: nvvm.bar.warp.sync
// CHECK-NEXT: nvgpu.ldmatrix {{.*}} vector<4x2xbf16>
// CHECK-NOT: nvgpu.ldmatrix
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
// CHECK: gpu.return
func.func private @late(%o: !out, %i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #wgmma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<128x64xf32>
  %product = simplex.fill 3.0 : !simplex.tile<128x64xf32>
  %row = simplex.load_row %rows[%i] : !rows -> !simplex.tile<1x64xbf16>
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<128x64xf32>, !simplex.tile<128x64xf32>, !simplex.tile<1x64xbf16>
  simplex.store %sum, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<128x64xf32>, !out
  return
}

// Not past a barrier, behind which the row may be another one.
// CHECK-LABEL: gpu.func @barrier
// CHECK-COUNT-2: nvgpu.ldmatrix
// CHECK: gpu.barrier
// CHECK-NOT: nvvm.bar.warp.sync
// CHECK: gpu.return
func.func private @barrier(%o: !out, %i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #wgmma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<128x64xf32>
  %product = simplex.fill 3.0 : !simplex.tile<128x64xf32>
  %row = simplex.load_row %rows[%i] : !rows -> !simplex.tile<1x64xbf16>
  gpu.barrier
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<128x64xf32>, !simplex.tile<128x64xf32>, !simplex.tile<1x64xbf16>
  simplex.store %sum, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<128x64xf32>, !out
  return
}

// Other kernels have registers enough.
// CHECK-LABEL: gpu.func @early
// CHECK-COUNT-2: nvgpu.ldmatrix
// CHECK-NOT: nvvm.bar.warp.sync
// CHECK: gpu.return
func.func private @early(%o: !out, %i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #mma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<64x64xf32>
  %product = simplex.fill 3.0 : !simplex.tile<64x64xf32>
  %row = simplex.load_row %rows[%i] : !rows -> !simplex.tile<1x64xbf16>
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<64x64xf32>, !simplex.tile<64x64xf32>, !simplex.tile<1x64xbf16>
  simplex.store %sum, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<64x64xf32>, !out
  return
}
