//===- CompilerLibrary.h - The compiler, loaded when needed -----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_COMPILERLIBRARY_H
#define SIMPLEXIR_PYTHON_COMPILERLIBRARY_H

#include <string>
#include <vector>

namespace simplexir::python {

/// What a compilation came to.
struct Compiled {
  std::string status; // "ok", or the name of the compiler's status
  std::string messages;
  std::string artifact;
};

/// Opens libSimplexIR-C, which brings LLVM along: not before it is needed, as
/// that takes longer than all else at import. Once a process. Throws
/// RuntimeFailure if it is missing or older than this module.
void loadCompiler(const std::string &path);

/// `0.1.0 (LLVM 22.1.8)`.
std::string compilerVersion();

/// `portable`: with PTX for GPUs that are not among the chips.
Compiled compile(const std::string &module,
                 const std::vector<std::string> &chips,
                 const std::string &ptxas, const std::string &name,
                 bool portable);

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_COMPILERLIBRARY_H
