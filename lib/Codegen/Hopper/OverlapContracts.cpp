//===- OverlapContracts.cpp - Compute while products run ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace simplexir {
#define GEN_PASS_DEF_OVERLAPCONTRACTS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

/// Where a product must be complete: before its first user in its block, or
/// the next product; logits may stay in flight beside a product of values.
static Operation *getDeadline(ContractOp op) {
  Block *block = op->getBlock();
  for (Operation *next = op->getNextNode(); next; next = next->getNextNode()) {
    if (auto contract = dyn_cast<ContractOp>(next);
        contract && !(op.getTransposed() && !contract.getTransposed()))
      return next;
    for (Operation *user : op->getUsers())
      if (block->findAncestorOpInBlock(*user) == next)
        return next;
  }
  return block->getTerminator();
}

namespace {
struct OverlapContractsPass
    : simplexir::impl::OverlapContractsBase<OverlapContractsPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    SmallVector<ContractOp> ops = listContracts();
    // Deadlines look at products that are none any more once they started.
    SmallVector<Operation *> deadlines;
    for (ContractOp op : ops)
      deadlines.push_back(getDeadline(op));
    for (auto [op, deadline] : llvm::zip_equal(ops, deadlines)) {
      IRRewriter rewriter(op);
      FoldOp sum = getPlainSum(op);
      auto start = StartContractOp::create(
          rewriter, op.getLoc(), op.getResult().getType(), op.getLhs(),
          op.getRhs(), sum ? sum.getAccumulator() : Value(),
          op.getTransposedAttr(), op.getSkewAttr());
      int64_t leaving = countProducts(op, deadline);
      if (auto branch = dyn_cast<scf::IfOp>(deadline);
          branch && branch.elseBlock() && usedOnlyIn(op, branch)) {
        awaitInBranches(rewriter, op, start, branch, leaving);
        continue;
      }
      rewriter.setInsertionPoint(deadline);
      auto await =
          AwaitOp::create(rewriter, op.getLoc(), start, op.getInit(), leaving);
      if (sum)
        rewriter.replaceOp(sum, await);
      rewriter.replaceOp(op, await);
    }
  }

private:
  /// Where there is something to compute meanwhile: in a rotated loop. Behind
  /// it, only what is added to the product of a pair's second tile.
  SmallVector<ContractOp> listContracts() {
    SmallVector<ContractOp> ops;
    getOperation().walk([&](Block *block) {
      auto loop = dyn_cast<scf::ForOp>(block->getParentOp());
      bool inLoop = loop && getCarriedProbabilities(loop), take = inLoop;
      for (Operation &op : *block) {
        if (auto contract = dyn_cast<ContractOp>(op); contract && take)
          ops.push_back(contract);
        if (!isSecondTile(&op))
          continue;
        take = true;
        if (inLoop)
          llvm::append_range(
              ops, cast<scf::IfOp>(op).thenBlock()->getOps<ContractOp>());
      }
    });
    return ops;
  }

  /// A fold that only adds: the product can do that itself, if what it adds to
  /// is known when it starts.
  static FoldOp getPlainSum(ContractOp op) {
    if (!op->hasOneUse())
      return {};
    auto fold = dyn_cast<FoldOp>(*op->getUsers().begin());
    if (!fold || !fold.getValues().empty() || fold.getProduct() != op)
      return {};
    Operation *accumulator = fold.getAccumulator().getDefiningOp();
    bool known = !accumulator || accumulator->getBlock() != op->getBlock() ||
                 accumulator->isBeforeInBlock(op);
    return known ? fold : FoldOp();
  }

  /// Products from `op` on up to `end` that may go on.
  static int64_t countProducts(Operation *op, Operation *end) {
    int64_t count = 0;
    while ((op = op->getNextNode()) != end)
      count += isa<ContractOp, StartContractOp>(op);
    return count;
  }

  static bool usedOnlyIn(ContractOp op, scf::IfOp branch) {
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      return branch->isProperAncestor(user);
    });
  }

  /// ptxas moves a wait up, ahead of what was to be done under the product,
  /// but not out of both branches of a condition.
  static void awaitInBranches(IRRewriter &rewriter, ContractOp op,
                              StartContractOp start, scf::IfOp branch,
                              int64_t leaving) {
    for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
      rewriter.setInsertionPointToStart(block);
      auto await =
          AwaitOp::create(rewriter, op.getLoc(), start, op.getInit(), leaving);
      rewriter.replaceUsesWithIf(op.getResult(), await, [&](OpOperand &use) {
        return block->findAncestorOpInBlock(*use.getOwner()) != nullptr;
      });
    }
    rewriter.eraseOp(op);
  }
};
} // namespace
