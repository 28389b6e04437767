//===- TorchShortcuts.h - Cheap answers about PyTorch's state ---*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_TORCHSHORTCUTS_H
#define SIMPLEXIR_PYTHON_TORCHSHORTCUTS_H

#include "Attention.h"

#include <nanobind/nanobind.h>

namespace simplexir::python {

/// Whether this thread's dispatch keys are known to be those of a thread
/// without modes, transforms and tracers. False is "ask".
bool hasPlainDispatchKeys();

enum class Answer { No, Yes, Unknown };
/// Of an object whose type is torch.Tensor or Parameter.
Answer isNegativeView(PyObject *tensor);

/// A new tensor without values, whose memory goes into the view; none where it
/// is not known how to make one. Throws what PyTorch throws.
nanobind::object makeTensorObject(View &view);
void distrustMakers();

/// `shortcut_...`, see simplexir/torch.py.
void bindTorchShortcuts(nanobind::module_ &m);

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_TORCHSHORTCUTS_H
