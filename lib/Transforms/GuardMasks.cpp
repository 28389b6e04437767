//===- GuardMasks.cpp - Mask only tiles at a window's edge ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/MaskEdges.h"
#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_GUARDMASKS
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct GuardMasksPass : simplexir::impl::GuardMasksBase<GuardMasksPass> {
  void runOnOperation() override {
    SmallVector<MaskOp> ops;
    getOperation()->walk([&](MaskOp op) {
      if (!isa<scf::IfOp>(op->getParentOp()))
        ops.push_back(op);
    });
    for (MaskOp op : ops)
      guard(op);
  }

  void guard(MaskOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value edge = emitMaskEdge(b, op);
    auto guarded = scf::IfOp::create(b, TypeRange{op.getType()}, edge,
                                     /*addThenBlock=*/true,
                                     /*addElseBlock=*/true);
    op.replaceAllUsesWith(guarded.getResult(0));
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, op.getLogits());
    op->moveBefore(guarded.thenBlock(), guarded.thenBlock()->end());
    b.setInsertionPointToEnd(guarded.thenBlock());
    scf::YieldOp::create(b, op.getResult());
  }
};
} // namespace
