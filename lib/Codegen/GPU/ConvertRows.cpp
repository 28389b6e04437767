//===- ConvertRows.cpp - Rows of outer keys and values --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include "simplexir/Codegen/SharedMemory.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// One row of an outer key or value, straight from global memory: its lines
/// stay in L1, and every warp of the block reads them.
struct LoadGlobalRowPattern : TilePattern<LoadOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(LoadOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType tile = op.getResult().getType();
    if (!isOuterRows(tile))
      return op.emitOpError("of a matrix must be staged first");
    if (tile.getRows() != 1)
      return op.emitOpError("of a row for each group of rows must be staged "
                            "first, and there is no shared memory left for "
                            "them (schedule: 'skew')");
    SmallVector<Value> results =
        whenPaired(b, op.getSource(), [&](bool inPairs) {
          return op.getLayout() ? loadChunked(op, b, inPairs)
                                : loadInOrder(op, b, inPairs);
        });
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  static SmallVector<Value> getPrefix(LoadOp op) {
    return {op.getBatch(), op.getSequence(), op.getHead()};
  }

  static SmallVector<Value> loadInOrder(LoadOp op, FragmentBuilder &b,
                                        bool inPairs) {
    auto columns = cast<MemRefType>(op.getSource().getType()).getDimSize(3);
    SmallVector<Value> results, prefix = getPrefix(op);
    for (int64_t f = 0; f < op.getType().getColumns() / 8; ++f) {
      Value column = b.column(f);
      if (f * 8 + 8 <= columns) {
        results.push_back(loadPair(b, op.getSource(), prefix, column, inPairs));
        continue;
      }
      Value pair = b.zeros({2}, op.getType().getElementType());
      for (int64_t i : {0, 1}) {
        if (f * 8 >= columns)
          break;
        Value at = b.add(column, i);
        Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at,
                                             b.index(columns));
        pair = b.insert(loadOrZero(b, op.getSource(), prefix, at, inside), pair,
                        i);
      }
      results.push_back(pair);
    }
    return results;
  }

  static SmallVector<Value> loadChunked(LoadOp op, FragmentBuilder &b,
                                        bool inPairs) {
    ChunkedAttr layout = *op.getLayout();
    int64_t chunk = layout.getChunk(), width = layout.getHalfBlockColumns();
    SmallVector<Value> results, prefix = getPrefix(op);
    // A thread's two chunks of a half block are neighbours.
    Value chunks = b.mul(b.rem(b.lane(), 4), 2 * chunk);
    for (int64_t h = 0; h < layout.getHalfBlocks(); ++h) {
      SmallVector<Value> dims;
      for (int64_t i = 0; i < 2 * chunk; i += 2) {
        Value pair = loadPair(b, op.getSource(), prefix,
                              b.add(chunks, h * width + i), inPairs);
        dims.append({b.extract(pair, 0), b.extract(pair, 1)});
      }
      for (int64_t c = 0; c < chunk; ++c)
        results.push_back(makePair(b, dims[c], dims[chunk + c]));
    }
    for (int64_t c = layout.getRestBegin(); c < layout.getColumns();
         c += ChunkedAttr::kFragment)
      results.push_back(loadRest(op, b, c));
    return results;
  }

  /// The fragment of the rest at column `begin`, element by element.
  static Value loadRest(LoadOp op, FragmentBuilder &b, int64_t begin) {
    Value quad = b.rem(b.lane(), 4);
    int64_t none = op.getLayout()->getHeadDim();
    SmallVector<Value, 2> pair;
    for (int64_t i : {0, 1}) {
      Value dim;
      for (int64_t thread : {3, 2, 1, 0}) {
        Value own = b.index(
            op.getLayout()->getDim(begin + 2 * thread + i).value_or(none));
        dim = dim ? arith::SelectOp::create(
                        b,
                        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, quad,
                                              b.index(thread)),
                        own, dim)
                  : own;
      }
      Value valid = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, dim,
                                          b.index(none));
      pair.push_back(loadOrZero(b, op.getSource(), getPrefix(op), dim, valid));
    }
    return makePair(b, pair[0], pair[1]);
  }
};

/// Every thread row of the eight that a fragment has reads the same row: so
/// each thread gets its columns of four fragments at once.
struct LoadSharedRowPattern : TilePattern<LoadRowOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(LoadRowOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getType());
    Type element = type.getElementType();
    if (type.getColumns() % 16 != 0)
      return op.emitOpError("needs whole fragments");
    int64_t fragments = type.getColumns() / 8;
    SmallVector<Value> results;
    Value row = op.getRow();
    if (op.getSkew() != 0)
      row = b.add(row, b.mul(b.div(b.warpRow(), ScheduleAttr::kGroupRows),
                             op.getSkew()));
    if (element.getIntOrFloatBitWidth() != 16) {
      for (int64_t f = 0; f < fragments; ++f)
        results.push_back(
            loadPair(b, op.getBuffer(), {row}, b.column(f), /*inPairs=*/true));
      rewriter.replaceOpWithMultiple(op, {results});
      return success();
    }
    while (int64_t left = fragments - static_cast<int64_t>(results.size())) {
      int32_t count = left >= 4 ? 4 : 2;
      Value matrix = b.rem(b.div(b.lane(), 8), count);
      Value column = b.add(b.mul(matrix, 8), results.size() * 8);
      Value loaded = nvgpu::LdMatrixOp::create(
          b, VectorType::get({count, 2}, element), op.getBuffer(),
          ValueRange{row, column}, b.getBoolAttr(false),
          b.getI32IntegerAttr(count));
      for (int64_t i = 0; i < count; ++i)
        results.push_back(b.extract(loaded, i));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct MultiplyRowsPattern : TilePattern<MultiplyRowsOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(MultiplyRowsOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto type = cast<MemRefType>(op.getProduct().getType());
    auto lhs = cast<MemRefType>(op.getLhs().getType());
    Type element = type.getElementType(), f32 = b.getF32Type();
    Value one = b.index(1);
    Value extent = arith::MaxUIOp::create(b, op.getExtent(), one);
    auto load = [&](Value memory, Value row, Value column, double bias) {
      Value pair = b.convert(loadPair(b, memory, {row}, column, true), f32);
      if (bias == 0)
        return pair;
      return arith::AddFOp::create(b, pair, b.splat(b.floating(f32, bias)))
          .getResult();
    };
    forEachUnit(b, type.getDimSize(0), type.getDimSize(1), 2,
                [&](Value row, Value column) {
                  // Rows of the table beyond the last pair hold what nobody
                  // reads.
                  Value first = arith::MinUIOp::create(
                      b, arith::DivUIOp::create(b, row, extent),
                      b.index(lhs.getDimSize(0) - 1));
                  Value second = arith::RemUIOp::create(b, row, extent);
                  Value product = arith::MulFOp::create(
                      b, load(op.getLhs(), first, column, op.getBiases()[0]),
                      load(op.getRhs(), second, column, op.getBiases()[1]));
                  vector::StoreOp::create(
                      b, b.convert(product, element), op.getProduct(),
                      ValueRange{row, column}, /*nontemporal=*/false,
                      llvm::MaybeAlign(element.getIntOrFloatBitWidth() / 4));
                });
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void simplexir::populateRowPatterns(const FragmentConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LoadGlobalRowPattern, LoadSharedRowPattern, MultiplyRowsPattern>(
      converter, patterns.getContext());
}
