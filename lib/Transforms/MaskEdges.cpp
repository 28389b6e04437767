//===- MaskEdges.cpp - Where a mask changes its tile ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/MaskEdges.h"
#include "TileWindows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace simplexir;

/// By how many keys, and queries, the last rows are further on.
static int64_t getLag(MaskOp op) {
  return op.getSkew() ? TileSkew(op.getType().getRows(), op.getHeads()).lag : 0;
}

namespace {
/// Builds the condition under which a mask may change its tile.
class EdgeCondition {
public:
  EdgeCondition(ImplicitLocOpBuilder &b, MaskOp op) : b(b), op(op) {
    first = op.getPosition();
    last = add(first, getQueriesTogether(op) - 1);
  }

  void addColumns() {
    TileType type = cast<TileType>(op.getLogits().getType());
    Value columnEnd = add(op.getColumn(), type.getColumns());

    // The first tile starts at 'begin' or later: only its end can stick out.
    // But with a skew, for the rows that are furthest on.
    require(arith::CmpIPredicate::sgt, add(columnEnd, getLag(op)), op.getEnd());
    if (getLag(op) != 0)
      require(arith::CmpIPredicate::slt, op.getColumn(), op.getBegin());
    requireInside(op.getColumn(), columnEnd, op.getWindows().back());
  }

  /// With one query a tile, or with a skew a group of its rows, outer loops
  /// visit allowed keys only, but for groups that the range of keys cuts.
  void addOuter() {
    for (auto [key, window] : llvm::zip_first(op.getOuter(), op.getWindows())) {
      if (getLag(op) != 0) {
        auto [begin, end] = getVisited(key);
        require(arith::CmpIPredicate::slt, begin, op.getBegin());
        require(arith::CmpIPredicate::sgt, add(end, getLag(op)), op.getEnd());
      }
      if (getQueriesTogether(op) > 1)
        requireInside(key, add(key, 1), window);
    }
  }

  Value get() { return condition; }

private:
  /// All keys of the loop whose counter it is: few tiles of queries are at an
  /// end of the keys, and a condition that no iteration computes takes no
  /// registers in the loop.
  std::pair<Value, Value> getVisited(Value key) {
    if (auto argument = dyn_cast<BlockArgument>(key))
      if (auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
          loop && argument == loop.getInductionVar())
        return {loop.getLowerBound(), loop.getUpperBound()};
    return {key, add(key, 1)};
  }

  Value add(Value value, int64_t constant) {
    if (constant == 0)
      return value;
    return arith::AddIOp::create(b, value,
                                 arith::ConstantIndexOp::create(b, constant));
  }

  void require(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    Value edge = arith::CmpIOp::create(b, predicate, lhs, rhs);
    condition = condition ? arith::OrIOp::create(b, condition, edge) : edge;
  }

  /// [begin, end) must be in the window of every row, the first row's upper
  /// and the last row's lower bound.
  void requireInside(Value begin, Value end, int64_t window) {
    bool unlimited = window == 0;
    window = std::min(window, kMaxWindow);
    if (!unlimited)
      require(arith::CmpIPredicate::slt, begin, add(last, 1 - window));
    if (!op.getBidirectional())
      require(arith::CmpIPredicate::sgt, end, add(first, 1));
    else if (!unlimited)
      require(arith::CmpIPredicate::sgt, end, add(first, window));
  }

  ImplicitLocOpBuilder &b;
  MaskOp op;
  Value first, last, condition;
};
} // namespace

int64_t simplexir::getQueries(MaskOp op) {
  return llvm::divideCeil(op.getType().getRows(), op.getHeads());
}

int64_t simplexir::getQueriesTogether(MaskOp op) {
  return getQueries(op) - getLag(op);
}

Value simplexir::emitMaskEdge(ImplicitLocOpBuilder &b, MaskOp op) {
  EdgeCondition edge(b, op);
  edge.addColumns();
  edge.addOuter();
  return edge.get();
}

Value simplexir::emitColumnEdge(ImplicitLocOpBuilder &b, MaskOp op) {
  EdgeCondition edge(b, op);
  edge.addColumns();
  return edge.get();
}
