//===- FormTest.cpp - Properties of the forms -----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

using namespace simplexir::reference;

namespace {

/// F at three (or more) vectors, through the combiner.
double evaluate(const FormSpec &form,
                const std::vector<std::vector<double>> &operands) {
  const int64_t dim = static_cast<int64_t>(operands[0].size());
  std::vector<const double *> pointers;
  for (size_t o = 0; o + 1 < operands.size(); ++o)
    pointers.push_back(operands[o].data());
  std::vector<double> combiner(dim);
  form.combine(pointers, dim, combiner.data());
  double sum = 0.0;
  for (int64_t d = 0; d < dim; ++d)
    sum += combiner[d] * operands.back()[d];
  return sum;
}

TEST(Form, DeterminantOfUnitVectors) {
  FormSpec form = FormSpec::determinant();
  EXPECT_EQ(evaluate(form, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}), 1.0);
  EXPECT_EQ(evaluate(form, {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}}), -1.0);
  EXPECT_EQ(evaluate(form, {{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}), 1.0);
  EXPECT_EQ(evaluate(form, {{2, 5, 7}, {2, 5, 7}, {1, 2, 3}}), 0.0);
}

TEST(Form, LeftOverDimensionsAddPlainProducts) {
  FormSpec form = FormSpec::determinant();
  // One chunk worth 1, then 2*3*5 and, at D = 5, 7*11*13.
  EXPECT_EQ(evaluate(form, {{1, 0, 0, 2}, {0, 1, 0, 3}, {0, 0, 1, 5}}), 31.0);
  EXPECT_EQ(
      evaluate(form, {{1, 0, 0, 2, 7}, {0, 1, 0, 3, 11}, {0, 0, 1, 5, 13}}),
      1032.0);
}

TEST(Form, RotatedLastKeyIsTheSameForm) {
  // Rotating every operand of a term alike only renames its components.
  FormSpec form = FormSpec::determinant(), renamed = form;
  renamed.terms[0].rotations = {0, 1, 2};
  renamed.terms[1].rotations = {1, 0, 2};
  std::mt19937_64 rng(1);
  Sizes sizes;
  sizes.dim = 8;
  Problem problem = randomProblem(rng, form, 2, sizes);
  Result expected = solve(problem);
  problem.spec.form = renamed;
  expectSame(solve(problem), expected, 1e-13);
}

TEST(Form, MagnitudesHaveNoSigns) {
  FormSpec form = FormSpec::determinant();
  const std::vector<double> q = {-1, 2, -3, -4}, a = {5, -6, 7, 2};
  std::vector<double> c(4);
  form.combineMagnitudes({q.data(), a.data()}, 4, c.data());
  EXPECT_EQ(c, (std::vector<double>{2 * 7 + 3 * 6, 3 * 5 + 1 * 7, 1 * 6 + 2 * 5,
                                    4 * 2}));
}

TEST(Form, MoreKeysThanTwo) {
  FormSpec form = FormSpec::multilinear(4);
  EXPECT_EQ(evaluate(form, {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}),
            1.0 * 3 * 5 * 7 * 9 + 2.0 * 4 * 6 * 8 * 10);
}

/// A random rotation: two Householder reflections.
void randomRotation(std::mt19937_64 &rng, double matrix[3][3]) {
  std::normal_distribution<double> normal;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      matrix[i][j] = i == j;
  for (int reflection = 0; reflection < 2; ++reflection) {
    double v[3], norm = 0.0;
    for (double &x : v) {
      x = normal(rng);
      norm += x * x;
    }
    for (int j = 0; j < 3; ++j) {
      double dot = 0.0;
      for (int i = 0; i < 3; ++i)
        dot += v[i] * matrix[i][j];
      for (int i = 0; i < 3; ++i)
        matrix[i][j] -= 2.0 * v[i] * dot / norm;
    }
  }
}

void rotateChunks(Tensor &tensor, const double matrix[3][3]) {
  const int64_t dim = tensor.shape[3];
  for (size_t row = 0; row < tensor.data.size(); row += dim)
    for (int64_t l = 0; l + 3 <= dim; l += 3) {
      double *x = tensor.data.data() + row + l, y[3] = {};
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          y[i] += matrix[i][j] * x[j];
      std::copy(y, y + 3, x);
    }
}

TEST(Form, DeterminantIsRotationInvariant) {
  std::mt19937_64 rng(7);
  for (int64_t dim : {3, 6, 7, 8, 12}) {
    Sizes sizes;
    sizes.dim = dim;
    Problem problem = randomProblem(rng, FormSpec::determinant(), 2, sizes);
    Result before = solve(problem);
    double matrix[3][3];
    randomRotation(rng, matrix);
    rotateChunks(problem.query, matrix);
    Result queryOnly = solve(problem);
    rotateChunks(problem.keys[0], matrix);
    rotateChunks(problem.keys[1], matrix);
    expectSame(solve(problem), before, 1e-11);
    // All three must turn together.
    EXPECT_NE(queryOnly.lse.back(), before.lse.back());
  }
}

TEST(Form, SwappingKeysNegatesTheDeterminant) {
  std::mt19937_64 rng(8);
  Sizes sizes;
  sizes.queries = sizes.keyCount = 7;
  Problem problem = randomProblem(rng, FormSpec::determinant(), 2, sizes);
  problem.spec.windows = {2, 5};
  problem.spec.keyBiases = {0.25, -0.5};
  problem.spec.valueBiases = {1.0, 0.0};
  Problem negated = problem;
  negated.spec.scale = -negated.spec.scale;
  std::swap(problem.keys[0], problem.keys[1]);
  std::swap(problem.values[0], problem.values[1]);
  std::swap(problem.spec.windows[0], problem.spec.windows[1]);
  std::swap(problem.spec.keyBiases[0], problem.spec.keyBiases[1]);
  std::swap(problem.spec.valueBiases[0], problem.spec.valueBiases[1]);
  expectSame(solve(problem), solve(negated), 1e-12);
}

TEST(Form, SwappingKeysKeepsTheTail) {
  // With dimensions left over, only the chunks change sign: the swapped form
  // has its terms negated, which a negative scale would not say.
  std::mt19937_64 rng(9);
  Sizes sizes;
  sizes.dim = 8;
  Problem problem = randomProblem(rng, FormSpec::determinant(), 2, sizes);
  Result before = solve(problem);
  std::swap(problem.keys[0], problem.keys[1]);
  std::swap(problem.values[0], problem.values[1]);
  for (FormTerm &term : problem.spec.form.terms)
    term.coefficient = -term.coefficient;
  expectSame(solve(problem), before, 1e-12);
}

} // namespace
