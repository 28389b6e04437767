//===- simplex-tune.cpp - Find a fast schedule by timing ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Candidate.h"
#include "Entry.h"
#include "Judge.h"
#include "Tool.h"
#include "Trial.h"

#include "simplexir-runtime-gpu-tools.h"
#include "simplexir/Codegen/Chips.h"
#include "simplexir/Support/CrashGuard.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <functional>
#include <thread>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::tune;

#define OURS cl::cat(getToolCategory())

namespace {
/// Made after the options of LLVM are gone, which may have the same names.
struct Options {
  using Numbers = cl::list<int64_t>;
  cl::opt<std::string> inputFile{cl::Positional, cl::desc("FILE.mlir"),
                                 cl::Required, OURS};
  cl::opt<std::string> outputFile{
      "o",
      cl::desc("Write the module with the best schedule; - is standard "
               "output"),
      cl::value_desc("FILE"), OURS};
  cl::opt<std::string> entryName{
      "entry", cl::desc("The function to tune; by default the only one"),
      cl::value_desc("NAME"), OURS};
  cl::opt<std::string> targetName{"target", cl::desc("cpu (default) or gpu"),
                                  cl::value_desc("cpu|gpu"), cl::init("cpu"),
                                  OURS};
  cl::opt<int64_t> extent{"extent",
                          cl::desc("Dynamic extents are N while it is timed"),
                          cl::value_desc("N"), cl::init(-1), OURS};
  cl::opt<int64_t> batch{
      "batch", cl::desc("A dynamic batch is N (default: as --extent)"),
      cl::value_desc("N"), cl::init(-1), OURS};
  cl::opt<uint64_t> seed{"seed", cl::desc("Of the inputs (default 1)"),
                         cl::value_desc("N"), cl::init(1), OURS};
  Numbers rows{"rows", cl::desc("Rows to try"), cl::value_desc("N,..."),
               cl::CommaSeparated, OURS};
  Numbers keys{"keys", cl::desc("Last keys of a tile to try"),
               cl::value_desc("N,..."), cl::CommaSeparated, OURS};
  Numbers splits{"splits", cl::desc("Splits to try"), cl::value_desc("N,..."),
                 cl::CommaSeparated, OURS};
  Numbers warps{"warps", cl::desc("Warps of a block to try (GPU)"),
                cl::value_desc("N,..."), cl::CommaSeparated, OURS};
  Numbers stages{"stages", cl::desc("Stages of the ring of tiles to try (GPU)"),
                 cl::value_desc("N,..."), cl::CommaSeparated, OURS};
  cl::opt<std::string> wgmma{
      "wgmma",
      cl::desc("Warpgroup products: both (default where the chip has them), "
               "only or never"),
      cl::value_desc("both|only|never"), cl::init("both"), OURS};
  cl::opt<std::string> pairs{
      "pairs",
      cl::desc("Pairs of tiles, where there are warpgroup products and outer "
               "keys: both (default), only or never"),
      cl::value_desc("both|only|never"), cl::init("both"), OURS};
  cl::opt<bool> compileOnly{
      "compile-only",
      cl::desc("Run nothing: say which candidates the compiler takes for "
               "--chip, and why not the others"),
      OURS};
  cl::opt<bool> injectFault{
      "inject-fault",
      cl::desc("Change a row of each result; every candidate must be refused"),
      OURS};
  cl::opt<bool> oneOrder{
      "one-order", cl::desc("Keep the key of the largest window last"), OURS};
  cl::opt<double> budget{
      "seconds", cl::desc("Time each candidate for about S (default 0.2)"),
      cl::value_desc("S"), cl::init(0.2), OURS};
  cl::opt<std::string> chipName{
      "chip", cl::desc("Compile for this chip (default: the one there is)"),
      cl::value_desc("CHIP"), OURS};
  cl::opt<int> threads{"threads",
                       cl::desc("CPU threads (default: all there are)"),
                       cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<int> device{"device", cl::desc("GPU (default 0)"),
                      cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<std::string> ptxas{"ptxas",
                             cl::desc("The path of ptxas, if not in PATH"),
                             cl::value_desc("PATH"), OURS};
};
} // namespace

static constexpr char help[] =
    "Times schedules of the one attention of a function, on random inputs, "
    "checks\neach result, and writes the module with the fastest.\n\n"
    "  simplex-tune attention.mlir --target=gpu --extent=8192 --batch=4 -o "
    "tuned.mlir\n"
    "  simplex-tune attention.mlir --extent=1024 --batch=1 --rows=8,16 "
    "--keys=32,64\n";

/// What a schedule can hold; an error names the option.
static Error checkNumbers(const Options &opts) {
  auto check = [](const Options::Numbers &list) -> Error {
    for (int64_t number : list)
      if (number < 1 || number > 4096)
        return createStringError("--" + list.ArgStr + "=" + Twine(number) +
                                 ": expected 1 to 4096");
    return Error::success();
  };
  for (const Options::Numbers &list :
       {std::cref(opts.rows), std::cref(opts.keys), std::cref(opts.splits),
        std::cref(opts.warps), std::cref(opts.stages)})
    if (Error error = check(list))
      return error;
  for (const cl::opt<std::string> *choice : {&opts.wgmma, &opts.pairs})
    if (*choice != "both" && *choice != "only" && *choice != "never")
      return createStringError("--" + choice->ArgStr + " is '" + *choice +
                               "', expected both, only or never");
  return Error::success();
}

static Expected<Space> getSpace(const Options &opts, AttentionOp op, bool gpu,
                                StringRef chip) {
  bool hasWgmma = false;
  if (gpu) {
    Expected<GpuChip> found = lookupGpuChip(chip);
    if (!found)
      return found.takeError();
    hasWgmma = found->wgmma;
  }
  if (opts.wgmma == "only" && !hasWgmma)
    return createStringError("--wgmma=only: " + chip +
                             " has no warpgroup products, sm_90a has");
  Space space = getDefaultSpace(op, gpu, hasWgmma && opts.wgmma != "never");
  space.mma = opts.wgmma != "only";
  space.single = opts.pairs != "only";
  space.pairs = opts.pairs != "never";
  space.allOrders = !opts.oneOrder;
  for (auto [list, values] : {std::make_pair(&opts.rows, &space.rows),
                              std::make_pair(&opts.keys, &space.keys),
                              std::make_pair(&opts.splits, &space.splits),
                              std::make_pair(&opts.warps, &space.warps),
                              std::make_pair(&opts.stages, &space.stages)})
    if (!list->empty())
      values->assign(list->begin(), list->end());
  return space;
}

/// The first line of a message, which may be long.
static std::string getFirstLine(StringRef message) {
  return message.split('\n').first.trim().str();
}

static std::string getRemark(const Trial &trial) {
  return std::string(trial.isDefault ? "  (the compiler's choice)" : "") +
         (trial.warning.empty() ? "" : "  [" + trial.warning + "]");
}

static void printRefused(ArrayRef<Trial> trials, ArrayRef<int64_t> windows,
                         raw_ostream &os) {
  for (const Trial &trial : trials)
    if (!trial.refusal.empty())
      os << "   refused                    "
         << trial.candidate.describe(windows) << getRemark(trial) << ": "
         << getFirstLine(trial.refusal) << "\n";
}

static void printTable(ArrayRef<Trial> trials, ArrayRef<int64_t> windows,
                       double flops, raw_ostream &os) {
  os << "        ms   TFLOP/s  waste  schedule\n";
  for (const Trial &trial : trials) {
    if (!trial.refusal.empty())
      continue;
    os << format("%10.4f %9.4g %5.1f%%  ", trial.seconds * 1e3,
                 flops / trial.seconds * 1e-12, 100 * trial.waste)
       << trial.candidate.describe(windows) << getRemark(trial) << "\n";
  }
  printRefused(trials, windows, os);
}

/// Status 1 if nothing could be compiled.
static int printCompiled(ArrayRef<Trial> trials, ArrayRef<int64_t> windows,
                         raw_ostream &os) {
  int status = 1;
  for (const Trial &trial : trials) {
    if (!trial.refusal.empty())
      continue;
    status = 0;
    os << "  compiled                    " << trial.candidate.describe(windows)
       << getRemark(trial) << "\n";
  }
  printRefused(trials, windows, os);
  return status;
}

static Error writeModule(mlir::ModuleOp module, StringRef path) {
  std::error_code code;
  ToolOutputFile output(path, code, sys::fs::OF_None);
  if (code)
    return createStringError("cannot open '" + path + "': " + code.message());
  module.print(output.os());
  output.os() << "\n";
  output.os().flush();
  if (output.os().has_error()) {
    std::string reason = output.os().error().message();
    output.os().clear_error();
    return createStringError("cannot write '" + path + "': " + reason);
  }
  output.keep();
  return Error::success();
}

static Expected<std::vector<run::Value>>
makeInputs(const Options &opts, std::vector<run::Parameter> parameters) {
  std::vector<run::Value> inputs;
  for (auto [i, parameter] : enumerate(parameters)) {
    if (opts.batch >= 0 && !parameter.shape.empty() && parameter.shape[0] < 0)
      parameter.shape[0] = opts.batch;
    auto value =
        run::makeRandomInput(parameter, opts.seed + i * 0x10000, opts.extent,
                             "argument " + std::to_string(i + 1));
    if (!value)
      return value.takeError();
    inputs.push_back(std::move(*value));
  }
  return inputs;
}

/// Candidates, the compiler's own first.
static std::vector<Trial> makeTrials(AttentionOp op, const Space &space,
                                     const Candidate &chosen, bool gpu) {
  std::vector<Trial> trials(1);
  trials[0].candidate = chosen;
  trials[0].isDefault = true;
  for (Candidate &candidate : listCandidates(op, space, gpu))
    if (!(candidate == chosen)) {
      trials.emplace_back();
      trials.back().candidate = std::move(candidate);
    }
  return trials;
}

static int tuneModule(const Options &opts, bool gpu) {
  ToolContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = context.parse(opts.inputFile);
  if (!module)
    return 1;
  auto entry = run::findEntry(*module, opts.inputFile, opts.entryName);
  if (!entry)
    return fail(entry.takeError());
  auto signature = run::getSignature(*entry);
  if (!signature)
    return fail(signature.takeError());
  auto inputs = makeInputs(opts, signature->parameters);
  if (!inputs)
    return fail(inputs.takeError());
  auto problem = run::getProblem(*entry, *inputs);
  if (!problem)
    return fail(problem.takeError());
  AttentionOp op;
  entry->walk([&](AttentionOp found) { op = found; });
  SmallVector<int64_t> windows(op.getWindows());

  run::Memory memory(gpu, opts.device);
  if (!opts.compileOnly)
    if (Error error = memory.open())
      return fail(std::move(error));
  if (simplexirSetNumThreads(opts.threads))
    return fail(run::getRuntimeError());
  auto chip = run::chooseChip(opts.chipName, gpu, opts.device);
  if (!chip)
    return fail(chip.takeError());
  auto space = getSpace(opts, op, gpu, *chip);
  if (!space)
    return fail(space.takeError());
  auto chosen = getDefault(*module, entry->getName(), *chip);
  if (!chosen) {
    std::string message = toString(chosen.takeError());
    return message.empty() ? 1 : fail(message);
  }

  Subject subject;
  raw_string_ostream(subject.text) << *module;
  subject.entry = entry->getName().str();
  subject.chip = *chip;
  subject.ptxas = opts.ptxas;
  subject.results = signature->results;
  std::vector<Trial> trials = makeTrials(op, *space, *chosen, gpu);
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  errs() << "compiling " << trials.size() << " candidates for " << *chip
         << "\n";
  compileAll(trials, subject, memory, threads);
  if (opts.compileOnly)
    return printCompiled(trials, windows, outs());

  Judge judge;
  if (Error error = judge.prepare(*problem, *inputs, static_cast<int>(threads)))
    return fail(std::move(error));
  if (opts.injectFault)
    judge.injectFault();
  auto measureOne = [&](Trial &trial, double budget) {
    if (trial.refusal.empty())
      measure(trial, *problem, *inputs, judge, memory, budget);
  };
  for (Trial &trial : trials)
    measureOne(trial, opts.budget);
  auto isFaster = [](const Trial &a, const Trial &b) {
    if (a.refusal.empty() != b.refusal.empty())
      return a.refusal.empty();
    return a.seconds < b.seconds;
  };
  stable_sort(trials, isFaster);
  // The first ones once more, so that one lucky measurement does not win.
  for (Trial &trial : MutableArrayRef(trials).take_front(4))
    measureOne(trial, 2 * opts.budget);
  stable_sort(trials, isFaster);

  double flops = run::countWork(*problem, KernelTiles()).flops;
  outs() << "each result compared with float64 on " << judge.getNumQueries()
         << " queries, and with the first\n";
  printTable(trials, windows, flops, outs());
  const Trial &best = trials.front();
  if (!best.refusal.empty())
    return fail("no candidate runs");
  if (failed(apply(op, best.candidate)))
    return 1;
  outs() << "best: schedule = " << *op.getSchedule() << "\n";
  outs().flush();
  if (!opts.outputFile.empty())
    if (Error error = writeModule(*module, opts.outputFile))
      return fail(std::move(error));
  return 0;
}

static int run(int argc, char **argv) {
  removeForeignOptions();
  Options opts;
  parseCommandLine(argc, argv, help);
  bool gpu = opts.targetName == "gpu";
  if (!gpu && opts.targetName != "cpu")
    return fail("--target is '" + opts.targetName + "', expected cpu or gpu");
  if (opts.threads < 0)
    return fail("--threads is negative");
  if (opts.compileOnly && !opts.outputFile.empty())
    return fail("--compile-only finds no schedule to write with -o");
  if (Error error = checkNumbers(opts))
    return fail(std::move(error));
  return tuneModule(opts, gpu);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  return runGuarded(argc, argv, [&] { return ::run(argc, argv); });
}
