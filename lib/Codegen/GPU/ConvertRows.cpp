//===- ConvertRows.cpp - Rows of outer keys and values --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

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
    if (tile.getRows() != 1)
      return op.emitOpError("of a matrix must be staged first");
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
    SmallVector<Value> results;
    for (int64_t block = 0; block < layout.getBlocks(); ++block) {
      SmallVector<Value> halves[2];
      for (int64_t half : {0, 1})
        halves[half] =
            loadSlots(b, SlotPair::ofFragment(b, layout, block, half),
                      op.getSource(), getPrefix(op), inPairs);
      for (auto [low, high] : llvm::zip_equal(halves[0], halves[1]))
        results.append({low, high});
    }
    return results;
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
    if (element.getIntOrFloatBitWidth() != 16) {
      for (int64_t f = 0; f < fragments; ++f)
        results.push_back(loadPair(b, op.getBuffer(), {op.getRow()},
                                   b.column(f), /*inPairs=*/true));
      rewriter.replaceOpWithMultiple(op, {results});
      return success();
    }
    while (int64_t left = fragments - static_cast<int64_t>(results.size())) {
      int32_t count = left >= 4 ? 4 : 2;
      Value matrix = b.rem(b.div(b.lane(), 8), count);
      Value column = b.add(b.mul(matrix, 8), results.size() * 8);
      Value loaded = nvgpu::LdMatrixOp::create(
          b, VectorType::get({count, 2}, element), op.getBuffer(),
          ValueRange{op.getRow(), column}, b.getBoolAttr(false),
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
    forEachUnit(b, type.getDimSize(0), type.getDimSize(1), 2, /*unroll=*/false,
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
