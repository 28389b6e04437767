//===- Optimize.cpp - The passes of LLVM that a kernel needs --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's O3 without what finds nothing in a kernel of ours: no calls, hardly
// any memory of its own, no loops to vectorize, and canonicalized by MLIR. The
// order is that of O3, which takes half as long again. Nearly all kernels with
// warpgroup products have the same PTX; others load in another order here and
// there.
//
//===----------------------------------------------------------------------===//

#include "Optimize.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/CorrelatedValuePropagation.h"
#include "llvm/Transforms/Scalar/DivRemPairs.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/IndVarSimplify.h"
#include "llvm/Transforms/Scalar/InferAlignment.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopInstSimplify.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/LoopUnrollPass.h"
#include "llvm/Transforms/Scalar/Reassociate.h"
#include "llvm/Transforms/Scalar/SCCP.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Scalar/SpeculativeExecution.h"

using namespace llvm;

static constexpr int level = 3;

static auto withMemorySSA(LoopPassManager &&loops) {
  return createFunctionToLoopPassAdaptor(std::move(loops),
                                         /*UseMemorySSA=*/true);
}

/// What O3 calls simplification.
static void addSimplification(FunctionPassManager &passes) {
  SimplifyCFGOptions ranges;
  ranges.convertSwitchRangeToICmp(true);
  LICMOptions carefully;
  carefully.AllowSpeculation = false;

  passes.addPass(InstCombinePass());
  passes.addPass(SimplifyCFGPass(ranges));
  passes.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(SpeculativeExecutionPass(/*OnlyIfDivergentTarget=*/true));
  passes.addPass(CorrelatedValuePropagationPass());
  passes.addPass(InstCombinePass());
  passes.addPass(SimplifyCFGPass(ranges));
  passes.addPass(ReassociatePass());
  LoopPassManager rotation;
  rotation.addPass(LoopInstSimplifyPass());
  rotation.addPass(LICMPass(carefully));
  rotation.addPass(LoopRotatePass());
  rotation.addPass(LICMPass(LICMOptions()));
  passes.addPass(withMemorySSA(std::move(rotation)));
  passes.addPass(SimplifyCFGPass(ranges));
  passes.addPass(InstCombinePass());
  LoopPassManager counters;
  counters.addPass(IndVarSimplifyPass());
  counters.addPass(LoopFullUnrollPass(level));
  passes.addPass(createFunctionToLoopPassAdaptor(std::move(counters)));
  passes.addPass(SROAPass(SROAOptions::ModifyCFG));
  passes.addPass(GVNPass());
  passes.addPass(InstCombinePass());
  // Divisions by numbers of heads, once more: as narrow as they can be.
  passes.addPass(CorrelatedValuePropagationPass());
  LoopPassManager motion;
  motion.addPass(LICMPass(LICMOptions()));
  passes.addPass(withMemorySSA(std::move(motion)));
}

/// What O3 calls optimization.
static void addOptimization(FunctionPassManager &passes) {
  passes.addPass(SimplifyCFGPass(SimplifyCFGOptions()
                                     .forwardSwitchCondToPhi(true)
                                     .convertSwitchRangeToICmp(true)
                                     .convertSwitchToLookupTable(true)
                                     .needCanonicalLoops(false)
                                     .hoistCommonInsts(true)
                                     .sinkCommonInsts(true)));
  passes.addPass(LoopUnrollPass(LoopUnrollOptions(level)));
  passes.addPass(InferAlignmentPass());
  passes.addPass(InstCombinePass());
  LoopPassManager motion;
  motion.addPass(LICMPass(LICMOptions()));
  passes.addPass(withMemorySSA(std::move(motion)));
  passes.addPass(DivRemPairsPass());
}

/// Of functions that the module defines; not what kernels of ours have.
static bool hasCalls(const Module &module) {
  return any_of(module, [](const Function &function) {
    return !function.isDeclaration() && !function.use_empty();
  });
}

void simplexir::optimizeKernels(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
  // The kernels are written in vectors and matrices.
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);

  if (hasCalls(module)) {
    builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
        .run(module, modules);
    return;
  }
  ModulePassManager passes;
  // The ranges of thread and block numbers.
  builder.invokePipelineStartEPCallbacks(passes, OptimizationLevel::O3);
  passes.addPass(GlobalDCEPass());
  FunctionPassManager early;
  early.addPass(SimplifyCFGPass());
  early.addPass(SROAPass(SROAOptions::ModifyCFG));
  early.addPass(EarlyCSEPass());
  early.addPass(SCCPPass());
  passes.addPass(createModuleToFunctionPassAdaptor(std::move(early)));
  FunctionPassManager late;
  addSimplification(late);
  addOptimization(late);
  passes.addPass(createModuleToFunctionPassAdaptor(std::move(late)));
  passes.run(module, modules);
}
