//===- Oracle.cpp - A second, naive attention -----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Oracle.h"

#include <cmath>

using namespace simplexir::reference;

namespace {

/// One (batch, head, query) and the tuple of keys it looks at.
struct Tuple {
  int64_t batch, head, query, kvHead;
  std::vector<int64_t> keys;
};

/// Whether the key at `position` is in sight of the query at `from`.
bool sees(int64_t from, int64_t position, int64_t window, bool bidirectional) {
  if (position > from && !bidirectional)
    return false;
  if (window == 0)
    return true;
  // The distance of two int64 always fits uint64.
  uint64_t distance =
      position > from
          ? static_cast<uint64_t>(position) - static_cast<uint64_t>(from)
          : static_cast<uint64_t>(from) - static_cast<uint64_t>(position);
  return distance < static_cast<uint64_t>(window);
}

bool allowed(const AttentionSpec &spec, const Tuple &tuple) {
  const int64_t from = spec.q0 + tuple.query;
  for (size_t t = 0; t < tuple.keys.size(); ++t) {
    const int64_t position = spec.k0 + tuple.keys[t];
    if (position < spec.lo || position >= spec.hi ||
        !sees(from, position, spec.windows[t], spec.bidirectional))
      return false;
  }
  return true;
}

double element(const std::vector<Tensor> &tensors,
               const std::vector<double> &biases, const Tuple &tuple, size_t t,
               int64_t d) {
  const Tensor &tensor = tensors[t];
  int64_t index = tuple.batch;
  index = index * tensor.shape[1] + tuple.keys[t];
  index = index * tensor.shape[2] + tuple.kvHead;
  index = index * tensor.shape[3] + d;
  return tensor.data[index] + (biases.empty() ? 0.0 : biases[t]);
}

double multilinear(const AttentionSpec &spec, const double *q,
                   const std::vector<Tensor> &keys, const Tuple &tuple) {
  double sum = 0.0;
  for (int64_t d = 0; d < keys[0].shape[3]; ++d) {
    double product = q[d];
    for (size_t t = 0; t < keys.size(); ++t)
      product *= element(keys, spec.keyBiases, tuple, t, d);
    sum += product;
  }
  return sum;
}

/// Laplace expansion of each 3x3 matrix along the query's row.
double determinant(const AttentionSpec &spec, const double *q,
                   const std::vector<Tensor> &keys, const Tuple &tuple) {
  const int64_t dim = keys[0].shape[3];
  double sum = 0.0;
  int64_t d = 0;
  for (; d + 3 <= dim; d += 3) {
    double a[3], b[3];
    for (int c = 0; c < 3; ++c) {
      a[c] = element(keys, spec.keyBiases, tuple, 0, d + c);
      b[c] = element(keys, spec.keyBiases, tuple, 1, d + c);
    }
    sum += q[d + 0] * (a[1] * b[2] - a[2] * b[1]) -
           q[d + 1] * (a[0] * b[2] - a[2] * b[0]) +
           q[d + 2] * (a[0] * b[1] - a[1] * b[0]);
  }
  for (; d < dim; ++d)
    sum += q[d] * element(keys, spec.keyBiases, tuple, 0, d) *
           element(keys, spec.keyBiases, tuple, 1, d);
  return sum;
}

/// The next tuple in lexicographic order; false after the last.
bool advance(std::vector<int64_t> &keys, int64_t count) {
  for (size_t t = keys.size(); t-- > 0;) {
    if (++keys[t] < count)
      return true;
    keys[t] = 0;
  }
  return false;
}

} // namespace

void simplexir::reference::oracle(OracleForm form, const AttentionSpec &spec,
                                  const Tensor &query,
                                  const std::vector<Tensor> &keys,
                                  const std::vector<Tensor> &values,
                                  Tensor &out, std::vector<double> &lse) {
  const int64_t batches = query.shape[0], queries = query.shape[1],
                heads = query.shape[2], dim = query.shape[3];
  const int64_t keyCount = keys[0].shape[1], kvHeads = keys[0].shape[2],
                valueDim = values[0].shape[3];
  out = Tensor({batches, queries, heads, valueDim});
  lse.assign(batches * heads * queries, -HUGE_VAL);

  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < queries; ++i) {
        const double *q =
            query.data.data() + ((b * queries + i) * heads + h) * dim;
        // All logits first, so that the softmax is the plain formula.
        std::vector<std::pair<double, Tuple>> tuples;
        Tuple tuple{b, h, i, h / (heads / kvHeads),
                    std::vector<int64_t>(keys.size(), 0)};
        double largest = -HUGE_VAL;
        if (keyCount > 0)
          do {
            if (!allowed(spec, tuple))
              continue;
            double logit =
                spec.scale * (form == OracleForm::Multilinear
                                  ? multilinear(spec, q, keys, tuple)
                                  : determinant(spec, q, keys, tuple));
            tuples.emplace_back(logit, tuple);
            largest = std::fmax(largest, logit);
          } while (advance(tuple.keys, keyCount));
        if (tuples.empty())
          continue;

        double total = 0.0;
        for (const auto &entry : tuples)
          total += std::exp(entry.first - largest);
        lse[(b * heads + h) * queries + i] = largest + std::log(total);
        for (int64_t d = 0; d < valueDim; ++d) {
          double sum = 0.0;
          for (const auto &[logit, at] : tuples) {
            double product = std::exp(logit - largest) / total;
            for (size_t t = 0; t < values.size(); ++t)
              product *= element(values, spec.valueBiases, at, t, d);
            sum += product;
          }
          out.data[((b * queries + i) * heads + h) * valueDim + d] = sum;
        }
      }
}
