//===- SoftmaxToVector.cpp - Logits to probabilities ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace simplexir;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

struct MaskPattern : TilePattern<MaskOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(MaskOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getSkew() != 0)
      return op.emitOpError("with 'skew' is for warpgroup products");
    auto type = cast<TileType>(op.getResult().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, type);
    b.forRange(type.getRows(), 1, [&](Value row) {
      auto [low, high] = getColumnRange(b, op, adaptor, row, type.getColumns());
      maskRow(b, adaptor.getLogits(), result, type, row, low, high);
    });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// [first, last) of the keys at a window's distance from `position`; a null
  /// value where there is no limit.
  static std::pair<Value, Value> getWindow(TileBuilder &b, Value position,
                                           int64_t window, bool both) {
    Value low, high;
    if (window)
      low = b.addIndex(position, 1 - window);
    if (!both)
      high = b.addIndex(position, 1);
    else if (window)
      high = b.addIndex(position, window);
    return {low, high};
  }

  /// The columns of a row that stay: within [0, columns], perhaps empty.
  static std::pair<Value, Value> getColumnRange(TileBuilder &b, MaskOp op,
                                                OpAdaptor adaptor, Value row,
                                                int64_t columns) {
    OpBuilder &builder = b.builder;
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      return arith::CmpIOp::create(builder, b.loc, predicate, x, y);
    };
    Value query = adaptor.getPosition();
    if (op.getHeads() == 1) {
      query = b.addIndex(query, row);
    } else {
      Value heads = b.index(op.getHeads());
      query =
          b.addIndex(query, arith::DivUIOp::create(builder, b.loc, row, heads));
    }
    ArrayRef<int64_t> windows = op.getWindows();
    auto [low, high] =
        getWindow(b, query, windows.back(), op.getBidirectional());
    Value begin = adaptor.getBegin(), end = adaptor.getEnd();
    low =
        low ? Value(arith::MaxSIOp::create(builder, b.loc, low, begin)) : begin;
    high =
        high ? Value(arith::MinSIOp::create(builder, b.loc, high, end)) : end;
    auto clamp = [&](Value at) -> Value {
      at = arith::SubIOp::create(builder, b.loc, at, adaptor.getColumn());
      at = arith::MaxSIOp::create(builder, b.loc, at, b.index(0));
      return arith::MinSIOp::create(builder, b.loc, at, b.index(columns));
    };
    low = clamp(low);
    high = clamp(high);
    for (auto [i, key] : llvm::enumerate(adaptor.getOuter())) {
      auto [first, last] =
          getWindow(b, query, windows[i], op.getBidirectional());
      if (first)
        high = b.select(compare(arith::CmpIPredicate::sge, key, first), high,
                        b.index(0));
      if (last)
        high = b.select(compare(arith::CmpIPredicate::slt, key, last), high,
                        b.index(0));
    }
    return {low, high};
  }

  static void maskRow(TileBuilder &b, Value logits, Value result, TileType type,
                      Value row, Value low, Value high) {
    OpBuilder &builder = b.builder;
    // Lane numbers in integers as wide as the elements.
    Type integer =
        builder.getIntegerType(type.getElementType().getIntOrFloatBitWidth());
    auto vector = VectorType::get(b.getLanes(), integer);
    SmallVector<Attribute> lanes;
    for (int64_t lane = 0; lane < b.getLanes(); ++lane)
      lanes.push_back(builder.getIntegerAttr(integer, lane));
    Value iota = arith::ConstantOp::create(
        builder, b.loc, DenseElementsAttr::get(vector, lanes));
    auto splat = [&](Value at) -> Value {
      at = arith::IndexCastOp::create(builder, b.loc, integer, at);
      return vector::BroadcastOp::create(builder, b.loc, vector, at);
    };
    Value first = splat(low), last = splat(high);
    b.forColumns(type.getColumns(), [&](Value column, int64_t) {
      Value number = arith::AddIOp::create(builder, b.loc, splat(column), iota);
      Value from = arith::CmpIOp::create(
          builder, b.loc, arith::CmpIPredicate::sge, number, first);
      Value to = arith::CmpIOp::create(builder, b.loc,
                                       arith::CmpIPredicate::slt, number, last);
      Value in = arith::AndIOp::create(builder, b.loc, from, to);
      Value at = b.at(row, type.getColumns(), column);
      Value masked =
          b.select(in, b.loadVector(logits, at), b.splat(-kInfinity));
      b.storeVector(masked, result, at);
    });
  }
};

/// The lanes of a row's vector that are columns; `rest` in the others.
Value loadColumns(TileBuilder &b, Value tile, Value at, int64_t valid,
                  double rest) {
  Value vector = b.loadVector(tile, at);
  if (valid == b.getLanes())
    return vector;
  return b.select(b.prefixMask(valid), vector, b.splat(rest));
}

constexpr StringLiteral kWidened = "tiles are wide enough for every product "
                                   "on the CPU: a multiplier has no use";

struct RowMaxPattern : TilePattern<RowMaxOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(RowMaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getLogits().getType());
    double scale = op.getScale().convertToDouble();
    if (scale < 0)
      return rewriter.notifyMatchFailure(op, "the scale's sign belongs to the "
                                             "combiner's factor");
    if (op.getMultiplier())
      return rewriter.notifyMatchFailure(op, kWidened);
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, op.getResult().getType());
    auto larger = [&](Value x, Value y) { return b.max(x, y); };
    b.forRange(type.getRows(), 1, [&](Value row) {
      Value maximum = b.reduceRow(
          type.getColumns(), b.splat(-kInfinity),
          [&](Value column, int64_t valid) {
            return loadColumns(b, adaptor.getLogits(),
                               b.at(row, type.getColumns(), column), valid,
                               -kInfinity);
          },
          larger);
      // Not -inf * 0.
      Value none = b.equal(maximum, b.scalar(-kInfinity));
      Value scaled = b.select(none, maximum, b.mul(maximum, b.scalar(scale)));
      Value running = b.loadScalar(adaptor.getRunning(), row);
      b.storeScalar(b.max(scaled, running), result, row);
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ExpPattern : TilePattern<ExpOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ExpOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getMultiplier())
      return rewriter.notifyMatchFailure(op, kWidened);
    auto type = cast<TileType>(op.getResult().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, type);
    Value scale = b.splat(op.getScale().convertToDouble());
    b.forRange(type.getRows(), 1, [&](Value row) {
      Value maximum = b.loadScalar(adaptor.getMaximum(), row);
      Value shift = b.broadcast(b.sub(b.scalar(0), maximum));
      b.forColumns(type.getColumns(), [&](Value column, int64_t valid) {
        Value at = b.at(row, type.getColumns(), column);
        Value logits =
            loadColumns(b, adaptor.getLogits(), at, valid, -kInfinity);
        Value power = b.exp2(b.fma(logits, scale, shift));
        Value out = b.equal(logits, b.splat(-kInfinity));
        b.storeVector(b.select(out, b.splat(0), power), result, at);
      });
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct RowSumPattern : TilePattern<RowSumOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(RowSumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getTile().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), op.getResult().getType());
    Value result = getScratch(op, op.getResult().getType());
    auto add = [&](Value x, Value y) { return b.add(x, y); };
    b.forRange(type.getRows(), 1, [&](Value row) {
      Value sum = b.reduceRow(
          type.getColumns(), b.splat(0),
          [&](Value column, int64_t valid) {
            return loadColumns(b, adaptor.getTile(),
                               b.at(row, type.getColumns(), column), valid, 0);
          },
          add);
      Value factor = b.scalar(op.getFactor().convertToDouble());
      Value running = b.loadScalar(adaptor.getRunning(), row);
      b.storeScalar(b.fma(sum, factor, running), result, row);
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void simplexir::populateSoftmaxToVectorPatterns(const TypeConverter &converter,
                                                RewritePatternSet &patterns,
                                                const TileContext &tiles) {
  patterns.add<MaskPattern, RowMaxPattern, ExpPattern, RowSumPattern>(
      converter, patterns.getContext(), tiles);
}
