//===- SimplexDialect.td - The simplex dialect -------------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_DIALECT_TD
#define SIMPLEXIR_DIALECT_TD

include "mlir/IR/OpBase.td"

def Simplex_Dialect : Dialect {
  let name = "simplex";
  let cppNamespace = "::simplexir";
  let summary = "Higher-order (n-linear, windowed) attention";
  let description = [{
    One operation, `simplex.attention`, says what is computed. The tile
    operations below it (`load`, `combine`, `contract`, `mask`, ...) say how:
    they work on `!simplex.tile` values, which are on-chip data with no memory
    of their own until a target's conversion gives them one.
  }];
  // Shapes are read, and canonical forms cast, in its operations.
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

#endif // SIMPLEXIR_DIALECT_TD
