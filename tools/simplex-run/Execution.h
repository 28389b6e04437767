//===- Execution.h - Compile and call one function -------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_RUN_EXECUTION_H
#define SIMPLEXIR_TOOLS_SIMPLEX_RUN_EXECUTION_H

#include "Arrays.h"
#include "Memory.h"

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Jit.h"

#include "mlir/IR/BuiltinOps.h"

namespace simplexir::run {

/// The name of the chip that is there.
llvm::Expected<std::string> findChip(bool gpu, int device);

/// A function compiled for one target, with its inputs there.
class Execution {
public:
  Execution(Memory &memory, std::vector<Parameter> results)
      : memory(memory), results(std::move(results)) {}

  /// Compiles a verified module, which is consumed. IR errors have been
  /// reported where the error is empty.
  llvm::Error compile(mlir::ModuleOp module, llvm::StringRef entry,
                      llvm::StringRef chip, llvm::StringRef ptxas);
  /// Copies the inputs to the target, in place of earlier ones.
  llvm::Error setInputs(llvm::ArrayRef<Value> inputs);

  /// Gives the memory of inputs and results back.
  void release();

  /// Calls the function; on a GPU the work is only enqueued. The results of an
  /// earlier call are gone.
  llvm::Error call();
  /// Waits, and reads the results of the last call.
  llvm::Expected<std::vector<Value>> getResults();
  /// Seconds of one call, on the GPU's clock there.
  llvm::Expected<double> time();

  const CompileResult &getCompiled() const { return compiled; }

private:
  struct Descriptor {
    std::vector<int64_t> words;
  };
  void releaseResults();

  Memory &memory;
  std::vector<Parameter> results;
  CompileResult compiled;
  std::unique_ptr<HostProgram> program;
  std::vector<Descriptor> inputs;
  std::vector<bool> isIndex;
  /// The descriptors of all results, one after the other.
  std::vector<int64_t> resultWords;
};

} // namespace simplexir::run

#endif // SIMPLEXIR_TOOLS_SIMPLEX_RUN_EXECUTION_H
