//===- TensorCopies.h - What tensor maps can bring ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_HOPPER_TENSORCOPIES_H
#define SIMPLEXIR_LIB_CODEGEN_HOPPER_TENSORCOPIES_H

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
/// Are the rows one after the other, of an argument of the kernel, and go to
/// boxes that have the layout of a map? Are the bounds known at `place`?
bool isTensorCopy(CopyOp copy, mlir::Operation *place);

/// An i1: may maps bring what `copies` do? Maps say zero outside of an operand,
/// copies also outside of the key range, where an operand may hold anything:
/// NaN times a probability of 0 is NaN.
mlir::Value emitHasMaps(mlir::ImplicitLocOpBuilder &b,
                        llvm::ArrayRef<CopyOp> copies);

/// Does a role of the kernel copy (--simplex-specialize-copies)?
bool hasCopyRole(mlir::func::FuncOp kernel);

/// The remark: do tensor copies bring the kernel's tiles?
void reportMaps(mlir::func::FuncOp kernel, bool found);
} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_HOPPER_TENSORCOPIES_H
