//===- main.cpp - Parse and verify simplex.attention ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// verify-attention FILE.mlir: says what each attention in the file is, or why
// it is none. What a project that embeds SimplexIR starts from.
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: verify-attention FILE.mlir\n";
    return 2;
  }
  mlir::MLIRContext context;
  context.loadDialect<simplexir::SimplexDialect, mlir::func::FuncDialect>();
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler printErrors(sources, &context);

  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(argv[1], sources, &context);
  if (!module)
    return 1; // the reason is printed
  module->walk([](simplexir::AttentionOp op) {
    llvm::outs() << "attention of order " << op.getArity() << ", form "
                 << op.getForm() << ", " << op.getHeads() << " heads over "
                 << op.getKeyHeads() << ", scale " << op.getEffectiveScale()
                 << "\n";
  });
  return 0;
}
