//===- Manifest.h - The manifest section of a .simplex file -----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_MANIFEST_H
#define SIMPLEXIR_RUNTIME_LIB_MANIFEST_H

#include "simplexir-runtime/Container.h"

namespace simplexir {

/// Everything but the images' data, as formatVersion has it. The artifact must
/// be valid.
std::string encodeManifest(const Artifact &artifact);

/// Reads a manifest of a version from 1 to formatVersion. Checks the encoding
/// only; validate() checks the meaning.
bool decodeManifest(const uint8_t *data, size_t size, uint32_t version,
                    Artifact &artifact, std::string &error);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_MANIFEST_H
