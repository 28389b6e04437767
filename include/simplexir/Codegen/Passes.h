//===- Passes.h - Passes of code generation --------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_PASSES_H
#define SIMPLEXIR_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
namespace arith {
class ArithDialect;
} // namespace arith
namespace LLVM {
class LLVMDialect;
} // namespace LLVM
namespace memref {
class MemRefDialect;
} // namespace memref
namespace scf {
class SCFDialect;
} // namespace scf
} // namespace mlir

namespace simplexir {

/// The bytes of the artifact that a module's launches refer to.
constexpr llvm::StringLiteral kArtifactAttrName = "simplex.artifact";

#define GEN_PASS_DECL
#include "simplexir/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Codegen/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_PASSES_H
