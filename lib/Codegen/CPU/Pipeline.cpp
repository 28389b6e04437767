//===- Pipeline.cpp - From tiles to the LLVM dialect ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/CPU/Pipeline.h"
#include "simplexir/Codegen/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void simplexir::buildCPUKernelPipeline(OpPassManager &manager,
                                       const CPUKernelOptions &options) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addNestedPass<func::FuncOp>(createAssignScratch());
  ConvertSimplexToVectorOptions vector;
  vector.vectorBytes = options.vectorBytes;
  vector.registers = options.registers;
  manager.addNestedPass<func::FuncOp>(createConvertSimplexToVector(vector));
  ExpandMathOptions math;
  math.half = !options.hasHalf;
  math.roundBF16 = !options.hasDotBF16;
  manager.addPass(createExpandMath(math));
  // Loops no longer need to carry the tiles: each is one buffer.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  if (options.stage == CPUStage::Vector)
    return;
  manager.addPass(createLowerGridFunction());
  manager.addPass(arith::createArithExpandOpsPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions toLLVM;
  toLLVM.x86Vector = options.hasDotBF16;
  manager.addPass(createConvertVectorToLLVMPass(toLLVM));
  manager.addPass(createCastMaskedAccess());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}
