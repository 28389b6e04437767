//===- ConvertSoftmax.cpp - Softmax ---------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include <limits>

using namespace mlir;
using namespace simplexir;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The scale of a row_max or exp, times its multiplier.
template <typename OpT, typename Adaptor>
Value getScale(FragmentBuilder &b, OpT op, Adaptor adaptor, Type element) {
  Value scale = b.floating(element, op.getScale().convertToDouble());
  if (!op.getMultiplier())
    return scale;
  return arith::MulFOp::create(b, scale,
                               llvm::getSingleElement(adaptor.getMultiplier()));
}

struct FillPattern : TilePattern<FillOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(FillOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    SmallVector<Value> results;
    for (Type type : types) {
      auto vector = cast<VectorType>(type);
      Attribute value = b.getFloatAttr(vector.getElementType(),
                                       op.getValue().convertToDouble());
      results.push_back(
          arith::ConstantOp::create(b, DenseElementsAttr::get(vector, value)));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct ConvertPattern : TilePattern<ConvertOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ConvertOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    Type element = cast<TileType>(op.getType()).getElementType();
    SmallVector<Value> results;
    for (Value fragment : adaptor.getTile())
      results.push_back(b.convert(fragment, element));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct RowMaxPattern : TilePattern<RowMaxOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RowMaxOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    int64_t columns = getColumnFragments(op.getLogits().getType());
    Type element = cast<TileType>(op.getType()).getElementType();
    Value scale = getScale(b, op, adaptor, element);
    SmallVector<Value> results;
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      Value result = adaptor.getRunning()[m];
      for (int64_t half : {0, 1}) {
        Value maximum;
        for (int64_t c = 0; c < columns; ++c) {
          Value pair = b.extract(adaptor.getLogits()[m * columns + c], half);
          for (int64_t i : {0, 1}) {
            Value value = b.extract(pair, i);
            maximum =
                maximum ? arith::MaxNumFOp::create(b, maximum, value) : value;
          }
        }
        maximum = b.reduceQuad(maximum, /*isMax=*/true);
        maximum = arith::MulFOp::create(b, maximum, scale);
        maximum = arith::MaxNumFOp::create(b, maximum, b.extract(result, half));
        result = b.insert(maximum, result, half);
      }
      results.push_back(result);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct ExpPattern : TilePattern<ExpOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ExpOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getType());
    int64_t columns = getColumnFragments(type);
    Value scale = getScale(b, op, adaptor, type.getElementType());
    SmallVector<Value> results(adaptor.getLogits());
    for (int64_t m = 0; m < getRowFragments(); ++m)
      for (int64_t half : {0, 1}) {
        Value maximum =
            b.replaceInfinity(b.extract(adaptor.getMaximum()[m], half));
        Value shift = arith::NegFOp::create(b, maximum);
        for (int64_t c = 0; c < columns; ++c) {
          Value &fragment = results[m * columns + c];
          Value pair = b.extract(fragment, half);
          for (int64_t i : {0, 1}) {
            Value power =
                math::FmaOp::create(b, b.extract(pair, i), scale, shift);
            pair = b.insert(emitExp2(b, power), pair, i);
          }
          fragment = b.insert(pair, fragment, half);
        }
      }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// For each row of a tile, the sum over the columns that this thread holds in
/// fragment row `m`, half `half`.
Value sumColumns(FragmentBuilder &b, ValueRange tile, int64_t columns,
                 int64_t m, int64_t half, Type element) {
  Value sum;
  for (Value fragment : tile.slice(m * columns, columns)) {
    Value pair = b.convert(b.extract(fragment, half), element);
    sum = sum ? arith::AddFOp::create(b, sum, pair).getResult() : pair;
  }
  return arith::AddFOp::create(b, b.extract(sum, 0), b.extract(sum, 1));
}

/// Adds to each of the running sums what `emitSum` gives for its row.
SmallVector<Value>
addToRows(FragmentBuilder &b, ValueRange running,
          llvm::function_ref<Value(int64_t m, int64_t half)> emitSum) {
  SmallVector<Value> results;
  for (auto [m, result] : llvm::enumerate(running)) {
    Value row = result;
    for (int64_t half : {0, 1}) {
      Value sum = emitSum(static_cast<int64_t>(m), half);
      sum = arith::AddFOp::create(b, sum, b.extract(row, half));
      row = b.insert(sum, row, half);
    }
    results.push_back(row);
  }
  return results;
}

struct RowSumPattern : TilePattern<RowSumOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RowSumOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    int64_t columns = getColumnFragments(op.getTile().getType());
    Type element = cast<TileType>(op.getType()).getElementType();
    double factor = op.getFactor().convertToDouble();
    auto results =
        addToRows(b, adaptor.getRunning(), [&](int64_t m, int64_t half) {
          Value total = b.reduceQuad(
              sumColumns(b, adaptor.getTile(), columns, m, half, element),
              /*isMax=*/false);
          if (factor != 1)
            total =
                arith::MulFOp::create(b, total, b.floating(element, factor));
          return total;
        });
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct RowPartialPattern : TilePattern<RowPartialOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RowPartialOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    int64_t columns = getColumnFragments(op.getTile().getType());
    Type element = cast<TileType>(op.getType()).getElementType();
    auto results =
        addToRows(b, adaptor.getRunning(), [&](int64_t m, int64_t half) {
          return sumColumns(b, adaptor.getTile(), columns, m, half, element);
        });
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct RowReducePattern : TilePattern<RowReduceOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RowReduceOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> results;
    for (Value part : adaptor.getPartial()) {
      for (int64_t half : {0, 1})
        part = b.insert(b.reduceQuad(b.extract(part, half), /*isMax=*/false),
                        part, half);
      results.push_back(part);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};
} // namespace

void simplexir::populateSoftmaxPatterns(const FragmentConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<ConvertPattern, ExpPattern, FillPattern, RowMaxPattern,
               RowPartialPattern, RowReducePattern, RowSumPattern>(
      converter, patterns.getContext());
}
