//===- Fragments.cpp - Tiles spread over a warp ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fragments.h"

#include "simplexir/Codegen/SharedMemory.h"

#include <limits>

using namespace mlir;
using namespace simplexir;

LogicalResult WarpLayout::verify(Operation *op, ScheduleAttr schedule) const {
  if (warps % splits != 0)
    return op->emitError("schedule: ")
           << warps << " warps cannot be dealt to " << splits << " splits";
  if (rows % (16 * rowWarps) != 0)
    return op->emitError("schedule: ")
           << rows << " rows over " << rowWarps
           << " warps are no whole fragments of 16 rows";
  if (schedule.getKeys() % 16 != 0)
    return op->emitError("schedule: keys must be a multiple of 16, found ")
           << schedule.getKeys();
  if (wgmma && (rowWarps % 4 != 0 || getRowsPerWarp() != 16))
    return op->emitError("schedule: wgmma needs 16 rows a warp and a multiple "
                         "of 4 warps for each split, found ")
           << rows << " rows over " << rowWarps << " warps";
  if (warps > 32)
    return op->emitError("schedule: at most 32 warps fit a block, found ")
           << warps;
  return success();
}

bool simplexir::isForCopyWarps(Operation *op) {
  for (Region *region = op->getParentRegion(); region;
       region = region->getParentRegion())
    if (auto roles = dyn_cast<SpecializeOp>(region->getParentOp()))
      return region == &roles.getCopy();
  return false;
}

FragmentConverter::FragmentConverter(const WarpLayout &layout)
    : layout(layout), copyLayout(layout.getCopyLayout()) {
  addConversion([](Type type) { return type; });
  addConversion(
      [this](TileType type,
             SmallVectorImpl<Type> &results) -> std::optional<LogicalResult> {
        Type element = type.getElementType();
        int64_t rows = this->layout.getRowFragments();
        if (type.getShape().size() == 1)
          results.append(rows, VectorType::get({2}, element));
        else if (isOuterRows(type))
          results.append(type.getColumns() / 8, VectorType::get({2}, element));
        else
          results.append(rows * type.getColumns() / 8,
                         VectorType::get({2, 2}, element));
        return success();
      });
}

Value FragmentBuilder::floating(Type type, double value) {
  return arith::ConstantOp::create(*this, getFloatAttr(type, value));
}
Value FragmentBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value FragmentBuilder::add(Value a, int64_t b) {
  return b == 0 ? a : add(a, index(b));
}
Value FragmentBuilder::mul(Value a, int64_t b) {
  return b == 1 ? a : createOrFold<arith::MulIOp>(a, index(b));
}
Value FragmentBuilder::div(Value a, int64_t b) {
  return b == 1 ? a : createOrFold<arith::DivUIOp>(a, index(b));
}
Value FragmentBuilder::rem(Value a, int64_t b) {
  return b == 1 ? index(0) : createOrFold<arith::RemUIOp>(a, index(b));
}

Value FragmentBuilder::lane() {
  if (ownThread)
    return rem(ownThread, 32);
  return gpu::LaneIdOp::create(*this, /*upper_bound=*/getIndexAttr(32));
}
void FragmentBuilder::setThread(Value i32) {
  ownThread = arith::IndexCastUIOp::create(*this, getIndexType(), i32);
}
Value FragmentBuilder::thread() {
  Value thread = ownThread;
  if (!thread)
    thread = gpu::ThreadIdOp::create(*this, gpu::Dimension::x,
                                     getIndexAttr(layout.blockWarps * 32));
  if (layout.firstWarp == 0)
    return thread;
  // Unlike a difference, a remainder is known to be small.
  assert(layout.firstWarp % layout.warps == 0 && "their numbers wrap around");
  return rem(thread, layout.warps * 32);
}

Value FragmentBuilder::splat(Value scalar, int64_t count) {
  return vector::BroadcastOp::create(
      *this, VectorType::get({count}, scalar.getType()), scalar);
}
Value FragmentBuilder::extract(Value vector, int64_t position) {
  return vector::ExtractOp::create(*this, vector, position);
}
Value FragmentBuilder::insert(Value value, Value vector, int64_t position) {
  return vector::InsertOp::create(*this, value, vector, position);
}

Value FragmentBuilder::convert(Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  auto target = VectorType::get(type.getShape(), element);
  unsigned from = type.getElementTypeBitWidth(),
           to = element.getIntOrFloatBitWidth();
  if (from < to)
    return arith::ExtFOp::create(*this, target, vector);
  if (from > to)
    return arith::TruncFOp::create(*this, target, vector);
  return vector;
}

Value FragmentBuilder::zeros(ArrayRef<int64_t> shape, Type element) {
  return arith::ConstantOp::create(
      *this, getZeroAttr(VectorType::get(shape, element)));
}

Value FragmentBuilder::shuffle(Value scalar, int32_t offset) {
  if (scalar.getType().isF64()) {
    // Word by word.
    Value words = vector::BitCastOp::create(
        *this, VectorType::get({2}, getI32Type()), splat(scalar, 1));
    Value other = words;
    for (int64_t i : {0, 1})
      other = insert(shuffle(extract(words, i), offset), other, i);
    return extract(vector::BitCastOp::create(
                       *this, VectorType::get({1}, getF64Type()), other),
                   0);
  }
  return gpu::ShuffleOp::create(*this, scalar, offset, 32,
                                gpu::ShuffleMode::XOR)
      .getShuffleResult();
}

Value FragmentBuilder::reduceQuad(Value scalar, bool isMax) {
  for (int32_t offset : {1, 2}) {
    Value other = shuffle(scalar, offset);
    scalar = isMax ? arith::MaxNumFOp::create(*this, scalar, other).getResult()
                   : arith::AddFOp::create(*this, scalar, other).getResult();
  }
  return scalar;
}

Value FragmentBuilder::replaceInfinity(Value value) {
  Value lowest =
      floating(value.getType(), -std::numeric_limits<double>::infinity());
  Value isLowest =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::OEQ, value, lowest);
  return arith::SelectOp::create(*this, isLowest,
                                 floating(value.getType(), 0.0), value);
}
