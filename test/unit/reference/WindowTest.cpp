//===- WindowTest.cpp - Positions, windows, ranges and operand checks -----===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

using namespace simplexir::reference;

namespace {

/// With zero keys every logit is 0, so lse is the log of the tuple count.
std::vector<double> countTuples(const AttentionSpec &spec, int64_t queries,
                                int64_t keyCount) {
  Problem problem;
  problem.spec = spec;
  problem.query = Tensor({1, queries, 1, 3});
  for (size_t t = 0; t < spec.windows.size(); ++t) {
    problem.keys.push_back(Tensor({1, keyCount, 1, 3}));
    problem.values.push_back(Tensor({1, keyCount, 1, 1}));
  }
  std::vector<double> counts;
  for (double lse : solve(problem).lse)
    counts.push_back(std::round(std::exp(lse)));
  return counts;
}

AttentionSpec pairSpec(int64_t queries, int64_t keyCount) {
  return AttentionSpec::withDefaults(FormSpec::multilinear(2), 2, 3, queries,
                                     keyCount);
}

using Counts = std::vector<double>;

TEST(Windows, CausalCountsItself) {
  AttentionSpec spec = pairSpec(4, 4);
  EXPECT_EQ(countTuples(spec, 4, 4), (Counts{1, 4, 9, 16}));
  spec.windows = {1, 3};
  EXPECT_EQ(countTuples(spec, 4, 4), (Counts{1, 2, 3, 3}));
}

TEST(Windows, BidirectionalIsStrictOnBothSides) {
  AttentionSpec spec = pairSpec(4, 4);
  spec.bidirectional = true;
  EXPECT_EQ(countTuples(spec, 4, 4), (Counts{16, 16, 16, 16}));
  spec.windows = {1, 2};
  EXPECT_EQ(countTuples(spec, 4, 4), (Counts{2, 3, 3, 2}));
}

TEST(Windows, QueriesAreTheLastOnes) {
  EXPECT_EQ(countTuples(pairSpec(2, 5), 2, 5), (Counts{16, 25}));
  // More queries than keys: the first see none.
  EXPECT_EQ(countTuples(pairSpec(3, 1), 3, 1), (Counts{0, 0, 1}));
}

TEST(Windows, KeyRangeIsInPositions) {
  AttentionSpec spec = pairSpec(2, 6);
  spec.k0 = 10;
  spec.q0 = 14;
  spec.lo = 11;
  spec.hi = 15; // Keys 1 .. 4.
  EXPECT_EQ(countTuples(spec, 2, 6), (Counts{16, 16}));
  spec.hi = 11;
  EXPECT_EQ(countTuples(spec, 2, 6), (Counts{0, 0}));
}

TEST(Windows, ExtremesDoNotOverflow) {
  for (int64_t origin :
       {int64_t(1) << 60, -(int64_t(1) << 60), INT64_MAX - 9, INT64_MIN + 9}) {
    AttentionSpec spec = pairSpec(2, 3);
    spec.k0 = origin;
    spec.q0 = origin + 1;
    spec.windows = {INT64_MAX, 2};
    EXPECT_EQ(countTuples(spec, 2, 3), (Counts{4, 6})) << origin;
    spec.bidirectional = true;
    EXPECT_EQ(countTuples(spec, 2, 3), (Counts{9, 6})) << origin;
  }
  // The far ends of the axis: further apart than any window but 0.
  AttentionSpec spec = pairSpec(1, 1);
  spec.k0 = INT64_MIN;
  spec.q0 = INT64_MAX;
  spec.windows = {0, 0};
  EXPECT_EQ(countTuples(spec, 1, 1), (Counts{1}));
  spec.windows = {0, INT64_MAX};
  EXPECT_EQ(countTuples(spec, 1, 1), (Counts{0}));
}

TEST(Windows, EmptyRowIsZeroAndMinusInfinity) {
  std::mt19937_64 rng(1);
  Problem problem = randomProblem(rng, FormSpec::determinant(), 2, {});
  problem.spec.q0 = -2; // Queries 0 and 1 stand before every key.
  Result result = solve(problem, {1, true});
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(result.lse[h * 4 + i] == -HUGE_VAL, i < 2);
      EXPECT_EQ(result.out.at(0, i, h, 0) == 0.0, i < 2);
      EXPECT_EQ(result.accuracy.rowA[h * 4 + i] == 0.0, i < 2);
    }
}

TEST(Windows, ZeroExtents) {
  std::mt19937_64 rng(1);
  for (int zero = 0; zero < 3; ++zero) {
    Sizes sizes;
    (zero == 0 ? sizes.batch : zero == 1 ? sizes.queries : sizes.keyCount) = 0;
    Problem problem = randomProblem(rng, FormSpec::multilinear(3), 3, sizes);
    Result result = solve(problem, {2, true});
    EXPECT_EQ(result.lse.size(), zero == 2 ? 8u : 0u);
    for (double lse : result.lse)
      EXPECT_EQ(lse, -HUGE_VAL);
    for (double element : result.out.data)
      EXPECT_EQ(element, 0.0);
  }
}

TEST(Windows, KeysOutsideTheRangeDoNotLeak) {
  std::mt19937_64 rng(5);
  Problem problem = randomProblem(rng, FormSpec::determinant(), 2, {});
  problem.spec.lo = 1;
  problem.spec.hi = 3;
  Result clean = solve(problem, {1, true});
  for (int64_t outside : {0, 3})
    for (size_t t = 0; t < 2; ++t) {
      problem.keys[t].at(0, outside, 0, 1) = std::nan("");
      problem.values[t].at(0, outside, 0, 0) = HUGE_VAL;
    }
  Result dirty = solve(problem, {1, true});
  EXPECT_EQ(clean.out.data, dirty.out.data);
  EXPECT_EQ(clean.lse, dirty.lse);
  EXPECT_EQ(dirty.accuracy.unspecified, std::vector<uint8_t>{0});
}

//===----------------------------------------------------------------------===//
// verify()
//===----------------------------------------------------------------------===//

struct Verify : testing::Test {
  Verify()
      : rng(1), problem(randomProblem(rng, FormSpec::determinant(), 2, {})) {}
  std::string message() {
    Result result;
    return attention(problem.spec, problem.query, problem.keys, problem.values,
                     result);
  }
  std::mt19937_64 rng;
  Problem problem;
};

TEST_F(Verify, Accepts) { EXPECT_EQ(message(), ""); }

TEST_F(Verify, RejectsArity) {
  problem.values.pop_back();
  EXPECT_EQ(message(), "expected as many values as keys, found 1 and 2");
  problem.keys.resize(5, problem.keys[0]);
  EXPECT_EQ(message(), "expected 1 to 4 keys, found 5");
  problem.keys.clear();
  EXPECT_EQ(message(), "expected 1 to 4 keys, found 0");
}

TEST_F(Verify, RejectsShapes) {
  problem.keys[1] = Tensor({1, 5, 1, 6});
  EXPECT_EQ(message(), "key 2 has shape [1, 5, 1, 6], expected [1, 4, 1, 6]");
  problem.keys[1] = problem.keys[0];
  problem.keys[1].data.pop_back();
  EXPECT_EQ(message(), "key 2 of shape [1, 4, 1, 6] holds 23 elements");
  problem.query.shape[1] = int64_t(1) << 31;
  EXPECT_NE(message().find("expected extents in [0, 2^31)"), std::string::npos);
}

TEST_F(Verify, RejectsHeads) {
  problem.query = Tensor({1, 4, 3, 6});
  for (size_t t = 0; t < 2; ++t) {
    problem.keys[t] = Tensor({1, 4, 2, 6});
    problem.values[t] = Tensor({1, 4, 2, 3});
  }
  EXPECT_EQ(message(), "the 2 KV heads must divide the 3 query heads");
}

TEST_F(Verify, RejectsForms) {
  problem.spec.form = FormSpec::multilinear(3);
  EXPECT_EQ(message(), "form 'multilinear' takes 3 keys, found 2");
  problem.spec.form = FormSpec::determinant();
  problem.spec.form.terms[0].rotations[1] = 3;
  EXPECT_EQ(message(),
            "form 'determinant' has rotation 3, expected one in [0, 3)");
  problem.spec.form.terms.clear();
  EXPECT_EQ(message(), "form 'determinant' has no terms");
  Sizes sizes;
  sizes.dim = 2;
  problem = randomProblem(rng, FormSpec::determinant(), 2, sizes);
  EXPECT_EQ(message(),
            "form 'determinant' needs a head dim of at least 3, found 2");
}

TEST_F(Verify, RejectsAttributes) {
  problem.spec.windows = {1};
  EXPECT_EQ(message(), "expected 2 windows, found 1");
  problem.spec.windows = {1, -2};
  EXPECT_EQ(message(), "windows must not be negative, found -2");
  problem.spec.windows = {1, 2};
  problem.spec.scale = HUGE_VAL;
  EXPECT_EQ(message(), "scale is not finite");
  problem.spec.scale = 1.0;
  problem.spec.keyBiases = {1.0};
  EXPECT_EQ(message(), "key_biases has 1 elements, expected 2");
  problem.spec.keyBiases = {};
  problem.spec.valueBiases = {1.0, std::nan("")};
  EXPECT_EQ(message(), "value_biases is not finite");
}

} // namespace
