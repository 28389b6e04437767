//===- Pipeline.h - From tiles to the LLVM dialect ------------ -*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_CPU_PIPELINE_H
#define SIMPLEXIR_CODEGEN_CPU_PIPELINE_H

#include <cstdint>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace simplexir {

/// How far a pipeline goes.
enum class CPUStage { Vector, LLVM };

struct CPUKernelOptions {
  /// Of the chip: see HostTarget.h.
  int64_t vectorBytes = 32;
  int64_t registers = 16;
  /// The chip converts f16 (F16C): from x86-64-v3 on.
  bool hasHalf = true;
  /// The chip multiplies pairs of bf16 numbers, and rounds to bf16.
  bool hasDotBF16 = false;
  CPUStage stage = CPUStage::LLVM;
};

/// Lowers a module of kernel functions, tiled and with tiles of the
/// accumulator type, to grid functions in the LLVM dialect. The module holds
/// no `simplex.launch`: a kernel's arguments change.
void buildCPUKernelPipeline(mlir::OpPassManager &manager,
                            const CPUKernelOptions &options = {});

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_CPU_PIPELINE_H
