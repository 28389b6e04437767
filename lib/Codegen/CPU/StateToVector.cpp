//===- StateToVector.cpp - The running state of a softmax -----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace simplexir;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// All vectors of a tile of any rank.
static void forTile(TileBuilder &b, TileType type,
                    function_ref<void(Value at)> body) {
  if (type.getShape().size() == 1)
    b.forColumns(type.getShape()[0], [&](Value at, int64_t) { body(at); });
  else
    b.forMatrix(type.getRows(), type.getColumns(),
                [&](Value row, Value column, int64_t) {
                  body(b.at(row, type.getColumns(), column));
                });
}

static void fill(TileBuilder &b, TileType type, Value tile, double value) {
  Value splat = b.splat(value);
  forTile(b, type, [&](Value at) { b.storeVector(splat, tile, at); });
}

/// exp2(from - to); 1 where they are equal (also both -inf).
static Value getRescaling(TileBuilder &b, Value from, Value to) {
  Value factor = b.exp2(b.sub(from, to));
  return b.select(b.equal(from, to), b.scalar(1), factor);
}

namespace {

struct FillPattern : TilePattern<FillOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(FillOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getResult().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, type);
    fill(b, type, result, op.getValue().convertToDouble());
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// A copy, or rounding to a narrower type.
struct CopyPattern : TilePattern<ConvertOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ConvertOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getResult().getType());
    auto from = cast<TileType>(op.getTile().getType());
    if (from.getElementType().getIntOrFloatBitWidth() <
        type.getElementType().getIntOrFloatBitWidth())
      return rewriter.notifyMatchFailure(op, "CPU tiles are only narrowed");
    TileBuilder b = getBuilder(rewriter, op.getLoc(), from);
    Value result = getScratch(op, type);
    forTile(b, type, [&](Value at) {
      b.storeVector(b.loadVector(adaptor.getTile(), at), result, at);
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct RescalePattern : TilePattern<RescaleOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(RescaleOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getResult().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, type);
    b.forRange(type.getShape()[0], 1, [&](Value row) {
      Value from = b.loadScalar(adaptor.getFrom(), row);
      Value to = b.loadScalar(adaptor.getTo(), row);
      if (!op->hasAttr(kInPlaceAttrName)) {
        scaleRow(b, type, row, getRescaling(b, from, to), adaptor.getTile(),
                 result);
        return;
      }
      // Most steps raise no maximum.
      Value changed = arith::CmpFOp::create(
          rewriter, op.getLoc(), arith::CmpFPredicate::UNE, from, to);
      scf::IfOp branch =
          scf::IfOp::create(rewriter, op.getLoc(), changed, false);
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      scaleRow(b, type, row, b.exp2(b.sub(from, to)), adaptor.getTile(),
               result);
    });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static void scaleRow(TileBuilder &b, TileType type, Value row, Value factor,
                       Value tile, Value result) {
    if (type.getShape().size() == 1) {
      b.storeScalar(b.mul(b.loadScalar(tile, row), factor), result, row);
      return;
    }
    Value wide = b.broadcast(factor);
    b.forColumns(type.getColumns(), [&](Value column, int64_t) {
      Value at = b.at(row, type.getColumns(), column);
      b.storeVector(b.mul(b.loadVector(tile, at), wide), result, at);
    });
  }
};

struct SplitPattern : TilePattern<SplitOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(SplitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> state;
    for (OpResult result : op->getResults()) {
      auto type = cast<TileType>(result.getType());
      unsigned i = result.getResultNumber();
      state.push_back(getScratch(op, type, i));
      TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
      fill(b, type, state.back(), i == 0 ? -kInfinity : 0);
    }
    TileBuilder b =
        getBuilder(rewriter, op.getLoc(), op.getMaximum().getType());
    Value begin = b.index(0), end = b.index(op.getCount()), step = b.index(1);
    scf::ForOp loop =
        scf::ForOp::create(rewriter, op.getLoc(), begin, end, step);
    // The body ends in its simplex.yield, which becomes the merge.
    rewriter.inlineBlockBefore(&op.getBody().front(),
                               loop.getBody()->getTerminator(),
                               loop.getInductionVar());
    rewriter.replaceOp(op, state);
    return success();
  }
};

/// Merges the yielded state into the split's.
struct YieldPattern : TilePattern<YieldOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(YieldOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getOperands()[2].getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    SmallVector<Value> into;
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      into.push_back(getScratch(op, operand.getType(), i));
    ValueRange from = adaptor.getOperands();
    b.forRange(type.getRows(), 1, [&](Value row) {
      Value oldMax = b.loadScalar(into[0], row);
      Value newMax = b.loadScalar(from[0], row);
      Value max = b.max(newMax, oldMax);
      Value oldFactor = getRescaling(b, oldMax, max);
      Value newFactor = getRescaling(b, newMax, max);
      b.storeScalar(max, into[0], row);
      Value sum = b.mul(b.loadScalar(from[1], row), newFactor);
      sum = b.fma(b.loadScalar(into[1], row), oldFactor, sum);
      b.storeScalar(sum, into[1], row);
      Value oldWide = b.broadcast(oldFactor), newWide = b.broadcast(newFactor);
      b.forColumns(type.getColumns(), [&](Value column, int64_t) {
        Value at = b.at(row, type.getColumns(), column);
        Value part = b.mul(b.loadVector(from[2], at), newWide);
        part = b.fma(b.loadVector(into[2], at), oldWide, part);
        b.storeVector(part, into[2], at);
      });
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct FinalizePattern : TilePattern<FinalizeOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(FinalizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getOut().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value out = getScratch(op, type, 0);
    Value lse = getScratch(op, op.getLse().getType(), 1);
    b.forRange(type.getRows(), 1, [&](Value row) {
      Value sum = b.loadScalar(adaptor.getSum(), row);
      Value maximum = b.loadScalar(adaptor.getMaximum(), row);
      Value none = b.equal(sum, b.scalar(0));
      Value one = b.scalar(1);
      Value inverse = arith::DivFOp::create(rewriter, op.getLoc(), one,
                                            b.select(none, one, sum));
      Value wide = b.broadcast(b.select(none, b.scalar(0), inverse));
      Value log =
          b.add(maximum, math::Log2Op::create(rewriter, op.getLoc(), sum));
      log = b.mul(log, b.scalar(0.69314718055994530942));
      b.storeScalar(b.select(none, b.scalar(-kInfinity), log), lse, row);
      b.forColumns(type.getColumns(), [&](Value column, int64_t) {
        Value at = b.at(row, type.getColumns(), column);
        Value vector = b.mul(b.loadVector(adaptor.getAccumulator(), at), wide);
        b.storeVector(vector, out, at);
      });
    });
    rewriter.replaceOp(op, {out, lse});
    return success();
  }
};

} // namespace

void simplexir::populateStateToVectorPatterns(const TypeConverter &converter,
                                              RewritePatternSet &patterns,
                                              const TileContext &tiles) {
  patterns.add<FillPattern, CopyPattern, RescalePattern, SplitPattern,
               YieldPattern, FinalizePattern>(converter, patterns.getContext(),
                                              tiles);
}
