//===- TileVerifiers.cpp - What the tile operations require ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// A column has one number for each row of its tile.
LogicalResult expectRows(Operation *op, StringRef name, Type column,
                         Type tile) {
  int64_t found = cast<TileType>(column).getRows();
  int64_t expected = cast<TileType>(tile).getRows();
  if (found == expected)
    return success();
  return op->emitOpError() << name << " has " << found << " rows, expected "
                           << expected << " as the tile";
}

LogicalResult expectHeads(Operation *op, int64_t heads) {
  if (heads >= 1)
    return success();
  return op->emitOpError() << "'heads' must be positive, found " << heads;
}

LogicalResult expectRank(Operation *op, StringRef name, Type type,
                         int64_t rank) {
  auto memref = cast<MemRefType>(type);
  if (memref.getRank() != rank)
    return op->emitOpError() << name << " must have rank " << rank
                             << ", found rank " << memref.getRank();
  if (!isa<FloatType>(memref.getElementType()))
    return op->emitOpError() << name << " must have floating-point elements, "
                             << "found " << memref.getElementType();
  return success();
}

/// Rows of 128 bytes in boxes.
bool isBoxes(Type type) {
  auto memref = cast<MemRefType>(type);
  return memref.getRank() == 3 &&
         memref.getDimSize(2) * memref.getElementTypeBitWidth() == 128 * 8;
}

LogicalResult expectCount(Operation *op, StringRef name, size_t found,
                          size_t expected, StringRef each) {
  if (found == expected)
    return success();
  return op->emitOpError() << "'" << name << "' takes one number for each "
                           << each << ": expected " << expected << ", found "
                           << found;
}

LogicalResult expectFactor(Operation *op, int64_t factor) {
  if (factor >= -1 && factor <= 1)
    return success();
  return op->emitOpError() << "'factor' must be -1, 0 or 1, found " << factor;
}

LogicalResult expectLayout(Operation *op, StringRef name, int64_t columns,
                           ChunkedAttr layout) {
  if (!layout || columns == layout.getColumns())
    return success();
  return op->emitOpError() << name << " has " << columns
                           << " columns, expected " << layout.getColumns()
                           << " as the layout";
}

/// Rows of outer keys and values come one at a time, or one for each group of
/// the tile's rows.
LogicalResult expectSingleRows(Operation *op, StringRef name, TypeRange types,
                               Type tile) {
  constexpr int64_t group = ScheduleAttr::kGroupRows;
  int64_t all = cast<TileType>(tile).getRows();
  for (auto [i, type] : llvm::enumerate(types))
    if (int64_t rows = cast<TileType>(type).getRows();
        rows != 1 && rows * group != all)
      return op->emitOpError()
             << name << " " << i + 1 << " has " << rows
             << " rows, expected 1, or one for each " << group << " of " << all;
  return success();
}

/// Groups of rows that are `skew` queries apart have whole queries.
LogicalResult expectSkew(Operation *op, int64_t skew, Type tile,
                         int64_t heads) {
  constexpr int64_t group = ScheduleAttr::kGroupRows;
  int64_t rows = cast<TileType>(tile).getRows();
  if (skew == 0 || (heads >= 1 && group % heads == 0 && skew == group / heads &&
                    rows % group == 0))
    return success();
  return op->emitOpError() << "'skew' is " << skew << " for " << rows
                           << " rows and " << heads
                           << " heads, expected whole queries in each " << group
                           << " rows";
}
} // namespace

LogicalResult LoadOp::verify() {
  auto skew = static_cast<int64_t>(getSkew());
  if (skew < 0 || (skew != 0 && getHeads() != 1))
    return emitOpError() << "'skew' is " << skew << " with " << getHeads()
                         << " heads, expected 0 or more, and one head";
  return success(
      succeeded(expectHeads(*this, getHeads())) &&
      succeeded(expectRank(*this, "source", getSource().getType(), 4)) &&
      succeeded(expectLayout(*this, "result", getType().getColumns(),
                             getLayoutAttr())));
}

LogicalResult LoadRowOp::verify() {
  auto skew = static_cast<int64_t>(getSkew());
  if (int64_t rows = getType().getRows(); skew < 0 || (skew == 0 && rows != 1))
    return emitOpError() << "result has " << rows << " rows with skew " << skew
                         << ", expected 1 where it is 0";
  return success();
}

LogicalResult StoreOp::verify() {
  int64_t rank = cast<TileType>(getTile().getType()).getShape().size() + 2;
  return success(succeeded(expectHeads(*this, getHeads())) &&
                 succeeded(expectRank(*this, "destination",
                                      getDestination().getType(), rank)));
}

LogicalResult CopyOp::verify() {
  return success(
      succeeded(expectHeads(*this, getHeads())) &&
      succeeded(expectRank(*this, "source", getSource().getType(), 4)) &&
      (isBoxes(getDestination().getType()) ||
       succeeded(
           expectRank(*this, "destination", getDestination().getType(), 2))));
}

LogicalResult ArrangeOp::verify() {
  auto type = cast<MemRefType>(getBuffer().getType());
  if (isBoxes(type)) {
    int64_t columns = type.getDimSize(0) * type.getDimSize(2);
    if (columns >= getLayout().getColumns())
      return success();
    return emitOpError() << "buffer has " << columns
                         << " columns in boxes, expected at least "
                         << getLayout().getColumns() << " as the layout";
  }
  return success(succeeded(expectRank(*this, "buffer", type, 2)) &&
                 succeeded(expectLayout(*this, "buffer", type.getDimSize(1),
                                        getLayout())));
}

LogicalResult MultiplyRowsOp::verify() {
  auto lhs = cast<MemRefType>(getLhs().getType());
  auto rhs = cast<MemRefType>(getRhs().getType());
  auto product = cast<MemRefType>(getProduct().getType());
  if (failed(expectRank(*this, "lhs", lhs, 2)) ||
      failed(expectRank(*this, "rhs", rhs, 2)) ||
      failed(expectRank(*this, "product", product, 2)) ||
      failed(expectCount(*this, "biases", getBiases().size(), 2, "operand")))
    return failure();
  if (!lhs.hasStaticShape() || !rhs.hasStaticShape() ||
      !product.hasStaticShape())
    return emitOpError() << "needs operands of static shape";
  int64_t rows = lhs.getDimSize(0) * rhs.getDimSize(0);
  int64_t columns = product.getDimSize(1);
  if (product.getDimSize(0) != rows || lhs.getDimSize(1) != columns ||
      rhs.getDimSize(1) != columns)
    return emitOpError() << "product must be " << rows << " rows of "
                         << lhs.getDimSize(1) << " columns as lhs and rhs, "
                         << "found " << product;
  return success();
}

LogicalResult CombineOp::verify() {
  if (failed(expectCount(*this, "biases", getBiases().size(), getKeys().size(),
                         "outer key")) ||
      failed(expectFactor(*this, getFactor())) ||
      failed(expectSingleRows(*this, "key", getKeys().getTypes(),
                              getResult().getType())))
    return failure();
  if (static_cast<bool>(getMagnitude()) != static_cast<bool>(getMultiplier()))
    return emitOpError() << "returns a multiplier if the query's magnitude is "
                            "given, and only then";
  int64_t columns = cast<TileType>(getResult().getType()).getColumns();
  if (getHeadDim() < 1 || static_cast<int64_t>(getHeadDim()) > columns)
    return emitOpError() << "'head_dim' must be from 1 to the " << columns
                         << " columns of the tile, found " << getHeadDim();
  // The query, the outer keys, and the last key of the product to come.
  int64_t arity = getKeys().size() + 2;
  if (failed(getForm().verifyForm([&] { return emitOpError(); }, arity,
                                  getHeadDim())))
    return failure();
  if (!getSeparated())
    return success();
  auto expect = [&](const Twine &name, Type type, int64_t operand) {
    return expectLayout(
        *this, name.str(), cast<ShapedType>(type).getShape().back(),
        ChunkedAttr::get(getForm(), arity, getHeadDim(), operand));
  };
  for (auto [i, key] : llvm::enumerate(getKeys().getTypes()))
    if (failed(expect("key " + Twine(i + 1), key, i + 1)))
      return failure();
  Type query = getQuery().getType();
  return success((isa<TileType>(query) ||
                  succeeded(expectRank(*this, "query", query, 2))) &&
                 succeeded(expect("query", query, 0)) &&
                 succeeded(expect("result", getResult().getType(), arity - 1)));
}

LogicalResult MaskOp::verify() {
  return success(
      succeeded(expectHeads(*this, getHeads())) &&
      succeeded(expectSkew(*this, getSkew(), getType(), getHeads())) &&
      succeeded(expectCount(*this, "windows", getWindows().size(),
                            getOuter().size() + 1, "key")));
}

LogicalResult DropRowsOp::verify() {
  return success(
      succeeded(expectHeads(*this, getHeads())) &&
      succeeded(expectSkew(*this, getSkew(), getType(), getHeads())) &&
      succeeded(expectCount(*this, "windows", getWindows().size(),
                            getOuter().size(), "key")));
}

LogicalResult RowMaxOp::verify() {
  return expectRows(*this, "running", getRunning().getType(),
                    getLogits().getType());
}

LogicalResult ExpOp::verify() {
  return expectRows(*this, "maximum", getMaximum().getType(),
                    getLogits().getType());
}

LogicalResult RowSumOp::verify() {
  return expectRows(*this, "running", getRunning().getType(),
                    getTile().getType());
}

LogicalResult RescaleOp::verify() {
  return expectRows(*this, "from", getFrom().getType(), getTile().getType());
}

LogicalResult ConvertOp::verify() {
  auto from = cast<TileType>(getTile().getType());
  if (from.getShape() == cast<TileType>(getType()).getShape())
    return success();
  return emitOpError() << "keeps the shape of a tile, found " << from << " and "
                       << getType();
}

LogicalResult FoldOp::verify() {
  auto accumulator = cast<TileType>(getAccumulator().getType());
  auto product = cast<TileType>(getProduct().getType());
  if (accumulator.getShape() != product.getShape())
    return emitOpError() << "product is " << product
                         << ", expected the shape of " << accumulator;
  return success(succeeded(expectCount(*this, "biases", getBiases().size(),
                                       getValues().size(), "outer value")) &&
                 succeeded(expectSingleRows(
                     *this, "value", getValues().getTypes(), accumulator)));
}

LogicalResult FinalizeOp::verify() {
  Type accumulator = getAccumulator().getType();
  if (failed(
          expectRows(*this, "maximum", getMaximum().getType(), accumulator)) ||
      failed(expectRows(*this, "lse", getLse().getType(), accumulator)))
    return failure();
  if (cast<TileType>(accumulator).getShape() !=
      cast<TileType>(getOut().getType()).getShape())
    return emitOpError() << "out is " << getOut().getType()
                         << ", expected the shape of " << accumulator;
  return success();
}

LogicalResult OutOfRangeOp::verify() {
  if (!getAccumulator())
    return success();
  auto accumulator = cast<TileType>(getAccumulator().getType());
  if (!accumulator.getElementType().isF32())
    return emitOpError() << "accumulator is " << accumulator
                         << ", expected elements of type f32";
  return expectRows(*this, "sum", getSum().getType(), accumulator);
}

LogicalResult SplitOp::verify() {
  if (static_cast<int64_t>(getCount()) < 1)
    return emitOpError() << "'count' must be positive, found "
                         << static_cast<int64_t>(getCount());
  Type accumulator = getAccumulator().getType();
  return success(
      succeeded(
          expectRows(*this, "maximum", getMaximum().getType(), accumulator)) &&
      succeeded(expectRows(*this, "sum", getSum().getType(), accumulator)));
}
