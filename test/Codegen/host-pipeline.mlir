// RUN: split-file %s %t
// RUN: simplex-opt %t/mixed.mlir --simplex-host-pipeline="chips=x86-64-v3" | FileCheck %s --check-prefix=CPU
// RUN: simplex-opt %t/mixed.mlir --simplex-host-pipeline="target=gpu chips=sm_80" | FileCheck %s --check-prefix=GPU
// RUN: simplex-opt %t/launch.mlir --simplex-host-pipeline="target=gpu chips=sm_80" | FileCheck %s --check-prefix=LAUNCH
// RUN: not simplex-opt %t/read.mlir --simplex-host-pipeline="target=gpu chips=sm_80" 2>&1 | FileCheck %s --check-prefix=READ
// RUN: not simplex-opt %t/constant.mlir --simplex-host-pipeline="target=gpu chips=sm_80" 2>&1 | FileCheck %s --check-prefix=CONSTANT
// RUN: not simplex-opt %t/token.mlir --simplex-lower-launch --simplex-launch-on-stream 2>&1 | FileCheck %s --check-prefix=TOKEN
// RUN: not simplex-opt %t/launch.mlir --simplex-launch-on-stream 2>&1 | FileCheck %s --check-prefix=CONTEXT
// RUN: not simplex-opt %t/math.mlir --simplex-host-pipeline="target=gpu chips=sm_80" 2>&1 | FileCheck %s --check-prefix=MATH
// RUN: not simplex-opt %t/mixed.mlir --simplex-host-pipeline="target=tpu" 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not simplex-opt %t/mixed.mlir --simplex-host-pipeline="target=gpu" 2>&1 | FileCheck %s --check-prefix=NOCHIP
// RUN: not simplex-opt %t/mixed.mlir --simplex-host-pipeline="target=gpu chips=native" 2>&1 | FileCheck %s --check-prefix=NOGPU
// RUN: not simplex-opt %t/mixed.mlir --simplex-host-pipeline="chips=sm_12" 2>&1 | FileCheck %s --check-prefix=CHIP

// The kernel is in the constant; nothing else is left of it.
// CPU-DAG: llvm.mlir.global internal constant @simplexir_artifact("{{.*}}x86-64-v3
// CPU-DAG: llvm.func @simplexirHostLaunch(
// CPU-NOT: llvm.func @mixed_kernel(
// CPU: llvm.func @mixed(
// CPU-COUNT-2: llvm.call @simplexirHostLaunch
// CPU: llvm.intr.exp
// CPU-NOT: unrealized_conversion_cast

// Attentions go through the runtime. The rest is kernels of their own, on the
// stream of the call: nothing waits, and the first error is the call's.
// GPU-DAG: llvm.mlir.global internal constant @simplexir_artifact("
// GPU-DAG: llvm.func @simplexirMgpuTakeError(!llvm.ptr) -> i32
// GPU: llvm.func @mixed(
// GPU: %[[STREAM:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// GPU: gpu.launch_func <%[[STREAM]] : !llvm.ptr> @{{[a-z_0-9]+}}::@
// GPU: llvm.call @simplexirHostLaunch
// GPU: llvm.call @simplexirHostLaunch
// GPU: gpu.launch_func <%{{.*}} : !llvm.ptr> @{{[a-z_0-9]+}}::@
// GPU-NOT: mgpuStreamCreate
// GPU-NOT: mgpuStreamSynchronize
// GPU: llvm.call @simplexirMgpuTakeError
// GPU: gpu.binary @mixed_kernel [#gpu.object<#nvvm.target<chip = "sm_80"
// GPU-NOT: unrealized_conversion_cast

// A kernel that the module came with, and a copy, after which the host waits.
// LAUNCH-DAG: gpu.binary @mine
// LAUNCH: llvm.func @launch(
// LAUNCH: gpu.launch_func <%{{.*}} : !llvm.ptr> @mine::@twice
// LAUNCH: llvm.call @mgpuMemcpy(
// LAUNCH: llvm.call @mgpuStreamSynchronize(

// READ: read.mlir:2:8: error: runs on the host, and cannot use the GPU's memory
// CONSTANT: error: runs on the host, and cannot use the GPU's memory
// TOKEN: token.mlir:2:8: error: has a stream of its own, which no launch of an attention waits for; leave out tokens and gpu.wait: operations run in their order
// CONTEXT: launch.mlir:11:3: error: has no call context as its last argument; --simplex-lower-launch adds it
// MATH: error: 'math.exp' op of 'f64' has no code on a GPU
// TARGET: error: target is 'tpu', expected cpu or gpu
// NOCHIP: error: no chip; name a GPU, as in chips=sm_90a; known chips: sm_80,
// NOGPU: error: target is gpu, but none of the chips is one; known chips: sm_80,
// CHIP: error: unknown chip 'sm_12'; known chips: sm_80,

//--- mixed.mlir
func.func @mixed(%x: tensor<1x?x2x16xf32>, %k: tensor<1x?x1x16xf32>) -> tensor<1x?x2x16xf32> {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<1x?x2x16xf32>
  %sum = arith.addf %x, %x : tensor<1x?x2x16xf32>
  %a, %l = simplex.attention query(%sum) keys(%k) values(%k) form multilinear windows [8]
      : (tensor<1x?x2x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>)
      -> (tensor<1x?x2x16xf32>, tensor<1x2x?xf32>)
  %b, %m = simplex.attention query(%a) keys(%k, %k) values(%k, %k) form determinant windows [8, 4]
      : (tensor<1x?x2x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>)
      -> (tensor<1x?x2x16xf32>, tensor<1x2x?xf32>)
  %e = tensor.empty(%length) : tensor<1x?x2x16xf32>
  %y = linalg.exp ins(%b : tensor<1x?x2x16xf32>) outs(%e : tensor<1x?x2x16xf32>) -> tensor<1x?x2x16xf32>
  return %y : tensor<1x?x2x16xf32>
}
//--- launch.mlir
module attributes {gpu.container_module} {
  gpu.module @mine {
    gpu.func @twice(%x: memref<64xf32>) kernel {
      %i = gpu.thread_id x
      %v = memref.load %x[%i] : memref<64xf32>
      %w = arith.addf %v, %v : f32
      memref.store %w, %x[%i] : memref<64xf32>
      gpu.return
    }
  }
  func.func @launch(%x: memref<64xf32>, %y: memref<64xf32>) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    gpu.launch_func @mine::@twice blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<64xf32>)
    gpu.memcpy %y, %x : memref<64xf32>, memref<64xf32>
    return
  }
}
//--- read.mlir
func.func @read(%x: memref<4xf32>, %i: index) -> f32 {
  %v = memref.load %x[%i] : memref<4xf32>
  return %v : f32
}
//--- constant.mlir
func.func @constant(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = arith.addf %x, %c : tensor<2xf32>
  return %y : tensor<2xf32>
}
//--- token.mlir
func.func @token(%x: memref<4xf32>, %v: f32) {
  %t = gpu.wait async
  %u = gpu.memset async [%t] %x, %v : memref<4xf32>, f32
  gpu.wait [%u]
  return
}
//--- math.mlir
func.func @wide(%x: tensor<4xf64>) -> tensor<4xf64> {
  %y = math.exp %x : tensor<4xf64>
  return %y : tensor<4xf64>
}
