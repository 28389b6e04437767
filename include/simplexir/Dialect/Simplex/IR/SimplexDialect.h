//===- SimplexDialect.h - The simplex dialect -------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_DIALECT_SIMPLEX_IR_SIMPLEXDIALECT_H
#define SIMPLEXIR_DIALECT_SIMPLEX_IR_SIMPLEXDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

namespace simplexir {

/// One term of an n-linear form: see FormAttrInterface.
struct FormTerm {
  double coefficient;
  /// One per operand (query first); the last is 0.
  llvm::SmallVector<int64_t, 5> rotations;
};

/// One factor of a grid: ceildiv(extent, divisor).
struct GridPart {
  static GridPart constant(int64_t extent) { return {std::nullopt, extent, 1}; }
  static GridPart dim(int64_t argument, int64_t dimension,
                      int64_t divisor = 1) {
    return {argument, dimension, divisor};
  }
  bool operator==(const GridPart &other) const {
    return argument == other.argument && number == other.number &&
           divisor == other.divisor;
  }
  // NOLINTNEXTLINE(readability-identifier-naming): LLVM looks for this name.
  friend llvm::hash_code hash_value(const GridPart &part) {
    return llvm::hash_combine(part.argument, part.number, part.divisor);
  }

  /// The argument that has the extent; a constant has none.
  std::optional<int64_t> argument;
  /// Which dimension of the argument the extent is, or the constant.
  int64_t number;
  int64_t divisor;
};

/// Marks a function that computes a work item of a grid, or a share of them.
constexpr llvm::StringLiteral kKernelAttrName = "simplex.kernel";
/// How many work items a kernel has: a GridAttr.
constexpr llvm::StringLiteral kGridAttrName = "simplex.grid";
/// The schedule of a tiled kernel.
constexpr llvm::StringLiteral kScheduleAttrName = "simplex.schedule";

/// Larger windows are unlimited in effect; positions stay below 2^61 by the
/// runtime's check, so no sum of both overflows.
constexpr int64_t kMaxWindow = int64_t{1} << 61;

} // namespace simplexir

#include "simplexir/Dialect/Simplex/IR/SimplexInterfaces.h.inc"

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "simplexir/Dialect/Simplex/IR/SimplexTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "simplexir/Dialect/Simplex/IR/SimplexAttributes.h.inc"

#define GET_OP_CLASSES
#include "simplexir/Dialect/Simplex/IR/SimplexOps.h.inc"

#endif // SIMPLEXIR_DIALECT_SIMPLEX_IR_SIMPLEXDIALECT_H
