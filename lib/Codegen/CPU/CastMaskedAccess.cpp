//===- CastMaskedAccess.cpp - Masked 16-bit floats as integers ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace simplexir {
#define GEN_PASS_DEF_CASTMASKEDACCESS
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;

namespace {

/// The vector of integers with the bits of a vector of bf16 or f16; null for
/// other types.
VectorType getBitsType(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || !isa<BFloat16Type, Float16Type>(vector.getElementType()))
    return {};
  return vector.clone(IntegerType::get(type.getContext(), 16));
}

struct CastLoad : OpRewritePattern<LLVM::MaskedLoadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LLVM::MaskedLoadOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    VectorType bits = getBitsType(type);
    if (!bits)
      return failure();
    Value passThrough = op.getPassThru();
    if (passThrough)
      passThrough =
          LLVM::BitcastOp::create(rewriter, op.getLoc(), bits, passThrough);
    Value loaded = LLVM::MaskedLoadOp::create(
        rewriter, op.getLoc(), bits, op.getData(), op.getMask(), passThrough,
        op.getAlignment(), op.getNontemporal());
    rewriter.replaceOpWithNewOp<LLVM::BitcastOp>(op, type, loaded);
    return success();
  }
};

struct CastStore : OpRewritePattern<LLVM::MaskedStoreOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LLVM::MaskedStoreOp op,
                                PatternRewriter &rewriter) const override {
    VectorType bits = getBitsType(op.getValue().getType());
    if (!bits)
      return failure();
    Value value =
        LLVM::BitcastOp::create(rewriter, op.getLoc(), bits, op.getValue());
    rewriter.modifyOpInPlace(op, [&] { op.getValueMutable().assign(value); });
    return success();
  }
};

struct CastMaskedAccess
    : simplexir::impl::CastMaskedAccessBase<CastMaskedAccess> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<CastLoad, CastStore>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
