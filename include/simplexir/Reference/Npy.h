//===- Npy.h - NumPy array files --------------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_NPY_H
#define SIMPLEXIR_REFERENCE_NPY_H

#include "simplexir/Reference/Float.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace simplexir::reference {

/// A little-endian element type of a .npy file.
struct NpyType {
  /// 'f' (2, 4, 8 bytes), 'i' or 'u' (1, 2, 4, 8 bytes).
  char kind = 'f';
  int bytes = 4;

  bool operator==(const NpyType &other) const {
    return kind == other.kind && bytes == other.bytes;
  }
  /// As NumPy writes it: "<f4", "|u1".
  std::string str() const;
};

/// An array in row-major order. Elements stay the bits of the file.
struct NpyArray {
  NpyType type;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;

  size_t size() const { return bytes.size() / type.bytes; }
};

/// All functions below return an empty string, or a message that says what is
/// wrong. No input crashes them or makes them allocate more than a small
/// multiple of the bytes that are really there.

/// Parses a whole file: versions 1 to 3, C or Fortran order.
[[nodiscard]] std::string parseNpy(const uint8_t *data, size_t size,
                                   NpyArray &array);
/// The same from disk; messages begin with the path.
[[nodiscard]] std::string readNpy(const std::string &path, NpyArray &array);

/// Encodes as the oldest version that fits, in C order.
[[nodiscard]] std::string encodeNpy(const NpyArray &array,
                                    std::vector<uint8_t> &data);
[[nodiscard]] std::string writeNpy(const std::string &path,
                                   const NpyArray &array);

/// Elements as doubles. Integers beyond 2^53 round.
std::vector<double> toDoubles(const NpyArray &array);

/// An array of `type` from doubles, rounded once, ties to even. bf16 has no
/// NumPy type: bf16 and f16 results are written as f4, which holds them
/// exactly, so pass values that are already rounded. Integer types take whole
/// numbers.
[[nodiscard]] std::string fromDoubles(NpyType type, std::vector<int64_t> shape,
                                      const std::vector<double> &values,
                                      NpyArray &array);

/// The one element of an integer array of rank 0.
[[nodiscard]] std::string toIndex(const NpyArray &array, int64_t &index);

/// The product of the extents, or -1 where one is negative or it leaves int64.
int64_t countElements(const std::vector<int64_t> &shape);

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_NPY_H
