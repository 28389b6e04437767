//===- DropRows.cpp - Rows, not elements, at edges of outer windows -------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"
#include "simplexir/Transforms/MaskEdges.h"

namespace simplexir {
#define GEN_PASS_DEF_DROPROWS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// A mask under a condition, and the maximum that its logits renew under
/// another one.
struct Softmax {
  MaskOp mask;
  scf::IfOp guard, renewal;
  RowMaxOp maximum;
  ExpOp exp;

  static std::optional<Softmax> match(MaskOp mask) {
    Softmax found;
    found.mask = mask;
    found.guard = dyn_cast<scf::IfOp>(mask->getParentOp());
    // Where the windows' edges cut nothing, elements will do.
    if (mask.getOuter().empty() || getQueriesTogether(mask) == 1 ||
        !found.guard || found.guard.getNumResults() != 1 ||
        found.guard.thenYield().getOperand(0) != mask.getResult())
      return std::nullopt;
    for (Operation *user : found.guard.getResult(0).getUsers()) {
      if (auto exp = dyn_cast<ExpOp>(user); exp && !found.exp)
        found.exp = exp;
      else if (auto maximum = dyn_cast<RowMaxOp>(user);
               maximum && !found.maximum)
        found.maximum = maximum;
      else
        return std::nullopt;
    }
    if (!found.exp || !found.maximum || !found.findRenewal())
      return std::nullopt;
    return found;
  }

  void rewrite() {
    Value dropped = addDropped();
    // What the exponentials take becomes one more result of the renewal.
    scf::IfOp next = addResult(renewal, maximum.getResult(), dropped);
    exp.getMaximumMutable().assign(next.getResults().back());
  }

private:
  /// Where the condition is false, the maximum stays.
  bool findRenewal() {
    renewal = dyn_cast<scf::IfOp>(maximum->getParentOp());
    auto result = dyn_cast<OpResult>(exp.getMaximum());
    if (!renewal || !result || result.getOwner() != renewal)
      return false;
    unsigned number = result.getResultNumber();
    Value condition = renewal.getCondition();
    return renewal.thenYield().getOperand(number) == maximum.getResult() &&
           renewal.elseYield().getOperand(number) == maximum.getRunning() &&
           isKnownBefore(condition) && isKnownBefore(maximum.getRunning());
  }

  bool isKnownBefore(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return value.getParentRegion()->isAncestor(guard->getParentRegion());
    Operation *user = op->getBlock()->findAncestorOpInBlock(*guard);
    return user && op->isBeforeInBlock(user);
  }

  /// The running maximum, without the rows that the mask drops if it changes
  /// nothing else. In a safe round elements are masked: a maximum is of them.
  Value addDropped() {
    ImplicitLocOpBuilder b(mask.getLoc(), guard.thenYield());
    Value running = maximum.getRunning();
    Value elements = arith::OrIOp::create(b, emitColumnEdge(b, mask),
                                          renewal.getCondition());
    auto choice =
        scf::IfOp::create(b, TypeRange{mask.getType(), running.getType()},
                          elements, /*addThenBlock=*/true,
                          /*addElseBlock=*/true);
    mask.getResult().replaceAllUsesWith(choice.getResult(0));
    mask->moveBefore(choice.thenBlock(), choice.thenBlock()->end());
    b.setInsertionPointToEnd(choice.thenBlock());
    scf::YieldOp::create(b, ValueRange{mask.getResult(), running});
    b.setInsertionPointToStart(choice.elseBlock());
    Value dropped = DropRowsOp::create(
        b, running.getType(), running, mask.getPosition(), mask.getOuter(),
        mask.getBegin(), mask.getEnd(),
        b.getDenseI64ArrayAttr(mask.getWindows().drop_back()),
        mask.getBidirectionalAttr(), mask.getHeadsAttr(), mask.getSkewAttr());
    scf::YieldOp::create(b, ValueRange{mask.getLogits(), dropped});
    guard = addResult(guard, choice.getResult(1), running);
    return guard.getResults().back();
  }

  static scf::IfOp addResult(scf::IfOp branch, Value then, Value otherwise) {
    ImplicitLocOpBuilder b(branch.getLoc(), branch);
    SmallVector<Type> types(branch.getResultTypes());
    types.push_back(then.getType());
    auto result = scf::IfOp::create(b, types, branch.getCondition());
    result.getThenRegion().takeBody(branch.getThenRegion());
    result.getElseRegion().takeBody(branch.getElseRegion());
    result.thenYield().getResultsMutable().append(then);
    result.elseYield().getResultsMutable().append(otherwise);
    branch.replaceAllUsesWith(result.getResults().drop_back());
    branch.erase();
    return result;
  }
};

struct DropRowsPass : simplexir::impl::DropRowsBase<DropRowsPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    SmallVector<Softmax> found;
    getOperation().walk([&](MaskOp op) {
      if (auto softmax = Softmax::match(op))
        found.push_back(*softmax);
    });
    for (Softmax &softmax : found)
      softmax.rewrite();
  }
};
} // namespace
