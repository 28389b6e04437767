//===- MultiplyRows.cpp - Products of outer keys' rows, made once ---------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Codegen/Hopper/Passes.h"
#include "simplexir/Codegen/SharedMemory.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_MULTIPLYROWS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// Rows pair / extent and pair mod extent of two buffers.
struct RowPair {
  LoadRowOp first, second;
  Value pair, extent;

  static std::optional<RowPair> match(Value a, Value b) {
    RowPair rows{a.getDefiningOp<LoadRowOp>(), b.getDefiningOp<LoadRowOp>(),
                 Value(), Value()};
    if (!rows.first || !rows.second)
      return std::nullopt;
    auto quotient = getNumber<arith::DivUIOp>(rows.first.getRow());
    auto remainder = getNumber<arith::RemUIOp>(rows.second.getRow());
    if (!quotient || !remainder ||
        quotient->getOperands() != remainder->getOperands())
      return std::nullopt;
    rows.pair = quotient.getLhs();
    auto cast =
        quotient.getRhs().template getDefiningOp<arith::IndexCastUIOp>();
    if (!cast)
      return std::nullopt;
    rows.extent = cast.getIn();
    return rows;
  }

private:
  template <typename OpT>
  static OpT getNumber(Value row) {
    auto cast = row.getDefiningOp<arith::IndexCastUIOp>();
    return cast ? cast.getIn().template getDefiningOp<OpT>() : OpT();
  }
};

struct MultiplyRowsPass : simplexir::impl::MultiplyRowsBase<MultiplyRowsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    room = sharedPerBlock - kChannelBytes;
    SmallVector<CombineOp> combines;
    SmallVector<FoldOp> folds;
    getOperation().walk([&](Operation *op) {
      if (auto alloc = dyn_cast<memref::AllocOp>(op))
        room -=
            getSharedBytes(alloc.getType(), alloc.getAlignment().value_or(0));
      else if (auto combine = dyn_cast<CombineOp>(op))
        combines.push_back(combine);
      else if (auto fold = dyn_cast<FoldOp>(op))
        folds.push_back(fold);
    });
    for (CombineOp op : combines)
      if (isa<MultilinearAttr>(op.getForm()) && !op.getMagnitude())
        multiply(op, op.getKeysMutable());
    for (FoldOp op : folds)
      multiply(op, op.getValuesMutable());
  }

private:
  /// The last two rows first: their number is a remainder of what is outside.
  template <typename OpT>
  void multiply(OpT op, MutableOperandRange rows) {
    while (rows.size() > 1) {
      size_t last = rows.size() - 1;
      auto pair = RowPair::match(rows[last - 1].get(), rows[last].get());
      if (!pair)
        return;
      SmallVector<double> biases(op.getBiases());
      Value table = makeTable(*pair, ArrayRef(biases).take_back(2));
      if (!table)
        return;
      ImplicitLocOpBuilder b(op.getLoc(), pair->second);
      Value row = arith::IndexCastUIOp::create(b, b.getIndexType(), pair->pair);
      auto load = LoadRowOp::create(b, pair->second.getType(), table, row);
      if (isa<FoldOp>(op))
        load->setAttr(kReadLateAttrName, b.getUnitAttr());
      rows[last - 1].set(load);
      rows.erase(last);
      biases.pop_back();
      biases.back() = 0;
      op.setBiases(biases);
      for (LoadRowOp old : {pair->first, pair->second})
        if (old->use_empty())
          old.erase();
    }
  }

  /// Null if there is no room, or the element type has none for a product.
  Value makeTable(RowPair rows, ArrayRef<double> biases) {
    auto lhs = cast<MemRefType>(rows.first.getBuffer().getType());
    auto rhs = cast<MemRefType>(rows.second.getBuffer().getType());
    MemRefType type = MemRefType::Builder(rhs).setShape(
        {lhs.getDimSize(0) * rhs.getDimSize(0), rhs.getDimSize(1)});
    Block &body = getOperation().getBody().front();
    if (!lhs.getElementType().isBF16() || lhs.getRank() != 2 ||
        rhs.getRank() != 2 || type.getDimSize(0) > maxRows ||
        getSharedBytes(type) > room || rows.extent.getParentBlock() != &body)
      return {};
    room -= getSharedBytes(type);
    Operation *outermost = body.findAncestorOpInBlock(*rows.first);
    ImplicitLocOpBuilder b(rows.first.getLoc(), outermost);
    Value table = memref::AllocOp::create(b, type);
    CopyWaitOp::create(b); // the rows are there
    MultiplyRowsOp::create(b, rows.first.getBuffer(), rows.second.getBuffer(),
                           rows.extent, biases, table);
    return table;
  }

  int64_t room = 0;
};
} // namespace
