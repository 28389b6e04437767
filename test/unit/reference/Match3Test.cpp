//===- Match3Test.cpp - One determinant head decides Match3 ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include "Match3.h"

using namespace simplexir::reference;

namespace {

Problem makeHead(const match3::Inputs &inputs, ElementType type) {
  auto tensor = [&](const std::vector<double> &data, int64_t dim) {
    Tensor result({1, inputs.length, 1, dim});
    for (size_t e = 0; e < data.size(); ++e)
      result.data[e] = roundTo(type, data[e]);
    return result;
  };
  Problem problem;
  problem.spec = AttentionSpec::withDefaults(
      FormSpec::determinant(), 2, match3::dim, inputs.length, inputs.length);
  problem.spec.bidirectional = true;
  problem.spec.scale = 1.0;
  problem.query = tensor(inputs.query, match3::dim);
  for (size_t t = 0; t < 2; ++t) {
    problem.keys.push_back(tensor(inputs.keys[t], match3::dim));
    problem.values.push_back(tensor(inputs.values[t], 1));
  }
  return problem;
}

/// Checks every token; counts the ones in a match.
int64_t expectDecides(const std::vector<int64_t> &x, int64_t modulus,
                      ElementType type) {
  Result result = solve(makeHead(match3::embed(x, modulus), type));
  int64_t found = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool expected = match3::matches(x, i, modulus);
    const double out = result.out.data[i + 1];
    EXPECT_EQ(match3::decide(out), expected)
        << "token " << i << " of " << x.size() << ", modulus " << modulus
        << ", out " << out;
    // The margins that the derivation promises, which f32 inputs must keep.
    if (expected)
      EXPECT_GT(out, 0.8);
    else
      EXPECT_LT(out, 0.2);
    found += expected;
  }
  return found;
}

TEST(Match3, FormIsTheCosineOfTheSum) {
  const int64_t modulus = 12;
  std::vector<int64_t> x(modulus);
  for (int64_t v = 0; v < modulus; ++v)
    x[v] = v;
  match3::Inputs inputs = match3::embed(x, modulus);
  const double sharpness = match3::getSharpness(modulus, modulus);
  const FormSpec form = FormSpec::determinant();
  const double *q = inputs.query.data(), *a = inputs.keys[0].data(),
               *b = inputs.keys[1].data();
  std::vector<double> combiner(7);
  auto evaluate = [&](int64_t i, int64_t j, int64_t k) {
    form.combine({q + 7 * i, a + 7 * j}, 7, combiner.data());
    double sum = 0.0;
    for (int64_t d = 0; d < 7; ++d)
      sum += combiner[d] * b[7 * k + d];
    return sum / sharpness;
  };
  for (int64_t i = 1; i <= modulus; ++i) {
    for (int64_t j = 1; j <= modulus; ++j) {
      for (int64_t k = 1; k <= modulus; ++k)
        EXPECT_NEAR(evaluate(i, j, k),
                    std::cos(2.0 * std::acos(-1.0) * (i + j + k - 3) / 12.0),
                    1e-14);
      EXPECT_EQ(evaluate(i, j, 0), 0.0);
      EXPECT_EQ(evaluate(i, 0, j), 0.0);
    }
    EXPECT_NEAR(evaluate(i, 0, 0), 1.0 - match3::getMargin(modulus), 1e-15);
  }
}

TEST(Match3, DecidesRandomSequences) {
  std::mt19937_64 rng(3);
  int64_t tokens = 0, found = 0;
  for (int round = 0; round < 200; ++round) {
    // Short sequences of a large modulus, so that both answers are common.
    const int64_t modulus = 1 + static_cast<int64_t>(rng() % 64);
    std::vector<int64_t> x(1 + rng() % 12);
    for (int64_t &element : x)
      element = static_cast<int64_t>(rng() % modulus);
    for (ElementType type : {ElementType::F64, ElementType::F32}) {
      found += expectDecides(x, modulus, type);
      tokens += static_cast<int64_t>(x.size());
    }
  }
  EXPECT_GT(found, tokens / 10);
  EXPECT_LT(found, tokens * 9 / 10);
}

TEST(Match3, DecidesLongSequencesWithoutAMatch) {
  // Three odd numbers sum to an odd one, never to a multiple of 60.
  std::vector<int64_t> x;
  for (int64_t v = 1; v < 60; v += 2)
    x.push_back(v);
  EXPECT_EQ(expectDecides(x, 60, ElementType::F32), 0);
  x.push_back(0);
  // Now an odd v matches 0 and 60 - v.
  EXPECT_EQ(expectDecides(x, 60, ElementType::F32), 31);
}

TEST(Match3, SmallestCases) {
  EXPECT_EQ(expectDecides({0}, 1, ElementType::F32), 1);
  EXPECT_EQ(expectDecides({0}, 2, ElementType::F32), 1);
  EXPECT_EQ(expectDecides({1}, 2, ElementType::F32), 0);
  EXPECT_EQ(expectDecides({1}, 3, ElementType::F32), 1);
  EXPECT_EQ(expectDecides({1, 2}, 4, ElementType::F32), 2);
  EXPECT_EQ(expectDecides({1, 1}, 4, ElementType::F32), 0);
}

} // namespace
