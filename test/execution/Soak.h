//===- Soak.h - Thousands of launches of compiled kernels -------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_EXECUTION_SOAK_H
#define SIMPLEXIR_TEST_EXECUTION_SOAK_H

#include "Runner.h"

namespace simplexir::sweep {

struct SoakOptions {
  uint64_t seed = 1;
  /// Cases that are dealt; those of one module share an artifact.
  size_t cases = 120;
  size_t launches = 10000;
  /// A host thread each, with a stream of its own on a GPU.
  int streams = 2;
};

/// Compiles an artifact for each module of dynamic shapes, checks the first
/// launch of every shape, packed and in a layout with odd offsets, gaps or
/// negative strides, against the reference, then launches shapes in random
/// order on all streams through the C interface: each result must have the
/// bits of the first. Prints counts and returns the exit status.
int soak(const Settings &settings, const SoakOptions &options,
         const mlir::DialectRegistry &registry);

} // namespace simplexir::sweep

#endif // SIMPLEXIR_TEST_EXECUTION_SOAK_H
