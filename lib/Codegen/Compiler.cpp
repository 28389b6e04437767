//===- Compiler.cpp - Kernels, lowered, and host code ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Compiler.h"
#include "KernelLowering.h"
#include "simplexir/Codegen/CPU/HostTarget.h"
#include "simplexir/Codegen/NVPTX.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace simplexir;

LogicalResult simplexir::outlineModule(ModuleOp module) {
  PassManager manager(module.getContext());
  buildFrontPipeline(manager);
  return manager.run(module);
}

bool simplexir::hasAttention(ModuleOp module) {
  return module.walk([](AttentionOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// Reports what of a function is more than one attention on its arguments.
static LogicalResult checkFunction(func::FuncOp function) {
  SmallVector<AttentionOp> ops;
  function.walk([&](AttentionOp op) { ops.push_back(op); });
  if (ops.size() > 1)
    return function.emitError("has ")
           << ops.size() << " attentions; one kernel is made of a function, so "
           << "put each into its own";
  for (AttentionOp op : ops)
    for (OpOperand &operand : op->getOpOperands())
      if (!isa<BlockArgument>(operand.get()))
        return op.emitOpError("operand ")
               << operand.getOperandNumber()
               << " is not an argument of the function; a kernel computes "
                  "nothing but the attention";
  return success();
}

LogicalResult simplexir::outlineFunctions(ModuleOp module,
                                          CompileOptions &options) {
  for (auto function : module.getOps<func::FuncOp>())
    if (failed(checkFunction(function)))
      return failure();
  if (failed(outlineModule(module)))
    return failure();
  module.walk([&](LaunchOp launch) {
    auto function = launch->getParentOfType<func::FuncOp>();
    options.names[launch.getKernel()] = function.getName().str();
  });
  return success();
}

LogicalResult simplexir::lowerHost(ModuleOp module, StringRef artifact,
                                   const HostOptions &options) {
  module->setAttr(kArtifactAttrName,
                  StringAttr::get(module.getContext(), artifact));
  PassManager manager(module.getContext());
  manager.addPass(createLowerLaunch());
  buildHostPipeline(manager, options);
  return manager.run(module);
}

Location simplexir::getKernelLoc(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(kKernelAttrName))
      return function.getLoc();
  return module.getLoc();
}

static KernelTiles describeTiles(AttentionOp op, StringRef name, bool gpu) {
  ScheduleAttr schedule = *op.getSchedule();
  int64_t heads = std::min(op.getGroupSize(), schedule.getRows());
  KernelTiles tiles;
  tiles.name = name.str();
  // A CPU does not skew.
  tiles.queries =
      gpu ? schedule.getQueriesTogether(heads) : schedule.getRows() / heads;
  tiles.keys = schedule.getKeys();
  tiles.secondKeys = schedule.getSecondColumns();
  tiles.windows.assign(op.getWindows().begin(), op.getWindows().end());
  return tiles;
}

OwningOpRef<ModuleOp> simplexir::lowerKernels(ModuleOp module, StringRef chip,
                                              KernelStage stage,
                                              std::vector<KernelTiles> *tiles) {
  MLIRContext *context = module.getContext();
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(kKernelAttrName))
      kernels->push_back(function.clone());

  bool gpu = isGpuChipName(chip);
  GpuChip gpuChip = {};
  if (gpu) {
    llvm::Expected<GpuChip> found = lookupGpuChip(chip);
    if (!found) {
      emitError(getKernelLoc(module), llvm::toString(found.takeError()));
      return nullptr;
    }
    gpuChip = *found;
  }
  std::string error;
  HostTarget host = {};
  if (!gpu && !resolveHostTarget(chip, host, error)) {
    emitError(getKernelLoc(module), error);
    return nullptr;
  }
  PassManager schedule(context);
  buildSchedulePipeline(schedule, gpu ? &gpuChip : nullptr, host.hasDotBF16);
  if (failed(schedule.run(*kernels)))
    return nullptr;
  if (tiles) {
    tiles->clear();
    kernels->walk([&](AttentionOp op) {
      auto function = op->getParentOfType<func::FuncOp>();
      if (op.getSchedule())
        tiles->push_back(describeTiles(op, function.getName(), gpu));
    });
  }

  PassManager manager(context);
  buildTilePipeline(manager, gpu, host.hasDotBF16);
  LogicalResult built = gpu ? buildNVPTXKernels(manager, gpuChip, stage, error)
                            : buildCPUKernels(manager, chip, stage, error);
  if (failed(built)) {
    emitError(getKernelLoc(module), error);
    return nullptr;
  }
#ifdef NDEBUG
  // Verified once at the end; after each pass it takes a sixth of the time.
  manager.enableVerifier(false);
#endif
  if (failed(manager.run(*kernels)) || failed(verify(*kernels)))
    return nullptr;
  return kernels;
}

LogicalResult simplexir::checkKernels(ModuleOp module, StringRef chip) {
  return success(
      bool(lowerKernels(module, chip, KernelStage::LLVM, /*tiles=*/nullptr)));
}

FailureOr<std::string> simplexir::emitKernels(ModuleOp module, StringRef chip,
                                              EmitStage stage,
                                              StringRef ptxas) {
  auto kernels = lowerKernels(module, chip,
                              stage == EmitStage::MLIR ? KernelStage::Machine
                                                       : KernelStage::LLVM,
                              nullptr);
  if (!kernels)
    return failure();
  std::string text;
  if (stage == EmitStage::MLIR || stage == EmitStage::LLVM) {
    llvm::raw_string_ostream stream(text);
    kernels->print(stream);
    stream << '\n';
    return text;
  }
  auto fail = [&](llvm::Error error) {
    return emitError(getKernelLoc(module), llvm::toString(std::move(error)));
  };
  llvm::Expected<GpuChip> found = lookupGpuChip(chip);
  if (!found)
    return fail(found.takeError());
  auto code = kernels->getOps<gpu::GPUModuleOp>();
  if (!llvm::hasSingleElement(code))
    return emitError(getKernelLoc(module),
                     "expected one gpu.module of kernels");
  llvm::Expected<std::string> ptx = translateToPtx(*code.begin(), *found);
  if (!ptx)
    return fail(ptx.takeError());
  if (stage == EmitStage::PTX)
    return std::move(*ptx);
  llvm::Expected<std::string> path = findPtxas(ptxas);
  if (!path)
    return fail(path.takeError());
  llvm::Expected<Cubin> cubin = assemblePtx(*ptx, *found, *path);
  if (!cubin)
    return fail(cubin.takeError());
  return std::move(cubin->image);
}
