//===- NpyHeader.h - The header of a .npy file ------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_NPYHEADER_H
#define SIMPLEXIR_REFERENCE_NPYHEADER_H

#include "simplexir/Reference/Npy.h"

#include <string_view>

namespace simplexir::reference {

struct NpyHeader {
  NpyType type;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// Parses the Python dictionary of a header, which must fill `text` but for
/// white space. Returns what is wrong, or an empty string.
[[nodiscard]] std::string parseNpyHeader(std::string_view text,
                                         NpyHeader &header);

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_NPYHEADER_H
