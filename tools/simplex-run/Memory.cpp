//===- Memory.cpp - Buffers on the target ---------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include "simplexir-mgpu.h"
#include "simplexir-runtime-gpu-tools.h"

#include "llvm/Support/MathExtras.h"
#include <cstdlib>
#include <cstring>

using namespace llvm;
using namespace simplexir::run;

Error simplexir::run::getRuntimeError() {
  return createStringError("%s", simplexirLastError());
}

Memory::~Memory() {
  auto free = [&](void *pointer) {
    if (gpu)
      (void)simplexirGpuFree(device, pointer);
    else
      std::free(pointer);
  };
  for (auto [pointer, bytes] : used)
    free(pointer);
  for (auto [bytes, pointer] : spare)
    free(pointer);
  if (stream)
    (void)simplexirGpuStreamDestroy(device, stream);
}

Error Memory::open() {
  if (!gpu)
    return Error::success();
  int32_t count = 0;
  if (simplexirGpuCount(&count))
    return getRuntimeError();
  if (device < 0 || device >= count)
    return createStringError("there is no GPU %d: this machine has %d", device,
                             count);
  if (simplexirGpuStreamCreate(device, &stream))
    return getRuntimeError();
  return Error::success();
}

void *Memory::allocate(uint64_t bytes) {
  bytes = alignTo(std::max<uint64_t>(bytes, 1), 64);
  void *pointer = nullptr;
  if (auto found = spare.find(bytes); found != spare.end()) {
    pointer = found->second;
    spare.erase(found);
  } else if (gpu) {
    if (simplexirGpuAlloc(device, bytes, &pointer)) {
      error = simplexirLastError();
      return nullptr;
    }
  } else {
    pointer = std::aligned_alloc(64, bytes);
    if (!pointer) {
      error = "out of memory: " + std::to_string(bytes) + " bytes";
      return nullptr;
    }
  }
  used[pointer] = bytes;
  if (!poison)
    return pointer;
  if (!gpu)
    std::memset(pointer, 0xff, bytes);
  else if (simplexirGpuFill(device, pointer, 0xff, bytes, stream))
    error = simplexirLastError();
  return pointer;
}

void Memory::release(void *pointer) {
  auto found = used.find(pointer);
  if (found == used.end())
    return;
  spare.emplace(found->second, pointer);
  used.erase(found);
}

Error Memory::takeError() {
  std::string message = std::exchange(error, {});
  return message.empty() ? Error::success() : createStringError(message);
}

Error Memory::copyIn(void *to, ArrayRef<uint8_t> from) {
  if (!gpu) {
    if (!from.empty())
      std::memcpy(to, from.data(), from.size());
    return Error::success();
  }
  if (simplexirGpuCopyIn(device, to, from.data(), from.size(), stream))
    return getRuntimeError();
  return Error::success();
}

Error Memory::copyOut(MutableArrayRef<uint8_t> to, const void *from) {
  if (!gpu) {
    if (!to.empty())
      std::memcpy(to.data(), from, to.size());
    return Error::success();
  }
  if (simplexirGpuCopyOut(device, to.data(), from, to.size(), stream))
    return getRuntimeError();
  return Error::success();
}

Error Memory::synchronize() {
  if (gpu && simplexirGpuSynchronize(device, stream))
    return getRuntimeError();
  return Error::success();
}

//===----------------------------------------------------------------------===//
// What host code calls
//===----------------------------------------------------------------------===//

/// Host code calls back on the thread that called it.
static thread_local Memory *active = nullptr;

void Memory::activate() {
  active = this;
  simplexirMgpuSetErrorHandler(
      [](void *, SimplexirStatus, const char *message) {
        if (active && active->error.empty())
          active->error = message;
      },
      nullptr);
}

static void *hostAllocate(uint64_t bytes) { return active->allocate(bytes); }
static void hostFree(void *pointer) { active->release(pointer); }

namespace {
struct UnrankedMemRef {
  int64_t rank;
  /// {allocated, aligned, offset, sizes[rank], strides[rank]}
  int64_t *descriptor;
};
} // namespace

/// Copies between buffers with strides (CPU only; the tool rejects functions
/// that copy on a GPU).
static void copyStrided(int64_t bytes, int64_t rank, const char *from,
                        const int64_t *sizes, const int64_t *fromStrides,
                        char *to, const int64_t *toStrides) {
  if (rank == 0) {
    std::memcpy(to, from, bytes);
    return;
  }
  for (int64_t i = 0; i < *sizes; ++i)
    copyStrided(bytes, rank - 1, from + i * *fromStrides * bytes, sizes + 1,
                fromStrides + 1, to + i * *toStrides * bytes, toStrides + 1);
}

static void hostCopy(int64_t bytes, UnrankedMemRef *from, UnrankedMemRef *to) {
  auto start = [&](const UnrankedMemRef *memref) {
    const int64_t *words = memref->descriptor;
    return reinterpret_cast<char *>(words[1]) + words[2] * bytes;
  };
  const int64_t *sizes = from->descriptor + 3;
  copyStrided(bytes, from->rank, start(from), sizes, sizes + from->rank,
              start(to), to->descriptor + 3 + to->rank);
}

SmallVector<simplexir::HostProgram::Symbol> Memory::getSymbols() {
  using Symbol = simplexir::HostProgram::Symbol;
  auto address = [](auto *function) {
    return reinterpret_cast<void *>(function);
  };
#define SIMPLEXIR_SYMBOL(name) Symbol(#name, address(&name))
  return {{"_mlir_memref_to_llvm_alloc", address(&hostAllocate)},
          {"_mlir_memref_to_llvm_free", address(&hostFree)},
          {"memrefCopy", address(&hostCopy)},
          SIMPLEXIR_SYMBOL(simplexirHostLaunch),
          SIMPLEXIR_SYMBOL(simplexirMgpuTakeError),
          SIMPLEXIR_SYMBOL(mgpuModuleLoad),
          SIMPLEXIR_SYMBOL(mgpuModuleLoadJIT),
          SIMPLEXIR_SYMBOL(mgpuModuleUnload),
          SIMPLEXIR_SYMBOL(mgpuModuleGetFunction),
          SIMPLEXIR_SYMBOL(mgpuLaunchKernel),
          SIMPLEXIR_SYMBOL(mgpuLaunchClusterKernel),
          SIMPLEXIR_SYMBOL(mgpuStreamSynchronize),
          SIMPLEXIR_SYMBOL(mgpuMemAlloc),
          SIMPLEXIR_SYMBOL(mgpuMemFree),
          SIMPLEXIR_SYMBOL(mgpuMemcpy),
          SIMPLEXIR_SYMBOL(mgpuMemset16),
          SIMPLEXIR_SYMBOL(mgpuMemset32),
          SIMPLEXIR_SYMBOL(mgpuTensorMapEncodeTiledMemref)};
#undef SIMPLEXIR_SYMBOL
}
