//===- Runner.h - Compile, run and check cases ------------------ -*- C++
//-*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_EXECUTION_RUNNER_H
#define SIMPLEXIR_TEST_EXECUTION_RUNNER_H

#include "Case.h"
#include "Memory.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace simplexir::sweep {

struct Settings {
  bool gpu = false;
  int device = 0;
  std::string chip, ptxas;
  /// Change one element of each result by three times what is allowed.
  bool injectFault = false;
  /// Cut the attention into tiles first.
  bool tile = false;
  /// Schedules of short tiles, in pairs or skewed, where a module can have
  /// them.
  bool pairs = false;
  /// Runs of each case; all must give the same bits.
  int runs = 2;
};

enum class Outcome { Pass, Fail, Skip };
struct Verdict {
  Outcome outcome = Outcome::Fail;
  /// Why it failed or was skipped; numbers of a failed comparison.
  std::string message;
};

/// Compares out and lse with the reference.
Verdict checkResults(const Case &c, llvm::ArrayRef<run::Value> inputs,
                     llvm::ArrayRef<run::Value> results, bool injectFault);

/// Runs cases on one thread.
class Runner {
public:
  Runner(const Settings &settings, const mlir::DialectRegistry &registry)
      : settings(settings), registry(registry),
        memory(settings.gpu, settings.device) {}
  llvm::Error open() { return memory.open(); }

  /// Runs cases of one module, which is compiled once, until `report` returns
  /// false.
  void run(llvm::ArrayRef<const Case *> cases,
           llvm::function_ref<bool(size_t, Verdict)> report);

private:
  const Settings &settings;
  const mlir::DialectRegistry &registry;
  run::Memory memory;
};

/// Writes the module and the inputs, and returns the command line that runs
/// them with simplex-run.
llvm::Expected<std::string> saveCase(const Case &c, llvm::StringRef directory,
                                     llvm::StringRef target);

} // namespace simplexir::sweep

#endif // SIMPLEXIR_TEST_EXECUTION_RUNNER_H
