//===- Attention.h - A described attention as a module ----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CAPI_ATTENTION_H
#define SIMPLEXIR_LIB_CAPI_ATTENTION_H

#include "simplexir-c/Compiler.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>

namespace simplexir {

/// Says which field no attention can have; empty if the description can be
/// built.
std::string checkDescription(const SimplexirAttention *attention);

/// A module with the described attention in a function of its own. Null after
/// an error, which has been reported: the form, or what the verifier says.
mlir::OwningOpRef<mlir::ModuleOp>
buildDescribed(const SimplexirAttention &attention, mlir::MLIRContext &context);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CAPI_ATTENTION_H
