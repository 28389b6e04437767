//===- TileLiveness.cpp - Where tile values are live ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileLiveness.h"

#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace simplexir;

static bool isLoop(Operation *op) {
  return isa<LoopLikeOpInterface, SplitOp>(op);
}

TileLiveness::TileLiveness(func::FuncOp function) {
  for (Block &block : function.getBody())
    number(block);
}

void TileLiveness::number(Block &block) {
  blocks[&block].begin = next++;
  for (Operation &op : block) {
    operations[&op].begin = next++;
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        number(inner);
    operations[&op].end = next++;
  }
  blocks[&block].end = next++;
}

void TileLiveness::cover(Value value, Block *block, int64_t from,
                         LiveRanges &ranges) const {
  Operation *last = nullptr;
  for (Operation *user : value.getUsers()) {
    Operation *ancestor = block->findAncestorOpInBlock(*user);
    if (ancestor && (!last || last->isBeforeInBlock(ancestor)))
      last = ancestor;
  }
  if (!last) {
    ranges.push_back({from, from});
    return;
  }
  LiveRange at = operations.lookup(last);
  bool usedInside = llvm::any_of(value.getUsers(), [&](Operation *user) {
    return last->isProperAncestor(user);
  });
  if (!usedInside || !isLoop(last))
    ranges.push_back({from, at.begin});
  if (!usedInside)
    return;
  if (isLoop(last)) {
    ranges.push_back({from, at.end});
    return;
  }
  for (Region &region : last->getRegions())
    for (Block &inner : region)
      cover(value, &inner, blocks.lookup(&inner).begin, ranges);
}

LiveRanges TileLiveness::compute(Value value) const {
  LiveRanges ranges;
  int64_t from;
  if (Operation *op = value.getDefiningOp()) {
    // A split merges into its results all along; a contraction and the like
    // write before they have read everything.
    LiveRange at = operations.lookup(op);
    bool late =
        !isa<SplitOp>(op) && llvm::all_of(op->getOpOperands(), isElementwise);
    from =
        late || (op->getNumRegions() && !isa<SplitOp>(op)) ? at.end : at.begin;
  } else {
    from = blocks.lookup(cast<BlockArgument>(value).getOwner()).begin;
  }
  cover(value, value.getParentBlock(), from, ranges);
  return ranges;
}

bool TileLiveness::overlap(const LiveRanges &a, const LiveRanges &b,
                           int64_t slack) {
  for (const LiveRange &x : a)
    for (const LiveRange &y : b)
      if (x.begin - slack <= y.end && y.begin - slack <= x.end)
        return true;
  return false;
}

bool simplexir::isElementwise(OpOperand &operand) {
  if (!isa<TileType>(operand.get().getType()))
    return true;
  return llvm::TypeSwitch<Operation *, bool>(operand.getOwner())
      // Rank-1 operands are read row by row, just before the row is written;
      // the values of a fold column by column.
      .Case<MaskOp, RowMaxOp, ExpOp, RowSumOp, RescaleOp, ConvertOp, FoldOp,
            FinalizeOp>([](auto) { return true; })
      .Default([](Operation *) { return false; });
}
