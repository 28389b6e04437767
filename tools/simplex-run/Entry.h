//===- Entry.h - The function that a tool runs ------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_RUN_ENTRY_H
#define SIMPLEXIR_TOOLS_SIMPLEX_RUN_ENTRY_H

#include "Arrays.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace simplexir::run {

/// The public function with a body of this name; without a name, the only
/// one. `file` is for messages.
llvm::Expected<mlir::func::FuncOp>
findEntry(mlir::ModuleOp module, llvm::StringRef file, llvm::StringRef name);

/// What a function takes and returns.
struct Signature {
  std::vector<Parameter> parameters, results;
};
/// An error if a type is not one that the tools can read or write.
llvm::Expected<Signature> getSignature(mlir::func::FuncOp function);

/// The chip to compile for: the one named, which must be of this kind, or the
/// one there is.
llvm::Expected<std::string> chooseChip(llvm::StringRef name, bool gpu,
                                       int device);

} // namespace simplexir::run

#endif // SIMPLEXIR_TOOLS_SIMPLEX_RUN_ENTRY_H
