//===- PassMapsByValue.cpp - Tensor maps as kernel parameters -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace simplexir {
#define GEN_PASS_DEF_PASSMAPSBYVALUE
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct PassMapsByValuePass
    : simplexir::impl::PassMapsByValueBase<PassMapsByValuePass> {
  void runOnOperation() override {
    Builder b(&getContext());
    // A CUtensorMap, and its alignment.
    constexpr int64_t bytes = 128, alignment = 64;
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes);
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      auto maps = function->getAttrOfType<DenseI64ArrayAttr>(kMapsAttrName);
      unsigned count = maps ? maps.size() / kMapWords : 0;
      for (unsigned i = function.getNumArguments() - count;
           i < function.getNumArguments(); ++i) {
        function.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(),
                            TypeAttr::get(type));
        function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                            b.getI64IntegerAttr(alignment));
        function.setArgAttr(i, "nvvm.grid_constant", b.getUnitAttr());
      }
    }
  }
};
} // namespace
