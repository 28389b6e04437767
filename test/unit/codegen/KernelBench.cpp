//===- KernelBench.cpp - CPU kernels against the FMA peak -----------------===//
//------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>

/// CPU time of this thread: the machine may be shared.
static double getSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

static int64_t countTuples(const Problem &p) {
  int64_t total = 0, q0 = p.keysLength - p.queries;
  if (p.bidirectional)
    return int64_t(std::pow(p.keysLength, p.getKeyCount())) * p.queries *
           p.heads * p.batch;
  for (int64_t i = 0; i < p.queries; ++i) {
    int64_t tuples = 1, last = q0 + i;
    for (int64_t w : p.windows)
      tuples *= w ? std::min(w, last + 1) : last + 1;
    total += tuples;
  }
  return total * p.heads * p.batch;
}

static void bench(Problem p, const char *name, double peak) {
  std::string error;
  auto kernel = Kernel::compile(p, error);
  if (!kernel) {
    std::printf("FAIL %s: %s\n", name, error.c_str());
    return;
  }
  std::vector<Array> arrays = makeArrays(p);
  std::vector<Array *> pointers;
  for (Array &array : arrays)
    pointers.push_back(&array);
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    double start = getSeconds();
    kernel->run(pointers, {});
    best = std::min(best, getSeconds() - start);
  }
  double rate = 2.0 * (p.dim + p.valueDim) * countTuples(p) / best * 1e-9;
  std::printf("%-28s %8.2f ms %8.1f GFLOP/s %5.1f%% of peak\n", name,
              best * 1e3, rate, 100 * rate / peak);
}

using Vector = float __attribute__((vector_size(64)));

/// FMA peak of one core in f32, GFLOP/s.
__attribute__((target("avx512f"), noinline)) static double measurePeak() {
  Vector acc[12] = {}, a, b;
  for (int i = 0; i < 16; ++i)
    a[i] = 1.0f - i * 1e-7f, b[i] = 1e-9f;
  double best = 0;
  for (int trial = 0; trial < 5; ++trial) {
    double start = getSeconds();
    const int64_t steps = 4000000;
    for (int64_t s = 0; s < steps; ++s) {
#define STEP(I)                                                                \
  asm volatile("vfmadd213ps %2, %1, %0" : "+v"(acc[I]) : "v"(a), "v"(b));
      STEP(0)
      STEP(1)
      STEP(2)
      STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11)
#undef STEP
    }
    best = std::max(best, steps * 12 * 32 / (getSeconds() - start) * 1e-9);
  }
  return best;
}

int main(int argc, char **argv) {
  if (!__builtin_cpu_supports("avx512f")) {
    std::printf("no AVX-512\n");
    return 0;
  }
  double peak = measurePeak();
  std::printf("FMA peak of a core: %.1f GFLOP/s\n", peak);
  if (argc > 1 && !std::strcmp(argv[1], "--peak"))
    return 0;
  Problem dense;
  dense.queries = dense.keysLength = 128;
  dense.windows = {0, 0};
  dense.bidirectional = true;
  dense.keys = 128;
  for (int64_t dim : {64, 128})
    for (int64_t rows : {4, 8, 16, 32, 64}) {
      dense.dim = dense.valueDim = dim;
      dense.rows = rows;
      dense.keyHeads = 4;
      bench(dense,
            ("n=3 f32, no mask, D" + std::to_string(dim) + " rows " +
             std::to_string(rows))
                .c_str(),
            peak);
    }
  Problem p;
  p.queries = p.keysLength = 512;
  p.windows = {32, 256};
  p.heads = 4;
  p.keyHeads = 1;
  bool hasDotBF16 = __builtin_cpu_supports("avx512bf16");
  for (const char *chip : {"x86-64-v4", "x86-64-v4-bf16", "x86-64-v3"}) {
    p.chip = chip;
    bool dotBF16 = p.chip == "x86-64-v4-bf16";
    if (dotBF16 && !hasDotBF16)
      continue;
    for (const char *element : {"f32", "bf16"}) {
      p.element = element;
      if (dotBF16 && p.element != "bf16")
        continue;
      for (int64_t dim : {64, 128}) {
        p.dim = p.valueDim = dim;
        for (int64_t rows : {8, 16, 32}) {
          p.rows = rows;
          p.keys = 128;
          std::string name = "n=3 " + p.element + " D" + std::to_string(dim) +
                             " rows " + std::to_string(rows) + " " + (chip + 7);
          bench(p, name.c_str(), peak);
        }
      }
    }
  }
  p.order = 2;
  p.windows = {0};
  p.queries = p.keysLength = 2048;
  p.dim = p.valueDim = 64;
  const std::pair<const char *, const char *> kinds[] = {
      {"f32", "x86-64-v4"}, {"bf16", "x86-64-v4"}, {"bf16", "x86-64-v4-bf16"}};
  for (auto [element, chip] : kinds) {
    p.element = element;
    p.chip = chip;
    if (p.chip == "x86-64-v4-bf16" && !hasDotBF16)
      continue;
    for (int64_t rows : {8, 32, 64}) {
      p.rows = rows;
      bench(p,
            ("n=2 " + p.element + " D64 rows " + std::to_string(rows) + " " +
             p.chip.substr(7))
                .c_str(),
            peak);
    }
  }
  return 0;
}
