//===- Passes.h - Passes of SimplexIR ---------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TRANSFORMS_PASSES_H
#define SIMPLEXIR_TRANSFORMS_PASSES_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace simplexir {

#define GEN_PASS_DECL
#include "simplexir/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Transforms/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_TRANSFORMS_PASSES_H
