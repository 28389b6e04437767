//===- Candidate.h - Schedules to try ---------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_TUNE_CANDIDATE_H
#define SIMPLEXIR_TOOLS_SIMPLEX_TUNE_CANDIDATE_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace simplexir::tune {

/// A schedule, and the order of the keys: element i of `order` is the key, as
/// written, that comes i-th. Plain data, for modules of several contexts.
struct Candidate {
  std::vector<int64_t> order;
  int64_t rows = 0, keys = 0, splits = 1, warps = 1, stages = 1;
  bool wgmma = false, pairs = false;
  /// Of a pair's second tile; 0: `keys`.
  int64_t secondKeys = 0;
  bool skew = false;

  bool operator==(const Candidate &other) const;
  /// `#simplex.schedule<...>`, and the windows in order where it is not the
  /// written one.
  std::string describe(llvm::ArrayRef<int64_t> windows) const;
};

/// The values to try; every combination that makes sense becomes a candidate.
struct Space {
  std::vector<int64_t> rows, keys, splits, warps, stages;
  bool mma = true, wgmma = false;
  /// Without and with pairs of tiles, where there are outer keys.
  bool single = true, pairs = true;
  /// Also orders with another key last than the one of the largest window.
  bool allOrders = true;
};

/// What is usually worth trying.
Space getDefaultSpace(AttentionOp op, bool gpu, bool wgmma);

/// The candidates of a space, without the combinations that no target can
/// have. Many are left for the compiler to refuse.
std::vector<Candidate> listCandidates(AttentionOp op, const Space &space,
                                      bool gpu);

/// The schedule that the compiler chooses for a chip by itself, for a function
/// of one attention on its arguments. The module stays as it is.
llvm::Expected<Candidate>
getDefault(mlir::ModuleOp module, llvm::StringRef entry, llvm::StringRef chip);

/// Gives an attention this schedule and order; false (with a diagnostic) if it
/// cannot have them.
mlir::LogicalResult apply(AttentionOp op, const Candidate &candidate);

} // namespace simplexir::tune

#endif // SIMPLEXIR_TOOLS_SIMPLEX_TUNE_CANDIDATE_H
