//===- MgpuSupport.h - Driver, contexts and errors of mgpu ------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_MGPUSUPPORT_H
#define SIMPLEXIR_RUNTIME_LIB_MGPUSUPPORT_H

#include "CudaDriver.h"
#include "simplexir-mgpu.h"

namespace simplexir {

enum : int {
  CU_STREAM_NON_BLOCKING = 1,
  CU_EVENT_DISABLE_TIMING = 2,
  CU_MEM_ATTACH_GLOBAL = 1,
  CU_JIT_OPTIMIZATION_LEVEL = 7,
  CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION = 4,
};

/// The layout of cuda.h.
struct CUlaunchAttribute {
  int id;
  union alignas(8) {
    char pad[64];
    unsigned clusterDim[3];
  } value;
};
struct CUlaunchConfig {
  unsigned gridDim[3], blockDim[3], sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute *attrs;
  unsigned numAttrs;
};

// X(name, exported symbol, parameters): what the runtime itself does not use.
// A driver may be too old for some; they are then null.
#define SIMPLEXIR_MGPU_FUNCTIONS(X)                                            \
  X(MemAllocManaged, "cuMemAllocManaged", (CUdeviceptr *, size_t, unsigned))   \
  X(MemcpyAsync, "cuMemcpyAsync",                                              \
    (CUdeviceptr, CUdeviceptr, size_t, CUstream))                              \
  X(MemcpyHtoD, "cuMemcpyHtoD_v2", (CUdeviceptr, const void *, size_t))        \
  X(MemsetD16Async, "cuMemsetD16Async",                                        \
    (CUdeviceptr, unsigned short, size_t, CUstream))                           \
  X(MemsetD32Async, "cuMemsetD32Async",                                        \
    (CUdeviceptr, unsigned, size_t, CUstream))                                 \
  X(MemHostRegister, "cuMemHostRegister_v2", (void *, size_t, unsigned))       \
  X(MemHostUnregister, "cuMemHostUnregister", (void *))                        \
  X(StreamWaitEvent, "cuStreamWaitEvent", (CUstream, CUevent, unsigned))       \
  X(LaunchKernelEx, "cuLaunchKernelEx",                                        \
    (const CUlaunchConfig *, CUfunction, void **, void **))

struct MgpuDriver {
// NOLINTBEGIN(bugprone-macro-parentheses): names and types, no expressions.
#define SIMPLEXIR_MGPU_FIELD(name, symbol, parameters)                         \
  CUresult(*name) parameters = nullptr;
  SIMPLEXIR_MGPU_FUNCTIONS(SIMPLEXIR_MGPU_FIELD)
#undef SIMPLEXIR_MGPU_FIELD
  // NOLINTEND(bugprone-macro-parentheses)
  static const MgpuDriver &get(const CudaDriver &driver);
};

/// What an entry point works with.
struct MgpuCall {
  const char *name;
  ContextScope scope;

  /// Enters the stream's context, or that of the default device.
  Status enter(void *stream);
  const CudaDriver &cuda() const { return *scope.driver; }
  const MgpuDriver &more() const { return MgpuDriver::get(cuda()); }

  Status check(CUresult result, const char *function) const;
  /// Calls a function that this driver may not have.
  template <typename Function, typename... Arguments>
  Status call(const char *symbol, Function function,
              Arguments... arguments) const {
    if (!function)
      return {SIMPLEXIR_ERROR_DRIVER_TOO_OLD,
              format("%s: this NVIDIA driver (CUDA %d.%d) has no %s", name,
                     cuda().version / 1000, cuda().version / 10 % 100, symbol)};
    return check(function(arguments...), symbol);
  }
  Status null(const char *what) const {
    return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
            format("%s: %s is null; did an earlier call fail?", name, what)};
  }
};

void tellMgpuError(Status &&status) noexcept;
void setMgpuDevice(int32_t device);

/// Runs `body(call)` (returning Status) in the right context; no exception
/// leaves the C ABI.
template <typename Body>
void runMgpu(const char *name, void *stream, Body &&body) noexcept {
  try {
    MgpuCall call{name, {}};
    Status status = call.enter(stream);
    if (status.ok())
      status = body(call);
    if (!status.ok())
      tellMgpuError(std::move(status));
  } catch (const std::exception &e) {
    tellMgpuError(Status(SIMPLEXIR_ERROR_OUT_OF_MEMORY, e.what()));
  }
}

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_MGPUSUPPORT_H
