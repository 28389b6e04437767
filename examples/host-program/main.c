/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* Calls the function of program.mlir, which was compiled to host code with its
 * kernels inside, and compares with loops:
 *
 *   main          the object was made for target=cpu
 *   main gpu      for target=gpu: buffers are GPU 0's
 *
 * README.md has the commands that make it.
 */

#include <simplexir-mgpu.h>
#include <simplexir-runtime.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 37, HEADS = 2, DIM = 8, WINDOW = 4, WINDOW1 = 3 };

static float x[LENGTH][HEADS][DIM], w[DIM][DIM], k[LENGTH][DIM], v[LENGTH][DIM];
static float out[LENGTH][HEADS][DIM], lse[HEADS][LENGTH];
static int onGpu;

/*===-- What the host code needs ------------------------------------------===*/

/* Its memory. cuMemFree waits for the GPU; a pool would not have to. */
void *_mlir_memref_to_llvm_alloc(uint64_t bytes) {
  return onGpu ? mgpuMemAlloc(bytes, NULL, 0) : malloc(bytes);
}
void _mlir_memref_to_llvm_free(void *pointer) {
  if (onGpu)
    mgpuMemFree(pointer, NULL);
  else
    free(pointer);
}

/* A memref of rank 4 as C sees it; those of rank 2 and 3 use less. */
typedef struct {
  void *allocated, *aligned;
  int64_t offset, sizesAndStrides[8];
} MemRef;
/* The results, one after the other. */
typedef struct {
  void *outAllocated, *out;
  int64_t outOffset, outSizes[4], outStrides[4];
  void *lseAllocated, *lse;
  int64_t lseOffset, lseSizes[3], lseStrides[3];
} Results;
/* The last argument of every function; --simplex-lower-launch says more. */
typedef struct {
  int32_t status, target;
  void *stream;
} HostContext;

void _mlir_ciface_program(Results *results, MemRef *x, MemRef *w, MemRef *k,
                          MemRef *v, HostContext *context);

/*===-- The call ----------------------------------------------------------===*/

static MemRef argument(void *data, size_t bytes, int rank,
                       const int64_t *sizes) {
  MemRef result;
  int i;
  memset(&result, 0, sizeof(result));
  result.allocated = result.aligned = data;
  if (onGpu) {
    result.allocated = result.aligned = mgpuMemAlloc(bytes, NULL, 0);
    mgpuMemcpy(result.aligned, data, bytes, NULL);
  }
  for (i = rank; i-- > 0;) {
    result.sizesAndStrides[i] = sizes[i];
    result.sizesAndStrides[rank + i] =
        i == rank - 1 ? 1 : result.sizesAndStrides[rank + i + 1] * sizes[i + 1];
  }
  return result;
}

/* 0 if all went well. */
static int run(void) {
  static const int64_t xSizes[] = {1, LENGTH, HEADS, DIM},
                       wSizes[] = {DIM, DIM}, kSizes[] = {1, LENGTH, 1, DIM};
  HostContext context = {SIMPLEXIR_OK, SIMPLEXIR_CPU, NULL};
  MemRef xs = argument(x, sizeof(x), 4, xSizes);
  MemRef ws = argument(w, sizeof(w), 2, wSizes);
  MemRef ks = argument(k, sizeof(k), 4, kSizes);
  MemRef vs = argument(v, sizeof(v), 4, kSizes);
  Results results;
  if (onGpu) {
    context.target = SIMPLEXIR_CUDA;
    context.stream = mgpuStreamCreate();
    mgpuStreamSynchronize(NULL); /* the copies */
  }
  if (simplexirMgpuTakeError(NULL) != SIMPLEXIR_OK)
    return 1;
  _mlir_ciface_program(&results, &xs, &ws, &ks, &vs, &context);
  if (context.status != SIMPLEXIR_OK) {
    fprintf(stderr, "not computed: %s: %s\n",
            simplexirStatusName(context.status), simplexirLastError());
    return 1;
  }
  if (onGpu) {
    mgpuMemcpy(out, results.out, sizeof(out), context.stream);
    mgpuMemcpy(lse, results.lse, sizeof(lse), context.stream);
    mgpuStreamSynchronize(context.stream);
    mgpuStreamDestroy(context.stream);
    _mlir_memref_to_llvm_free(xs.allocated);
    _mlir_memref_to_llvm_free(ws.allocated);
    _mlir_memref_to_llvm_free(ks.allocated);
    _mlir_memref_to_llvm_free(vs.allocated);
  } else {
    memcpy(out, results.out, sizeof(out));
    memcpy(lse, results.lse, sizeof(lse));
  }
  _mlir_memref_to_llvm_free(results.outAllocated);
  _mlir_memref_to_llvm_free(results.lseAllocated);
  return simplexirMgpuTakeError(NULL) != SIMPLEXIR_OK;
}

/*===-- The same in loops -------------------------------------------------===*/

static double dot(const double *a, const float *b, const float *c) {
  double sum = 0;
  int d;
  for (d = 0; d < DIM; ++d)
    sum += a[d] * b[d] * (c ? c[d] : 1.0);
  return sum / sqrt((double)DIM);
}

/* The attention over one key; returns its lse. */
static double attend(int i, const double *query, double *result) {
  double total = 0, p;
  int j, d;
  memset(result, 0, DIM * sizeof(double));
  for (j = i < WINDOW ? 0 : i - WINDOW + 1; j <= i; ++j) {
    total += p = exp(dot(query, k[j], NULL));
    for (d = 0; d < DIM; ++d)
      result[d] += p * v[j][d];
  }
  for (d = 0; d < DIM; ++d)
    result[d] /= total;
  return log(total);
}

/* The one over two keys. */
static double attendPairs(int i, const double *query, double *result) {
  double total = 0, p;
  int j1, j2, d;
  memset(result, 0, DIM * sizeof(double));
  for (j1 = i < WINDOW1 ? 0 : i - WINDOW1 + 1; j1 <= i; ++j1)
    for (j2 = 0; j2 <= i; ++j2) {
      total += p = exp(dot(query, k[j1], v[j2]));
      for (d = 0; d < DIM; ++d)
        result[d] += p * v[j1][d] * k[j2][d];
    }
  for (d = 0; d < DIM; ++d)
    result[d] /= total;
  return log(total);
}

/* The largest difference. */
static double compare(void) {
  double worst = 0, query[DIM], first[DIM], second[DIM], both;
  int i, h, d, e;
  for (i = 0; i < LENGTH; ++i)
    for (h = 0; h < HEADS; ++h) {
      for (d = 0; d < DIM; ++d)
        for (query[d] = 0, e = 0; e < DIM; ++e)
          query[d] += 0.5 * x[i][h][e] * w[e][d];
      both = attend(i, query, first);
      for (d = 0; d < DIM; ++d)
        first[d] += x[i][h][d];
      both += attendPairs(i, first, second);
      for (d = 0; d < DIM; ++d)
        worst =
            fmax(worst, fabs(second[d] / (1 + exp(-second[d])) - out[i][h][d]));
      worst = fmax(worst, fabs(both - lse[h][i]));
    }
  return worst;
}

static void fill(float *data, size_t count, unsigned seed) {
  size_t i;
  for (i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = (float)(int)(seed >> 8 & 0xffff) / 32768.0f - 1.0f;
  }
}

int main(int argc, char **argv) {
  double error;
  onGpu = argc > 1 && strcmp(argv[1], "gpu") == 0;
  fill(&x[0][0][0], sizeof(x) / sizeof(float), 1);
  fill(&w[0][0], sizeof(w) / sizeof(float), 2);
  fill(&k[0][0], sizeof(k) / sizeof(float), 3);
  fill(&v[0][0], sizeof(v) / sizeof(float), 4);
  /* Twice: what the first call loads is there for the second. */
  if (run() || run())
    return 1;
  error = compare();
  printf("largest difference from the loops: %.1e\n", error);
  return error < 1e-5 ? 0 : 1;
}
