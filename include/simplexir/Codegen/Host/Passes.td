//===- Passes.td - Host functions and their kernels --------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_HOST_PASSES_TD
#define SIMPLEXIR_CODEGEN_HOST_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmbedKernels : Pass<"simplex-embed-kernels", "::mlir::ModuleOp"> {
  let summary = "Compile the module's kernels into its artifact";
  let description = [{
    Compiles all kernel functions for the chips, as `simplex-compile` does, and
    puts the bytes of the `.simplex` file into the module, where
    `--simplex-lower-launch` finds them. The functions stay as they are.

    ```mlir
    func.func private @kernel(%q: memref<?x?x2x8xf32, strided<[?, ?, ?, 1], offset: ?>>,
                              %out: memref<?x?x2x8xf32, strided<[?, ?, ?, 1], offset: ?>>,
                              %lse: memref<?x2x?xf32, strided<[?, ?, 1], offset: ?>>)
        attributes {simplex.kernel} {
      simplex.attention query(%q) keys(%q) values(%q) outs(%out, %lse) form multilinear windows [4]
          : (memref<?x?x2x8xf32, strided<[?, ?, ?, 1], offset: ?>>, memref<?x?x2x8xf32, strided<[?, ?, ?, 1], offset: ?>>,
             memref<?x?x2x8xf32, strided<[?, ?, ?, 1], offset: ?>>, memref<?x?x2x8xf32, strided<[?, ?, ?, 1], offset: ?>>,
             memref<?x2x?xf32, strided<[?, ?, 1], offset: ?>>) -> ()
      return
    }
    // ==>
    module attributes {simplex.artifact = "..."} { func.func private @kernel }
    ```

    Errors: an unknown chip, or what a kernel cannot do on one of them.
  }];
  let options = [
    ListOption<"chips", "chips", "std::string",
               "The chips to compile for: x86-64 levels, native, GPUs (none: native)">,
    Option<"ptxas", "ptxas", "std::string", "\"\"", "The path of ptxas">,
  ];
}

def MapHostLoops : Pass<"simplex-map-host-loops", "::mlir::func::FuncOp"> {
  let summary = "Map linear algebra and loops of host functions to a GPU";
  let description = [{
    Linear algebra on buffers and copies become parallel loops, and each
    outermost parallel loop one dimension of blocks of 256 threads, for
    upstream's `--convert-parallel-loops-to-gpu`. Functions of `math` become
    polynomials, since no library is linked into a kernel.

    ```mlir
    func.func @f(%x: memref<?x64xf32>, %y: memref<?x64xf32>) {
      linalg.exp ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>)
      return
    }
    // ==>
    scf.parallel { scf.parallel { scf.if { memref.load; memref.store } } {mapping = [thread_x]} } {mapping = [block_x]}
    ```

    Errors: a function of `math` that has no approximation here.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def LaunchOnStream : Pass<"simplex-launch-on-stream", "::mlir::ModuleOp"> {
  let summary = "Put operations of the gpu dialect on the call's stream";
  let description = [{
    After `--simplex-lower-launch`, before `--gpu-to-llvm`, which would give
    each operation a stream of its own and wait for it. They run on the stream
    of the call's context instead, in their order among the launches of
    attentions, and the host goes on; after a `gpu.memcpy` it waits. The first
    error of the mgpu functions becomes the call's status.

    ```mlir
    gpu.launch_func @kernels::@add blocks in (...) threads in (...) args(...)
    // ==>
    %stream = llvm.load %context[2] : !llvm.ptr -> !llvm.ptr
    gpu.launch_func async [%stream] @kernels::@add ...
    ```

    Errors: operations with tokens; a host operation that reads or writes a
    buffer, which is the GPU's.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::scf::SCFDialect"];
}

#endif // SIMPLEXIR_CODEGEN_HOST_PASSES_TD
