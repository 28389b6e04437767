//===- container-fuzzer.cpp - Damaged artifacts, manifests and objects ----===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libFuzzer target, and without libFuzzer (SIMPLEXIR_FUZZER_MAIN) a program
// that runs the files it is given. The first byte of an input says what the
// rest is, because mutations do not get past the hashes of a whole file:
//   0  a .simplex file      1  a manifest      2  an x86-64 object
//   3  a .simplex file whose hashes and lengths are put right first
//   4  a manifest of format version 1      5  one of version 2
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"
#include "ObjectLoader.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace simplexir;

/// What must hold of everything that was accepted.
static void require(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

static void fuzzFile(const uint8_t *data, size_t size) {
  Artifact artifact;
  std::string error;
  if (!parse(data, size, artifact, error)) {
    require(!error.empty(), "a refusal has a message");
    require(artifact.kernels.empty(), "a refusal leaves nothing");
    return;
  }
  require(validate(artifact, error), "what is accepted is valid");
  // There is only one way to write an artifact, as the newest version.
  std::string again = serialize(artifact);
  if (containerVersion(data, size) == formatVersion)
    require(again.size() == size && std::memcmp(again.data(), data, size) == 0,
            "a file that is read is written as it was");
  else
    require(parse(reinterpret_cast<const uint8_t *>(again.data()), again.size(),
                  artifact, error) &&
                serialize(artifact) == again,
            "an older file that is written anew can be read");
}

static void fuzzManifest(const uint8_t *data, size_t size, uint32_t version) {
  Artifact artifact;
  std::string error;
  if (!decodeManifest(data, size, version, artifact, error))
    return;
  std::string again = encodeManifest(artifact);
  size_t uses = 0;
  for (const Kernel &kernel : artifact.kernels)
    uses += kernel.images.size();
  if (version == formatVersion)
    require(again.size() == size && std::memcmp(again.data(), data, size) == 0,
            "a manifest that is read is written as it was");
  else
    require(again.size() == size + 4 * uses * (formatVersion - version),
            "versions 2 and 3 have 4 bytes more for each kernel image");
  (void)validate(artifact, error);
}

static void fuzzObject(const uint8_t *data, size_t size) {
  LoadedObject object;
  if (object.load(std::string(reinterpret_cast<const char *>(data), size)).ok())
    (void)object.lookup("scale");
}

static void put(std::string &bytes, size_t at, uint64_t value, int count) {
  for (int i = 0; i < count; ++i)
    bytes[at + i] = static_cast<char>(value >> (8 * i));
}

/// Puts every hash and the total length right where the sections are in the
/// file, so that mutations reach the checks behind them.
static void fuzzRepaired(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size);
  auto *raw = reinterpret_cast<const uint8_t *>(bytes.data());
  if (size < 32)
    return;
  auto get = [&](size_t at, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i)
      value |= static_cast<uint64_t>(raw[at + i]) << (8 * i);
    return value;
  };
  uint64_t count = get(12, 4);
  if (count > (size - 32) / 24)
    return;
  put(bytes, 16, size, 8);
  for (size_t entry = 32; entry < 32 + count * 24; entry += 24) {
    uint64_t offset = get(entry, 8), length = get(entry + 8, 8);
    if (offset <= size && length <= size - offset)
      put(bytes, entry + 16, hashBytes(raw + offset, length), 8);
  }
  uint64_t hash = hashBytes(raw, 24);
  put(bytes, 24, hashBytes(raw + 32, count * 24, hash), 8);
  fuzzFile(raw, size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  // A copy of its own, so that a sanitizer sees a read past the end.
  std::vector<uint8_t> copy(data + 1, data + size);
  switch (*data % 6) {
  case 0:
    fuzzFile(copy.data(), copy.size());
    break;
  case 1:
    fuzzManifest(copy.data(), copy.size(), formatVersion);
    break;
  case 2:
    fuzzObject(copy.data(), copy.size());
    break;
  case 3:
    fuzzRepaired(copy.data(), copy.size());
    break;
  case 4:
    fuzzManifest(copy.data(), copy.size(), 1);
    break;
  case 5:
    fuzzManifest(copy.data(), copy.size(), 2);
    break;
  }
  return 0;
}

#ifdef SIMPLEXIR_FUZZER_MAIN
int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)),
                      std::istreambuf_iterator<char>());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()),
                           bytes.size());
  }
  std::printf("%d inputs\n", argc - 1);
  return 0;
}
#endif
