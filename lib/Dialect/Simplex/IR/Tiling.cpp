//===- Tiling.cpp - Tiles of simplex.attention ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The iteration domain is (batch, key head, query), all parallel. A key head
// stands for its whole group of query heads, so that a tile is an attention
// with the same group size. Keys are not cut along their length: the tile says
// where its queries stand by `positions`, and windows do the rest.
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/Tiling.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace simplexir;

namespace {
using Sizes = SmallVector<OpFoldResult>;

/// A dimension of the iteration domain.
enum { kBatch, kKeyHead, kQuery };

OpFoldResult multiply(OpBuilder &b, Location loc, OpFoldResult value,
                      int64_t factor) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, b.getAffineDimExpr(0) * factor, {value});
}

/// `value` / `divisor`, which is known to be exact.
OpFoldResult divide(OpBuilder &b, Location loc, OpFoldResult value,
                    int64_t divisor) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, b.getAffineDimExpr(0).floorDiv(divisor), {value});
}

/// Whether `value` is a multiple of `factor` by its own form: a constant, an
/// affine.apply, or the variable of a loop that steps by a multiple.
bool isMultipleOf(OpFoldResult value, int64_t factor) {
  if (factor == 1)
    return true;
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant % factor == 0;
  auto dynamic = dyn_cast<Value>(value);
  if (auto apply = dynamic.getDefiningOp<affine::AffineApplyOp>()) {
    AffineMap map = apply.getAffineMap();
    // Operands that are multiples themselves may stand for factor * operand.
    SmallVector<AffineExpr> dims, symbols;
    auto scale = [&](AffineExpr expr, Value operand) {
      return isMultipleOf(operand, factor) ? expr * factor : expr;
    };
    for (unsigned i = 0; i < map.getNumDims(); ++i)
      dims.push_back(scale(getAffineDimExpr(i, apply.getContext()),
                           apply.getDimOperands()[i]));
    for (unsigned i = 0; i < map.getNumSymbols(); ++i)
      symbols.push_back(scale(getAffineSymbolExpr(i, apply.getContext()),
                              apply.getSymbolOperands()[i]));
    return map.getResult(0)
        .replaceDimsAndSymbols(dims, symbols)
        .isMultipleOf(factor);
  }
  auto argument = dyn_cast<BlockArgument>(dynamic);
  auto loop =
      argument
          ? dyn_cast<LoopLikeOpInterface>(argument.getOwner()->getParentOp())
          : nullptr;
  if (!loop)
    return false;
  auto variables = loop.getLoopInductionVars();
  auto lower = loop.getLoopLowerBounds(), steps = loop.getLoopSteps();
  if (!variables || !lower || !steps)
    return false;
  for (auto [variable, from, step] : llvm::zip(*variables, *lower, *steps))
    if (variable == argument)
      return isMultipleOf(from, factor) && isMultipleOf(step, factor);
  return false;
}

/// A part of `source`. A slice of nothing is not allowed, even an empty one.
Value slice(OpBuilder &b, Location loc, Value source, const Sizes &offsets,
            const Sizes &sizes) {
  auto type = cast<RankedTensorType>(source.getType());
  if (llvm::is_contained(type.getShape(), 0))
    return tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  Sizes strides(offsets.size(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, source, offsets, sizes,
                                        strides);
}

/// A constant as an attribute, so that the slice's type is static.
OpFoldResult simplify(OpBuilder &b, OpFoldResult value) {
  std::optional<int64_t> constant = getConstantIntValue(value);
  return constant ? OpFoldResult(b.getIndexAttr(*constant)) : value;
}

/// Where a tile of the iteration domain lies in result 0 (out) or 1 (lse).
void getResultTile(AttentionOp op, OpBuilder &b, unsigned result,
                   ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                   Sizes &resultOffsets, Sizes &resultSizes) {
  int64_t group = op.getGroupSize();
  OpFoldResult head = multiply(b, op.getLoc(), offsets[kKeyHead], group);
  OpFoldResult heads = multiply(b, op.getLoc(), sizes[kKeyHead], group);
  if (result == 0) {
    resultOffsets = {offsets[kBatch], offsets[kQuery], head, b.getIndexAttr(0)};
    resultSizes = {sizes[kBatch], sizes[kQuery], heads,
                   b.getIndexAttr(op.getValueDim())};
  } else {
    resultOffsets = {offsets[kBatch], head, offsets[kQuery]};
    resultSizes = {sizes[kBatch], heads, sizes[kQuery]};
  }
}

/// The inverse: fails for a tile that cuts a group of heads or the head dim, or
/// that may do so.
LogicalResult getDomainTile(AttentionOp op, OpBuilder &b, unsigned result,
                            ArrayRef<OpFoldResult> offsets,
                            ArrayRef<OpFoldResult> sizes, Sizes &domainOffsets,
                            Sizes &domainSizes) {
  int64_t group = op.getGroupSize();
  unsigned head = result == 0 ? 2 : 1, query = result == 0 ? 1 : 2;
  std::optional<int64_t> heads = getConstantIntValue(sizes[head]);
  if (!heads || *heads % group != 0 || !isMultipleOf(offsets[head], group))
    return failure();
  if (result == 0 && getConstantIntValue(sizes[3]) != op.getValueDim())
    return failure();
  domainOffsets = {offsets[0], divide(b, op.getLoc(), offsets[head], group),
                   offsets[query]};
  domainSizes = {sizes[0], b.getIndexAttr(*heads / group), sizes[query]};
  return success();
}

FailureOr<TilingResult> tile(AttentionOp op, OpBuilder &b,
                             ArrayRef<OpFoldResult> offsets,
                             ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  if (op.isOnBuffers()) {
    op.emitOpError("cannot be tiled on memrefs, expected tensors");
    return failure();
  }
  OpFoldResult zero = b.getIndexAttr(0);
  std::optional<int64_t> keyHeads = getConstantIntValue(sizes[kKeyHead]);
  if (!keyHeads) {
    op.emitOpError("cannot be tiled by a number of key heads that is not "
                   "constant: expected a tile size that divides ")
        << op.getKeyHeads();
    return failure();
  }

  TilingResult result;
  auto cut = [&](Value source, const Sizes &from, const Sizes &extents) {
    Value part = slice(b, loc, source, from, extents);
    if (auto made = part.getDefiningOp<tensor::ExtractSliceOp>())
      result.generatedSlices.push_back(made);
    return part;
  };
  OpFoldResult batch = simplify(b, sizes[kBatch]),
               queries = simplify(b, sizes[kQuery]);
  int64_t group = op.getGroupSize();
  Value query = cut(op.getQuery(),
                    {offsets[kBatch], offsets[kQuery],
                     multiply(b, loc, offsets[kKeyHead], group), zero},
                    {batch, queries, b.getIndexAttr(*keyHeads * group),
                     b.getIndexAttr(op.getHeadDim())});
  // One value may be several keys: one slice of it then.
  DenseMap<Value, Value> slices;
  auto cutAll = [&](ValueRange from) {
    SmallVector<Value> parts;
    for (Value source : from) {
      Value &part = slices[source];
      if (!part)
        part = cut(source, {offsets[kBatch], zero, offsets[kKeyHead], zero},
                   {batch, tensor::getMixedSize(b, loc, source, 1),
                    b.getIndexAttr(*keyHeads),
                    tensor::getMixedSize(b, loc, source, 3)});
      parts.push_back(part);
    }
    return parts;
  };
  SmallVector<Value> keys = cutAll(op.getKeys()),
                     values = cutAll(op.getValues());

  // By default the queries are the last ones: of all, not of this tile.
  auto toValue = [&](OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, loc, value);
  };
  Value queryPosition = op.getQueryPosition(),
        keyPosition = op.getKeyPosition();
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1),
             d2 = b.getAffineDimExpr(2);
  if (queryPosition) {
    queryPosition = toValue(affine::makeComposedFoldedAffineApply(
        b, loc, d0 + d1, {queryPosition, offsets[kQuery]}));
  } else {
    queryPosition = toValue(affine::makeComposedFoldedAffineApply(
        b, loc, d0 - d1 + d2,
        {tensor::getMixedSize(b, loc, op.getKeys()[0], 1),
         tensor::getMixedSize(b, loc, op.getQuery(), 1), offsets[kQuery]}));
    keyPosition = arith::ConstantIndexOp::create(b, loc, 0);
  }

  SmallVector<Type> types;
  auto part = [](Value source) {
    return cast<RankedTensorType>(source.getType()).getShape();
  };
  ArrayRef<int64_t> q = part(query);
  types.push_back(RankedTensorType::get({q[0], q[1], q[2], op.getValueDim()},
                                        op.getElementType()));
  types.push_back(
      RankedTensorType::get({q[0], q[2], q[1]}, op.getAccumulatorType()));
  auto tiled = AttentionOp::create(
      b, loc, types, query, keys, values, queryPosition, keyPosition,
      op.getRangeBegin(), op.getRangeEnd(), ValueRange(), op.getForm(),
      op.getWindowsAttr(), op.getBidirectionalAttr(), op.getScaleAttr(),
      op.getKeyBiasesAttr(), op.getValueBiasesAttr(), op.getScheduleAttr());
  tiled->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  result.tiledOps.push_back(tiled);
  llvm::append_range(result.tiledValues, tiled->getResults());
  return result;
}

struct AttentionTiling
    : TilingInterface::ExternalModel<AttentionTiling, AttentionOp> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *) const {
    return SmallVector<utils::IteratorType>(3, utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *operation,
                                        OpBuilder &b) const {
    auto op = cast<AttentionOp>(operation);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op);
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    auto dim = [&](int64_t index) {
      return op.isOnBuffers()
                 ? memref::getMixedSize(b, op.getLoc(), op.getQuery(), index)
                 : tensor::getMixedSize(b, op.getLoc(), op.getQuery(), index);
    };
    return {{zero, dim(0), one},
            {zero, b.getIndexAttr(op.getKeyHeads()), one},
            {zero, dim(1), one}};
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *operation, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    return tile(cast<AttentionOp>(operation), b, offsets, sizes);
  }

  LogicalResult getResultTilePosition(Operation *operation, OpBuilder &b,
                                      unsigned resultNumber,
                                      ArrayRef<OpFoldResult> offsets,
                                      ArrayRef<OpFoldResult> sizes,
                                      Sizes &resultOffsets,
                                      Sizes &resultSizes) const {
    getResultTile(cast<AttentionOp>(operation), b, resultNumber, offsets, sizes,
                  resultOffsets, resultSizes);
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *operation, OpBuilder &b, unsigned resultNumber,
      ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    Sizes from, extents;
    if (failed(getDomainTile(cast<AttentionOp>(operation), b, resultNumber,
                             offsets, sizes, from, extents)))
      return failure();
    domainOffsets.assign(from);
    domainSizes.assign(extents);
    return success();
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *operation, OpBuilder &b,
                          unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    auto op = cast<AttentionOp>(operation);
    Sizes from, extents;
    if (failed(
            getDomainTile(op, b, resultNumber, offsets, sizes, from, extents)))
      return failure();
    FailureOr<TilingResult> tiled = tile(op, b, from, extents);
    if (failed(tiled))
      return failure();
    tiled->tiledValues = {tiled->tiledValues[resultNumber]};
    return tiled;
  }
};
} // namespace

void simplexir::registerTilingInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SimplexDialect *) {
    AttentionOp::attachInterface<AttentionTiling>(*context);
    context->loadDialect<affine::AffineDialect, arith::ArithDialect,
                         tensor::TensorDialect>();
  });
}
