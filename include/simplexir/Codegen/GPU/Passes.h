//===- Passes.h - Tiles on GPUs ---------------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_GPU_PASSES_H
#define SIMPLEXIR_CODEGEN_GPU_PASSES_H

#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace simplexir {

/// On a simplex.copy whose time counts: where all rows are there, a thread's
/// units are copied one after the other, not in a loop.
constexpr llvm::StringLiteral kUnrollAttrName = "simplex.unroll";

/// On a simplex.load_row for a simplex.fold beside warpgroup products: half of
/// it is read when some of the other half has been folded, for the loop around
/// it has few registers left.
constexpr llvm::StringLiteral kReadLateAttrName = "simplex.read_late";

/// Marks a shared buffer that may take the place of the dead rings.
constexpr llvm::StringLiteral kReuseAttrName = "simplex.reuse";

#define GEN_PASS_DECL
#include "simplexir/Codegen/GPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Codegen/GPU/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_GPU_PASSES_H
