//===- Soak.cpp - Thousands of launches of compiled kernels ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Soak.h"

#include "Layout.h"

#include "simplexir-runtime.h"
#include "simplexir/Codegen/Compiler.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <thread>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::sweep;
using reference::ElementType;

namespace {
/// A kernel of its own artifact.
struct Artifact {
  SimplexirArtifact *handle = nullptr;
  SimplexirKernel *kernel = nullptr;

  Artifact() = default;
  Artifact(const Artifact &) = delete;
  Artifact &operator=(const Artifact &) = delete;
  ~Artifact() { simplexirArtifactDestroy(handle); }
};

struct Shape {
  const Case *c;
  SimplexirKernel *kernel;
  std::vector<run::Value> inputs;
  Layout layout;
  /// The buffers of out and lse after the first launch, gaps included.
  std::vector<std::vector<uint8_t>> expected;
};

/// One host thread with its memory and stream.
class Lane {
public:
  Lane(const Settings &settings, const std::vector<Shape> &shapes)
      : settings(settings), shapes(shapes),
        memory(settings.gpu, settings.device) {}

  Error open();
  /// A launch of a shape; its results come back after a synchronize().
  struct Launched {
    size_t shape;
    std::vector<std::vector<uint8_t>> results;
    std::vector<void *> buffers;
  };
  Error launch(size_t shape, Launched &launched);
  Error finish(MutableArrayRef<Launched> all);

private:
  const Settings &settings;
  const std::vector<Shape> &shapes;
  run::Memory memory;
  /// The inputs of each shape, copied once.
  std::vector<std::vector<void *>> inputs;
};
} // namespace

static int32_t getDType(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return SIMPLEXIR_BF16;
  case ElementType::F16:
    return SIMPLEXIR_F16;
  case ElementType::F32:
    return SIMPLEXIR_F32;
  case ElementType::F64:
    return SIMPLEXIR_F64;
  }
  llvm_unreachable("unknown element type");
}

static std::vector<std::vector<int64_t>> getResultShapes(const Case &c) {
  return {{c.batch, c.queries, c.heads, c.valueDim},
          {c.batch, c.heads, c.queries}};
}

Error Lane::open() {
  if (Error error = memory.open())
    return error;
  for (const Shape &shape : shapes) {
    std::vector<void *> pointers;
    for (const run::Value &value : shape.inputs) {
      void *pointer = nullptr;
      if (!value.parameter.isIndex) {
        std::vector<uint8_t> bytes =
            scatter(value, Placement(value.shape, shape.layout));
        pointer = memory.allocate(bytes.size());
        if (Error error = memory.takeError())
          return error;
        if (Error error = memory.copyIn(pointer, bytes))
          return error;
        // The bytes must stay until they are copied.
        if (Error error = memory.synchronize())
          return error;
      }
      pointers.push_back(pointer);
    }
    inputs.push_back(std::move(pointers));
  }
  return memory.synchronize();
}

Error Lane::launch(size_t index, Launched &launched) {
  const Shape &shape = shapes[index];
  const Case &c = *shape.c;
  launched.shape = index;
  std::vector<SimplexirArgument> arguments;
  // Shapes and strides must stay until the launch.
  std::list<Placement> placements;
  auto addTensor = [&](void *data, ArrayRef<int64_t> sizes, ElementType type) {
    const Placement &place = placements.emplace_back(sizes, shape.layout);
    SimplexirArgument argument = {};
    argument.structSize = sizeof(argument);
    argument.kind = SIMPLEXIR_TENSOR;
    argument.tensor.data =
        static_cast<char *>(data) + place.first * run::getElementSize(type);
    argument.tensor.shape = place.shape.data();
    argument.tensor.strides = place.strides.data();
    argument.tensor.rank = static_cast<int32_t>(sizes.size());
    argument.tensor.dtype = getDType(type);
    argument.tensor.deviceType = settings.gpu ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
    argument.tensor.deviceId = settings.gpu ? settings.device : 0;
    arguments.push_back(argument);
  };
  auto addInput = [&](int number) {
    const run::Value &value = shape.inputs[number];
    addTensor(inputs[index][number], value.shape, value.parameter.element);
  };
  // The kernel takes the operation's operands, then its results.
  addInput(0);
  for (int i = 0; i < c.getNumKeys(); ++i)
    addInput(c.getKey(i));
  for (int i = 0; i < c.getNumKeys(); ++i)
    addInput(c.getValue(i));
  for (const run::Value &value : shape.inputs)
    if (value.parameter.isIndex) {
      SimplexirArgument argument = {};
      argument.structSize = sizeof(argument);
      argument.kind = SIMPLEXIR_INDEX;
      argument.index = value.index;
      arguments.push_back(argument);
    }
  auto types = {c.element, reference::getAccumulatorType(c.element)};
  for (auto [sizes, type] : zip(getResultShapes(c), types)) {
    size_t bytes =
        Placement(sizes, shape.layout).size * run::getElementSize(type);
    void *buffer = memory.allocate(bytes); // full of NaN
    if (Error error = memory.takeError())
      return error;
    launched.buffers.push_back(buffer);
    launched.results.emplace_back(bytes);
    addTensor(buffer, sizes, type);
  }
  SimplexirLaunchOptions options = {};
  options.structSize = sizeof(options);
  options.deviceType = settings.gpu ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
  options.deviceId = settings.gpu ? settings.device : 0;
  options.stream = memory.getStream();
  if (simplexirKernelLaunch(shape.kernel, arguments.data(), arguments.size(),
                            &options))
    return run::getRuntimeError();
  return Error::success();
}

Error Lane::finish(MutableArrayRef<Launched> all) {
  for (Launched &launched : all)
    for (auto [result, buffer] : zip(launched.results, launched.buffers))
      if (Error error = memory.copyOut(result, buffer))
        return error;
  if (Error error = memory.synchronize())
    return error;
  for (Launched &launched : all)
    for (void *buffer : launched.buffers)
      memory.release(buffer);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The soak
//===----------------------------------------------------------------------===//

static Error compile(const Case &c, const Settings &settings,
                     const mlir::DialectRegistry &registry,
                     Artifact &artifact) {
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        raw_string_ostream(diagnostics) << diagnostic << "\n";
      });
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(c.getModule(), &context);
  CompileOptions options;
  options.chips = {settings.chip};
  options.ptxas = settings.ptxas;
  options.portablePtx = false;
  if (!module || failed(outlineFunctions(*module, options)))
    return createStringError("cannot compile " + c.describe() + ": " +
                             diagnostics);
  auto result = compileKernels(*module, options);
  if (failed(result))
    return createStringError("cannot compile " + c.describe() + ": " +
                             diagnostics);
  if (simplexirArtifactLoadMemory(result->artifact.data(),
                                  result->artifact.size(), &artifact.handle))
    return run::getRuntimeError();
  artifact.kernel = simplexirArtifactKernelAt(artifact.handle, 0);
  return Error::success();
}

/// On all processors; ptxas takes seconds for a module.
static Error compileAll(ArrayRef<std::pair<const Case *, Artifact *>> modules,
                        const Settings &settings,
                        const mlir::DialectRegistry &registry) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::string message;
  auto work = [&] {
    for (size_t i = next++; i < modules.size(); i = next++) {
      auto [c, artifact] = modules[i];
      if (Error error = compile(*c, settings, registry, *artifact)) {
        std::lock_guard<std::mutex> lock(mutex);
        message = toString(std::move(error));
        next = modules.size();
      }
    }
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  return message.empty() ? Error::success() : createStringError(message);
}

static std::string describe(const Shape &shape) {
  const Layout &layout = shape.layout;
  std::string text = shape.c->describe();
  if (!layout.isPacked())
    raw_string_ostream(text)
        << ", offset " << layout.offset << ", gaps " << layout.rowGap << " and "
        << layout.positionGap << (layout.backwards ? ", backwards" : "");
  return text;
}

/// Shapes are arguments, and every result is specified.
static bool isFit(const Case &c, const Settings &settings) {
  bool constant = c.constantIndices && (c.hasPositions || c.hasRange);
  return !c.isStatic && !constant && c.contents != Contents::OneNaN &&
         !(settings.gpu && c.element == ElementType::F64);
}

/// Checks the first launch of every shape, and keeps its bits.
static Error runFirst(const Settings &settings, std::vector<Shape> &shapes) {
  Lane lane(settings, shapes);
  if (Error error = lane.open())
    return error;
  for (auto [i, shape] : enumerate(shapes)) {
    Lane::Launched launched;
    if (Error error = lane.launch(i, launched))
      return error;
    if (Error error = lane.finish(launched))
      return error;
    shape.expected = std::move(launched.results);
    std::vector<run::Value> results;
    for (auto [parameter, sizes, bytes] :
         zip(shape.c->getResults(), getResultShapes(*shape.c),
             shape.expected)) {
      run::Value value;
      value.parameter = parameter;
      value.shape = sizes;
      if (!gather(bytes, Placement(sizes, shape.layout), value))
        return createStringError("a launch wrote beside its result: " +
                                 describe(shape));
      results.push_back(std::move(value));
    }
    Verdict verdict = checkResults(*shape.c, shape.inputs, results, false);
    if (verdict.outcome != Outcome::Pass)
      return createStringError("the first launch is wrong: " + describe(shape) +
                               "\n  " + verdict.message);
    // The first bits are changed, so that every later launch differs.
    if (settings.injectFault)
      for (std::vector<uint8_t> &bytes : shape.expected)
        for (uint8_t &byte : bytes)
          byte ^= 1;
  }
  return Error::success();
}

int sweep::soak(const Settings &settings, const SoakOptions &options,
                const mlir::DialectRegistry &registry) {
  auto fail = [](Error error) {
    errs() << "error: " << toString(std::move(error)) << "\n";
    return 1;
  };
  std::vector<Case> cases =
      generateCases(options.seed, options.cases, settings.pairs);
  std::map<std::string, Artifact> artifacts;
  std::vector<std::pair<const Case *, Artifact *>> modules;
  std::vector<std::pair<const Case *, Artifact *>> fit;
  for (const Case &c : cases) {
    if (!isFit(c, settings))
      continue;
    auto [found, isNew] = artifacts.try_emplace(c.getModule());
    fit.emplace_back(&c, &found->second);
    if (isNew)
      modules.emplace_back(&c, &found->second);
  }
  if (Error error = compileAll(modules, settings, registry))
    return fail(std::move(error));
  std::vector<Shape> shapes;
  for (auto [i, entry] : enumerate(fit)) {
    auto [c, artifact] = entry;
    // Packed, and in another layout.
    std::vector<run::Value> inputs = c->getInputs();
    shapes.push_back({c, artifact->kernel, inputs, Layout(), {}});
    shapes.push_back({c,
                      artifact->kernel,
                      std::move(inputs),
                      chooseLayout(1 + i % (kNumLayouts - 1)),
                      {}});
  }
  if (shapes.empty())
    return fail(createStringError("none of the cases has dynamic shapes; deal "
                                  "more with --cases"));
  if (Error error = runFirst(settings, shapes))
    return fail(std::move(error));

  auto start = std::chrono::steady_clock::now();
  std::atomic<size_t> begun{0}, done{0}, different{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  auto work = [&](int number) {
    Lane lane(settings, shapes);
    Random random(options.seed * 1000 + number);
    Error error = lane.open();
    while (!error && !stop) {
      // Several launches are in flight on a stream.
      size_t want = random.between(1, 16);
      size_t first = begun.fetch_add(want);
      if (first >= options.launches)
        break;
      std::vector<Lane::Launched> batch(
          std::min(want, options.launches - first));
      for (Lane::Launched &launched : batch)
        if ((error = lane.launch(random.below(shapes.size()), launched)))
          break;
      if (error || (error = lane.finish(batch)))
        break;
      done += batch.size();
      for (const Lane::Launched &launched : batch) {
        const Shape &shape = shapes[launched.shape];
        if (launched.results == shape.expected)
          continue;
        std::lock_guard<std::mutex> lock(mutex);
        if (different++ < 10)
          outs() << "DIFFERENT on stream " << number << ": " << describe(shape)
                 << "\n";
      }
    }
    if (error) {
      std::lock_guard<std::mutex> lock(mutex);
      errs() << "error: " << toString(std::move(error)) << "\n";
      stop = true;
    }
  };
  std::vector<std::thread> pool;
  for (int i = 0; i < options.streams; ++i)
    pool.emplace_back(work, i);
  for (std::thread &thread : pool)
    thread.join();
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  outs() << format("soak: %zu launches of %zu shapes of %zu kernels on %d "
                   "streams in %.1f s, %zu with other bits than the first\n",
                   done.load(), shapes.size(), artifacts.size(),
                   options.streams, seconds.count(), different.load());
  return stop || different || done < options.launches ? 1 : 0;
}
