//===- TensorMaps.h - Tensor maps of a launch -------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_TENSORMAPS_H
#define SIMPLEXIR_RUNTIME_LIB_TENSORMAPS_H

#include "CudaDriver.h"
#include "Signature.h"

namespace simplexir {

/// Puts behind the words what a kernel with tensor maps takes after them, and
/// says where each parameter lies. Where one of the arguments allows no map,
/// the kernel is told that there are none.
void appendTensorMaps(const CudaDriver &driver, const Kernel &kernel,
                      const std::vector<TensorMap> &maps, BoundArguments &bound,
                      void **parameters);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_TENSORMAPS_H
