//===- HostTarget.h - x86-64 objects -------------------------- -*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_CPU_HOSTTARGET_H
#define SIMPLEXIR_CODEGEN_CPU_HOSTTARGET_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace simplexir {

struct HostTarget {
  /// x86-64-v2, x86-64-v3 or x86-64-v4.
  std::string level;
  /// The least chip that runs the code: the level, or x86-64-v4-bf16.
  std::string chip;
  /// More features ("+avx512bf16,..."), for `native`.
  std::string features;
  /// Bytes of a vector register, and how many there are.
  int64_t vectorBytes;
  int64_t registers;
  /// Converts f16 in hardware.
  bool hasHalf;
  /// Multiplies pairs of bf16 numbers (AVX512-BF16).
  bool hasDotBF16;
};

/// Resolves a chip: a level, or `native`. On failure returns false and says
/// what was expected.
bool resolveHostTarget(llvm::StringRef chip, HostTarget &target,
                       std::string &error);

/// Bytes of a vector register of the chip; 0 if it is unknown.
int64_t getVectorBytes(llvm::StringRef chip);

/// Makes LLVM's x86-64 target known, once; any thread may call it.
void initializeHostTarget();

/// Compiles a module of the LLVM dialect to an ELF relocatable object:
/// position independent, small code model, no undefined symbols but memcpy,
/// memmove and memset. On failure returns false and sets `error`.
bool emitHostObject(mlir::ModuleOp module, const HostTarget &target,
                    llvm::SmallVectorImpl<char> &object, std::string &error);

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_CPU_HOSTTARGET_H
