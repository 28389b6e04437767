//===- simplex-sweep.cpp - Random attentions against the reference ------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "Runner.h"
#include "Soak.h"
#include "Tool.h"

#include "simplexir-runtime-gpu-tools.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Support/CrashGuard.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::sweep;

#define OURS cl::cat(getToolCategory())

namespace {
/// Made after the options of LLVM are gone, which may have the same names.
struct Options {
  cl::opt<std::string> targetName{"target", cl::desc("cpu (default) or gpu"),
                                  cl::value_desc("cpu|gpu"), cl::init("cpu"),
                                  OURS};
  cl::opt<uint64_t> seed{"seed", cl::desc("Which cases (default 1)"),
                         cl::value_desc("N"), cl::init(1), OURS};
  cl::opt<unsigned> numCases{"cases", cl::desc("How many (default 320)"),
                             cl::value_desc("N"), cl::init(320), OURS};
  cl::opt<int> only{"only", cl::desc("Run this case of the seed only"),
                    cl::value_desc("INDEX"), cl::init(-1), OURS};
  cl::opt<bool> list{"list", cl::desc("Print the cases and do not run them"),
                     OURS};
  cl::opt<unsigned> threads{
      "threads", cl::desc("Modules at a time (default: as many as processors)"),
      cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<bool> keepGoing{"keep-going",
                          cl::desc("Do not stop at the first failure"), OURS};
  cl::opt<double> timeLimit{
      "time-limit",
      cl::desc("Take seed after seed until the time is over; a module that "
               "has begun is finished"),
      cl::value_desc("SECONDS"), cl::init(0), OURS};
  cl::opt<double> minutes{"minutes", cl::desc("As --time-limit, in minutes"),
                          cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<int> repeat{
      "repeat",
      cl::desc("Run each case N times; all must give the same bits "
               "(default 2)"),
      cl::value_desc("N"), cl::init(2), OURS};
  cl::opt<unsigned> soakLaunches{
      "soak",
      cl::desc("Compile the cases of dynamic shapes once, then launch them N "
               "times in random order and in several layouts on several "
               "streams; each result must have the bits of the first, which "
               "is checked"),
      cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<int> streams{"streams", cl::desc("Of --soak (default 2)"),
                       cl::value_desc("N"), cl::init(2), OURS};
  cl::opt<bool> injectFault{
      "inject-fault",
      cl::desc("Change one element of each result beyond its bound; every "
               "case must fail"),
      OURS};
  cl::opt<bool> tile{
      "tile",
      cl::desc("Cut each attention into tiles of random sizes first (CPU)"),
      OURS};
  cl::opt<bool> pairs{
      "pairs",
      cl::desc("Give each attention that can have it a schedule of short "
               "tiles (a chip with warpgroup products): in pairs, skewed or "
               "both"),
      OURS};
  cl::opt<std::string> match{
      "match", cl::desc("Only cases whose line has this text (see --list)"),
      cl::value_desc("TEXT"), OURS};
  cl::opt<std::string> saveTo{
      "save", cl::desc("Write failing cases here, for simplex-run"),
      cl::value_desc("DIR"), OURS};
  cl::opt<std::string> chipName{
      "chip", cl::desc("Compile for this chip (default: the one there is)"),
      cl::value_desc("CHIP"), OURS};
  cl::opt<int> device{"device", cl::desc("GPU (default 0)"),
                      cl::value_desc("N"), cl::init(0), OURS};
  cl::opt<std::string> ptxas{"ptxas",
                             cl::desc("The path of ptxas, if not in PATH"),
                             cl::value_desc("PATH"), OURS};

  /// Seconds; 0 is none.
  double getLimit() const {
    return minutes > 0 ? 60 * minutes : double(timeLimit);
  }
};

class Sweep {
public:
  Sweep(const Options &opts, const Settings &settings)
      : opts(opts), settings(settings), start(Clock::now()) {
    registerAllForCompiler(registry);
  }
  /// Runs the cases of a seed; false if it is to stop.
  bool runSeed(uint64_t seed);
  /// Prints the totals and returns the exit status.
  int finish();

private:
  using Clock = std::chrono::steady_clock;
  double getSeconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  bool isOver() const {
    return stop || (opts.getLimit() > 0 && getSeconds() >= opts.getLimit());
  }
  void report(uint64_t seed, size_t index, const Case &c,
              const Verdict &verdict);

  const Options &opts;
  const Settings &settings;
  mlir::DialectRegistry registry;
  Clock::time_point start;
  std::atomic<bool> stop{false};
  std::mutex mutex;
  uint64_t lastSeed = 0;
  size_t passed = 0, failed = 0, skipped = 0, modules = 0;
  std::map<std::string, size_t> reasons;
};
} // namespace

static constexpr char help[] =
    "Runs random attentions and compares them with the float64 reference.\n\n"
    "  simplex-sweep --seed=1 --cases=320 --keep-going\n"
    "  simplex-sweep --target=gpu --minutes=10 --seed=7 --keep-going\n"
    "  simplex-sweep --cases=40 --repeat=20\n"
    "  simplex-sweep --target=gpu --soak=10000 --streams=2\n"
    "  simplex-sweep --seed=1 --only=17 --save=case\n";

void Sweep::report(uint64_t seed, size_t index, const Case &c,
                   const Verdict &verdict) {
  std::lock_guard<std::mutex> lock(mutex);
  if (verdict.outcome == Outcome::Pass) {
    ++passed;
    return;
  }
  if (verdict.outcome == Outcome::Skip) {
    ++skipped;
    ++reasons[verdict.message];
    return;
  }
  ++failed;
  if (!opts.keepGoing)
    stop = true;
  outs() << "FAIL " << index << ": " << c.describe() << "\n  "
         << verdict.message << "\n  simplex-sweep --target=" << opts.targetName
         << " --seed=" << seed << " --only=" << index
         << (opts.pairs ? " --pairs" : "") << "\n";
  if (!opts.saveTo.empty()) {
    auto command =
        saveCase(c, opts.saveTo + "/" + std::to_string(index), opts.targetName);
    outs() << "  "
           << (command ? *command : "error: " + toString(command.takeError()))
           << "\n";
  }
  if (!opts.injectFault)
    outs() << c.getModule();
  outs().flush();
}

bool Sweep::runSeed(uint64_t seed) {
  lastSeed = seed;
  size_t count = std::max<size_t>(opts.numCases, opts.only + 1);
  std::vector<Case> cases = generateCases(seed, count, opts.pairs);
  MapVector<StringRef, std::vector<size_t>> groups;
  std::vector<std::string> texts;
  texts.reserve(cases.size());
  for (const Case &c : cases)
    texts.push_back(c.getModule());
  for (size_t i = 0; i < count; ++i)
    if ((opts.only < 0 || static_cast<size_t>(opts.only) == i) &&
        StringRef(cases[i].describe()).contains(opts.match))
      groups[texts[i]].push_back(i);

  std::atomic<size_t> next{0};
  auto work = [&] {
    Runner runner(settings, registry);
    if (Error error = runner.open()) {
      std::lock_guard<std::mutex> lock(mutex);
      errs() << "error: " << toString(std::move(error)) << "\n";
      ++failed;
      stop = true;
      return;
    }
    while (!isOver()) {
      size_t group = next++;
      if (group >= groups.size())
        return;
      ArrayRef<size_t> indices = (groups.begin() + group)->second;
      std::vector<const Case *> members;
      for (size_t index : indices)
        members.push_back(&cases[index]);
      {
        std::lock_guard<std::mutex> lock(mutex);
        setReproducerInput(texts[indices[0]]);
      }
      runner.run(members, [&](size_t i, const Verdict &verdict) {
        report(seed, indices[i], *members[i], verdict);
        return !stop;
      });
      std::lock_guard<std::mutex> lock(mutex);
      ++modules;
    }
  };
  unsigned numThreads = opts.threads
                            ? opts.threads
                            : std::max(1u, std::thread::hardware_concurrency());
  // One works here, where the stack is large.
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < std::min<size_t>(numThreads, groups.size()); ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  return !isOver();
}

int Sweep::finish() {
  for (const auto &[reason, count] : reasons)
    outs() << "skipped " << count << ": " << reason << "\n";
  outs() << format("seeds %llu to %llu, %zu modules in %.1f s\n",
                   static_cast<unsigned long long>(opts.seed),
                   static_cast<unsigned long long>(lastSeed), modules,
                   getSeconds())
         << format("%zu passed, %zu failed, %zu skipped\n", passed, failed,
                   skipped);
  // A run without any result proves nothing.
  return failed || !(passed + skipped) ? 1 : 0;
}

static int run(int argc, char **argv) {
  removeForeignOptions();
  Options opts;
  parseCommandLine(argc, argv, help);
  Settings settings;
  settings.gpu = opts.targetName == "gpu";
  if (!settings.gpu && opts.targetName != "cpu")
    return fail("--target is '" + opts.targetName + "', expected cpu or gpu");
  if (opts.list) {
    std::vector<Case> cases =
        generateCases(opts.seed, opts.numCases, opts.pairs);
    for (size_t i = 0; i < cases.size(); ++i)
      if (StringRef(cases[i].describe()).contains(opts.match))
        outs() << i << ": " << cases[i].describe() << "\n";
    return 0;
  }
  settings.device = opts.device;
  settings.ptxas = opts.ptxas;
  settings.injectFault = opts.injectFault;
  settings.tile = opts.tile;
  settings.pairs = opts.pairs;
  if (settings.gpu && settings.tile)
    return fail("--tile is for --target=cpu: the host puts the tiles together");
  settings.chip = opts.chipName;
  if (settings.chip.empty()) {
    Expected<std::string> chip = run::findChip(settings.gpu, opts.device);
    if (!chip)
      return fail(chip.takeError());
    settings.chip = *chip;
  }
  if (opts.repeat < 1)
    return fail("--repeat is " + Twine(opts.repeat) + ", expected 1 or more");
  settings.runs = opts.repeat;
  ToolContext registers; // passes
  if (opts.soakLaunches) {
    if (opts.streams < 1 || opts.streams > 64)
      return fail("--streams is " + Twine(opts.streams) + ", expected 1 to 64");
    mlir::DialectRegistry registry;
    registerAllForCompiler(registry);
    SoakOptions options;
    options.seed = opts.seed;
    options.launches = opts.soakLaunches;
    options.streams = opts.streams;
    if (opts.numCases.getNumOccurrences())
      options.cases = opts.numCases;
    return soak(settings, options, registry);
  }
  Sweep sweep(opts, settings);
  uint64_t seed = opts.seed;
  while (sweep.runSeed(seed++) && opts.getLimit() > 0)
    ;
  return sweep.finish();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  return runGuarded(argc, argv, [&] { return ::run(argc, argv); });
}
