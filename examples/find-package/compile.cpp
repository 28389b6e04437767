//===- compile.cpp - From IR to an artifact -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// compile-attention FILE.mlir OUTPUT.simplex CHIP...: what simplex-compile
// does, in another project. examples/c/launch.c runs the result.
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Pipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  if (argc < 4) {
    llvm::errs()
        << "usage: compile-attention FILE.mlir OUTPUT.simplex CHIP...\n";
    return 2;
  }
  mlir::DialectRegistry registry;
  simplexir::registerAllForCompiler(registry);
  mlir::MLIRContext context(registry);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler printErrors(sources, &context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(argv[1], sources, &context);
  if (!module)
    return 1; // the reason is printed, here and below

  // Tensors to buffers; each attention to a launch of a kernel function.
  if (mlir::failed(simplexir::outlineModule(*module)))
    return 1;
  simplexir::CompileOptions options;
  options.chips.assign(argv + 3, argv + argc);
  mlir::FailureOr<simplexir::CompileResult> result =
      simplexir::compileKernels(*module, options);
  if (mlir::failed(result))
    return 1;
  for (const std::string &warning : result->warnings)
    llvm::errs() << "warning: " << warning << "\n";

  std::error_code error;
  llvm::raw_fd_ostream file(argv[2], error);
  file << result->artifact;
  file.close();
  if (error || file.has_error()) {
    llvm::errs() << "error: cannot write " << argv[2] << "\n";
    return 1;
  }
  for (const simplexir::KernelTiles &kernel : result->tiles)
    llvm::outs() << kernel.name << ": tiles of " << kernel.queries
                 << " queries and " << kernel.keys << " keys\n";
  return 0;
}
