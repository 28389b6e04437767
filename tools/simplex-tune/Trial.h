//===- Trial.h - One candidate compiled and timed ---------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_TUNE_TRIAL_H
#define SIMPLEXIR_TOOLS_SIMPLEX_TUNE_TRIAL_H

#include "Candidate.h"
#include "Execution.h"
#include "Judge.h"

namespace simplexir::tune {

/// What is tuned, for all candidates.
struct Subject {
  /// The module's text: each compilation parses it in a context of its own.
  std::string text, entry, chip, ptxas;
  std::vector<run::Parameter> results;
};

struct Trial {
  Candidate candidate;
  bool isDefault = false;
  std::unique_ptr<run::Execution> execution;
  /// Why there is no time; empty if there is one.
  std::string refusal;
  std::string warning;
  double seconds = 0;
  double waste = 0;
};

/// Compiles trials on several threads. What the compiler says becomes the
/// refusal.
void compileAll(std::vector<Trial> &trials, const Subject &subject,
                run::Memory &memory, unsigned threads);

/// Runs a compiled trial, checks it, and times it for about `budget` seconds;
/// an error only where the target does not work any more.
void measure(Trial &trial, const run::Problem &problem,
             llvm::ArrayRef<run::Value> inputs, Judge &judge,
             run::Memory &memory, double budget);

} // namespace simplexir::tune

#endif // SIMPLEXIR_TOOLS_SIMPLEX_TUNE_TRIAL_H
