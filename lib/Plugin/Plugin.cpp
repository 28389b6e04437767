//===- Plugin.cpp - Dialect and passes for a stock mlir-opt ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One library is both plugins:
//
//   mlir-opt --load-dialect-plugin=SimplexIRPlugin.so
//            --load-pass-plugin=SimplexIRPlugin.so
//            --pass-pipeline='builtin.module(simplex-cpu-pipeline)'
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Pipelines.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "SimplexIR", SIMPLEXIR_VERSION,
          [](mlir::DialectRegistry *registry) {
            simplexir::registerAllForCompiler(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "SimplexIR", SIMPLEXIR_VERSION,
          simplexir::registerPassesAndPipelines};
}
