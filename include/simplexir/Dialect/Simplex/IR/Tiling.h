//===- Tiling.h - Tiles of simplex.attention --------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_DIALECT_SIMPLEX_IR_TILING_H
#define SIMPLEXIR_DIALECT_SIMPLEX_IR_TILING_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace simplexir {
/// Lets upstream's tiling and fusion cut simplex.attention on tensors into
/// tiles over (batch, key head, query).
void registerTilingInterfaceExternalModels(mlir::DialectRegistry &registry);
} // namespace simplexir

#endif // SIMPLEXIR_DIALECT_SIMPLEX_IR_TILING_H
