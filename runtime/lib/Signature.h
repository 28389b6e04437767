//===- Signature.h - Arguments against a kernel's signature -----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_SIGNATURE_H
#define SIMPLEXIR_RUNTIME_LIB_SIGNATURE_H

#include "Support.h"
#include "simplexir-runtime/Container.h"

namespace simplexir {

/// What an image with tensor maps takes after the words: one that says if there
/// are maps, and the maps, each at a multiple of 64 bytes, as its type wants.
constexpr size_t maxMapWords = 8 + maxTensorMaps * 16;

/// The arguments of one launch after all checks, as the kernel wants them. On
/// the stack of the launch, hence of a fixed size.
struct BoundArguments {
  alignas(64) int64_t words[maxWords + maxMapWords];
  size_t numWords = 0;
  /// The value of each named dimension.
  int64_t dims[maxDimNames];
};

/// Where a launch runs, for the check of the tensors.
struct LaunchDevice {
  int32_t type = SIMPLEXIR_CPU;
  int32_t id = 0;
};

/// Checks every argument and fills `bound`.
Status bindArguments(const Kernel &kernel, const SimplexirArgument *arguments,
                     size_t numArguments, LaunchDevice device,
                     BoundArguments &bound);

/// The number of work items of an image's grid.
Status countWorkItems(const Kernel &kernel, const KernelImage &image,
                      const int64_t *dims, int64_t &total);

/// The inverse of the words: arguments that refer to `words` (which must stay)
/// for their shapes. `arguments` has room for the kernel's arguments.
Status argumentsFromWords(const Kernel &kernel, const int64_t *words,
                          int64_t numWords, LaunchDevice device,
                          SimplexirArgument *arguments);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_SIGNATURE_H
