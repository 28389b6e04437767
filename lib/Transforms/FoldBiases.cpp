//===- FoldBiases.cpp - Biases as row constants ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace simplexir {
#define GEN_PASS_DEF_FOLDBIASES
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// lhs (rhs + b) = lhs rhs + b * rowsum(lhs).
struct FoldBias : OpRewritePattern<ContractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ContractOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getBias().isZero())
      return failure();
    TileType type = cast<TileType>(op.getResult().getType());
    auto column =
        TileType::get(getContext(), {type.getRows()}, type.getElementType());
    Value init = op.getInit();
    if (!init)
      init = FillOp::create(rewriter, op.getLoc(), column,
                            rewriter.getF64FloatAttr(0.0));
    init = RowSumOp::create(rewriter, op.getLoc(), column, op.getLhs(), init,
                            op.getBiasAttr());
    rewriter.replaceOpWithNewOp<ContractOp>(
        op, type, op.getLhs(), op.getRhs(), init, op.getTransposedAttr(),
        rewriter.getF64FloatAttr(0.0), op.getSkewAttr());
    return success();
  }
};

struct FoldBiasesPass : simplexir::impl::FoldBiasesBase<FoldBiasesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldBias>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
