//===- Tool.h - What the command line tools share --------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_COMMON_TOOL_H
#define SIMPLEXIR_TOOLS_COMMON_TOOL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

namespace simplexir {

/// The options of our tools, in --help.
llvm::cl::OptionCategory &getToolCategory();

/// Forgets the options that LLVM's libraries have registered; call it before
/// the tool's own are made.
void removeForeignOptions();

/// Parses the command line and sets what --help and --version print. `header`
/// says what the tool does and shows an example.
void parseCommandLine(int argc, char **argv, llvm::StringRef header);

/// Prints `error: message` and returns 1.
int fail(const llvm::Twine &message);
int fail(llvm::Error error);

/// The context of a tool, with everything that the compiler loads, and
/// diagnostics that print as `file:line:col: error: ...`.
class ToolContext {
public:
  ToolContext();
  ~ToolContext();
  mlir::MLIRContext &get() { return context; }

  /// Reads and verifies a file of IR; `-` is standard input. Has reported the
  /// error where it returns null.
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef path);

private:
  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  struct Handler;
  std::unique_ptr<Handler> handler;
};

} // namespace simplexir

#endif // SIMPLEXIR_TOOLS_COMMON_TOOL_H
