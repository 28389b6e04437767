//===- Attention.cpp - Float64 higher-order attention ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

using namespace simplexir::reference;

//===----------------------------------------------------------------------===//
// Tensors and specs
//===----------------------------------------------------------------------===//

Tensor::Tensor(std::array<int64_t, 4> shape)
    : shape(shape),
      data(static_cast<size_t>(shape[0] * shape[1] * shape[2] * shape[3])) {}

AttentionSpec AttentionSpec::withDefaults(FormSpec form, int keys, int64_t dim,
                                          int64_t queryCount,
                                          int64_t keyCount) {
  AttentionSpec spec;
  spec.form = std::move(form);
  spec.windows.assign(keys, 0);
  spec.scale = 1.0 / std::sqrt(static_cast<double>(dim));
  spec.q0 = keyCount - queryCount;
  return spec;
}

void AttentionSpec::roundBiases(ElementType type) {
  const ElementType accumulator = getAccumulatorType(type);
  for (double &bias : keyBiases)
    bias = roundTo(accumulator, bias);
  for (double &bias : valueBiases)
    bias = roundTo(accumulator, bias);
}

//===----------------------------------------------------------------------===//
// Allowed keys
//===----------------------------------------------------------------------===//

namespace {
/// Sums of positions and windows leave int64.
__extension__ typedef __int128 Wide;

struct KeyRange {
  int64_t begin = 0, end = 0;
  bool empty() const { return begin >= end; }
};
} // namespace

/// The keys that query `i` sees through `window`: an interval, as every
/// condition on a key's position is one.
static KeyRange allowedKeys(const AttentionSpec &spec, int64_t window,
                            int64_t keyCount, int64_t i) {
  const Wide position = Wide(spec.q0) + i;
  Wide first = spec.lo, end = spec.hi; // Positions, end exclusive.
  if (window > 0)
    first = std::max(first, position - window + 1);
  if (!spec.bidirectional)
    end = std::min(end, position + 1);
  else if (window > 0)
    end = std::min(end, position + window);
  first = std::max(first - spec.k0, Wide(0));
  end = std::min(end - spec.k0, Wide(keyCount));
  if (first >= end)
    return {};
  return {static_cast<int64_t>(first), static_cast<int64_t>(end)};
}

//===----------------------------------------------------------------------===//
// One row
//===----------------------------------------------------------------------===//

/// Eight partial sums, which the compiler can keep in vector registers.
template <typename Term>
static double sumOver(int64_t count, Term term) {
  double partial[8] = {};
  int64_t d = 0;
  for (; d + 8 <= count; d += 8)
    for (int64_t lane = 0; lane < 8; ++lane)
      partial[lane] += term(d + lane);
  for (; d < count; ++d)
    partial[d % 8] += term(d);
  return ((partial[0] + partial[1]) + (partial[2] + partial[3])) +
         ((partial[4] + partial[5]) + (partial[6] + partial[7]));
}

namespace {
/// Computes rows with one thread's scratch memory.
class RowEvaluator {
public:
  RowEvaluator(const AttentionSpec &spec, const Tensor &query,
               const std::vector<Tensor> &keys,
               const std::vector<Tensor> &values, bool accuracy)
      : spec(spec), query(query), keys(keys), values(values),
        accuracy(accuracy), dim(query.shape[3]), valueDim(values[0].shape[3]),
        combiner(dim), magnitudes(dim), partial(valueDim),
        operands(keys.size()), ranges(keys.size()), outer(keys.size() - 1) {}

  struct Row {
    double lse = -HUGE_VAL, a = 0.0, maxLogit = 0.0;
  };

  /// Writes out[0 .. valueDim), which holds zeros.
  Row evaluate(int64_t b, int64_t h, int64_t i, double *out) {
    Row row;
    for (size_t t = 0; t < keys.size(); ++t) {
      ranges[t] = allowedKeys(spec, spec.windows[t], keys[t].shape[1], i);
      if (ranges[t].empty())
        return row;
    }
    batch = b;
    kvHead = h / (query.shape[2] / keys[0].shape[2]);
    operands[0] = query.data.data() + query.offset(b, i, h);

    // First pass: the largest logit, so that no exponential overflows.
    double largest = -HUGE_VAL;
    bool sawNaN = false;
    forEachOuterTuple([&] {
      for (int64_t j = lastRange().begin; j < lastRange().end; ++j) {
        double logit = getLogit(j);
        sawNaN |= std::isnan(logit);
        largest = std::max(largest, logit);
        row.maxLogit = std::max(row.maxLogit, std::fabs(logit));
      }
    });
    if (sawNaN)
      largest = std::nan("");

    // Second pass: probabilities and values.
    double total = 0.0, weightedA = 0.0;
    forEachOuterTuple([&] {
      if (accuracy && keys.size() > 1)
        spec.form.combineMagnitudes(operands, dim, magnitudes.data());
      partial.assign(valueDim, 0.0);
      double lineTotal = 0.0, lineA = 0.0;
      for (int64_t j = lastRange().begin; j < lastRange().end; ++j) {
        const double weight = std::exp(getLogit(j) - largest);
        lineTotal += weight;
        const double *value = getRow(values.back(), j);
        for (int64_t d = 0; d < valueDim; ++d)
          partial[d] += weight * value[d];
        if (accuracy && keys.size() > 1)
          lineA += weight * getMagnitude(j);
      }
      total += lineTotal;
      weightedA += lineA;
      for (int64_t d = 0; d < valueDim; ++d) {
        double product = partial[d];
        for (size_t t = 0; t < outer.size(); ++t)
          product *= getRow(values[t], outer[t])[d];
        out[d] += product;
      }
    });
    for (int64_t d = 0; d < valueDim; ++d)
      out[d] /= total;
    row.lse = largest + std::log(total);
    row.a = weightedA / total;
    return row;
  }

private:
  const KeyRange &lastRange() const { return ranges.back(); }

  const double *getRow(const Tensor &tensor, int64_t j) const {
    return tensor.data.data() + tensor.offset(batch, j, kvHead);
  }

  double getLogit(int64_t j) const {
    const double *c = combiner.data(), *key = getRow(keys.back(), j);
    return spec.scale * sumOver(dim, [=](int64_t d) { return c[d] * key[d]; });
  }

  double getMagnitude(int64_t j) const {
    const double *c = magnitudes.data(), *key = getRow(keys.back(), j);
    return std::fabs(spec.scale) * std::sqrt(sumOver(dim, [=](int64_t d) {
             return (c[d] * key[d]) * (c[d] * key[d]);
           }));
  }

  /// Calls `visit` for every allowed tuple of all keys but the last, with
  /// `outer`, `operands` and `combiner` set. One key has one, empty, tuple.
  template <typename Visit>
  void forEachOuterTuple(Visit visit) {
    for (size_t t = 0; t < outer.size(); ++t)
      outer[t] = ranges[t].begin;
    while (true) {
      for (size_t t = 0; t < outer.size(); ++t)
        operands[t + 1] = getRow(keys[t], outer[t]);
      spec.form.combine(operands, dim, combiner.data());
      visit();
      size_t t = outer.size();
      while (t > 0 && ++outer[t - 1] == ranges[t - 1].end) {
        outer[t - 1] = ranges[t - 1].begin;
        --t;
      }
      if (t == 0)
        return;
    }
  }

  const AttentionSpec &spec;
  const Tensor &query;
  const std::vector<Tensor> &keys, &values; // Biases included.
  const bool accuracy;
  const int64_t dim, valueDim;
  std::vector<double> combiner, magnitudes, partial;
  std::vector<const double *> operands; // The query and all keys but the last.
  std::vector<KeyRange> ranges;
  std::vector<int64_t> outer;
  int64_t batch = 0, kvHead = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// All rows
//===----------------------------------------------------------------------===//

static std::vector<Tensor> addBiases(const std::vector<Tensor> &tensors,
                                     const std::vector<double> &biases) {
  std::vector<Tensor> result = tensors;
  for (size_t t = 0; t < biases.size(); ++t)
    for (double &element : result[t].data)
      element += biases[t];
  return result;
}

/// Marks batches and KV heads whose visible input is not finite.
static std::vector<uint8_t> findUnspecified(const AttentionSpec &spec,
                                            const Tensor &query,
                                            const std::vector<Tensor> &keys,
                                            const std::vector<Tensor> &values) {
  const int64_t kvHeads = keys[0].shape[2];
  const int64_t group = query.shape[2] / kvHeads;
  std::vector<uint8_t> unspecified(query.shape[0] * kvHeads, 0);
  auto scan = [&](const Tensor &tensor, int64_t begin, int64_t end,
                  int64_t headsPerKvHead) {
    for (int64_t b = 0; b < tensor.shape[0]; ++b)
      for (int64_t s = begin; s < end; ++s)
        for (int64_t h = 0; h < tensor.shape[2]; ++h)
          for (int64_t d = 0; d < tensor.shape[3]; ++d)
            if (!std::isfinite(tensor.at(b, s, h, d)))
              unspecified[b * kvHeads + h / headsPerKvHead] = 1;
  };
  scan(query, 0, query.shape[1], group);
  // What exists, as an unlimited and bidirectional query sees it.
  AttentionSpec all = spec;
  all.bidirectional = true;
  KeyRange existing = allowedKeys(all, 0, keys[0].shape[1], 0);
  for (const Tensor &key : keys)
    scan(key, existing.begin, existing.end, 1);
  for (const Tensor &value : values)
    scan(value, existing.begin, existing.end, 1);
  return unspecified;
}

/// Serial, so that the bits do not depend on the threads.
static void summarize(const Tensor &query, int64_t kvHeads,
                      const std::vector<double> &lse,
                      const std::vector<double> &rowMaxLogit,
                      Accuracy &accuracy) {
  const int64_t heads = query.shape[2], queries = query.shape[1];
  double sum = 0.0;
  int64_t rows = 0;
  accuracy.rmsA = accuracy.maxLogit = 0.0;
  for (size_t r = 0; r < lse.size(); ++r) {
    const int64_t bh = static_cast<int64_t>(r) / queries;
    const int64_t kvHead = bh % heads / (heads / kvHeads);
    if (accuracy.unspecified[bh / heads * kvHeads + kvHead] ||
        lse[r] == -HUGE_VAL)
      continue;
    sum += accuracy.rowA[r] * accuracy.rowA[r];
    accuracy.maxLogit = std::max(accuracy.maxLogit, rowMaxLogit[r]);
    ++rows;
  }
  if (rows)
    accuracy.rmsA = std::sqrt(sum / static_cast<double>(rows));
}

std::string simplexir::reference::attention(const AttentionSpec &spec,
                                            const Tensor &query,
                                            const std::vector<Tensor> &keys,
                                            const std::vector<Tensor> &values,
                                            Result &result,
                                            const Options &options) {
  if (std::string error = verify(spec, query, keys, values); !error.empty())
    return error;
  const int64_t queries = query.shape[1], heads = query.shape[2];
  const int64_t rows = query.shape[0] * heads * queries;
  result = Result();
  result.out = Tensor({query.shape[0], queries, heads, values[0].shape[3]});
  result.lse.assign(rows, -HUGE_VAL);
  std::vector<double> rowA(rows), rowMaxLogit(rows);

  const std::vector<Tensor> biasedKeys = addBiases(keys, spec.keyBiases);
  const std::vector<Tensor> biasedValues = addBiases(values, spec.valueBiases);

  // Rows are independent; threads take them a few at a time.
  constexpr int64_t rowsAtATime = 4;
  std::atomic<int64_t> next{0};
  auto work = [&] {
    RowEvaluator evaluator(spec, query, biasedKeys, biasedValues,
                           options.accuracy);
    int64_t begin;
    while ((begin = next.fetch_add(rowsAtATime)) < rows)
      for (int64_t r = begin; r < std::min(begin + rowsAtATime, rows); ++r) {
        const int64_t i = r % queries, h = r / queries % heads,
                      b = r / queries / heads;
        RowEvaluator::Row row = evaluator.evaluate(
            b, h, i, result.out.data.data() + result.out.offset(b, i, h));
        result.lse[r] = row.lse;
        rowA[r] = row.a;
        rowMaxLogit[r] = row.maxLogit;
      }
  };
  std::vector<std::thread> threads;
  for (int64_t t = 1; t < std::min<int64_t>(options.threads, rows); ++t)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();

  if (options.accuracy) {
    result.accuracy.rowA = std::move(rowA);
    result.accuracy.unspecified = findUnspecified(spec, query, keys, values);
    summarize(query, keys[0].shape[2], result.lse, rowMaxLogit,
              result.accuracy);
  }
  return {};
}
