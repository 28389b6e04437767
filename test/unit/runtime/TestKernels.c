/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* Grid functions as the compiler makes them, in C. Between them they need
 * every relocation that the loader knows. */

#include <stdint.h>
#include <string.h>

float exp2f(float);

/* Default visibility: reached through the GOT in position-independent code. */
float simplexTestBias = 0.5f;
static const float first = 1.0f, second = 2.0f;
/* Needs a 64-bit relocation in data. */
static const float *const table[2] = {&first, &second};

/* scale(input f32[rows, cols], output f32[rows, cols], power index): output =
 * input * 2^power + bias; one work item is 4 rows. The workspace takes a row.
 */
void scale(const int64_t *words, int64_t begin, int64_t end, void *workspace) {
  const float *input = (const float *)words[1];
  float *output = (float *)words[8];
  int64_t rows = words[3], cols = words[4];
  int64_t inputStride = words[5], outputStride = words[12];
  float factor = exp2f((float)words[14]);
  for (int64_t row = begin * 4; row < end * 4 && row < rows; ++row) {
    float *buffer = workspace;
    memcpy(buffer, input + row * inputStride, (size_t)cols * sizeof(float));
    for (int64_t col = 0; col < cols; ++col)
      buffer[col] = buffer[col] * factor + simplexTestBias;
    memcpy(output + row * outputStride, buffer, (size_t)cols * sizeof(float));
  }
}

/* count(counts f64[items]): adds 1 to each; one work item is one element. */
void count(const int64_t *words, int64_t begin, int64_t end, void *workspace) {
  double *counts = (double *)words[1];
  (void)workspace;
  for (int64_t item = begin; item < end; ++item)
    counts[item] += *table[0];
}

/* Jump tables and tables of pointers. */
float simplexTestPick(int which) { return *table[which & 1]; }

static float zeroed[1024];
float *simplexTestZeroed(void) { return zeroed; }
