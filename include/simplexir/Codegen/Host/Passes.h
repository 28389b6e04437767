//===- Passes.h - Host functions and their kernels -------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_HOST_PASSES_H
#define SIMPLEXIR_CODEGEN_HOST_PASSES_H

#include "simplexir/Codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace simplexir {

#define GEN_PASS_DECL
#include "simplexir/Codegen/Host/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Codegen/Host/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_HOST_PASSES_H
