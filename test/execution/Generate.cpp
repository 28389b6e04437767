//===- Generate.cpp - The cases of a seed -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Case.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace simplexir;
using namespace simplexir::sweep;
using reference::ElementType;

namespace {
/// Deals all its cards before it is shuffled again.
template <typename T>
class Deck {
public:
  Deck(Random &random, std::vector<T> cards)
      : random(random), cards(std::move(cards)), at(this->cards.size()) {}
  T deal() {
    if (at == cards.size()) {
      for (size_t i = cards.size(); i > 1; --i)
        std::swap(cards[i - 1], cards[random.below(i)]);
      at = 0;
    }
    return cards[at++];
  }

private:
  Random &random;
  std::vector<T> cards;
  size_t at;
};

enum class Windows { Growing, Shrinking, Unlimited, One, Mixed, Equal };
enum class Scale { Default, Negative, Zero, Large, Extreme };
enum class Biases { None, Key, Value, Both };
enum class Positions { None, Same, Ahead, Behind, Shifted, Far };
enum class Range { None, Part, All, Prefix, Empty, Crossed };
enum class Lengths { Any, OneKey, OneQuery, MoreKeys, MoreQueries, Empty };

class Generator {
public:
  explicit Generator(uint64_t seed) : random(seed) {}
  /// Cases that share a module, where their shapes are dynamic.
  std::vector<Case> generate();

private:
  Case makeModule();
  void chooseWindows(Case &c);
  void chooseLengths(Case &c);
  void choosePositions(Case &c);
  void shrink(Case &c);

  Random random;
  /// Below 0: the determinant.
  Deck<int> orders{random, {2, 3, 3, -3, -3, 4, 5}};
  Deck<ElementType> elements{
      random,
      {ElementType::BF16, ElementType::F16, ElementType::F32, ElementType::F64,
       ElementType::BF16, ElementType::F16, ElementType::F32}};
  Deck<Windows> windowKinds{random,
                            {Windows::Growing, Windows::Shrinking,
                             Windows::Unlimited, Windows::One, Windows::Mixed,
                             Windows::Equal}};
  Deck<int> directions{random, {0, 0, 1}};
  /// {H, Hk}
  Deck<std::pair<int, int>> heads{random,
                                  {{1, 1},
                                   {2, 2},
                                   {2, 1},
                                   {4, 2},
                                   {3, 1},
                                   {6, 2},
                                   {8, 1},
                                   {16, 2},
                                   {16, 1},
                                   {5, 5},
                                   {64, 1}}};
  Deck<int> dims{random, {7, 16, 24, 64, 96, 128}};
  Deck<int> valueDims{random, {0, 0, 0, 7, 16, 40, 64, 128}};
  Deck<Scale> scales{random,
                     {Scale::Default, Scale::Default, Scale::Default,
                      Scale::Negative, Scale::Zero, Scale::Large,
                      Scale::Extreme}};
  Deck<Biases> biases{random,
                      {Biases::None, Biases::None, Biases::None, Biases::Key,
                       Biases::Value, Biases::Both, Biases::Both}};
  Deck<Positions> positions{random,
                            {Positions::None, Positions::None, Positions::None,
                             Positions::Same, Positions::Ahead,
                             Positions::Behind, Positions::Shifted,
                             Positions::Far}};
  Deck<Range> ranges{random,
                     {Range::None, Range::None, Range::None, Range::None,
                      Range::Part, Range::Part, Range::All, Range::Prefix,
                      Range::Empty, Range::Crossed}};
  Deck<Lengths> lengthKinds{random,
                            {Lengths::Any, Lengths::Any, Lengths::Any,
                             Lengths::OneKey, Lengths::OneQuery,
                             Lengths::OneQuery, Lengths::MoreKeys,
                             Lengths::MoreKeys, Lengths::MoreQueries,
                             Lengths::MoreQueries, Lengths::Empty}};
  Deck<int64_t> batches{random, {1, 1, 2, 3}};
  Deck<int> empties{random, {0, 1, 2}};
  Deck<int> shared{random, {0, 0, 0, 0, 0, 0, 1, 2, 3}};
  Deck<int> statics{random, {0, 1}};
  Deck<int> constants{random, {0, 0, 1}};
  Deck<Contents> contents{random,
                          {Contents::Normal, Contents::Normal, Contents::Normal,
                           Contents::Normal, Contents::Normal, Contents::Huge,
                           Contents::OneNaN}};
};
} // namespace

void Generator::chooseWindows(Case &c) {
  // Few tuples of the outer keys, so that the last window can be long.
  std::vector<int64_t> small = {2, 3, 4, 5}, large = {7, 16, 29, 32, 64, 100};
  int count = c.getNumKeys();
  // One key: long enough for queries to share large tiles.
  if (count == 1)
    large = {7, 16, 29, 64, 128, 250};
  switch (windowKinds.deal()) {
  case Windows::Growing:
  case Windows::Equal:
    for (int i = 0; i < count; ++i)
      c.windows.push_back(random.pick(small));
    c.windows.back() = random.pick(large);
    if (random.below(3) == 0)
      std::fill(c.windows.begin(), c.windows.end(), random.between(2, 9));
    break;
  case Windows::Shrinking:
    for (int i = 0; i < count; ++i)
      c.windows.push_back(random.pick(small));
    c.windows.front() = random.pick(large);
    break;
  case Windows::Unlimited:
    c.windows.assign(count, 0);
    break;
  case Windows::One:
    c.windows.assign(count, 1);
    if (random.below(2))
      c.windows[random.below(count)] = random.pick(large);
    break;
  case Windows::Mixed:
    for (int i = 0; i < count; ++i)
      c.windows.push_back(random.pick(small));
    c.windows[random.below(count)] = 0;
    break;
  }
}

Case Generator::makeModule() {
  Case c;
  int order = orders.deal();
  c.determinant = order < 0;
  c.order = std::abs(order);
  c.element = elements.deal();
  chooseWindows(c);
  c.bidirectional = directions.deal();
  std::tie(c.heads, c.kvHeads) = heads.deal();
  c.dim = dims.deal();
  int valueDim = valueDims.deal();
  c.valueDim = valueDim ? valueDim : c.dim;
  c.contents = contents.deal();
  switch (scales.deal()) {
  case Scale::Default:
    break;
  case Scale::Negative:
    c.scale = -0.7 / std::sqrt(static_cast<double>(c.dim));
    break;
  case Scale::Zero:
    c.scale = 0;
    break;
  case Scale::Large:
    c.scale = 3 / std::sqrt(static_cast<double>(c.dim));
    break;
  case Scale::Extreme: // logits of +-10,000 in the longer cases
    c.scale = 2500 / std::sqrt(static_cast<double>(c.dim));
    break;
  }
  Biases kind = biases.deal();
  for (int i = 0; i < c.getNumKeys(); ++i) {
    if (kind == Biases::Key || kind == Biases::Both)
      c.keyBiases.push_back(i ? 1.0 / static_cast<double>(c.dim)
                              : random.normal() * 0.3);
    if (kind == Biases::Value || kind == Biases::Both)
      c.valueBiases.push_back(random.below(3) ? random.normal() : 0);
  }
  if (c.contents == Contents::Huge)
    c.scale = c.scale.value_or(1 / std::sqrt(static_cast<double>(c.dim))) *
              std::pow(128.0, -c.order);
  // 1: all keys are one array; 2: all values; 3: both.
  int sharing = shared.deal();
  c.sharedKeys = sharing & 1;
  c.sharedValues = sharing & 2;
  c.isStatic = statics.deal();
  c.constantIndices = constants.deal();
  return c;
}

void Generator::chooseLengths(Case &c) {
  static const std::vector<int64_t> primes = {2,  3,  5,  7,  13,  17, 31,
                                              37, 61, 67, 97, 131, 257};
  int64_t limit = c.order == 2 ? 300 : c.order == 3 ? 140 : 70;
  auto pick = [&] { return std::min(limit, random.pick(primes)); };
  c.batch = batches.deal();
  c.queries = pick();
  c.length = pick();
  switch (lengthKinds.deal()) {
  case Lengths::Any:
    c.queries = random.below(2) ? c.length : c.queries;
    break;
  case Lengths::OneKey:
    c.length = 1;
    c.queries = random.below(2) ? 1 : c.queries;
    break;
  case Lengths::OneQuery:
    c.queries = 1;
    break;
  case Lengths::MoreKeys:
    c.queries = std::min(c.queries, c.length);
    c.length += random.between(1, 20);
    break;
  case Lengths::MoreQueries:
    c.length = std::min(c.queries, c.length);
    c.queries += random.between(1, 20);
    break;
  case Lengths::Empty: {
    int empty = empties.deal();
    (empty == 0 ? c.batch : empty == 1 ? c.queries : c.length) = 0;
    break;
  }
  }
}

void Generator::choosePositions(Case &c) {
  switch (positions.deal()) {
  case Positions::None:
    break;
  case Positions::Same:
    c.hasPositions = true;
    break;
  case Positions::Ahead: // past the keys, so that windows end before rows do
    c.hasPositions = true;
    c.q0 = c.length - random.between(0, std::min<int64_t>(c.length, 5));
    break;
  case Positions::Behind: // the first rows are empty
    c.hasPositions = true;
    c.q0 = -random.between(1, c.queries + 2);
    break;
  case Positions::Shifted:
    c.hasPositions = true;
    c.k0 = random.between(-20, 20);
    c.q0 = c.k0 + random.between(-3, c.length);
    break;
  case Positions::Far:
    c.hasPositions = true;
    c.k0 = (random.below(2) ? 1 : -1) * (int64_t{1} << 40) + 3;
    c.q0 = c.k0 + random.between(-3, c.length);
    break;
  }
  int64_t origin = c.k0, third = c.length / 3;
  switch (ranges.deal()) {
  case Range::None:
    return;
  case Range::Part:
    c.lo = origin + random.between(0, third);
    c.hi = origin + c.length - random.between(0, third);
    break;
  case Range::All:
    c.lo = -(int64_t{1} << 60); // the runtime refuses more
    c.hi = int64_t{1} << 60;
    break;
  case Range::Prefix: // a cache with room
    c.lo = origin - random.between(0, 9);
    c.hi = origin + random.between(0, c.length);
    break;
  case Range::Empty:
    c.lo = c.hi = origin + random.between(0, c.length);
    break;
  case Range::Crossed:
    c.lo = origin + c.length;
    c.hi = origin - random.between(0, 4);
    break;
  }
  c.hasRange = true;
}

/// The reference takes about 10 ms a case.
void Generator::shrink(Case &c) {
  constexpr double limit = 8e6;
  while (c.getCost() > limit) {
    if (c.batch > 1)
      c.batch = 1;
    else if (c.queries > 3 && 2 * c.queries > c.length)
      c.queries = c.queries * 2 / 3;
    else if (c.length > 1)
      c.length = c.length * 4 / 5;
    else
      break;
  }
}

/// Blocks that stay take several work items where there are more of them than a
/// GPU has multiprocessors: only in kernels of one key with a limited window.
static void multiplyWorkItems(Case &c) {
  constexpr int64_t items = 400;
  constexpr double limit = 1e8;
  if (c.order != 2 || c.windows.back() == 0 || c.batch == 0 || c.seed % 3 != 0)
    return;
  int64_t batch = std::max<int64_t>(c.batch, items / c.kvHeads);
  while (c.batch < batch && c.getCost() < limit)
    ++c.batch;
}

std::vector<Case> Generator::generate() {
  Case module = makeModule();
  bool hasPositions = false, hasRange = false;
  std::vector<Case> cases;
  for (int i = 0; i < (module.isStatic ? 1 : 3); ++i) {
    Case c = module;
    chooseLengths(c);
    shrink(c);
    choosePositions(c);
    // Positions may bring more keys into windows.
    shrink(c);
    if (c.contents == Contents::OneNaN && c.kvHeads == 1 && c.batch == 1 &&
        c.getCost() < 4e6)
      c.batch = 2;
    // One module has one list of arguments.
    if (i > 0 && (c.hasPositions != hasPositions || c.hasRange != hasRange)) {
      auto [first, last] = c.getExisting();
      int64_t origin = c.hasPositions ? c.k0 : 0;
      if (hasPositions && !c.hasPositions)
        c.q0 = c.length - c.queries;
      if (hasRange && !c.hasRange) {
        c.lo = origin + first;
        c.hi = origin + last;
      }
      if (!hasPositions && c.hasRange) {
        c.lo = first;
        c.hi = last;
      }
      c.hasPositions = hasPositions;
      c.hasRange = hasRange;
      shrink(c);
    }
    hasPositions = c.hasPositions;
    hasRange = c.hasRange;
    c.seed = random.next();
    multiplyWorkItems(c);
    cases.push_back(std::move(c));
    if (module.constantIndices && (hasPositions || hasRange))
      break;
  }
  return cases;
}

std::vector<Case> simplexir::sweep::generateCases(uint64_t seed, size_t count,
                                                  bool pairs) {
  Generator generator(seed);
  std::vector<Case> cases;
  while (cases.size() < count) {
    std::vector<Case> more = generator.generate();
    cases.insert(cases.end(), more.begin(), more.end());
  }
  cases.resize(count);
  if (pairs)
    for (Case &c : cases)
      c.scheduleShortTiles();
  return cases;
}
