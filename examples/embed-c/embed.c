/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* Trilinear attention in a C program, with no file and no other tool:
 *
 *   embed [CHIP]
 *
 * describes the operation, asks whether it can be compiled for the chip (by
 * default this machine's processor), compiles it, loads the artifact from
 * memory, launches its kernel on the CPU, and compares with a loop over all
 * pairs of keys.
 */

#include <simplexir-c/Compiler.h>
#include <simplexir-runtime.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One batch, LENGTH queries of HEADS heads, as many keys of one head. */
enum { LENGTH = 24, HEADS = 2, DIM = 16, WINDOW1 = 4, WINDOW2 = 8 };

static float query[LENGTH][HEADS][DIM], out[LENGTH][HEADS][DIM];
static float keys[2][LENGTH][DIM], values[2][LENGTH][DIM];
static float lse[HEADS][LENGTH];

/* Numbers in [-1, 1), the same on every machine. */
static void fill(float *data, size_t count, unsigned seed) {
  size_t i;
  for (i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = (float)(int)(seed >> 8 & 0xffff) / 32768.0f - 1.0f;
  }
}

/* What a module would say as
 *
 *   %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
 *       form multilinear windows [4, 8] : (tensor<?x?x2x16xf32>, ...
 */
static SimplexirAttention describe(void) {
  static const int64_t windows[] = {WINDOW1, WINDOW2};
  SimplexirAttention attention;
  memset(&attention, 0, sizeof(attention));
  attention.structSize = sizeof(attention);
  attention.name = "attend";
  attention.arity = 3;
  attention.elementType = SIMPLEXIR_ELEMENT_F32;
  attention.heads = HEADS;
  attention.keyHeads = 1;
  attention.headDim = DIM;
  attention.valueDim = DIM;
  attention.windows = windows;
  return attention;
}

/* The outcome of a successful compilation, or NULL. */
static SimplexirOutcome *compile(const char *chip) {
  SimplexirCompiler *compiler;
  SimplexirOutcome *outcome = NULL;
  SimplexirAttention attention = describe();
  SimplexirCompileOptions options;
  SimplexirCompilerStatus status = simplexirCompilerCreate(&compiler);
  if (status != SIMPLEXIR_COMPILER_OK) {
    fprintf(stderr, "no compiler: %s\n", simplexirCompilerStatusName(status));
    return NULL;
  }
  memset(&options, 0, sizeof(options));
  options.structSize = sizeof(options);
  options.chips = &chip;
  options.numChips = 1;

  /* Not needed before compiling, which says the same; it takes less time. */
  status =
      simplexirCompilerCheckAttention(compiler, &attention, &options, &outcome);
  if (status == SIMPLEXIR_COMPILER_OK) {
    simplexirOutcomeDestroy(outcome);
    status = simplexirCompilerCompileAttention(compiler, &attention, &options,
                                               &outcome);
  }
  simplexirCompilerDestroy(compiler);
  fputs(simplexirOutcomeText(outcome), stderr);
  if (status == SIMPLEXIR_COMPILER_OK)
    return outcome;
  fprintf(stderr, "not compiled for %s: %s\n", chip,
          simplexirCompilerStatusName(status));
  simplexirOutcomeDestroy(outcome);
  return NULL;
}

static const int64_t queryShape[] = {1, LENGTH, HEADS, DIM};
static const int64_t queryStrides[] = {LENGTH * HEADS * DIM, HEADS *DIM, DIM,
                                       1};
static const int64_t keyShape[] = {1, LENGTH, 1, DIM};
static const int64_t keyStrides[] = {LENGTH * DIM, DIM, DIM, 1};
static const int64_t lseShape[] = {1, HEADS, LENGTH};
static const int64_t lseStrides[] = {HEADS * LENGTH, LENGTH, 1};

static SimplexirArgument argument(void *data, int32_t rank,
                                  const int64_t *shape,
                                  const int64_t *strides) {
  SimplexirArgument result;
  memset(&result, 0, sizeof(result));
  result.structSize = sizeof(result);
  result.kind = SIMPLEXIR_TENSOR;
  result.tensor.data = data;
  result.tensor.shape = shape;
  result.tensor.strides = strides;
  result.tensor.rank = rank;
  result.tensor.dtype = SIMPLEXIR_F32;
  result.tensor.deviceType = SIMPLEXIR_CPU;
  return result;
}

static int launch(const void *artifactBytes, size_t size) {
  SimplexirArtifact *artifact = NULL;
  SimplexirKernel *kernel;
  SimplexirArgument arguments[7];
  SimplexirStatus status;
  arguments[0] = argument(query, 4, queryShape, queryStrides);
  arguments[1] = argument(keys[0], 4, keyShape, keyStrides);
  arguments[2] = argument(keys[1], 4, keyShape, keyStrides);
  arguments[3] = argument(values[0], 4, keyShape, keyStrides);
  arguments[4] = argument(values[1], 4, keyShape, keyStrides);
  arguments[5] = argument(out, 4, queryShape, queryStrides);
  arguments[6] = argument(lse, 3, lseShape, lseStrides);
  status = simplexirArtifactLoadMemory(artifactBytes, size, &artifact);
  if (status == SIMPLEXIR_OK)
    status = simplexirArtifactGetKernel(artifact, "attend", &kernel);
  if (status == SIMPLEXIR_OK)
    status = simplexirKernelLaunch(kernel, arguments, 7, NULL);
  if (status != SIMPLEXIR_OK)
    fprintf(stderr, "not launched: %s\n", simplexirLastError());
  simplexirArtifactDestroy(artifact);
  return status == SIMPLEXIR_OK;
}

static double logitOf(int i, int h, int j1, int j2) {
  double sum = 0;
  int d;
  for (d = 0; d < DIM; ++d)
    sum += (double)query[i][h][d] * keys[0][j1][d] * keys[1][j2][d];
  return sum / sqrt((double)DIM);
}

/* The largest difference between the kernel's results and a plain loop. */
static double compare(void) {
  double worst = 0;
  int i, h, j1, j2, d;
  for (i = 0; i < LENGTH; ++i)
    for (h = 0; h < HEADS; ++h) {
      double total = 0, sums[DIM] = {0};
      for (j1 = i < WINDOW1 ? 0 : i - WINDOW1 + 1; j1 <= i; ++j1)
        for (j2 = i < WINDOW2 ? 0 : i - WINDOW2 + 1; j2 <= i; ++j2) {
          double p = exp(logitOf(i, h, j1, j2));
          total += p;
          for (d = 0; d < DIM; ++d)
            sums[d] += p * values[0][j1][d] * values[1][j2][d];
        }
      for (d = 0; d < DIM; ++d)
        worst = fmax(worst, fabs(sums[d] / total - out[i][h][d]));
      worst = fmax(worst, fabs(log(total) - lse[h][i]));
    }
  return worst;
}

int main(int argc, char **argv) {
  const void *bytes;
  size_t size;
  int launched;
  double error;
  SimplexirOutcome *outcome = compile(argc > 1 ? argv[1] : "native");
  if (!outcome)
    return 1;
  simplexirOutcomeArtifact(outcome, &bytes, &size);
  fill(&query[0][0][0], sizeof(query) / sizeof(float), 1);
  fill(&keys[0][0][0], sizeof(keys) / sizeof(float), 2);
  fill(&values[0][0][0], sizeof(values) / sizeof(float), 3);
  launched = launch(bytes, size);
  simplexirOutcomeDestroy(outcome);
  if (!launched)
    return 1;
  error = compare();
  printf("largest difference from the loop: %.1e\n", error);
  return error < 1e-5 ? 0 : 1;
}
