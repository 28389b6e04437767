//===- ArtifactCompiler.cpp - Kernels to an artifact ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "simplexir/Codegen/Artifact.h"
#include "simplexir/Codegen/CPU/HostTarget.h"
#include "simplexir/Codegen/NVPTX.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Threading.h"

using namespace mlir;
using namespace simplexir;

/// The chip whose PTX every GPU of a later kind can compile.
static constexpr StringLiteral portableChip = "sm_80";

static int64_t getInteger(Operation *op, StringRef name, int64_t otherwise) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : otherwise;
}

/// What the lowered kernel function says about its launch.
static FailureOr<CompiledKernel> describeKernel(FunctionOpInterface function,
                                                const CompileOptions &options,
                                                bool gpu) {
  CompiledKernel kernel;
  kernel.symbol = function.getName().str();
  auto named = options.names.find(kernel.symbol);
  kernel.name = named == options.names.end() ? kernel.symbol : named->second;
  auto grid = getGrid(function);
  if (!grid) {
    function.emitError(llvm::toString(grid.takeError()));
    return failure();
  }
  kernel.grid.assign(grid->begin(), grid->end());
  if (!gpu) {
    kernel.workspace = getInteger(function, kWorkspaceAttrName, 0);
    return kernel;
  }
  auto schedule = function->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
  kernel.blockSize = getInteger(function, kBlockAttrName,
                                schedule ? 32 * schedule.getWarps() : 0);
  kernel.sharedMemory = getInteger(function, kSharedMemoryAttrName, 0);
  kernel.residentBlocks = getInteger(function, kResidentBlocksAttrName, 0);
  if (auto maps = function->getAttrOfType<DenseI64ArrayAttr>(kMapsAttrName))
    kernel.maps.assign(maps.asArrayRef().begin(), maps.asArrayRef().end());
  return kernel;
}

static FailureOr<SmallVector<CompiledKernel, 0>>
describeKernels(Block &module, const CompileOptions &options, bool gpu) {
  SmallVector<CompiledKernel, 0> compiled;
  for (auto function : module.getOps<FunctionOpInterface>()) {
    if (!function->hasAttr(kGridAttrName))
      continue;
    auto kernel = describeKernel(function, options, gpu);
    if (failed(kernel))
      return failure();
    compiled.push_back(std::move(*kernel));
  }
  return compiled;
}

namespace {
/// An image, once ptxas is done with it.
struct PendingImage {
  Image image;
  SmallVector<CompiledKernel, 0> kernels;
  std::optional<Assembly> assembly;
};

/// Collects the images of all chips. While ptxas works on one, the next one is
/// lowered.
struct ArtifactCompiler {
  ModuleOp module;
  const CompileOptions &options;
  CompileResult result;
  ArtifactBuilder builder;
  std::string ptxas = {};
  /// Of the images so far.
  llvm::StringSet<> cpuChips = {};
  /// In the order of the artifact; the first ones are in it.
  std::vector<PendingImage> images = {};
  size_t added = 0;

  LogicalResult fail(llvm::Error error) {
    return emitError(getKernelLoc(module), llvm::toString(std::move(error)));
  }

  /// Waits for what ptxas is still at.
  LogicalResult add(PendingImage &pending) {
    Image &image = pending.image;
    if (pending.assembly) {
      llvm::Expected<Cubin> cubin = pending.assembly->finish();
      if (!cubin)
        return fail(cubin.takeError());
      image.kind = ImageKind::Cubin;
      image.minDriver = cubin->minDriver;
      image.data = std::move(cubin->image);
      for (const KernelResources &kernel : cubin->kernels)
        if (kernel.spillStores || kernel.spillLoads)
          result.warnings.push_back(
              kernel.name + " on " + image.chip + " spills registers: " +
              std::to_string(kernel.spillStores) + " bytes stored, " +
              std::to_string(kernel.spillLoads) + " loaded");
    }
    if (llvm::Error error = builder.addImage(std::move(image), pending.kernels))
      return fail(std::move(error));
    return success();
  }

  /// Adds the oldest images until `most` are pending.
  LogicalResult addDown(size_t most) {
    while (images.size() - added > most)
      if (failed(add(images[added++])))
        return failure();
    return success();
  }

  LogicalResult addKernels() {
    for (auto function : module.getOps<func::FuncOp>()) {
      if (!function->hasAttr(kKernelAttrName))
        continue;
      auto named = options.names.find(function.getName());
      StringRef name = named == options.names.end() ? function.getName()
                                                    : StringRef(named->second);
      if (llvm::Error error = builder.addKernel(function, name))
        return function.emitError(llvm::toString(std::move(error)));
    }
    return success();
  }

  /// Without bf16 operands the code needs no more than the chip's level.
  bool usesBF16() {
    return module
        .walk([](AttentionOp op) {
          return op.getElementType().isBF16() ? WalkResult::interrupt()
                                              : WalkResult::advance();
        })
        .wasInterrupted();
  }

  LogicalResult compileCPU(StringRef chip) {
    HostTarget target;
    Image image;
    std::string error;
    if (!resolveHostTarget(chip, target, error))
      return emitError(getKernelLoc(module), error);
    image.chip = usesBF16() ? target.chip : target.level;
    if (!cpuChips.insert(image.chip).second)
      return success();
    auto kernels = lowerKernels(module, chip, KernelStage::LLVM, &result.tiles);
    if (!kernels)
      return failure();
    auto compiled =
        describeKernels(*kernels->getBody(), options, /*gpu=*/false);
    if (failed(compiled))
      return failure();
    SmallVector<char> object;
    if (!emitHostObject(*kernels, target, object, error))
      return emitError(getKernelLoc(module), error);
    image.kind = ImageKind::X86Object;
    image.data.assign(object.begin(), object.end());
    images.push_back({std::move(image), std::move(*compiled), std::nullopt});
    return success();
  }

  LogicalResult compileGPU(ModuleOp from, const GpuChip &chip, bool asPtx) {
    auto kernels =
        lowerKernels(from, chip.name, KernelStage::LLVM, &result.tiles);
    if (!kernels)
      return failure();
    for (auto code : kernels->getOps<gpu::GPUModuleOp>()) {
      auto compiled = describeKernels(*code.getBody(), options, /*gpu=*/true);
      if (failed(compiled))
        return failure();
      llvm::Expected<std::string> ptx = translateToPtx(code, chip);
      if (!ptx)
        return fail(ptx.takeError());
      Image image;
      image.kind = ImageKind::PTX;
      image.chip = chip.name;
      image.minDriver = chip.getMinDriverForPtx();
      image.data = std::move(*ptx);
      images.push_back({std::move(image), std::move(*compiled), std::nullopt});
      // No more assemblers at a time than processors.
      if (failed(addDown(llvm::hardware_concurrency().compute_thread_count())))
        return failure();
      if (asPtx)
        continue;
      PendingImage &pending = images.back();
      llvm::Expected<Assembly> assembly =
          Assembly::start(pending.image.data, chip, ptxas);
      if (!assembly)
        return fail(assembly.takeError());
      pending.assembly = std::move(*assembly);
    }
    return success();
  }

  LogicalResult run() {
    if (failed(addKernels()))
      return failure();
    if (builder.empty())
      return emitError(getKernelLoc(module),
                       "there is no attention to compile");
    bool hasGpu = llvm::any_of(options.chips, isGpuChipName);
    bool portable = false;
    if (hasGpu) {
      llvm::Expected<std::string> path = findPtxas(options.ptxas);
      if (path) {
        ptxas = *path;
      } else {
        if (!options.ptxas.empty())
          return fail(path.takeError());
        result.warnings.push_back("GPU code is PTX, which the driver compiles "
                                  "when it is loaded: " +
                                  llvm::toString(path.takeError()));
      }
    }
    for (StringRef chip : options.chips) {
      if (!isGpuChipName(chip)) {
        if (failed(compileCPU(chip)))
          return failure();
        continue;
      }
      llvm::Expected<GpuChip> found = lookupGpuChip(chip);
      if (!found)
        return fail(found.takeError());
      if (failed(compileGPU(module, *found, /*asPtx=*/ptxas.empty())))
        return failure();
      portable |= ptxas.empty() && chip == portableChip;
    }
    if (hasGpu && options.portablePtx && !portable) {
      llvm::Expected<GpuChip> found = lookupGpuChip(portableChip);
      // Schedules in the module, and the tiles that are reported, are those of
      // the chips asked for, which may have more.
      std::vector<KernelTiles> tiles = result.tiles;
      OwningOpRef<ModuleOp> unscheduled = module.clone();
      unscheduled->walk([](AttentionOp op) { op.removeScheduleAttr(); });
      if (!found || failed(compileGPU(*unscheduled, *found, /*asPtx=*/true)))
        return failure();
      result.tiles = std::move(tiles);
    }
    if (failed(addDown(0)))
      return failure();
    llvm::Expected<std::string> bytes = builder.serialize();
    if (!bytes)
      return fail(bytes.takeError());
    result.artifact = std::move(*bytes);
    return success();
  }
};
} // namespace

FailureOr<CompileResult>
simplexir::compileKernels(ModuleOp module, const CompileOptions &options) {
  ArtifactCompiler compiler{module, options, {}, {}};
  if (failed(compiler.run()))
    return failure();
  return std::move(compiler.result);
}
