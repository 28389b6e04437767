//===- Arrays.h - Inputs and outputs of a function -------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_RUN_ARRAYS_H
#define SIMPLEXIR_TOOLS_SIMPLEX_RUN_ARRAYS_H

#include "simplexir/Reference/Float.h"

#include "mlir/IR/Types.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace simplexir::run {

/// A tensor argument or result as the function declares it; or an index.
struct Parameter {
  bool isIndex = false;
  reference::ElementType element = reference::ElementType::F32;
  /// -1 is dynamic.
  std::vector<int64_t> shape;
  std::string type;
};

/// A value for a parameter, row-major, in the parameter's element type.
struct Value {
  Parameter parameter;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
  int64_t index = 0;
};

size_t getElementSize(reference::ElementType type);

/// What a type means here; an error unless it is an index or a ranked tensor
/// of bf16, f16, f32 or f64.
llvm::Expected<Parameter> getParameter(mlir::Type type, llvm::StringRef what);

/// Reads a .npy file as a value of a parameter.
llvm::Expected<Value> readInput(llvm::StringRef path,
                                const Parameter &parameter);

/// Numbers in [-1, 1), the same for the same seed. Dynamic extents become
/// `extent`.
llvm::Expected<Value> makeRandomInput(const Parameter &parameter, uint64_t seed,
                                      int64_t extent, llvm::StringRef what);

/// A value of these numbers, each rounded once to the parameter's element type.
Value makeValue(const Parameter &parameter, llvm::ArrayRef<int64_t> shape,
                llvm::ArrayRef<double> numbers);

/// Writes a result; bf16 and f16 as f4.
llvm::Error writeOutput(llvm::StringRef path, const Value &value);

/// The elements as doubles.
std::vector<double> toDoubles(const Value &value);

/// `[1, 8, 4, 16]`.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace simplexir::run

#endif // SIMPLEXIR_TOOLS_SIMPLEX_RUN_ARRAYS_H
