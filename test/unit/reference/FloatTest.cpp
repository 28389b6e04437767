//===- FloatTest.cpp - Rounding to element types --------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Float.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace simplexir::reference;

namespace {

TEST(Float, EveryEncodingSurvives) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const double half = decodeF16(static_cast<uint16_t>(bits));
    const double brain = decodeBF16(static_cast<uint16_t>(bits));
    if (std::isnan(half))
      EXPECT_TRUE(std::isnan(decodeF16(encodeF16(half))));
    else
      EXPECT_EQ(encodeF16(half), bits);
    if (std::isnan(brain))
      EXPECT_TRUE(std::isnan(decodeBF16(encodeBF16(brain))));
    else
      EXPECT_EQ(encodeBF16(brain), bits);
  }
}

/// The values next to each other in every format: their middle goes to the even
/// one, anything off the middle to the nearer.
template <typename Encode, typename Decode>
void expectNearestEven(Encode encode, Decode decode, uint16_t infinity) {
  for (uint16_t bits = 0; bits + 1 < infinity; ++bits) {
    const double low = decode(bits), high = decode(bits + 1);
    const double middle = 0.5 * low + 0.5 * high;
    const uint16_t even = bits % 2 ? bits + 1 : bits;
    ASSERT_EQ(encode(middle), even) << bits;
    ASSERT_EQ(encode(-middle), even | 0x8000) << bits;
    ASSERT_EQ(encode(std::nextafter(middle, HUGE_VAL)), bits + 1) << bits;
    ASSERT_EQ(encode(std::nextafter(middle, 0.0)), bits) << bits;
  }
}

TEST(Float, RoundsToNearestEven) {
  expectNearestEven(encodeF16, decodeF16, 0x7c00);
  expectNearestEven(encodeBF16, decodeBF16, 0x7f80);
}

TEST(Float, KnownValues) {
  EXPECT_EQ(encodeF16(1.0), 0x3c00);
  EXPECT_EQ(encodeF16(-2.0), 0xc000);
  EXPECT_EQ(encodeF16(65504.0), 0x7bff);
  EXPECT_EQ(encodeF16(65519.999), 0x7bff);
  EXPECT_EQ(encodeF16(65520.0), 0x7c00);
  EXPECT_EQ(encodeF16(0x1p-24), 0x0001);
  EXPECT_EQ(encodeF16(0x1p-25), 0x0000);
  EXPECT_EQ(encodeF16(-0.0), 0x8000);
  EXPECT_EQ(encodeF16(5e-324), 0x0000);
  EXPECT_EQ(encodeF16(1e300), 0x7c00);
  EXPECT_EQ(encodeBF16(1.0), 0x3f80);
  EXPECT_EQ(encodeBF16(3.14159265), 0x4049);
  EXPECT_EQ(encodeBF16(-HUGE_VAL), 0xff80);
  EXPECT_TRUE(std::isnan(decodeBF16(encodeBF16(std::nan("")))));
}

TEST(Float, RoundsOnce) {
  // Through float this would first become the tie 1 + 2^-11, then 1.
  const double value = 1.0 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(roundTo(ElementType::F16, value), 1.0 + 0x1p-10);
  EXPECT_EQ(roundTo(ElementType::F16, static_cast<float>(value)), 1.0);
}

TEST(Float, BrainIsATruncatedFloat) {
  std::mt19937 rng(1);
  for (int round = 0; round < 10000; ++round) {
    uint32_t bits = rng();
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isnan(value))
      continue;
    // The usual integer trick, as a second opinion.
    const uint16_t expected =
        static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    EXPECT_EQ(encodeBF16(value), expected) << bits;
  }
}

TEST(Float, Names) {
  EXPECT_STREQ(getName(ElementType::BF16), "bf16");
  EXPECT_STREQ(getName(ElementType::F64), "f64");
  EXPECT_EQ(getAccumulatorType(ElementType::F16), ElementType::F32);
  EXPECT_EQ(getAccumulatorType(ElementType::F64), ElementType::F64);
  EXPECT_EQ(roundTo(ElementType::F32, 0.1), 0.1f);
}

} // namespace
