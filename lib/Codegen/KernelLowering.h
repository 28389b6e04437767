//===- KernelLowering.h - A module's kernels for one chip -------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_KERNELLOWERING_H
#define SIMPLEXIR_LIB_CODEGEN_KERNELLOWERING_H

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Pipelines.h"

namespace simplexir {

/// Where to report what concerns all kernels: the first one.
mlir::Location getKernelLoc(mlir::ModuleOp module);

/// A module of its own with copies of the kernels, lowered for a chip; null
/// after an error. Says into `tiles`, if not null, how each was cut.
mlir::OwningOpRef<mlir::ModuleOp> lowerKernels(mlir::ModuleOp module,
                                               llvm::StringRef chip,
                                               KernelStage stage,
                                               std::vector<KernelTiles> *tiles);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_KERNELLOWERING_H
