/*===- simplexir-mgpu.h - What MLIR's gpu-to-llvm calls -----------*- C -*-===*\
|*                                                                            *|
|* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.     *|
|* See the LICENSE file for license information.                              *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The entry points that MLIR 22 lowers operations of the gpu dialect to, for *|
|* NVIDIA GPUs, with the names and parameters of MLIR's own runtime library.  *|
|* C99; a library of its own, which needs neither CUDA's headers nor its      *|
|* libraries to build, and opens the driver at the first call that needs it:  *|
|* a program loads, and its modules are registered, on machines without one.  *|
|*                                                                            *|
|* Context: that of the stream, if there is one; else the current one, if it  *|
|* is of the default device; else the default device's primary one. A module  *|
|* is loaded in a context when one of its kernels is first launched there.    *|
|* Errors: these functions return none, so they are kept and told; see below. *|
|* A null handle, which an earlier failure left, is an error and no crash.    *|
|* Threads, fork: as in simplexir-runtime.h.                                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SIMPLEXIR_MGPU_H
#define SIMPLEXIR_MGPU_H

#include "simplexir-runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/*===-- Errors ------------------------------------------------------------===*/

/* The first failure on this thread since the last call of this function: a
   SimplexirStatusCode, or SIMPLEXIR_OK. `message`, if not NULL, becomes its
   message ("" if there is none), which lives until the next call on this
   thread. */
SIMPLEXIR_API SimplexirStatus simplexirMgpuTakeError(const char **message);

typedef void (*SimplexirMgpuErrorHandler)(void *context, SimplexirStatus status,
                                          const char *message);
/* Called for every failure on every thread, in place of a line on standard
   error; NULL is the line again. */
SIMPLEXIR_API void
simplexirMgpuSetErrorHandler(SimplexirMgpuErrorHandler handler, void *context);

/*===-- Devices and modules -----------------------------------------------===*/

/* Of this thread; before, it is that of the current context, or 0. */
SIMPLEXIR_API void mgpuSetDefaultDevice(int32_t device);

/* `image` is a cubin, a fatbin or PTX that stays where it is until the module
   is unloaded. Nothing is loaded yet. */
SIMPLEXIR_API void *mgpuModuleLoad(void *image, size_t size);
/* PTX, compiled by the driver at this level (1 to 4; 0 is its default). */
SIMPLEXIR_API void *mgpuModuleLoadJIT(void *ptx, int optLevel);
SIMPLEXIR_API void mgpuModuleUnload(void *module);
/* Belongs to its module. */
SIMPLEXIR_API void *mgpuModuleGetFunction(void *module, const char *name);

/* `parameters` are pointers to the kernel's arguments. */
SIMPLEXIR_API void mgpuLaunchKernel(void *function, intptr_t gridX,
                                    intptr_t gridY, intptr_t gridZ,
                                    intptr_t blockX, intptr_t blockY,
                                    intptr_t blockZ, int32_t sharedMemory,
                                    void *stream, void **parameters,
                                    void **extra, size_t numParameters);
/* Needs compute capability 9.0 and CUDA 12. */
SIMPLEXIR_API void
mgpuLaunchClusterKernel(void *function, intptr_t clusterX, intptr_t clusterY,
                        intptr_t clusterZ, intptr_t gridX, intptr_t gridY,
                        intptr_t gridZ, intptr_t blockX, intptr_t blockY,
                        intptr_t blockZ, int32_t sharedMemory, void *stream,
                        void **parameters, void **extra, size_t numParameters);

/*===-- Streams and events ------------------------------------------------===*/

SIMPLEXIR_API void *mgpuStreamCreate(void);
SIMPLEXIR_API void mgpuStreamDestroy(void *stream);
SIMPLEXIR_API void mgpuStreamSynchronize(void *stream);
SIMPLEXIR_API void mgpuStreamWaitEvent(void *stream, void *event);
SIMPLEXIR_API void *mgpuEventCreate(void);
SIMPLEXIR_API void mgpuEventDestroy(void *event);
SIMPLEXIR_API void mgpuEventSynchronize(void *event);
SIMPLEXIR_API void mgpuEventRecord(void *event, void *stream);

/*===-- Memory ------------------------------------------------------------===*/

/* Zero bytes give a null pointer. */
SIMPLEXIR_API void *mgpuMemAlloc(uint64_t bytes, void *stream,
                                 uint8_t isHostShared);
SIMPLEXIR_API void mgpuMemFree(void *pointer, void *stream);
SIMPLEXIR_API void mgpuMemcpy(void *to, void *from, size_t bytes, void *stream);
SIMPLEXIR_API void mgpuMemset16(void *to, uint16_t value, size_t count,
                                void *stream);
SIMPLEXIR_API void mgpuMemset32(void *to, uint32_t value, size_t count,
                                void *stream);
SIMPLEXIR_API void mgpuMemHostRegister(void *pointer, uint64_t bytes);
SIMPLEXIR_API void mgpuMemHostUnregister(void *pointer);
/* `descriptor`: a memref's allocated and aligned pointer, offset, sizes and
   strides; it must be dense. */
SIMPLEXIR_API void mgpuMemHostRegisterMemRef(int64_t rank, void *descriptor,
                                             int64_t elementBytes);
SIMPLEXIR_API void mgpuMemHostUnregisterMemRef(int64_t rank, void *descriptor,
                                               int64_t elementBytes);

/*===-- Tensor maps (TMA descriptors) -------------------------------------===*/

/* Types, interleave, swizzle, promotion and fill are numbers of the CUDA
   driver. Dimensions go from the innermost. `map` is host memory of 128 bytes,
   aligned to 64. Needs CUDA 12. */
SIMPLEXIR_API void
mgpuTensorMapEncodeTiled(void *map, int32_t type, uint32_t rank, void *address,
                         const uint64_t *extents, const uint64_t *strides,
                         const uint32_t *box, const uint32_t *elementStrides,
                         int32_t interleave, int32_t swizzle, int32_t promotion,
                         int32_t fill);
/* Of a memref of `rank` dimensions (1 to 5, from the outermost, as `box`), in
   device memory. The same map is made once a context, and never freed. */
SIMPLEXIR_API void *mgpuTensorMapEncodeTiledMemref(
    int64_t rank, void *descriptor, int64_t type, int64_t interleave,
    int64_t swizzle, int64_t promotion, int64_t fill, const int64_t *box);

#ifdef __cplusplus
}
#endif

#endif /* SIMPLEXIR_MGPU_H */
