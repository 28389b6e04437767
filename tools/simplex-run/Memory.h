//===- Memory.h - Buffers on the target ------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TOOLS_SIMPLEX_RUN_MEMORY_H
#define SIMPLEXIR_TOOLS_SIMPLEX_RUN_MEMORY_H

#include "simplexir/Codegen/Jit.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <map>
#include <vector>

namespace simplexir::run {

/// The error of the runtime's last call on this thread.
llvm::Error getRuntimeError();

/// Memory of the CPU or of one GPU. Freed blocks are kept and given out again,
/// so that repeated runs do not time the allocator.
class Memory {
public:
  Memory(bool gpu, int device) : gpu(gpu), device(device) {}
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  /// Opens the device and makes a stream.
  llvm::Error open();

  bool isGpu() const { return gpu; }
  int getDevice() const { return device; }
  void *getStream() const { return stream; }

  /// 64-byte aligned; null (with an error noted) if there is none.
  void *allocate(uint64_t bytes);
  void release(void *pointer);
  llvm::Error copyIn(void *to, llvm::ArrayRef<uint8_t> from);
  llvm::Error copyOut(llvm::MutableArrayRef<uint8_t> to, const void *from);
  llvm::Error synchronize();

  /// While set, fresh memory is filled with 0xff, a NaN of every type, so that
  /// what a kernel leaves out shows.
  void setPoison(bool value) { poison = value; }
  /// What allocate() could not do.
  llvm::Error takeError();

  /// Functions for host code: allocation here, and memrefCopy.
  static llvm::SmallVector<HostProgram::Symbol> getSymbols();
  /// The memory that these functions use on this thread.
  void activate();

private:
  bool gpu, poison = true;
  int device;
  void *stream = nullptr;
  std::string error;
  std::map<void *, uint64_t> used;
  std::multimap<uint64_t, void *> spare;
};

} // namespace simplexir::run

#endif // SIMPLEXIR_TOOLS_SIMPLEX_RUN_MEMORY_H
