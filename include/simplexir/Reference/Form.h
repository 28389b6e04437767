//===- Form.h - Forms as data -----------------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_FORM_H
#define SIMPLEXIR_REFERENCE_FORM_H

#include <cstdint>
#include <string>
#include <vector>

namespace simplexir::reference {

/// One product of a form: which component of its chunk each operand gives.
struct FormTerm {
  double coefficient = 1.0;
  /// One per operand: the query, then the keys in order.
  std::vector<int> rotations;
};

/// An n-linear form of a query x_0 and keys x_1 .. x_m:
///
///   F = sum over chunks l, terms t and components c of
///         coefficient[t] *
///         prod over operands o of x_o[chunk * l + (c + rotation[t][o]) %
///         chunk]
///
/// The D mod chunk dimensions left over (the tail) add their plain products.
struct FormSpec {
  std::string name;
  int chunk = 1;
  std::vector<FormTerm> terms;

  /// sum over d of q_d * k1_d * ... * km_d.
  static FormSpec multilinear(int keys);

  /// det[q; a; b] = sum over c of b_c (q_{c+1} a_{c+2} - q_{c+2} a_{c+1}),
  /// summed over 3-chunks.
  static FormSpec determinant();

  /// Says what is wrong with this form for `keys` keys of `dim` elements, or
  /// returns an empty string.
  [[nodiscard]] std::string verify(int keys, int64_t dim) const;

  /// The combiner C of all operands but the last key, F = <C, last key>,
  /// written to `combiner`[0 .. dim). `operands` are the query and keys 1 ..
  /// m-1. A last key that is itself rotated is brought to rotation 0 by
  /// renaming c.
  void combine(const std::vector<const double *> &operands, int64_t dim,
               double *combiner) const;

  /// |C|: the combiner of absolute values with its minus signs made plus. What
  /// the accuracy bounds measure rounding against.
  void combineMagnitudes(const std::vector<const double *> &operands,
                         int64_t dim, double *combiner) const;
};

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_FORM_H
