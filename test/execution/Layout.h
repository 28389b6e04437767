//===- Layout.h - How the arrays of a launch lie in memory ----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_EXECUTION_LAYOUT_H
#define SIMPLEXIR_TEST_EXECUTION_LAYOUT_H

#include "Arrays.h"

namespace simplexir::sweep {

/// How arrays lie in memory: `offset` elements before the first, gaps after
/// each row and each position, and the sequence backwards.
struct Layout {
  int64_t offset = 0, rowGap = 0, positionGap = 0;
  bool backwards = false;

  bool isPacked() const {
    return !offset && !rowGap && !positionGap && !backwards;
  }
};

/// An array of a shape in a layout.
struct Placement {
  Placement(llvm::ArrayRef<int64_t> shape, const Layout &layout);
  /// Elements of the buffer, and the index of the first.
  int64_t size = 0, first = 0;
  std::vector<int64_t> shape, strides;
};

/// The bytes of an array in its layout; gaps are NaN.
std::vector<uint8_t> scatter(const run::Value &value,
                             const Placement &placement);

/// The other way round, into a value that has its type; false if something was
/// written into a gap.
bool gather(llvm::ArrayRef<uint8_t> bytes, const Placement &placement,
            run::Value &value);

/// Packed, aligned to rows of 16 bytes, and every way not to be.
Layout chooseLayout(size_t index);
constexpr size_t kNumLayouts = 8;

} // namespace simplexir::sweep

#endif // SIMPLEXIR_TEST_EXECUTION_LAYOUT_H
