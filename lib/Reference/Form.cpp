//===- Form.cpp - Forms as data -------------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Form.h"

#include <cmath>

using namespace simplexir::reference;

FormSpec FormSpec::multilinear(int keys) {
  FormSpec form;
  form.name = "multilinear";
  form.chunk = 1;
  form.terms.push_back({1.0, std::vector<int>(keys + 1, 0)});
  return form;
}

FormSpec FormSpec::determinant() {
  FormSpec form;
  form.name = "determinant";
  form.chunk = 3;
  form.terms.push_back({1.0, {1, 2, 0}});
  form.terms.push_back({-1.0, {2, 1, 0}});
  return form;
}

std::string FormSpec::verify(int keys, int64_t dim) const {
  if (chunk < 1)
    return "form '" + name + "' has chunk " + std::to_string(chunk) +
           ", expected at least 1";
  if (terms.empty())
    return "form '" + name + "' has no terms";
  if (dim < chunk)
    return "form '" + name + "' needs a head dim of at least " +
           std::to_string(chunk) + ", found " + std::to_string(dim);
  for (const FormTerm &term : terms) {
    if (!std::isfinite(term.coefficient))
      return "form '" + name + "' has a non-finite coefficient";
    if (term.rotations.size() != static_cast<size_t>(keys) + 1)
      return "form '" + name + "' takes " +
             std::to_string(static_cast<int64_t>(term.rotations.size()) - 1) +
             " keys, found " + std::to_string(keys);
    for (int rotation : term.rotations)
      if (rotation < 0 || rotation >= chunk)
        return "form '" + name + "' has rotation " + std::to_string(rotation) +
               ", expected one in [0, " + std::to_string(chunk) + ")";
  }
  return {};
}

/// Both combiners: `value` is the identity or the absolute value.
template <typename Value>
static void combineWith(const FormSpec &form,
                        const std::vector<const double *> &operands,
                        int64_t dim, double *combiner, Value value) {
  const int chunk = form.chunk;
  const int64_t chunked = dim - dim % chunk;
  for (int64_t d = 0; d < chunked; ++d)
    combiner[d] = 0.0;
  for (const FormTerm &term : form.terms) {
    const int last = term.rotations.back();
    const double coefficient = value(term.coefficient);
    for (int64_t base = 0; base < chunked; base += chunk)
      for (int c = 0; c < chunk; ++c) {
        double product = coefficient;
        for (size_t o = 0; o < operands.size(); ++o) {
          // The last key gives component c, so the others move with it.
          int rotation = term.rotations[o] - last + chunk;
          product *= value(operands[o][base + (c + rotation) % chunk]);
        }
        combiner[base + c] += product;
      }
  }
  for (int64_t d = chunked; d < dim; ++d) {
    combiner[d] = 1.0;
    for (const double *operand : operands)
      combiner[d] *= value(operand[d]);
  }
}

void FormSpec::combine(const std::vector<const double *> &operands, int64_t dim,
                       double *combiner) const {
  combineWith(*this, operands, dim, combiner, [](double x) { return x; });
}

void FormSpec::combineMagnitudes(const std::vector<const double *> &operands,
                                 int64_t dim, double *combiner) const {
  combineWith(*this, operands, dim, combiner,
              [](double x) { return std::fabs(x); });
}
