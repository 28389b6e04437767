//===- Execution.cpp - Compile and call one function ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"

#include "simplexir-runtime-gpu-tools.h"
#include "simplexir/Codegen/Chips.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/ScopeExit.h"
#include <algorithm>
#include <chrono>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::run;

/// Diagnostics have said what is wrong.
static Error alreadyReported() { return createStringError(""); }

Expected<std::string> simplexir::run::findChip(bool gpu, int device) {
  if (!gpu)
    return std::string("native");
  SimplexirGpuInfo info = {};
  info.structSize = sizeof(info);
  if (simplexirGpuGetInfo(device, &info))
    return getRuntimeError();
  int capability = info.major * 10 + info.minor;
  // The chip itself, or the last of its family that is known.
  const GpuChip *best = nullptr;
  for (const GpuChip &chip : getGpuChips())
    if (chip.capability == capability ||
        (!chip.isExact() && chip.capability / 10 == info.major &&
         chip.capability <= capability))
      best = &chip;
  if (!best)
    return createStringError("GPU %d (%s) has compute capability %d.%d, which "
                             "is not supported; known chips: %s",
                             device, info.name, info.major, info.minor,
                             listKnownChips().c_str());
  return std::string(best->name);
}

Error Execution::compile(mlir::ModuleOp module, StringRef entry, StringRef chip,
                         StringRef ptxas) {
  if (failed(outlineModule(module)))
    return alreadyReported();
  CompileOptions options;
  options.chips = {chip.str()};
  options.ptxas = ptxas.str();
  options.portablePtx = false;
  auto result = compileKernels(module, options);
  if (failed(result))
    return alreadyReported();
  compiled = std::move(*result);
  HostOptions host;
  host.hooks = true;
  host.ptxas = ptxas.str();
  GpuChip gpu = {};
  if (memory.isGpu()) {
    Expected<GpuChip> found = lookupGpuChip(chip);
    if (!found)
      return found.takeError();
    gpu = *found;
    host.gpu = &gpu;
  }
  if (failed(lowerHost(module, compiled.artifact, host)))
    return alreadyReported();
  auto symbols = Memory::getSymbols();
  auto created = HostProgram::create(module, entry, symbols);
  if (!created)
    return created.takeError();
  program = std::move(*created);
  return Error::success();
}

void Execution::release() {
  releaseResults();
  for (auto [input, index] : zip(inputs, isIndex))
    if (!index)
      memory.release(reinterpret_cast<void *>(input.words[0]));
  inputs.clear();
  isIndex.clear();
}

Error Execution::setInputs(ArrayRef<Value> values) {
  release();
  for (const Value &value : values) {
    Descriptor descriptor;
    isIndex.push_back(value.parameter.isIndex);
    if (value.parameter.isIndex) {
      descriptor.words = {value.index};
      inputs.push_back(std::move(descriptor));
      continue;
    }
    void *pointer = memory.allocate(value.bytes.size());
    if (Error error = memory.takeError())
      return error;
    if (Error error = memory.copyIn(pointer, value.bytes))
      return error;
    auto address = reinterpret_cast<int64_t>(pointer);
    descriptor.words = {address, address, 0};
    append_range(descriptor.words, value.shape);
    std::vector<int64_t> strides(value.shape.size(), 1);
    for (size_t i = strides.size(); i-- > 1;)
      strides[i - 1] = strides[i] * value.shape[i];
    append_range(descriptor.words, strides);
    inputs.push_back(std::move(descriptor));
  }
  return memory.synchronize();
}

void Execution::releaseResults() {
  size_t at = 0;
  for (const Parameter &result : results) {
    if (at < resultWords.size())
      memory.release(reinterpret_cast<void *>(resultWords[at]));
    at += 3 + 2 * result.shape.size();
  }
  resultWords.clear();
}

Error Execution::call() {
  releaseResults();
  memory.activate();
  size_t numWords = 0;
  for (const Parameter &result : results)
    numWords += 3 + 2 * result.shape.size();
  resultWords.assign(numWords, 0);

  HostContext context;
  context.target = memory.isGpu() ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
  context.stream = memory.getStream();
  // The slots hold what the C interface takes; it takes pointers to them.
  std::vector<void *> slots;
  if (!results.empty())
    slots.push_back(resultWords.data());
  for (Descriptor &input : inputs)
    slots.push_back(input.words.data());
  slots.push_back(&context);
  std::vector<void *> arguments;
  for (auto [i, slot] : enumerate(slots)) {
    size_t input = i - (results.empty() ? 0 : 1);
    bool index = input < isIndex.size() && isIndex[input];
    arguments.push_back(index ? slot : static_cast<void *>(&slots[i]));
  }
  if (arguments.size() != program->getNumArguments())
    return createStringError("the compiled function takes %u arguments, "
                             "expected %zu",
                             program->getNumArguments(), arguments.size());
  program->invoke(arguments);
  if (Error error = memory.takeError())
    return error;
  if (context.status != SIMPLEXIR_OK)
    return getRuntimeError();
  return Error::success();
}

Expected<std::vector<run::Value>> Execution::getResults() {
  if (Error error = memory.synchronize())
    return error;
  std::vector<Value> values;
  const int64_t *words = resultWords.data();
  for (const Parameter &result : results) {
    size_t rank = result.shape.size();
    Value value;
    value.parameter = result;
    value.shape.assign(words + 3, words + 3 + rank);
    int64_t count = 1, span = 0;
    for (size_t i = 0; i < rank; ++i)
      count *= words[3 + i];
    // Gathered on the host: a result may be a strided view.
    size_t size = getElementSize(result.element);
    const int64_t *sizes = words + 3, *strides = sizes + rank;
    for (size_t i = 0; i < rank && count; ++i)
      span += (sizes[i] - 1) * strides[i];
    std::vector<uint8_t> raw(count ? (span + 1) * size : 0);
    const char *start = reinterpret_cast<const char *>(words[1]) +
                        words[2] * static_cast<int64_t>(size);
    if (Error error = memory.copyOut(raw, start))
      return error;
    if (Error error = memory.synchronize())
      return error;
    value.bytes.resize(count * size);
    std::vector<int64_t> at(rank);
    for (int64_t i = 0; i < count; ++i) {
      int64_t offset = 0;
      for (size_t d = 0; d < rank; ++d)
        offset += at[d] * strides[d];
      std::copy_n(raw.data() + offset * size, size,
                  value.bytes.data() + i * size);
      for (size_t d = rank; d-- > 0;) {
        if (++at[d] < sizes[d])
          break;
        at[d] = 0;
      }
    }
    values.push_back(std::move(value));
    words += 3 + 2 * rank;
  }
  return values;
}

Expected<double> Execution::time() {
  if (!memory.isGpu()) {
    auto start = std::chrono::steady_clock::now();
    if (Error error = call())
      return error;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  }
  int device = memory.getDevice();
  void *start = nullptr, *end = nullptr;
  scope_exit destroy([&] {
    for (void *event : {start, end})
      if (event)
        (void)simplexirGpuEventDestroy(device, event);
  });
  if (simplexirGpuEventCreate(device, &start) ||
      simplexirGpuEventCreate(device, &end) ||
      simplexirGpuEventRecord(device, start, memory.getStream()))
    return getRuntimeError();
  if (Error error = call())
    return error;
  float milliseconds = 0;
  if (simplexirGpuEventRecord(device, end, memory.getStream()) ||
      simplexirGpuEventMilliseconds(device, start, end, &milliseconds))
    return getRuntimeError();
  return milliseconds * 1e-3;
}
