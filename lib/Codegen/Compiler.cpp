//===- Compiler.cpp - Kernels to artifacts and host code ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Artifact.h"
#include "simplexir/Codegen/CPU/HostTarget.h"
#include "simplexir/Codegen/NVPTX.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace simplexir;

/// The chip whose PTX every GPU of a later kind can compile.
static constexpr StringLiteral portableChip = "sm_80";

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

/// Where to report what concerns all kernels: the first one.
static Location getKernelLoc(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(kKernelAttrName))
      return function.getLoc();
  return module.getLoc();
}

static KernelTiles describeTiles(AttentionOp op, StringRef name) {
  ScheduleAttr schedule = *op.getSchedule();
  int64_t heads = std::min(op.getGroupSize(), schedule.getRows());
  KernelTiles tiles;
  tiles.name = name.str();
  tiles.queries = schedule.getRows() / heads;
  tiles.keys = schedule.getKeys();
  tiles.secondKeys = schedule.getSecondColumns();
  tiles.windows.assign(op.getWindows().begin(), op.getWindows().end());
  return tiles;
}

/// A module of its own with copies of the kernels, lowered for a chip.
static OwningOpRef<ModuleOp> lowerKernels(ModuleOp module, StringRef chip,
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
        tiles->push_back(describeTiles(op, function.getName()));
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

namespace {
/// Collects the images of all chips.
struct ArtifactCompiler {
  ModuleOp module;
  const CompileOptions &options;
  CompileResult result;
  ArtifactBuilder builder;
  std::string ptxas;
  /// Of the images so far.
  llvm::StringSet<> cpuChips = {};

  LogicalResult fail(llvm::Error error) {
    return emitError(getKernelLoc(module), llvm::toString(std::move(error)));
  }

  LogicalResult add(Image image, ArrayRef<CompiledKernel> kernels) {
    if (llvm::Error error = builder.addImage(std::move(image), kernels))
      return fail(std::move(error));
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
    SmallVector<CompiledKernel, 0> compiled;
    for (auto function : kernels->getOps<FunctionOpInterface>()) {
      if (!function->hasAttr(kGridAttrName))
        continue;
      auto kernel = describeKernel(function, options, /*gpu=*/false);
      if (failed(kernel))
        return failure();
      compiled.push_back(std::move(*kernel));
    }
    SmallVector<char> object;
    if (!emitHostObject(*kernels, target, object, error))
      return emitError(getKernelLoc(module), error);
    image.kind = ImageKind::X86Object;
    image.data.assign(object.begin(), object.end());
    return add(std::move(image), compiled);
  }

  LogicalResult compileGPU(ModuleOp from, const GpuChip &chip, bool asPtx) {
    auto kernels =
        lowerKernels(from, chip.name, KernelStage::LLVM, &result.tiles);
    if (!kernels)
      return failure();
    for (auto code : kernels->getOps<gpu::GPUModuleOp>()) {
      SmallVector<CompiledKernel, 0> compiled;
      for (auto function : code.getOps<FunctionOpInterface>()) {
        if (!function->hasAttr(kGridAttrName))
          continue;
        auto kernel = describeKernel(function, options, /*gpu=*/true);
        if (failed(kernel))
          return failure();
        compiled.push_back(std::move(*kernel));
      }
      llvm::Expected<std::string> ptx = translateToPtx(code, chip);
      if (!ptx)
        return fail(ptx.takeError());
      Image image;
      image.kind = ImageKind::PTX;
      image.chip = chip.name;
      image.minDriver = chip.getMinDriverForPtx();
      image.data = std::move(*ptx);
      if (!asPtx) {
        llvm::Expected<Cubin> cubin = assemblePtx(image.data, chip, ptxas);
        if (!cubin)
          return fail(cubin.takeError());
        image.kind = ImageKind::Cubin;
        image.minDriver = cubin->minDriver;
        image.data = std::move(cubin->image);
        for (const KernelResources &kernel : cubin->kernels)
          if (kernel.spillStores || kernel.spillLoads)
            result.warnings.push_back(
                kernel.name + " on " + chip.name + " spills registers: " +
                std::to_string(kernel.spillStores) + " bytes stored, " +
                std::to_string(kernel.spillLoads) + " loaded");
      }
      if (failed(add(std::move(image), compiled)))
        return failure();
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
    llvm::Expected<std::string> bytes = builder.serialize();
    if (!bytes)
      return fail(bytes.takeError());
    result.artifact = std::move(*bytes);
    return success();
  }
};
} // namespace

LogicalResult simplexir::checkKernels(ModuleOp module, StringRef chip) {
  return success(
      bool(lowerKernels(module, chip, KernelStage::LLVM, /*tiles=*/nullptr)));
}

FailureOr<CompileResult>
simplexir::compileKernels(ModuleOp module, const CompileOptions &options) {
  ArtifactCompiler compiler{module, options, {}, {}, {}};
  if (failed(compiler.run()))
    return failure();
  return std::move(compiler.result);
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
