//===- ChunkedTest.cpp - The combiner in columns of #simplex.chunked ------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"
#include "simplexir/Reference/Form.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace simplexir;
using simplexir::reference::FormSpec;

namespace {

class Chunked : public testing::Test {
protected:
  Chunked() { context.loadDialect<SimplexDialect>(); }

  ChunkedAttr getLayout(const FormSpec &form, int64_t dim, size_t operand) {
    SmallVector<int64_t> rotations;
    if (operand + 1 == form.terms.front().rotations.size())
      rotations.push_back(0);
    else
      for (const reference::FormTerm &term : form.terms)
        rotations.push_back(term.rotations[operand]);
    return ChunkedAttr::get(&context, form.chunk, dim,
                            DenseI64ArrayAttr::get(&context, rotations));
  }

  std::vector<double> getRandom(int64_t count) {
    std::normal_distribution<double> normal;
    std::vector<double> numbers(count);
    for (double &number : numbers)
      number = normal(engine);
    return numbers;
  }

  /// A row in the columns of a layout.
  static std::vector<double> arrange(ChunkedAttr layout,
                                     const std::vector<double> &dims) {
    std::vector<double> columns(layout.getColumns(), 0.0);
    for (int64_t c = 0; c < layout.getColumns(); ++c)
      if (std::optional<int64_t> dim = layout.getDim(c))
        columns[c] = dims.at(*dim);
    return columns;
  }

  /// The form as kernels compute it: each term multiplies whole fragments.
  double evaluate(const FormSpec &form,
                  const std::vector<std::vector<double>> &operands) {
    auto dim = static_cast<int64_t>(operands[0].size());
    size_t last = operands.size() - 1;
    ChunkedAttr lastLayout = getLayout(form, dim, last);
    std::vector<double> lastKey = arrange(lastLayout, operands[last]);
    double sum = 0;
    for (int64_t c = 0; c < dim; ++c)
      for (size_t t = 0; t < form.terms.size(); ++t) {
        bool leftOver = c >= lastLayout.getLeftOverBegin();
        double product = t == 0 && leftOver ? 1 : form.terms[t].coefficient;
        for (size_t o = 0; o < last; ++o) {
          ChunkedAttr layout = getLayout(form, dim, o);
          int64_t from = layout.getFragment(t, c / 8) * 8 + c % 8;
          product *= arrange(layout, operands[o]).at(from);
        }
        sum += product * lastKey.at(c);
      }
    return sum;
  }

  void expectFormOverColumns(const FormSpec &form, int64_t dim) {
    SCOPED_TRACE("dim " + std::to_string(dim));
    std::vector<std::vector<double>> operands;
    std::vector<const double *> pointers;
    for (size_t o = 0; o < form.terms.front().rotations.size(); ++o)
      operands.push_back(getRandom(dim));
    for (size_t o = 0; o + 1 < operands.size(); ++o)
      pointers.push_back(operands[o].data());
    std::vector<double> combiner(dim);
    form.combine(pointers, dim, combiner.data());
    double expected = 0;
    for (int64_t d = 0; d < dim; ++d)
      expected += combiner[d] * operands.back()[d];
    EXPECT_NEAR(evaluate(form, operands), expected, 1e-9);
  }

  MLIRContext context;
  std::mt19937_64 engine{1};
};

TEST_F(Chunked, DeterminantOverColumns) {
  FormSpec form = FormSpec::determinant(), reversed = form;
  for (reference::FormTerm &term : reversed.terms)
    term.coefficient = -term.coefficient;
  for (int64_t dim = 3; dim <= 130; ++dim) {
    expectFormOverColumns(form, dim);
    expectFormOverColumns(reversed, dim);
  }
}

TEST_F(Chunked, AnyFormOverColumns) {
  FormSpec form;
  form.chunk = 4;
  form.terms = {{2, {3, 1, 2, 0}}, {-1, {0, 0, 1, 0}}, {0.5, {1, 1, 3, 0}}};
  for (int64_t dim = 1; dim <= 100; ++dim)
    expectFormOverColumns(form, dim);
  for (int keys = 1; keys <= 4; ++keys)
    for (int64_t dim : {1, 7, 8, 9, 64})
      expectFormOverColumns(FormSpec::multilinear(keys), dim);
}

TEST_F(Chunked, OperandsOfTheDeterminant) {
  auto form = cast<FormAttrInterface>(
      Attribute(DeterminantAttr::get(&context, /*reversed=*/false)));
  FormSpec spec = FormSpec::determinant();
  for (size_t operand : {0, 1, 2})
    EXPECT_EQ(ChunkedAttr::get(form, 3, 128, operand),
              getLayout(spec, 128, operand));
  auto getColumns = [&](int64_t dim, int64_t operand) {
    return ChunkedAttr::get(form, 3, dim, operand).getColumns();
  };
  EXPECT_EQ(getColumns(128, 2), 128);
  EXPECT_EQ(getColumns(128, 0), 144);
  EXPECT_EQ(getColumns(96, 2), 96);
  EXPECT_EQ(getColumns(96, 1), 96);
  EXPECT_EQ(getColumns(64, 2), 64);
  EXPECT_EQ(getColumns(64, 1), 80);
  EXPECT_EQ(getColumns(7, 2), 16);
  EXPECT_EQ(getColumns(7, 0), 16);
}

// What lets a thread arrange a half block, or the rest, in place, and leave the
// last key's rest alone.
TEST_F(Chunked, DimsStayInTheirHalfBlock) {
  for (int64_t dim = 3; dim <= 130; ++dim)
    for (size_t operand : {0, 1, 2}) {
      ChunkedAttr layout = getLayout(FormSpec::determinant(), dim, operand);
      int64_t begin = layout.getRestBegin(), width = layout.getRestColumns();
      for (int64_t c = 0; c < begin; ++c)
        EXPECT_EQ(*layout.getDim(c) / 24, c / 24);
      for (int64_t c = begin; c < layout.getColumns(); ++c) {
        std::optional<int64_t> found = layout.getDim(c);
        int64_t copy =
            width == 0 ? layout.getRotations().size() : (c - begin) / width;
        bool inCopy = copy < layout.getRotations().size();
        // Dims are a prefix of a copy: biases are added to no others.
        EXPECT_EQ(found.has_value(), inCopy && c < layout.getCopyEnd(copy));
        EXPECT_GE(found.value_or(begin), begin);
        EXPECT_TRUE(operand != 2 || found.value_or(c) == c);
      }
    }
}

} // namespace
