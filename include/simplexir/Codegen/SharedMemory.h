//===- SharedMemory.h - What a buffer costs a thread block ------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_SHAREDMEMORY_H
#define SIMPLEXIR_CODEGEN_SHAREDMEMORY_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

namespace simplexir {

/// Every buffer in shared memory begins at a multiple of this many bytes.
constexpr int64_t kSharedAlignment = 128;

/// The most bytes of shared memory that a buffer takes, wherever it comes to
/// lie: its own and those before it that an `alignment` above the usual one
/// may cost.
inline int64_t getSharedBytes(mlir::MemRefType type,
                              int64_t alignment = kSharedAlignment) {
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  return static_cast<int64_t>(llvm::alignTo(bytes, kSharedAlignment)) +
         std::max(alignment, kSharedAlignment) - kSharedAlignment;
}

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_SHAREDMEMORY_H
