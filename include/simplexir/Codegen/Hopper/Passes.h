//===- Passes.h - Schedules for warpgroup products --------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_HOPPER_PASSES_H
#define SIMPLEXIR_CODEGEN_HOPPER_PASSES_H

#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace simplexir {

/// Does the kernel's schedule ask for warpgroup products?
bool usesWarpgroups(mlir::func::FuncOp kernel);

/// Was the loop rotated (--simplex-rotate-keys, --simplex-rotate-tiles)? Then
/// it carries probabilities of 16 bits, of this type; null otherwise.
mlir::Type getCarriedProbabilities(mlir::scf::ForOp loop);

/// Marks the `scf.if` around what is done for the second tile of a pair
/// (--simplex-pair-tiles).
constexpr llvm::StringLiteral kSecondTileAttrName = "simplex.second_tile";

inline bool isSecondTile(mlir::Operation *op) {
  return op->hasAttr(kSecondTileAttrName);
}

#define GEN_PASS_DECL
#include "simplexir/Codegen/Hopper/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Codegen/Hopper/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_HOPPER_PASSES_H
