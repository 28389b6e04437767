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

#endif // SIMPLEXIR_CODEGEN_PASSES_TD
