//===- CompilerTest.h - Calls of the C interface ----------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_CAPI_COMPILERTEST_H
#define SIMPLEXIR_TEST_UNIT_CAPI_COMPILERTEST_H

#include "simplexir-c/Compiler.h"

#include "gtest/gtest.h"
#include <memory>
#include <string>
#include <vector>

struct Destroy {
  void operator()(SimplexirCompiler *compiler) const {
    simplexirCompilerDestroy(compiler);
  }
  void operator()(SimplexirOutcome *outcome) const {
    simplexirOutcomeDestroy(outcome);
  }
};
using Compiler = std::unique_ptr<SimplexirCompiler, Destroy>;
using Outcome = std::unique_ptr<SimplexirOutcome, Destroy>;

inline Compiler create() {
  SimplexirCompiler *compiler = nullptr;
  EXPECT_EQ(simplexirCompilerCreate(&compiler), SIMPLEXIR_COMPILER_OK);
  return Compiler(compiler);
}

/// A call with the outcome it gave, whose status is the one returned.
struct Call {
  std::vector<const char *> chips = {"x86-64-v3"};
  SimplexirCompileOptions options = {};
  Outcome outcome;

  using Function = decltype(simplexirCompilerCompile);
  using DescribedFunction = decltype(simplexirCompilerCompileAttention);
  SimplexirCompilerStatus operator()(Function *function,
                                     const SimplexirCompiler *compiler,
                                     const std::string &module) {
    return finish(function, compiler, module.data(), module.size(),
                  fillOptions());
  }
  SimplexirCompilerStatus operator()(DescribedFunction *function,
                                     const SimplexirCompiler *compiler,
                                     const SimplexirAttention *attention) {
    SimplexirOutcome *result = nullptr;
    SimplexirCompilerStatus status =
        function(compiler, attention, fillOptions(), &result);
    return keep(status, result);
  }
  SimplexirCompilerStatus finish(Function *function,
                                 const SimplexirCompiler *compiler,
                                 const void *module, size_t size,
                                 const SimplexirCompileOptions *given) {
    SimplexirOutcome *result = nullptr;
    SimplexirCompilerStatus status =
        function(compiler, module, size, given, &result);
    return keep(status, result);
  }
  const SimplexirCompileOptions *fillOptions() {
    options.structSize = sizeof(options);
    options.chips = chips.data();
    options.numChips = chips.size();
    return &options;
  }
  SimplexirCompilerStatus keep(SimplexirCompilerStatus status,
                               SimplexirOutcome *result) {
    EXPECT_NE(result, nullptr);
    outcome.reset(result);
    EXPECT_EQ(simplexirOutcomeStatus(result), status);
    return status;
  }
  std::string text() const { return simplexirOutcomeText(outcome.get()); }
  std::string artifact() const {
    const void *data = nullptr;
    size_t size = 0;
    EXPECT_EQ(simplexirOutcomeArtifact(outcome.get(), &data, &size),
              SIMPLEXIR_COMPILER_OK);
    return std::string(static_cast<const char *>(data), size);
  }
};

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

#endif // SIMPLEXIR_TEST_UNIT_CAPI_COMPILERTEST_H
