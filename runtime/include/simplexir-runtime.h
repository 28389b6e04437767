/*===- simplexir-runtime.h - Load and launch SimplexIR kernels ----*- C -*-===*\
|*                                                                            *|
|* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.     *|
|* See the LICENSE file for license information.                              *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* C99. Needs neither LLVM nor MLIR; the CUDA driver is opened when a GPU is  *|
|* first asked for. docs/runtime.md has an example.                           *|
|*                                                                            *|
|* Threads: every function may be called from several threads at once, except *|
|* that nobody may use an artifact while it is destroyed.                     *|
|* Fork: once an artifact has been loaded, a forked child that does not exec  *|
|* gets SIMPLEXIR_ERROR_AFTER_FORK from everything that loads or launches.    *|
|* Trust: an artifact is code. Load it only from where you would load a       *|
|* shared library from.                                                       *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SIMPLEXIR_RUNTIME_H
#define SIMPLEXIR_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SIMPLEXIR_API __attribute__((visibility("default")))
#else
#define SIMPLEXIR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a function or a field is added. What was there keeps its meaning:
   a program runs with every library whose simplexirAbiVersion() is at least
   the SIMPLEXIR_ABI_VERSION that it was compiled with. */
#define SIMPLEXIR_ABI_VERSION 2
SIMPLEXIR_API uint32_t simplexirAbiVersion(void);

/* Structs that can grow begin with structSize; set it to sizeof(the struct).
   Zero the rest before filling it in, so that fields of later versions are 0,
   which always means "as before". */

/*===-- Errors ------------------------------------------------------------===*/

typedef enum SimplexirStatusCode {
  SIMPLEXIR_OK = 0,
  /* The call itself is wrong: a null pointer, a struct size, a range. */
  SIMPLEXIR_ERROR_INVALID_ARGUMENT = 1,
  /* Damaged bytes, or an image that the loader refuses. */
  SIMPLEXIR_ERROR_INVALID_ARTIFACT = 2,
  /* The artifact is newer than this runtime. */
  SIMPLEXIR_ERROR_NEWER_VERSION = 3,
  SIMPLEXIR_ERROR_IO = 4,
  SIMPLEXIR_ERROR_NOT_FOUND = 5,
  /* An argument does not fit the kernel's signature. */
  SIMPLEXIR_ERROR_SIGNATURE = 6,
  /* The artifact has no code for this device. */
  SIMPLEXIR_ERROR_NO_IMAGE = 7,
  /* No driver, or no such GPU. */
  SIMPLEXIR_ERROR_NO_DEVICE = 8,
  SIMPLEXIR_ERROR_DRIVER_TOO_OLD = 9,
  /* The CUDA driver refused; the message holds its words. */
  SIMPLEXIR_ERROR_DRIVER = 10,
  /* More shared memory, threads or blocks than the device has. */
  SIMPLEXIR_ERROR_RESOURCES = 11,
  SIMPLEXIR_ERROR_OUT_OF_MEMORY = 12,
  SIMPLEXIR_ERROR_AFTER_FORK = 13,
  /* The embedder's executor did not do its work. */
  SIMPLEXIR_ERROR_EXECUTOR = 14,
  SIMPLEXIR_ERROR_INTERNAL = 15
} SimplexirStatusCode;
/* A SimplexirStatusCode. Later versions may return further codes. */
typedef int32_t SimplexirStatus;

/* `no_image` and the like; never NULL. */
SIMPLEXIR_API const char *simplexirStatusName(SimplexirStatus status);

/* The message of the last call on this thread that failed; "" if none did.
   Valid until the next failure on this thread. */
SIMPLEXIR_API const char *simplexirLastError(void);

/* A copy of that message for the caller to keep, or NULL without memory.
   Release it with simplexirMessageFree(). */
SIMPLEXIR_API char *simplexirLastErrorCopy(void);
SIMPLEXIR_API void simplexirMessageFree(char *message);

/*===-- Artifacts and kernels ---------------------------------------------===*/

typedef struct SimplexirArtifact SimplexirArtifact;
/* Belongs to its artifact. */
typedef struct SimplexirKernel SimplexirKernel;

/* Loads a .simplex file, or its bytes (which are copied). */
SIMPLEXIR_API SimplexirStatus
simplexirArtifactLoadFile(const char *path, SimplexirArtifact **artifact);
SIMPLEXIR_API SimplexirStatus simplexirArtifactLoadMemory(
    const void *data, size_t size, SimplexirArtifact **artifact);

/* Unloads the code. Every launch must have completed, on GPUs too. NULL is
   fine. */
SIMPLEXIR_API void simplexirArtifactDestroy(SimplexirArtifact *artifact);

SIMPLEXIR_API size_t
simplexirArtifactNumKernels(const SimplexirArtifact *artifact);
/* NULL if there is no such index. */
SIMPLEXIR_API SimplexirKernel *
simplexirArtifactKernelAt(SimplexirArtifact *artifact, size_t index);
SIMPLEXIR_API SimplexirStatus simplexirArtifactGetKernel(
    SimplexirArtifact *artifact, const char *name, SimplexirKernel **kernel);

SIMPLEXIR_API const char *simplexirKernelName(const SimplexirKernel *kernel);
SIMPLEXIR_API size_t simplexirKernelNumArguments(const SimplexirKernel *kernel);

/*===-- Arguments ---------------------------------------------------------===*/

typedef enum SimplexirDType {
  SIMPLEXIR_BF16 = 0,
  SIMPLEXIR_F16 = 1,
  SIMPLEXIR_F32 = 2,
  SIMPLEXIR_F64 = 3
} SimplexirDType;

typedef enum SimplexirDeviceType {
  SIMPLEXIR_CPU = 0,
  SIMPLEXIR_CUDA = 1
} SimplexirDeviceType;

typedef enum SimplexirArgumentKind {
  SIMPLEXIR_TENSOR = 0,
  SIMPLEXIR_INDEX = 1
} SimplexirArgumentKind;

/* Memory that the caller owns. `data` is the first element; it may be NULL if
   some extent is 0. Strides count elements. */
typedef struct SimplexirTensor {
  void *data;
  const int64_t *shape;
  const int64_t *strides;
  int32_t rank;
  int32_t dtype;      /* SimplexirDType */
  int32_t deviceType; /* SimplexirDeviceType */
  int32_t deviceId;   /* the CUDA ordinal; ignored for the CPU */
} SimplexirTensor;

/* In an array, every element has the same structSize, which is the step. */
typedef struct SimplexirArgument {
  uint64_t structSize;
  int32_t kind; /* SimplexirArgumentKind */
  int32_t reserved;
  int64_t index; /* the value, if kind is SIMPLEXIR_INDEX */
  SimplexirTensor tensor;
} SimplexirArgument;

#define SIMPLEXIR_MAX_RANK 8

/* What the signature says of one argument. */
typedef struct SimplexirArgumentInfo {
  uint64_t structSize;
  const char *name; /* lives as long as the artifact */
  int32_t kind;
  int32_t dtype;
  int32_t rank;
  int32_t isOutput;
  int32_t innermostContiguous;
  uint32_t alignment; /* bytes; see docs/artifact.md */
  /* The constant extent, or -1, and then the name of the dimension. */
  int64_t extents[SIMPLEXIR_MAX_RANK];
  const char *dimNames[SIMPLEXIR_MAX_RANK];
} SimplexirArgumentInfo;

SIMPLEXIR_API SimplexirStatus simplexirKernelArgumentInfo(
    const SimplexirKernel *kernel, size_t index, SimplexirArgumentInfo *info);

/*===-- Launching ---------------------------------------------------------===*/

/* One of the pieces of work that an executor is given. */
typedef void (*SimplexirTask)(void *taskContext, int64_t task);

/* Runs CPU work on the embedder's threads. */
typedef struct SimplexirExecutor {
  uint64_t structSize;
  void *context;
  /* Calls task(taskContext, i) once for each i in [0, numTasks), on any
     threads and in any order, and returns when all have returned. Tasks do not
     wait for each other, so running them one after another is right too. */
  void (*run)(void *context, int64_t numTasks, SimplexirTask task,
              void *taskContext);
  /* The most tasks that are worth running at once; at least 1. */
  int32_t numThreads;
  int32_t reserved;
} SimplexirExecutor;

typedef enum SimplexirLaunchFlag {
  /* GPU: the caller knows that every tensor's memory is the device's, as a
     framework's allocator does. Otherwise the driver is asked about each
     address, so that a host pointer is an error and no fault of the kernel;
     that takes most of a launch's time. Since version 2. */
  SIMPLEXIR_LAUNCH_TRUSTS_ADDRESSES = 1
} SimplexirLaunchFlag;

typedef struct SimplexirLaunchOptions {
  uint64_t structSize;
  int32_t deviceType; /* SimplexirDeviceType */
  /* The CUDA ordinal. With a stream it must be the stream's device. Without,
     the current context is used if it is of that device, else the device's
     primary context. */
  int32_t deviceId;
  void *stream; /* GPU: a CUstream or cudaStream_t; NULL is the default one */
  /* CPU: 0 is the number of simplexirSetNumThreads(). With an executor it
     limits numThreads further, if not 0. */
  int32_t numThreads;
  int32_t flags; /* SimplexirLaunchFlag, or-ed; reserved in version 1 */
  const SimplexirExecutor *executor; /* CPU: NULL is the runtime's own pool */
  /* CPU: memory of simplexirKernelWorkspaceSize() bytes, 64-byte aligned. If
     NULL, every thread keeps a buffer that grows in its first launches. */
  void *workspace;
  uint64_t workspaceSize;
} SimplexirLaunchOptions;

/* Threads of the runtime's own pool for launches to come, the caller's
   included; 0 is the number of hardware threads (the default). */
SIMPLEXIR_API SimplexirStatus simplexirSetNumThreads(int32_t numThreads);
SIMPLEXIR_API int32_t simplexirGetNumThreads(void);

/* Loads the code for a device, so that a launch has nothing left to load.
   Needed before a launch inside a stream capture, and the way to ask whether
   a kernel can run somewhere: the message says why not. */
SIMPLEXIR_API SimplexirStatus simplexirKernelPrepare(
    SimplexirKernel *kernel, const SimplexirLaunchOptions *options);

/* The bytes of workspace that a launch with these options can use; 0 for
   GPUs. */
SIMPLEXIR_API SimplexirStatus simplexirKernelWorkspaceSize(
    SimplexirKernel *kernel, const SimplexirLaunchOptions *options,
    uint64_t *bytes);

/* Checks the arguments (in the signature's order) and launches. On the CPU it
   returns when the work is done. On a GPU it enqueues on the stream: it does
   not wait, allocates nothing once the kernel is prepared, and leaves the
   current context as it was. NULL options: the CPU, all defaults. */
SIMPLEXIR_API SimplexirStatus simplexirKernelLaunch(
    SimplexirKernel *kernel, const SimplexirArgument *arguments,
    size_t numArguments, const SimplexirLaunchOptions *options);

/* Called by code that the compiler makes. `artifact` are the bytes of an
   artifact that stay in memory; it is parsed once. `words` are the arguments
   as in docs/artifact.md ("Words"). `target` is 0 for the CPU and 1 for the
   GPU of the stream or of the current context. Goes through the same checks
   as simplexirKernelLaunch(). Returns a SimplexirStatus. */
SIMPLEXIR_API int simplexirHostLaunch(const void *artifact, int64_t size,
                                      const char *kernel, const int64_t *words,
                                      int64_t numWords, int32_t target,
                                      void *stream);

#ifdef __cplusplus
}
#endif

#endif /* SIMPLEXIR_RUNTIME_H */
