//===- TakeTurns.cpp - Two groups share the matrix unit -------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_TAKETURNS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct TakeTurnsPass : simplexir::impl::TakeTurnsBase<TakeTurnsPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    // The groups are two.
    if (!usesWarpgroups(kernel) || schedule.getWarps() != 8)
      return;
    // The products of a turn are those of a block: of a loop, or of the second
    // tile of a pair in it.
    llvm::MapVector<Block *, SmallVector<StartContractOp>> turns;
    llvm::SetVector<scf::ForOp> loops;
    kernel.walk([&](StartContractOp op) {
      Operation *parent = op->getParentOp();
      if (isSecondTile(parent))
        parent = parent->getParentOp();
      // Groups that wait for each other at every tile have no turns. Nor has
      // what follows a loop: a share without keys skips it.
      auto loop = dyn_cast<scf::ForOp>(parent);
      if (!loop || !loop.getBody()->getOps<CopyWaitOp>().empty())
        return;
      turns[op->getBlock()].push_back(op);
      loops.insert(loop);
    });
    if (turns.empty())
      return;
    for (auto &[block, products] : turns) {
      OpBuilder b(products.front());
      TakeTurnOp::create(b, products.front().getLoc());
      b.setInsertionPointAfter(products.back());
      PassTurnOp::create(b, products.back().getLoc());
    }
    if (schedule.getSplits() > 1)
      for (scf::ForOp loop : loops)
        balance(loop);
    Block *body = &kernel.getBody().front();
    for (auto roles : body->getOps<SpecializeOp>())
      body = &roles.getCompute().front();
    auto b = OpBuilder::atBlockBegin(body);
    OpenTurnsOp::create(b, kernel.getLoc());
    b.setInsertionPointToEnd(body);
    if (body->mightHaveTerminator() && isa<func::ReturnOp>(body->back()))
      b.setInsertionPoint(&body->back());
    CloseTurnsOp::create(b, kernel.getLoc());
  }

private:
  /// Shares of a split may differ by one iteration, turns must not: a group
  /// takes and passes as many more as split 0 has more iterations.
  static void balance(scf::ForOp loop) {
    auto split = loop->getParentOfType<SplitOp>();
    if (!split)
      return;
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    b.setInsertionPointAfter(loop);
    Type type = loop.getInductionVar().getType();
    auto getConstant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
    };
    Value zero = getConstant(0);
    auto count = [&](Value length) -> Value {
      length = arith::MaxSIOp::create(b, length, zero);
      return arith::CeilDivUIOp::create(b, length, loop.getStep());
    };
    // Share s begins s keys after share 0.
    Value share = split.getBody().front().getArgument(0);
    if (!type.isIndex())
      share = arith::IndexCastUIOp::create(b, type, share);
    Value length =
        arith::SubIOp::create(b, loop.getUpperBound(), loop.getLowerBound());
    Value longest = arith::AddIOp::create(b, length, share);
    Value one = getConstant(1);
    auto rest = scf::ForOp::create(b, count(length), count(longest), one);
    b.setInsertionPointToStart(rest.getBody());
    TakeTurnOp::create(b);
    PassTurnOp::create(b);
    for (auto branch : loop.getBody()->getOps<scf::IfOp>()) {
      if (branch.thenBlock()->getOps<TakeTurnOp>().empty())
        continue;
      auto second = scf::IfOp::create(b, branch.getCondition(),
                                      /*withElseRegion=*/false);
      b.setInsertionPointToStart(second.thenBlock());
      TakeTurnOp::create(b);
      PassTurnOp::create(b);
      b.setInsertionPointAfter(second);
    }
  }
};
} // namespace
