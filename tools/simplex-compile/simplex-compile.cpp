//===- simplex-compile.cpp - Attention to a deployable artifact -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tool.h"

#include "simplexir/Codegen/Chips.h"
#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Support/CrashGuard.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace simplexir;

namespace {
/// Made after the options of LLVM are gone, which may have the same names.
struct Options {
  cl::opt<std::string> inputFile{cl::Positional, cl::desc("FILE.mlir"),
                                 cl::Required, cl::cat(getToolCategory())};
  cl::list<std::string> chips{
      "chip",
      cl::desc("Chips to compile for: sm_80, sm_90a, ..., "
               "x86-64-v2, -v3, -v4, -v4-bf16 or native"),
      cl::value_desc("CHIP,..."),
      cl::CommaSeparated,
      cl::OneOrMore,
      cl::cat(getToolCategory())};
  cl::opt<std::string> outputFile{"o", cl::desc("Output; - is standard output"),
                                  cl::value_desc("FILE"), cl::Required,
                                  cl::cat(getToolCategory())};
  cl::opt<EmitStage> emitStage{
      "emit", cl::desc("Write this stage for one chip instead of an artifact:"),
      cl::values(clEnumValN(EmitStage::MLIR, "mlir",
                            "the machine level, in upstream dialects"),
                 clEnumValN(EmitStage::LLVM, "llvm", "the LLVM dialect"),
                 clEnumValN(EmitStage::PTX, "ptx", "PTX text (GPU)"),
                 clEnumValN(EmitStage::Cubin, "cubin", "a cubin (GPU)")),
      cl::cat(getToolCategory())};
  cl::opt<std::string> ptxasPath{
      "ptxas", cl::desc("The path of ptxas, if not in PATH"),
      cl::value_desc("PATH"), cl::cat(getToolCategory())};
};
} // namespace

static Options *opts;

static constexpr char help[] =
    "Compiles each function of FILE.mlir that is one simplex.attention on its\n"
    "arguments to a kernel, and writes one file for the SimplexIR runtime.\n\n"
    "  simplex-compile attention.mlir --chip=sm_90a,x86-64-v3 -o a.simplex\n";

static int write(StringRef bytes) {
  std::error_code code;
  ToolOutputFile output(opts->outputFile, code, sys::fs::OF_None);
  if (code)
    return fail("cannot open '" + opts->outputFile + "': " + code.message());
  output.os() << bytes;
  output.os().flush();
  if (output.os().has_error()) {
    std::string reason = output.os().error().message();
    output.os().clear_error();
    return fail("cannot write '" + opts->outputFile + "': " + reason);
  }
  output.keep();
  return 0;
}

static int run(int argc, char **argv) {
  removeForeignOptions();
  Options toolOptions;
  opts = &toolOptions;
  parseCommandLine(argc, argv, help);
  CompileOptions options;
  options.ptxas = opts->ptxasPath;
  auto addChip = [&](StringRef name) {
    if (!is_contained(options.chips, name))
      options.chips.push_back(name.str());
  };
  for (const std::string &chip : opts->chips) {
    if (!isGpuChipName(chip)) {
      // An artifact is for other machines too: the level, not this machine.
      Expected<CpuChip> level = lookupCpuChip(chip);
      if (!level)
        return fail(level.takeError());
      addChip(level->name);
      continue;
    }
    if (Expected<GpuChip> gpu = lookupGpuChip(chip); !gpu)
      return fail(gpu.takeError());
    addChip(chip);
  }
  bool emits = opts->emitStage.getNumOccurrences() > 0;
  if (emits) {
    if (options.chips.size() != 1)
      return fail("--emit writes one stage for one chip, found " +
                  Twine(options.chips.size()) + " chips");
    if (!isGpuChipName(options.chips[0]) &&
        (opts->emitStage == EmitStage::PTX ||
         opts->emitStage == EmitStage::Cubin))
      return fail("--emit=ptx and cubin need a GPU's chip, found '" +
                  options.chips[0] + "'");
  }

  ToolContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = context.parse(opts->inputFile);
  if (!module)
    return 1;
  if (!hasAttention(*module))
    return fail("'" + opts->inputFile +
                "' has no function with a simplex.attention");
  if (failed(outlineFunctions(*module, options)))
    return 1;

  if (emits) {
    auto text = emitKernels(*module, options.chips[0], opts->emitStage,
                            opts->ptxasPath);
    return succeeded(text) ? write(*text) : 1;
  }
  auto result = compileKernels(*module, options);
  if (failed(result))
    return 1;
  for (const std::string &warning : result->warnings)
    errs() << "warning: " << warning << "\n";
  return write(result->artifact);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  return runGuarded(argc, argv, [&] { return run(argc, argv); });
}
