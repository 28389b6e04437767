// A fatal error inside LLVM: sm_80 has no bulk tensor copies to select.
// RUN: not simplex-opt %s --simplex-emit-nvptx="chip=sm_80" 2>&1 | FileCheck %s
// RUN: sh -c 'simplex-opt %s --simplex-emit-nvptx=chip=sm_80 2> /dev/null; test $? = 70'

// CHECK: internal compiler error: Cannot select
// CHECK: a reproducer is in '{{.*}}simplexir-crash{{.*}}.mlir'
gpu.module @kernels {
  llvm.func @f(%s: !llvm.ptr<3>, %map: !llvm.ptr, %bar: !llvm.ptr<3>, %x: i32) attributes {gpu.kernel, nvvm.kernel} {
    nvvm.cp.async.bulk.tensor.shared.cluster.global %s, %map, %bar, box[%x, %x] {isCTAOnly = true} : !llvm.ptr<3>, !llvm.ptr
    llvm.return
  }
}
