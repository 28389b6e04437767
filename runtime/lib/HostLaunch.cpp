//===- HostLaunch.cpp - The entry for compiler-made host code -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Artifact.h"

#include <cstring>

using namespace simplexir;

namespace {
/// An artifact that is embedded in a program. Never freed: the program's code
/// and data live as long as the process, or come and go with a JIT, whose
/// memory the hash tells apart when an address is used again.
struct Embedded {
  const void *data;
  int64_t size;
  uint64_t hash;
  std::unique_ptr<SimplexirArtifact> artifact;
};
} // namespace

/// The header's hash identifies the whole file; see docs/artifact.md.
static uint64_t headerHash(const void *data, int64_t size) {
  uint64_t hash = 0;
  if (size >= 32)
    std::memcpy(&hash, static_cast<const char *>(data) + 24, sizeof(hash));
  return hash;
}

static Status findEmbedded(const void *data, int64_t size,
                           SimplexirArtifact *&artifact) {
  static auto *mutex = new std::mutex;
  static auto *cache = new std::vector<Embedded>;
  uint64_t hash = headerHash(data, size);
  std::lock_guard<std::mutex> lock(*mutex);
  for (const Embedded &known : *cache)
    if (known.data == data && known.size == size && known.hash == hash) {
      artifact = known.artifact.get();
      return {};
    }
  std::unique_ptr<SimplexirArtifact> loaded;
  Status status = loadArtifact(static_cast<const uint8_t *>(data),
                               static_cast<size_t>(size), loaded);
  if (!status.ok())
    return status;
  artifact = loaded.get();
  cache->push_back({data, size, hash, std::move(loaded)});
  return {};
}

int simplexirHostLaunch(const void *data, int64_t size, const char *name,
                        const int64_t *words, int64_t numWords, int32_t target,
                        void *stream) {
  return guarded([&]() -> Status {
    if (!data || size < 0 || !name)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              "the artifact or the kernel's name is null"};
    if (target != SIMPLEXIR_CPU && target != SIMPLEXIR_CUDA)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              format("the target is %d, expected 0 (CPU) or 1 (GPU)", target)};
    if (Status status = checkNotForked(); !status.ok())
      return status;
    SimplexirArtifact *artifact = nullptr;
    if (Status status = findEmbedded(data, size, artifact); !status.ok())
      return status;
    SimplexirKernel *kernel = findKernel(*artifact, name);
    if (!kernel)
      return {SIMPLEXIR_ERROR_NOT_FOUND,
              std::string("the embedded artifact has no kernel '") + name +
                  "'"};
    // -1: whatever device the stream or the current context belongs to.
    SimplexirArgument arguments[maxArguments];
    Status status = argumentsFromWords(
        *kernel->signature, words, numWords,
        {target, target == SIMPLEXIR_CUDA ? -1 : 0}, arguments);
    if (!status.ok())
      return status;
    SimplexirLaunchOptions options = {};
    options.structSize = sizeof(options);
    options.deviceType = target;
    options.deviceId = target == SIMPLEXIR_CUDA ? -1 : 0;
    options.stream = target == SIMPLEXIR_CUDA ? stream : nullptr;
    return launch(*kernel, arguments, kernel->signature->arguments.size(),
                  options);
  });
}
