//===- ConvertCopies.cpp - Loads, copies and stores -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fragments.h"

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

int64_t getBytes(Type element) { return element.getIntOrFloatBitWidth() / 8; }

/// One row of an outer key or value, straight from global memory: its lines
/// stay in L1, and every warp of the block reads them.
struct LoadRowPattern : TilePattern<LoadOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(LoadOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType tile = op.getResult().getType();
    if (tile.getRows() != 1)
      return op.emitOpError("of a matrix must be staged first");
    auto source = cast<MemRefType>(op.getSource().getType());
    int64_t columns = source.getDimSize(3);
    Type element = tile.getElementType();
    SmallVector<Value> results;
    for (int64_t f = 0; f < tile.getColumns() / 8; ++f) {
      Value column = b.column(f);
      // Pairs are loaded at once where rows keep them aligned.
      bool whole = f * 8 + 8 <= columns;
      if (whole && columns % 2 == 0 && op.getRotation() == 0) {
        results.push_back(vector::LoadOp::create(
            b, VectorType::get({2}, element), op.getSource(),
            ValueRange{op.getBatch(), op.getSequence(), op.getHead(), column},
            /*nontemporal=*/false, llvm::MaybeAlign(2 * getBytes(element))));
        continue;
      }
      Value pair = b.zeros({2}, element);
      if (f * 8 < columns)
        for (int64_t i : {0, 1})
          pair =
              b.insert(loadElement(op, b, b.add(column, i), columns), pair, i);
      results.push_back(pair);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  static Value loadElement(LoadOp op, FragmentBuilder &b, Value column,
                           int64_t columns) {
    int64_t chunk = op.getChunk(), chunked = columns / chunk * chunk;
    if (op.getRotation() != 0) {
      Value base = b.mul(b.div(column, chunk), chunk);
      Value turned = b.add(
          base, b.rem(b.add(b.rem(column, chunk), op.getRotation()), chunk));
      Value inChunk = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                            column, b.index(chunked));
      column = arith::SelectOp::create(b, inChunk, turned, column);
    }
    // Beyond the end the last element is read again and dropped.
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                                         b.index(columns));
    column = arith::MinUIOp::create(b, column, b.index(columns - 1));
    Value value = memref::LoadOp::create(
        b, op.getSource(),
        ValueRange{op.getBatch(), op.getSequence(), op.getHead(), column});
    Value zero = b.floating(value.getType(), 0.0);
    return arith::SelectOp::create(b, inside, value, zero);
  }
};

/// Calls `body` with (row, first column) of each unit of `width` elements
/// that this thread moves.
void forEachUnit(FragmentBuilder &b, int64_t rows, int64_t columns,
                 int64_t width,
                 llvm::function_ref<void(Value row, Value column)> body) {
  int64_t units = columns / width;
  int64_t total = rows * units;
  auto loop = scf::ForOp::create(b, b.thread(), b.index(total),
                                 b.index(b.layout.warps * 32));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value unit = loop.getInductionVar();
  body(b.div(unit, units), b.mul(b.rem(unit, units), width));
}

/// Where an element of a row goes. In boxes, the 16-byte units of a row are
/// permuted by the row's number, so that eight rows fill all banks.
SmallVector<Value> getPlace(FragmentBuilder &b, MemRefType destination,
                            Value row, Value column) {
  if (destination.getRank() == 2)
    return {row, column};
  int64_t width = destination.getDimSize(2), unit = width / 8;
  Value inBox = b.rem(column, width);
  Value place = arith::XOrIOp::create(b, b.div(inBox, unit), b.rem(row, 8));
  return {b.div(column, width), row,
          b.add(b.mul(place, unit), b.rem(inBox, unit))};
}

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
      auto aligned = scf::IfOp::create(b, isAligned(op, b, getBytes(element)),
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
  /// Rows and columns of the destination.
  static std::pair<int64_t, int64_t> getExtent(MemRefType destination) {
    int64_t columns = destination.getShape().back();
    return destination.getRank() == 2
               ? std::pair(destination.getDimSize(0), columns)
               : std::pair(destination.getDimSize(1),
                           destination.getDimSize(0) * columns);
  }

  /// Do all rows start at a multiple of 16 bytes?
  static Value isAligned(CopyOp op, FragmentBuilder &b, int64_t bytes) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getSource());
    Value bits =
        memref::ExtractAlignedPointerAsIndexOp::create(b, op.getSource());
    SmallVector<Value> terms{metadata.getOffset()};
    llvm::append_range(terms, metadata.getStrides().drop_back());
    for (Value term : terms)
      bits = arith::OrIOp::create(b, bits, b.mul(term, bytes));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                 arith::AndIOp::create(b, bits, b.index(15)),
                                 b.index(0));
  }

  static void copyAsync(CopyOp op, FragmentBuilder &b, MemRefType destination,
                        int64_t width, int64_t columns) {
    auto [rows, extent] = getExtent(destination);
    forEachUnit(b, rows, extent, width, [&](Value row, Value column) {
      RowAddress address = locateRow(b, op, row);
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                                           b.index(columns));
      Value valid = arith::AndIOp::create(b, address.valid, inside);
      // Nothing is read where the count is 0, and zeros are written.
      Value zero = b.index(0);
      Value count = arith::SelectOp::create(b, valid, b.index(width), zero);
      Value sequence =
          arith::SelectOp::create(b, valid, address.sequence, zero);
      Value head = arith::SelectOp::create(b, valid, address.head, zero);
      Value from = arith::SelectOp::create(b, valid, column, zero);
      nvgpu::DeviceAsyncCopyOp::create(
          b, nvgpu::DeviceAsyncTokenType::get(b.getContext()),
          op.getDestination(), getPlace(b, destination, row, column),
          op.getSource(), ValueRange{op.getBatch(), sequence, head, from},
          b.getIndexAttr(width), count, b.getUnitAttr());
    });
  }

  static void copyElements(CopyOp op, FragmentBuilder &b,
                           MemRefType destination, int64_t columns) {
    auto [rows, extent] = getExtent(destination);
    forEachUnit(b, rows, extent, 1, [&](Value row, Value column) {
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
                              getPlace(b, destination, row, column));
    });
  }
};

struct CopyTermsPattern : TilePattern<CopyTermsOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CopyTermsOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto destination = cast<MemRefType>(op.getDestination().getType());
    for (auto [t, term] : llvm::enumerate(op.getForm().getTerms(op.getArity())))
      forEachUnit(b, destination.getDimSize(1), destination.getDimSize(2), 1,
                  [&, t = t, &term = term](Value row, Value column) {
                    Value value = loadTerm(op, b, term, t == 0, row, column);
                    memref::StoreOp::create(
                        b, value, op.getDestination(),
                        ValueRange{b.index(t), row, column});
                  });
    rewriter.eraseOp(op);
    return success();
  }

private:
  static Value loadTerm(CopyTermsOp op, FragmentBuilder &b,
                        const FormTerm &term, bool isFirst, Value row,
                        Value column) {
    auto source = cast<MemRefType>(op.getSource().getType());
    Type element = source.getElementType();
    int64_t columns = source.getDimSize(3), chunk = op.getForm().getChunk();
    int64_t chunked = columns / chunk * chunk;
    double factor = static_cast<double>(static_cast<int64_t>(op.getFactor()));
    RowAddress address = locateRow(b, op, row);
    Value inChunk = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                                          b.index(chunked));
    Value base = b.mul(b.div(column, chunk), chunk);
    Value turned = b.add(
        base, b.rem(b.add(b.rem(column, chunk), term.rotations[0]), chunk));
    Value from = arith::SelectOp::create(b, inChunk, turned, column);
    Value limit = b.index(isFirst ? columns : chunked);
    Value inside =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column, limit);
    Value valid = arith::AndIOp::create(b, address.valid, inside);
    auto loaded = scf::IfOp::create(b, TypeRange{element}, valid, true, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loaded.thenBlock());
    Value value = memref::LoadOp::create(
        b, op.getSource(),
        ValueRange{op.getBatch(), address.sequence, address.head, from});
    Value sign = arith::SelectOp::create(
        b, inChunk, b.floating(element, factor * term.coefficient),
        b.floating(element, factor));
    scf::YieldOp::create(b, arith::MulFOp::create(b, value, sign).getResult());
    b.setInsertionPointToStart(loaded.elseBlock());
    scf::YieldOp::create(b, b.floating(element, 0.0));
    return loaded.getResult(0);
  }
};

struct CopyWaitPattern : TilePattern<CopyWaitOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CopyWaitOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    NVVM::CpAsyncCommitGroupOp::create(b);
    NVVM::CpAsyncWaitGroupOp::create(b, 0);
    // Warpgroup products read shared memory by another path than stores.
    if (b.layout.wgmma)
      NVVM::FenceProxyOp::create(
          b,
          NVVM::ProxyKindAttr::get(b.getContext(),
                                   NVVM::ProxyKind::async_shared),
          NVVM::SharedSpaceAttr::get(b.getContext(),
                                     NVVM::SharedSpace::shared_cta));
    gpu::BarrierOp::create(b);
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
        storeRow(op, b, address, half, fragments.slice(m * count, count));
      }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void storeRow(StoreOp op, FragmentBuilder &b,
                       const RowAddress &address, int64_t half,
                       ValueRange fragments) {
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
      if (first + 8 <= columns && columns % 2 == 0) {
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
  patterns.add<CopyPattern, CopyTermsPattern, CopyWaitPattern, LoadRowPattern,
               StorePattern>(converter, patterns.getContext());
}
