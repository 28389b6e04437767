//===- SpeculateMaximum.cpp - Running maxima only where needed ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_SPECULATEMAXIMUM
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct SpeculateMaximumPass
    : simplexir::impl::SpeculateMaximumBase<SpeculateMaximumPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    half = false;
    SmallVector<RowMaxOp> maxima;
    getOperation().walk([&](RowMaxOp op) {
      if (isInRotatedLoop(op))
        maxima.push_back(op);
    });
    FinalizeOp finish;
    getOperation().walk([&](FinalizeOp op) { finish = op; });
    if (maxima.empty() || !finish)
      return;
    Value safe = repeat(finish);
    for (RowMaxOp op : maxima)
      guard(op, isWanted(op, safe));
    floor(safe);
  }

private:
  /// Probabilities are f16: their exponents end at 2^-24 and 2^16.
  bool half = false;

  /// Any but the first maximum of a tile.
  bool isInRotatedLoop(RowMaxOp op) {
    auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
    Type probability = loop ? getCarriedProbabilities(loop) : Type();
    half |= probability && probability.isF16();
    return probability || isSecondTile(op->getParentOp());
  }

  /// Puts the kernel's body into a loop that is left after the first round if
  /// all sums are in range; returns whether a round is the second one.
  Value repeat(FinalizeOp finish) {
    Block &body = getOperation().getBody().front();
    Operation *end = body.getTerminator();
    ImplicitLocOpBuilder b(finish.getLoc(), end);
    Value off = arith::ConstantOp::create(b, b.getBoolAttr(false));
    auto loop = scf::WhileOp::create(b, TypeRange(), ValueRange(off));
    Block *before =
        b.createBlock(&loop.getBefore(), {}, off.getType(), b.getLoc());
    Value safe = before->getArgument(0);
    before->getOperations().splice(before->end(), body.getOperations(),
                                   body.begin(),
                                   off.getDefiningOp()->getIterator());
    b.setInsertionPointToEnd(before);
    Value wrong =
        OutOfRangeOp::create(b, b.getI1Type(), finish.getSum(),
                             half ? finish.getAccumulator() : Value());
    Value any = VoteOp::create(b, b.getI1Type(), wrong);
    Value on = arith::ConstantOp::create(b, b.getBoolAttr(true));
    Value first = arith::XOrIOp::create(b, safe, on);
    Value again = arith::AndIOp::create(b, any, first);
    scf::ConditionOp::create(b, again, ValueRange());
    b.createBlock(&loop.getAfter());
    scf::YieldOp::create(
        b, arith::ConstantOp::create(b, b.getBoolAttr(true)).getResult());
    return safe;
  }

  /// In a safe round, and for the first tile of a loop over tiles.
  static Value isWanted(RowMaxOp op, Value safe) {
    auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
    if (!loop || loop.getBody()->getOps<CopyWaitOp>().empty())
      return safe;
    auto b = ImplicitLocOpBuilder::atBlockBegin(op.getLoc(), loop.getBody());
    Value first =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                              loop.getInductionVar(), loop.getLowerBound());
    return arith::OrIOp::create(b, safe, first);
  }

  /// The new maximum and what it rescales, only where `wanted`. What waits for
  /// a product that is still running has a condition of its own.
  static void guard(RowMaxOp op, Value wanted) {
    SmallVector<Operation *> moved{op}, late;
    bool awaited = false;
    for (Operation *next = op; next; next = next->getNextNode()) {
      awaited |= isa<AwaitOp>(next);
      auto rescale = dyn_cast<RescaleOp>(next);
      if (rescale && rescale.getTo() == op.getResult())
        (awaited ? late : moved).push_back(rescale);
    }
    guard(moved, wanted);
    for (Operation *rescale : late)
      guard(rescale, wanted);
  }

  static void guard(ArrayRef<Operation *> moved, Value wanted) {
    SmallVector<Value> results, otherwise;
    for (Operation *op : moved) {
      results.push_back(op->getResult(0));
      auto maximum = dyn_cast<RowMaxOp>(op);
      otherwise.push_back(maximum ? maximum.getRunning()
                                  : cast<RescaleOp>(op).getTile());
    }
    ImplicitLocOpBuilder b(moved.front()->getLoc(), moved.front());
    auto branch = scf::IfOp::create(b, ValueRange(results).getTypes(), wanted,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    for (auto [result, replacement] :
         llvm::zip_equal(results, branch.getResults()))
      result.replaceAllUsesWith(replacement);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, otherwise);
    b.setInsertionPointToStart(branch.thenBlock());
    auto yield = scf::YieldOp::create(b, results);
    for (Operation *each : moved) {
      each->moveBefore(yield);
      for (auto [result, replacement] :
           llvm::zip_equal(results, branch.getResults()))
        each->replaceUsesOfWith(replacement, result);
    }
  }

  /// Maxima begin at 0, or, in a safe round, at -inf as they did.
  void floor(Value safe) {
    getOperation().walk([&](FillOp op) {
      if (!op.getValue().isInfinity() || !op.getValue().isNegative())
        return;
      ImplicitLocOpBuilder b(op.getLoc(), op->getContext());
      b.setInsertionPointAfter(op);
      Value zero = FillOp::create(b, op.getType(), b.getF64FloatAttr(0.0));
      auto start = scf::IfOp::create(b, op->getResultTypes(), safe, true, true);
      b.setInsertionPointToStart(start.thenBlock());
      auto yield = scf::YieldOp::create(b, op.getResult());
      b.setInsertionPointToStart(start.elseBlock());
      scf::YieldOp::create(b, zero);
      op.getResult().replaceAllUsesExcept(start.getResult(0), yield);
    });
  }
};
} // namespace
