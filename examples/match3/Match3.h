//===- Match3.h - Match3 as one determinant head ----------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_EXAMPLES_MATCH3_H
#define SIMPLEXIR_EXAMPLES_MATCH3_H

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

/// Match3: for each i, are there j1, j2 with x_i + x_j1 + x_j2 = 0 mod M?
///
/// With t = 2 pi x / M, a triple matches exactly where cos(t_i + t_j1 + t_j2)
/// is 1; any other is at most c = cos(2 pi / M). The cosine of a sum is a sum
/// of four products, and two 3-chunks hold them (q, a, b for i, j1, j2):
///
///   q = (cos q, sin q, 0)   a = (0, cos a, sin a)   b = (-cos b, sin b, cos b)
///     det = cos q (cos a cos b - sin a sin b) - sin q sin a cos b
///   q = (sin q, 0, 0)       a = (0, cos a, 0)       b = (0, 0, -sin b)
///     det = - sin q cos a sin b
///
/// The seventh dimension, left over from the chunks, adds its plain product: a
/// blank token 0, with keys (0, 0, 0, 0, 0, 0, 1), has the logit q_7, which is
/// the threshold halfway between a match and the next best. Values are 1, and 0
/// for the blank, so a row's result is the probability of the pairs of real
/// tokens: above 1/2 exactly where there is a match.
namespace match3 {

/// Row-major arrays of an attention with scale 1 and unlimited bidirectional
/// windows: query and keys [1, N + 1, 1, 7], values [1, N + 1, 1, 1].
struct Inputs {
  int64_t length = 0;
  std::vector<double> query;
  std::array<std::vector<double>, 2> keys, values;
};

constexpr int64_t dim = 7;

/// The threshold's distance from 1, and at least as much from the next best.
/// Pairs of a blank and a real token have logit 0, so it stays above 0 too.
inline double getMargin(int64_t modulus) {
  const double next = std::cos(2.0 * std::acos(-1.0) / modulus);
  return modulus == 1 ? 0.5 : (1.0 - std::max(0.0, next)) / 2.0;
}

/// How sharp the softmax must be: with b = ln(8 N^2) / margin, the N^2 pairs
/// that do not match weigh at most 1/8 of the blank, and the blank and the 2 N
/// mixed pairs at most 5/32 of a match.
inline double getSharpness(int64_t count, int64_t modulus) {
  return std::log(8.0 * count * count) / getMargin(modulus);
}

inline Inputs embed(const std::vector<int64_t> &x, int64_t modulus) {
  Inputs inputs;
  inputs.length = static_cast<int64_t>(x.size()) + 1;
  const double sharpness =
      getSharpness(std::max<int64_t>(1, inputs.length - 1), modulus);
  const double threshold = sharpness * (1.0 - getMargin(modulus));
  auto append = [](std::vector<double> &to, std::array<double, dim> token) {
    to.insert(to.end(), token.begin(), token.end());
  };
  append(inputs.query, {0, 0, 0, 0, 0, 0, threshold});
  for (std::vector<double> &key : inputs.keys)
    append(key, {0, 0, 0, 0, 0, 0, 1});
  for (std::vector<double> &value : inputs.values) {
    value.assign(inputs.length, 1.0);
    value[0] = 0.0;
  }
  for (int64_t element : x) {
    const double angle = 2.0 * std::acos(-1.0) * (element % modulus) / modulus;
    const double c = std::cos(angle), s = std::sin(angle);
    append(inputs.query, {sharpness * c, sharpness * s, 0, //
                          sharpness * s, 0, 0,             //
                          threshold});
    append(inputs.keys[0], {0, c, s, 0, c, 0, 0});
    append(inputs.keys[1], {-c, s, c, 0, 0, -s, 0});
  }
  return inputs;
}

/// The head's answer for token i of x, which is row i + 1 of its result.
inline bool decide(double out) { return out > 0.5; }

/// The definition.
inline bool matches(const std::vector<int64_t> &x, size_t i, int64_t modulus) {
  for (int64_t a : x)
    for (int64_t b : x)
      if ((x[i] + a + b) % modulus == 0)
        return true;
  return false;
}

} // namespace match3

#endif // SIMPLEXIR_EXAMPLES_MATCH3_H
