/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* What a launch costs the caller, from C:
 *
 *   simplexir-launch-overhead FILE.simplex [KERNEL] [cpu | gpu] [LAUNCHES]
 *
 * Every named dimension is 1, so that the kernel (compiled from
 * launch_overhead.mlir) has almost nothing to do. On the GPU it is the time
 * until the call returns; the GPU is waited for after every 50 launches, out
 * of the time, so that no launch waits for room in the queue. Beside it, in
 * the same run: the driver's own launches of an empty kernel with as many
 * parameters, given one by one and as one buffer (as ours are). Prints medians
 * over the batches, and the best batch.
 */

#define _POSIX_C_SOURCE 199309L
#include <simplexir-runtime-gpu-tools.h>
#include <simplexir-runtime.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 50, MAX_ARGUMENTS = 16, MAX_WORDS = 64 };

static int onGpu;
static void *stream;

static int fail(const char *what) {
  fprintf(stderr, "launch-overhead: %s: %s\n", what, simplexirLastError());
  return 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

static int compareDoubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/*===-- What is measured --------------------------------------------------===*/

typedef struct {
  SimplexirKernel *kernel;
  SimplexirArgument arguments[MAX_ARGUMENTS];
  size_t numArguments;
  SimplexirLaunchOptions options;
} Launch;

static int launchOurs(void *context) {
  Launch *launch = (Launch *)context;
  return simplexirKernelLaunch(launch->kernel, launch->arguments,
                               launch->numArguments, &launch->options);
}

/* The driver itself: cuLaunchKernel of an empty kernel. */
typedef struct {
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned,
                unsigned, unsigned, void *, void **, void **);
  void *function;
  void *parameters[MAX_WORDS];
  int64_t words[MAX_WORDS];
} Driver;

static int launchEmpty(void *context) {
  Driver *driver = (Driver *)context;
  return driver->launch(driver->function, 1, 1, 1, 32, 1, 1, 0, stream,
                        driver->parameters, NULL);
}

static int launchEmptyBuffer(void *context) {
  Driver *driver = (Driver *)context;
  size_t size = sizeof(driver->words);
  void *extra[5]; /* CU_LAUNCH_PARAM_BUFFER_POINTER, ..._SIZE, ..._END */
  extra[0] = (void *)(size_t)1;
  extra[1] = driver->words;
  extra[2] = (void *)(size_t)2;
  extra[3] = &size;
  extra[4] = NULL;
  return driver->launch(driver->function, 1, 1, 1, 32, 1, 1, 0, stream, NULL,
                        extra);
}

/* Median and best of the batches, in microseconds a launch; negative after an
   error. */
static int measure(const char *name, int (*call)(void *), void *context,
                   int launches) {
  int batches = (launches + BATCH - 1) / BATCH, i, j;
  double *times = (double *)malloc((size_t)batches * sizeof(double));
  if (!times)
    return 1;
  for (i = -1; i < batches; ++i) { /* the first one is not counted */
    double start = now();
    for (j = 0; j < BATCH; ++j)
      if (call(context)) {
        free(times);
        return fail(name);
      }
    if (i >= 0)
      times[i] = (now() - start) / BATCH;
    if (onGpu && simplexirGpuSynchronize(0, stream)) {
      free(times);
      return fail("waiting");
    }
  }
  qsort(times, (size_t)batches, sizeof(double), compareDoubles);
  printf("%-28s %8.2f us  (best %.2f)\n", name, times[batches / 2], times[0]);
  free(times);
  return 0;
}

/*===-- Set-up ------------------------------------------------------------===*/

static int makeArguments(Launch *launch) {
  static const int64_t ones[SIMPLEXIR_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
  static int64_t shapes[MAX_ARGUMENTS][SIMPLEXIR_MAX_RANK];
  static int64_t strides[MAX_ARGUMENTS][SIMPLEXIR_MAX_RANK];
  size_t i;
  launch->numArguments = simplexirKernelNumArguments(launch->kernel);
  if (launch->numArguments > MAX_ARGUMENTS)
    return 1;
  memset(launch->arguments, 0, sizeof(launch->arguments));
  for (i = 0; i < launch->numArguments; ++i) {
    SimplexirArgument *argument = &launch->arguments[i];
    SimplexirArgumentInfo info;
    int64_t count = 1;
    int32_t d;
    memset(&info, 0, sizeof(info));
    info.structSize = sizeof(info);
    if (simplexirKernelArgumentInfo(launch->kernel, i, &info))
      return fail("an argument");
    argument->structSize = sizeof(*argument);
    argument->kind = info.kind;
    if (info.kind == SIMPLEXIR_INDEX)
      continue;
    memcpy(shapes[i], ones, sizeof(ones));
    for (d = info.rank; d-- > 0;) {
      if (info.extents[d] >= 0)
        shapes[i][d] = info.extents[d];
      strides[i][d] = count;
      count *= shapes[i][d];
    }
    argument->tensor.shape = shapes[i];
    argument->tensor.strides = strides[i];
    argument->tensor.rank = info.rank;
    argument->tensor.dtype = info.dtype;
    argument->tensor.deviceType = onGpu ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
    if (!onGpu)
      argument->tensor.data = calloc((size_t)count, 8);
    else if (simplexirGpuAlloc(0, (uint64_t)count * 8,
                               &argument->tensor.data) ||
             simplexirGpuFill(0, argument->tensor.data, 0, (uint64_t)count * 8,
                              stream))
      return fail("memory");
    if (!argument->tensor.data)
      return 1;
  }
  return onGpu && simplexirGpuSynchronize(0, stream) ? fail("waiting") : 0;
}

/* 64 parameters of 64 bits, as a kernel with seven memrefs has. */
static int makeDriver(Driver *driver) {
  static char ptx[8192];
  int (*load)(void **, const void *);
  int (*getFunction)(void **, void *, const char *);
  int (*retain)(void **, int);
  int (*setCurrent)(void *);
  void *library = dlopen("libcuda.so.1", RTLD_NOW), *module, *context;
  size_t at;
  int i;
  if (!library)
    return 1;
  /* C has no cast from objects to functions; POSIX says that this works. */
  *(void **)&load = dlsym(library, "cuModuleLoadData");
  *(void **)&getFunction = dlsym(library, "cuModuleGetFunction");
  *(void **)&retain = dlsym(library, "cuDevicePrimaryCtxRetain");
  *(void **)&setCurrent = dlsym(library, "cuCtxSetCurrent");
  *(void **)&driver->launch = dlsym(library, "cuLaunchKernel");
  at = (size_t)sprintf(
      ptx, ".version 7.0\n.target sm_80\n.address_size 64\n.entry empty(\n");
  for (i = 0; i < MAX_WORDS; ++i) {
    at += (size_t)sprintf(ptx + at, ".param .u64 p%d%s\n", i,
                          i + 1 < MAX_WORDS ? "," : "");
    driver->words[i] = 0;
    driver->parameters[i] = &driver->words[i];
  }
  sprintf(ptx + at, ")\n{\nret;\n}\n");
  return retain(&context, 0) || setCurrent(context) || load(&module, ptx) ||
         getFunction(&driver->function, module, "empty");
}

int main(int argc, char **argv) {
  SimplexirArtifact *artifact = NULL;
  static Launch launch;
  static Driver driver;
  int launches = 20000, i;
  const char *name = NULL;
  if (argc < 2) {
    fprintf(stderr, "usage: simplexir-launch-overhead FILE.simplex [KERNEL] "
                    "[cpu | gpu] [LAUNCHES]\n");
    return 2;
  }
  for (i = 2; i < argc; ++i)
    if (strcmp(argv[i], "gpu") == 0 || strcmp(argv[i], "cpu") == 0)
      onGpu = argv[i][0] == 'g';
    else if (atoi(argv[i]) > 0)
      launches = atoi(argv[i]);
    else
      name = argv[i];
  if (simplexirArtifactLoadFile(argv[1], &artifact))
    return fail(argv[1]);
  if (!name)
    launch.kernel = simplexirArtifactKernelAt(artifact, 0);
  else if (simplexirArtifactGetKernel(artifact, name, &launch.kernel))
    return fail(name);
  if (onGpu && simplexirGpuStreamCreate(0, &stream))
    return fail("a stream");
  launch.options.structSize = sizeof(launch.options);
  launch.options.deviceType = onGpu ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
  launch.options.stream = stream;
  if (makeArguments(&launch) ||
      simplexirKernelPrepare(launch.kernel, &launch.options))
    return fail("set-up");
  printf("%s, %d launches\n", simplexirKernelName(launch.kernel), launches);
  if (!onGpu) {
    launch.options.numThreads = 1;
    if (measure("CPU, one thread", launchOurs, &launch, launches))
      return 1;
    launch.options.numThreads = 0;
    return measure("CPU, all threads", launchOurs, &launch, launches);
  }
  if (measure("GPU, explicit stream", launchOurs, &launch, launches))
    return 1;
  if (makeDriver(&driver)) {
    fprintf(stderr, "launch-overhead: the driver refuses the empty kernel\n");
    return 1;
  }
  if (measure("GPU, context is current", launchOurs, &launch, launches))
    return 1;
  launch.options.flags = SIMPLEXIR_LAUNCH_TRUSTS_ADDRESSES;
  if (measure("  and addresses are trusted", launchOurs, &launch, launches) ||
      measure("driver alone, 64 words", launchEmpty, &driver, launches) ||
      measure("driver alone, one buffer", launchEmptyBuffer, &driver, launches))
    return 1;
  launch.options.flags = 0;
  launch.options.stream = NULL;
  return measure("GPU, default stream", launchOurs, &launch, launches);
}
