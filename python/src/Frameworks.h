//===- Frameworks.h - What PyTorch and JAX call directly --------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_FRAMEWORKS_H
#define SIMPLEXIR_PYTHON_FRAMEWORKS_H

#include "TorchShortcuts.h"

#include <nanobind/nanobind.h>

namespace simplexir::python {

/// `register_torch`.
void bindTorch(nanobind::module_ &m);

/// `open_torch_eager` and `torch_eager`.
void bindTorchEager(nanobind::module_ &m);

/// `jax_cpu` and `jax_gpu...`, the handlers.
void bindJax(nanobind::module_ &m);

inline void bindFrameworks(nanobind::module_ &m) {
  bindTorch(m);
  bindTorchEager(m);
  bindTorchShortcuts(m);
  bindJax(m);
}

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_FRAMEWORKS_H
