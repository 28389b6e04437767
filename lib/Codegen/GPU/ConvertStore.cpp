//===- ConvertStore.cpp - Results to global memory ------------------------===//
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
struct StorePattern : TilePattern<StoreOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(StoreOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType tile = cast<TileType>(op.getTile().getType());
    ValueRange fragments = adaptor.getTile();
    if (b.layout.wgmma)
      hideThread(b);
    // After a merge only the first split's warps hold the result.
    Value active = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.split(),
                                         b.index(0));
    bool isColumn = tile.getShape().size() == 1, wide = isWide(op);
    int64_t count = isColumn ? 1 : getColumnFragments(tile);
    if (isColumn)
      active = arith::AndIOp::create(
          b, active,
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.rem(b.lane(), 4),
                                b.index(0)));
    for (int64_t m = 0; m < getRowFragments(); ++m)
      for (int64_t half : {0, 1}) {
        SmallVector<Value> row;
        for (Value fragment : fragments.slice(m * count, count))
          row.push_back(b.extract(fragment, half));
        SmallVector<Value> units;
        if (wide)
          units = gatherUnits(b, row);
        RowAddress address = locateRow(b, op, b.row(m, half));
        Value valid = arith::AndIOp::create(b, active, address.valid);
        auto guarded = scf::IfOp::create(b, valid, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(guarded.thenBlock());
        if (isColumn)
          memref::StoreOp::create(
              b, row.front(), op.getDestination(),
              ValueRange{op.getBatch(), address.head, address.sequence});
        else if (wide)
          storeWide(op, b, address, row, units);
        else
          whenPaired(b, op.getDestination(), [&](bool inPairs) {
            storeRow(op, b, address, row, inPairs);
            return SmallVector<Value>();
          });
      }
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// 16 bytes.
  static constexpr int64_t kUnit = 8, kQuad = 4;

  /// Does a row fill whole units of all four threads that share it?
  static bool isWide(StoreOp op) {
    auto tile = cast<TileType>(op.getTile().getType());
    auto type = cast<MemRefType>(op.getDestination().getType());
    return tile.getShape().size() == 2 && type.getElementTypeBitWidth() == 16 &&
           tile.getColumns() == type.getDimSize(3) &&
           tile.getColumns() % (kUnit * kQuad) == 0;
  }

  /// Of a row each thread of four has a pair of every fragment's columns;
  /// afterwards thread t has all columns of fragments t, t + 4, ..
  static SmallVector<Value> gatherUnits(FragmentBuilder &b,
                                        ArrayRef<Value> row) {
    auto word = VectorType::get({1}, b.getI32Type());
    Value lane = b.lane();
    SmallVector<Value> units;
    for (size_t first = 0; first < row.size(); first += kQuad) {
      SmallVector<Value> words;
      for (Value pair : row.slice(first, kQuad))
        words.push_back(b.extract(vector::BitCastOp::create(b, word, pair), 0));
      for (int32_t bit : {1, 2})
        exchange(b, words, lane, bit);
      auto type = VectorType::get({kQuad}, b.getI32Type());
      auto unit = VectorType::get(
          {kUnit}, cast<VectorType>(row.front().getType()).getElementType());
      units.push_back(vector::BitCastOp::create(
          b, unit, vector::FromElementsOp::create(b, type, words)));
    }
    return units;
  }

  /// Words whose number has `bit` change places with those of the thread whose
  /// number differs in that bit: half of a transposition.
  static void exchange(FragmentBuilder &b, MutableArrayRef<Value> words,
                       Value lane, int32_t bit) {
    Value upper = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                        b.rem(b.div(lane, bit), 2), b.index(0));
    for (int64_t low = 0; low < kQuad; ++low) {
      if (low & bit)
        continue;
      Value &first = words[low], &second = words[low + bit];
      Value sent = arith::SelectOp::create(b, upper, first, second);
      Value got =
          gpu::ShuffleOp::create(b, sent, bit, 32, gpu::ShuffleMode::XOR)
              .getShuffleResult();
      first = arith::SelectOp::create(b, upper, got, first);
      second = arith::SelectOp::create(b, upper, second, got);
    }
  }

  /// Units where rows are aligned to their size. Elsewhere elements: pairs
  /// would be a third copy of the code, for outputs that are rare.
  static void storeWide(StoreOp op, FragmentBuilder &b,
                        const RowAddress &address, ArrayRef<Value> row,
                        ArrayRef<Value> units) {
    constexpr int64_t bytes = 16;
    auto aligned = scf::IfOp::create(
        b, areRowsAligned(b, op.getDestination(), bytes), true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(aligned.thenBlock());
    Value own = b.mul(b.rem(b.lane(), kQuad), kUnit);
    for (auto [i, unit] : llvm::enumerate(units))
      vector::StoreOp::create(
          b, unit, op.getDestination(),
          ValueRange{op.getBatch(), address.sequence, address.head,
                     b.add(own, static_cast<int64_t>(i) * kUnit * kQuad)},
          /*nontemporal=*/false, llvm::MaybeAlign(bytes));
    b.setInsertionPointToStart(aligned.elseBlock());
    storeRow(op, b, address, row, /*inPairs=*/false);
  }

  static void storeRow(StoreOp op, FragmentBuilder &b,
                       const RowAddress &address, ArrayRef<Value> row,
                       bool inPairs) {
    auto type = cast<MemRefType>(op.getDestination().getType());
    int64_t columns = type.getDimSize(3);
    for (auto [f, pair] : llvm::enumerate(row)) {
      int64_t first = static_cast<int64_t>(f) * 8;
      if (first >= columns)
        return;
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

void simplexir::populateStorePatterns(const FragmentConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<StorePattern>(converter, patterns.getContext());
}
