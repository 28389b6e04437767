/*===- simplexir-runtime-gpu-tools.h - GPU memory for tools -------*- C -*-===*\
|*                                                                            *|
|* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.     *|
|* See the LICENSE file for license information.                              *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* For simplex-run and the tests: just enough of the CUDA driver to move data *|
|* and to take times without a CUDA toolkit. Embedders have their own         *|
|* allocator; they need none of this, and it is not part of the stable ABI.   *|
|*                                                                            *|
|* Everything works in the primary context of device `device`, which the      *|
|* functions make current for the duration of the call only. Errors are       *|
|* reported as in simplexir-runtime.h.                                        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SIMPLEXIR_RUNTIME_GPU_TOOLS_H
#define SIMPLEXIR_RUNTIME_GPU_TOOLS_H

#include "simplexir-runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of GPUs; an error (with its reason) if there is no driver. */
SIMPLEXIR_API SimplexirStatus simplexirGpuCount(int32_t *count);

typedef struct SimplexirGpuInfo {
  uint64_t structSize;
  char name[128];
  int32_t major; /* compute capability */
  int32_t minor;
  int32_t driverVersion; /* 12040 is CUDA 12.4 */
  int32_t multiprocessors;
  int64_t sharedMemoryPerBlock; /* the most that a kernel can opt in to */
  int64_t totalMemory;
} SimplexirGpuInfo;
SIMPLEXIR_API SimplexirStatus simplexirGpuGetInfo(int32_t device,
                                                  SimplexirGpuInfo *info);

/* Zero bytes give a null pointer. */
SIMPLEXIR_API SimplexirStatus simplexirGpuAlloc(int32_t device, uint64_t bytes,
                                                void **pointer);
SIMPLEXIR_API SimplexirStatus simplexirGpuFree(int32_t device, void *pointer);

/* Enqueued on the stream. The host memory must stay until a synchronise. */
SIMPLEXIR_API SimplexirStatus simplexirGpuCopyIn(int32_t device, void *gpu,
                                                 const void *host,
                                                 uint64_t bytes, void *stream);
SIMPLEXIR_API SimplexirStatus simplexirGpuCopyOut(int32_t device, void *host,
                                                  const void *gpu,
                                                  uint64_t bytes, void *stream);
SIMPLEXIR_API SimplexirStatus simplexirGpuFill(int32_t device, void *gpu,
                                               uint8_t byte, uint64_t bytes,
                                               void *stream);

SIMPLEXIR_API SimplexirStatus simplexirGpuStreamCreate(int32_t device,
                                                       void **stream);
SIMPLEXIR_API SimplexirStatus simplexirGpuStreamDestroy(int32_t device,
                                                        void *stream);
/* Waits for the stream, and reports what kernels on it did wrong. */
SIMPLEXIR_API SimplexirStatus simplexirGpuSynchronize(int32_t device,
                                                      void *stream);

/* Events, for times on the GPU's own clock. */
SIMPLEXIR_API SimplexirStatus simplexirGpuEventCreate(int32_t device,
                                                      void **event);
SIMPLEXIR_API SimplexirStatus simplexirGpuEventDestroy(int32_t device,
                                                       void *event);
SIMPLEXIR_API SimplexirStatus simplexirGpuEventRecord(int32_t device,
                                                      void *event,
                                                      void *stream);
/* Waits for `end`. */
SIMPLEXIR_API SimplexirStatus simplexirGpuEventMilliseconds(
    int32_t device, void *start, void *end, float *milliseconds);

#ifdef __cplusplus
}
#endif

#endif /* SIMPLEXIR_RUNTIME_GPU_TOOLS_H */
