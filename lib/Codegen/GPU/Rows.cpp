//===- Rows.cpp - Rows of operands in memory ------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

using namespace mlir;
using namespace simplexir;

Value simplexir::makePair(FragmentBuilder &b, Value first, Value second) {
  return vector::FromElementsOp::create(
      b, VectorType::get({2}, first.getType()), ValueRange{first, second});
}

void simplexir::forEachUnit(FragmentBuilder &b, int64_t rows, int64_t columns,
                            int64_t width,
                            llvm::function_ref<void(Value, Value)> body) {
  int64_t units = columns / width;
  auto loop = scf::ForOp::create(b, b.thread(), b.index(rows * units),
                                 b.index(b.layout.warps * 32));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value unit = loop.getInductionVar();
  body(b.div(unit, units), b.mul(b.rem(unit, units), width));
}

SmallVector<Value> simplexir::getPlace(FragmentBuilder &b, MemRefType memory,
                                       ArrayRef<Value> prefix, Value column) {
  SmallVector<Value> indices(prefix);
  if (memory.getRank() != 3) {
    indices.push_back(column);
    return indices;
  }
  Value row = llvm::getSingleElement(prefix);
  int64_t width = memory.getDimSize(2), unit = width / 8;
  Value inBox = b.rem(column, width);
  Value place = arith::XOrIOp::create(b, b.div(inBox, unit), b.rem(row, 8));
  return {b.div(column, width), row,
          b.add(b.mul(place, unit), b.rem(inBox, unit))};
}

Value simplexir::loadMatrices(FragmentBuilder &b, Value memory, Value row,
                              int64_t column, bool rowsFirst, bool transpose) {
  Value lane = b.lane();
  Value second = b.mul(b.rem(b.div(lane, 8), 2), 8);
  Value third = b.mul(b.div(lane, 16), 8);
  Value r = b.add(b.add(row, b.rem(lane, 8)), rowsFirst ? second : third);
  Value c = b.add(rowsFirst ? third : second, column);
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  return nvgpu::LdMatrixOp::create(b, VectorType::get({4, 2}, element), memory,
                                   ValueRange{r, c}, b.getBoolAttr(transpose),
                                   b.getI32IntegerAttr(4));
}

Value simplexir::areRowsAligned(FragmentBuilder &b, Value memory,
                                int64_t bytes) {
  auto type = cast<MemRefType>(memory.getType());
  int64_t element = type.getElementTypeBitWidth() / 8;
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memory);
  Value bits = memref::ExtractAlignedPointerAsIndexOp::create(b, memory);
  SmallVector<Value> terms{metadata.getOffset()};
  for (auto [extent, stride] :
       llvm::drop_end(llvm::zip_equal(type.getShape(), metadata.getStrides())))
    if (extent != 1) // such a stride is never used
      terms.push_back(stride);
  for (Value term : terms)
    bits = arith::OrIOp::create(b, bits, b.mul(term, element));
  Value low = arith::AndIOp::create(b, bits, b.index(bytes - 1));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, low, b.index(0));
}

SmallVector<Value>
simplexir::whenPaired(FragmentBuilder &b, Value memory,
                      llvm::function_ref<SmallVector<Value>(bool)> body) {
  auto type = cast<MemRefType>(memory.getType());
  if (type.getShape().back() % 2 != 0)
    return body(false);
  Value aligned = areRowsAligned(b, memory, type.getElementTypeBitWidth() / 4);
  auto emit = [&](bool paired) {
    return [&, paired](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
      scf::YieldOp::create(b, body(paired));
    };
  };
  auto branch = scf::IfOp::create(b, aligned, emit(true), emit(false));
  return SmallVector<Value>(branch.getResults());
}

Value simplexir::loadPair(FragmentBuilder &b, Value memory,
                          ArrayRef<Value> prefix, Value column, bool inPairs) {
  auto type = cast<MemRefType>(memory.getType());
  Type element = type.getElementType();
  if (inPairs)
    return vector::LoadOp::create(
        b, VectorType::get({2}, element), memory,
        getPlace(b, type, prefix, column), /*nontemporal=*/false,
        llvm::MaybeAlign(element.getIntOrFloatBitWidth() / 4));
  auto loadAt = [&](Value at) -> Value {
    return memref::LoadOp::create(b, memory, getPlace(b, type, prefix, at));
  };
  Value first = loadAt(column);
  return makePair(b, first, loadAt(b.add(column, 1)));
}

Value simplexir::loadOrZero(FragmentBuilder &b, Value memory,
                            ArrayRef<Value> prefix, Value column, Value valid) {
  auto type = cast<MemRefType>(memory.getType());
  Value at = arith::SelectOp::create(b, valid, column,
                                     b.index(type.getShape().back() - 1));
  Value value =
      memref::LoadOp::create(b, memory, getPlace(b, type, prefix, at));
  return arith::SelectOp::create(b, valid, value,
                                 b.floating(type.getElementType(), 0.0));
}
