//===- KernelTest.cpp - CPU kernels against double loops ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

static void check(const Problem &p) {
  std::string error;
  auto kernel = Kernel::compile(p, error);
  ASSERT_TRUE(kernel) << error;
  std::vector<Array> arrays = makeArrays(p), expected = arrays;
  std::vector<Array *> actualPointers, expectedPointers;
  for (Array &array : arrays)
    actualPointers.push_back(&array);
  for (Array &array : expected)
    expectedPointers.push_back(&array);
  std::vector<int64_t> indices;
  if (p.positioned)
    indices = {p.q0, 0, p.lo, p.hi};
  kernel->run(actualPointers, indices);
  computeReference(p, expectedPointers);
  Array &out = arrays[arrays.size() - 2], &lse = arrays.back();
  out.decode();
  lse.decode();
  const Array &outWant = expected[arrays.size() - 2],
              &lseWant = expected.back();
  double difference = 0, norm = 0, lseError = 0;
  for (size_t i = 0; i < out.values.size(); ++i) {
    difference += std::pow(out.values[i] - outWant.values[i], 2);
    norm += std::pow(outWant.values[i], 2);
  }
  for (size_t i = 0; i < lse.values.size(); ++i)
    if (lse.values[i] != lseWant.values[i])
      lseError =
          std::max(lseError, std::abs(lse.values[i] - lseWant.values[i]));
  double outError =
      norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
  double outBound = 1e-5, lseBound = 1e-4;
  if (p.element == "f64")
    outBound = 1e-11, lseBound = 1e-9;
  if (p.element == "bf16")
    outBound = 1e-2, lseBound = 5e-3;
  if (p.element == "f16")
    outBound = 2e-3, lseBound = 2e-3;
  // The combined tile is rounded: docs/spec.md, with the logits' standard
  // deviation of about 1 of random normal inputs.
  if (p.chip == "x86-64-v4-bf16" && p.element == "bf16") {
    double rounding = 2 * std::ldexp(std::sqrt(p.getKeyCount() - 1.0), -8);
    outBound += rounding, lseBound += rounding;
  }
  // Large logits lose digits (docs: Accuracy).
  double largest = 16;
  for (double value : lseWant.values)
    if (std::isfinite(value))
      largest = std::max(largest, std::abs(value));
  outBound *= largest / 16;
  lseBound *= largest / 16;
  EXPECT_LE(outError, outBound);
  EXPECT_LE(lseError, lseBound);
}

namespace {

struct Case {
  const char *name;
  std::function<void(Problem &)> change;
};

void PrintTo(const Case &test, std::ostream *stream) { *stream << test.name; }

const char *const kLevels[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4",
                               "x86-64-v4-bf16"};

class CPUKernel : public testing::TestWithParam<std::tuple<int, Case>> {};

TEST_P(CPUKernel, MatchesDoubleLoops) {
  auto [level, test] = GetParam();
  int supported = __builtin_cpu_supports("avx512bf16") ? 4
                  : __builtin_cpu_supports("avx512vl") ? 3
                  : __builtin_cpu_supports("avx2")     ? 2
                                                       : 1;
  if (level >= supported)
    GTEST_SKIP() << "this machine is no " << kLevels[level];
  Problem problem;
  problem.chip = kLevels[level];
  test.change(problem);
  check(problem);
}

const Case kCases[] = {
    {"Order3", [](Problem &) {}},
    {"Order3_D96", [](Problem &p) { p.dim = p.valueDim = 96; }},
    {"Order3_D7_Dv5", [](Problem &p) { p.dim = 7, p.valueDim = 5; }},
    {"Order3_D128_rows_6",
     [](Problem &p) { p.dim = p.valueDim = 128, p.rows = 6, p.keys = 40; }},
    {"Order2", [](Problem &p) { p.order = 2, p.windows = {0}; }},
    {"Order2_bidirectional_splits",
     [](Problem &p) {
       p.order = 2, p.windows = {11}, p.bidirectional = true;
       p.splits = 3, p.keys = 8;
     }},
    {"Order4_D32",
     [](Problem &p) {
       p.order = 4, p.windows = {3, 4, 9}, p.dim = 32, p.valueDim = 48;
     }},
    {"Order3_splits_2", [](Problem &p) { p.splits = 2; }},
    {"determinant_D7",
     [](Problem &p) { p.form = "determinant", p.dim = 7, p.scale = -0.5; }},
    {"determinant_D128",
     [](Problem &p) { p.form = "determinant", p.dim = 128; }},
    {"biases",
     [](Problem &p) {
       p.keyBiases = {0.25, -0.5}, p.valueBiases = {1, 0.125};
     }},
    {"f64", [](Problem &p) { p.element = "f64"; }},
    {"f64_determinant_D7",
     [](Problem &p) { p.element = "f64", p.form = "determinant", p.dim = 7; }},
    {"bf16", [](Problem &p) { p.element = "bf16"; }},
    {"bf16_D7",
     [](Problem &p) { p.element = "bf16", p.dim = 7, p.valueDim = 9; }},
    {"bf16_odd_keys",
     [](Problem &p) {
       p.element = "bf16", p.dim = 33, p.valueDim = 50, p.rows = 5, p.keys = 7;
     }},
    {"bf16_order2_D128_splits",
     [](Problem &p) {
       p.element = "bf16", p.order = 2, p.windows = {0};
       p.dim = p.valueDim = 128, p.splits = 2;
     }},
    {"bf16_determinant_D96_biases",
     [](Problem &p) {
       p.element = "bf16", p.form = "determinant", p.dim = 96;
       p.keyBiases = {0.25, -0.5}, p.valueBiases = {1, 0.125};
     }},
    {"bf16_empty_rows",
     [](Problem &p) {
       p.element = "bf16";
       p.positioned = true, p.lo = 10, p.hi = 21, p.q0 = 0;
     }},
    {"f16_D40",
     [](Problem &p) { p.element = "f16", p.dim = 40, p.valueDim = 24; }},
    {"empty_rows",
     [](Problem &p) { p.positioned = true, p.lo = 10, p.hi = 21, p.q0 = 0; }},
    {"large_scale", [](Problem &p) { p.scale = 40; }},
    {"batch_one_query", [](Problem &p) { p.batch = 3, p.queries = 1; }},
};

INSTANTIATE_TEST_SUITE_P(
    Levels, CPUKernel,
    testing::Combine(testing::Range(0, 4), testing::ValuesIn(kCases)),
    [](const auto &info) {
      int level = std::get<0>(info.param);
      return std::string(std::get<1>(info.param).name) +
             (level == 3 ? "_v4_bf16" : "_v" + std::to_string(level + 2));
    });

} // namespace
