//===- LoopWorkItems.cpp - Blocks that take several work items ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileRings.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_LOOPWORKITEMS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct LoopWorkItemsPass
    : simplexir::impl::LoopWorkItemsBase<LoopWorkItemsPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!canSpecializeCopies(kernel) || !areItemsShort(kernel))
      return;
    std::optional<TileRings> tiles = TileRings::match(kernel);
    if (!tiles || tiles->items || !tiles->query || !tiles->rounds)
      return;
    OutOfRangeOp check = getCheck(*tiles);
    // Sums of f16 probabilities are often out of range where a query has few
    // keys, as the first ones have: too often to do a block's share again.
    if (!check || check.getAccumulator())
      return;
    auto emitError = [&] {
      return kernel.emitError("simplex-loop-work-items: ");
    };
    auto grid = kernel->getAttrOfType<GridAttr>(kGridAttrName);
    if (!grid) {
      emitError() << "the kernel has no '" << kGridAttrName << "'";
      return signalPassFailure();
    }
    if (failed(grid.verifyArguments(emitError, kernel.getArgumentTypes())))
      return signalPassFailure();
    loopOver(*tiles, check, grid);
    constexpr int64_t blocks = 1;
    kernel->setAttr(kResidentBlocksAttrName,
                    Builder(kernel.getContext()).getI64IntegerAttr(blocks));
  }

private:
  /// Up to about eight tiles: of longer ones the beginning and the end are a
  /// small part, and one item more or less of a block is a longer time.
  static bool areItemsShort(func::FuncOp kernel) {
    bool areShort = false;
    kernel.walk([&](MaskOp op) {
      int64_t window = op.getWindows().back();
      int64_t longest = op.getBidirectional() ? 512 : 1024;
      areShort |= window > 0 && window <= longest;
    });
    return areShort;
  }

  /// What a round ends with, and nothing else but the condition.
  static OutOfRangeOp getCheck(TileRings &tiles) {
    auto check = tiles.vote.getCondition().getDefiningOp<OutOfRangeOp>();
    return check && check->getBlock() == tiles.rounds.getBeforeBody() &&
                   check->getNextNode() == tiles.vote
               ? check
               : OutOfRangeOp();
  }

  void loopOver(TileRings &tiles, OutOfRangeOp check, GridAttr grid) {
    Block *round = tiles.rounds.getBeforeBody();
    SmallVector<Operation *> body;
    for (Operation &op : *round) {
      if (&op == tiles.vote)
        break;
      body.push_back(&op);
    }
    auto b = ImplicitLocOpBuilder::atBlockBegin(tiles.loop.getLoc(), round);
    Value off = arith::ConstantOp::create(b, b.getBoolAttr(false));
    // Neighbours at a time: the blocks read the same keys, are done at the same
    // time, and share the first items of a sequence, whose windows are cut off.
    Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
    Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
    Value rest = arith::SubIOp::create(b, countItems(b, grid), block);
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);
    auto loop = scf::ForOp::create(
        b, zero, arith::CeilDivSIOp::create(b, rest, blocks), one, off);
    Block *inner = loop.getBody();
    for (Operation *op : body)
      if (isa<memref::AllocOp>(op))
        op->moveBefore(tiles.rounds);
      else
        op->moveBefore(inner, inner->end());
    for (auto item : llvm::make_early_inc_range(inner->getOps<WorkItemOp>())) {
      b.setInsertionPoint(item);
      Value before = arith::MulIOp::create(b, loop.getInductionVar(), blocks);
      item.getResult().replaceAllUsesWith(
          arith::AddIOp::create(b, before, block).getResult());
      item.erase();
    }
    Value visited = giveTile(tiles.loop);
    b.setInsertionPointToEnd(inner);
    // An item without keys has sums of 0, and is finished.
    Value own = arith::AndIOp::create(b, check, visited);
    Value wrong = arith::OrIOp::create(b, loop.getRegionIterArg(0), own);
    scf::YieldOp::create(b, wrong);
    tiles.vote.getConditionMutable().assign(loop.getResult(0));
  }

  /// Each item has a tile, all of it masked if need be, so that its beginning
  /// can be the same (--simplex-rotate-items). Returns whether it has keys.
  static Value giveTile(scf::ForOp loop) {
    Value end = loop.getUpperBound();
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value first = arith::AddIOp::create(b, loop.getLowerBound(), one);
    Value atLeast = arith::MaxSIOp::create(b, end, first);
    end.replaceUsesWithIf(atLeast, [&](OpOperand &use) {
      Operation *user =
          loop->getBlock()->findAncestorOpInBlock(*use.getOwner());
      return user == loop || (user && loop->isBeforeInBlock(user));
    });
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                 loop.getLowerBound(), end);
  }

  Value countItems(ImplicitLocOpBuilder &b, GridAttr grid) {
    Value count = arith::ConstantIndexOp::create(b, 1);
    for (const GridPart &part : grid.getParts()) {
      Value factor;
      if (!part.argument)
        factor = arith::ConstantIndexOp::create(b, part.number);
      else
        factor = memref::DimOp::create(
            b, getOperation().getArgument(*part.argument), part.number);
      if (part.divisor != 1)
        factor = arith::CeilDivSIOp::create(
            b, factor, arith::ConstantIndexOp::create(b, part.divisor));
      count = arith::MulIOp::create(b, count, factor);
    }
    return count;
  }
};
} // namespace
