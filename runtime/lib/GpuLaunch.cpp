//===- GpuLaunch.cpp - Modules, limits and launches on a GPU --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Artifact.h"
#include "Select.h"
#include "TensorMaps.h"

#include <algorithm>

using namespace simplexir;

static Status loadModule(SimplexirArtifact &artifact, const ContextScope &scope,
                         uint32_t index, CUmodule &module) {
  for (const GpuModule &loaded : artifact.modules)
    if (loaded.contextKey == scope.key && loaded.image == index) {
      module = loaded.module;
      return {};
    }
  const Image &image = artifact.contents.images[index];
  char log[4096] = "";
  int options[2] = {CU_JIT_ERROR_LOG_BUFFER,
                    CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the driver's convention.
  void *values[2] = {log, reinterpret_cast<void *>(sizeof(log) - 1)};
  CUresult result = scope.driver->ModuleLoadDataEx(&module, image.data.c_str(),
                                                   2, options, values);
  if (result != CUDA_SUCCESS) {
    Status status = scope.driver->error(result, std::string("loading the ") +
                                                    nameOf(image.kind) +
                                                    " for " + image.chip);
    if (log[0])
      status.message += std::string("; the driver says: ") + log;
    return status;
  }
  artifact.modules.push_back({scope.key, scope.context, index, module});
  return {};
}

/// Checks the block and the shared memory against the device, so that a
/// launch cannot fail with a mere "invalid value".
static Status checkLimits(const Kernel &kernel, const KernelImage &use,
                          const ContextScope &scope, const DeviceFacts &facts,
                          CUfunction function) {
  const CudaDriver &driver = *scope.driver;
  int threads = 0, shared = 0;
  CUresult result = driver.FuncGetAttribute(
      &threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function);
  if (result == CUDA_SUCCESS)
    result = driver.FuncGetAttribute(
        &shared, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function);
  if (result != CUDA_SUCCESS)
    return driver.error(result, "cuFuncGetAttribute");
  if (use.blockSize > static_cast<unsigned>(threads))
    return {SIMPLEXIR_ERROR_RESOURCES,
            format("kernel '%s' needs blocks of %u threads; its registers "
                   "limit them to %d on GPU %d (sm_%u)",
                   kernel.name.c_str(), use.blockSize, threads, scope.device,
                   facts.capability)};
  int64_t need = int64_t(use.sharedMemory) + shared;
  if (need > facts.sharedMemoryLimit)
    return {SIMPLEXIR_ERROR_RESOURCES,
            format("kernel '%s' needs %lld bytes of shared memory a block (%u "
                   "dynamic, %d static); the limit of GPU %d (sm_%u) is %d: "
                   "compile for this chip or with smaller tiles",
                   kernel.name.c_str(), ll(need), use.sharedMemory, shared,
                   scope.device, facts.capability, facts.sharedMemoryLimit)};
  if (use.sharedMemory == 0)
    return {};
  result = driver.FuncSetAttribute(
      function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
      static_cast<int>(use.sharedMemory));
  return result == CUDA_SUCCESS ? Status()
                                : driver.error(result, "cuFuncSetAttribute");
}

Status simplexir::prepareGpu(SimplexirKernel &kernel, const ContextScope &scope,
                             const GpuCode *&found) {
  found = kernel.lastGpu.load(std::memory_order_acquire);
  if (found && found->contextKey == scope.key)
    return {};
  SimplexirArtifact &artifact = *kernel.artifact;
  std::lock_guard<std::mutex> lock(artifact.mutex);
  for (const GpuCode &loaded : kernel.gpu)
    if (loaded.contextKey == scope.key) {
      found = &loaded;
      kernel.lastGpu.store(found, std::memory_order_release);
      return {};
    }

  DeviceFacts facts;
  if (Status status = deviceFacts(*scope.driver, scope.device, facts);
      !status.ok())
    return status;
  GpuCode code = {scope.key, nullptr, nullptr, INT32_MAX};
  Status status =
      selectGpuImage(artifact.contents, *kernel.signature, facts.capability,
                     static_cast<unsigned>(scope.driver->version), code.use);
  if (!status.ok())
    return status;
  CUmodule module = nullptr;
  status = loadModule(artifact, scope, code.use->image, module);
  if (!status.ok())
    return status;
  CUresult result = scope.driver->ModuleGetFunction(&code.function, module,
                                                    code.use->symbol.c_str());
  if (result != CUDA_SUCCESS)
    return scope.driver->error(
        result, "looking up '" + code.use->symbol + "' in the image for " +
                    artifact.contents.images[code.use->image].chip);
  status =
      checkLimits(*kernel.signature, *code.use, scope, facts, code.function);
  if (!status.ok())
    return status;
  if (code.use->residentBlocks != 0)
    code.maxBlocks = int64_t(code.use->residentBlocks) * facts.multiprocessors;
  kernel.gpu.push_back(code);
  found = &kernel.gpu.back();
  kernel.lastGpu.store(found, std::memory_order_release);
  return {};
}

/// Finds host pointers before the kernel does: its fault would take the whole
/// context down, far from the call that caused it.
static Status checkPointers(const Kernel &kernel, const ContextScope &scope,
                            const SimplexirArgument *arguments,
                            const BoundArguments &bound) {
  size_t word = 0;
  auto *bytes = reinterpret_cast<const char *>(arguments);
  for (const Argument &expected : kernel.arguments) {
    auto *argument = reinterpret_cast<const SimplexirArgument *>(bytes);
    bytes += arguments->structSize;
    if (expected.kind == Argument::Kind::Index) {
      ++word;
      continue;
    }
    auto address = static_cast<CUdeviceptr>(bound.words[word]);
    size_t rank = expected.dims.size();
    word += 3 + 2 * rank;
    bool empty = false;
    for (size_t i = 0; i < rank; ++i)
      empty |= argument->tensor.shape[i] == 0;
    unsigned type;
    if (empty || scope.driver->PointerGetAttribute(
                     &type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address) !=
                     CUDA_ERROR_INVALID_VALUE)
      continue;
    DeviceFacts facts;
    Status status = deviceFacts(*scope.driver, scope.device, facts);
    if (!status.ok())
      return status;
    if (!facts.readsPageableMemory)
      return {SIMPLEXIR_ERROR_SIGNATURE,
              format("kernel '%s', argument '%s': %#llx is no address that GPU "
                     "%d can use, expected device memory",
                     kernel.name.c_str(), expected.name.c_str(), address,
                     scope.device)};
  }
  return {};
}

Status simplexir::launchGpu(SimplexirKernel &kernel,
                            const SimplexirArgument *arguments,
                            size_t numArguments,
                            const SimplexirLaunchOptions &options) {
  const Kernel &signature = *kernel.signature;
  ContextScope scope;
  if (Status status = scope.enter(options.deviceId, options.stream);
      !status.ok())
    return status;
  BoundArguments bound;
  Status status = bindArguments(signature, arguments, numArguments,
                                {SIMPLEXIR_CUDA, scope.device}, bound);
  if (!status.ok())
    return status;
  const GpuCode *code = nullptr;
  if (status = prepareGpu(kernel, scope, code); !status.ok())
    return status;
  if (!(options.flags & SIMPLEXIR_LAUNCH_TRUSTS_ADDRESSES))
    if (status = checkPointers(signature, scope, arguments, bound);
        !status.ok())
      return status;

  int64_t total = 0;
  if (status = countWorkItems(signature, *code->use, bound.dims, total);
      !status.ok())
    return status;
  if (total == 0)
    return {};
  if (total > INT32_MAX)
    return {
        SIMPLEXIR_ERROR_RESOURCES,
        format("kernel '%s' has %lld work items; the limit of a launch on a "
               "GPU is 2^31 - 1",
               signature.name.c_str(), ll(total))};
  // Every parameter has 64 bits, so the words are the kernel's parameter buffer
  // as they stand; the driver need not gather them. But where tensor maps are:
  // ptxas aligns those to the constant bank that the parameters lie in, which
  // begins at no multiple of 64 bytes.
  const std::vector<TensorMap> &maps = code->use->maps;
  void *parameters[maxWords + 1 + maxTensorMaps];
  if (!maps.empty())
    appendTensorMaps(*scope.driver, signature, maps, bound, parameters);
  size_t size = bound.numWords * sizeof(bound.words[0]);
  // NOLINTBEGIN(performance-no-int-to-ptr): the driver's convention.
  void *buffer[] = {reinterpret_cast<void *>(CU_LAUNCH_PARAM_BUFFER_POINTER),
                    bound.words,
                    reinterpret_cast<void *>(CU_LAUNCH_PARAM_BUFFER_SIZE),
                    &size, reinterpret_cast<void *>(CU_LAUNCH_PARAM_END)};
  // NOLINTEND(performance-no-int-to-ptr)
  CUresult result = scope.driver->LaunchKernel(
      code->function, static_cast<unsigned>(std::min(total, code->maxBlocks)),
      1, 1, code->use->blockSize, 1, 1, code->use->sharedMemory,
      static_cast<CUstream>(options.stream),
      maps.empty() ? nullptr : parameters, maps.empty() ? buffer : nullptr);
  if (result != CUDA_SUCCESS)
    return scope.driver->error(result, "launching '" + signature.name + "'");
  return {};
}

void simplexir::unloadGpu(SimplexirArtifact &artifact) {
  if (artifact.modules.empty() || !checkNotForked().ok())
    return;
  const CudaDriver *driver = nullptr;
  if (!CudaDriver::get(driver).ok())
    return;
  for (const GpuModule &loaded : artifact.modules)
    unloadModule(*driver, loaded.context, loaded.contextKey, loaded.module);
}
