//===- Check.h - The reference, and what a run computes --------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_RUN_CHECK_H
#define SIMPLEXIR_TOOLS_SIMPLEX_RUN_CHECK_H

#include "Arrays.h"

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Reference/Attention.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

namespace simplexir::run {

/// The one attention of a function, on given inputs.
struct Problem {
  reference::AttentionSpec spec;
  reference::ElementType element = reference::ElementType::F32;
  /// Arguments of the function that are the query, keys and values.
  unsigned query = 0;
  std::vector<unsigned> keys, values;
  /// Results of the function that are out and lse, or -1.
  int out = -1, lse = -1;
  /// [B, Sq, H, D] and [B, Sk, Hk, Dv].
  std::vector<int64_t> queryShape, valueShape;
};

/// Reads a function; an error if it is not one attention on its arguments, or
/// if the inputs do not fit together.
llvm::Expected<Problem> getProblem(mlir::func::FuncOp function,
                                   llvm::ArrayRef<Value> inputs);

/// Compares results with the float64 reference and prints errors and bounds.
/// Returns whether they are within bounds.
llvm::Expected<bool> verifyResults(const Problem &problem,
                                   llvm::ArrayRef<Value> inputs,
                                   llvm::ArrayRef<Value> results, int threads,
                                   llvm::raw_ostream &os);

/// A value of rank 4 as the reference takes it.
reference::Tensor makeTensor(const Value &value);

struct WorkCount {
  /// Allowed tuples of all queries, batches and heads, and those that the
  /// tiles compute.
  double allowed = 0, visited = 0;
  /// 2 * (D + Dv) for each allowed tuple.
  double flops = 0;
};
WorkCount countWork(const Problem &problem, const KernelTiles &tiles);

} // namespace simplexir::run

#endif // SIMPLEXIR_TOOLS_SIMPLEX_RUN_CHECK_H
