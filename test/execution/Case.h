//===- Case.h - One attention to compile, run and check ---------- -*- C++
//-*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_EXECUTION_CASE_H
#define SIMPLEXIR_TEST_EXECUTION_CASE_H

#include "Arrays.h"

#include "simplexir/Reference/Attention.h"

#include <optional>
#include <string>
#include <vector>

namespace simplexir::sweep {

/// Numbers that are the same on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next();
  /// In [0, bound).
  uint64_t below(uint64_t bound) { return next() % bound; }
  /// In [from, to].
  int64_t between(int64_t from, int64_t to) {
    return from + static_cast<int64_t>(below(to - from + 1));
  }
  /// Mean 0, variance 1.
  double normal();
  template <typename T>
  const T &pick(const std::vector<T> &list) {
    return list[below(list.size())];
  }

private:
  uint64_t state;
};

/// What the arrays hold besides normal numbers.
enum class Contents {
  Normal,
  /// Queries and keys whose products leave the range of f16; the scale makes
  /// up for it.
  Huge,
  /// One key element is NaN: other batches and KV heads stay exact.
  OneNaN,
};

struct Case {
  /// The module.
  int order = 3; // n
  bool determinant = false;
  reference::ElementType element = reference::ElementType::F32;
  std::vector<int64_t> windows;
  bool bidirectional = false;
  int64_t heads = 1, kvHeads = 1, dim = 16, valueDim = 16;
  /// Clauses; left out where empty.
  std::optional<double> scale;
  std::vector<double> keyBiases, valueBiases;
  bool hasPositions = false, hasRange = false;
  /// The four indices are constants in the function, not arguments.
  bool constantIndices = false;
  /// One argument is all keys; one is all values.
  bool sharedKeys = false, sharedValues = false;
  /// Extents of B, Sq, Sk are in the types.
  bool isStatic = false;
  /// What `#simplex.schedule` holds; the compiler chooses if it is empty.
  std::string schedule;

  /// The run.
  int64_t batch = 1, queries = 1, length = 1;
  int64_t q0 = 0, k0 = 0, lo = 0, hi = 0;
  Contents contents = Contents::Normal;
  uint64_t seed = 0;

  int getNumKeys() const { return order - 1; }
  /// Arguments of the function that are the i-th key and value.
  int getKey(int i) const { return 1 + (sharedKeys ? 0 : i); }
  int getValue(int i) const {
    return 1 + (sharedKeys ? 1 : getNumKeys()) + (sharedValues ? 0 : i);
  }
  std::string getModule() const;
  /// Takes a schedule of short tiles, if the module can have it: in pairs, of
  /// one size or two, skewed or not, or, with one key, skewed. Lengths here are
  /// a tile or two of the compiler's choice.
  void scheduleShortTiles();
  /// Can a schedule of 128 rows in pairs of tiles be skewed?
  bool canSkew() const;
  /// One line that says which case this is.
  std::string describe() const;
  reference::AttentionSpec getSpec() const;
  /// The function's arguments; keys outside the range are NaN or infinite.
  std::vector<run::Value> getInputs() const;
  std::vector<run::Parameter> getResults() const;

  /// Allowed tuples of all rows times D + Dv.
  double getCost() const;
  /// Keys that exist, as indices [first, last).
  std::pair<int64_t, int64_t> getExisting() const;
};

/// The first `count` cases of a seed; the list of a smaller count begins it.
/// Every axis goes through all its values before it repeats one.
std::vector<Case> generateCases(uint64_t seed, size_t count,
                                bool pairs = false);

} // namespace simplexir::sweep

#endif // SIMPLEXIR_TEST_EXECUTION_CASE_H
