//===- toy-compile.cpp - A compiler that embeds SimplexIR -----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// toy-compile FILE.mlir OUTPUT.simplex CHIP...: rewrites toy.attend into
// simplex.attention, prints what became of the module, and lets SimplexIR make
// the kernels, all in this process. examples/c/launch.c runs the result.
//
//===----------------------------------------------------------------------===//

#include "Toy.h"

#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Pipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

static bool write(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  file << bytes;
  file.close();
  if (!error && !file.has_error())
    return true;
  llvm::errs() << "error: cannot write " << path << "\n";
  file.clear_error();
  return false;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    llvm::errs() << "usage: toy-compile FILE.mlir OUTPUT.simplex CHIP...\n";
    return 2;
  }
  mlir::DialectRegistry registry;
  registry.insert<toy::ToyDialect>();
  simplexir::registerAllForCompiler(registry);
  mlir::MLIRContext context(registry);
  // Patterns make operations of dialects that the file does not name.
  context.loadAllAvailableDialects();
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler printErrors(sources, &context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(argv[1], sources, &context);
  if (!module)
    return 1; // the reason is printed, here and below

  mlir::RewritePatternSet patterns(&context);
  toy::populateAttendToSimplex(patterns);
  if (mlir::failed(mlir::applyPatternsGreedily(*module, std::move(patterns))) ||
      mlir::failed(mlir::verify(*module)))
    return 1;
  module->print(llvm::outs());

  simplexir::CompileOptions options;
  options.chips.assign(argv + 3, argv + argc);
  if (mlir::failed(simplexir::outlineFunctions(*module, options)))
    return 1;
  mlir::FailureOr<simplexir::CompileResult> result =
      simplexir::compileKernels(*module, options);
  if (mlir::failed(result))
    return 1;
  for (const std::string &warning : result->warnings)
    llvm::errs() << "warning: " << warning << "\n";
  for (const simplexir::KernelTiles &kernel : result->tiles)
    llvm::outs() << kernel.name << ": tiles of " << kernel.queries
                 << " queries and " << kernel.keys << " keys\n";
  return write(argv[2], result->artifact) ? 0 : 1;
}
