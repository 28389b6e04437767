//===- Register.cpp - What a context of the compiler loads ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/NVPTX.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Dialect/Simplex/IR/Bufferize.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"
#include "simplexir/Dialect/Simplex/IR/Tiling.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

void simplexir::registerAllForCompiler(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<SimplexDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerTilingInterfaceExternalModels(registry);
  registerNVPTXTranslation(registry);
}
