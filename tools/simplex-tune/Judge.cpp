//===- Judge.cpp - Whether a candidate computes the right thing -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Judge.h"

#include "simplexir/Reference/Compare.h"

#include "llvm/Support/Format.h"
#include <cmath>
#include <cstring>
#include <random>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::tune;
using reference::ElementType;
using reference::Tensor;
using run::Value;

static double decode(const Value &value, int64_t index) {
  size_t size = run::getElementSize(value.parameter.element);
  const uint8_t *at = value.bytes.data() + index * size;
  auto load = [&](auto number) {
    std::memcpy(&number, at, sizeof(number));
    return number;
  };
  switch (value.parameter.element) {
  case ElementType::BF16:
    return reference::decodeBF16(load(uint16_t()));
  case ElementType::F16:
    return reference::decodeF16(load(uint16_t()));
  case ElementType::F32:
    return load(float());
  case ElementType::F64:
    return load(double());
  }
  llvm_unreachable("unknown element type");
}

/// Sequence positions [first, first + count) of one batch.
static Tensor slice(const Value &value, int64_t batch, int64_t first,
                    int64_t count) {
  ArrayRef<int64_t> shape(value.shape);
  Tensor tensor({1, count, shape[2], shape[3]});
  int64_t row = shape[2] * shape[3];
  int64_t begin = (batch * shape[1] + first) * row;
  for (int64_t i = 0; i < count * row; ++i)
    tensor.data[i] = decode(value, begin + i);
  return tensor;
}

/// Multiplications that the reference needs for a query.
static double getCost(const run::Problem &problem, int64_t query) {
  run::Problem one = problem;
  one.spec.q0 += query;
  one.queryShape[0] = one.queryShape[1] = 1;
  KernelTiles tiles;
  return run::countWork(one, tiles).flops;
}

Error Judge::prepare(const run::Problem &asked, ArrayRef<Value> inputs,
                     int threads, double budget) {
  problem = asked;
  if (problem.out < 0)
    return createStringError("the function does not return the attention's "
                             "output, which is what is checked");
  int64_t batches = problem.queryShape[0], queries = problem.queryShape[1];
  int64_t total = batches * queries;
  // All in order where there are few, else both ends and random ones.
  std::vector<std::pair<int64_t, int64_t>> places;
  if (total <= 64) {
    for (int64_t i = 0; i < total; ++i)
      places.emplace_back(i / queries, i % queries);
  } else {
    // The same places for every candidate.
    std::mt19937_64 random(1); // NOLINT(bugprone-random-generator-seed)
    places = {{0, 0}, {batches - 1, queries - 1}};
    while (places.size() < 64)
      places.emplace_back(random() % batches, random() % queries);
  }
  double spent = 0;
  for (auto [batch, query] : places) {
    // Twice: the bounds cost as much as the result.
    double cost = 2 * getCost(problem, query);
    if (!samples.empty() && spent + cost > budget)
      continue;
    spent += cost;
    std::vector<Tensor> keys, values;
    for (unsigned number : problem.keys)
      keys.push_back(slice(inputs[number], batch, 0, inputs[number].shape[1]));
    for (unsigned number : problem.values)
      values.push_back(
          slice(inputs[number], batch, 0, inputs[number].shape[1]));
    Sample sample = {batch, query, {}};
    reference::AttentionSpec spec = problem.spec;
    spec.q0 += query;
    reference::Options options;
    options.threads = threads;
    options.accuracy = true;
    std::string error = reference::attention(
        spec, slice(inputs[problem.query], batch, query, 1), keys, values,
        sample.expected, options);
    if (!error.empty())
      return createStringError("the reference rejects the inputs: " + error);
    samples.push_back(std::move(sample));
  }
  return Error::success();
}

std::string Judge::compareWithReference(ArrayRef<Value> results) const {
  const Value &out = results[problem.out];
  int64_t heads = problem.queryShape[2], queries = problem.queryShape[1];
  for (const Sample &sample : samples) {
    std::vector<double> lse = sample.expected.lse;
    if (problem.lse >= 0)
      for (int64_t h = 0; h < heads; ++h)
        lse[h] = decode(results[problem.lse],
                        (sample.batch * heads + h) * queries + sample.query);
    reference::Comparison comparison = reference::compare(
        problem.element, static_cast<int>(problem.keys.size()), sample.expected,
        slice(out, sample.batch, sample.query, 1), lse);
    if (!comparison.pass)
      return "wrong at batch " + std::to_string(sample.batch) + ", query " +
             std::to_string(sample.query) + ": " + comparison.message;
  }
  return "";
}

/// Both may be off by the bound of one.
std::string Judge::compareWithFirst(ArrayRef<Value> results) const {
  const Value &out = results[problem.out], &other = first[problem.out];
  auto count = static_cast<int64_t>(out.bytes.size() /
                                    run::getElementSize(out.parameter.element));
  // Of huge results a part, with a step that meets every column.
  int64_t step = count >> 24 ? (count >> 24) | 1 : 1;
  double off = 0, norm = 0;
  for (int64_t i = 0; i < count; i += step) {
    double expected = decode(other, i);
    off += std::pow(decode(out, i) - expected, 2);
    norm += expected * expected;
  }
  double bound = 0;
  for (const Sample &sample : samples)
    bound = std::max(bound,
                     reference::getBounds(problem.element,
                                          static_cast<int>(problem.keys.size()),
                                          sample.expected.accuracy)
                         .out);
  double error = std::sqrt(off / std::max(norm, 1e-300));
  if (error <= 2 * bound || off == 0)
    return "";
  std::string text;
  raw_string_ostream(text) << format(
      "differs from the first result by %.2e, twice the bound is %.2e", error,
      2 * bound);
  return text;
}

std::string Judge::check(ArrayRef<Value> results) {
  std::vector<Value> changed;
  if (fault) {
    changed.assign(results.begin(), results.end());
    Value &out = changed[problem.out];
    const Sample &sample = samples.back();
    int64_t row =
        out.bytes.size() / problem.queryShape[0] / problem.queryShape[1];
    int64_t begin = (sample.batch * problem.queryShape[1] + sample.query) * row;
    for (int64_t i = 0; i < row; ++i)
      out.bytes[begin + i] ^= 0x10;
    results = changed;
  }
  std::string error = compareWithReference(results);
  if (!error.empty())
    return error;
  if (!first.empty())
    return compareWithFirst(results);
  first.assign(results.begin(), results.end());
  return "";
}
