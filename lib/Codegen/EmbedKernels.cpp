//===- EmbedKernels.cpp - Kernel functions into the module's artifact -----===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Host/Passes.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace simplexir {
#define GEN_PASS_DEF_EMBEDKERNELS
#include "simplexir/Codegen/Host/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct EmbedKernels : simplexir::impl::EmbedKernelsBase<EmbedKernels> {
  using EmbedKernelsBase::EmbedKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerAllForCompiler(registry);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool any =
        llvm::any_of(module.getOps<func::FuncOp>(), [](func::FuncOp function) {
          return function->hasAttr(kKernelAttrName);
        });
    if (!any)
      return;
    CompileOptions options;
    options.chips.assign(chips.begin(), chips.end());
    if (options.chips.empty())
      options.chips.push_back("native");
    options.ptxas = ptxas;
    FailureOr<CompileResult> result = compileKernels(module, options);
    if (failed(result))
      return signalPassFailure();
    for (const std::string &warning : result->warnings)
      module.emitWarning(warning);
    module->setAttr(kArtifactAttrName,
                    StringAttr::get(&getContext(), result->artifact));
  }
};
} // namespace
