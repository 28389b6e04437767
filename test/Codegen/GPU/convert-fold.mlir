// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize -o %t
// RUN: FileCheck %s --input-file=%t
// RUN: FileCheck %s --input-file=%t --check-prefix=SYNC

#wgmma = #simplex.schedule<rows = 128, keys = 64, warps = 8, stages = 2, wgmma = true>
!rows = memref<32x128xbf16, #gpu.address_space<workgroup>>
!out = memref<?x?x8x128xf32, strided<[?, ?, ?, 1], offset: ?>>

// The second half of a row is read when four fragments of the first half have been folded.
// CHECK-LABEL: gpu.func @late
// CHECK-COUNT-2: nvgpu.ldmatrix {{.*}} vector<4x2xbf16>
// CHECK-NOT: nvgpu.ldmatrix
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
// CHECK: nvvm.bar.warp.sync
// CHECK-COUNT-2: nvgpu.ldmatrix {{.*}} vector<4x2xbf16>
// CHECK-NOT: nvgpu.ldmatrix
// CHECK-COUNT-24: math.fma
// CHECK-NOT: math.fma
// CHECK: gpu.return
func.func private @late(%o: !out, %i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #wgmma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<128x128xf32>
  %product = simplex.fill 3.0 : !simplex.tile<128x128xf32>
  %row = simplex.load_row %rows[%i] {simplex.read_late} : !rows -> !simplex.tile<1x128xbf16>
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<128x128xf32>, !simplex.tile<128x128xf32>, !simplex.tile<1x128xbf16>
  simplex.store %sum, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<128x128xf32>, !out
  return
}

// Not past a barrier, behind which the row may be another one; not for two folds; not where nobody asks for it.
// SYNC-COUNT-1: nvvm.bar.warp.sync
// SYNC-NOT: nvvm.bar.warp.sync
func.func private @barrier(%o: !out, %i: index, %any: i1) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #wgmma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<128x128xf32>
  %product = simplex.fill 3.0 : !simplex.tile<128x128xf32>
  %row = simplex.load_row %rows[%i] {simplex.read_late} : !rows -> !simplex.tile<1x128xbf16>
  scf.if %any {
    gpu.barrier
  }
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<128x128xf32>, !simplex.tile<128x128xf32>, !simplex.tile<1x128xbf16>
  simplex.store %sum, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<128x128xf32>, !out
  return
}

func.func private @twice(%o: !out, %i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #wgmma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<128x128xf32>
  %product = simplex.fill 3.0 : !simplex.tile<128x128xf32>
  %row = simplex.load_row %rows[%i] {simplex.read_late} : !rows -> !simplex.tile<1x128xbf16>
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<128x128xf32>, !simplex.tile<128x128xf32>, !simplex.tile<1x128xbf16>
  %both = simplex.fold %sum, %product values(%row) biases [0.0]
      : !simplex.tile<128x128xf32>, !simplex.tile<128x128xf32>, !simplex.tile<1x128xbf16>
  simplex.store %both, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<128x128xf32>, !out
  return
}

func.func private @early(%o: !out, %i: index) attributes {simplex.kernel, simplex.grid = #simplex.grid<1>, simplex.schedule = #wgmma} {
  %rows = memref.alloc() : !rows
  %acc = simplex.fill 2.0 : !simplex.tile<128x128xf32>
  %product = simplex.fill 3.0 : !simplex.tile<128x128xf32>
  %row = simplex.load_row %rows[%i] : !rows -> !simplex.tile<1x128xbf16>
  %sum = simplex.fold %acc, %product values(%row) biases [0.0]
      : !simplex.tile<128x128xf32>, !simplex.tile<128x128xf32>, !simplex.tile<1x128xbf16>
  simplex.store %sum, %o[%i, %i, %i] valid(%i, %i, %i) heads 8 : !simplex.tile<128x128xf32>, !out
  return
}
