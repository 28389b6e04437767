//===- TileBuilder.cpp - Loops of vectors over scratch tiles --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace simplexir;

TileBuilder::TileBuilder(OpBuilder &builder, Location loc, Type elementType,
                         int64_t vectorBytes)
    : builder(builder), loc(loc), elementType(elementType),
      lanes(vectorBytes * 8 / elementType.getIntOrFloatBitWidth()),
      vectorType(VectorType::get(lanes, elementType)) {}

VectorType TileBuilder::getMaskType() const {
  return VectorType::get(lanes, builder.getI1Type());
}

Value TileBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value TileBuilder::scalar(double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(elementType, value));
}

Value TileBuilder::splat(double value) {
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(vectorType,
                             builder.getFloatAttr(elementType, value)));
}

Value TileBuilder::zero() {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getZeroAttr(vectorType));
}

Value TileBuilder::constant(ArrayRef<double> values) {
  SmallVector<Attribute> elements;
  for (double value : values)
    elements.push_back(builder.getFloatAttr(elementType, value));
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(vectorType, elements));
}

Value TileBuilder::broadcast(Value value) {
  return vector::BroadcastOp::create(builder, loc, vectorType, value);
}

Value TileBuilder::prefixMask(int64_t valid) {
  SmallVector<bool> mask(lanes, false);
  std::fill_n(mask.begin(), valid, true);
  return laneMask(mask);
}

Value TileBuilder::laneMask(ArrayRef<bool> mask) {
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(getMaskType(), mask));
}

Value TileBuilder::addIndex(Value a, Value b) {
  return arith::AddIOp::create(builder, loc, a, b);
}

Value TileBuilder::addIndex(Value a, int64_t b) {
  return b ? addIndex(a, index(b)) : a;
}

Value TileBuilder::mulIndex(Value a, int64_t b) {
  return arith::MulIOp::create(builder, loc, a, index(b));
}

Value TileBuilder::at(Value row, int64_t columns, Value column) {
  return addIndex(mulIndex(row, getScratchStride(columns)), column);
}

Value TileBuilder::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b,
                               arith::FastMathFlags::contract);
}

Value TileBuilder::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b,
                               arith::FastMathFlags::contract);
}

Value TileBuilder::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b,
                               arith::FastMathFlags::contract);
}

Value TileBuilder::fma(Value a, Value b, Value c) { return add(mul(a, b), c); }

Value TileBuilder::max(Value a, Value b) {
  return select(
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, a, b), a,
      b);
}

Value TileBuilder::less(Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, a, b);
}

Value TileBuilder::equal(Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, a, b);
}

Value TileBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}

Value TileBuilder::exp2(Value a) {
  return math::Exp2Op::create(builder, loc, a);
}

Value TileBuilder::loadVector(Value tile, Value at) {
  Type stored = cast<MemRefType>(tile.getType()).getElementType();
  Value vector = vector::LoadOp::create(
      builder, loc, VectorType::get(lanes, stored), tile, at);
  if (stored == elementType)
    return vector;
  return arith::ExtFOp::create(builder, loc, vectorType, vector);
}

void TileBuilder::storeVector(Value vector, Value tile, Value at) {
  Type stored = cast<MemRefType>(tile.getType()).getElementType();
  if (stored != elementType)
    vector = arith::TruncFOp::create(builder, loc,
                                     VectorType::get(lanes, stored), vector);
  vector::StoreOp::create(builder, loc, vector, tile, at);
}

Value TileBuilder::loadScalar(Value tile, Value at) {
  return memref::LoadOp::create(builder, loc, tile, at);
}

void TileBuilder::storeScalar(Value scalar, Value tile, Value at) {
  memref::StoreOp::create(builder, loc, scalar, tile, at);
}

void TileBuilder::forRange(int64_t count, int64_t step, Body body) {
  if (count <= 0)
    return;
  if (count <= step) {
    body(index(0));
    return;
  }
  Value begin = index(0), end = index(count), by = index(step);
  scf::ForOp loop = scf::ForOp::create(builder, loc, begin, end, by);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVar());
}

void TileBuilder::forColumns(int64_t columns, VectorBody body) {
  int64_t full = columns / lanes * lanes;
  forRange(full, lanes, [&](Value column) { body(column, lanes); });
  if (full != columns)
    body(index(full), columns - full);
}

void TileBuilder::forMatrix(int64_t rows, int64_t columns,
                            function_ref<void(Value, Value, int64_t)> body) {
  forRange(rows, 1, [&](Value row) {
    forColumns(columns,
               [&](Value column, int64_t valid) { body(row, column, valid); });
  });
}

Value TileBuilder::reduceLanes(Value vector, Reducer combine) {
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask.push_back(lane < half ? lane + half : lane);
    vector = combine(
        vector, vector::ShuffleOp::create(builder, loc, vector, vector, mask));
  }
  return vector::ExtractOp::create(builder, loc, vector, 0);
}

Value TileBuilder::loadPairs(Value tile, Value at) {
  auto pairs = VectorType::get(2 * lanes, builder.getBF16Type());
  return vector::LoadOp::create(builder, loc, pairs, tile, at);
}

Value TileBuilder::broadcastPair(Value tile, Value at) {
  Type word = builder.getI32Type();
  Value pair = vector::LoadOp::create(
      builder, loc, VectorType::get(2, builder.getBF16Type()), tile, at);
  pair =
      vector::BitCastOp::create(builder, loc, VectorType::get(1, word), pair);
  Value wide = vector::BroadcastOp::create(
      builder, loc, VectorType::get(lanes, word),
      vector::ExtractOp::create(builder, loc, pair, 0));
  return vector::BitCastOp::create(
      builder, loc, VectorType::get(2 * lanes, builder.getBF16Type()), wide);
}

Value TileBuilder::dotPairs(Value a, Value b, Value c) {
  return x86vector::DotBF16Op::create(builder, loc, c.getType(), c, a, b);
}

Value TileBuilder::reduceRow(int64_t columns, Value init,
                             function_ref<Value(Value, int64_t)> element,
                             Reducer combine) {
  int64_t full = columns / lanes * lanes;
  Value result = init;
  if (full) {
    Value begin = index(0), end = index(full), by = index(lanes);
    scf::ForOp loop = scf::ForOp::create(
        builder, loc, begin, end, by, init,
        [&](OpBuilder &, Location, Value column, ValueRange state) {
          Value next = combine(state[0], element(column, lanes));
          scf::YieldOp::create(builder, loc, next);
        });
    result = loop.getResult(0);
  }
  if (full != columns)
    result = combine(result, element(index(full), columns - full));
  return reduceLanes(result, combine);
}
