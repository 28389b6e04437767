//===- OuterRows.h - How many outer keys a tile visits ----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TRANSFORMS_OUTERROWS_H
#define SIMPLEXIR_TRANSFORMS_OUTERROWS_H

#include <cstdint>
#include <limits>

namespace simplexir {

/// Rows of one outer key that --simplex-stage-rows keeps in shared memory, if
/// it is not told another number.
constexpr int64_t kMostOuterRows = 64;

/// Keys in the union of the windows of so many neighbouring queries; the
/// largest number where there is no bound.
inline int64_t getUnionLength(int64_t window, bool bidirectional,
                              int64_t queries) {
  constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();
  if (window <= 0 || window > (int64_t{1} << 30))
    return unlimited;
  return (bidirectional ? 2 * window - 1 : window) + queries - 1;
}

} // namespace simplexir

#endif // SIMPLEXIR_TRANSFORMS_OUTERROWS_H
