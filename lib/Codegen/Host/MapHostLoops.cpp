//===- MapHostLoops.cpp - Host loops to blocks and threads ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Host/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/ParallelLoopMapper.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/TypeSwitch.h"

namespace simplexir {
#define GEN_PASS_DEF_MAPHOSTLOOPS
#include "simplexir/Codegen/Host/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

/// Threads of a block.
static constexpr int64_t blockSize = 256;

namespace {
struct MapHostLoops : simplexir::impl::MapHostLoopsBase<MapHostLoops> {
  using MapHostLoopsBase::MapHostLoopsBase;

  LogicalResult toLoops() {
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp op) { copies.push_back(op); });
    for (memref::CopyOp op : copies) {
      rewriter.setInsertionPoint(op);
      linalg::makeMemRefCopyOp(rewriter, op.getLoc(), op.getSource(),
                               op.getTarget());
      rewriter.eraseOp(op);
    }
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::linalgOpToParallelLoops(rewriter, op)))
        return op.emitOpError("cannot become a loop nest for a GPU");
      rewriter.eraseOp(op);
    }
    return success();
  }

  void setMapping(scf::ParallelOp loop, gpu::Processor processor) {
    AffineMap identity = AffineMap::getMultiDimIdentityMap(1, &getContext());
    SmallVector<gpu::ParallelLoopDimMappingAttr> mapping(
        loop.getNumLoops(), gpu::ParallelLoopDimMappingAttr::get(
                                &getContext(), processor, identity, identity));
    (void)gpu::setMappingAttr(loop, mapping);
  }

  /// One dimension, so that neighbouring threads have neighbouring elements
  /// whatever the extents are.
  void map(scf::ParallelOp loop) {
    loop.getBody()->walk([&](scf::ParallelOp inner) {
      setMapping(inner, gpu::Processor::Sequential);
    });
    IRRewriter rewriter(&getContext());
    rewriter.setInsertionPoint(loop);
    std::vector<unsigned> all(loop.getNumLoops());
    for (unsigned i = 0; i < all.size(); ++i)
      all[i] = i;
    Operation *before = loop->getPrevNode();
    Block *block = loop->getBlock();
    collapseParallelLoops(rewriter, loop, {all});
    // The collapsed loop has taken the place of the first one.
    for (auto it = before ? std::next(before->getIterator()) : block->begin();
         it != block->end(); ++it)
      if (auto collapsed = dyn_cast<scf::ParallelOp>(*it)) {
        auto [blocks, threads] = scf::tileParallelLoop(collapsed, {blockSize},
                                                       /*noMinMaxBounds=*/true);
        setMapping(blocks, gpu::Processor::BlockX);
        setMapping(threads, gpu::Processor::ThreadX);
        return;
      }
  }

  /// No library is linked into a kernel.
  void approximate() {
    RewritePatternSet patterns(&getContext());
    auto always = [](StringRef) { return true; };
    populateMathF32ExpansionPatterns(patterns, always);
    populateMathPolynomialApproximationPatterns(patterns, always);
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }

  /// The bits of a number: absf and copysign are no instruction of a library.
  Value setSign(OpBuilder &builder, Location loc, Value number, Value sign) {
    Type type = number.getType();
    unsigned width = type.getIntOrFloatBitWidth();
    Type bits = builder.getIntegerType(width);
    auto mask = [&](const APInt &value) -> Value {
      return arith::ConstantOp::create(builder, loc,
                                       builder.getIntegerAttr(bits, value));
    };
    auto toBits = [&](Value value) -> Value {
      return arith::BitcastOp::create(builder, loc, bits, value);
    };
    Value result = arith::AndIOp::create(builder, loc, toBits(number),
                                         mask(APInt::getSignedMaxValue(width)));
    if (sign) {
      Value bit = arith::AndIOp::create(builder, loc, toBits(sign),
                                        mask(APInt::getSignMask(width)));
      result = arith::OrIOp::create(builder, loc, result, bit);
    }
    return arith::BitcastOp::create(builder, loc, type, result);
  }

  /// One instruction of a GPU; 16-bit numbers in f32, which is exact but for
  /// the last rounding.
  Value callIntrinsic(OpBuilder &builder, Location loc, StringRef name,
                      Value number) {
    Type type = number.getType(), wide = type;
    if (type.getIntOrFloatBitWidth() < 32) {
      wide = builder.getF32Type();
      number = arith::ExtFOp::create(builder, loc, wide, number);
    }
    std::string full =
        ("llvm.nvvm." + name + (wide.isF64() ? ".d" : ".f")).str();
    Value result = LLVM::CallIntrinsicOp::create(
                       builder, loc, wide, builder.getStringAttr(full), number)
                       .getResults();
    if (wide != type)
      result = arith::TruncFOp::create(builder, loc, type, result);
    return result;
  }

  /// What upstream would make calls of a library.
  LogicalResult replaceMath() {
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (!isa_and_present<math::MathDialect>(op->getDialect()) ||
          isa<math::AbsIOp, math::FmaOp, math::TruncOp>(op))
        return WalkResult::advance();
      Type type = op->getResult(0).getType();
      // --simplex-expand-math has these.
      if (isa<math::Exp2Op, math::Log2Op>(op) && (type.isF32() || type.isF64()))
        return WalkResult::advance();
      OpBuilder builder(op);
      Location loc = op->getLoc();
      Value replacement;
      if (isa<FloatType>(type)) {
        Value first = op->getOperand(0);
        if (isa<math::AbsFOp>(op))
          replacement = setSign(builder, loc, first, nullptr);
        else if (isa<math::CopySignOp>(op))
          replacement = setSign(builder, loc, first, op->getOperand(1));
        else if (StringRef name =
                     llvm::TypeSwitch<Operation *, StringRef>(op)
                         .Case([](math::FloorOp) { return "floor"; })
                         .Case([](math::CeilOp) { return "ceil"; })
                         .Case([](math::RoundEvenOp) { return "round"; })
                         .Case([](math::SqrtOp) { return "sqrt.rn"; })
                         .Default([](Operation *) { return ""; });
                 !name.empty())
          replacement = callIntrinsic(builder, loc, name, first);
      }
      if (!replacement) {
        op->emitOpError("of ") << type << " has no code on a GPU";
        return WalkResult::interrupt();
      }
      op->getResult(0).replaceAllUsesWith(replacement);
      op->erase();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  void runOnOperation() override {
    if (getOperation()->hasAttr(kKernelAttrName))
      return;
    if (failed(toLoops()))
      return signalPassFailure();
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp op) {
      if (!op->getParentOfType<scf::ParallelOp>() && op.getInitVals().empty())
        loops.push_back(op);
    });
    if (loops.empty())
      return;
    approximate();
    if (failed(replaceMath()))
      return signalPassFailure();
    loops.clear();
    getOperation().walk([&](scf::ParallelOp op) {
      if (!op->getParentOfType<scf::ParallelOp>() && op.getInitVals().empty())
        loops.push_back(op);
    });
    for (scf::ParallelOp op : loops)
      map(op);
  }
};
} // namespace
