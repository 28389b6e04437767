//===- LoadStoreToVector.cpp - Memory to tiles and back -------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace simplexir;

namespace {

/// Addresses the rows of a load or store. A lane is an element or, where it is
/// an integer, as many elements as fill it.
template <typename Op>
struct RowAccess {
  RowAccess(TileBuilder &b, Op op, Value memref, Type elementType)
      : b(b), op(op), memref(memref), heads(op.getHeads()) {
    Type lane = b.getVectorType().getElementType();
    if (lane.isInteger())
      perLane =
          lane.getIntOrFloatBitWidth() / elementType.getIntOrFloatBitWidth();
    narrow = VectorType::get(b.getLanes() * perLane, elementType);
    columns = cast<MemRefType>(memref.getType()).getShape().back();
  }

  /// Sequence and head index of a row of the tile.
  std::pair<Value, Value> locate(Value row) {
    Value sequence = op.getSequence(), head = op.getHead();
    if (heads == 1)
      return {b.addIndex(sequence, row), head};
    Value by = b.index(heads);
    return {
        b.addIndex(sequence, arith::DivUIOp::create(b.builder, b.loc, row, by)),
        b.addIndex(head, arith::RemUIOp::create(b.builder, b.loc, row, by))};
  }

  Value isValid(Value sequence, Value head) {
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      return arith::CmpIOp::create(b.builder, b.loc, predicate, x, y);
    };
    Value from = compare(arith::CmpIPredicate::sge, sequence, op.getBegin());
    Value to = compare(arith::CmpIPredicate::slt, sequence, op.getEnd());
    Value in = compare(arith::CmpIPredicate::slt, head, op.getHeadEnd());
    Value both = arith::AndIOp::create(b.builder, b.loc, from, to);
    return arith::AndIOp::create(b.builder, b.loc, both, in);
  }

  bool isNarrow() const { return narrow != b.getVectorType(); }

  /// `valid` elements of a row; those beyond are zero and not touched.
  Value load(Value sequence, Value head, Value column, int64_t valid) {
    if (valid <= 0)
      return b.zero();
    if (perLane != 1)
      column = b.mulIndex(column, perLane);
    Value at[] = {op.getBatch(), sequence, head, column};
    Value vector;
    if (valid >= narrow.getNumElements()) {
      vector = vector::LoadOp::create(b.builder, b.loc, narrow, memref, at);
    } else {
      Value zero = arith::ConstantOp::create(b.builder, b.loc,
                                             b.builder.getZeroAttr(narrow));
      vector = vector::MaskedLoadOp::create(b.builder, b.loc, narrow, memref,
                                            at, getMask(valid), zero);
    }
    if (perLane != 1)
      return vector::BitCastOp::create(b.builder, b.loc, b.getVectorType(),
                                       vector);
    return isNarrow() ? Value(arith::ExtFOp::create(b.builder, b.loc,
                                                    b.getVectorType(), vector))
                      : vector;
  }

  void store(Value vector, Value sequence, Value head, Value column,
             int64_t valid) {
    Value at[] = {op.getBatch(), sequence, head, column};
    if (isNarrow())
      vector = arith::TruncFOp::create(b.builder, b.loc, narrow, vector);
    if (valid >= b.getLanes())
      vector::StoreOp::create(b.builder, b.loc, vector, memref, at);
    else if (valid > 0)
      vector::MaskedStoreOp::create(b.builder, b.loc, memref, at,
                                    b.prefixMask(valid), vector);
  }

  Value getMask(int64_t valid) {
    SmallVector<bool> mask(narrow.getNumElements(), false);
    std::fill_n(mask.begin(), valid, true);
    auto type = VectorType::get(narrow.getShape(), b.builder.getI1Type());
    return arith::ConstantOp::create(b.builder, b.loc,
                                     DenseElementsAttr::get(type, mask));
  }

  TileBuilder &b;
  Op op;
  Value memref;
  int64_t heads, columns, perLane = 1;
  VectorType narrow;
};

struct LoadPattern : TilePattern<LoadOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(LoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getSkew() != 0)
      return op.emitOpError("with 'skew' is for warpgroup products");
    auto type = cast<TileType>(op.getResult().getType());
    auto source = cast<MemRefType>(op.getSource().getType());
    bool transposed = op->hasAttr(kTransposedAttrName),
         paired = op->hasAttr(kPairedAttrName);
    // A lane is a pair where pairs lie side by side in memory, too.
    TileBuilder b = paired && transposed
                        ? TileBuilder(rewriter, op.getLoc(),
                                      rewriter.getI32Type(), tiles.vectorBytes)
                        : getBuilder(rewriter, op.getLoc(), type);
    RowAccess<LoadOp> access(b, op, adaptor.getSource(),
                             source.getElementType());
    Value result = getScratch(op, type);
    if (paired && source.getElementType() != type.getElementType())
      return rewriter.notifyMatchFailure(op, "pairs are not converted");
    if (paired && !transposed)
      loadPairs(b, access, type, result);
    else if (transposed)
      loadTransposed(b, access, type, result);
    else
      b.forRange(type.getRows(), 1,
                 [&](Value row) { loadRow(b, access, type, row, result); });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// Columns that both the tile and the memory have.
  static int64_t getColumns(RowAccess<LoadOp> &access, TileType type) {
    return std::min(access.columns, type.getColumns());
  }

  static void loadRow(TileBuilder &b, RowAccess<LoadOp> &access, TileType type,
                      Value row, Value result) {
    auto [sequence, head] = access.locate(row);
    int64_t columns = getColumns(access, type);
    int64_t full = columns / b.getLanes() * b.getLanes();
    int64_t padded = llvm::alignTo(type.getColumns(), b.getLanes());
    auto put = [&](Value vector, Value column) {
      b.storeVector(vector, result, b.at(row, type.getColumns(), column));
    };
    scf::IfOp branch = scf::IfOp::create(b.builder, b.loc,
                                         access.isValid(sequence, head), true);
    OpBuilder::InsertionGuard guard(b.builder);
    b.builder.setInsertionPointToStart(branch.thenBlock());
    b.forRange(full, b.getLanes(), [&](Value column) {
      put(access.load(sequence, head, column, b.getLanes()), column);
    });
    for (int64_t c = full; c < padded; c += b.getLanes())
      put(access.load(sequence, head, b.index(c), columns - c), b.index(c));
    b.builder.setInsertionPointToStart(branch.elseBlock());
    b.forRange(padded, b.getLanes(),
               [&](Value column) { put(b.splat(0), column); });
  }

  /// Two rows at a time, element by element.
  static void loadPairs(TileBuilder &b, RowAccess<LoadOp> &access,
                        TileType type, Value result) {
    int64_t lanes = b.getLanes(), columns = getColumns(access, type);
    int64_t stride = getScratchStride(type.getColumns());
    auto integers = VectorType::get(lanes, b.builder.getI16Type());
    auto interleave = [&](Value first, Value second) {
      for (Value *vector : {&first, &second})
        *vector =
            vector::BitCastOp::create(b.builder, b.loc, integers, *vector);
      Value mixed =
          vector::InterleaveOp::create(b.builder, b.loc, first, second);
      return vector::BitCastOp::create(
          b.builder, b.loc, VectorType::get(2 * lanes, type.getElementType()),
          mixed);
    };
    b.forRange(type.getRows(), 2, [&](Value row) {
      Value other = b.addIndex(row, 1);
      auto [sequence, head] = access.locate(row);
      auto [nextSequence, nextHead] = access.locate(other);
      Value valid = access.isValid(sequence, head);
      Value nextValid = access.isValid(nextSequence, nextHead);
      if (type.getRows() % 2 != 0)
        nextValid = arith::AndIOp::create(
            b.builder, b.loc, nextValid,
            arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::ult,
                                  other, b.index(type.getRows())));
      Value at = b.mulIndex(row, stride);
      auto put = [&](Value column, int64_t width) {
        Value first = loadIf(b, access, valid, sequence, head, column, width);
        Value second =
            loadIf(b, access, nextValid, nextSequence, nextHead, column, width);
        vector::StoreOp::create(b.builder, b.loc, interleave(first, second),
                                result, b.addIndex(at, b.mulIndex(column, 2)));
      };
      int64_t full = columns / lanes * lanes;
      b.forRange(full, lanes, [&](Value column) { put(column, lanes); });
      for (int64_t c = full; c < type.getColumns(); c += lanes)
        put(b.index(c), columns - c);
    });
  }

  /// Zero if the row is not valid.
  static Value loadIf(TileBuilder &b, RowAccess<LoadOp> &access, Value valid,
                      Value sequence, Value head, Value column, int64_t width) {
    scf::IfOp branch = scf::IfOp::create(
        b.builder, b.loc, TypeRange(b.getVectorType()), valid, true, true);
    OpBuilder::InsertionGuard guard(b.builder);
    b.builder.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b.builder, b.loc,
                         access.load(sequence, head, column, width));
    b.builder.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b.builder, b.loc, b.zero());
    return branch.getResult(0);
  }

  /// Transposes blocks of lanes x lanes in registers.
  static void loadTransposed(TileBuilder &b, RowAccess<LoadOp> &access,
                             TileType type, Value result) {
    int64_t lanes = b.getLanes(), rows = type.getRows();
    // In lanes; the last one may be half a pair.
    int64_t perLane = access.perLane, elements = getColumns(access, type);
    int64_t columns = llvm::divideCeil(elements, perLane);
    int64_t full = elements / perLane / lanes * lanes;
    int64_t padded = llvm::divideCeil(type.getColumns(), perLane);
    auto store = [&](Value vector, Value column, Value row) {
      if (perLane == 1) {
        b.storeVector(vector, result, b.at(column, rows, row));
        return;
      }
      vector =
          vector::BitCastOp::create(b.builder, b.loc, access.narrow, vector);
      vector::StoreOp::create(b.builder, b.loc, vector, result,
                              b.mulIndex(b.at(column, rows, row), perLane));
    };
    auto block = [&](Value row, int64_t height, Value column, int64_t width,
                     int64_t valid) {
      SmallVector<Value> vectors =
          loadBlock(b, access, row, height, column, valid);
      transpose(b, vectors);
      for (int64_t c = 0; c < width; ++c)
        store(vectors[c], b.addIndex(column, c), row);
    };
    b.forColumns(rows, [&](Value row, int64_t height) {
      b.forRange(full, lanes, [&](Value column) {
        block(row, height, column, lanes, lanes * perLane);
      });
      if (full != columns)
        block(row, height, b.index(full), columns - full,
              elements - full * perLane);
    });
    // Columns of the tile that memory lacks.
    for (int64_t c = columns; c < padded; ++c)
      b.forColumns(
          rows, [&](Value row, int64_t) { store(b.zero(), b.index(c), row); });
  }

  static SmallVector<Value> loadBlock(TileBuilder &b, RowAccess<LoadOp> &access,
                                      Value row, int64_t height, Value column,
                                      int64_t width) {
    SmallVector<Value> vectors(b.getLanes(), b.zero());
    auto rowAt = [&](int64_t r) { return access.locate(b.addIndex(row, r)); };
    auto guarded = [&](Value condition, TypeRange types,
                       function_ref<SmallVector<Value>()> yes,
                       function_ref<SmallVector<Value>()> no) {
      scf::IfOp branch =
          scf::IfOp::create(b.builder, b.loc, types, condition, true, true);
      OpBuilder::InsertionGuard guard(b.builder);
      b.builder.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(b.builder, b.loc, yes());
      b.builder.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b.builder, b.loc, no());
      return branch;
    };
    auto loadRows = [&](bool check) {
      SmallVector<Value> loaded;
      for (int64_t r = 0; r < height; ++r) {
        auto [sequence, head] = rowAt(r);
        auto load = [&, s = sequence, h = head]() -> SmallVector<Value> {
          return {access.load(s, h, column, width)};
        };
        if (!check) {
          loaded.append(load());
          continue;
        }
        scf::IfOp row =
            guarded(access.isValid(sequence, head), b.getVectorType(), load,
                    [&]() -> SmallVector<Value> { return {b.zero()}; });
        loaded.push_back(row.getResult(0));
      }
      return loaded;
    };
    // The usual case: every row is valid (with one head, rows are in order).
    Value all;
    if (access.heads == 1) {
      auto [first, head] = rowAt(0);
      auto [last, sameHead] = rowAt(height - 1);
      all = arith::AndIOp::create(b.builder, b.loc, access.isValid(first, head),
                                  access.isValid(last, sameHead));
    } else {
      for (int64_t r = 0; r < height; ++r) {
        auto [sequence, head] = rowAt(r);
        Value valid = access.isValid(sequence, head);
        all = all ? Value(arith::AndIOp::create(b.builder, b.loc, all, valid))
                  : valid;
      }
    }
    SmallVector<Type> types(height, b.getVectorType());
    scf::IfOp branch = guarded(
        all, types, [&] { return loadRows(false); },
        [&] { return loadRows(true); });
    llvm::copy(branch.getResults(), vectors.begin());
    return vectors;
  }

  /// log2(lanes) rounds of interleaving the first half with the second.
  static void transpose(TileBuilder &b, SmallVectorImpl<Value> &vectors) {
    int64_t lanes = b.getLanes();
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes; ++i) {
      low.push_back(i / 2 + (i % 2) * lanes);
      high.push_back(lanes / 2 + i / 2 + (i % 2) * lanes);
    }
    for (int64_t step = 1; step < lanes; step *= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < lanes / 2; ++i)
        for (ArrayRef<int64_t> mask : {ArrayRef(low), ArrayRef(high)})
          next.push_back(vector::ShuffleOp::create(
              b.builder, b.loc, vectors[i], vectors[i + lanes / 2], mask));
      vectors.assign(next);
    }
  }
};

struct StorePattern : TilePattern<StoreOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getTile().getType());
    auto destination = cast<MemRefType>(op.getDestination().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    RowAccess<StoreOp> access(b, op, adaptor.getDestination(),
                              destination.getElementType());
    b.forRange(type.getShape()[0], 1, [&](Value row) {
      auto [sequence, head] = access.locate(row);
      scf::IfOp branch = scf::IfOp::create(
          rewriter, op.getLoc(), access.isValid(sequence, head), false);
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      if (type.getShape().size() == 1) {
        Value value = b.loadScalar(adaptor.getTile(), row);
        if (access.isNarrow())
          value = arith::TruncFOp::create(rewriter, op.getLoc(),
                                          destination.getElementType(), value);
        memref::StoreOp::create(rewriter, op.getLoc(), value,
                                adaptor.getDestination(),
                                ValueRange{op.getBatch(), head, sequence});
        return;
      }
      b.forColumns(std::min(access.columns, type.getColumns()),
                   [&](Value column, int64_t valid) {
                     Value vector =
                         b.loadVector(adaptor.getTile(),
                                      b.at(row, type.getColumns(), column));
                     access.store(vector, sequence, head, column, valid);
                   });
    });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void simplexir::populateLoadStoreToVectorPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns,
    const TileContext &tiles) {
  patterns.add<LoadPattern, StorePattern>(converter, patterns.getContext(),
                                          tiles);
}
