//===- PermuteKeys.h - The order of an attention's keys ---------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TRANSFORMS_PERMUTEKEYS_H
#define SIMPLEXIR_TRANSFORMS_PERMUTEKEYS_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

namespace simplexir {

/// Key `i` becomes what key `order[i]` was, with its value, window and biases;
/// the form follows. Changes nothing and fails where the form does not let its
/// keys change places.
llvm::LogicalResult permuteKeys(AttentionOp op, llvm::ArrayRef<int64_t> order);

} // namespace simplexir

#endif // SIMPLEXIR_TRANSFORMS_PERMUTEKEYS_H
