//===- Runner.cpp - Compile, run and check cases ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runner.h"

#include "Check.h"
#include "Execution.h"
#include "Tile.h"

#include "simplexir/Reference/Compare.h"
#include "simplexir/Reference/Npy.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::sweep;

/// Changes one element of out, or of lse, by three times its bound. False if
/// every element is unspecified, or there is none.
static bool inject(const Case &c, const reference::Result &expected,
                   reference::Tensor &out, std::vector<double> &lse) {
  reference::Bounds bounds =
      reference::getBounds(c.element, c.getNumKeys(), expected.accuracy);
  double norm = 0;
  for (auto [b, h, i] = std::tuple(0, 0, 0); b < c.batch; ++b)
    for (h = 0; h < c.heads; ++h)
      if (!expected.accuracy
               .unspecified[b * c.kvHeads + h / (c.heads / c.kvHeads)])
        for (i = 0; i < c.queries; ++i)
          for (int64_t d = 0; d < c.valueDim; ++d)
            norm += std::pow(expected.out.at(b, i, h, d), 2);
  Random random(c.seed + 1);
  for (int attempt = 0; attempt < 100 && !out.data.empty(); ++attempt) {
    int64_t b = random.between(0, c.batch - 1),
            h = random.between(0, c.heads - 1),
            i = random.between(0, c.queries - 1),
            d = random.between(0, c.valueDim - 1);
    if (expected.accuracy
            .unspecified[b * c.kvHeads + h / (c.heads / c.kvHeads)])
      continue;
    int64_t row = (b * c.heads + h) * c.queries + i;
    if (random.below(4) == 0 && std::isfinite(lse[row]))
      lse[row] += 3 * bounds.lse[row];
    else
      out.at(b, i, h, d) += norm > 0 ? 3 * bounds.out * std::sqrt(norm) : 1;
    return true;
  }
  return false;
}

Verdict sweep::checkResults(const Case &c, ArrayRef<run::Value> inputs,
                            ArrayRef<run::Value> results, bool injectFault) {
  std::vector<reference::Tensor> keys, values;
  for (int i = 0; i < c.getNumKeys(); ++i) {
    keys.push_back(run::makeTensor(inputs[c.getKey(i)]));
    values.push_back(run::makeTensor(inputs[c.getValue(i)]));
  }
  reference::Options options;
  options.accuracy = true;
  reference::Result expected;
  std::string error = reference::attention(
      c.getSpec(), run::makeTensor(inputs[0]), keys, values, expected, options);
  if (!error.empty())
    return {Outcome::Fail, "the reference rejects the case: " + error};
  std::vector<int64_t> outShape = {c.batch, c.queries, c.heads, c.valueDim},
                       lseShape = {c.batch, c.heads, c.queries};
  if (results[0].shape != outShape || results[1].shape != lseShape)
    return {Outcome::Fail, "results have shapes " +
                               run::formatShape(results[0].shape) + " and " +
                               run::formatShape(results[1].shape) +
                               ", expected " + run::formatShape(outShape) +
                               " and " + run::formatShape(lseShape)};
  reference::Tensor out = run::makeTensor(results[0]);
  std::vector<double> lse = run::toDoubles(results[1]);
  if (injectFault && !inject(c, expected, out, lse))
    return {Outcome::Skip, "there is no element to inject a fault into"};
  reference::Comparison comparison =
      reference::compare(c.element, c.getNumKeys(), expected, out, lse);
  if (comparison.pass)
    return {Outcome::Pass, ""};
  std::string message;
  raw_string_ostream(message)
      << comparison.message
      << format("\n  out relative error %.3e bound %.3e, lse error %.3e bound "
                "%.3e, L %.3g\n  worst row of out: %.3e at batch %lld, head "
                "%lld, query %lld",
                comparison.outError, comparison.outBound, comparison.lseError,
                comparison.lseBound, expected.accuracy.maxLogit,
                comparison.worstRowError,
                static_cast<long long>(comparison.worstRow[0]),
                static_cast<long long>(comparison.worstRow[1]),
                static_cast<long long>(comparison.worstRow[2]));
  return {Outcome::Fail, message};
}

static Expected<std::vector<run::Value>> callOnce(run::Execution &execution) {
  if (Error error = execution.call())
    return error;
  return execution.getResults();
}

static Verdict runOne(const Case &c, run::Execution &execution,
                      const Settings &settings) {
  auto fail = [](Error error) {
    return Verdict{Outcome::Fail, toString(std::move(error))};
  };
  std::vector<run::Value> inputs = c.getInputs();
  if (Error error = execution.setInputs(inputs))
    return fail(std::move(error));
  auto results = callOnce(execution);
  if (!results)
    return fail(results.takeError());
  Verdict verdict = checkResults(c, inputs, *results, settings.injectFault);
  if (verdict.outcome != Outcome::Pass || c.contents == Contents::OneNaN)
    return verdict;
  for (int run = 2; run <= settings.runs; ++run) {
    auto again = callOnce(execution);
    if (!again)
      return fail(again.takeError());
    for (auto [first, second] : zip(*results, *again))
      if (first.bytes != second.bytes)
        return {Outcome::Fail, "run " + std::to_string(run) +
                                   " gives other bits than the first"};
  }
  return verdict;
}

void Runner::run(ArrayRef<const Case *> cases,
                 function_ref<bool(size_t, Verdict)> report) {
  auto reportAll = [&](const Verdict &verdict) {
    for (size_t i = 0; i < cases.size(); ++i)
      if (!report(i, verdict))
        return;
  };
  const Case &first = *cases[0];
  if (settings.gpu && first.element == reference::ElementType::F64)
    return reportAll({Outcome::Skip, "f64 is for the CPU only"});

  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        raw_string_ostream(diagnostics)
            << (diagnostics.empty() ? "" : "\n  ") << diagnostic.getLocation()
            << ": " << diagnostic;
      });
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(first.getModule(), &context);
  if (!module)
    return reportAll({Outcome::Fail, "cannot parse: " + diagnostics});
  Random random(first.seed);
  if (settings.tile && failed(tileAttention(*module, random)))
    return reportAll({Outcome::Fail, "cannot tile: " + diagnostics});
  run::Execution execution(memory, first.getResults());
  if (Error error = execution.compile(*module, "attention", settings.chip,
                                      settings.ptxas)) {
    std::string message = toString(std::move(error));
    return reportAll({Outcome::Fail, "cannot compile: " + message +
                                         (message.empty() ? "" : " ") +
                                         diagnostics});
  }
  for (auto [i, c] : enumerate(cases))
    if (!report(i, runOne(*c, execution, settings)))
      break;
  execution.release();
}

Expected<std::string> sweep::saveCase(const Case &c, StringRef directory,
                                      StringRef target) {
  if (std::error_code code = sys::fs::create_directories(directory))
    return createStringError("'" + directory + "': " + code.message());
  SmallString<128> base(directory);
  sys::path::append(base, "attention.mlir");
  std::error_code code;
  raw_fd_ostream file(base, code);
  if (code)
    return createStringError("'" + base + "': " + code.message());
  file << c.getModule();
  std::string command =
      "simplex-run " + base.str().str() + " --verify --target=" + target.str();
  for (auto [i, input] : enumerate(c.getInputs())) {
    SmallString<128> path(directory);
    sys::path::append(path, std::to_string(i) + ".npy");
    reference::NpyArray array;
    std::string error;
    if (input.parameter.isIndex) {
      array.type = {'i', 8};
      for (int byte = 0; byte < 8; ++byte)
        array.bytes.push_back(static_cast<uint8_t>(
            static_cast<uint64_t>(input.index) >> (8 * byte)));
    } else {
      error = reference::fromDoubles({'f', 8}, input.shape,
                                     run::toDoubles(input), array);
    }
    if (error.empty())
      error = reference::writeNpy(path.str().str(), array);
    if (!error.empty())
      return createStringError(error);
    command += " --input=" + path.str().str();
  }
  return command;
}
