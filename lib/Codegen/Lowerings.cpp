//===- Lowerings.cpp - Down to the LLVM dialect ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/CPU/HostTarget.h"
#include "simplexir/Codegen/CPU/Pipeline.h"
#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Codegen/Hopper/Passes.h"
#include "simplexir/Codegen/Pipelines.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace simplexir;

LogicalResult simplexir::buildCPUKernels(OpPassManager &manager, StringRef chip,
                                         KernelStage stage,
                                         std::string &error) {
  HostTarget target;
  if (!resolveHostTarget(chip, target, error))
    return failure();
  CPUKernelOptions options;
  options.vectorBytes = target.vectorBytes;
  options.registers = target.registers;
  options.hasHalf = target.hasHalf;
  options.hasDotBF16 = target.hasDotBF16;
  options.stage =
      stage == KernelStage::LLVM ? CPUStage::LLVM : CPUStage::Vector;
  buildCPUKernelPipeline(manager, options);
  return success();
}

LogicalResult simplexir::buildNVPTXKernels(OpPassManager &manager,
                                           const GpuChip &chip,
                                           KernelStage stage,
                                           std::string & /*error*/) {
  manager.addNestedPass<func::FuncOp>(createSeparateChunks());
  manager.addPass(createCSEPass());
  manager.addNestedPass<func::FuncOp>(createStageTiles());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  StageRowsOptions rows;
  rows.sharedPerBlock = chip.sharedPerBlock;
  rows.sharedPerProcessor = chip.sharedPerProcessor;
  manager.addNestedPass<func::FuncOp>(createStageRows(rows));
  // For kernels whose schedule has wgmma.
  manager.addNestedPass<func::FuncOp>(createCoalesceKeys());
  manager.addNestedPass<func::FuncOp>(createTrimMasks());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  MultiplyRowsOptions multiply;
  multiply.sharedPerBlock = chip.sharedPerBlock;
  manager.addNestedPass<func::FuncOp>(createMultiplyRows(multiply));
  manager.addNestedPass<func::FuncOp>(createCountKeys());
  manager.addNestedPass<func::FuncOp>(createDeferRowSums());
  manager.addNestedPass<func::FuncOp>(createPairTiles());
  manager.addNestedPass<func::FuncOp>(createRotateKeys());
  manager.addNestedPass<func::FuncOp>(createRotateTiles());
  manager.addPass(createCanonicalizerPass());
  manager.addNestedPass<func::FuncOp>(createOverlapContracts());
  manager.addNestedPass<func::FuncOp>(createSpeculateMaximum());
  manager.addNestedPass<func::FuncOp>(createDropRows());
  manager.addNestedPass<func::FuncOp>(createLoopWorkItems());
  manager.addNestedPass<func::FuncOp>(createSpecializeCopies());
  manager.addNestedPass<func::FuncOp>(createRotateItems());
  manager.addNestedPass<func::FuncOp>(createCopyByMaps());
  manager.addNestedPass<func::FuncOp>(createFetchPairs());
  manager.addNestedPass<func::FuncOp>(createTakeTurns());
  ConvertSimplexToGPUOptions convert;
  convert.wgmma = chip.wgmma;
  manager.addPass(createConvertSimplexToGPU(convert));
  // Bottom up: from the top it takes ten times as long to drop the results
  // that nobody reads of loops which carry a hundred registers. Without a walk
  // over the regions, which takes as long again, the PTX is the same.
  GreedyRewriteConfig bottomUp;
  bottomUp.setUseTopDownTraversal(false);
  bottomUp.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  manager.addPass(createCanonicalizerPass(bottomUp));
  manager.addPass(createCSEPass());
  manager.addNestedPass<gpu::GPUModuleOp>(createSinkFragments());
  manager.addNestedPass<gpu::GPUModuleOp>(createAssignSharedMemory());
  if (stage == KernelStage::Machine)
    return success();
  buildNVVMPipeline(manager.nest<gpu::GPUModuleOp>());
  return success();
}

void simplexir::buildNVVMPipeline(OpPassManager &kernels) {
  kernels.addPass(createLoopInvariantCodeMotionPass());
  kernels.addPass(createConvertNVGPUToNVVMPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createExpandMetadata());
  kernels.addPass(createLowerAffinePass());
  // To intrinsics, before the GPU conversion turns them into library calls.
  ConvertToLLVMPassOptions early;
  early.filterDialects = {"arith", "math"};
  early.allowPatternRollback = false;
  kernels.addPass(createConvertToLLVMPass(early));
  // Converts what implements ConvertToLLVMPatternInterface too: index, vector,
  // cf and memref.
  ConvertGpuOpsToNVVMOpsOptions nvvm;
  nvvm.indexBitwidth = 64;
  nvvm.allowPatternRollback = false;
  kernels.addPass(createConvertGpuOpsToNVVMOps(nvvm));
  kernels.addPass(createPassMapsByValue());
  kernels.addPass(createConvertNVVMToLLVMPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
}
