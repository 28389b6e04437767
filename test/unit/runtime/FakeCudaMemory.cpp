//===- FakeCudaMemory.cpp - Memory, streams and events of the fake --------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "MgpuSupport.h"

#include <cstdarg>
#include <cstring>

using namespace simplexir;

/// Notes the call and says what it is to return.
__attribute__((format(printf, 2, 3))) static CUresult
note(const char *name, const char *arguments, ...) {
  char text[256];
  va_list list;
  va_start(list, arguments);
  std::vsnprintf(text, sizeof(text), arguments, list);
  va_end(list);
  FakeCuda &fake = fakeCuda();
  if (fake.current.empty())
    return CUDA_ERROR_INVALID_VALUE;
  fake.calls.push_back(std::string(name) + "(" + text + ") on " +
                       std::to_string(fake.current.back()->device));
  auto failure = fake.failures.find(name);
  return failure == fake.failures.end() ? CUDA_SUCCESS : failure->second;
}

extern "C" {
CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  CUresult result = note("cuMemAlloc", "%zu", bytes);
  *address = 0x1000 * fakeCuda().calls.size();
  return result;
}
CUresult cuMemAllocManaged(CUdeviceptr *address, size_t bytes, unsigned flags) {
  *address = 0x2000;
  return note("cuMemAllocManaged", "%zu, %u", bytes, flags);
}
CUresult cuMemFree_v2(CUdeviceptr address) {
  return note("cuMemFree", "%#llx", address);
}
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                       CUstream stream) {
  return note("cuMemcpyAsync", "%#llx, %#llx, %zu, %d", to, from, bytes,
              stream != nullptr);
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr, const void *from, size_t bytes) {
  return note("cuMemcpyHtoD", "%02x, %zu",
              unsigned(*static_cast<const unsigned char *>(from)), bytes);
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void *, size_t, CUstream) {
  return CUDA_ERROR_INVALID_VALUE;
}
CUresult cuMemcpyDtoHAsync_v2(void *, CUdeviceptr, size_t, CUstream) {
  return CUDA_ERROR_INVALID_VALUE;
}
CUresult cuMemsetD8Async(CUdeviceptr, unsigned char, size_t, CUstream) {
  return CUDA_ERROR_INVALID_VALUE;
}
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count,
                          CUstream stream) {
  return note("cuMemsetD16Async", "%#llx, %#x, %zu, %d", to, unsigned(value),
              count, stream != nullptr);
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count,
                          CUstream stream) {
  return note("cuMemsetD32Async", "%#llx, %#x, %zu, %d", to, value, count,
              stream != nullptr);
}
CUresult cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned flags) {
  return note("cuMemHostRegister", "%p, %zu, %u", pointer, bytes, flags);
}
CUresult cuMemHostUnregister(void *pointer) {
  return note("cuMemHostUnregister", "%p", pointer);
}
CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  if (fakeCuda().current.empty())
    return CUDA_ERROR_INVALID_VALUE;
  *stream = reinterpret_cast<CUstream>(
      new FakeCuda::Stream{fakeCuda().current.back()});
  return note("cuStreamCreate", "%u", flags);
}
CUresult cuStreamDestroy_v2(CUstream stream) {
  CUresult result = note("cuStreamDestroy", "%d", stream != nullptr);
  delete reinterpret_cast<FakeCuda::Stream *>(stream);
  return result;
}
CUresult cuStreamSynchronize(CUstream stream) {
  return note("cuStreamSynchronize", "%d", stream != nullptr);
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return note("cuStreamWaitEvent", "%d, %p, %u", stream != nullptr,
              static_cast<void *>(event), flags);
}
CUresult cuEventCreate(CUevent *event, unsigned flags) {
  *event = reinterpret_cast<CUevent>(0x77);
  return note("cuEventCreate", "%u", flags);
}
CUresult cuEventDestroy_v2(CUevent event) {
  return note("cuEventDestroy", "%p", static_cast<void *>(event));
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  return note("cuEventRecord", "%p, %d", static_cast<void *>(event),
              stream != nullptr);
}
CUresult cuEventSynchronize(CUevent event) {
  return note("cuEventSynchronize", "%p", static_cast<void *>(event));
}
CUresult cuEventElapsedTime(float *, CUevent, CUevent) {
  return CUDA_ERROR_INVALID_VALUE;
}
CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function,
                          void **parameters, void **extra) {
  const unsigned *grid = config->gridDim, *block = config->blockDim;
  const unsigned *cluster = config->attrs[0].value.clusterDim;
  return note("cuLaunchKernelEx",
              "%s, %ux%ux%u, %ux%ux%u, %u, %d, attribute %d %ux%ux%u, %lld, %d",
              reinterpret_cast<const char *>(function), grid[0], grid[1],
              grid[2], block[0], block[1], block[2], config->sharedMemBytes,
              config->hStream != nullptr, config->attrs[0].id, cluster[0],
              cluster[1], cluster[2],
              static_cast<long long>(*static_cast<int64_t *>(parameters[0])),
              extra != nullptr);
}
CUresult cuTensorMapEncodeTiled(CUtensorMap *map, int type, unsigned rank,
                                void *address, const uint64_t *extents,
                                const uint64_t *strides, const unsigned *box,
                                const unsigned *elementStrides, int interleave,
                                int swizzle, int promotion, int fill) {
  std::string text = std::to_string(type);
  auto list = [&](auto *numbers, unsigned count) {
    text += " [";
    for (unsigned i = 0; i < count; ++i)
      text += (i ? " " : "") + std::to_string(numbers[i]);
    text += "]";
  };
  list(extents, rank);
  list(strides, rank - 1);
  list(box, rank);
  list(elementStrides, rank);
  std::memset(map, static_cast<int>(extents[0]), sizeof(*map));
  return note("cuTensorMapEncodeTiled", "%p, %s, %d %d %d %d", address,
              text.c_str(), interleave, swizzle, promotion, fill);
}
}
