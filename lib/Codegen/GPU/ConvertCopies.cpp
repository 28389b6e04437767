//===- ConvertCopies.cpp - Loads, copies and stores -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"
#include "Rows.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// Where a row of a tile lies in an operand, and whether it may be touched.
struct RowAddress {
  Value sequence, head, valid;
};

template <typename OpT>
RowAddress locateRow(FragmentBuilder &b, OpT op, Value row) {
  int64_t heads = op.getHeads();
  RowAddress address;
  address.sequence = b.add(op.getSequence(), b.div(row, heads));
  address.head = b.add(op.getHead(), b.rem(row, heads));
  auto require = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    Value holds = arith::CmpIOp::create(b, predicate, x, y);
    address.valid =
        address.valid ? arith::AndIOp::create(b, address.valid, holds) : holds;
  };
  require(arith::CmpIPredicate::sge, address.sequence, op.getBegin());
  require(arith::CmpIPredicate::slt, address.sequence, op.getEnd());
  require(arith::CmpIPredicate::slt, address.head, op.getHeadEnd());
  return address;
}

/// Rows and columns of a tile in shared memory.
std::pair<int64_t, int64_t> getExtent(MemRefType memory) {
  int64_t columns = memory.getShape().back();
  if (memory.getRank() == 2)
    return {memory.getDimSize(0), columns};
  return {memory.getDimSize(1), memory.getDimSize(0) * columns};
}

int64_t getBytes(Type element) { return element.getIntOrFloatBitWidth() / 8; }

struct CopyPattern : TilePattern<CopyOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CopyOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto source = cast<MemRefType>(op.getSource().getType());
    auto destination = cast<MemRefType>(op.getDestination().getType());
    Type element = source.getElementType();
    int64_t width = 16 / getBytes(element), columns = source.getDimSize(3);
    if (columns % width != 0) {
      copyElements(op, b, destination, columns);
    } else {
      auto aligned = scf::IfOp::create(b, areRowsAligned(b, op.getSource(), 16),
                                       /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(aligned.thenBlock());
      copyAsync(op, b, destination, width, columns);
      b.setInsertionPointToStart(aligned.elseBlock());
      copyElements(op, b, destination, columns);
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void copyAsync(CopyOp op, FragmentBuilder &b, MemRefType destination,
                        int64_t width, int64_t columns) {
    auto [rows, extent] = getExtent(destination);
    if (!op->hasAttr(kUnrollAttrName) || extent > columns || op.getHeads() != 1)
      return copyUnits(op, b, destination, width, columns);
    auto inside = scf::IfOp::create(b, isInside(op, b, rows),
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(inside.thenBlock());
    copyWhole(op, b, destination, width);
    b.setInsertionPointToStart(inside.elseBlock());
    copyUnits(op, b, destination, width, columns);
  }

  /// May every row be touched?
  static Value isInside(CopyOp op, FragmentBuilder &b, int64_t rows) {
    RowAddress last = locateRow(b, op, b.index(rows - 1));
    RowAddress first = locateRow(b, op, b.index(0));
    return arith::AndIOp::create(b, first.valid, last.valid);
  }

  /// Rows that are all there, unit after unit: their addresses differ by
  /// multiples of the stride.
  static void copyWhole(CopyOp op, FragmentBuilder &b, MemRefType destination,
                        int64_t width) {
    auto [rows, extent] = getExtent(destination);
    forEachUnit(b, rows, extent, width, /*unroll=*/true,
                [&](Value row, Value column) {
                  RowAddress address = locateRow(b, op, row);
                  emitCopy(op, b, destination, row, column, address, column,
                           width, Value());
                });
  }

  static void copyUnits(CopyOp op, FragmentBuilder &b, MemRefType destination,
                        int64_t width, int64_t columns) {
    auto [rows, extent] = getExtent(destination);
    forEachUnit(
        b, rows, extent, width, /*unroll=*/false, [&](Value row, Value column) {
          RowAddress address = locateRow(b, op, row);
          Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                               column, b.index(columns));
          Value valid = arith::AndIOp::create(b, address.valid, inside);
          // Nothing is read where the count is 0, and zeros are written.
          Value zero = b.index(0);
          Value count = arith::SelectOp::create(b, valid, b.index(width), zero);
          auto get = [&](Value index) -> Value {
            return arith::SelectOp::create(b, valid, index, zero);
          };
          address.sequence = get(address.sequence);
          address.head = get(address.head);
          emitCopy(op, b, destination, row, column, address, get(column), width,
                   count);
        });
  }

  /// One unit from `from` on, of which `count` elements are read if that is
  /// given.
  static void emitCopy(CopyOp op, FragmentBuilder &b, MemRefType destination,
                       Value row, Value column, const RowAddress &address,
                       Value from, int64_t width, Value count) {
    nvgpu::DeviceAsyncCopyOp::create(
        b, nvgpu::DeviceAsyncTokenType::get(b.getContext()),
        op.getDestination(), getPlace(b, destination, {row}, column),
        op.getSource(),
        ValueRange{op.getBatch(), address.sequence, address.head, from},
        b.getIndexAttr(width), count, b.getUnitAttr());
  }

  static void copyElements(CopyOp op, FragmentBuilder &b,
                           MemRefType destination, int64_t columns) {
    auto [rows, extent] = getExtent(destination);
    forEachUnit(b, rows, extent, 1, false, [&](Value row, Value column) {
      RowAddress address = locateRow(b, op, row);
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                                           b.index(columns));
      Value valid = arith::AndIOp::create(b, address.valid, inside);
      auto loaded = scf::IfOp::create(
          b, TypeRange{destination.getElementType()}, valid, true, true);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loaded.thenBlock());
        Value value = memref::LoadOp::create(
            b, op.getSource(),
            ValueRange{op.getBatch(), address.sequence, address.head, column});
        scf::YieldOp::create(b, value);
        b.setInsertionPointToStart(loaded.elseBlock());
        Value zero = b.floating(destination.getElementType(), 0.0);
        scf::YieldOp::create(b, zero);
      }
      memref::StoreOp::create(b, loaded.getResult(0), op.getDestination(),
                              getPlace(b, destination, {row}, column));
    });
  }
};

struct ArrangePattern : TilePattern<ArrangeOp> {
  using TilePattern::TilePattern;

  /// Columns move inside a half block, or inside the rest: a thread that reads
  /// all of one before it writes works in place, and waits for nobody.
  LogicalResult convert(ArrangeOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    ChunkedAttr layout = op.getLayout();
    int64_t rows = getExtent(cast<MemRefType>(op.getBuffer().getType())).first;
    int64_t width = layout.getHalfBlockColumns();
    // Neighbouring threads take neighbouring rows: no two on one bank.
    if (layout.getHalfBlocks() != 0)
      forEachUnit(b, layout.getHalfBlocks(), rows, 1, /*unroll=*/false,
                  [&](Value halfBlock, Value row) {
                    Value begin = b.mul(halfBlock, width);
                    arrange(op, b, row, begin, width, 0, width);
                  });
    int64_t columns = layout.getRestColumns();
    if (columns != 0 &&
        layout.getRotations().asArrayRef() != ArrayRef<int64_t>{0})
      forEachUnit(b, rows, 1, 1, /*unroll=*/false, [&](Value row, Value) {
        int64_t begin = layout.getRestBegin();
        arrange(op, b, row, b.index(begin), columns, begin,
                columns * layout.getRotations().size());
      });
    if (b.layout.wgmma)
      emitProxyFence(b);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Reads the `count` head dims from column `begin` of a row on, and writes
  /// what columns `layoutBegin` of the layout and its `columns` - 1 successors
  /// hold to the same place. Both are whole units of 16 bytes.
  static void arrange(ArrangeOp op, FragmentBuilder &b, Value row, Value begin,
                      int64_t count, int64_t layoutBegin, int64_t columns) {
    auto type = cast<MemRefType>(op.getBuffer().getType());
    Type element = type.getElementType();
    auto unit = VectorType::get({16 / getBytes(element)}, element);
    auto getUnit = [&](int64_t column) {
      return getPlace(b, type, {row}, b.add(begin, column));
    };
    SmallVector<Value> dims, ordered;
    for (int64_t c = 0; c < count; c += unit.getNumElements()) {
      Value loaded =
          vector::LoadOp::create(b, unit, op.getBuffer(), getUnit(c),
                                 /*nontemporal=*/false, llvm::MaybeAlign(16));
      for (int64_t i = 0; i < unit.getNumElements(); ++i)
        dims.push_back(b.extract(loaded, i));
    }
    for (int64_t c = layoutBegin; c < layoutBegin + columns; ++c) {
      std::optional<int64_t> dim = op.getLayout().getDim(c);
      ordered.push_back(dim ? dims[*dim - layoutBegin]
                            : b.floating(element, 0.0));
    }
    for (int64_t c = 0; c < columns; c += unit.getNumElements())
      vector::StoreOp::create(
          b,
          vector::FromElementsOp::create(
              b, unit, ArrayRef(ordered).slice(c, unit.getNumElements())),
          op.getBuffer(), getUnit(c), /*nontemporal=*/false,
          llvm::MaybeAlign(16));
  }
};

struct CopyWaitPattern : TilePattern<CopyWaitOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CopyWaitOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    emitCopyWait(b);
    // Warpgroup products read shared memory by another path than stores.
    if (b.layout.wgmma)
      emitProxyFence(b);
    emitRoleBarrier(b);
    rewriter.eraseOp(op);
    return success();
  }
};

struct StorePattern : TilePattern<StoreOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(StoreOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType tile = cast<TileType>(op.getTile().getType());
    ValueRange fragments = adaptor.getTile();
    // After a merge only the first split's warps hold the result.
    Value active = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.split(),
                                         b.index(0));
    bool isColumn = tile.getShape().size() == 1;
    if (isColumn)
      active = arith::AndIOp::create(
          b, active,
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.rem(b.lane(), 4),
                                b.index(0)));
    for (int64_t m = 0; m < getRowFragments(); ++m)
      for (int64_t half : {0, 1}) {
        RowAddress address = locateRow(b, op, b.row(m, half));
        Value valid = arith::AndIOp::create(b, active, address.valid);
        auto guarded = scf::IfOp::create(b, valid, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(guarded.thenBlock());
        if (isColumn) {
          memref::StoreOp::create(
              b, b.extract(fragments[m], half), op.getDestination(),
              ValueRange{op.getBatch(), address.head, address.sequence});
          continue;
        }
        int64_t count = getColumnFragments(tile);
        whenPaired(b, op.getDestination(), [&](bool inPairs) {
          storeRow(op, b, address, half, fragments.slice(m * count, count),
                   inPairs);
          return SmallVector<Value>();
        });
      }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void storeRow(StoreOp op, FragmentBuilder &b,
                       const RowAddress &address, int64_t half,
                       ValueRange fragments, bool inPairs) {
    auto type = cast<MemRefType>(op.getDestination().getType());
    int64_t columns = type.getDimSize(3);
    for (auto [f, fragment] : llvm::enumerate(fragments)) {
      int64_t first = static_cast<int64_t>(f) * 8;
      if (first >= columns)
        return;
      Value pair = b.extract(fragment, half);
      Value column = b.column(f);
      auto at = [&](Value c) {
        return SmallVector<Value>{op.getBatch(), address.sequence, address.head,
                                  c};
      };
      if (first + 8 <= columns && inPairs) {
        vector::StoreOp::create(
            b, pair, op.getDestination(), at(column), /*nontemporal=*/false,
            llvm::MaybeAlign(2 * getBytes(type.getElementType())));
        continue;
      }
      for (int64_t i : {0, 1}) {
        Value c = b.add(column, i);
        Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, c,
                                             b.index(columns));
        auto guarded = scf::IfOp::create(b, inside, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(guarded.thenBlock());
        memref::StoreOp::create(b, b.extract(pair, i), op.getDestination(),
                                at(c));
      }
    }
  }
};
} // namespace

void simplexir::populateCopyPatterns(const FragmentConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<ArrangePattern, CopyPattern, CopyWaitPattern, StorePattern>(
      converter, patterns.getContext());
}
