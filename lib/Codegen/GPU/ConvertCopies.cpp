//===- ConvertCopies.cpp - Copies to shared memory ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"
#include "Rows.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// Rows and columns of a tile in shared memory.
std::pair<int64_t, int64_t> getExtent(MemRefType memory) {
  int64_t columns = memory.getShape().back();
  if (memory.getRank() == 2)
    return {memory.getDimSize(0), columns};
  return {memory.getDimSize(1), memory.getDimSize(0) * columns};
}

/// The swizzle of boxes repeats after so many rows.
constexpr int64_t kSwizzleRows = 8;

struct CopyPattern : TilePattern<CopyOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CopyOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto source = cast<MemRefType>(op.getSource().getType());
    auto destination = cast<MemRefType>(op.getDestination().getType());
    Type element = source.getElementType();
    int64_t width = 16 / getBytes(element), columns = source.getDimSize(3);
    if (b.layout.wgmma && op->getParentOfType<scf::ForOp>())
      hideThread(b);
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
    if (!op->hasAttr(kUnrollAttrName) || extent > columns ||
        rows % static_cast<int64_t>(op.getHeads()) != 0)
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

  /// Rows that are all there.
  static void copyWhole(CopyOp op, FragmentBuilder &b, MemRefType destination,
                        int64_t width) {
    auto [rows, extent] = getExtent(destination);
    int64_t units = extent / width, threads = b.layout.warps * 32;
    int64_t step = threads / units, heads = op.getHeads();
    if (threads % units == 0 && rows % step == 0 && step % kSwizzleRows == 0 &&
        (heads == 1 || heads % step == 0))
      return copyStripes(op, b, destination, width, step);
    forEachUnit(b, rows, extent, width, [&](Value row, Value column) {
      RowAddress address = locateRow(b, op, row);
      emitCopy(op, b, destination, row, column, address, column, width,
               Value());
    });
  }

  /// Each thread copies its unit of every `step`-th row. Its address is added
  /// up, out of LLVM's sight, which would multiply for each row, or hold
  /// multiples of the stride in registers; warps that copy have few.
  static void copyStripes(CopyOp op, FragmentBuilder &b, MemRefType destination,
                          int64_t width, int64_t step) {
    auto [rows, extent] = getExtent(destination);
    int64_t units = extent / width,
            bytes = getBytes(destination.getElementType());
    Value row = b.div(b.thread(), units);
    Value column = b.mul(b.rem(b.thread(), units), width);
    RowAddress address = locateRow(b, op, row);
    Type i32 = b.getI32Type(), i64 = b.getI64Type();
    auto getPointer = [&](Value address, NVVM::NVVMMemorySpace space) -> Value {
      auto type = LLVM::LLVMPointerType::get(b.getContext(),
                                             static_cast<unsigned>(space));
      return LLVM::IntToPtrOp::create(b, type, address);
    };
    Value from = arith::IndexCastOp::create(
        b, i64,
        getByteAddress(
            b, op.getSource(),
            {op.getBatch(), address.sequence, address.head, column}));
    Value to = arith::IndexCastOp::create(
        b, i32,
        getByteAddress(b, op.getDestination(),
                       getPlace(b, destination, {row}, column)));
    int64_t rowBytes =
        destination.getStridesAndOffset().first.end()[-2] * bytes;
    // Bytes from one position to the next, and from one head to the next; what
    // they are multiplied with is computed here too.
    auto getStride = [&](int64_t dim) {
      auto metadata =
          memref::ExtractStridedMetadataOp::create(b, op.getSource());
      Value stride = b.mul(metadata.getStrides()[dim], bytes);
      return emitPtx(b, "mov.b64 $0, $1;",
                     {arith::IndexCastOp::create(b, i64, stride)}, "=l,l", i64);
    };
    auto multiply = [&](Value value, int64_t factor) -> Value {
      Value other = arith::ConstantOp::create(b, b.getI64IntegerAttr(factor));
      return arith::MulIOp::create(b, value, other);
    };
    int64_t heads = op.getHeads();
    Value stride = getStride(heads == 1 ? 1 : 2);
    Value next = multiply(stride, step);
    auto advance = [&](Value pointer, Value distance) {
      return emitPtx(b, "add.s64 $0, $1, $2;", {pointer, distance}, "=l,l,l",
                     i64);
    };
    // Two chains of additions: a copy reads its address late, and only then the
    // next one of a chain can take its place. (With four, loops that follow
    // spill more.)
    constexpr int64_t chains = 2;
    int64_t length = heads == 1 ? rows / step : heads / step;
    SmallVector<Value> pointers{from};
    Value jump = multiply(stride, step * chains), wrap;
    // From the last row of a position to the first one of the next.
    if (heads != 1)
      wrap = arith::SubIOp::create(b, getStride(1),
                                   multiply(stride, heads - step));
    for (int64_t i = 0; i < rows / step; ++i) {
      if (i % length == 0 && i != 0) {
        pointers = {advance(pointers[(length - 1) % chains], wrap)};
      } else if (i % length >= chains) {
        Value &pointer = pointers[i % length % chains];
        pointer = advance(pointer, jump);
      } else if (i % length != 0) {
        pointers.push_back(advance(pointers.back(), next));
      }
      Value place =
          arith::AddIOp::create(b, to, emitI32(b, i * step * rowBytes));
      NVVM::CpAsyncOp::create(
          b, getPointer(place, NVVM::NVVMMemorySpace::Shared),
          getPointer(pointers[i % length % chains],
                     NVVM::NVVMMemorySpace::Global),
          width * bytes, NVVM::LoadCacheModifierKind::CG, Value());
    }
  }

  /// The address of an element, as a number of bytes.
  static Value getByteAddress(FragmentBuilder &b, Value memory,
                              ValueRange indices) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memory);
    Value offset = metadata.getOffset();
    for (auto [index, stride] : llvm::zip_equal(indices, metadata.getStrides()))
      offset = b.add(offset, arith::MulIOp::create(b, index, stride));
    Value begin = memref::ExtractAlignedPointerAsIndexOp::create(b, memory);
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    return b.add(begin, b.mul(offset, getBytes(element)));
  }

  static void copyUnits(CopyOp op, FragmentBuilder &b, MemRefType destination,
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
      forEachUnit(b, layout.getHalfBlocks(), rows, 1,
                  [&](Value halfBlock, Value row) {
                    Value begin = b.mul(halfBlock, width);
                    arrange(op, b, row, begin, width, 0, width);
                  });
    int64_t columns = layout.getRestColumns();
    if (columns != 0 &&
        layout.getRotations().asArrayRef() != ArrayRef<int64_t>{0})
      forEachUnit(b, rows, 1, 1, [&](Value row, Value) {
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
} // namespace

void simplexir::populateCopyPatterns(const FragmentConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<ArrangePattern, CopyPattern, CopyWaitPattern>(
      converter, patterns.getContext());
}
