//===- KernelTest.cpp - CPU kernels against double loops ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

/// C of one query and outer keys, times the last key.
static double evaluateForm(const Problem &p,
                           const std::vector<const double *> &x) {
  double sum = 0;
  int64_t begin = 0;
  if (p.form == "determinant")
    for (; begin + 3 <= p.dim; begin += 3) {
      const double *a = x[0] + begin, *b = x[1] + begin, *c = x[2] + begin;
      sum += (a[1] * b[2] - a[2] * b[1]) * c[0] +
             (a[2] * b[0] - a[0] * b[2]) * c[1] +
             (a[0] * b[1] - a[1] * b[0]) * c[2];
    }
  for (int64_t d = begin; d < p.dim; ++d) {
    double product = 1;
    for (const double *operand : x)
      product *= operand[d];
    sum += product;
  }
  return sum;
}

void computeReference(const Problem &p, std::vector<Array *> arrays) {
  int64_t m = p.getKeyCount();
  Array &q = *arrays[0], &out = *arrays[2 * m + 1], &lse = *arrays[2 * m + 2];
  double scale = p.scale != 0 ? p.scale : 1 / std::sqrt(p.dim);
  int64_t q0 = p.positioned ? p.q0 : p.keysLength - p.queries;
  int64_t hi = p.positioned ? p.hi : p.keysLength;
  std::vector<std::vector<double>> key(m, std::vector<double>(p.dim));
  std::vector<const double *> x(m + 1);
  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t i = 0; i < p.queries; ++i)
      for (int64_t h = 0; h < p.heads; ++h) {
        int64_t g = h / (p.heads / p.keyHeads);
        std::vector<double> acc(p.valueDim, 0.0);
        double maximum = -std::numeric_limits<double>::infinity(), sum = 0;
        std::vector<int64_t> j(m);
        x[0] = &q.at(b, i, h, 0);
        std::function<void(int64_t)> visit = [&](int64_t o) {
          if (o < m) {
            for (j[o] = p.lo; j[o] < hi; ++j[o]) {
              int64_t distance = q0 + i - j[o], w = p.windows[o];
              bool in = p.bidirectional ? !w || std::abs(distance) < w
                                        : distance >= 0 && (!w || distance < w);
              if (!in)
                continue;
              for (int64_t d = 0; d < p.dim; ++d)
                key[o][d] = arrays[1 + o]->at(b, j[o], g, d) +
                            (p.keyBiases.empty() ? 0 : p.keyBiases[o]);
              x[o + 1] = key[o].data();
              visit(o + 1);
            }
            return;
          }
          double logit = scale * evaluateForm(p, x);
          double next = std::max(maximum, logit);
          double decay = std::exp(maximum - next),
                 weight = std::exp(logit - next);
          maximum = next;
          sum = sum * decay + weight;
          for (int64_t d = 0; d < p.valueDim; ++d) {
            double value = weight;
            for (int64_t o = 0; o < m; ++o)
              value *= arrays[1 + m + o]->at(b, j[o], g, d) +
                       (p.valueBiases.empty() ? 0 : p.valueBiases[o]);
            acc[d] = acc[d] * decay + value;
          }
        };
        visit(0);
        for (int64_t d = 0; d < p.valueDim; ++d)
          out.at(b, i, h, d) = sum == 0 ? 0 : acc[d] / sum;
        lse.values[(b * p.heads + h) * p.queries + i] = maximum + std::log(sum);
      }
}

static std::vector<Array> makeArrays(const Problem &p) {
  std::vector<Array> arrays;
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  auto add = [&](const std::string &element, std::vector<int64_t> shape) {
    arrays.emplace_back(element, shape);
    for (double &value : arrays.back().values)
      value = normal(random);
    arrays.back().encode();
  };
  add(p.element, {p.batch, p.queries, p.heads, p.dim});
  for (int64_t i = 0; i < p.getKeyCount(); ++i)
    add(p.element, {p.batch, p.keysLength, p.keyHeads, p.dim});
  for (int64_t i = 0; i < p.getKeyCount(); ++i)
    add(p.element, {p.batch, p.keysLength, p.keyHeads, p.valueDim});
  add(p.element, {p.batch, p.queries, p.heads, p.valueDim});
  add(p.element == "f64" ? "f64" : "f32", {p.batch, p.heads, p.queries});
  return arrays;
}

static bool check(const Problem &p, const char *name) {
  std::string error;
  auto kernel = Kernel::compile(p, error);
  if (!kernel) {
    std::printf("FAIL %s: %s\n", name, error.c_str());
    return false;
  }
  std::vector<Array> arrays = makeArrays(p), expected = arrays;
  std::vector<Array *> actualPointers, expectedPointers;
  for (Array &array : arrays)
    actualPointers.push_back(&array);
  for (Array &array : expected)
    expectedPointers.push_back(&array);
  std::vector<int64_t> indices;
  if (p.positioned)
    indices = {p.q0, 0, p.lo, p.hi};
  kernel->run(actualPointers, indices);
  computeReference(p, expectedPointers);
  Array &out = arrays[arrays.size() - 2], &lse = arrays.back();
  out.decode();
  lse.decode();
  const Array &outWant = expected[arrays.size() - 2],
              &lseWant = expected.back();
  double difference = 0, norm = 0, lseError = 0;
  for (size_t i = 0; i < out.values.size(); ++i) {
    difference += std::pow(out.values[i] - outWant.values[i], 2);
    norm += std::pow(outWant.values[i], 2);
  }
  for (size_t i = 0; i < lse.values.size(); ++i)
    if (lse.values[i] != lseWant.values[i])
      lseError =
          std::max(lseError, std::abs(lse.values[i] - lseWant.values[i]));
  double outError =
      norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
  double outBound = 1e-5, lseBound = 1e-4;
  if (p.element == "f64")
    outBound = 1e-11, lseBound = 1e-9;
  if (p.element == "bf16")
    outBound = 1e-2, lseBound = 5e-3;
  if (p.element == "f16")
    outBound = 2e-3, lseBound = 2e-3;
  // Large logits lose digits (docs: Accuracy).
  double largest = 16;
  for (double value : lseWant.values)
    if (std::isfinite(value))
      largest = std::max(largest, std::abs(value));
  outBound *= largest / 16;
  lseBound *= largest / 16;
  bool ok = outError <= outBound && lseError <= lseBound;
  std::printf("%s %s: out %.2e lse %.2e, workspace %lld\n",
              ok ? "ok  " : "FAIL", name, outError, lseError,
              (long long)kernel->getWorkspace());
  return ok;
}

static int64_t countTuples(const Problem &p) {
  int64_t total = 0, q0 = p.keysLength - p.queries;
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
    auto start = std::chrono::steady_clock::now();
    kernel->run(pointers, {});
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
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
    auto start = std::chrono::steady_clock::now();
    const int64_t steps = 4000000;
    for (int64_t s = 0; s < steps; ++s) {
#define STEP(I)                                                                \
  asm volatile("vfmadd213ps %2, %1, %0" : "+v"(acc[I]) : "v"(a), "v"(b));
      STEP(0)
      STEP(1)
      STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10)
          STEP(11)
#undef STEP
    }
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    best = std::max(best, steps * 12 * 32 / seconds.count() * 1e-9);
  }
  return best;
}

static int runBenchmarks() {
  if (!__builtin_cpu_supports("avx512f")) {
    std::printf("no AVX-512\n");
    return 0;
  }
  double peak = measurePeak();
  std::printf("FMA peak of a core: %.1f GFLOP/s\n", peak);
  Problem p;
  p.queries = p.keysLength = 512;
  p.windows = {32, 256};
  p.heads = 4;
  p.keyHeads = 1;
  for (const char *chip : {"x86-64-v4", "x86-64-v3"}) {
    p.chip = chip;
    for (const char *element : {"f32", "bf16"}) {
      p.element = element;
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
  p.chip = "x86-64-v4";
  p.element = "f32";
  p.dim = p.valueDim = 64;
  for (int64_t rows : {8, 32, 64}) {
    p.rows = rows;
    bench(p, ("n=2 f32 D64 rows " + std::to_string(rows)).c_str(), peak);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1 && !std::strcmp(argv[1], "--bench"))
    return runBenchmarks();
  bool ok = true;
  const char *levels[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4"};
  int supported = __builtin_cpu_supports("avx512f") ? 3
                  : __builtin_cpu_supports("avx2")  ? 2
                                                    : 1;
  for (int level = 0; level < supported; ++level) {
    Problem base;
    base.chip = levels[level];
    auto test = [&](const char *name, std::function<void(Problem &)> change) {
      Problem p = base;
      change(p);
      ok &= check(p, (std::string(name) + " " + levels[level]).c_str());
    };
    test("n=3", [](Problem &) {});
    test("n=3 D96", [](Problem &p) { p.dim = p.valueDim = 96; });
    test("n=3 D7 Dv5", [](Problem &p) { p.dim = 7, p.valueDim = 5; });
    test("n=3 D128 rows 6",
         [](Problem &p) { p.dim = p.valueDim = 128, p.rows = 6, p.keys = 40; });
    test("n=2", [](Problem &p) { p.order = 2, p.windows = {0}; });
    test("n=2 bidirectional splits", [](Problem &p) {
      p.order = 2, p.windows = {11}, p.bidirectional = true;
      p.splits = 3, p.keys = 8;
    });
    test("n=4 D32", [](Problem &p) {
      p.order = 4, p.windows = {3, 4, 9}, p.dim = 32, p.valueDim = 48;
    });
    test("n=3 splits 2", [](Problem &p) { p.splits = 2; });
    test("determinant D7",
         [](Problem &p) { p.form = "determinant", p.dim = 7, p.scale = -0.5; });
    test("determinant D128",
         [](Problem &p) { p.form = "determinant", p.dim = 128; });
    test("biases", [](Problem &p) {
      p.keyBiases = {0.25, -0.5}, p.valueBiases = {1, 0.125};
    });
    test("f64", [](Problem &p) { p.element = "f64"; });
    test("f64 determinant D7", [](Problem &p) {
      p.element = "f64", p.form = "determinant", p.dim = 7;
    });
    test("bf16", [](Problem &p) { p.element = "bf16"; });
    test("bf16 D7",
         [](Problem &p) { p.element = "bf16", p.dim = 7, p.valueDim = 9; });
    if (level > 0)
      test("f16 D40",
           [](Problem &p) { p.element = "f16", p.dim = 40, p.valueDim = 24; });
    test("empty rows", [](Problem &p) {
      p.positioned = true, p.lo = 10, p.hi = 21, p.q0 = 0;
    });
    test("large scale", [](Problem &p) { p.scale = 40; });
    test("batch, one query", [](Problem &p) { p.batch = 3, p.queries = 1; });
  }
  return ok ? 0 : 1;
}
