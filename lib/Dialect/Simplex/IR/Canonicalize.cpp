//===- Canonicalize.cpp - Canonical forms of simplex.attention ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What says nothing is left out: a clause that has its default's value, a
// window without an effect, a cast that hides an extent.
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/ShapedOpInterfaces.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace simplexir;

namespace {
/// The bound that constraint C15 puts on every extent.
constexpr int64_t kMaxExtent = (int64_t{1} << 31) - 1;
/// Constants beyond it are left alone, so that sums do not overflow.
constexpr int64_t kMaxPosition = int64_t{1} << 60;

int64_t getMax(int64_t extent) {
  return ShapedType::isDynamic(extent) ? kMaxExtent : extent;
}
int64_t getQueries(AttentionOp op) { return op.getQueryType().getDimSize(1); }

/// Sk, if the type of any key or value has it.
int64_t getLength(AttentionOp op) {
  for (OperandRange operands : {op.getKeys(), op.getValues()})
    for (Type type : operands.getTypes())
      if (int64_t extent = cast<ShapedType>(type).getDimSize(1);
          !ShapedType::isDynamic(extent))
        return extent;
  return ShapedType::kDynamic;
}

std::optional<int64_t> getConstant(Value value) {
  IntegerAttr constant;
  if (!value || !matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  int64_t number = constant.getInt();
  if (number < -kMaxPosition || number > kMaxPosition)
    return std::nullopt;
  return number;
}

/// Key 0's position.
std::optional<int64_t> getKeyPosition(AttentionOp op) {
  return op.getKeyPosition() ? getConstant(op.getKeyPosition()) : 0;
}

/// Whether `value` is the extent of dimension 1 of one of `operands`.
bool isLengthOf(Value value, ValueRange operands) {
  auto dim = value ? value.getDefiningOp<ShapedDimOpInterface>() : nullptr;
  return dim && llvm::is_contained(operands, dim.getShapedValue()) &&
         getConstantIntValue(dim.getDimension()) == 1;
}
bool isKeyLength(Value value, AttentionOp op) {
  return isLengthOf(value, op.getKeys()) || isLengthOf(value, op.getValues());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// Biases that are all zero.
struct DropZeroBiases : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    auto isZero = [](std::optional<ArrayRef<double>> biases) {
      return biases &&
             llvm::all_of(*biases, [](double bias) { return bias == 0.0; });
    };
    bool keys = isZero(op.getKeyBiases()), values = isZero(op.getValueBiases());
    if (!keys && !values)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (keys)
        op.removeKeyBiasesAttr();
      if (values)
        op.removeValueBiasesAttr();
    });
    return success();
  }
};

/// A scale that is 1/sqrt(D) to the last bit.
struct DropDefaultScale : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<APFloat> scale = op.getScale();
    double byDefault = 1.0 / std::sqrt(static_cast<double>(op.getHeadDim()));
    if (!scale || scale->convertToDouble() != byDefault)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.removeScaleAttr(); });
    return success();
  }
};

/// A window that ends beyond the first key (and the last, if bidirectional) of
/// every query is unlimited. On buffers it stays: schedules are chosen by it
/// where shapes say less.
struct DropWideWindows : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (op.isOnBuffers())
      return failure();
    int64_t queries = getMax(getQueries(op)), length = getMax(getLength(op));
    // The largest P - p and p - P of a query at P and a key at p.
    int64_t back = length - 1, ahead = queries - 1;
    if (op.getQueryPosition()) {
      auto q0 = getConstant(op.getQueryPosition()), k0 = getKeyPosition(op);
      if (!q0 || !k0)
        return failure();
      back = *q0 + queries - 1 - *k0;
      ahead = *k0 + length - 1 - *q0;
    }
    bool changed = false;
    SmallVector<int64_t> windows(op.getWindows());
    for (int64_t &window : windows) {
      if (window == 0 || window <= back ||
          (op.getBidirectional() && window <= ahead))
        continue;
      window = 0;
      changed = true;
    }
    if (!changed)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.setWindows(windows); });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Positions and range
//===----------------------------------------------------------------------===//

/// A range that holds every key.
struct DropFullRange : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getRangeBegin())
      return failure();
    std::optional<int64_t> k0 = getKeyPosition(op),
                           begin = getConstant(op.getRangeBegin()),
                           end = getConstant(op.getRangeEnd());
    if (!k0 || !begin || *begin > *k0)
      return failure();
    if (!(end && *end >= *k0 + getMax(getLength(op))) &&
        !(*k0 == 0 && isKeyLength(op.getRangeEnd(), op)))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getRangeBeginMutable().clear();
      op.getRangeEndMutable().clear();
    });
    return success();
  }
};

/// Positions by which the queries are the last ones. Only q0 - k0 matters where
/// there is no range.
struct DropDefaultPositions : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    Value query = op.getQueryPosition();
    if (!query || !isDefault(op))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getQueryPositionMutable().clear();
      op.getKeyPositionMutable().clear();
    });
    return success();
  }

private:
  static bool isDefault(AttentionOp op) {
    std::optional<int64_t> q0 = getConstant(op.getQueryPosition()),
                           k0 = getKeyPosition(op);
    if (!k0 || (op.getRangeBegin() && *k0 != 0))
      return false;
    int64_t queries = getQueries(op), length = getLength(op);
    if (q0)
      return !ShapedType::isDynamic(queries) &&
             !ShapedType::isDynamic(length) && *q0 - *k0 == length - queries;
    // The same, said in IR: the difference of the extents.
    Operation *difference = op.getQueryPosition().getDefiningOp();
    if (*k0 != 0 || !difference ||
        difference->getName().getStringRef() != "arith.subi")
      return false;
    auto isExtent = [](Value value, int64_t extent) {
      return !ShapedType::isDynamic(extent) && getConstant(value) == extent;
    };
    Value from = difference->getOperand(0), less = difference->getOperand(1);
    return (isKeyLength(from, op) || isExtent(from, length)) &&
           (isLengthOf(less, op.getQuery()) || isExtent(less, queries));
  }
};

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// Operands and results that must have one extent in a dimension each.
class Extents {
public:
  /// False where two static extents differ: a program with an error that is
  /// found when it runs, and must be found then.
  bool add(int64_t extent) {
    if (ShapedType::isDynamic(extent) || extent == known)
      return true;
    if (!ShapedType::isDynamic(known))
      return false;
    known = extent;
    return true;
  }

  int64_t get() const { return known; }

private:
  int64_t known = ShapedType::kDynamic;
};

/// Takes more static types: the source of a tensor.cast that hides an extent,
/// and results as static as the operands.
struct RefineTypes : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (op.isOnBuffers())
      return failure();
    SmallVector<Value> operands;
    bool changed = false;
    for (Value operand : op->getOperands()) {
      auto source = operand.getDefiningOp<tensor::CastOp>();
      bool folds = source && tensor::canFoldIntoConsumerOp(source);
      operands.push_back(folds ? source.getSource() : operand);
      changed |= folds;
    }
    unsigned count = op.getKeys().size();
    auto extent = [&](unsigned operand, int64_t index) {
      return cast<ShapedType>(operands[operand].getType()).getDimSize(index);
    };
    RankedTensorType out = getResult(op, 0), lse = getResult(op, 1);
    Extents batch, queries, length;
    bool fine = true;
    for (unsigned i = 0; i <= 2 * count; ++i)
      fine &= batch.add(extent(i, 0)) && (i == 0 || length.add(extent(i, 1)));
    fine &= batch.add(out.getDimSize(0)) && batch.add(lse.getDimSize(0)) &&
            queries.add(extent(0, 1)) && queries.add(out.getDimSize(1)) &&
            queries.add(lse.getDimSize(2));
    if (!fine)
      return failure();

    SmallVector<Type> types{
        refine(out,
               {batch.get(), queries.get(), op.getHeads(), op.getValueDim()}),
        refine(lse, {batch.get(), op.getHeads(), queries.get()})};
    changed |= types[0] != out || types[1] != lse;
    if (!changed)
      return failure();
    auto refined =
        cast<AttentionOp>(mlir::clone(rewriter, op, types, operands));
    SmallVector<Value> results(refined.getResults());
    for (auto [result, type] : llvm::zip_equal(results, op.getResultTypes()))
      if (result.getType() != type)
        result = tensor::CastOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static RankedTensorType getResult(AttentionOp op, unsigned index) {
    return cast<RankedTensorType>(op.getResult(index).getType());
  }

  /// `type` with `extents` where it has none.
  static RankedTensorType refine(RankedTensorType type,
                                 ArrayRef<int64_t> extents) {
    SmallVector<int64_t> shape(type.getShape());
    for (auto [known, extent] : llvm::zip_equal(shape, extents))
      if (ShapedType::isDynamic(known))
        known = extent;
    return type.clone(shape);
  }
};
} // namespace

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropZeroBiases, DropDefaultScale, DropWideWindows, DropFullRange,
               DropDefaultPositions, RefineTypes>(context);
}
