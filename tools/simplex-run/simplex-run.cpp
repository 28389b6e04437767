//===- simplex-run.cpp - Compile one function and run it ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "Entry.h"
#include "Execution.h"
#include "Tool.h"

#include "simplexir-runtime-gpu-tools.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"
#include "simplexir/Support/CrashGuard.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include <algorithm>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::run;

#define OURS cl::cat(getToolCategory())

namespace {
/// Made after the options of LLVM are gone, which may have the same names.
struct Options {
  cl::opt<std::string> inputFile{cl::Positional, cl::desc("FILE.mlir"),
                                 cl::Required, OURS};
  cl::opt<std::string> entryName{
      "entry", cl::desc("The function to run; by default the only one"),
      cl::value_desc("NAME"), OURS};
  cl::opt<std::string> targetName{"target", cl::desc("cpu (default) or gpu"),
                                  cl::value_desc("cpu|gpu"), cl::init("cpu"),
                                  OURS};
  cl::list<std::string> inputFiles{
      "input",
      cl::desc("An argument, in order: an array of f2, f4 or f8, or "
               "an integer of rank 0 for an index"),
      cl::value_desc("FILE.npy"), OURS};
  cl::list<std::string> outputFiles{"output", cl::desc("A result, in order"),
                                    cl::value_desc("FILE.npy"), OURS};
  cl::opt<uint64_t> randomSeed{
      "random-inputs",
      cl::desc("Fill the arguments with numbers in [-1, 1) instead"),
      cl::value_desc("SEED"), OURS};
  cl::opt<int64_t> extentOption{
      "extent", cl::desc("Dynamic extents of random arguments are N"),
      cl::value_desc("N"), cl::init(-1), OURS};
  cl::opt<bool> verify{
      "verify",
      cl::desc("Compare with the float64 reference, and print errors and "
               "bounds; exit status 1 if they are not met"),
      OURS};
  cl::opt<bool> bench{
      "bench",
      cl::desc("Print the median time, TFLOP/s as 2*(D+Dv) per allowed "
               "tuple and head, and the share of masked waste"),
      OURS};
  cl::opt<std::string> chipName{
      "chip", cl::desc("Compile for this chip (default: the one there is)"),
      cl::value_desc("CHIP"), OURS};
  cl::opt<int> threads{"threads",
                       cl::desc("CPU threads (default: all there are)"),
                       cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<int> deviceNumber{"device", cl::desc("GPU (default 0)"),
                            cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<std::string> ptxasPath{"ptxas",
                                 cl::desc("The path of ptxas, if not in PATH"),
                                 cl::value_desc("PATH"), OURS};
};
} // namespace

static Options *opts;

static constexpr char help[] =
    "Compiles one function of FILE.mlir and runs it on .npy arrays.\n\n"
    "  simplex-run attention.mlir --entry=f --target=cpu --input=q.npy \\\n"
    "    --input=k.npy --input=v.npy --output=out.npy --output=lse.npy "
    "--verify\n"
    "  simplex-run attention.mlir --random-inputs=1 --extent=1024 --bench\n";

static Expected<std::vector<Value>> readInputs(ArrayRef<Parameter> parameters) {
  std::vector<Value> inputs;
  if (opts->randomSeed.getNumOccurrences()) {
    if (!opts->inputFiles.empty())
      return createStringError(
          "--random-inputs and --input exclude each other");
    for (auto [i, parameter] : enumerate(parameters)) {
      auto value = makeRandomInput(parameter, opts->randomSeed + i * 0x10000,
                                   opts->extentOption,
                                   "argument " + std::to_string(i + 1));
      if (!value)
        return value.takeError();
      inputs.push_back(std::move(*value));
    }
    return inputs;
  }
  if (opts->inputFiles.size() != parameters.size())
    return createStringError("the function takes " + Twine(parameters.size()) +
                             " arguments, found " +
                             Twine(opts->inputFiles.size()) + " --input");
  for (auto [path, parameter] : zip(opts->inputFiles, parameters)) {
    auto value = readInput(path, parameter);
    if (!value)
      return value.takeError();
    inputs.push_back(std::move(*value));
  }
  return inputs;
}

static Error runBench(Execution &execution, const Problem &problem,
                      raw_ostream &os) {
  // Warm up, then measure for about a second.
  std::vector<double> times;
  for (int i = 0; i < 3; ++i)
    if (Expected<double> time = execution.time())
      times.push_back(*time);
    else
      return time.takeError();
  double estimate = std::max(*min_element(times), 1e-6);
  auto repeats = static_cast<int>(std::clamp(1.0 / estimate, 5.0, 1000.0));
  times.clear();
  for (int i = 0; i < repeats; ++i)
    if (Expected<double> time = execution.time())
      times.push_back(*time);
    else
      return time.takeError();
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  const std::vector<KernelTiles> &tiles = execution.getCompiled().tiles;
  if (tiles.size() != 1)
    return createStringError("expected one kernel to count the work of");
  WorkCount work = countWork(problem, tiles[0]);
  os << format("bench: median %.6f ms of %d runs (min %.6f, max %.6f)\n",
               median * 1e3, repeats, times.front() * 1e3, times.back() * 1e3)
     << format("  %.6g TFLOP/s: %.6g FLOP, 2*(D+Dv) for each of %.6g allowed "
               "tuples and heads\n",
               work.flops / median * 1e-12, work.flops, work.allowed)
     << format("  masked waste %.1f%% of %.6g tuples in tiles of %lld queries "
               "and %lld",
               work.visited > 0 ? 100 * (1 - work.allowed / work.visited) : 0.0,
               work.visited, static_cast<long long>(tiles[0].queries),
               static_cast<long long>(tiles[0].keys));
  if (tiles[0].secondKeys != tiles[0].keys)
    os << " or " << tiles[0].secondKeys;
  os << " keys\n";
  return Error::success();
}

/// An error without a message has been reported as a diagnostic.
static int failUnlessReported(Error error) {
  std::string message = toString(std::move(error));
  return message.empty() ? 1 : fail(message);
}

static int run(int argc, char **argv) {
  removeForeignOptions();
  Options toolOptions;
  opts = &toolOptions;
  parseCommandLine(argc, argv, help);
  bool gpu = opts->targetName == "gpu";
  if (!gpu && opts->targetName != "cpu")
    return fail("--target is '" + opts->targetName + "', expected cpu or gpu");
  if (opts->threads < 0)
    return fail("--threads is negative");

  ToolContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = context.parse(opts->inputFile);
  if (!module)
    return 1;
  Expected<mlir::func::FuncOp> entry =
      findEntry(*module, opts->inputFile, opts->entryName);
  if (!entry)
    return fail(entry.takeError());
  Expected<Signature> signature = getSignature(*entry);
  if (!signature)
    return fail(signature.takeError());
  const std::vector<Parameter> &results = signature->results;
  bool needsOutputs = !opts->verify && !opts->bench;
  if (opts->outputFiles.size() != results.size() &&
      (needsOutputs || !opts->outputFiles.empty()))
    return fail("the function has " + Twine(results.size()) +
                " results, found " + Twine(opts->outputFiles.size()) +
                " --output");
  Expected<std::vector<Value>> inputs = readInputs(signature->parameters);
  if (!inputs)
    return fail(inputs.takeError());
  Problem problem;
  if (opts->verify || opts->bench) {
    Expected<Problem> found = getProblem(*entry, *inputs);
    if (!found)
      return fail(found.takeError());
    problem = std::move(*found);
  }

  Memory memory(gpu, opts->deviceNumber);
  if (Error error = memory.open())
    return fail(std::move(error));
  if (simplexirSetNumThreads(opts->threads))
    return fail(getRuntimeError());
  Expected<std::string> chip =
      chooseChip(opts->chipName, gpu, opts->deviceNumber);
  if (!chip)
    return fail(chip.takeError());
  Execution execution(memory, results);
  std::string name = entry->getName().str();
  if (Error error = execution.compile(*module, name, *chip, opts->ptxasPath))
    return failUnlessReported(std::move(error));
  for (const std::string &warning : execution.getCompiled().warnings)
    errs() << "warning: " << warning << "\n";
  if (Error error = execution.setInputs(*inputs))
    return fail(std::move(error));
  if (Error error = execution.call())
    return fail(std::move(error));
  Expected<std::vector<Value>> values = execution.getResults();
  if (!values)
    return fail(values.takeError());
  for (auto [path, value] : zip(opts->outputFiles, *values))
    if (Error error = writeOutput(path, value))
      return fail(std::move(error));

  int status = 0;
  if (opts->verify) {
    Expected<bool> pass =
        verifyResults(problem, *inputs, *values,
                      std::max(1, simplexirGetNumThreads()), outs());
    if (!pass)
      return fail(pass.takeError());
    status = *pass ? 0 : 1;
  }
  if (opts->bench) {
    memory.setPoison(false);
    if (Error error = runBench(execution, problem, outs()))
      return fail(std::move(error));
  }
  return status;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  return runGuarded(argc, argv, [&] { return ::run(argc, argv); });
}
