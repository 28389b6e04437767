//===- simplex-opt.cpp - Run passes on IR ---------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Dialect/Simplex/IR/Bufferize.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"
#include "simplexir/Transforms/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<simplexir::SimplexDialect>();
  simplexir::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::registerAllPasses();
  simplexir::registerSimplexIRPasses();
  simplexir::registerSimplexIRGPUPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "SimplexIR optimizer driver\n", registry));
}
