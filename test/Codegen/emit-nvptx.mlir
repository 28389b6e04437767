// RUN: simplex-opt %s --simplex-emit-nvptx="chip=sm_80 emit=ptx" | FileCheck %s
// RUN: simplex-opt %s --simplex-emit-nvptx="chip=sm_90a" | FileCheck %s --check-prefix=HOPPER

// CHECK: gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80", features = "+ptx70">, assembly =
// CHECK-SAME: .version 7.0
// CHECK-SAME: .target sm_80
// CHECK-SAME: .visible .entry multiply(
// CHECK-SAME: ex2.approx.ftz.f32
// CHECK-SAME: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// HOPPER: .version 8.6
// HOPPER-SAME: .target sm_90a
gpu.module @kernels {
  llvm.func @multiply(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %a = llvm.load %in : !llvm.ptr<1> -> i32
    %x = llvm.load %out : !llvm.ptr<1> -> f32
    %e = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"(%x) : (f32) -> f32
    %d = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%e, %e, %e, %e]
        {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
         multiplicandAPtxType = #nvvm.mma_type<bf16>,
         multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>}
        : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %r = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
    llvm.store %r, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}

// A function of the module is inlined.
// CHECK: gpu.binary @calls
// CHECK-NOT: twice
// CHECK-SAME: .visible .entry caller(
// CHECK-NOT: twice
gpu.module @calls {
  llvm.func internal @twice(%x: f32) -> f32 {
    %y = llvm.fadd %x, %x : f32
    llvm.return %y : f32
  }
  llvm.func @caller(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = llvm.load %out : !llvm.ptr<1> -> f32
    %y = llvm.call @twice(%x) : (f32) -> f32
    llvm.store %y, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}

// Inline assembly without side effects is arithmetic, done once, and not if nobody asks; other assembly is done as
// often as it says.
// CHECK: gpu.binary @assembly
// CHECK-NOT: clz.b32
// CHECK-SAME: mul.hi.s32
// CHECK-SAME: nanosleep.u32 1;
// CHECK-NOT: mul.hi.s32
// CHECK-SAME: nanosleep.u32 1;
// CHECK-NOT: {{mul.hi.s32|clz.b32}}
gpu.module @assembly {
  llvm.func @products(%x: i32, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %a = llvm.inline_asm "mul.hi.s32 $0, $1, $1;", "=r,r" %x : (i32) -> i32
    llvm.inline_asm has_side_effects "nanosleep.u32 1;", "" : () -> ()
    %b = llvm.inline_asm "mul.hi.s32 $0, $1, $1;", "=r,r" %x : (i32) -> i32
    llvm.inline_asm has_side_effects "nanosleep.u32 1;", "" : () -> ()
    %dropped = llvm.inline_asm "clz.b32 $0, $1;", "=r,r" %x : (i32) -> i32
    %sum = llvm.add %a, %b : i32
    llvm.store %sum, %out : i32, !llvm.ptr<1>
    llvm.return
  }
}

// One that nobody calls is not in the PTX, nor is what it calls asked for.
// CHECK: gpu.binary @unused
// CHECK-NOT: nobody
// CHECK-SAME: .visible .entry lonely(
// CHECK-NOT: nobody
gpu.module @unused {
  llvm.func @nowhere(f32) -> f32
  llvm.func internal @nobody(%x: f32) -> f32 {
    %y = llvm.call @nowhere(%x) : (f32) -> f32
    llvm.return %y : f32
  }
  llvm.func @lonely(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store %x, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}
