//===- ConvertSimplexToVector.cpp - Tiles to vectors ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

namespace simplexir {
#define GEN_PASS_DEF_CONVERTSIMPLEXTOVECTOR
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {

struct ConvertSimplexToVector
    : simplexir::impl::ConvertSimplexToVectorBase<ConvertSimplexToVector> {
  using ConvertSimplexToVectorBase::ConvertSimplexToVectorBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr(kWorkspaceAttrName))
      return;
    TileContext tiles;
    tiles.vectorBytes = vectorBytes;
    tiles.registers = registers;
    if (!llvm::is_contained({16, 32, 64}, vectorBytes)) {
      function.emitError("vector-bytes is ")
          << vectorBytes << ", expected 16, 32 or 64";
      return signalPassFailure();
    }
    createViews(function, tiles);

    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion([](TileType type) {
      return MemRefType::get({ShapedType::kDynamic}, type.getElementType());
    });
    RewritePatternSet patterns(&getContext());
    ConversionTarget target(getContext());
    target.addLegalDialect<
        arith::ArithDialect, math::MathDialect, memref::MemRefDialect,
        scf::SCFDialect, vector::VectorDialect, x86vector::X86VectorDialect>();
    target.addIllegalDialect<SimplexDialect>();
    target.addLegalOp<WorkItemOp, LaunchOp>();
    populateContractToVectorPatterns(converter, patterns, tiles);
    populateLoadStoreToVectorPatterns(converter, patterns, tiles);
    populateCombineToVectorPatterns(converter, patterns, tiles);
    populateSoftmaxToVectorPatterns(converter, patterns, tiles);
    populateStateToVectorPatterns(converter, patterns, tiles);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    // Folding would drop the copies that assign-scratch made.
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(applyPartialConversion(function, target, std::move(patterns),
                                      config)))
      signalPassFailure();
  }

private:
  /// One view of the workspace a place.
  static void createViews(func::FuncOp function, TileContext &tiles) {
    OpBuilder builder(function.getContext());
    Block &entry = function.getBody().front();
    builder.setInsertionPointToStart(&entry);
    Value workspace = entry.getArguments().back();
    Value size = arith::ConstantIndexOp::create(
        builder, function.getLoc(),
        function->getAttrOfType<IntegerAttr>(kWorkspaceAttrName).getInt());
    function.walk([&](Operation *op) {
      auto offsets = op->getAttrOfType<DenseI64ArrayAttr>(kScratchAttrName);
      if (!offsets || isa<YieldOp>(op))
        return;
      for (auto [offset, result] :
           llvm::zip_equal(offsets.asArrayRef(), op->getResults())) {
        Type element = cast<TileType>(result.getType()).getElementType();
        Value &view = tiles.views[{offset, element}];
        if (view)
          continue;
        Value at =
            arith::ConstantIndexOp::create(builder, op->getLoc(), offset);
        // As long as the workspace; nobody asks.
        view = memref::ViewOp::create(
            builder, op->getLoc(),
            MemRefType::get({ShapedType::kDynamic}, element), workspace, at,
            size);
      }
    });
  }
};

} // namespace
