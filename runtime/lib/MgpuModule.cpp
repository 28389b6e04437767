//===- MgpuModule.cpp - Modules and launches of mgpu ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MgpuSupport.h"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

using namespace simplexir;

namespace {
struct MgpuModule;

/// A kernel by name; the driver's handle differs from context to context.
struct MgpuFunction {
  struct Loaded {
    unsigned long long contextKey;
    CUfunction function;
    int sharedMemory; // the dynamic shared memory that it may have
  };
  MgpuModule &module;
  std::string name;
  std::vector<Loaded> loaded;
};

/// An image, and where it has been loaded: programs register their modules
/// before they know which GPU they use, if any.
struct MgpuModule {
  struct Loaded {
    unsigned long long contextKey;
    CUcontext context;
    CUmodule module;
  };
  const void *image;
  int optLevel; // -1: the driver's default
  std::mutex mutex;
  std::vector<Loaded> loaded;
  std::map<std::string, std::unique_ptr<MgpuFunction>, std::less<>> functions;

  Status load(const MgpuCall &call, CUmodule &module);
};
} // namespace

Status MgpuModule::load(const MgpuCall &call, CUmodule &result) {
  unsigned long long key = call.scope.key;
  for (const Loaded &known : loaded)
    if (known.contextKey == key) {
      result = known.module;
      return {};
    }
  char log[4096] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
                   CU_JIT_OPTIMIZATION_LEVEL};
  // NOLINTBEGIN(performance-no-int-to-ptr): the driver's convention.
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log) - 1),
                    reinterpret_cast<void *>(static_cast<intptr_t>(optLevel))};
  // NOLINTEND(performance-no-int-to-ptr)
  Status status =
      call.check(call.cuda().ModuleLoadDataEx(
                     &result, image, optLevel < 0 ? 2 : 3, options, values),
                 "loading the module");
  if (!status.ok()) {
    if (log[0])
      status.message += std::string("; the driver says: ") + log;
    return status;
  }
  loaded.push_back({key, call.scope.context, result});
  return {};
}

/// The kernel in the current context, allowed its dynamic shared memory.
static Status resolve(const MgpuCall &call, void *handle, int32_t sharedMemory,
                      CUfunction &result) {
  if (!handle)
    return call.null("the kernel");
  auto &function = *static_cast<MgpuFunction *>(handle);
  std::lock_guard<std::mutex> lock(function.module.mutex);
  unsigned long long key = call.scope.key;
  MgpuFunction::Loaded *known = nullptr;
  for (MgpuFunction::Loaded &entry : function.loaded)
    if (entry.contextKey == key)
      known = &entry;
  if (!known) {
    CUmodule module = nullptr;
    if (Status status = function.module.load(call, module); !status.ok())
      return status;
    CUfunction found = nullptr;
    Status status = call.check(
        call.cuda().ModuleGetFunction(&found, module, function.name.c_str()),
        ("looking up '" + function.name + "'").c_str());
    if (!status.ok())
      return status;
    function.loaded.push_back({key, found, 0});
    known = &function.loaded.back();
  }
  result = known->function;
  if (sharedMemory <= known->sharedMemory)
    return {};
  DeviceFacts facts;
  if (Status status = deviceFacts(call.cuda(), call.scope.device, facts);
      !status.ok())
    return status;
  if (sharedMemory > facts.sharedMemoryLimit)
    return {SIMPLEXIR_ERROR_RESOURCES,
            format("%s: kernel '%s' asks for %d bytes of shared memory a "
                   "block; the limit of GPU %d (sm_%u) is %d",
                   call.name, function.name.c_str(), sharedMemory,
                   call.scope.device, facts.capability,
                   facts.sharedMemoryLimit)};
  Status status =
      call.check(call.cuda().FuncSetAttribute(
                     result, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                     sharedMemory),
                 "cuFuncSetAttribute");
  if (status.ok())
    known->sharedMemory = sharedMemory;
  return status;
}

/// Extents are signed words in the IR; the driver takes 32 bits.
static Status checkExtents(const MgpuCall &call, const intptr_t (&grid)[3],
                           const intptr_t (&block)[3], bool &empty) {
  empty = false;
  for (const intptr_t *extents : {grid, block})
    for (int i = 0; i < 3; ++i) {
      if (extents[i] < 0 || extents[i] > INT32_MAX)
        return {SIMPLEXIR_ERROR_RESOURCES,
                format("%s: the %s's %c is %lld, expected 0 to 2^31 - 1",
                       call.name, extents == grid ? "grid" : "block", "xyz"[i],
                       ll(extents[i]))};
      empty |= extents[i] == 0;
    }
  return {};
}

static void *makeModule(const char *name, void *image, int optLevel) noexcept {
  try {
    if (image)
      return new MgpuModule{image, optLevel, {}, {}, {}};
    tellMgpuError(MgpuCall{name, {}}.null("the image"));
  } catch (const std::exception &e) {
    tellMgpuError(Status(SIMPLEXIR_ERROR_OUT_OF_MEMORY, e.what()));
  }
  return nullptr;
}

void mgpuSetDefaultDevice(int32_t device) { setMgpuDevice(device); }

void *mgpuModuleLoad(void *image, size_t /*size*/) {
  return makeModule("mgpuModuleLoad", image, -1);
}

void *mgpuModuleLoadJIT(void *ptx, int optLevel) {
  // 0 is what MLIR passes where nobody has chosen a level.
  return makeModule("mgpuModuleLoadJIT", ptx, optLevel > 0 ? optLevel : -1);
}

void mgpuModuleUnload(void *handle) {
  // Programs unload while the process ends, when the driver may be gone.
  std::unique_ptr<MgpuModule> module(static_cast<MgpuModule *>(handle));
  const CudaDriver *driver = nullptr;
  if (!module || module->loaded.empty() || !checkNotForked().ok() ||
      !CudaDriver::get(driver).ok())
    return;
  for (const MgpuModule::Loaded &entry : module->loaded)
    unloadModule(*driver, entry.context, entry.contextKey, entry.module);
}

void *mgpuModuleGetFunction(void *handle, const char *name) {
  MgpuCall call{"mgpuModuleGetFunction", {}};
  try {
    if (!handle || !name) {
      tellMgpuError(call.null(handle ? "the name" : "the module"));
      return nullptr;
    }
    auto &module = *static_cast<MgpuModule *>(handle);
    std::lock_guard<std::mutex> lock(module.mutex);
    auto found = module.functions.find(name);
    if (found == module.functions.end())
      found = module.functions.emplace(name, new MgpuFunction{module, name, {}})
                  .first;
    return found->second.get();
  } catch (const std::exception &e) {
    tellMgpuError(Status(SIMPLEXIR_ERROR_OUT_OF_MEMORY, e.what()));
  }
  return nullptr;
}

void mgpuLaunchKernel(void *function, intptr_t gridX, intptr_t gridY,
                      intptr_t gridZ, intptr_t blockX, intptr_t blockY,
                      intptr_t blockZ, int32_t sharedMemory, void *stream,
                      void **parameters, void **extra,
                      size_t /*numParameters*/) {
  runMgpu("mgpuLaunchKernel", stream, [&](const MgpuCall &call) -> Status {
    const intptr_t grid[] = {gridX, gridY, gridZ};
    const intptr_t block[] = {blockX, blockY, blockZ};
    CUfunction kernel = nullptr;
    bool empty;
    Status status = checkExtents(call, grid, block, empty);
    if (status.ok())
      status = resolve(call, function, sharedMemory, kernel);
    if (!status.ok() || empty)
      return status;
    auto extent = [](intptr_t value) { return static_cast<unsigned>(value); };
    return call.check(
        call.cuda().LaunchKernel(
            kernel, extent(gridX), extent(gridY), extent(gridZ), extent(blockX),
            extent(blockY), extent(blockZ), static_cast<unsigned>(sharedMemory),
            static_cast<CUstream>(stream), parameters, extra),
        ("launching '" + static_cast<MgpuFunction *>(function)->name + "'")
            .c_str());
  });
}

void mgpuLaunchClusterKernel(void *function, intptr_t clusterX,
                             intptr_t clusterY, intptr_t clusterZ,
                             intptr_t gridX, intptr_t gridY, intptr_t gridZ,
                             intptr_t blockX, intptr_t blockY, intptr_t blockZ,
                             int32_t sharedMemory, void *stream,
                             void **parameters, void **extra,
                             size_t /*numParameters*/) {
  runMgpu("mgpuLaunchClusterKernel", stream,
          [&](const MgpuCall &call) -> Status {
            const intptr_t grid[] = {gridX, gridY, gridZ};
            const intptr_t block[] = {blockX, blockY, blockZ};
            CUfunction kernel = nullptr;
            bool empty;
            Status status = checkExtents(call, grid, block, empty);
            if (status.ok())
              status = resolve(call, function, sharedMemory, kernel);
            if (!status.ok() || empty)
              return status;
            CUlaunchAttribute cluster = {};
            cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
            const intptr_t sizes[] = {clusterX, clusterY, clusterZ};
            CUlaunchConfig config = {};
            for (int i = 0; i < 3; ++i) {
              cluster.value.clusterDim[i] = static_cast<unsigned>(sizes[i]);
              config.gridDim[i] = static_cast<unsigned>(grid[i]);
              config.blockDim[i] = static_cast<unsigned>(block[i]);
            }
            config.sharedMemBytes = static_cast<unsigned>(sharedMemory);
            config.hStream = static_cast<CUstream>(stream);
            config.attrs = &cluster;
            config.numAttrs = 1;
            return call.call("cuLaunchKernelEx", call.more().LaunchKernelEx,
                             &config, kernel, parameters, extra);
          });
}
