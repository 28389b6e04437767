//===- Optimize.h - The passes of LLVM that a kernel needs -----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_NVPTX_OPTIMIZE_H
#define SIMPLEXIR_LIB_CODEGEN_NVPTX_OPTIMIZE_H

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace simplexir {

/// Optimizes the kernels of a module for a GPU.
void optimizeKernels(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_NVPTX_OPTIMIZE_H
