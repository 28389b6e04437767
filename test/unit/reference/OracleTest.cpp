//===- OracleTest.cpp - The reference against the naive oracle ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

using namespace simplexir::reference;

namespace {

template <typename T>
T pick(std::mt19937_64 &rng, std::initializer_list<T> choices) {
  return choices.begin()[rng() % choices.size()];
}

/// Any combination of features: pairs of them are where kernels go wrong.
Problem anyProblem(std::mt19937_64 &rng, bool determinant, int keys) {
  Sizes sizes;
  sizes.batch = pick<int64_t>(rng, {1, 1, 2, 0});
  // Tuples grow with the power of keys.
  const int64_t most = keys <= 2 ? 9 : keys == 3 ? 6 : 4;
  sizes.queries = static_cast<int64_t>(rng() % (most + 1));
  sizes.keyCount = static_cast<int64_t>(rng() % (most + 1));
  if (rng() % 8 == 0)
    sizes.queries = sizes.keyCount = 1;
  sizes.kvHeads = pick<int64_t>(rng, {1, 2});
  sizes.heads = sizes.kvHeads * pick<int64_t>(rng, {1, 2, 3});
  sizes.dim = determinant ? pick<int64_t>(rng, {3, 4, 5, 6, 7, 8, 11})
                          : pick<int64_t>(rng, {1, 2, 3, 8, 9, 17});
  sizes.valueDim = pick<int64_t>(rng, {1, 2, 5});

  Problem problem = randomProblem(
      rng, determinant ? FormSpec::determinant() : FormSpec::multilinear(keys),
      keys, sizes);
  AttentionSpec &spec = problem.spec;
  for (int64_t &window : spec.windows)
    window = pick<int64_t>(rng, {0, 1, 2, 3, 5, 1 << 20, INT64_MAX});
  spec.bidirectional = rng() % 2;
  spec.scale = pick<double>(rng, {spec.scale, 1.0, -0.5, 0.0, 2.0});
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  if (rng() % 2)
    for (int t = 0; t < keys; ++t)
      spec.keyBiases.push_back(uniform(rng));
  if (rng() % 2)
    for (int t = 0; t < keys; ++t)
      spec.valueBiases.push_back(uniform(rng));
  const int64_t origin =
      pick<int64_t>(rng, {0, 0, 7, -3, int64_t(1) << 60, -(int64_t(1) << 60)});
  if (rng() % 2) {
    spec.k0 = origin + static_cast<int64_t>(rng() % 5) - 2;
    spec.q0 = origin + static_cast<int64_t>(rng() % 9) - 4;
  }
  if (rng() % 2) {
    spec.lo = spec.k0 + static_cast<int64_t>(rng() % 4) - 1;
    spec.hi = spec.lo + static_cast<int64_t>(rng() % 8);
  }
  return problem;
}

struct Sweep : testing::TestWithParam<std::pair<bool, int>> {};

TEST_P(Sweep, MatchesOracle) {
  const auto [determinant, keys] = GetParam();
  std::mt19937_64 rng(20261124 + keys + 10 * determinant);
  int emptyRows = 0, fullRows = 0;
  for (int round = 0; round < 300; ++round) {
    Problem problem = anyProblem(rng, determinant, keys);
    SCOPED_TRACE("round " + std::to_string(round));
    Options options;
    options.threads = 1 + round % 3;
    options.accuracy = round % 2;
    Result result = solve(problem, options);
    expectSame(result, solveNaively(problem));
    for (double lse : result.lse)
      ++(lse == -HUGE_VAL ? emptyRows : fullRows);
    if (HasFatalFailure())
      return;
  }
  // The sweep must have met both kinds.
  EXPECT_GT(emptyRows, 100);
  EXPECT_GT(fullRows, 500);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Sweep,
    testing::Values(std::pair(false, 1), std::pair(false, 2),
                    std::pair(false, 3), std::pair(false, 4),
                    std::pair(true, 2)),
    [](const auto &info) {
      return std::string(info.param.first ? "Determinant" : "Multilinear") +
             std::to_string(info.param.second + 1);
    });

TEST(Oracle, TwoOperandsAreSoftmaxAttention) {
  // Written out here, so that reference and oracle cannot agree on a wrong
  // reading of the simplest case.
  std::mt19937_64 rng(1);
  Sizes sizes;
  sizes.queries = sizes.keyCount = 6;
  sizes.heads = sizes.kvHeads = 1;
  sizes.dim = 5;
  Problem problem = randomProblem(rng, FormSpec::multilinear(1), 1, sizes);
  Result result = solve(problem);
  for (int64_t i = 0; i < 6; ++i) {
    double total = 0.0, out[3] = {};
    for (int64_t j = 0; j <= i; ++j) {
      double dot = 0.0;
      for (int64_t d = 0; d < 5; ++d)
        dot += problem.query.at(0, i, 0, d) * problem.keys[0].at(0, j, 0, d);
      const double weight = std::exp(dot / std::sqrt(5.0));
      total += weight;
      for (int64_t d = 0; d < 3; ++d)
        out[d] += weight * problem.values[0].at(0, j, 0, d);
    }
    EXPECT_NEAR(result.lse[i], std::log(total), 1e-12);
    for (int64_t d = 0; d < 3; ++d)
      EXPECT_NEAR(result.out.at(0, i, 0, d), out[d] / total, 1e-12);
  }
}

TEST(Oracle, SeededFaultIsSeen) {
  // The comparison of the sweep must itself be able to fail: a form whose
  // second term has the wrong sign is not a determinant.
  std::mt19937_64 rng(2);
  Problem problem = randomProblem(rng, FormSpec::determinant(), 2, {});
  problem.spec.form.terms[1].coefficient = 1.0;
  Result wrong = solve(problem), right = solveNaively(problem);
  double difference = 0.0;
  for (size_t r = 0; r < wrong.lse.size(); ++r)
    difference = std::max(difference, std::fabs(wrong.lse[r] - right.lse[r]));
  EXPECT_GT(difference, 1e-3);
}

TEST(Oracle, BitsDoNotDependOnThreads) {
  std::mt19937_64 rng(3);
  Sizes sizes;
  sizes.batch = 2;
  sizes.queries = sizes.keyCount = 11;
  Problem problem = randomProblem(rng, FormSpec::determinant(), 2, sizes);
  Result one = solve(problem, {1, true}), many = solve(problem, {5, true});
  EXPECT_EQ(one.out.data, many.out.data);
  EXPECT_EQ(one.lse, many.lse);
  EXPECT_EQ(one.accuracy.rowA, many.accuracy.rowA);
  EXPECT_EQ(one.accuracy.rmsA, many.accuracy.rmsA);
}

TEST(Oracle, LargeLogitsStayFinite) {
  std::mt19937_64 rng(4);
  Problem problem = randomProblem(rng, FormSpec::multilinear(2), 2, {});
  problem.spec.scale = 1e4;
  expectSame(solve(problem), solveNaively(problem), 1e-9);
  for (double lse : solve(problem).lse)
    EXPECT_TRUE(std::isfinite(lse));
}

} // namespace
