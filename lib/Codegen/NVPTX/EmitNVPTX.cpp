//===- EmitNVPTX.cpp - gpu.module to gpu.binary ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/NVPTX.h"
#include "simplexir/Codegen/Passes.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"

namespace simplexir {
#define GEN_PASS_DEF_EMITNVPTX
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

void simplexir::registerNVPTXTranslation(DialectRegistry &registry) {
  registry.insert<gpu::GPUDialect, NVVM::NVVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  // Modules for host code, which mgpu loads.
  gpu::registerOffloadingLLVMTranslationInterfaceExternalModels(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

/// What ptxas said of each kernel, as attributes of the kernel table.
static gpu::KernelTableAttr
makeKernelTable(gpu::GPUModuleOp module, ArrayRef<KernelResources> resources) {
  Builder builder(module.getContext());
  SmallVector<gpu::KernelMetadataAttr> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    const auto *found =
        llvm::find_if(resources, [&](const KernelResources &kernel) {
          return kernel.name == function.getName();
        });
    if (found == resources.end())
      continue;
    auto entry = [&](StringRef name, int64_t value) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
    };
    kernels.push_back(gpu::KernelMetadataAttr::get(
        function.getNameAttr(), function.getFunctionType(),
        /*argAttrs=*/nullptr,
        builder.getDictionaryAttr({entry("registers", found->registers),
                                   entry("shared_memory", found->sharedMemory),
                                   entry("spill_loads", found->spillLoads),
                                   entry("spill_stores", found->spillStores),
                                   entry("stack", found->stack)})));
  }
  return gpu::KernelTableAttr::get(module.getContext(), kernels);
}

namespace {
struct EmitNVPTX : simplexir::impl::EmitNVPTXBase<EmitNVPTX> {
  using EmitNVPTXBase::EmitNVPTXBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerNVPTXTranslation(registry);
  }

  LogicalResult compile(gpu::GPUModuleOp module, const GpuChip &gpuChip) {
    auto fail = [&](llvm::Error error) {
      return module.emitError() << llvm::toString(std::move(error));
    };
    llvm::Expected<std::string> ptx = translateToPtx(module, gpuChip);
    if (!ptx)
      return fail(ptx.takeError());
    auto format = gpu::CompilationTarget::Assembly;
    std::string image = std::move(*ptx);
    gpu::KernelTableAttr kernels;
    if (emit == "cubin") {
      llvm::Expected<std::string> path = findPtxas(ptxas);
      if (!path)
        return fail(path.takeError());
      llvm::Expected<Cubin> cubin = assemblePtx(image, gpuChip, *path);
      if (!cubin)
        return fail(cubin.takeError());
      format = gpu::CompilationTarget::Binary;
      image = std::move(cubin->image);
      kernels = makeKernelTable(module, cubin->kernels);
    }
    OpBuilder builder(module);
    Attribute target =
        parseAttribute("#nvvm.target<chip = \"" + std::string(gpuChip.name) +
                           "\", features = \"" + gpuChip.getFeatures() + "\">",
                       &getContext());
    Attribute object = gpu::ObjectAttr::get(
        target, format, builder.getStringAttr(image), nullptr, kernels);
    gpu::BinaryOp::create(builder, module.getLoc(), module.getName(), nullptr,
                          ArrayRef<Attribute>(object));
    module.erase();
    return success();
  }

  void runOnOperation() override {
    if (emit != "ptx" && emit != "cubin") {
      getOperation().emitError()
          << "simplex-emit-nvptx: emit is '" << emit << "', not ptx or cubin";
      return signalPassFailure();
    }
    llvm::Expected<GpuChip> gpuChip = lookupGpuChip(chip);
    if (!gpuChip) {
      getOperation().emitError() << llvm::toString(gpuChip.takeError());
      return signalPassFailure();
    }
    for (auto module :
         llvm::make_early_inc_range(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(compile(module, *gpuChip)))
        return signalPassFailure();
  }
};
} // namespace
