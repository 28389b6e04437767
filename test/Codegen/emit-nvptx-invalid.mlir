// RUN: not simplex-opt %s --simplex-emit-nvptx="chip=sm_42" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not simplex-opt %s --simplex-emit-nvptx="emit=fatbin" 2>&1 | FileCheck %s --check-prefix=EMIT
// RUN: not simplex-opt %s --simplex-emit-nvptx 2>&1 | FileCheck %s --check-prefix=CALL

// CHIP: error: unknown chip 'sm_42'; known chips: sm_80, {{.*}}sm_90a, {{.*}}x86-64-v4, x86-64-v4-bf16, native
// EMIT: error: simplex-emit-nvptx: emit is 'fatbin', not ptx or cubin
// CALL: error: the kernel calls '__nv_expf', which is defined nowhere
gpu.module @kernels {
  llvm.func @__nv_expf(f32) -> f32
  llvm.func @f(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = llvm.load %out : !llvm.ptr<1> -> f32
    %y = llvm.call @__nv_expf(%x) : (f32) -> f32
    llvm.store %y, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}
