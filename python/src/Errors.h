//===- Errors.h - Exceptions that become Python's ---------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_ERRORS_H
#define SIMPLEXIR_PYTHON_ERRORS_H

#include "simplexir-runtime.h"

#include <stdexcept>
#include <string>

namespace simplexir::python {

/// The runtime refused: `simplexir.RuntimeError`, with the status's name.
struct RuntimeFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An argument is wrong: ValueError.
struct BadValue : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An argument has the wrong type: TypeError.
struct BadType : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check(SimplexirStatus status) {
  if (status != SIMPLEXIR_OK)
    throw RuntimeFailure(std::string(simplexirStatusName(status)) + ": " +
                         simplexirLastError());
}

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_ERRORS_H
