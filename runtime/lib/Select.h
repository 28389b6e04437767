//===- Select.h - Which image fits a device ---------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_SELECT_H
#define SIMPLEXIR_RUNTIME_LIB_SELECT_H

#include "Support.h"
#include "simplexir-runtime/Container.h"

namespace simplexir {

/// The x86-64 micro-architecture level of this CPU, 1 to 4; 5 if it is 4 with
/// AVX512-BF16; 0 on others.
unsigned hostCpuLevel();

/// The highest level that is not above `level`.
Status selectCpuImage(const Artifact &artifact, const Kernel &kernel,
                      unsigned level, const KernelImage *&image);

/// A cubin for exactly this chip, else one of the same major and the next
/// lower minor version, else the newest PTX; among images whose minimum driver
/// is met. `capability` is 90 for 9.0, `driver` as cuDriverGetVersion.
Status selectGpuImage(const Artifact &artifact, const Kernel &kernel,
                      unsigned capability, unsigned driver,
                      const KernelImage *&image);

/// `cubin sm_90a, ptx sm_80`, for messages.
std::string listImages(const Artifact &artifact, const Kernel &kernel);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_SELECT_H
