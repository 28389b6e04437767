//===- Compare.h - The accuracy contract ------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_COMPARE_H
#define SIMPLEXIR_REFERENCE_COMPARE_H

#include "simplexir/Reference/Attention.h"

namespace simplexir::reference {

/// One row of the contract's table.
struct Tolerance {
  /// Relative, in the Frobenius norm.
  double out;
  /// Absolute.
  double lse;
  /// Unit of the rounding that C and the probabilities may take; 0 for none.
  double u;
};
Tolerance getTolerance(ElementType type);

/// What a result with `keys` keys may differ by.
struct Bounds {
  double out = 0.0;
  /// [B, H, Sq]
  std::vector<double> lse;
};
Bounds getBounds(ElementType type, int keys, const Accuracy &accuracy);

struct Comparison {
  bool pass = false;
  /// Relative Frobenius error and its bound.
  double outError = 0.0, outBound = 0.0;
  /// The row whose lse error is the largest part of its bound.
  double lseError = 0.0, lseBound = 0.0;
  /// The largest relative error of one row of out, and where: information only,
  /// to find a few wrong rows that the norm of a big tensor would hide.
  double worstRowError = 0.0;
  std::array<int64_t, 3> worstRow = {0, 0, 0}; // b, h, i
  /// Why it failed: the first element that is NaN, infinite, or breaks an empty
  /// row, else the first lse beyond its bound, else out's norm and the element
  /// that is furthest off. Empty on success.
  std::string message;
};

/// Judges `out` and `lse` ([B, H, Sq]) against `expected`, which must hold its
/// accuracy. Empty rows must be exactly out 0 and lse -inf. An infinite element
/// passes only where the expected one rounds to it.
Comparison compare(ElementType type, int keys, const Result &expected,
                   const Tensor &out, const std::vector<double> &lse);

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_COMPARE_H
