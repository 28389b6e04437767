//===- DeferRowSums.cpp - Sum over the threads of a row once --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace simplexir {
#define GEN_PASS_DEF_DEFERROWSUMS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

bool simplexir::usesWarpgroups(func::FuncOp kernel) {
  auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
  return kernel->hasAttr(kKernelAttrName) && schedule && schedule.getWgmma();
}

/// The result of the outermost loop that carries `value`, yielded and nothing
/// else; null if it is used in another way.
static Value getCarriedResult(Value value) {
  Value result;
  while (value.hasOneUse()) {
    OpOperand &use = *value.use_begin();
    auto loop = dyn_cast<scf::ForOp>(use.getOwner()->getParentOp());
    if (!isa<scf::YieldOp>(use.getOwner()) || !loop)
      return result;
    value = result = loop.getResult(use.getOperandNumber());
  }
  return result;
}

namespace {
struct DeferRowSumsPass : simplexir::impl::DeferRowSumsBase<DeferRowSumsPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    getOperation().walk([](RowSumOp op) {
      Value total = getCarriedResult(op.getResult());
      if (!total || op.getFactor().convertToDouble() != 1)
        return;
      IRRewriter rewriter(op);
      rewriter.setInsertionPointAfter(total.getDefiningOp());
      auto reduce = RowReduceOp::create(rewriter, op.getLoc(), total);
      rewriter.replaceAllUsesExcept(total, reduce, reduce);
      rewriter.setInsertionPoint(op);
      rewriter.replaceOpWithNewOp<RowPartialOp>(op, op.getTile(),
                                                op.getRunning());
    });
  }
};
} // namespace
