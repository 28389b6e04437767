//===- Attention.h - Float64 higher-order attention -------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_ATTENTION_H
#define SIMPLEXIR_REFERENCE_ATTENTION_H

#include "simplexir/Reference/Float.h"
#include "simplexir/Reference/Form.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace simplexir::reference {

/// Row-major [batch, sequence, head, element].
struct Tensor {
  std::array<int64_t, 4> shape = {0, 0, 0, 0};
  std::vector<double> data;

  Tensor() = default;
  /// Zeros. The product of the extents must fit memory.
  explicit Tensor(std::array<int64_t, 4> shape);

  int64_t offset(int64_t b, int64_t s, int64_t h, int64_t d = 0) const {
    return ((b * shape[1] + s) * shape[2] + h) * shape[3] + d;
  }
  double &at(int64_t b, int64_t s, int64_t h, int64_t d) {
    return data[offset(b, s, h, d)];
  }
  double at(int64_t b, int64_t s, int64_t h, int64_t d) const {
    return data[offset(b, s, h, d)];
  }
};

/// Everything about an attention that is not a tensor.
struct AttentionSpec {
  FormSpec form;
  /// One per key; 0 is unlimited.
  std::vector<int64_t> windows;
  bool bidirectional = false;
  double scale = 1.0;
  /// One per key / value, or none.
  std::vector<double> keyBiases, valueBiases;
  /// Query i stands at q0 + i, key j at k0 + j.
  int64_t q0 = 0, k0 = 0;
  /// A key exists where lo <= k0 + j < hi. By default all do.
  int64_t lo = std::numeric_limits<int64_t>::min();
  int64_t hi = std::numeric_limits<int64_t>::max();

  /// The operation's defaults: scale 1/sqrt(dim), queries last (q0 = keyCount -
  /// queryCount), all keys, windows unlimited and causal, no biases.
  static AttentionSpec withDefaults(FormSpec form, int keys, int64_t dim,
                                    int64_t queryCount, int64_t keyCount);

  /// Biases are part of the operation in the accumulation type: round them once
  /// before comparing against a result of `type`.
  void roundBiases(ElementType type);
};

/// What the accuracy contract measures a result against.
struct Accuracy {
  /// [B, H, Sq]: the softmax-weighted mean of |scale| * sqrt(sum (|C|_d
  /// k_d)^2), k being the key with its bias; 0 for one key and for empty rows.
  std::vector<double> rowA;
  /// Root mean square of rowA over the rows that have tuples.
  double rmsA = 0.0;
  /// L: the largest |logit| of an allowed tuple.
  double maxLogit = 0.0;
  /// [B, Hk]: 1 where a query, or a key or value inside the key range, is not
  /// finite. Such batches and heads are unspecified: they count in none of the
  /// above and are not compared.
  std::vector<uint8_t> unspecified;
};

struct Result {
  Tensor out;
  /// [B, H, Sq]
  std::vector<double> lse;
  /// Filled when asked for.
  Accuracy accuracy;
};

struct Options {
  int threads = 1;
  /// Also compute Result::accuracy, at about twice the cost.
  bool accuracy = false;
};

/// Says which constraint the operands break, or returns an empty string.
[[nodiscard]] std::string verify(const AttentionSpec &spec, const Tensor &query,
                                 const std::vector<Tensor> &keys,
                                 const std::vector<Tensor> &values);

/// Computes the operation in float64: written to be read, and quick enough for
/// moderate sizes because the combiner is built once a tuple of outer keys. The
/// bits do not depend on the number of threads. Returns verify()'s message.
[[nodiscard]] std::string
attention(const AttentionSpec &spec, const Tensor &query,
          const std::vector<Tensor> &keys, const std::vector<Tensor> &values,
          Result &result, const Options &options = {});

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_ATTENTION_H
