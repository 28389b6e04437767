//===- Registration.cpp - For users of MLIR's C API -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir-c/Registration.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/CAPI/Registration.h"

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Simplex, simplex,
                                      simplexir::SimplexDialect)

void simplexirRegisterDialects(MlirDialectRegistry registry) {
  simplexir::registerAllForCompiler(*unwrap(registry));
}

void simplexirRegisterPasses() { simplexir::registerPassesAndPipelines(); }
