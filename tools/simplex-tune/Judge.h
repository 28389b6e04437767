//===- Judge.h - Whether a candidate computes the right thing ---*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_TUNE_JUDGE_H
#define SIMPLEXIR_TOOLS_SIMPLEX_TUNE_JUDGE_H

#include "Check.h"

namespace simplexir::tune {

/// Compares results with float64 on some queries (all heads of each; all of
/// them where that is cheap), and with the first result that passed.
class Judge {
public:
  /// Computes the reference of about `budget` multiplications.
  llvm::Error prepare(const run::Problem &problem,
                      llvm::ArrayRef<run::Value> inputs, int threads,
                      double budget = 1e10);

  /// Empty if the results are right, else why not.
  std::string check(llvm::ArrayRef<run::Value> results);

  /// From now on, each result is changed in one row first: a test of check().
  void injectFault() { fault = true; }

  size_t getNumQueries() const { return samples.size(); }

private:
  struct Sample {
    int64_t batch, query;
    reference::Result expected;
  };
  std::string compareWithReference(llvm::ArrayRef<run::Value> results) const;
  std::string compareWithFirst(llvm::ArrayRef<run::Value> results) const;

  run::Problem problem;
  std::vector<Sample> samples;
  std::vector<run::Value> first;
  bool fault = false;
};

} // namespace simplexir::tune

#endif // SIMPLEXIR_TOOLS_SIMPLEX_TUNE_JUDGE_H
