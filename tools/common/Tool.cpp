//===- Tool.cpp - What the command line tools share -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tool.h"

#include "simplexir/Codegen/Chips.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Support/CrashGuard.h"
#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace simplexir;

cl::OptionCategory &simplexir::getToolCategory() {
  static cl::OptionCategory category("SimplexIR Options");
  return category;
}

void simplexir::removeForeignOptions() {
  SmallVector<cl::Option *> foreign;
  auto isGeneric = [](const cl::OptionCategory *category) {
    return category->getName() == "Generic Options"; // --help, --version
  };
  for (const auto &entry : cl::getRegisteredOptions())
    if (none_of(entry.second->Categories, isGeneric))
      foreign.push_back(entry.second);
  for (cl::Option *option : foreign)
    option->removeArgument();
}

void simplexir::parseCommandLine(int argc, char **argv, StringRef header) {
  cl::HideUnrelatedOptions(getToolCategory());
  cl::SetVersionPrinter([](raw_ostream &os) {
    os << "SimplexIR " SIMPLEXIR_VERSION " (LLVM " LLVM_VERSION_STRING ")\n"
       << "chips: " << listKnownChips() << "\n";
  });
  cl::ParseCommandLineOptions(argc, argv, header);
}

int simplexir::fail(const Twine &message) {
  errs() << "error: " << message << "\n";
  return 1;
}

int simplexir::fail(Error error) { return fail(toString(std::move(error))); }

struct ToolContext::Handler {
  mlir::SourceMgrDiagnosticHandler handler;
};

static mlir::DialectRegistry makeRegistry() {
  mlir::DialectRegistry registry;
  registerAllForCompiler(registry);
  return registry;
}

ToolContext::ToolContext() : context(makeRegistry()) {
  static const bool registered = [] {
    registerSimplexIRPasses();
    registerSimplexIRCodegenPasses();
    return true;
  }();
  (void)registered;
  context.printOpOnDiagnostic(false);
  handler.reset(
      new Handler{mlir::SourceMgrDiagnosticHandler(sources, &context)});
}

ToolContext::~ToolContext() = default;

mlir::OwningOpRef<mlir::ModuleOp> ToolContext::parse(StringRef path) {
  std::string error;
  std::unique_ptr<MemoryBuffer> buffer = mlir::openInputFile(path, &error);
  if (!buffer) {
    fail(error);
    return nullptr;
  }
  setReproducerInput(buffer->getBuffer());
  sources.AddNewSourceBuffer(std::move(buffer), SMLoc());
  return mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
}
