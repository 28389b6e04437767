//===- Case.cpp - One attention to compile, run and check ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Case.h"

#include "simplexir/Transforms/OuterRows.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::sweep;
using reference::ElementType;

uint64_t Random::next() {
  // splitmix64
  uint64_t bits = state += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

double Random::normal() {
  // Sums, not logarithms: libraries differ in their last bits.
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += static_cast<double>(next() >> 11) * 0x1p-53;
  return sum;
}

static void printNumbers(raw_ostream &os, ArrayRef<double> numbers) {
  interleaveComma(numbers, os << "[",
                  [&](double number) { os << format("%.17e", number); });
  os << "]";
}

static run::Parameter makeTensorParameter(ElementType element,
                                          std::vector<int64_t> shape) {
  run::Parameter parameter;
  parameter.element = element;
  raw_string_ostream os(parameter.type);
  os << "tensor<";
  for (int64_t extent : shape)
    if (extent < 0)
      os << "?x";
    else
      os << extent << "x";
  os << reference::getName(element) << ">";
  parameter.shape = std::move(shape);
  return parameter;
}

/// Query, one of the keys, one of the values.
static std::vector<run::Parameter> getOperands(const Case &c) {
  auto extent = [&](int64_t size) { return c.isStatic ? size : -1; };
  int64_t b = extent(c.batch), s = extent(c.length);
  return {
      makeTensorParameter(c.element, {b, extent(c.queries), c.heads, c.dim}),
      makeTensorParameter(c.element, {b, s, c.kvHeads, c.dim}),
      makeTensorParameter(c.element, {b, s, c.kvHeads, c.valueDim})};
}

std::vector<run::Parameter> Case::getResults() const {
  auto extent = [&](int64_t size) { return isStatic ? size : -1; };
  return {makeTensorParameter(
              element, {extent(batch), extent(queries), heads, valueDim}),
          makeTensorParameter(reference::getAccumulatorType(element),
                              {extent(batch), heads, extent(queries)})};
}

std::string Case::getModule() const {
  std::vector<run::Parameter> operands = getOperands(*this),
                              results = getResults();
  std::string text;
  raw_string_ostream os(text);
  os << "func.func @attention(%q: " << operands[0].type;
  for (int i = 1; i <= (sharedKeys ? 1 : getNumKeys()); ++i)
    os << ", %k" << i << ": " << operands[1].type;
  for (int i = 1; i <= (sharedValues ? 1 : getNumKeys()); ++i)
    os << ", %v" << i << ": " << operands[2].type;
  std::vector<std::pair<StringRef, int64_t>> indices;
  if (hasPositions)
    indices = {{"%q0", q0}, {"%k0", k0}};
  if (hasRange)
    indices.insert(indices.end(), {{"%lo", lo}, {"%hi", hi}});
  if (!constantIndices)
    for (auto [name, value] : indices)
      os << ", " << name << ": index";
  std::string resultTypes = results[0].type + ", " + results[1].type;
  os << ")\n    -> (" << resultTypes << ") {\n";
  if (constantIndices)
    for (auto [name, value] : indices)
      os << "  " << name << " = arith.constant " << value << " : index\n";
  os << "  %out, %lse = simplex.attention query(%q) keys(";
  for (int i = 1; i <= getNumKeys(); ++i)
    os << (i > 1 ? ", %k" : "%k") << (sharedKeys ? 1 : i);
  os << ") values(";
  for (int i = 1; i <= getNumKeys(); ++i)
    os << (i > 1 ? ", %v" : "%v") << (sharedValues ? 1 : i);
  os << ")\n     ";
  if (hasPositions)
    os << " positions(%q0, %k0)";
  if (hasRange)
    os << " key_range(%lo, %hi)";
  os << " form " << (determinant ? "determinant" : "multilinear")
     << " windows [";
  interleaveComma(windows, os);
  os << "]";
  if (bidirectional)
    os << " bidirectional";
  if (scale)
    os << format(" scale %.17e", *scale);
  if (!keyBiases.empty())
    printNumbers(os << " key_biases ", keyBiases);
  if (!valueBiases.empty())
    printNumbers(os << " value_biases ", valueBiases);
  if (!schedule.empty())
    os << " {schedule = #simplex.schedule<" << schedule << ">}";
  os << "\n      : (" << operands[0].type;
  for (int operand : {1, 2})
    for (int i = 0; i < getNumKeys(); ++i)
      os << ", " << operands[operand].type;
  os << ")\n      -> (" << resultTypes << ")\n"
     << "  return %out, %lse : " << resultTypes << "\n}\n";
  return text;
}

std::string Case::describe() const {
  std::string text;
  raw_string_ostream os(text);
  os << "n=" << order << " " << (determinant ? "determinant" : "multilinear")
     << " " << reference::getName(element) << " windows [";
  interleaveComma(windows, os);
  os << "]" << (bidirectional ? " bidirectional" : "") << " B=" << batch
     << " Sq=" << queries << " Sk=" << length << " H=" << heads
     << " Hk=" << kvHeads << " D=" << dim << " Dv=" << valueDim;
  if (scale)
    os << format(" scale=%g", *scale);
  if (!keyBiases.empty())
    os << " key_biases";
  if (!valueBiases.empty())
    os << " value_biases";
  if (hasPositions)
    os << " q0=" << q0 << " k0=" << k0;
  if (hasRange)
    os << " lo=" << lo << " hi=" << hi;
  if ((hasPositions || hasRange) && constantIndices)
    os << " constants";
  if (sharedKeys)
    os << " shared-keys";
  if (sharedValues)
    os << " shared-values";
  os << (isStatic ? " static" : " dynamic");
  if (contents == Contents::Huge)
    os << " huge";
  if (contents == Contents::OneNaN)
    os << " one-nan";
  if (!schedule.empty())
    os << " schedule <" << schedule << ">";
  return text;
}

void Case::scheduleShortTiles() {
  auto isFit = [](int64_t dim) { return dim % 16 == 0 && dim <= 128; };
  bool is16 = element == reference::ElementType::BF16 ||
              element == reference::ElementType::F16;
  if (!is16 || !isFit(dim) || !isFit(valueDim))
    return;
  // The same for all cases of a module.
  Random random(xxh3_64bits(getModule()));
  int64_t shape = random.below(3);
  int64_t keys = random.pick(std::vector<int64_t>{16, 32, 32, 48});
  if (order == 2) {
    // Groups of 64 rows have whole queries.
    if (windows[0] != 0 && 64 % (heads / kvHeads) == 0)
      raw_string_ostream(schedule)
          << "rows = 128, keys = " << keys
          << ", warps = 8, stages = 2, wgmma = true, skew = true";
    return;
  }
  // 0: as many as the first tile has.
  int64_t second = 16 * static_cast<int64_t>(random.below(keys / 16));
  bool skewed = shape == 2 && canSkew() && random.below(3) != 0;
  raw_string_ostream(schedule)
      << "rows = " << (shape == 2 ? 128 : 64) << ", keys = " << keys
      << ", splits = " << (shape == 1 ? 2 : 1)
      << ", warps = " << (shape == 0 ? 4 : 8) << ", stages = 2, wgmma = true";
  // What is skewed may also have single tiles.
  if (!skewed || random.below(3) != 0)
    raw_string_ostream(schedule) << ", pairs = true, second_keys = " << second;
  if (skewed)
    schedule += ", skew = true";
}

bool Case::canSkew() const {
  int64_t group = heads / kvHeads;
  return order == 3 && !is_contained(windows, 0) && 64 % group == 0 &&
         getUnionLength(windows[0], bidirectional, 128 / group) <=
             kMostOuterRows;
}

reference::AttentionSpec Case::getSpec() const {
  auto spec = reference::AttentionSpec::withDefaults(
      determinant ? reference::FormSpec::determinant()
                  : reference::FormSpec::multilinear(getNumKeys()),
      getNumKeys(), dim, queries, length);
  spec.windows = windows;
  spec.bidirectional = bidirectional;
  if (scale)
    spec.scale = *scale;
  spec.keyBiases = keyBiases;
  spec.valueBiases = valueBiases;
  spec.roundBiases(element);
  if (hasPositions) {
    spec.q0 = q0;
    spec.k0 = k0;
  }
  if (hasRange) {
    spec.lo = lo;
    spec.hi = hi;
  }
  return spec;
}

std::pair<int64_t, int64_t> Case::getExisting() const {
  if (!hasRange)
    return {0, length};
  int64_t origin = hasPositions ? k0 : 0;
  auto clip = [&](int64_t position) {
    int64_t index;
    if (SubOverflow(position, origin, index))
      index = position < 0 ? std::numeric_limits<int64_t>::min()
                           : std::numeric_limits<int64_t>::max();
    return std::clamp<int64_t>(index, 0, length);
  };
  int64_t first = clip(lo);
  return {first, std::max(first, clip(hi))};
}

std::vector<run::Value> Case::getInputs() const {
  std::vector<run::Parameter> operands = getOperands(*this);
  Random random(seed);
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  double size = contents == Contents::Huge ? 128 : 1;
  auto [first, last] = getExisting();
  std::vector<run::Value> inputs;
  for (int i = 0; i <= getValue(getNumKeys() - 1); ++i) {
    bool isQuery = i == 0, isValue = i >= getValue(0);
    const run::Parameter &parameter = operands[isQuery ? 0 : isValue ? 2 : 1];
    std::vector<int64_t> shape = {batch, isQuery ? queries : length,
                                  isQuery ? heads : kvHeads,
                                  isValue ? valueDim : dim};
    int64_t row = shape[2] * shape[3];
    std::vector<double> numbers(shape[0] * shape[1] * row);
    for (auto [at, number] : enumerate(numbers)) {
      number = random.normal() * (isValue ? 1 : size);
      auto key = row ? static_cast<int64_t>(at) / row % shape[1] : 0;
      if (!isQuery && (key < first || key >= last))
        number = at % 5 == 4 ? inf : nan;
    }
    if (contents == Contents::OneNaN && i == getKey(order - 2) &&
        first < last && batch > 0)
      numbers[random.between(first, last - 1) * row] = nan; // batch 0, head 0
    inputs.push_back(run::makeValue(parameter, shape, numbers));
  }
  auto addIndex = [&](int64_t index) {
    run::Value value;
    value.parameter.isIndex = true;
    value.parameter.type = "index";
    value.index = index;
    inputs.push_back(std::move(value));
  };
  if (hasPositions && !constantIndices)
    for (int64_t index : {q0, k0})
      addIndex(index);
  if (hasRange && !constantIndices)
    for (int64_t index : {lo, hi})
      addIndex(index);
  return inputs;
}

double Case::getCost() const {
  int64_t offset = hasPositions ? q0 - k0 : length - queries;
  auto [first, last] = getExisting();
  double tuples = 0;
  for (int64_t query = 0; query < queries; ++query) {
    double product = 1;
    for (int64_t window : windows) {
      int64_t at = offset + query;
      int64_t from = window ? std::max(first, at - window + 1) : first;
      int64_t to = !bidirectional ? std::min(last, at + 1)
                   : window       ? std::min(last, at + window)
                                  : last;
      product *= static_cast<double>(std::max<int64_t>(0, to - from));
    }
    tuples += product;
  }
  return tuples * static_cast<double>(batch * heads * (dim + valueDim));
}
