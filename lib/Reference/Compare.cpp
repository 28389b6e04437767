//===- Compare.cpp - The accuracy contract --------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace simplexir::reference;

Tolerance simplexir::reference::getTolerance(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return {1e-2, 5e-3, 0x1p-8};
  case ElementType::F16:
    return {2e-3, 2e-3, 0x1p-11};
  case ElementType::F32:
    return {1e-5, 1e-4, 0.0};
  case ElementType::F64:
    break;
  }
  return {1e-11, 1e-9, 0.0};
}

Bounds simplexir::reference::getBounds(ElementType type, int keys,
                                       const Accuracy &accuracy) {
  const Tolerance tolerance = getTolerance(type);
  const double rounding = 2.0 * tolerance.u * std::sqrt(keys - 1.0);
  const double factor = std::max(1.0, accuracy.maxLogit / 16.0);
  Bounds bounds;
  bounds.out = factor * (tolerance.out + rounding * accuracy.rmsA);
  bounds.lse.reserve(accuracy.rowA.size());
  for (double a : accuracy.rowA)
    bounds.lse.push_back(factor * (tolerance.lse + rounding * a));
  return bounds;
}

namespace {
/// A Euclidean norm that neither overflows nor underflows.
class Norm {
public:
  void add(double x) {
    x = std::fabs(x);
    if (x == 0.0)
      return;
    if (!(x <= largest)) {
      // Also taken for NaN, which then stays.
      sum = sum * (largest / x) * (largest / x) + 1.0;
      largest = x;
    } else {
      sum += (x / largest) * (x / largest);
    }
  }
  /// This norm over `other`; 0 over 0 is 0.
  double relativeTo(const Norm &other) const {
    if (largest == 0.0)
      return 0.0;
    if (other.largest == 0.0)
      return HUGE_VAL;
    return largest / other.largest * std::sqrt(sum / other.sum);
  }

private:
  double largest = 0.0, sum = 0.0;
};

/// Visits rows in order and keeps what compare() reports.
class Judge {
public:
  Judge(ElementType type, int keys, const Result &expected, const Tensor &out,
        const std::vector<double> &lse)
      : type(type), expected(expected), out(out), lse(lse),
        bounds(getBounds(type, keys, expected.accuracy)) {}

  Comparison run();

private:
  void judgeRow(int64_t b, int64_t h, int64_t i);
  void judgeElement(int64_t b, int64_t h, int64_t i, int64_t d, bool empty,
                    Norm &rowError);
  void judgeLse(int64_t b, int64_t h, int64_t i, int64_t row);

  /// Keeps the first message of each kind.
  static void report(std::string &message, const char *what,
                     std::array<int64_t, 4> index, int rank, double actual,
                     double wanted, const char *why);

  const ElementType type;
  const Result &expected;
  const Tensor &out;
  const std::vector<double> &lse;
  const Bounds bounds;
  Comparison result;
  Norm error, norm;
  double worstPart = -1.0, furthest = 0.0;
  std::string broken, furthestElement, lseMessage;
};
} // namespace

void Judge::report(std::string &message, const char *what,
                   std::array<int64_t, 4> index, int rank, double actual,
                   double wanted, const char *why) {
  if (!message.empty())
    return;
  message = std::string(what) + "[";
  for (int r = 0; r < rank; ++r)
    message += (r ? ", " : "") + std::to_string(index[r]);
  char numbers[96];
  std::snprintf(numbers, sizeof(numbers), "] is %.9g, expected %.9g", actual,
                wanted);
  message += std::string(numbers) + why;
}

void Judge::judgeElement(int64_t b, int64_t h, int64_t i, int64_t d, bool empty,
                         Norm &rowError) {
  const double actual = out.at(b, i, h, d),
               wanted = expected.out.at(b, i, h, d);
  const std::array<int64_t, 4> index = {b, i, h, d};
  if (empty && actual != 0.0)
    return report(broken, "out", index, 4, actual, wanted,
                  ": no tuple is allowed");
  if (!std::isfinite(wanted))
    return report(broken, "out", index, 4, actual, wanted,
                  ": the reference is not finite");
  if (!std::isfinite(actual)) {
    if (std::isinf(actual) && actual == roundTo(type, wanted))
      return;
    return report(broken, "out", index, 4, actual, wanted, "");
  }
  error.add(actual - wanted);
  rowError.add(actual - wanted);
  norm.add(wanted);
  if (std::fabs(actual - wanted) > furthest) {
    furthest = std::fabs(actual - wanted);
    furthestElement.clear();
    report(furthestElement, "out", index, 4, actual, wanted, "");
  }
}

void Judge::judgeLse(int64_t b, int64_t h, int64_t i, int64_t row) {
  const double actual = lse[row], wanted = expected.lse[row];
  const std::array<int64_t, 4> index = {b, h, i, 0};
  if (wanted == -HUGE_VAL || !std::isfinite(actual) || !std::isfinite(wanted)) {
    if (actual != wanted || wanted != -HUGE_VAL)
      report(broken, "lse", index, 3, actual, wanted,
             std::isfinite(wanted) || wanted == -HUGE_VAL
                 ? ""
                 : ": the reference is not finite");
    return;
  }
  const double difference = std::fabs(actual - wanted);
  const double part = difference / bounds.lse[row];
  if (part > worstPart) {
    worstPart = part;
    result.lseError = difference;
    result.lseBound = bounds.lse[row];
  }
  if (!(difference <= bounds.lse[row]))
    report(
        lseMessage, "lse", index, 3, actual, wanted,
        (", beyond its bound of " + std::to_string(bounds.lse[row])).c_str());
}

void Judge::judgeRow(int64_t b, int64_t h, int64_t i) {
  const int64_t row = (b * out.shape[2] + h) * out.shape[1] + i;
  Norm rowError, rowNorm;
  for (int64_t d = 0; d < out.shape[3]; ++d) {
    judgeElement(b, h, i, d, expected.lse[row] == -HUGE_VAL, rowError);
    rowNorm.add(expected.out.at(b, i, h, d));
  }
  if (double relative = rowError.relativeTo(rowNorm);
      relative > result.worstRowError) {
    result.worstRowError = relative;
    result.worstRow = {b, h, i};
  }
  judgeLse(b, h, i, row);
}

Comparison Judge::run() {
  if (out.shape != expected.out.shape ||
      out.data.size() != expected.out.data.size() ||
      lse.size() != expected.lse.size() ||
      expected.accuracy.rowA.size() != expected.lse.size() ||
      (out.shape[0] != 0 && expected.accuracy.unspecified.empty())) {
    result.message = "shapes differ, or the reference holds no accuracy";
    return result;
  }
  const std::vector<uint8_t> &unspecified = expected.accuracy.unspecified;
  const int64_t batches = out.shape[0], queries = out.shape[1],
                heads = out.shape[2];
  const int64_t group =
      batches ? heads * batches / static_cast<int64_t>(unspecified.size()) : 1;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      if (!unspecified[b * (heads / group) + h / group])
        for (int64_t i = 0; i < queries; ++i)
          judgeRow(b, h, i);

  result.outError = error.relativeTo(norm);
  result.outBound = bounds.out;
  if (!broken.empty())
    result.message = broken;
  else if (!lseMessage.empty())
    result.message = lseMessage;
  else if (!(result.outError <= result.outBound))
    result.message = "out's relative error " + std::to_string(result.outError) +
                     " is beyond its bound of " +
                     std::to_string(result.outBound) +
                     "; furthest off: " + furthestElement;
  result.pass = result.message.empty();
  return result;
}

Comparison simplexir::reference::compare(ElementType type, int keys,
                                         const Result &expected,
                                         const Tensor &out,
                                         const std::vector<double> &lse) {
  return Judge(type, keys, expected, out, lse).run();
}
