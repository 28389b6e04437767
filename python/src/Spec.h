//===- Spec.h - What a kernel is compiled for -------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_SPEC_H
#define SIMPLEXIR_PYTHON_SPEC_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace simplexir::python {

/// The most keys of an attention: n = 5.
constexpr int maxKeys = 4;

/// Forms, in the order of `formNames`.
constexpr const char *formNames[] = {"multilinear", "determinant"};

/// All that a kernel depends on: static shapes and attributes, element type and
/// chip; batch and lengths are not among it. Compared byte by byte, so it is
/// made of 8-byte fields, and what is not used is 0.
struct Spec {
  int64_t dtype; // SimplexirDType
  int64_t form;
  int64_t numKeys;
  int64_t heads, keyHeads, dim, valueDim;
  int64_t windows[maxKeys];
  int64_t bidirectional;
  int64_t hasPositions, hasKeyRange;
  int64_t hasScale, hasKeyBiases, hasValueBiases;
  double scale;
  double keyBiases[maxKeys], valueBiases[maxKeys];
  /// SimplexirDeviceType; for a GPU, its compute capability (90 is 9.0).
  int64_t deviceType, capability;

  Spec() { std::memset(this, 0, sizeof(*this)); }
  bool operator==(const Spec &other) const {
    // Doubles by their bits: 0.0 and -0.0 are two scales.
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    return std::memcmp(this, &other, sizeof(*this)) == 0;
  }
};

/// FNV-1a over the words.
struct SpecHash {
  size_t operator()(const Spec &spec) const {
    uint64_t words[sizeof(Spec) / 8], hash = 0xcbf29ce484222325;
    std::memcpy(words, &spec, sizeof(spec));
    for (uint64_t word : words)
      hash = (hash ^ (word ^ word >> 32)) * 0x100000001b3;
    return hash;
  }
};

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_SPEC_H
