/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* Runs a kernel of a .simplex file on the CPU, from C99:
 *
 *   launch FILE.simplex [KERNEL [DIMENSION=SIZE ...]]
 *
 * It makes a tensor of ones for each tensor argument, all index arguments are
 * 0, and prints the first element of each output. Without a kernel it prints
 * what the file holds.
 */

/* posix_memalign */
#define _POSIX_C_SOURCE 200112L

#include <simplexir-runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGUMENTS 64

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, simplexirLastError());
  return 1;
}

static const char *const TypeNames[] = {"bf16", "f16", "f32", "f64"};
static const size_t TypeSizes[] = {2, 2, 4, 8};

static void describe(const SimplexirKernel *kernel) {
  size_t i;
  int d;
  printf("%s\n", simplexirKernelName(kernel));
  for (i = 0; i < simplexirKernelNumArguments(kernel); ++i) {
    SimplexirArgumentInfo info;
    info.structSize = sizeof(info);
    if (simplexirKernelArgumentInfo(kernel, i, &info) != SIMPLEXIR_OK)
      return;
    printf("  %s:", info.name);
    if (info.kind == SIMPLEXIR_INDEX) {
      printf(" index\n");
      continue;
    }
    for (d = 0; d < info.rank; ++d)
      if (info.dimNames[d])
        printf(" %s x", info.dimNames[d]);
      else
        printf(" %lld x", (long long)info.extents[d]);
    printf(" %s%s\n", TypeNames[info.dtype], info.isOutput ? " (output)" : "");
  }
}

/* The SIZE of `NAME=SIZE` on the command line, or 16. */
static int64_t sizeOf(const char *name, int argc, char **argv) {
  size_t length = strlen(name);
  int i;
  for (i = 3; i < argc; ++i)
    if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
      return strtoll(argv[i] + length + 1, NULL, 10);
  return 16;
}

/* Writes 1.0 to each element; as bits, because C has no bf16 and f16. */
static void fillWithOnes(void *data, int32_t type, int64_t count) {
  int64_t i;
  for (i = 0; i < count; ++i)
    switch (type) {
    case SIMPLEXIR_BF16:
      ((uint16_t *)data)[i] = 0x3f80;
      break;
    case SIMPLEXIR_F16:
      ((uint16_t *)data)[i] = 0x3c00;
      break;
    case SIMPLEXIR_F32:
      ((float *)data)[i] = 1.0f;
      break;
    case SIMPLEXIR_F64:
      ((double *)data)[i] = 1.0;
      break;
    }
}

static void printFirst(const char *name, const SimplexirTensor *tensor) {
  if (tensor->dtype == SIMPLEXIR_F32)
    printf("%s[0] = %g\n", name, *(const float *)tensor->data);
  else if (tensor->dtype == SIMPLEXIR_F64)
    printf("%s[0] = %g\n", name, *(const double *)tensor->data);
  else
    printf("%s[0] = 0x%04x\n", name, *(const uint16_t *)tensor->data);
}

static int64_t shapes[MAX_ARGUMENTS][SIMPLEXIR_MAX_RANK];
static int64_t strides[MAX_ARGUMENTS][SIMPLEXIR_MAX_RANK];

/* A new, dense, row-major tensor as the signature wants it. */
static int makeArgument(const SimplexirArgumentInfo *info, size_t index,
                        SimplexirArgument *argument, int argc, char **argv) {
  int64_t count = 1;
  size_t bytes;
  int d;
  memset(argument, 0, sizeof(*argument));
  argument->structSize = sizeof(*argument);
  argument->kind = info->kind;
  if (info->kind == SIMPLEXIR_INDEX)
    return 1;
  for (d = info->rank - 1; d >= 0; --d) {
    shapes[index][d] = info->dimNames[d] ? sizeOf(info->dimNames[d], argc, argv)
                                         : info->extents[d];
    strides[index][d] = count;
    count *= shapes[index][d];
  }
  argument->tensor.shape = shapes[index];
  argument->tensor.strides = strides[index];
  argument->tensor.rank = info->rank;
  argument->tensor.dtype = info->dtype;
  argument->tensor.deviceType = SIMPLEXIR_CPU;
  /* A page satisfies every alignment that a signature can ask for. */
  bytes = ((size_t)count * TypeSizes[info->dtype] / 4096 + 1) * 4096;
  if (posix_memalign(&argument->tensor.data, 4096, bytes) != 0)
    return 0;
  fillWithOnes(argument->tensor.data, info->dtype, count);
  return 1;
}

static int run(SimplexirKernel *kernel, int argc, char **argv) {
  SimplexirArgument arguments[MAX_ARGUMENTS];
  SimplexirArgumentInfo infos[MAX_ARGUMENTS];
  SimplexirLaunchOptions options;
  size_t i, count = simplexirKernelNumArguments(kernel);
  for (i = 0; i < count; ++i) {
    infos[i].structSize = sizeof(infos[i]);
    if (simplexirKernelArgumentInfo(kernel, i, &infos[i]) != SIMPLEXIR_OK)
      return fail("reading the signature");
    if (!makeArgument(&infos[i], i, &arguments[i], argc, argv)) {
      fprintf(stderr, "out of memory\n");
      return 1;
    }
  }

  memset(&options, 0, sizeof(options));
  options.structSize = sizeof(options);
  options.deviceType = SIMPLEXIR_CPU;
  if (simplexirKernelLaunch(kernel, arguments, count, &options) != SIMPLEXIR_OK)
    return fail("launch");

  for (i = 0; i < count; ++i) {
    if (infos[i].kind == SIMPLEXIR_TENSOR && infos[i].isOutput)
      printFirst(infos[i].name, &arguments[i].tensor);
    free(arguments[i].tensor.data);
  }
  return 0;
}

int main(int argc, char **argv) {
  SimplexirArtifact *artifact;
  SimplexirKernel *kernel;
  size_t i;
  int result = 0;
  if (argc < 2) {
    fprintf(stderr, "usage: %s FILE.simplex [KERNEL [DIMENSION=SIZE ...]]\n",
            argv[0]);
    return 1;
  }
  if (simplexirArtifactLoadFile(argv[1], &artifact) != SIMPLEXIR_OK)
    return fail("loading");
  if (argc == 2)
    for (i = 0; i < simplexirArtifactNumKernels(artifact); ++i)
      describe(simplexirArtifactKernelAt(artifact, i));
  else if (simplexirArtifactGetKernel(artifact, argv[2], &kernel) !=
           SIMPLEXIR_OK)
    result = fail("looking up the kernel");
  else
    result = run(kernel, argc, argv);
  simplexirArtifactDestroy(artifact);
  return result;
}
