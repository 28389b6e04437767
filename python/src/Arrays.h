//===- Arrays.h - Views of Python's arrays ----------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_ARRAYS_H
#define SIMPLEXIR_PYTHON_ARRAYS_H

#include "Attention.h"

#include <nanobind/nanobind.h>
#include <vector>

namespace simplexir::python {

/// A view of a NumPy array, or of anything with `__dlpack__`; never a copy.
/// `owners` gets what must live until the launch is over. `stream` is where a
/// GPU array will be used, which its producer waits for. Throws BadType or
/// BadValue, or what the array itself throws.
View viewOf(nanobind::handle array, const std::string &name, void *stream,
            bool writable, std::vector<nanobind::object> &owners);

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_ARRAYS_H
