//===- Float.cpp - Element types and their rounding -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Float.h"

#include <cmath>
#include <cstring>

using namespace simplexir::reference;

const char *simplexir::reference::getName(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return "bf16";
  case ElementType::F16:
    return "f16";
  case ElementType::F32:
    return "f32";
  case ElementType::F64:
    return "f64";
  }
  return "unknown";
}

/// Rounds a double straight to a 16-bit IEEE-like format. Going through float
/// would round twice, which differs next to ties.
static uint16_t encode16(double value, int exponentBits) {
  const int mantissaBits = 15 - exponentBits;
  const int bias = (1 << (exponentBits - 1)) - 1;
  const uint16_t infinity =
      static_cast<uint16_t>(((1 << exponentBits) - 1) << mantissaBits);

  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint16_t sign = static_cast<uint16_t>((bits >> 48) & 0x8000);
  const int exponent = static_cast<int>((bits >> 52) & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t(1) << 52) - 1);
  if (exponent == 0x7ff)
    return sign | infinity | (mantissa ? uint16_t(1 << (mantissaBits - 1)) : 0);
  // Zeros, and double subnormals, which are below half of any subnormal here.
  if (exponent == 0)
    return sign;
  mantissa |= uint64_t(1) << 52;

  const int target = exponent - 1023 + bias;
  // A target exponent below 1 is a subnormal: the leading one moves right.
  const int shift = 52 - mantissaBits + (target < 1 ? 1 - target : 0);
  if (shift > 54)
    return sign;
  uint64_t quotient = mantissa >> shift;
  const uint64_t remainder = mantissa & ((uint64_t(1) << shift) - 1);
  const uint64_t half = uint64_t(1) << (shift - 1);
  if (remainder > half || (remainder == half && (quotient & 1)))
    ++quotient;
  // The quotient holds the implicit one, so adding it to the exponent field
  // below carries where rounding reached the next power of two.
  const uint64_t field =
      target < 1 ? 0 : (static_cast<uint64_t>(target) - 1) << mantissaBits;
  const uint64_t encoded = field + quotient;
  return sign | (encoded >= infinity ? infinity : uint16_t(encoded));
}

static double decode16(uint16_t bits, int exponentBits) {
  const int mantissaBits = 15 - exponentBits;
  const int bias = (1 << (exponentBits - 1)) - 1;
  const int limit = (1 << exponentBits) - 1;
  const int exponent = (bits >> mantissaBits) & limit;
  const int mantissa = bits & ((1 << mantissaBits) - 1);
  double magnitude;
  if (exponent == limit)
    magnitude = mantissa ? std::nan("") : HUGE_VAL;
  else if (exponent == 0)
    magnitude = std::ldexp(mantissa, 1 - bias - mantissaBits);
  else
    magnitude = std::ldexp(mantissa | (1 << mantissaBits),
                           exponent - bias - mantissaBits);
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t simplexir::reference::encodeF16(double value) {
  return encode16(value, 5);
}
uint16_t simplexir::reference::encodeBF16(double value) {
  return encode16(value, 8);
}
double simplexir::reference::decodeF16(uint16_t bits) {
  return decode16(bits, 5);
}
double simplexir::reference::decodeBF16(uint16_t bits) {
  return decode16(bits, 8);
}

double simplexir::reference::roundTo(ElementType type, double value) {
  switch (type) {
  case ElementType::BF16:
    return decodeBF16(encodeBF16(value));
  case ElementType::F16:
    return decodeF16(encodeF16(value));
  case ElementType::F32:
    return static_cast<float>(value);
  case ElementType::F64:
    break;
  }
  return value;
}

ElementType simplexir::reference::getAccumulatorType(ElementType type) {
  return type == ElementType::F64 ? ElementType::F64 : ElementType::F32;
}
