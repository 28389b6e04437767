// RUN: simplex-opt %s --simplex-pass-maps-by-value | FileCheck %s

gpu.module @kernels {
  // One map, after the parameter that says if there is one.
  // CHECK: llvm.func @mapped(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant})
  llvm.func @mapped(%data: !llvm.ptr, %has_maps: i64, %map: !llvm.ptr)
      attributes {gpu.kernel, nvvm.kernel, simplex.maps = array<i64: 0, 64, 128>} {
    llvm.return
  }
  // CHECK: llvm.func @plain(%{{.*}}: !llvm.ptr) attributes
  llvm.func @plain(%data: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
