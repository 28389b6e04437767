//===- TileWindows.cpp - The keys that a tile of queries visits -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileWindows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace simplexir;

TileSkew::TileSkew(int64_t rows, int64_t heads)
    : step(ScheduleAttr::kGroupRows / heads),
      lag(step * (rows / ScheduleAttr::kGroupRows - 1)) {}

int64_t TileSkew::getRows(int64_t keys) const {
  constexpr int64_t period = 8;
  return lag == 0 ? keys : llvm::alignTo(keys + lag, period);
}

TileWindows simplexir::emitTileWindows(ImplicitLocOpBuilder &b, AttentionOp op,
                                       Value begin, Value end,
                                       Value queryLength,
                                       const TileSkew &skew) {
  auto c = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto add = [&](Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(x, y);
  };
  auto sub = [&](Value x, Value y) {
    return b.createOrFold<arith::SubIOp>(x, y);
  };
  auto min = [&](Value x, Value y) {
    return b.createOrFold<arith::MinSIOp>(x, y);
  };
  auto max = [&](Value x, Value y) {
    return b.createOrFold<arith::MaxSIOp>(x, y);
  };
  TileWindows result;
  Value keys = b.createOrFold<memref::DimOp>(op.getKeys()[0], c(1));
  Value offset = op.getQueryPosition()
                     ? sub(op.getQueryPosition(), op.getKeyPosition())
                     : sub(keys, queryLength);
  result.rangeBegin = c(0);
  result.rangeEnd = keys;
  if (op.getRangeBegin()) {
    Value origin = op.getKeyPosition() ? op.getKeyPosition() : c(0);
    result.rangeBegin = max(result.rangeBegin, sub(op.getRangeBegin(), origin));
    result.rangeEnd = min(result.rangeEnd, sub(op.getRangeEnd(), origin));
  }
  result.firstPosition = add(offset, begin);
  Value count = sub(end, begin);
  if (skew.step != 0)
    count = min(count, c(skew.step));
  Value lastPosition = add(result.firstPosition, sub(count, c(1)));
  // The last group's first columns may be the first keys.
  Value firstKey = result.rangeBegin;
  if (skew.lag != 0)
    firstKey = sub(firstKey, c(skew.lag));
  for (int64_t window : op.getWindows()) {
    KeyRange range{firstKey, result.rangeEnd};
    bool unlimited = window == 0;
    Value width = c(std::min(window, kMaxWindow));
    if (!unlimited)
      range.begin =
          max(range.begin, add(sub(result.firstPosition, width), c(1)));
    if (!op.getBidirectional())
      range.end = min(range.end, add(lastPosition, c(1)));
    else if (!unlimited)
      range.end = min(range.end, add(lastPosition, width));
    result.keys.push_back(range);
  }
  return result;
}
