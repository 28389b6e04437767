//===- CudaDriver.cpp - The CUDA driver, opened at run time ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDriver.h"

#include <atomic>
#include <dlfcn.h>
#include <mutex>
#include <vector>

using namespace simplexir;

static Status noDriver(const std::string &why) {
  return {SIMPLEXIR_ERROR_NO_DEVICE, "no usable NVIDIA driver: " + why};
}

static Status open(CudaDriver &driver) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    return noDriver(why ? why : "libcuda.so.1 cannot be opened");
  }
  driver.library = library;
  // The library stays open: at exit other threads may still be in it.
// NOLINTBEGIN(bugprone-macro-parentheses): names and types, no expressions.
#define SIMPLEXIR_CUDA_LOAD(name, symbol, parameters)                          \
  driver.name =                                                                \
      reinterpret_cast<CUresult(*) parameters>(dlsym(library, symbol));        \
  if (!driver.name)                                                            \
    return noDriver("libcuda.so.1 has no " symbol);
  SIMPLEXIR_CUDA_FUNCTIONS(SIMPLEXIR_CUDA_LOAD)
#undef SIMPLEXIR_CUDA_LOAD
  // NOLINTEND(bugprone-macro-parentheses)
  driver.CtxGetId =
      reinterpret_cast<decltype(driver.CtxGetId)>(dlsym(library, "cuCtxGetId"));
  driver.TensorMapEncodeTiled =
      reinterpret_cast<decltype(driver.TensorMapEncodeTiled)>(
          dlsym(library, "cuTensorMapEncodeTiled"));

  CUresult result = driver.Init(0);
  if (result == CUDA_ERROR_NO_DEVICE)
    return {SIMPLEXIR_ERROR_NO_DEVICE, "there is no NVIDIA GPU"};
  if (result != CUDA_SUCCESS)
    return noDriver(driver.error(result, "cuInit").message);
  if (driver.DriverGetVersion(&driver.version) != CUDA_SUCCESS)
    return noDriver("cuDriverGetVersion failed");
  return {};
}

Status CudaDriver::get(const CudaDriver *&driver) {
  static std::mutex mutex;
  static std::atomic<CudaDriver *> loaded; // never freed, see open()
  driver = loaded.load(std::memory_order_acquire);
  if (driver)
    return {};
  std::lock_guard<std::mutex> lock(mutex);
  if (!loaded) {
    noteRuntimeUsed();
    CudaDriver fresh;
    if (Status status = open(fresh); !status.ok())
      return status;
    loaded = new CudaDriver(fresh);
  }
  driver = loaded;
  return {};
}

Status CudaDriver::error(CUresult result, const std::string &call) const {
  const char *name = nullptr, *text = nullptr;
  if (GetErrorName(result, &name) != CUDA_SUCCESS || !name)
    name = "unknown error";
  if (GetErrorString(result, &text) != CUDA_SUCCESS || !text)
    text = "no explanation";
  std::string message =
      call + " failed with " + format("%s (%d): %s", name, result, text);
  if (result == CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
    message += "; call simplexirKernelPrepare() before the capture begins";
  return {result == CUDA_ERROR_OUT_OF_MEMORY ? SIMPLEXIR_ERROR_OUT_OF_MEMORY
                                             : SIMPLEXIR_ERROR_DRIVER,
          std::move(message)};
}

/// The CUdevice of an ordinal, or an error that says how many there are.
static Status deviceOf(const CudaDriver &driver, int32_t ordinal,
                       CUdevice &device) {
  int count = 0;
  if (CUresult result = driver.DeviceGetCount(&count))
    return driver.error(result, "cuDeviceGetCount");
  if (ordinal < 0 || ordinal >= count)
    return {SIMPLEXIR_ERROR_NO_DEVICE,
            format("there is no GPU %d: found %d", ordinal, count)};
  if (CUresult result = driver.DeviceGet(&device, ordinal))
    return driver.error(result, "cuDeviceGet");
  return {};
}

Status CudaDriver::primaryContext(int32_t ordinal, CUcontext &context) const {
  static std::mutex mutex;
  static auto *contexts = new std::vector<CUcontext>;
  std::lock_guard<std::mutex> lock(mutex);
  auto index = static_cast<size_t>(ordinal);
  if (ordinal >= 0 && index < contexts->size() && (*contexts)[index]) {
    context = (*contexts)[index];
    return {};
  }
  CUdevice device;
  if (Status status = deviceOf(*this, ordinal, device); !status.ok())
    return status;
  if (CUresult result = DevicePrimaryCtxRetain(&context, device))
    return error(result, "cuDevicePrimaryCtxRetain");
  if (contexts->size() <= index)
    contexts->resize(index + 1);
  (*contexts)[index] = context;
  return {};
}

Status ContextScope::push(CUcontext target) {
  if (CUresult result = driver->CtxPushCurrent(target))
    return driver->error(result, "cuCtxPushCurrent");
  pushed = true;
  return adopt(target);
}

/// `current` is the current context.
Status ContextScope::adopt(CUcontext current) {
  context = current;
  // The driver never uses an id again, so what is known of one stays true.
  static thread_local struct {
    unsigned long long id = 0;
    int32_t device = -1;
  } last;
  bool hasId =
      driver->CtxGetId && driver->CtxGetId(context, &key) == CUDA_SUCCESS;
  if (hasId && last.device >= 0 && last.id == key) {
    device = last.device;
    return {};
  }
  if (!hasId)
    key = reinterpret_cast<uintptr_t>(context);
  CUdevice of;
  if (CUresult result = driver->CtxGetDevice(&of))
    return driver->error(result, "cuCtxGetDevice");
  device = of;
  if (hasId)
    last = {key, of};
  return {};
}

ContextScope::~ContextScope() {
  CUcontext popped;
  if (pushed)
    (void)driver->CtxPopCurrent(&popped);
}

Status ContextScope::enterPrimary(int32_t ordinal) {
  if (Status status = checkNotForked(); !status.ok())
    return status;
  if (Status status = CudaDriver::get(driver); !status.ok())
    return status;
  CUcontext primary = nullptr;
  if (Status status = driver->primaryContext(ordinal, primary); !status.ok())
    return status;
  return push(primary);
}

Status ContextScope::enter(int32_t ordinal, void *stream) {
  if (Status status = CudaDriver::get(driver); !status.ok())
    return status;
  // 1 and 2 are the handles of the legacy and the per-thread default stream,
  // which exist in every context.
  if (reinterpret_cast<uintptr_t>(stream) > 2) {
    CUcontext owner;
    CUresult result =
        driver->StreamGetCtx(static_cast<CUstream>(stream), &owner);
    if (result != CUDA_SUCCESS)
      return driver->error(result, "cuStreamGetCtx");
    CUcontext current = nullptr;
    if (CUresult result = driver->CtxGetCurrent(&current))
      return driver->error(result, "cuCtxGetCurrent");
    if (Status status = current == owner ? adopt(owner) : push(owner);
        !status.ok())
      return status;
    if (ordinal >= 0 && device != ordinal)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              format("the stream belongs to GPU %d, but deviceId is %d", device,
                     ordinal)};
    return {};
  }
  CUcontext current = nullptr;
  if (CUresult result = driver->CtxGetCurrent(&current))
    return driver->error(result, "cuCtxGetCurrent");
  if (current) {
    if (Status status = adopt(current); !status.ok())
      return status;
    if (ordinal < 0 || device == ordinal)
      return {};
  }
  CUcontext primary = nullptr;
  Status status = driver->primaryContext(ordinal < 0 ? 0 : ordinal, primary);
  return status.ok() ? push(primary) : std::move(status);
}

void simplexir::unloadModule(const CudaDriver &driver, CUcontext context,
                             unsigned long long key, CUmodule module) {
  unsigned long long id;
  if (driver.CtxGetId &&
      (driver.CtxGetId(context, &id) != CUDA_SUCCESS || id != key))
    return;
  if (driver.CtxPushCurrent(context) != CUDA_SUCCESS)
    return;
  (void)driver.ModuleUnload(module);
  CUcontext popped;
  (void)driver.CtxPopCurrent(&popped);
}

Status simplexir::deviceFacts(const CudaDriver &driver, int32_t ordinal,
                              DeviceFacts &facts) {
  static std::mutex mutex;
  static auto *known = new std::vector<DeviceFacts>;
  std::lock_guard<std::mutex> lock(mutex);
  auto index = static_cast<size_t>(ordinal);
  if (ordinal >= 0 && index < known->size() && (*known)[index].known) {
    facts = (*known)[index];
    return {};
  }
  CUdevice device;
  if (Status status = deviceOf(driver, ordinal, device); !status.ok())
    return status;
  int major = 0, minor = 0, pageable = 0, shared = 0, multiprocessors = 0;
  const struct {
    int *value;
    int attribute;
  } queries[] = {
      {&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR},
      {&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR},
      {&shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN},
      {&pageable, CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS},
      {&multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT},
  };
  for (const auto &query : queries)
    if (CUresult result =
            driver.DeviceGetAttribute(query.value, query.attribute, device))
      return driver.error(result, "cuDeviceGetAttribute");
  facts.known = true;
  facts.capability = static_cast<unsigned>(major * 10 + minor);
  facts.sharedMemoryLimit = shared;
  facts.multiprocessors = multiprocessors;
  facts.readsPageableMemory = pageable != 0;
  if (known->size() <= index)
    known->resize(index + 1);
  (*known)[index] = facts;
  return {};
}
