//===- Chips.h - Facts about the chips ------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_CHIPS_H
#define SIMPLEXIR_CODEGEN_CHIPS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace simplexir {

/// What code generation needs to know of an NVIDIA chip. Code for a name
/// ending in `a` runs on that chip only.
struct GpuChip {
  const char *name;
  /// Compute capability, 10 * major + minor.
  int capability;
  /// PTX version emitted for it, 10 * major + minor: the lowest that has the
  /// chip and every instruction that this compiler uses on it.
  int ptxVersion;
  /// Shared memory in bytes: the most that one block may ask for, and that a
  /// multiprocessor has for all its blocks.
  int64_t sharedPerBlock, sharedPerProcessor;
  /// Threads a multiprocessor holds.
  int threadsPerProcessor;
  /// What a multiprocessor does in a cycle: FLOPs of dense products of 16-bit
  /// numbers with f32 accumulators, by the instructions of a warp (mma.sync)
  /// and of a warpgroup (wgmma; 0 where there are none), and exponentials.
  int mmaFlops, wgmmaFlops, exponentials;
  /// wgmma with operands in shared memory; the bulk tensor copy (TMA).
  bool wgmma, tma;

  /// 32-bit registers of a multiprocessor, and the most for one thread.
  static constexpr int64_t registersPerProcessor = 65536;
  static constexpr int64_t registersPerThread = 255;

  /// True if the name ends in `a`: no other chip runs the code.
  bool isExact() const { return llvm::StringRef(name).ends_with("a"); }
  /// `+ptx86`, as LLVM spells it.
  std::string getFeatures() const;
  /// The least cuDriverGetVersion() that compiles this chip's PTX.
  int getMinDriverForPtx() const;
};

/// What code generation needs to know of an x86-64 level, or of one with more
/// instructions.
struct CpuChip {
  const char *name;
  /// Bits of a vector register.
  int vectorBits;
  bool fma;
  /// AVX512-BF16: products of pairs of bf16 numbers.
  bool dotBF16;
};

llvm::ArrayRef<GpuChip> getGpuChips();
llvm::ArrayRef<CpuChip> getCpuChips();

/// The least cuDriverGetVersion() that accepts a PTX version (70, 78, 86...).
int getMinDriverForPtx(int ptxVersion);

/// The least cuDriverGetVersion() that loads a cubin made by ptxas of a CUDA
/// release (13.0 is 130): drivers load what any release of their own major
/// version made, if they know the chip.
int getMinDriverForCubin(const GpuChip &chip, int release);

/// The chip of a name; the error lists the known ones.
llvm::Expected<GpuChip> lookupGpuChip(llvm::StringRef name);
/// As above; `native` is the level of the machine that this runs on.
llvm::Expected<CpuChip> lookupCpuChip(llvm::StringRef name);

/// True if the name has the form of a GPU's (`sm_...`).
inline bool isGpuChipName(llvm::StringRef name) {
  return name.starts_with("sm_");
}

/// All names, for messages and help: `sm_80, ..., x86-64-v4, native`.
std::string listKnownChips();

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_CHIPS_H
