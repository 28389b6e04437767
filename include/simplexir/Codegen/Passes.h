//===- Passes.h - Passes of code generation --------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_PASSES_H
#define SIMPLEXIR_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace simplexir {

#define GEN_PASS_DECL
#include "simplexir/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Codegen/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_PASSES_H
