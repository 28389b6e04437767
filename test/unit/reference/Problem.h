//===- Problem.h - Random attentions for tests ------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_REFERENCE_PROBLEM_H
#define SIMPLEXIR_TEST_UNIT_REFERENCE_PROBLEM_H

#include "simplexir/Reference/Attention.h"
#include "simplexir/Reference/Oracle.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

namespace simplexir::reference {

struct Problem {
  AttentionSpec spec;
  Tensor query;
  std::vector<Tensor> keys, values;
};

struct Sizes {
  int64_t batch = 1, queries = 4, keyCount = 4, heads = 2, kvHeads = 1, dim = 6,
          valueDim = 3;
};

inline Tensor randomTensor(std::mt19937_64 &rng, std::array<int64_t, 4> shape) {
  std::normal_distribution<double> normal;
  Tensor tensor(shape);
  for (double &element : tensor.data)
    element = normal(rng);
  return tensor;
}

inline Problem randomProblem(std::mt19937_64 &rng, FormSpec form, int keys,
                             const Sizes &sizes) {
  Problem problem;
  problem.spec = AttentionSpec::withDefaults(std::move(form), keys, sizes.dim,
                                             sizes.queries, sizes.keyCount);
  problem.query =
      randomTensor(rng, {sizes.batch, sizes.queries, sizes.heads, sizes.dim});
  for (int t = 0; t < keys; ++t) {
    problem.keys.push_back(randomTensor(
        rng, {sizes.batch, sizes.keyCount, sizes.kvHeads, sizes.dim}));
    problem.values.push_back(randomTensor(
        rng, {sizes.batch, sizes.keyCount, sizes.kvHeads, sizes.valueDim}));
  }
  return problem;
}

inline Result solve(const Problem &problem, const Options &options = {}) {
  Result result;
  EXPECT_EQ(attention(problem.spec, problem.query, problem.keys, problem.values,
                      result, options),
            "");
  return result;
}

inline Result solveNaively(const Problem &problem) {
  Result result;
  oracle(problem.spec.form.chunk == 3 ? OracleForm::Determinant
                                      : OracleForm::Multilinear,
         problem.spec, problem.query, problem.keys, problem.values, result.out,
         result.lse);
  return result;
}

/// Elementwise, relative to magnitude 1.
inline void expectNear(const std::vector<double> &actual,
                       const std::vector<double> &expected,
                       double tolerance = 1e-10) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t e = 0; e < actual.size(); ++e) {
    if (actual[e] == expected[e])
      continue; // Infinities too.
    ASSERT_NEAR(actual[e], expected[e],
                tolerance * std::max(1.0, std::fabs(expected[e])))
        << "element " << e;
  }
}

inline void expectSame(const Result &actual, const Result &expected,
                       double tolerance = 1e-10) {
  ASSERT_EQ(actual.out.shape, expected.out.shape);
  expectNear(actual.out.data, expected.out.data, tolerance);
  expectNear(actual.lse, expected.lse, tolerance);
}

} // namespace simplexir::reference

#endif // SIMPLEXIR_TEST_UNIT_REFERENCE_PROBLEM_H
