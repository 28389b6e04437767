//===- MathematicsTest.cpp - What the mathematics promises ------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Identities of the operation, on compiled CPU kernels: no reference is asked.
//
//===----------------------------------------------------------------------===//

#include "Case.h"
#include "Execution.h"
#include "Memory.h"
#include "Tool.h"

#include "mlir/Parser/Parser.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>

using namespace simplexir;
using sweep::Case;

namespace {

using Numbers = std::vector<double>;
struct Output {
  Numbers out, lse;
};

/// Arrays in argument order: [batch, sequence, heads, dim] each.
Output run(const Case &c, const std::vector<Numbers> &arrays) {
  static ToolContext context;
  run::Memory memory(/*gpu=*/false, /*device=*/0);
  llvm::cantFail(memory.open());
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(c.getModule(), &context.get());
  EXPECT_TRUE(module) << c.getModule();
  std::vector<run::Value> inputs = c.getInputs();
  for (size_t i = 0; i < arrays.size(); ++i)
    inputs[i] = run::makeValue(inputs[i].parameter, inputs[i].shape, arrays[i]);
  run::Execution execution(memory, c.getResults());
  llvm::cantFail(execution.compile(*module, "attention", "native", ""));
  llvm::cantFail(execution.setInputs(inputs));
  llvm::cantFail(execution.call());
  std::vector<run::Value> results = llvm::cantFail(execution.getResults());
  execution.release();
  return {run::toDoubles(results[0]), run::toDoubles(results[1])};
}

std::vector<Numbers> getArrays(const Case &c) {
  std::vector<Numbers> arrays;
  for (const run::Value &input : c.getInputs())
    arrays.push_back(run::toDoubles(input));
  return arrays;
}

double getDistance(const Numbers &a, const Numbers &b) {
  double distance = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    distance += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(distance / norm);
}

double getLargestDifference(const Numbers &a, const Numbers &b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

Case makeDeterminant() {
  Case c;
  c.determinant = true;
  c.element = reference::ElementType::F64;
  c.windows = {5, 9};
  c.heads = 4, c.kvHeads = 2, c.dim = 12, c.valueDim = 6;
  c.batch = 2, c.queries = 11, c.length = 17;
  c.seed = 7;
  return c;
}

TEST(Mathematics, OrderTwoIsSoftmaxAttention) {
  Case c;
  c.order = 2;
  c.element = reference::ElementType::F64;
  c.windows = {0};
  c.heads = 4, c.kvHeads = 2, c.dim = 16, c.valueDim = 8;
  c.batch = 2, c.queries = 13, c.length = 19;
  c.seed = 3;
  std::vector<Numbers> arrays = getArrays(c);
  Output output = run(c, arrays);
  // softmax(q k^T / sqrt(D)) v, causal, the queries last.
  Numbers out(output.out.size()), lse(output.lse.size());
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t h = 0; h < c.heads; ++h)
      for (int64_t i = 0; i < c.queries; ++i) {
        int64_t g = h / 2, allowed = c.length - c.queries + i + 1;
        Numbers weights(allowed);
        double sum = 0;
        for (int64_t j = 0; j < allowed; ++j) {
          double logit = 0;
          for (int64_t d = 0; d < 16; ++d)
            logit += arrays[0][((b * c.queries + i) * 4 + h) * 16 + d] *
                     arrays[1][((b * c.length + j) * 2 + g) * 16 + d];
          sum += weights[j] = std::exp(logit / 4);
        }
        for (int64_t d = 0; d < 8; ++d) {
          double &element = out[((b * c.queries + i) * 4 + h) * 8 + d];
          for (int64_t j = 0; j < allowed; ++j)
            element += weights[j] / sum *
                       arrays[2][((b * c.length + j) * 2 + g) * 8 + d];
        }
        lse[(b * 4 + h) * c.queries + i] = std::log(sum);
      }
  EXPECT_LT(getDistance(output.out, out), 1e-11);
  EXPECT_LT(getLargestDifference(output.lse, lse), 1e-9);
}

/// `matrix` applied to every 3-chunk.
void transform(Numbers &array, const std::array<double, 9> &matrix) {
  for (size_t at = 0; at < array.size(); at += 3) {
    const double x = array[at], y = array[at + 1], z = array[at + 2];
    for (int row = 0; row < 3; ++row)
      array[at + row] = matrix[3 * row] * x + matrix[3 * row + 1] * y +
                        matrix[3 * row + 2] * z;
  }
}

TEST(Mathematics, DeterminantIsRotationInvariant) {
  Case c = makeDeterminant();
  std::vector<Numbers> arrays = getArrays(c);
  Output before = run(c, arrays);
  // A rotation about each axis in turn.
  const double a = std::cos(0.7), b = std::sin(0.7), d = std::cos(1.9),
               e = std::sin(1.9);
  for (const std::array<double, 9> &rotation :
       {std::array<double, 9>{a, -b, 0, b, a, 0, 0, 0, 1},
        std::array<double, 9>{1, 0, 0, 0, d, -e, 0, e, d}})
    for (int i = 0; i < 3; ++i)
      transform(arrays[i], rotation);
  Output after = run(c, arrays);
  EXPECT_LT(getDistance(after.out, before.out), 1e-10);
  EXPECT_LT(getLargestDifference(after.lse, before.lse), 1e-10);
  // A rotation of the query alone is another attention.
  transform(arrays[0], {a, -b, 0, b, a, 0, 0, 0, 1});
  EXPECT_GT(getDistance(run(c, arrays).out, before.out), 1e-2);
  // The multilinear form has no such invariance.
  c.determinant = false;
  Output plain = run(c, getArrays(c)), rotated = run(c, arrays);
  EXPECT_GT(getDistance(rotated.out, plain.out), 1e-2);
}

TEST(Mathematics, SwappingKeysFlipsTheDeterminant) {
  Case c = makeDeterminant();
  c.scale = 0.4;
  std::vector<Numbers> arrays = getArrays(c);
  Output before = run(c, arrays);
  std::swap(c.windows[0], c.windows[1]);
  std::swap(arrays[1], arrays[2]);
  std::swap(arrays[3], arrays[4]);
  EXPECT_GT(getDistance(run(c, arrays).out, before.out), 1e-2);
  c.scale = -0.4;
  Output after = run(c, arrays);
  EXPECT_LT(getDistance(after.out, before.out), 1e-11);
  EXPECT_LT(getLargestDifference(after.lse, before.lse), 1e-11);
}

TEST(Mathematics, DeterminantOfEqualKeysIsZero) {
  Case c = makeDeterminant();
  c.element = reference::ElementType::F32;
  c.contents = sweep::Contents::Huge; // terms of up to 1e8
  c.windows = {1, 1};
  c.sharedKeys = true;
  c.scale = 1;
  for (double lse : run(c, getArrays(c)).lse)
    EXPECT_LT(std::abs(lse), 1e-6);
  // With biases a row's only logit is det[q; k; 1] (b2 - b1) + det[q; 1; k] 0.
  c.keyBiases = {0, 0.5};
  std::vector<Numbers> arrays = getArrays(c);
  Numbers lse = run(c, arrays).lse;
  const Numbers &q = arrays[0], &k = arrays[1];
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t h = 0; h < c.heads; ++h)
      for (int64_t i = 0; i < c.queries; ++i) {
        const double *x = &q[((b * c.queries + i) * c.heads + h) * c.dim];
        int64_t key = i + c.length - c.queries;
        const double *y =
            &k[((b * c.length + key) * c.kvHeads + h / 2) * c.dim];
        double logit = 0;
        for (int64_t d = 0; d < c.dim; d += 3)
          for (int64_t j = 0; j < 3; ++j)
            logit += 0.5 * (x[d + (j + 1) % 3] * y[d + (j + 2) % 3] -
                            x[d + (j + 2) % 3] * y[d + (j + 1) % 3]);
        double bound = 1e-4 * std::max(1.0, std::abs(logit) / 16);
        EXPECT_NEAR(lse[(b * c.heads + h) * c.queries + i], logit, bound);
      }
}

TEST(Mathematics, SwappingKeysKeepsTheMultilinearForm) {
  Case c = makeDeterminant();
  c.determinant = false;
  std::vector<Numbers> arrays = getArrays(c);
  Output before = run(c, arrays);
  std::swap(c.windows[0], c.windows[1]);
  std::swap(arrays[1], arrays[2]);
  std::swap(arrays[3], arrays[4]);
  EXPECT_LT(getDistance(run(c, arrays).out, before.out), 1e-11);
}

} // namespace
