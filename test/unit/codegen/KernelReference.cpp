//===- KernelReference.cpp - Attention in double loops --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include <cmath>
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

std::vector<Array> makeArrays(const Problem &p) {
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
