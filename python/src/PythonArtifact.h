//===- PythonArtifact.h - A loaded .simplex file in Python ------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_PYTHONARTIFACT_H
#define SIMPLEXIR_PYTHON_PYTHONARTIFACT_H

#include "simplexir-runtime.h"

#include <nanobind/nanobind.h>
#include <string>

namespace simplexir::python {

/// `simplexir.Artifact`: the bytes of a .simplex file, loaded.
class PythonArtifact {
public:
  explicit PythonArtifact(const nanobind::bytes &data);
  PythonArtifact(const PythonArtifact &) = delete;
  ~PythonArtifact() { close(); }

  /// Throws RuntimeFailure if there is none, or after close().
  SimplexirKernel *kernel(const std::string &name) const;
  nanobind::list names() const;
  nanobind::list signature(const std::string &name) const;
  void launch(const std::string &name, const nanobind::args &arguments,
              uintptr_t stream) const;
  void close();

private:
  SimplexirArtifact *open() const;
  SimplexirArtifact *artifact = nullptr;
};

void bindArtifact(nanobind::module_ &m);

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_PYTHONARTIFACT_H
