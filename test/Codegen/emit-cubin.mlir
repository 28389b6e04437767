// REQUIRES: ptxas
// RUN: simplex-opt %s --simplex-emit-nvptx="chip=sm_90a emit=cubin" | FileCheck %s
// RUN: not simplex-opt %s --simplex-emit-nvptx="emit=cubin ptxas=%t.none" 2>&1 | FileCheck %s --check-prefix=MISSING

// What ptxas reports comes along; shared memory is static.
// CHECK: gpu.binary @kernels
// CHECK-SAME: chip = "sm_90a"
// CHECK-SAME: #gpu.kernel_metadata<"copy"
// CHECK-SAME: registers = {{[1-9][0-9]*}} : i64, shared_memory = 512 : i64, spill_loads = 0 : i64, spill_stores = 0 : i64
// CHECK-SAME: bin = "\7FELF

// MISSING: emit-cubin.mlir:[[#@LINE+1]]:1: error: ptxas: '{{.*}}.none' is not executable
gpu.module @kernels {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<128 x f32>
  llvm.func @copy(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %slot = llvm.getelementptr %tile[0, %tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, !llvm.array<128 x f32>
    %x = llvm.load %in : !llvm.ptr<1> -> f32
    llvm.store %x, %slot : f32, !llvm.ptr<3>
    nvvm.barrier0
    %tile0 = llvm.getelementptr %tile[0, 5] : (!llvm.ptr<3>) -> !llvm.ptr<3>, !llvm.array<128 x f32>
    %y = llvm.load %tile0 : !llvm.ptr<3> -> f32
    llvm.store %y, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}
