//===- CompareTest.cpp - The accuracy contract and seeded faults ----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include "simplexir/Reference/Compare.h"

using namespace simplexir::reference;

namespace {

TEST(Bounds, FollowTheTable) {
  Accuracy accuracy;
  accuracy.rowA = {0.0, 3.0};
  accuracy.rmsA = 2.0;
  accuracy.maxLogit = 4.0;
  Bounds f64 = getBounds(ElementType::F64, 3, accuracy);
  EXPECT_EQ(f64.out, 1e-11);
  EXPECT_EQ(f64.lse, (std::vector<double>{1e-9, 1e-9}));
  Bounds f32 = getBounds(ElementType::F32, 2, accuracy);
  EXPECT_EQ(f32.out, 1e-5);
  EXPECT_EQ(f32.lse[1], 1e-4);
  Bounds f16 = getBounds(ElementType::F16, 2, accuracy);
  EXPECT_DOUBLE_EQ(f16.out, 2e-3 + 2.0 / 2048 * 2.0);
  EXPECT_DOUBLE_EQ(f16.lse[0], 2e-3);
  Bounds bf16 = getBounds(ElementType::BF16, 4, accuracy);
  EXPECT_DOUBLE_EQ(bf16.out, 1e-2 + 2.0 / 256 * std::sqrt(3.0) * 2.0);
  EXPECT_DOUBLE_EQ(bf16.lse[1], 5e-3 + 2.0 / 256 * std::sqrt(3.0) * 3.0);
  // Logits beyond 16 scale both.
  accuracy.maxLogit = 48.0;
  Bounds large = getBounds(ElementType::BF16, 4, accuracy);
  EXPECT_DOUBLE_EQ(large.out, 3.0 * bf16.out);
  EXPECT_DOUBLE_EQ(large.lse[1], 3.0 * bf16.lse[1]);
}

TEST(Accuracy, OneTupleByHand) {
  Problem problem;
  problem.spec =
      AttentionSpec::withDefaults(FormSpec::determinant(), 2, 4, 1, 1);
  problem.spec.scale = -0.5;
  problem.spec.keyBiases = {0.0, 1.0};
  problem.query = Tensor({1, 1, 1, 4});
  problem.query.data = {1, -2, 3, 2};
  problem.keys.assign(2, Tensor({1, 1, 1, 4}));
  problem.keys[0].data = {4, 5, -6, 3};
  problem.keys[1].data = {0, 1, -3, 2}; // With its bias {1, 2, -2, 3}.
  problem.values.assign(2, Tensor({1, 1, 1, 1}));
  Result result = solve(problem, {1, true});
  // |C| = (2*6 + 3*5, 3*4 + 1*6, 1*5 + 2*4, 2*3).
  const double a =
      0.5 * std::sqrt(std::pow(27.0 * 1, 2) + std::pow(18.0 * 2, 2) +
                      std::pow(13.0 * 2, 2) + std::pow(6.0 * 3, 2));
  EXPECT_DOUBLE_EQ(result.accuracy.rowA[0], a);
  EXPECT_DOUBLE_EQ(result.accuracy.rmsA, a);
  // C = (12 - 15, 12 + 6, 5 + 8, 6): F = -3 + 36 - 26 + 18.
  EXPECT_DOUBLE_EQ(result.lse[0], -12.5);
  EXPECT_DOUBLE_EQ(result.accuracy.maxLogit, 12.5);
}

TEST(Accuracy, WeightedMeanByHand) {
  // Two keys, D = 1: A is the softmax mean of |logit| there.
  Problem problem;
  problem.spec =
      AttentionSpec::withDefaults(FormSpec::multilinear(2), 2, 1, 1, 2);
  problem.spec.windows = {1, 0};
  problem.query = Tensor({1, 1, 1, 1});
  problem.query.data = {2};
  problem.keys.assign(2, Tensor({1, 2, 1, 1}));
  problem.keys[0].data = {9, 1};
  problem.keys[1].data = {-1, 0.5};
  problem.values.assign(2, Tensor({1, 2, 1, 1}));
  Result result = solve(problem, {1, true});
  const double p0 = std::exp(-2.0), p1 = std::exp(1.0);
  EXPECT_NEAR(result.accuracy.rowA[0], (2.0 * p0 + 1.0 * p1) / (p0 + p1),
              1e-14);
  EXPECT_EQ(result.accuracy.maxLogit, 2.0);
}

TEST(Accuracy, OneKeyCountsNothing) {
  std::mt19937_64 rng(1);
  Problem problem = randomProblem(rng, FormSpec::multilinear(1), 1, {});
  Result result = solve(problem, {1, true});
  EXPECT_EQ(result.accuracy.rowA, std::vector<double>(8, 0.0));
  EXPECT_EQ(result.accuracy.rmsA, 0.0);
  EXPECT_GT(result.accuracy.maxLogit, 0.0);
}

TEST(Accuracy, EmptyRowsDoNotCount) {
  std::mt19937_64 rng(2);
  Problem problem = randomProblem(rng, FormSpec::multilinear(2), 2, {});
  problem.spec.q0 = -2; // Of 4 queries, the last 2 see keys.
  Result result = solve(problem, {1, true});
  double sum = 0.0;
  for (double a : result.accuracy.rowA)
    sum += a * a;
  EXPECT_DOUBLE_EQ(result.accuracy.rmsA, std::sqrt(sum / 4.0));
}

struct Compare : testing::Test {
  Compare() {
    std::mt19937_64 rng(11);
    Sizes sizes;
    sizes.batch = 2;
    sizes.queries = sizes.keyCount = 8;
    sizes.heads = 4;
    sizes.kvHeads = 2;
    problem = randomProblem(rng, FormSpec::determinant(), 2, sizes);
    problem.spec.q0 = -1; // Query 0 sees nothing.
    expected = solve(problem, {1, true});
    out = expected.out;
    lse = expected.lse;
  }
  Comparison judge(ElementType type = ElementType::F32) {
    return compare(type, 2, expected, out, lse);
  }
  Problem problem;
  Result expected;
  Tensor out;
  std::vector<double> lse;
};

TEST_F(Compare, AcceptsTheReference) {
  for (ElementType type : {ElementType::BF16, ElementType::F16,
                           ElementType::F32, ElementType::F64}) {
    Comparison comparison = judge(type);
    EXPECT_TRUE(comparison.pass) << comparison.message;
    EXPECT_EQ(comparison.outError, 0.0);
    EXPECT_EQ(comparison.lseError, 0.0);
    EXPECT_GT(comparison.lseBound, 0.0);
    EXPECT_EQ(comparison.message, "");
  }
}

TEST_F(Compare, AcceptsRounding) {
  for (ElementType type :
       {ElementType::BF16, ElementType::F16, ElementType::F32}) {
    for (size_t e = 0; e < out.data.size(); ++e)
      out.data[e] = roundTo(type, expected.out.data[e]);
    for (size_t r = 0; r < lse.size(); ++r)
      lse[r] = roundTo(ElementType::F32, expected.lse[r]);
    EXPECT_TRUE(judge(type).pass) << judge(type).message;
    // But not as if it were exact.
    EXPECT_FALSE(judge(ElementType::F64).pass);
  }
}

TEST_F(Compare, SeededFaultsAreRejected) {
  // Each is a mistake that a compiler could make. All change the result by
  // more than the widest bound.
  auto faulty = [&](auto change) {
    Problem wrong = problem;
    change(wrong);
    Result result = solve(wrong);
    out = result.out;
    lse = result.lse;
    Comparison comparison = judge(ElementType::BF16);
    EXPECT_NE(comparison.message, "");
    return !comparison.pass;
  };
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.scale *= 1.1; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.scale = -p.spec.scale; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.windows[1] = 3; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.bidirectional = true; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.q0 += 1; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.hi = 6; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.keyBiases = {0.5, 0.5}; }));
  EXPECT_TRUE(faulty([](Problem &p) { p.spec.valueBiases = {0.1, 0.1}; }));
  EXPECT_TRUE(faulty([](Problem &p) { std::swap(p.keys[0], p.keys[1]); }));
  EXPECT_TRUE(faulty([](Problem &p) { p.values[1] = p.values[0]; }));
  EXPECT_TRUE(
      faulty([](Problem &p) { p.spec.form = FormSpec::multilinear(2); }));
  // And no change is no fault.
  out = solve(problem).out;
  lse = solve(problem).lse;
  EXPECT_TRUE(judge(ElementType::F64).pass);
}

TEST_F(Compare, ReportsFirstNaN) {
  out.at(1, 2, 3, 0) = std::nan("");
  out.at(1, 2, 3, 1) = std::nan("");
  Comparison comparison = judge();
  EXPECT_FALSE(comparison.pass);
  EXPECT_EQ(comparison.message.find("out[1, 2, 3, 0] is nan"), 0u)
      << comparison.message;
}

TEST_F(Compare, ReportsInfinity) {
  out.at(0, 1, 0, 2) = HUGE_VAL;
  EXPECT_EQ(judge().message.find("out[0, 1, 0, 2] is inf"), 0u);
}

TEST_F(Compare, InfinityWhereTheTypeEnds) {
  expected.out.at(0, 1, 0, 2) = 1e5;
  out = expected.out;
  out.at(0, 1, 0, 2) = HUGE_VAL;
  EXPECT_TRUE(judge(ElementType::F16).pass);
  EXPECT_FALSE(judge(ElementType::BF16).pass);
  out.at(0, 1, 0, 2) = -HUGE_VAL;
  EXPECT_FALSE(judge(ElementType::F16).pass);
}

TEST_F(Compare, EmptyRowsAreExact) {
  ASSERT_EQ(lse[0], -HUGE_VAL);
  for (double wrong : {std::nan(""), -1e30, HUGE_VAL, 0.0}) {
    lse[0] = wrong;
    EXPECT_FALSE(judge(ElementType::BF16).pass) << wrong;
    EXPECT_EQ(judge().message.find("lse[0, 0, 0] is "), 0u);
  }
  lse[0] = -HUGE_VAL;
  out.at(0, 0, 0, 1) = 1e-30;
  EXPECT_NE(judge(ElementType::BF16).message.find("no tuple is allowed"),
            std::string::npos);
  out.at(0, 0, 0, 1) = -0.0;
  EXPECT_TRUE(judge(ElementType::F64).pass);
}

TEST_F(Compare, RejectsMinusInfinityElsewhere) {
  lse[1] = -HUGE_VAL;
  EXPECT_EQ(judge(ElementType::BF16).message.find("lse[0, 0, 1] is -inf"), 0u);
}

TEST_F(Compare, LseHasItsOwnBound) {
  lse[13] += 0.9e-4;
  EXPECT_TRUE(judge().pass);
  lse[13] += 0.9e-4;
  Comparison comparison = judge();
  EXPECT_FALSE(comparison.pass);
  // Row 13 is head 1, query 5.
  EXPECT_EQ(comparison.message.find("lse[0, 1, 5] is "), 0u);
  EXPECT_NEAR(comparison.lseError, 1.8e-4, 1e-8);
  EXPECT_DOUBLE_EQ(comparison.lseBound, 1e-4);
}

TEST_F(Compare, FindsTheWorstRow) {
  for (int64_t d = 0; d < 3; ++d)
    out.at(1, 6, 2, d) *= -1.0;
  Comparison comparison = judge();
  EXPECT_FALSE(comparison.pass);
  EXPECT_EQ(comparison.worstRow, (std::array<int64_t, 3>{1, 2, 6}));
  EXPECT_NEAR(comparison.worstRowError, 2.0, 1e-12);
  EXPECT_NE(comparison.message.find("furthest off: out[1, 6, 2, "),
            std::string::npos);
}

TEST_F(Compare, NonFiniteInputMakesOneHeadUnspecified) {
  problem.keys[1].at(1, 3, 0, 2) = HUGE_VAL;
  Result dirty = solve(problem, {1, true});
  EXPECT_EQ(dirty.accuracy.unspecified, (std::vector<uint8_t>{0, 0, 1, 0}));
  EXPECT_TRUE(std::isfinite(dirty.accuracy.rmsA));
  EXPECT_TRUE(std::isfinite(dirty.accuracy.maxLogit));
  // Anything goes in batch 1, heads 0 and 1, and only there.
  expected = dirty;
  out.at(1, 7, 1, 0) = std::nan("");
  EXPECT_TRUE(judge().pass) << judge().message;
  out.at(1, 7, 2, 0) = std::nan("");
  EXPECT_FALSE(judge().pass);
}

TEST_F(Compare, NonFiniteQueryMakesItsGroupUnspecified) {
  problem.query.at(0, 2, 3, 1) = std::nan(""); // Head 3 of KV head 1.
  EXPECT_EQ(solve(problem, {1, true}).accuracy.unspecified,
            (std::vector<uint8_t>{0, 1, 0, 0}));
}

TEST_F(Compare, RejectsOtherShapes) {
  out = Tensor({2, 8, 4, 2});
  EXPECT_FALSE(judge().pass);
  out = expected.out;
  lse.pop_back();
  EXPECT_FALSE(judge().pass);
  lse = expected.lse;
  expected.accuracy = Accuracy();
  EXPECT_FALSE(judge().pass);
}

TEST(CompareEmpty, NothingIsRight) {
  std::mt19937_64 rng(1);
  Sizes sizes;
  sizes.batch = 0;
  Problem problem = randomProblem(rng, FormSpec::multilinear(2), 2, sizes);
  Result result = solve(problem, {1, true});
  EXPECT_TRUE(
      compare(ElementType::F32, 2, result, result.out, result.lse).pass);
  sizes.batch = 1;
  sizes.keyCount = 0;
  problem = randomProblem(rng, FormSpec::multilinear(2), 2, sizes);
  result = solve(problem, {1, true});
  EXPECT_TRUE(
      compare(ElementType::F32, 2, result, result.out, result.lse).pass);
}

TEST(Biases, AreRoundedOnce) {
  AttentionSpec spec;
  spec.keyBiases = {0.1};
  spec.valueBiases = {0.2};
  spec.roundBiases(ElementType::F64);
  EXPECT_EQ(spec.keyBiases[0], 0.1);
  spec.roundBiases(ElementType::BF16);
  EXPECT_EQ(spec.keyBiases[0], 0.1f);
  EXPECT_EQ(spec.valueBiases[0], 0.2f);
}

} // namespace
