//===- Jit.h - Host functions in this process ------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_JIT_H
#define SIMPLEXIR_CODEGEN_JIT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <utility>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace simplexir {

/// The last argument of a lowered host function; see --simplex-lower-launch.
struct HostContext {
  int32_t status = 0;
  int32_t target = 0;
  void *stream = nullptr;
};

/// A host function compiled in this process.
class HostProgram {
public:
  using Symbol = std::pair<llvm::StringRef, void *>;

  /// Compiles a module in the LLVM dialect (see lowerHost). `symbols` are what
  /// it may call, besides the symbols of the process.
  static llvm::Expected<std::unique_ptr<HostProgram>>
  create(mlir::ModuleOp module, llvm::StringRef function,
         llvm::ArrayRef<Symbol> symbols);
  ~HostProgram();

  /// Calls the function's C interface; each element points to an argument: a
  /// pointer to a memref descriptor, or an i64.
  void invoke(llvm::ArrayRef<void *> arguments) const;
  unsigned getNumArguments() const { return numArguments; }

private:
  HostProgram();
  struct Engine;
  std::unique_ptr<Engine> engine;
  void (*entry)(void *const *) = nullptr;
  unsigned numArguments = 0;
};

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_JIT_H
