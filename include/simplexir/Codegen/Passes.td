//===- Passes.td - Passes of code generation ---------------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_PASSES_TD
#define SIMPLEXIR_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitNVPTX : Pass<"simplex-emit-nvptx", "::mlir::ModuleOp"> {
  let summary = "Compile each gpu.module to PTX or a cubin";
  let description = [{
    Replaces every `gpu.module` (in the LLVM and NVVM dialects) by a
    `gpu.binary` of the same name that holds its PTX or cubin. A cubin's kernel
    table says what ptxas reports of each kernel: registers, spills, shared
    memory. ptxas is looked for in PATH and CUDA_HOME.

    ```mlir
    gpu.module @kernels { llvm.func @f() attributes {nvvm.kernel} { ... } }
    // ==>
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90a">, assembly = "...">]
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "The GPU to compile for">,
    Option<"emit", "emit", "std::string", "\"ptx\"", "ptx or cubin">,
    Option<"ptxas", "ptxas", "std::string", "\"\"", "The path of ptxas">,
  ];
}

def LowerLaunch : Pass<"simplex-lower-launch", "::mlir::ModuleOp"> {
  let summary = "Turn simplex.launch into calls of the runtime";
  let description = [{
    Every function that is defined and is no kernel gets one more argument, a
    pointer to the call's context, which calls between functions pass on. Public ones get a C interface
    (`_mlir_ciface_NAME`).

    ```c
    struct SimplexirHostContext {
      int32_t status; // in: 0; out: the first error's SimplexirStatus
      int32_t target; // 0 is the CPU, 1 the GPU
      void *stream;   // GPU: the stream to launch on
    };
    ```

    A launch stores its operands as 64-bit words (docs/artifact.md) and calls
    `simplexirHostLaunch`, unless an earlier launch has failed. Kernels are
    erased: their code is in the artifact, the bytes of the module's attribute
    `simplex.artifact`, which become a constant. Without that attribute the
    module refers to `simplexir_artifact` and `simplexir_artifact_size`, to be
    defined elsewhere.

    ```mlir
    simplex.launch @kernel(%m, %i) : memref<?xf32>, index
    // ==>
    %status = llvm.load %context : !llvm.ptr -> i32
    scf.if (%status == 0) {
      llvm.store %pointer, %words[0] ...
      %s = llvm.call @simplexirHostLaunch(%artifact, %size, %name, %words, %n, %target, %stream)
      llvm.store %s, %context }
    ```
  }];
  let options = [Option<"keepKernels", "keep-kernels", "bool", "false",
                        "Leave the kernel functions in the module">];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

#endif // SIMPLEXIR_CODEGEN_PASSES_TD
