// RUN: simplex-opt %s --simplex-cpu-pipeline="chip=x86-64-v3 emit=mlir" | FileCheck %s --check-prefix=VECTOR
// RUN: simplex-opt %s --simplex-cpu-pipeline="chip=x86-64-v3" | FileCheck %s --check-prefix=CPU
// RUN: simplex-opt %s --simplex-cpu-pipeline="chip=x86-64-v4-bf16" | FileCheck %s --check-prefix=DOT
// RUN: simplex-opt %s --simplex-cpu-pipeline="chip=x86-64-v4" | FileCheck %s --check-prefix=WIDE
// RUN: simplex-opt %s --simplex-nvptx-pipeline="chip=sm_90 emit=mlir" | FileCheck %s --check-prefix=GPU
// RUN: simplex-opt %s --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s --check-prefix=HOPPER
// RUN: simplex-opt %s --simplex-nvptx-pipeline="chip=sm_80 emit=llvm" | FileCheck %s --check-prefix=NVVM
// RUN: simplex-opt %s --simplex-nvptx-pipeline="chip=sm_80 emit=ptx" | FileCheck %s --check-prefix=PTX
// RUN: not simplex-opt %s --simplex-nvptx-pipeline="chip=sm_12" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not simplex-opt %s --simplex-nvptx-pipeline="emit=sass" 2>&1 | FileCheck %s --check-prefix=EMIT
// RUN: not simplex-opt %s --simplex-cpu-pipeline="chip=arm" 2>&1 | FileCheck %s --check-prefix=CPUCHIP

// VECTOR: func.func private @dot_kernel
// VECTOR: vector<8xf32>
// VECTOR: func.func @dot(

// CPU-DAG: llvm.func @simplexirHostLaunch(
// CPU-DAG: llvm.mlir.global external constant @simplexir_artifact()
// CPU: llvm.func @dot_kernel(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
// CPU: llvm.func @dot(
// CPU: llvm.call @simplexirHostLaunch
// CPU: llvm.func @_mlir_ciface_dot(
// CPU-NOT: unrealized_conversion_cast

// bf16 products where the chip has them: both of them, and nowhere else.
// DOT: llvm.func @dot_kernel
// DOT: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"({{.*}}) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
// DOT: llvm.fptrunc {{.*}} : vector<16xf32> to vector<16xbf16>
// DOT: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// DOT: llvm.func @dot(
// WIDE-NOT: dpbf16ps

// GPU: gpu.module @dot_kernel
// GPU: gpu.func @dot_kernel
// GPU: mma.sync

// HOPPER: gpu.func @dot_kernel
// HOPPER-NOT: nvvm.mma.sync
// HOPPER: wgmma.mma_async

// NVVM: gpu.module @dot_kernel
// NVVM: llvm.func @dot_kernel
// NVVM: nvvm.mma.sync
// NVVM-NOT: unrealized_conversion_cast

// PTX: gpu.binary @dot_kernel
// PTX-SAME: .entry dot_kernel(
// PTX-SAME: mma.sync

// CHIP: error: unknown chip 'sm_12'; known chips: sm_80,
// EMIT: error: emit is 'sass', expected mlir, llvm, ptx or cubin
// CPUCHIP: error: unknown CPU 'arm', expected x86-64-v2, x86-64-v3, x86-64-v4, x86-64-v4-bf16 or native
func.func @dot(%q: tensor<1x?x8x64xbf16>, %k: tensor<1x?x2x64xbf16>, %v: tensor<1x?x2x64xbf16>)
    -> (tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%v) form multilinear windows [0]
      : (tensor<1x?x8x64xbf16>, tensor<1x?x2x64xbf16>, tensor<1x?x2x64xbf16>)
      -> (tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>)
  return %out, %lse : tensor<1x?x8x64xbf16>, tensor<1x8x?xf32>
}
