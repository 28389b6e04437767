//===- FakeCuda.cpp - A CUDA driver that records its calls ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "CudaDriver.h"

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <deque>

// The driver's own types in the signatures (-fsanitize=function compares them).
using simplexir::CUcontext;
using simplexir::CUdeviceptr;
using simplexir::CUfunction;
using simplexir::CUmodule;
using simplexir::CUstream;
using simplexir::CUtensorMap;
using Context = FakeCuda::Context;
enum { Success = 0, InvalidValue = 1, InvalidDevice = 101, NotFound = 500 };

FakeCuda &fakeCuda() {
  static FakeCuda state;
  return state;
}

FakeCuda::Context *makeFakeContext(int device) {
  // A deque keeps their addresses; they live as long as the process.
  static std::deque<Context> contexts;
  contexts.push_back({device, contexts.size() + 1});
  return &contexts.back();
}

extern "C" {
int cuInit(unsigned) { return fakeCuda().initResult; }
int cuDriverGetVersion(int *version) {
  *version = fakeCuda().driverVersion;
  return Success;
}
int cuGetErrorName(int code, const char **name) {
  *name = code == NotFound ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR_FAKE";
  return Success;
}
int cuGetErrorString(int, const char **text) {
  *text = "a fake explanation";
  return Success;
}
int cuDeviceGetCount(int *count) {
  *count = fakeCuda().deviceCount;
  return Success;
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return ordinal < fakeCuda().deviceCount ? Success : InvalidDevice;
}
int cuDeviceGetName(char *name, int size, int) {
  std::snprintf(name, static_cast<size_t>(size), "Fake GPU");
  return Success;
}
int cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = 1 << 20;
  return Success;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  ++fakeCuda().attributeQueries;
  switch (attribute) {
  case 16:
    *value = fakeCuda().multiprocessors[device];
    return Success;
  case 75:
    *value = fakeCuda().major;
    return Success;
  case 76:
    *value = fakeCuda().minor;
    return Success;
  case 88:
    *value = fakeCuda().pageable;
    return Success;
  case 97:
    *value = fakeCuda().sharedLimit;
    return Success;
  default:
    return InvalidValue;
  }
}
int cuDevicePrimaryCtxRetain(CUcontext *context, int device) {
  Context *&primary = fakeCuda().primary[device];
  if (!primary)
    primary = makeFakeContext(device);
  *context = reinterpret_cast<CUcontext>(primary);
  return Success;
}
int cuCtxGetCurrent(CUcontext *context) {
  auto &stack = fakeCuda().current;
  *context =
      stack.empty() ? nullptr : reinterpret_cast<CUcontext>(stack.back());
  return Success;
}
int cuCtxPushCurrent_v2(CUcontext context) {
  fakeCuda().current.push_back(reinterpret_cast<Context *>(context));
  return Success;
}
int cuCtxPopCurrent_v2(CUcontext *context) {
  auto &stack = fakeCuda().current;
  if (stack.empty())
    return InvalidValue;
  *context = reinterpret_cast<CUcontext>(stack.back());
  stack.pop_back();
  return Success;
}
int cuCtxGetDevice(int *device) {
  auto &stack = fakeCuda().current;
  if (stack.empty())
    return InvalidValue;
  *device = stack.back()->device;
  return Success;
}
int cuCtxGetId(CUcontext context, unsigned long long *id) {
  *id = reinterpret_cast<Context *>(context)->id;
  return Success;
}
int cuStreamGetCtx(CUstream stream, CUcontext *context) {
  *context = reinterpret_cast<CUcontext>(
      reinterpret_cast<FakeCuda::Stream *>(stream)->context);
  return Success;
}
int cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                       int *options, void **values) {
  FakeCuda &fake = fakeCuda();
  if (fake.current.empty())
    return InvalidValue;
  if (fake.moduleLoadResult) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == 5)
        std::strcpy(static_cast<char *>(values[i]), fake.jitLog.c_str());
    return fake.moduleLoadResult;
  }
  fake.loaded.emplace_back(static_cast<const char *>(image));
  *module = reinterpret_cast<CUmodule>(fake.loaded.size());
  return Success;
}
int cuModuleUnload(CUmodule) {
  ++fakeCuda().unloads;
  return Success;
}
int cuModuleGetFunction(CUfunction *function, CUmodule, const char *name) {
  if (std::strcmp(name, "absent") == 0)
    return NotFound;
  *function = reinterpret_cast<CUfunction>(const_cast<char *>(name));
  return Success;
}
int cuFuncGetAttribute(int *value, int attribute, CUfunction) {
  *value = attribute == 0 ? fakeCuda().threadLimit : fakeCuda().staticShared;
  return attribute <= 1 ? Success : InvalidValue;
}
int cuFuncSetAttribute(CUfunction, int attribute, int value) {
  if (attribute != 8)
    return InvalidValue;
  fakeCuda().maxDynamicShared = value;
  return Success;
}
int cuLaunchKernel(CUfunction function, unsigned grid, unsigned gridY,
                   unsigned gridZ, unsigned block, unsigned blockY,
                   unsigned blockZ, unsigned shared, CUstream stream,
                   void **parameters, void **extra) {
  FakeCuda &fake = fakeCuda();
  if (gridY * gridZ * blockY * blockZ != 1 || fake.current.empty() ||
      !parameters == !extra)
    return InvalidValue;
  if (fake.launchResult)
    return fake.launchResult;
  FakeCuda::Launch launch{reinterpret_cast<const char *>(function),
                          grid,
                          block,
                          shared,
                          stream,
                          fake.current.back(),
                          {},
                          {}};
  const char *buffer = nullptr;
  constexpr size_t mapBytes = 128;
  size_t size = fake.numParameters * sizeof(int64_t);
  // Where maps lie in a buffer only the driver knows.
  if (extra && fake.numMaps)
    return InvalidValue;
  if (extra) { // name, value, ..., 0: a buffer (1) and its size (2)
    if (extra[0] != reinterpret_cast<void *>(1) ||
        extra[2] != reinterpret_cast<void *>(2) || extra[4] ||
        *static_cast<size_t *>(extra[3]) < size)
      return InvalidValue;
    buffer = static_cast<const char *>(extra[1]);
  }
  for (unsigned i = 0; i < fake.numParameters; ++i) {
    int64_t value;
    std::memcpy(&value, buffer ? buffer + i * sizeof(value) : parameters[i],
                sizeof(value));
    launch.parameters.push_back(value);
  }
  for (unsigned i = 0; i < fake.numMaps; ++i) {
    std::vector<int64_t> map(mapBytes / sizeof(int64_t));
    std::memcpy(map.data(), parameters[fake.numParameters + i], mapBytes);
    launch.maps.push_back(std::move(map));
  }
  fake.launches.push_back(std::move(launch));
  return Success;
}
int cuPointerGetAttribute(void *data, int attribute, CUdeviceptr address) {
  ++fakeCuda().pointerQueries;
  if (attribute != 2 || address < fakeCuda().firstDeviceAddress)
    return InvalidValue;
  *static_cast<unsigned *>(data) = 2;
  return Success;
}

#ifndef FAKE_CUDA_MEMORY
int cuTensorMapEncodeTiled(CUtensorMap *map, int type, unsigned rank,
                           void *address, const uint64_t *extents,
                           const uint64_t *strides, const unsigned *box,
                           const unsigned *steps, int interleave, int swizzle,
                           int promotion, int fill) {
  FakeCuda &fake = fakeCuda();
  if (reinterpret_cast<uintptr_t>(map) % 64 != 0 || interleave != 0 ||
      promotion != 2 || fill != 0)
    return InvalidValue;
  for (unsigned i = 0; i < rank; ++i)
    if (steps[i] != 1)
      return InvalidValue;
  fake.maps.push_back({type,
                       reinterpret_cast<uintptr_t>(address),
                       {extents, extents + rank},
                       {strides, strides + rank - 1},
                       {box, box + rank},
                       swizzle});
  // Something to know it by.
  for (uint64_t &word : map->opaque)
    word = fake.maps.back().address;
  return fake.mapResult;
}

// What no launch may call.
#define FORBIDDEN(name)                                                        \
  int name() {                                                                 \
    ++fakeCuda().forbidden;                                                    \
    return Success;                                                            \
  }
FORBIDDEN(cuMemAlloc_v2)
FORBIDDEN(cuMemFree_v2)
FORBIDDEN(cuMemcpyHtoDAsync_v2)
FORBIDDEN(cuMemcpyDtoHAsync_v2)
FORBIDDEN(cuMemsetD8Async)
FORBIDDEN(cuStreamCreate)
FORBIDDEN(cuStreamDestroy_v2)
FORBIDDEN(cuStreamSynchronize)
FORBIDDEN(cuEventCreate)
FORBIDDEN(cuEventDestroy_v2)
FORBIDDEN(cuEventRecord)
FORBIDDEN(cuEventSynchronize)
FORBIDDEN(cuEventElapsedTime)
#undef FORBIDDEN
#endif
}
