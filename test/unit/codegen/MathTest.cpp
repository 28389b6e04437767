//===- MathTest.cpp - The accuracy of expanded math -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace {

/// exp2 and log2 of n numbers, in double and then in float.
template <typename T>
std::vector<T> apply(const char *function, std::vector<T> x) {
  std::string error;
  auto math = MathFunction::compile(function, sizeof(T) == 8 ? "f64" : "f32",
                                    "native", error);
  EXPECT_TRUE(math) << error;
  std::vector<T> y(x.size());
  if (math)
    math->run(x.data(), y.data(), x.size());
  return y;
}

template <typename T>
std::vector<T> range(double low, double high, int count) {
  std::vector<T> x;
  for (int i = 0; i <= count; ++i)
    x.push_back(T(low + (high - low) * i / count));
  return x;
}

TEST(ExpandMath, Exp2) {
  auto narrow = range<float>(-125.9, 127.9, 1000003);
  auto result = apply("exp2", narrow);
  double error = 0;
  for (size_t i = 0; i < narrow.size(); ++i)
    error =
        std::max(error, std::abs(result[i] / std::exp2(double(narrow[i])) - 1));
  EXPECT_LE(error, 2 * std::ldexp(1.0, -23));
  auto wide = range<double>(-1021.9, 1023.9, 1000003);
  auto wideResult = apply("exp2", wide);
  error = 0;
  for (size_t i = 0; i < wide.size(); ++i)
    error = std::max(error, std::abs(wideResult[i] / std::exp2(wide[i]) - 1));
  EXPECT_LE(error, 1e-14);
}

TEST(ExpandMath, Exp2Special) {
  float infinity = std::numeric_limits<float>::infinity();
  auto y = apply<float>("exp2", {-infinity, -1e30f, -150, 0, 1, 128, 1e30f,
                                 infinity, std::nanf("")});
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(y[3], 1);
  EXPECT_EQ(y[4], 2);
  EXPECT_EQ(y[5], infinity);
  EXPECT_EQ(y[6], infinity);
  EXPECT_EQ(y[7], infinity);
  EXPECT_TRUE(std::isnan(y[8]));
}

TEST(ExpandMath, Log2) {
  for (double power : {-120.0, -1.0, 0.0, 3.0, 100.0}) {
    auto x = range<float>(std::exp2(power), std::exp2(power + 2), 100003);
    auto y = apply("log2", x);
    for (size_t i = 0; i < x.size(); ++i) {
      double want = std::log2(double(x[i]));
      ASSERT_LE(std::abs(y[i] - want), 3e-7 * std::max(1.0, std::abs(want)))
          << x[i];
    }
    auto wide = range<double>(std::exp2(power), std::exp2(power + 2), 100003);
    auto wideResult = apply("log2", wide);
    for (size_t i = 0; i < wide.size(); ++i) {
      double want = std::log2(wide[i]);
      ASSERT_LE(std::abs(wideResult[i] - want),
                1e-15 * std::max(1.0, std::abs(want)))
          << wide[i];
    }
  }
}

TEST(ExpandMath, Log2Special) {
  double infinity = std::numeric_limits<double>::infinity();
  auto y = apply<double>("log2", {0, infinity, -1, std::nan(""), 5e-324});
  EXPECT_EQ(y[0], -infinity);
  EXPECT_EQ(y[1], infinity);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_TRUE(std::isnan(y[3]));
  EXPECT_NEAR(y[4], -1074, 1e-9);
}

} // namespace
