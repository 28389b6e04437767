//===- Pipelines.cpp - The pass pipelines ---------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Codegen/CPU/HostTarget.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace simplexir;

void simplexir::buildFrontPipeline(OpPassManager &manager) {
  manager.addPass(createConvertElementwiseToLinalgPass());
  manager.addPass(createLinalgElementwiseOpFusionPass());
  manager.addPass(createBufferize());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  bufferization::buildBufferDeallocationPipeline(manager);
  manager.addPass(createOutlineKernels());
}

void simplexir::buildSchedulePipeline(OpPassManager &manager,
                                      const GpuChip *chip, bool dotBF16) {
  SelectScheduleOptions options;
  options.target = chip ? "gpu" : "cpu";
  options.wgmma = chip && chip->wgmma;
  options.dotBF16 = dotBF16;
  if (chip) {
    options.sharedMemory = chip->sharedPerBlock;
    options.processorSharedMemory = chip->sharedPerProcessor;
    options.mmaFlops = chip->mmaFlops;
    options.wgmmaFlops = chip->wgmmaFlops;
    options.exponentials = chip->exponentials;
  }
  manager.addPass(createSelectSchedule(options));
}

void simplexir::buildTilePipeline(OpPassManager &manager, bool gpu,
                                  bool dotBF16) {
  TileAttentionOptions options;
  options.widen = !gpu;
  options.dotBF16 = dotBF16;
  // The depth of one matrix instruction.
  options.pad = gpu ? 16 : 1;
  manager.addNestedPass<func::FuncOp>(createTileAttention(options));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createFuseOnlineSoftmax());
  manager.addPass(createFoldBiases());
  manager.addPass(createGuardMasks());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

//===----------------------------------------------------------------------===//
// The pipelines of simplex-opt
//===----------------------------------------------------------------------===//

namespace {
struct CPUPipelineOptions : PassPipelineOptions<CPUPipelineOptions> {
  Option<std::string> chip{
      *this, "chip", llvm::cl::init("native"),
      llvm::cl::desc("x86-64-v2, -v3, -v4, -v4-bf16 or native")};
  Option<std::string> emit{*this, "emit", llvm::cl::init("llvm"),
                           llvm::cl::desc("mlir or llvm")};
};

struct NVPTXPipelineOptions : PassPipelineOptions<NVPTXPipelineOptions> {
  Option<std::string> chip{*this, "chip", llvm::cl::init("sm_80"),
                           llvm::cl::desc("The GPU to compile for")};
  Option<std::string> emit{*this, "emit", llvm::cl::init("ptx"),
                           llvm::cl::desc("mlir, llvm, ptx or cubin")};
  Option<std::string> ptxas{*this, "ptxas", llvm::cl::init(""),
                            llvm::cl::desc("The path of ptxas")};
};

struct HostPipelineOptions : PassPipelineOptions<HostPipelineOptions> {
  ListOption<std::string> chips{
      *this, "chips", llvm::cl::desc("x86-64-v2, -v3, -v4, native, and GPUs")};
  Option<std::string> target{
      *this, "target", llvm::cl::init("cpu"),
      llvm::cl::desc("cpu or gpu: where the buffers are, and what computes "
                     "beside the attentions")};
  Option<bool> hooks{*this, "hooks", llvm::cl::init(false),
                     llvm::cl::desc("Memory from functions of the embedder "
                                    "(always for gpu)")};
  Option<std::string> ptxas{*this, "ptxas", llvm::cl::init(""),
                            llvm::cl::desc("The path of ptxas")};
};
} // namespace

/// The part before the targets diverge. Launches are lowered before kernels
/// change their types; the kernels stay in the module, to be seen.
static void buildCommonPart(OpPassManager &manager, const GpuChip *chip,
                            bool dotBF16 = false) {
  buildFrontPipeline(manager);
  LowerLaunchOptions launch;
  launch.keepKernels = true;
  manager.addPass(createLowerLaunch(launch));
  buildSchedulePipeline(manager, chip, dotBF16);
  buildTilePipeline(manager, chip != nullptr, dotBF16);
}

using ErrorHandler = llvm::function_ref<LogicalResult(const llvm::Twine &)>;

template <typename Options>
static void registerPipeline(StringRef name, StringRef description,
                             LogicalResult (*build)(OpPassManager &,
                                                    const Options &,
                                                    std::string &)) {
  registerPassPipeline(
      name, description,
      [build](OpPassManager &manager, StringRef text, ErrorHandler onError) {
        Options options;
        if (failed(options.parseFromString(text)))
          return failure();
        std::string error;
        if (failed(build(manager, options, error)))
          return onError(error);
        return success();
      },
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> visit) {
        visit(Options());
      });
}

static LogicalResult buildCPU(OpPassManager &manager,
                              const CPUPipelineOptions &options,
                              std::string &error) {
  if (options.emit != "mlir" && options.emit != "llvm") {
    error = "emit is '" + options.emit + "', expected mlir or llvm";
    return failure();
  }
  bool machine = options.emit == "mlir";
  HostTarget target;
  if (!resolveHostTarget(options.chip, target, error))
    return failure();
  buildCommonPart(manager, /*chip=*/nullptr, target.hasDotBF16);
  if (failed(buildCPUKernels(manager, options.chip,
                             machine ? KernelStage::Machine : KernelStage::LLVM,
                             error)))
    return failure();
  if (!machine)
    buildHostPipeline(manager);
  return success();
}

static LogicalResult buildNVPTX(OpPassManager &manager,
                                const NVPTXPipelineOptions &options,
                                std::string &error) {
  llvm::Expected<GpuChip> chip = lookupGpuChip(options.chip);
  if (!chip) {
    error = llvm::toString(chip.takeError());
    return failure();
  }
  if (options.emit != "mlir" && options.emit != "llvm" &&
      options.emit != "ptx" && options.emit != "cubin") {
    error = "emit is '" + options.emit + "', expected mlir, llvm, ptx or cubin";
    return failure();
  }
  bool machine = options.emit == "mlir";
  buildCommonPart(manager, &*chip);
  if (failed(buildNVPTXKernels(
          manager, *chip, machine ? KernelStage::Machine : KernelStage::LLVM,
          error)))
    return failure();
  if (machine)
    return success();
  buildHostPipeline(manager);
  if (options.emit == "llvm")
    return success();
  EmitNVPTXOptions emit;
  emit.chip = options.chip;
  emit.emit = options.emit;
  emit.ptxas = options.ptxas;
  manager.addPass(createEmitNVPTX(emit));
  return success();
}

static LogicalResult buildHost(OpPassManager &manager,
                               const HostPipelineOptions &options,
                               std::string &error) {
  if (options.target != "cpu" && options.target != "gpu") {
    error = "target is '" + options.target + "', expected cpu or gpu";
    return failure();
  }
  SmallVector<std::string> chips(options.chips.begin(), options.chips.end());
  if (chips.empty()) {
    if (options.target == "gpu") {
      error = "no chip; name a GPU, as in chips=sm_90a; known chips: " +
              listKnownChips();
      return failure();
    }
    chips.push_back("native");
  }
  HostOptions host;
  host.hooks = options.hooks;
  host.ptxas = options.ptxas;
  GpuChip gpu = {};
  for (const std::string &chip : chips) {
    if (options.target != "gpu" || host.gpu || !isGpuChipName(chip))
      continue;
    llvm::Expected<GpuChip> found = lookupGpuChip(chip);
    if (!found) {
      error = llvm::toString(found.takeError());
      return failure();
    }
    gpu = *found;
    host.gpu = &gpu;
  }
  if (options.target == "gpu" && !host.gpu) {
    error = "target is gpu, but none of the chips is one; known chips: " +
            listKnownChips();
    return failure();
  }
  host.hooks |= host.gpu != nullptr;
  buildProgramPipeline(manager, chips, host);
  return success();
}

void simplexir::registerPipelines() {
  registerPipeline<CPUPipelineOptions>(
      "simplex-cpu-pipeline",
      "Compile attention for x86-64: kernels to grid functions, host functions "
      "to calls of the runtime",
      buildCPU);
  registerPipeline<NVPTXPipelineOptions>(
      "simplex-nvptx-pipeline",
      "Compile attention for an NVIDIA GPU: kernels to a gpu.module or "
      "gpu.binary, host functions to calls of the runtime",
      buildNVPTX);
  registerPipeline<HostPipelineOptions>(
      "simplex-host-pipeline",
      "Compile functions that mix attention with linear algebra and arithmetic "
      "to host code with the kernels inside",
      buildHost);
}
