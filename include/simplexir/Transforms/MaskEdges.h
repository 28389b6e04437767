//===- MaskEdges.h - Where a mask changes its tile --------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TRANSFORMS_MASKEDGES_H
#define SIMPLEXIR_TRANSFORMS_MASKEDGES_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {

/// Neighbouring queries that share the mask's tile.
int64_t getQueries(MaskOp op);

/// Of these, those whose windows' union is visited: with a skew, the ones of
/// one group of rows.
int64_t getQueriesTogether(MaskOp op);

/// An i1: may the mask change its tile?
mlir::Value emitMaskEdge(mlir::ImplicitLocOpBuilder &b, MaskOp op);

/// An i1: may it do so if every row may use the outer keys?
mlir::Value emitColumnEdge(mlir::ImplicitLocOpBuilder &b, MaskOp op);

} // namespace simplexir

#endif // SIMPLEXIR_TRANSFORMS_MASKEDGES_H
