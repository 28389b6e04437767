//===- Kernels.h - The kernels of this process ------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_KERNELS_H
#define SIMPLEXIR_PYTHON_KERNELS_H

#include "Spec.h"
#include "simplexir-runtime.h"

#include <functional>

namespace simplexir::python {

/// The kernel for a spec, from the table or else from the maker, which is
/// asked once a spec. Kernels live as long as the process. Throws.
SimplexirKernel *findOrMakeKernel(const Spec &spec);

/// Finds a kernel on disk or compiles it; called without any lock.
using KernelMaker = std::function<SimplexirKernel *(const Spec &spec)>;
void setKernelMaker(KernelMaker maker);

/// Forgets all kernels (which stay loaded), so that the maker is asked again.
void forgetKernels();
size_t countKernels();

/// The compute capability of a GPU: 90 is 9.0. Throws.
int64_t capabilityOf(int32_t device);

/// 2 to 4 for x86-64-v2 to -v4; 0 for a processor below or of another kind.
int hostLevel();

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_KERNELS_H
