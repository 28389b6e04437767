//===- KernelHarness.h - Compile and run CPU kernels ---------- -*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_CODEGEN_KERNELHARNESS_H
#define SIMPLEXIR_TEST_UNIT_CODEGEN_KERNELHARNESS_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// One attention to compile and run.
struct Problem {
  int order = 3;
  int64_t batch = 1, queries = 37, keysLength = 45, heads = 4, keyHeads = 2;
  int64_t dim = 64, valueDim = 64;
  std::string element = "f32", form = "multilinear";
  std::vector<int64_t> windows = {8, 0};
  bool bidirectional = false;
  double scale = 0;
  std::vector<double> keyBiases, valueBiases;
  /// Options of simplex-select-schedule.
  int64_t rows = 0, keys = 0, splits = 1;
  std::string chip = "native";
  /// Valid keys: [lo, hi), all if hi < 0. Query i stands at q0 + i.
  int64_t lo = 0, hi = -1, q0 = 0;
  bool positioned = false;

  int64_t getKeyCount() const { return order - 1; }
  std::string getIR() const;
};

/// A [batch, sequence, heads, dim] array, as doubles and as elements.
struct Array {
  Array(const std::string &element, std::vector<int64_t> shape);
  /// Rounds `values` to the element type, in both.
  void encode();
  void decode();
  int64_t getCount() const;
  double &at(int64_t b, int64_t s, int64_t h, int64_t d) {
    return values[((b * shape[1] + s) * shape[2] + h) * shape[3] + d];
  }

  std::string element;
  std::vector<int64_t> shape;
  std::vector<double> values;
  std::vector<char> bytes;
};

class Kernel {
public:
  /// Null, with `error`, if it cannot be compiled.
  static std::unique_ptr<Kernel> compile(const Problem &problem,
                                         std::string &error);
  ~Kernel();

  /// Arrays in argument order, the last two are the results.
  void run(const std::vector<Array *> &arrays,
           const std::vector<int64_t> &indices);
  int64_t getWorkspace() const { return workspace; }

  using Function = void (*)(const int64_t *, int64_t, int64_t, void *);

private:
  Kernel();
  struct Impl;
  std::unique_ptr<Impl> impl;
  int64_t workspace = 0;
  Function function = nullptr;
};

/// math.exp2 or math.log2 over an array.
class MathFunction {
public:
  static std::unique_ptr<MathFunction> compile(const std::string &name,
                                               const std::string &element,
                                               const std::string &chip,
                                               std::string &error);
  ~MathFunction();
  void run(const void *from, void *to, int64_t count);

private:
  MathFunction();
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// The operands (random numbers, rounded) and room for the results.
std::vector<Array> makeArrays(const Problem &problem);

/// Fills the last two arrays, out and lse, in double.
void computeReference(const Problem &problem, std::vector<Array *> arrays);

#endif // SIMPLEXIR_TEST_UNIT_CODEGEN_KERNELHARNESS_H
