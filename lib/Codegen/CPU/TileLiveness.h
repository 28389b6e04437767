//===- TileLiveness.h - Where tile values are live ------------ -*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_CPU_TILELIVENESS_H
#define SIMPLEXIR_LIB_CODEGEN_CPU_TILELIVENESS_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace simplexir {

/// Closed intervals of program points at which a tile holds its value. An
/// operation reads at its first point and writes at its last.
struct LiveRange {
  int64_t begin, end;
};
using LiveRanges = llvm::SmallVector<LiveRange, 4>;

/// Exact for structured control flow: a value used in one branch of scf.if is
/// dead in the other; one used inside a loop lives to the loop's end.
class TileLiveness {
public:
  explicit TileLiveness(mlir::func::FuncOp function);

  LiveRanges compute(mlir::Value value) const;

  /// True if the ranges meet, or come within `slack` points.
  static bool overlap(const LiveRanges &a, const LiveRanges &b, int64_t slack);

private:
  void number(mlir::Block &block);
  void cover(mlir::Value value, mlir::Block *block, int64_t from,
             LiveRanges &ranges) const;

  int64_t next = 0;
  llvm::DenseMap<mlir::Operation *, LiveRange> operations;
  llvm::DenseMap<mlir::Block *, LiveRange> blocks;
};

/// True for an operation whose result may be written over this operand (of
/// the same type) while it runs.
bool isElementwise(mlir::OpOperand &operand);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_CPU_TILELIVENESS_H
