//===- HostPipeline.cpp - Host functions, with kernels inside -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Host/Passes.h"
#include "simplexir/Codegen/NVPTX.h"
#include "simplexir/Codegen/Pipelines.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace simplexir;

/// What is not an attention to kernels of its own, compiled for the GPU.
static void buildOtherKernels(OpPassManager &manager,
                              const HostOptions &options) {
  manager.addNestedPass<func::FuncOp>(createMapHostLoops());
  manager.addPass(createConvertParallelLoopToGpuPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createGpuKernelOutliningPass());
  manager.addPass(createLaunchOnStream());
  auto &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createExpandMath());
  kernels.addPass(createConvertVectorToSCFPass());
  buildNVVMPipeline(kernels);
  EmitNVPTXOptions emit;
  emit.chip = options.gpu->name;
  emit.ptxas = options.ptxas;
  // Without ptxas the driver compiles it when it is launched.
  llvm::Expected<std::string> path = findPtxas(options.ptxas);
  emit.emit = path ? "cubin" : "ptx";
  if (!path)
    llvm::consumeError(path.takeError());
  manager.addPass(createEmitNVPTX(emit));
}

void simplexir::buildHostPipeline(OpPassManager &manager,
                                  const HostOptions &options) {
  // A launch is parallel in itself.
  manager.addNestedPass<func::FuncOp>(createForallToForLoopPass());
  manager.addPass(createConvertBufferizationToMemRefPass()); // clones
  if (options.gpu)
    buildOtherKernels(manager, options);
  manager.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  FinalizeMemRefToLLVMConversionPassOptions memory;
  memory.useGenericFunctions = options.hooks;
  manager.addPass(createFinalizeMemRefToLLVMConversionPass(memory));
  if (options.gpu)
    manager.addPass(createGpuToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
}

void simplexir::buildProgramPipeline(OpPassManager &manager,
                                     llvm::ArrayRef<std::string> chips,
                                     const HostOptions &options) {
  buildFrontPipeline(manager);
  EmbedKernelsOptions embed;
  embed.chips.assign(chips.begin(), chips.end());
  embed.ptxas = options.ptxas;
  manager.addPass(createEmbedKernels(embed));
  manager.addPass(createLowerLaunch());
  buildHostPipeline(manager, options);
}
