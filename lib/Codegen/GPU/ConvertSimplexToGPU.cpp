//===- ConvertSimplexToGPU.cpp - Tiles over the registers of warps --------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace simplexir {
#define GEN_PASS_DEF_CONVERTSIMPLEXTOGPU
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct ConvertSimplexToGPUPass
    : simplexir::impl::ConvertSimplexToGPUBase<ConvertSimplexToGPUPass> {
  using Base::Base;

  void getDependentDialects(DialectRegistry &registry) const override {
    Base::getDependentDialects(registry);
    insertInstructionDialects(registry);
  }

  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(kKernelAttrName))
        kernels.push_back(function);
    for (func::FuncOp kernel : kernels)
      if (failed(convertKernel(kernel)))
        return signalPassFailure();
  }

  LogicalResult convertKernel(func::FuncOp kernel) {
    auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    if (!schedule)
      return kernel.emitError("kernel has no schedule: run "
                              "--simplex-tile-attention first");
    bool specialized =
        kernel.walk([](SpecializeOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    WarpLayout layout(schedule, specialized);
    if (failed(layout.verify(kernel, schedule)))
      return failure();
    if (layout.wgmma && !wgmma)
      return kernel.emitError("schedule: wgmma needs a chip with warpgroup "
                              "products, sm_90a");
    gpu::GPUFuncOp function = createFunction(kernel, layout);
    inlineSplits(function, layout);
    addMapParameters(function);

    FragmentConverter converter(layout);
    RewritePatternSet patterns(&getContext());
    ConversionTarget target(getContext());
    target.addIllegalDialect<SimplexDialect>();
    // It says who runs what is in it, to the end.
    target.addLegalOp<SpecializeOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    populateChannelPatterns(converter, patterns);
    populateCopyPatterns(converter, patterns);
    populateCombinePatterns(converter, patterns);
    populateMapPatterns(converter, patterns);
    populateMaskPatterns(converter, patterns);
    populateMatrixPatterns(converter, patterns);
    populateRowPatterns(converter, patterns);
    populateSoftmaxPatterns(converter, patterns);
    populateStatePatterns(converter, patterns);
    populateStorePatterns(converter, patterns);
    populateTurnPatterns(converter, patterns);
    populateWarpgroupPatterns(converter, patterns);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    if (failed(applyPartialConversion(function, target, std::move(patterns))))
      return failure();
    assignRoles(function, layout);
    return success();
  }

  /// gpu.module @k { gpu.func @k } in the place of the kernel function.
  static gpu::GPUFuncOp createFunction(func::FuncOp kernel,
                                       const WarpLayout &layout) {
    ImplicitLocOpBuilder b(kernel.getLoc(), kernel);
    auto module = gpu::GPUModuleOp::create(b, kernel.getName());
    b.setInsertionPointToStart(module.getBody());
    auto function =
        gpu::GPUFuncOp::create(b, kernel.getName(), kernel.getFunctionType());
    function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                      b.getUnitAttr());
    int64_t threads = layout.blockWarps * 32;
    int32_t block[] = {static_cast<int32_t>(threads), 1, 1};
    function.setKnownBlockSize(block);
    if (layout.blockWarps != layout.warps) {
      function->setAttr(kBlockAttrName, b.getI64IntegerAttr(threads));
      setMaxRegisters(function, kRegisters);
    }
    // As many blocks as the registers of a multiprocessor allow at 255 each:
    // ptxas would spill a few to fit one more.
    constexpr int64_t processorThreads = 65536 / 256;
    setMinBlocks(function, std::max<int64_t>(processorThreads / threads, 1));
    for (StringRef name :
         {StringRef(kGridAttrName), StringRef(kScheduleAttrName),
          StringRef(kResidentBlocksAttrName)})
      if (Attribute attribute = kernel->getAttr(name))
        function->setAttr(name, attribute);

    function.getBody().takeBody(kernel.getBody());
    for (Block &block : function.getBody()) {
      if (auto end = dyn_cast<func::ReturnOp>(block.getTerminator())) {
        b.setInsertionPoint(end);
        gpu::ReturnOp::create(b);
        end.erase();
      }
    }
    function.walk([&](WorkItemOp op) {
      b.setInsertionPoint(op);
      op.replaceAllUsesWith(
          gpu::BlockIdOp::create(b, gpu::Dimension::x).getResult());
      op.erase();
    });
    kernel.erase();
    return function;
  }

  /// Registers of a thread before roles part: what a multiprocessor has for 384
  /// threads.
  static constexpr int64_t kRegisters = 168;
  /// And of one that copies, afterwards.
  static constexpr int64_t kCopyRegisters = 40;

  /// Warps part, once and to the kernel's end.
  static void assignRoles(gpu::GPUFuncOp function, const WarpLayout &layout) {
    SmallVector<SpecializeOp> ops;
    function.walk([&](SpecializeOp op) { ops.push_back(op); });
    for (SpecializeOp op : ops) {
      IRRewriter rewriter(op);
      FragmentBuilder b(op.getLoc(), rewriter, layout);
      b.setInsertionPoint(op);
      // The same in a warp, so that its branches are known not to diverge.
      Value warp = emitUniform(
          b, arith::IndexCastOp::create(b, b.getI32Type(), b.warp()));
      Value copies = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, warp,
                                           emitI32(b, layout.warps));
      auto branch = scf::IfOp::create(b, copies, /*withElseRegion=*/true);
      auto take = [&](Region &from, Block *to, int64_t registers, bool less) {
        Operation *end = to->getTerminator();
        b.setInsertionPoint(end);
        emitSetRegisters(b, registers, less);
        rewriter.inlineBlockBefore(&from.front(), end);
      };
      // What the ones give, the others take: for more they would wait for ever.
      int64_t compute =
          (kRegisters * layout.blockWarps - kCopyRegisters * kCopyWarps) /
          layout.warps;
      take(op.getCopy(), branch.thenBlock(), kCopyRegisters, /*less=*/true);
      take(op.getCompute(), branch.elseBlock(), compute, /*less=*/false);
      rewriter.eraseOp(op);
    }
  }

  /// Each warp runs the body for its own split; the merge is explicit.
  static void inlineSplits(gpu::GPUFuncOp function, const WarpLayout &layout) {
    SmallVector<SplitOp> splits;
    function.walk([&](SplitOp op) { splits.push_back(op); });
    for (SplitOp op : splits) {
      IRRewriter rewriter(op);
      FragmentBuilder b(op.getLoc(), rewriter, layout);
      b.setInsertionPoint(op);
      Value split = b.split();
      Block *body = &op.getBody().front();
      auto yield = cast<YieldOp>(body->getTerminator());
      SmallVector<Value> state(yield.getOperands());
      rewriter.eraseOp(yield);
      rewriter.inlineBlockBefore(body, op, split);
      b.setInsertionPoint(op);
      rewriter.replaceOp(op, MergeOp::create(b, op.getResultTypes(), state));
    }
  }
};
} // namespace
