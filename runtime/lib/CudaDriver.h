//===- CudaDriver.h - The CUDA driver, opened at run time -------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_CUDADRIVER_H
#define SIMPLEXIR_RUNTIME_LIB_CUDADRIVER_H

#include "Support.h"

namespace simplexir {

// The part of the driver's ABI that is used, so that no CUDA header is needed
// to build. Names and values are those of cuda.h.
using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctxOpaque *;
using CUmodule = struct CUmodOpaque *;
using CUfunction = struct CUfuncOpaque *;
using CUstream = struct CUstreamOpaque *;
using CUevent = struct CUeventOpaque *;
struct alignas(64) CUtensorMap {
  uint64_t opaque[16];
};

enum : CUresult {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
};
enum CUdeviceAttribute : int {
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS = 88,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
};
enum CUfunctionAttribute : int {
  CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
};
enum CUjitOption : int {
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
};
enum : int { CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2 };
enum CUtensorMapDataType : int {
  CU_TENSOR_MAP_DATA_TYPE_FLOAT16 = 6,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT32 = 7,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT64 = 8,
  CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9,
};
enum : int { CU_TENSOR_MAP_INTERLEAVE_NONE = 0 };
enum : int { CU_TENSOR_MAP_L2_PROMOTION_L2_128B = 2 };
enum : int { CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0 };
enum CUlaunchParameter : uintptr_t {
  CU_LAUNCH_PARAM_END = 0,
  CU_LAUNCH_PARAM_BUFFER_POINTER = 1,
  CU_LAUNCH_PARAM_BUFFER_SIZE = 2,
};

// X(name, exported symbol, parameters): required functions.
#define SIMPLEXIR_CUDA_FUNCTIONS(X)                                            \
  X(Init, "cuInit", (unsigned))                                                \
  X(DriverGetVersion, "cuDriverGetVersion", (int *))                           \
  X(GetErrorName, "cuGetErrorName", (CUresult, const char **))                 \
  X(GetErrorString, "cuGetErrorString", (CUresult, const char **))             \
  X(DeviceGetCount, "cuDeviceGetCount", (int *))                               \
  X(DeviceGet, "cuDeviceGet", (CUdevice *, int))                               \
  X(DeviceGetName, "cuDeviceGetName", (char *, int, CUdevice))                 \
  X(DeviceTotalMem, "cuDeviceTotalMem_v2", (size_t *, CUdevice))               \
  X(DeviceGetAttribute, "cuDeviceGetAttribute", (int *, int, CUdevice))        \
  X(DevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain",                        \
    (CUcontext *, CUdevice))                                                   \
  X(CtxGetCurrent, "cuCtxGetCurrent", (CUcontext *))                           \
  X(CtxPushCurrent, "cuCtxPushCurrent_v2", (CUcontext))                        \
  X(CtxPopCurrent, "cuCtxPopCurrent_v2", (CUcontext *))                        \
  X(CtxGetDevice, "cuCtxGetDevice", (CUdevice *))                              \
  X(StreamGetCtx, "cuStreamGetCtx", (CUstream, CUcontext *))                   \
  X(ModuleLoadDataEx, "cuModuleLoadDataEx",                                    \
    (CUmodule *, const void *, unsigned, int *, void **))                      \
  X(ModuleUnload, "cuModuleUnload", (CUmodule))                                \
  X(ModuleGetFunction, "cuModuleGetFunction",                                  \
    (CUfunction *, CUmodule, const char *))                                    \
  X(FuncGetAttribute, "cuFuncGetAttribute", (int *, int, CUfunction))          \
  X(FuncSetAttribute, "cuFuncSetAttribute", (CUfunction, int, int))            \
  X(LaunchKernel, "cuLaunchKernel",                                            \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,   \
     unsigned, CUstream, void **, void **))                                    \
  X(PointerGetAttribute, "cuPointerGetAttribute", (void *, int, CUdeviceptr))  \
  X(MemAlloc, "cuMemAlloc_v2", (CUdeviceptr *, size_t))                        \
  X(MemFree, "cuMemFree_v2", (CUdeviceptr))                                    \
  X(MemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2",                                   \
    (CUdeviceptr, const void *, size_t, CUstream))                             \
  X(MemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2",                                   \
    (void *, CUdeviceptr, size_t, CUstream))                                   \
  X(MemsetD8Async, "cuMemsetD8Async",                                          \
    (CUdeviceptr, unsigned char, size_t, CUstream))                            \
  X(StreamCreate, "cuStreamCreate", (CUstream *, unsigned))                    \
  X(StreamDestroy, "cuStreamDestroy_v2", (CUstream))                           \
  X(StreamSynchronize, "cuStreamSynchronize", (CUstream))                      \
  X(EventCreate, "cuEventCreate", (CUevent *, unsigned))                       \
  X(EventDestroy, "cuEventDestroy_v2", (CUevent))                              \
  X(EventRecord, "cuEventRecord", (CUevent, CUstream))                         \
  X(EventSynchronize, "cuEventSynchronize", (CUevent))                         \
  X(EventElapsedTime, "cuEventElapsedTime", (float *, CUevent, CUevent))

struct CudaDriver {
// NOLINTBEGIN(bugprone-macro-parentheses): names and types, no expressions.
#define SIMPLEXIR_CUDA_FIELD(name, symbol, parameters)                         \
  CUresult(*name) parameters = nullptr;
  SIMPLEXIR_CUDA_FUNCTIONS(SIMPLEXIR_CUDA_FIELD)
#undef SIMPLEXIR_CUDA_FIELD
  // NOLINTEND(bugprone-macro-parentheses)
  /// CUDA 12 and newer: never reused, unlike a context's address.
  CUresult (*CtxGetId)(CUcontext, unsigned long long *) = nullptr;
  /// CUDA 12 and newer.
  CUresult (*TensorMapEncodeTiled)(CUtensorMap *, int, unsigned, void *,
                                   const uint64_t *, const uint64_t *,
                                   const unsigned *, const unsigned *, int, int,
                                   int, int) = nullptr;
  int version = 0;
  /// For functions that are not above.
  void *library = nullptr;

  /// Opens and initialises the driver on the first call. Failures are not
  /// remembered.
  static Status get(const CudaDriver *&driver);

  /// A failed call as a status: its name, the driver's name for the error and
  /// its explanation.
  Status error(CUresult result, const std::string &call) const;

  /// The primary context of a device; retained once, for the process's life.
  Status primaryContext(int32_t device, CUcontext &context) const;
};

/// What a launch needs to know of a device. Ordinals and CUdevice values are
/// the same numbers in every driver so far.
struct DeviceFacts {
  bool known = false;
  unsigned capability = 0; // 90 for 9.0
  int sharedMemoryLimit = 0;
  int multiprocessors = 0;
  bool readsPageableMemory = false;
};

/// Makes a context current, and the previous one again at the end.
class ContextScope {
public:
  ContextScope() = default;
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;
  ~ContextScope();

  /// The stream's context; without a stream the current one, if it is of this
  /// device; else the device's primary one. `device` < 0 is any.
  Status enter(int32_t device, void *stream);
  Status enterPrimary(int32_t device);

  const CudaDriver *driver = nullptr;
  CUcontext context = nullptr;
  int32_t device = -1;
  /// What tells contexts apart, also when a new one is at an old one's address.
  unsigned long long key = 0;

private:
  Status push(CUcontext target);
  Status adopt(CUcontext current);
  bool pushed = false;
};

/// Unloads a module, unless its context, which had this key, is gone with it.
void unloadModule(const CudaDriver &driver, CUcontext context,
                  unsigned long long key, CUmodule module);

/// Cached for each device.
Status deviceFacts(const CudaDriver &driver, int32_t device,
                   DeviceFacts &facts);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_CUDADRIVER_H
