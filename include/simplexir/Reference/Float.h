//===- Float.h - Element types and their rounding ---------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_FLOAT_H
#define SIMPLEXIR_REFERENCE_FLOAT_H

#include <cstdint>

namespace simplexir::reference {

/// The element types of an attention.
enum class ElementType { BF16, F16, F32, F64 };

/// "bf16", "f16", "f32" or "f64".
const char *getName(ElementType type);

/// Encodings, rounded once from the double to nearest, ties to even. Overflow
/// gives infinity, underflow a subnormal or a signed zero, NaN a quiet NaN.
uint16_t encodeF16(double value);
uint16_t encodeBF16(double value);

/// Exact.
double decodeF16(uint16_t bits);
double decodeBF16(uint16_t bits);

/// The nearest value of `type`, ties to even.
double roundTo(ElementType type, double value);

/// The type of lse, softmax and accumulation: f64 for f64, else f32.
ElementType getAccumulatorType(ElementType type);

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_FLOAT_H
