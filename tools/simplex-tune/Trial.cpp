//===- Trial.cpp - One candidate compiled and timed -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Trial.h"

#include "Entry.h"

#include "simplexir/Codegen/Pipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <atomic>
#include <thread>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::tune;

/// An error without a message has been reported as a diagnostic.
static std::string getMessage(Error error, StringRef diagnostics) {
  std::string message = toString(std::move(error));
  if (message.empty())
    message = diagnostics.str();
  return message.empty() ? "it cannot be compiled" : message;
}

static void compile(Trial &trial, const Subject &subject,
                    const mlir::DialectRegistry &registry,
                    run::Memory &memory) {
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return;
        raw_string_ostream(diagnostics)
            << (diagnostics.empty() ? "" : "; ") << diagnostic;
      });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(subject.text, &context);
  if (!module) {
    trial.refusal = diagnostics;
    return;
  }
  auto function = module->lookupSymbol<mlir::func::FuncOp>(subject.entry);
  bool applied = true;
  function.walk(
      [&](AttentionOp op) { applied = succeeded(apply(op, trial.candidate)); });
  if (!applied) {
    trial.refusal = diagnostics;
    return;
  }
  auto execution = std::make_unique<run::Execution>(memory, subject.results);
  if (Error error = execution->compile(*module, subject.entry, subject.chip,
                                       subject.ptxas)) {
    trial.refusal = getMessage(std::move(error), diagnostics);
    return;
  }
  trial.warning = join(execution->getCompiled().warnings, "; ");
  trial.execution = std::move(execution);
}

void tune::compileAll(std::vector<Trial> &trials, const Subject &subject,
                      run::Memory &memory, unsigned threads) {
  mlir::DialectRegistry registry;
  registerAllForCompiler(registry);
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < trials.size(); i = next++)
      compile(trials[i], subject, registry, memory);
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < std::min<size_t>(threads, trials.size()); ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
}

/// The median of repeated calls.
static Expected<double> time(run::Execution &execution, double budget) {
  Expected<double> warm = execution.time();
  if (!warm)
    return warm.takeError();
  if (*warm > 5 * budget)
    return warm; // slow: no candidate to win
  auto repeats =
      static_cast<int>(std::clamp(budget / std::max(*warm, 1e-6), 3.0, 100.0));
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    Expected<double> seconds = execution.time();
    if (!seconds)
      return seconds.takeError();
    times.push_back(*seconds);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void tune::measure(Trial &trial, const run::Problem &problem,
                   ArrayRef<run::Value> inputs, Judge &judge,
                   run::Memory &memory, double budget) {
  run::Execution &execution = *trial.execution;
  auto refuse = [&](Error error) {
    trial.refusal = toString(std::move(error));
    execution.release();
  };
  memory.setPoison(true);
  if (Error error = execution.setInputs(inputs))
    return refuse(std::move(error));
  if (Error error = execution.call())
    return refuse(std::move(error));
  Expected<std::vector<run::Value>> results = execution.getResults();
  if (!results)
    return refuse(results.takeError());
  std::string wrong = judge.check(*results);
  if (!wrong.empty())
    return refuse(createStringError(wrong));
  memory.setPoison(false);
  Expected<double> seconds = time(execution, budget);
  if (!seconds)
    return refuse(seconds.takeError());
  trial.seconds = *seconds;
  const std::vector<KernelTiles> &tiles = execution.getCompiled().tiles;
  if (tiles.size() == 1) {
    run::WorkCount work = run::countWork(problem, tiles[0]);
    trial.waste = work.visited > 0 ? 1 - work.allowed / work.visited : 0;
  }
  execution.release();
}
