//===- GpuTools.cpp - GPU memory and times for tools ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDriver.h"
#include "simplexir-runtime-gpu-tools.h"

#include <cstring>

using namespace simplexir;

/// Runs body(driver) in the device's primary context; a CUresult other than 0
/// becomes the error of `call`.
template <typename Body>
static SimplexirStatus inContext(int32_t device, const char *call,
                                 Body &&body) {
  return guarded([&]() -> Status {
    ContextScope scope;
    if (Status status = scope.enterPrimary(device); !status.ok())
      return status;
    CUresult result = body(*scope.driver);
    return result == CUDA_SUCCESS ? Status()
                                  : scope.driver->error(result, call);
  });
}

static CUdeviceptr toDevice(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

SimplexirStatus simplexirGpuCount(int32_t *count) {
  return guarded([&]() -> Status {
    if (!count)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT, "count is null"};
    *count = 0;
    if (Status status = checkNotForked(); !status.ok())
      return status;
    const CudaDriver *driver = nullptr;
    if (Status status = CudaDriver::get(driver); !status.ok())
      return status;
    CUresult result = driver->DeviceGetCount(count);
    return result == CUDA_SUCCESS ? Status()
                                  : driver->error(result, "cuDeviceGetCount");
  });
}

SimplexirStatus simplexirGpuGetInfo(int32_t device, SimplexirGpuInfo *info) {
  return guarded([&]() -> Status {
    if (!info || info->structSize < sizeof(SimplexirGpuInfo))
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              "info is null or its structSize too small"};
    ContextScope scope;
    if (Status status = scope.enterPrimary(device); !status.ok())
      return status;
    DeviceFacts facts;
    if (Status status = deviceFacts(*scope.driver, device, facts); !status.ok())
      return status;
    SimplexirGpuInfo result = {};
    result.structSize = info->structSize;
    result.major = static_cast<int32_t>(facts.capability / 10);
    result.minor = static_cast<int32_t>(facts.capability % 10);
    result.driverVersion = scope.driver->version;
    result.sharedMemoryPerBlock = facts.sharedMemoryLimit;
    result.multiprocessors = facts.multiprocessors;
    size_t memory = 0;
    CUresult error = scope.driver->DeviceGetName(
        result.name, sizeof(result.name) - 1, scope.device);
    if (error == CUDA_SUCCESS)
      error = scope.driver->DeviceTotalMem(&memory, scope.device);
    if (error != CUDA_SUCCESS)
      return scope.driver->error(error, "reading the device's properties");
    result.totalMemory = static_cast<int64_t>(memory);
    std::memcpy(info, &result, sizeof(result));
    return {};
  });
}

SimplexirStatus simplexirGpuAlloc(int32_t device, uint64_t bytes,
                                  void **pointer) {
  return inContext(device, "cuMemAlloc", [&](const CudaDriver &driver) {
    if (!pointer)
      return CUresult(CUDA_ERROR_INVALID_VALUE);
    *pointer = nullptr;
    CUdeviceptr address = 0;
    CUresult result =
        bytes == 0 ? CUresult(CUDA_SUCCESS) : driver.MemAlloc(&address, bytes);
    if (result == CUDA_SUCCESS) // NOLINTNEXTLINE(performance-no-int-to-ptr)
      *pointer = reinterpret_cast<void *>(static_cast<uintptr_t>(address));
    return result;
  });
}

SimplexirStatus simplexirGpuFree(int32_t device, void *pointer) {
  if (!pointer)
    return SIMPLEXIR_OK;
  return inContext(device, "cuMemFree", [&](const CudaDriver &driver) {
    return driver.MemFree(toDevice(pointer));
  });
}

SimplexirStatus simplexirGpuCopyIn(int32_t device, void *gpu, const void *host,
                                   uint64_t bytes, void *stream) {
  if (bytes == 0)
    return SIMPLEXIR_OK;
  return inContext(device, "cuMemcpyHtoDAsync", [&](const CudaDriver &driver) {
    return driver.MemcpyHtoDAsync(toDevice(gpu), host, bytes,
                                  static_cast<CUstream>(stream));
  });
}

SimplexirStatus simplexirGpuCopyOut(int32_t device, void *host, const void *gpu,
                                    uint64_t bytes, void *stream) {
  if (bytes == 0)
    return SIMPLEXIR_OK;
  return inContext(device, "cuMemcpyDtoHAsync", [&](const CudaDriver &driver) {
    return driver.MemcpyDtoHAsync(host, toDevice(gpu), bytes,
                                  static_cast<CUstream>(stream));
  });
}

SimplexirStatus simplexirGpuFill(int32_t device, void *gpu, uint8_t byte,
                                 uint64_t bytes, void *stream) {
  if (bytes == 0)
    return SIMPLEXIR_OK;
  return inContext(device, "cuMemsetD8Async", [&](const CudaDriver &driver) {
    return driver.MemsetD8Async(toDevice(gpu), byte, bytes,
                                static_cast<CUstream>(stream));
  });
}

SimplexirStatus simplexirGpuStreamCreate(int32_t device, void **stream) {
  return inContext(device, "cuStreamCreate", [&](const CudaDriver &driver) {
    // 1: does not wait for the default stream.
    CUstream created = nullptr;
    CUresult result = driver.StreamCreate(&created, 1);
    *stream = created;
    return result;
  });
}

SimplexirStatus simplexirGpuStreamDestroy(int32_t device, void *stream) {
  return inContext(device, "cuStreamDestroy", [&](const CudaDriver &driver) {
    return driver.StreamDestroy(static_cast<CUstream>(stream));
  });
}

SimplexirStatus simplexirGpuSynchronize(int32_t device, void *stream) {
  return inContext(
      device, "cuStreamSynchronize", [&](const CudaDriver &driver) {
        return driver.StreamSynchronize(static_cast<CUstream>(stream));
      });
}

SimplexirStatus simplexirGpuEventCreate(int32_t device, void **event) {
  return inContext(device, "cuEventCreate", [&](const CudaDriver &driver) {
    CUevent created = nullptr;
    CUresult result = driver.EventCreate(&created, 0);
    *event = created;
    return result;
  });
}

SimplexirStatus simplexirGpuEventDestroy(int32_t device, void *event) {
  return inContext(device, "cuEventDestroy", [&](const CudaDriver &driver) {
    return driver.EventDestroy(static_cast<CUevent>(event));
  });
}

SimplexirStatus simplexirGpuEventRecord(int32_t device, void *event,
                                        void *stream) {
  return inContext(device, "cuEventRecord", [&](const CudaDriver &driver) {
    return driver.EventRecord(static_cast<CUevent>(event),
                              static_cast<CUstream>(stream));
  });
}

SimplexirStatus simplexirGpuEventMilliseconds(int32_t device, void *start,
                                              void *end, float *milliseconds) {
  return inContext(device, "cuEventElapsedTime", [&](const CudaDriver &driver) {
    CUresult result = driver.EventSynchronize(static_cast<CUevent>(end));
    return result != CUDA_SUCCESS
               ? result
               : driver.EventElapsedTime(milliseconds,
                                         static_cast<CUevent>(start),
                                         static_cast<CUevent>(end));
  });
}
