//===- Arrays.cpp - Inputs and outputs of a function ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

#include "simplexir/Reference/Npy.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::run;
using reference::ElementType;
using reference::NpyArray;

size_t run::getElementSize(ElementType type) {
  switch (type) {
  case ElementType::BF16:
  case ElementType::F16:
    return 2;
  case ElementType::F32:
    return 4;
  case ElementType::F64:
    return 8;
  }
  llvm_unreachable("unknown element type");
}

std::string run::formatShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  raw_string_ostream stream(text);
  interleaveComma(shape, stream, [&](int64_t extent) {
    if (extent < 0)
      stream << '?';
    else
      stream << extent;
  });
  return text + "]";
}

Expected<Parameter> run::getParameter(mlir::Type type, StringRef what) {
  Parameter parameter;
  raw_string_ostream(parameter.type) << type;
  if (type.isIndex()) {
    parameter.isIndex = true;
    return parameter;
  }
  auto tensor = dyn_cast<mlir::RankedTensorType>(type);
  mlir::Type element = tensor ? tensor.getElementType() : mlir::Type();
  if (!tensor || !(element.isBF16() || element.isF16() || element.isF32() ||
                   element.isF64()))
    return createStringError(what + " has type " + parameter.type +
                             ", expected an index or a ranked tensor of bf16, "
                             "f16, f32 or f64");
  parameter.element = element.isBF16()  ? ElementType::BF16
                      : element.isF16() ? ElementType::F16
                      : element.isF32() ? ElementType::F32
                                        : ElementType::F64;
  for (int64_t extent : tensor.getShape())
    parameter.shape.push_back(mlir::ShapedType::isDynamic(extent) ? -1
                                                                  : extent);
  return parameter;
}

/// Stores doubles in the parameter's element type, rounded once.
static void encode(Value &value, ArrayRef<double> numbers) {
  size_t size = getElementSize(value.parameter.element);
  value.bytes.resize(size * numbers.size());
  uint8_t *at = value.bytes.data();
  auto store = [&](auto number) {
    std::memcpy(at, &number, sizeof(number));
    at += sizeof(number);
  };
  for (double number : numbers)
    switch (value.parameter.element) {
    case ElementType::BF16:
      store(reference::encodeBF16(number));
      break;
    case ElementType::F16:
      store(reference::encodeF16(number));
      break;
    case ElementType::F32:
      store(static_cast<float>(number));
      break;
    case ElementType::F64:
      store(number);
      break;
    }
}

run::Value run::makeValue(const Parameter &parameter, ArrayRef<int64_t> shape,
                          ArrayRef<double> numbers) {
  Value value;
  value.parameter = parameter;
  value.shape.assign(shape.begin(), shape.end());
  encode(value, numbers);
  return value;
}

std::vector<double> run::toDoubles(const Value &value) {
  size_t size = getElementSize(value.parameter.element);
  std::vector<double> numbers(value.bytes.size() / size);
  const uint8_t *at = value.bytes.data();
  auto load = [&](auto number) {
    std::memcpy(&number, at, sizeof(number));
    at += sizeof(number);
    return number;
  };
  for (double &number : numbers)
    switch (value.parameter.element) {
    case ElementType::BF16:
      number = reference::decodeBF16(load(uint16_t()));
      break;
    case ElementType::F16:
      number = reference::decodeF16(load(uint16_t()));
      break;
    case ElementType::F32:
      number = load(float());
      break;
    case ElementType::F64:
      number = load(double());
      break;
    }
  return numbers;
}

/// Says how a shape differs from the declared one; empty if it fits.
static std::string checkShape(ArrayRef<int64_t> found,
                              ArrayRef<int64_t> expected) {
  if (found.size() != expected.size())
    return "its shape " + formatShape(found) + " has rank " +
           std::to_string(found.size()) + ", expected " +
           std::to_string(expected.size());
  for (auto [i, extent] : enumerate(expected)) {
    if (extent >= 0 && found[i] != extent)
      return "its shape is " + formatShape(found) + ", expected " +
             formatShape(expected) + " (dimension " + std::to_string(i) +
             " differs)";
    if (!isInt<32>(found[i]))
      return "its dimension " + std::to_string(i) + " is " +
             std::to_string(found[i]) + ", the limit is 2147483647";
  }
  return {};
}

Expected<run::Value> run::readInput(StringRef path,
                                    const Parameter &parameter) {
  auto fail = [&](const Twine &why) {
    return createStringError("input '" + path + "' for " + parameter.type +
                             ": " + why);
  };
  NpyArray array;
  // The message begins with the path.
  if (std::string error = readNpy(path.str(), array); !error.empty())
    return createStringError("input " + error);
  Value value;
  value.parameter = parameter;
  if (parameter.isIndex) {
    if (std::string error = toIndex(array, value.index); !error.empty())
      return fail(error);
    return value;
  }
  if (array.type.kind != 'f')
    return fail("its element type is " + array.type.str() +
                ", expected <f2, <f4 or <f8");
  if (std::string error = checkShape(array.shape, parameter.shape);
      !error.empty())
    return fail(error);
  value.shape = array.shape;
  encode(value, reference::toDoubles(array));
  return value;
}

Expected<run::Value> run::makeRandomInput(const Parameter &parameter,
                                          uint64_t seed, int64_t extent,
                                          StringRef what) {
  if (parameter.isIndex)
    return createStringError(what + " is an index: --random-inputs fills "
                                    "tensors only, pass files with --input");
  Value value;
  value.parameter = parameter;
  uint64_t count = 1;
  bool overflow = false;
  for (int64_t size : parameter.shape) {
    if (size < 0 && extent < 0)
      return createStringError(what + " of type " + parameter.type +
                               " has dynamic extents: say which size they "
                               "have with --extent=N");
    value.shape.push_back(size < 0 ? extent : size);
    count = SaturatingMultiply<uint64_t>(count, value.shape.back(), &overflow);
    if (overflow || count > (uint64_t{1} << 36))
      return createStringError(what + " would have " +
                               formatShape(value.shape) +
                               " elements, which is too large");
  }
  std::vector<double> numbers(count);
  uint64_t state = seed;
  for (double &number : numbers) {
    // splitmix64
    uint64_t bits = state += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    number = static_cast<double>(static_cast<int64_t>(bits)) * 0x1p-63;
  }
  encode(value, numbers);
  return value;
}

Error run::writeOutput(StringRef path, const Value &value) {
  bool wide = value.parameter.element == ElementType::F64;
  NpyArray array;
  std::string error = reference::fromDoubles({'f', wide ? 8 : 4}, value.shape,
                                             toDoubles(value), array);
  if (error.empty())
    error = writeNpy(path.str(), array);
  if (!error.empty())
    return createStringError("output " + error);
  return Error::success();
}
