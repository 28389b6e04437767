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
/// the next product.
static Operation *getDeadline(ContractOp op) {
  Block *block = op->getBlock();
  for (Operation *next = op->getNextNode(); next; next = next->getNextNode()) {
    if (isa<ContractOp>(next))
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
    SmallVector<ContractOp> ops;
    getOperation().walk([&](ContractOp op) {
      // Where there is something to compute meanwhile: in a rotated loop.
      if (isa<scf::ForOp>(op->getParentOp()) && !op.getTransposed() &&
          isa<BlockArgument>(op.getLhs()))
        for (auto each : op->getBlock()->getOps<ContractOp>())
          ops.push_back(each);
    });
    for (ContractOp op : ops) {
      Operation *deadline = getDeadline(op);
      IRRewriter rewriter(op);
      auto start = StartContractOp::create(
          rewriter, op.getLoc(), op.getResult().getType(), op.getLhs(),
          op.getRhs(), op.getTransposedAttr());
      if (auto branch = dyn_cast<scf::IfOp>(deadline);
          branch && branch.elseBlock() && usedOnlyIn(op, branch)) {
        awaitInBranches(rewriter, op, start, branch);
        continue;
      }
      rewriter.setInsertionPoint(deadline);
      auto await = AwaitOp::create(rewriter, op.getLoc(), start, op.getInit());
      rewriter.replaceOp(op, await);
    }
  }

private:
  static bool usedOnlyIn(ContractOp op, scf::IfOp branch) {
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      return branch->isProperAncestor(user);
    });
  }

  /// ptxas moves a wait up, ahead of what was to be done under the product,
  /// but not out of both branches of a condition.
  static void awaitInBranches(IRRewriter &rewriter, ContractOp op,
                              StartContractOp start, scf::IfOp branch) {
    for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
      rewriter.setInsertionPointToStart(block);
      auto await = AwaitOp::create(rewriter, op.getLoc(), start, op.getInit());
      rewriter.replaceUsesWithIf(op.getResult(), await, [&](OpOperand &use) {
        return block->findAncestorOpInBlock(*use.getOwner()) != nullptr;
      });
    }
    rewriter.eraseOp(op);
  }
};
} // namespace
