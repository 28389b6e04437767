//===- ContainerTest.cpp - Writing, reading and refusing artifacts --------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"
#include "TestArtifact.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace simplexir;
using namespace simplexir::test;

/// One of everything.
static Artifact everything() {
  Artifact artifact = cpuArtifact();
  artifact.images.push_back({ImageKind::Cubin, "sm_90a", 12000, "not code"});
  artifact.images.push_back({ImageKind::PTX, "sm_80", 11000, "// nor this"});
  KernelImage use;
  use.image = 1;
  use.symbol = "scale_sm90";
  use.grid = {{Extent::dim(0), 128}, {Extent::constant(3), 1}};
  use.blockSize = 384;
  use.sharedMemory = 200 * 1024;
  use.residentBlocks = 2;
  artifact.kernels[0].images.push_back(use);
  use.image = 2;
  artifact.kernels[0].images.push_back(use);
  Kernel mapped = mapArtifact().kernels[0];
  mapped.images[0].image = 1;
  artifact.kernels.push_back(mapped);
  return artifact;
}

static bool parseString(const std::string &bytes, Artifact &artifact,
                        std::string &error) {
  return parse(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
               artifact, error);
}

static std::string parseError(const std::string &bytes) {
  Artifact artifact;
  std::string error;
  EXPECT_FALSE(parseString(bytes, artifact, error));
  EXPECT_TRUE(artifact.kernels.empty() && artifact.images.empty());
  return error;
}

TEST(Container, RoundTrip) {
  std::string bytes = serialize(everything());
  ASSERT_FALSE(bytes.empty());
  Artifact artifact;
  std::string error;
  ASSERT_TRUE(parseString(bytes, artifact, error)) << error;
  EXPECT_EQ(serialize(artifact), bytes);
  ASSERT_EQ(artifact.kernels.size(), 3u);
  const Kernel &scale = artifact.kernels[0];
  EXPECT_EQ(scale.name, "scale");
  EXPECT_EQ(scale.dimNames, (std::vector<std::string>{"rows", "cols"}));
  ASSERT_EQ(scale.arguments.size(), 3u);
  EXPECT_EQ(scale.arguments[0].name, "input");
  EXPECT_EQ(scale.arguments[0].dtype, DType::F32);
  EXPECT_EQ(scale.arguments[0].alignment, 4u);
  EXPECT_FALSE(scale.arguments[0].isOutput);
  EXPECT_TRUE(scale.arguments[1].isOutput);
  EXPECT_TRUE(scale.arguments[1].innermostContiguous);
  EXPECT_EQ(scale.arguments[1].dims[1], Extent::dim(1));
  EXPECT_EQ(scale.arguments[2].kind, Argument::Kind::Index);
  ASSERT_EQ(scale.images.size(), 3u);
  EXPECT_EQ(scale.images[0].workspacePerThread, 1000u);
  EXPECT_EQ(scale.images[1].symbol, "scale_sm90");
  EXPECT_EQ(scale.images[1].blockSize, 384u);
  EXPECT_EQ(scale.images[1].sharedMemory, 200u * 1024);
  EXPECT_EQ(scale.images[1].residentBlocks, 2u);
  EXPECT_EQ(scale.images[0].residentBlocks, 0u);
  EXPECT_TRUE(scale.images[1].maps.empty());
  const KernelImage &mapped = artifact.kernels[2].images[0];
  ASSERT_EQ(mapped.maps.size(), 2u);
  EXPECT_EQ(mapped.maps[0].argument, 0u);
  EXPECT_EQ(mapped.maps[1].argument, 1u);
  EXPECT_EQ(mapped.maps[1].columns, 64u);
  EXPECT_EQ(mapped.maps[1].rows, 128u);
  EXPECT_EQ(mapped.maps[1].swizzle, Swizzle::Bytes128);
  EXPECT_EQ(scale.images[1].grid[1].extent, Extent::constant(3));
  EXPECT_EQ(artifact.images[0].data, objectBytes(Object::Good));
  EXPECT_EQ(artifact.images[1].chip, "sm_90a");
  EXPECT_EQ(artifact.images[1].minDriver, 12000u);
  EXPECT_EQ(artifact.images[2].kind, ImageKind::PTX);
}

TEST(Container, TruncationAtEveryByteIsRefused) {
  std::string bytes = serialize(everything());
  // A copy of exactly that size, so that a sanitizer sees a read past it.
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + size);
    Artifact artifact;
    std::string error;
    ASSERT_FALSE(parse(cut.data(), cut.size(), artifact, error)) << size;
    ASSERT_FALSE(error.empty());
  }
}

TEST(Container, TrailingBytesAreRefused) {
  std::string bytes = serialize(everything());
  EXPECT_NE(parseError(bytes + '\0').find("header says"), std::string::npos);
}

TEST(Container, EveryBitFlipIsRefused) {
  Artifact small = everything();
  small.images[0].data = "stands for an object";
  std::string bytes = serialize(small);
  Artifact artifact;
  std::string error;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      ASSERT_FALSE(parseString(bytes, artifact, error)) << i << '.' << bit;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
  EXPECT_TRUE(parseString(bytes, artifact, error)) << error;
}

TEST(Container, ManifestByteFlipsBehindTheHashAreHarmless) {
  // What the hash would hide: every single-byte change of the manifest either
  // is refused or gives an artifact that obeys the rules or breaks them
  // without a crash.
  std::string manifest = encodeManifest(everything());
  for (size_t i = 0; i < manifest.size(); ++i)
    for (int value : {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff}) {
      std::string changed = manifest;
      changed[i] = static_cast<char>(value);
      Artifact artifact;
      std::string error;
      if (decodeManifest(reinterpret_cast<const uint8_t *>(changed.data()),
                         changed.size(), formatVersion, artifact, error)) {
        EXPECT_EQ(encodeManifest(artifact), changed) << i;
        (void)validate(artifact, error);
      }
    }
}

TEST(Container, ManifestTruncationIsRefused) {
  std::string manifest = encodeManifest(everything());
  for (size_t size = 0; size < manifest.size(); ++size) {
    std::vector<uint8_t> cut(manifest.begin(), manifest.begin() + size);
    Artifact artifact;
    std::string error;
    ASSERT_FALSE(
        decodeManifest(cut.data(), cut.size(), formatVersion, artifact, error));
    ASSERT_NE(error.find("malformed"), std::string::npos);
  }
}

TEST(Container, Messages) {
  std::string good = serialize(everything());
  EXPECT_NE(parseError("").find("magic"), std::string::npos);
  EXPECT_NE(parseError(std::string(4096, 'x')).find("magic"),
            std::string::npos);
  std::string newer = good;
  newer[8] = 4;
  EXPECT_EQ(parseError(newer),
            "the artifact has format version 4, but this runtime reads "
            "versions up to 3: update the runtime");
  std::string zero = good;
  zero[8] = 0;
  EXPECT_NE(parseError(zero).find("version 0"), std::string::npos);
  std::string image = good;
  image.back() = static_cast<char>(image.back() ^ 1);
  EXPECT_NE(parseError(image).find("hash of section 3 (image)"),
            std::string::npos);
}

TEST(Container, VersionOfBytes) {
  std::string bytes = serialize(everything());
  auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  EXPECT_EQ(containerVersion(data, bytes.size()), formatVersion);
  EXPECT_EQ(containerVersion(data, 31), 0u);
  EXPECT_EQ(containerVersion(nullptr, 0), 0u);
}

TEST(Container, VersionOneIsRead) {
  const std::string &bytes = versionOneBytes();
  auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  EXPECT_EQ(containerVersion(data, bytes.size()), 1u);
  Artifact old;
  std::string error;
  ASSERT_TRUE(parseString(bytes, old, error)) << error;
  ASSERT_EQ(old.kernels.size(), 2u);
  ASSERT_EQ(old.kernels[0].images.size(), 3u);
  for (const Kernel &kernel : old.kernels)
    for (const KernelImage &use : kernel.images)
      EXPECT_EQ(use.residentBlocks, 0u);
  const KernelImage &use = old.kernels[0].images[1];
  EXPECT_EQ(use.symbol, "twice_sm90");
  EXPECT_EQ(use.blockSize, 384u);
  ASSERT_EQ(use.grid.size(), 2u);
  EXPECT_EQ(use.grid[1].extent, Extent::constant(3));
  EXPECT_EQ(old.kernels[1].images[0].symbol, "last");
  EXPECT_EQ(old.images[2].data, "an object");

  // It is written as the newest version, 8 bytes more for each kernel image.
  std::string again = serialize(old);
  EXPECT_EQ(again[8], 3);
  EXPECT_EQ(encodeManifest(old).size(), 0x15eu + 4 * 8);
  Artifact reread;
  ASSERT_TRUE(parseString(again, reread, error)) << error;
  EXPECT_EQ(serialize(reread), again);
}

TEST(Container, DamagedVersionOneIsRefused) {
  std::string bytes = versionOneBytes();
  Artifact artifact;
  std::string error;
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(parseString(bytes.substr(0, size), artifact, error)) << size;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      ASSERT_FALSE(parseString(bytes, artifact, error)) << i << '.' << bit;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
  EXPECT_TRUE(parseString(bytes, artifact, error)) << error;
}

TEST(Container, AManifestIsReadAsItsOwnVersion) {
  auto decode = [](const std::string &manifest, uint32_t version) {
    Artifact artifact;
    std::string error;
    return decodeManifest(reinterpret_cast<const uint8_t *>(manifest.data()),
                          manifest.size(), version, artifact, error);
  };
  // As the header of the file has it: 128, and 0x15e bytes.
  std::string one = versionOneBytes().substr(128, 0x15e);
  EXPECT_TRUE(decode(one, 1));
  EXPECT_FALSE(decode(one, 2));
  for (size_t size = 0; size < one.size(); ++size)
    ASSERT_FALSE(decode(one.substr(0, size), 1)) << size;
  std::string three = encodeManifest(everything());
  EXPECT_TRUE(decode(three, 3));
  EXPECT_FALSE(decode(three, 2));
  EXPECT_FALSE(decode(three, 1));
  // Without maps a version 2 differs by a count of 0 for each image.
  std::string two = encodeManifest(gpuArtifact());
  two.resize(two.size() - 4);
  EXPECT_TRUE(decode(two, 2));
  EXPECT_FALSE(decode(two, 3));
}

TEST(Container, HashIsFnv1a) {
  auto hash = [](const char *text) {
    return hashBytes(reinterpret_cast<const uint8_t *>(text),
                     std::strlen(text));
  };
  EXPECT_EQ(hash(""), 0xcbf29ce484222325ull);
  EXPECT_EQ(hash("a"), 0xaf63dc4c8601ec8cull);
  EXPECT_EQ(hash("foobar"), 0x85944171f73967e8ull);
}

namespace {
struct Rule {
  const char *message;
  void (*breakIt)(Artifact &);
};
} // namespace

TEST(Container, EveryRuleHasAMessage) {
  const Rule rules[] = {
      {"found 0 kernels", [](Artifact &a) { a.kernels.clear(); }},
      {"kernel 'scale' occurs twice",
       [](Artifact &a) { a.kernels[1].name = "scale"; }},
      {"a name of 0 bytes", [](Artifact &a) { a.kernels[0].name = ""; }},
      {"control character", [](Artifact &a) { a.kernels[0].name = "a\n"; }},
      {"has no image", [](Artifact &a) { a.kernels[0].images.clear(); }},
      {"dimension 'rows' occurs twice",
       [](Artifact &a) { a.kernels[0].dimNames[1] = "rows"; }},
      {"no tensor has the dimension 'depth'",
       [](Artifact &a) { a.kernels[0].dimNames.push_back("depth"); }},
      {"argument 'input' occurs twice",
       [](Artifact &a) { a.kernels[0].arguments[1].name = "input"; }},
      {"has alignment 3",
       [](Artifact &a) { a.kernels[0].arguments[0].alignment = 3; }},
      {"has alignment 8192",
       [](Artifact &a) { a.kernels[0].arguments[0].alignment = 8192; }},
      {"has rank 9",
       [](Artifact &a) {
         a.kernels[0].arguments[0].dims.resize(9, Extent::constant(1));
       }},
      {"unknown element type",
       [](Artifact &a) {
         a.kernels[0].arguments[0].dtype = static_cast<DType>(9);
       }},
      {"dimension index 2 is outside 0 to 1",
       [](Artifact &a) { a.kernels[0].arguments[0].dims[0].value = 2; }},
      {"extent 2147483648 is outside",
       [](Artifact &a) {
         a.kernels[0].arguments[0].dims[0] = Extent::constant(int64_t(1) << 31);
       }},
      {"divisor 0",
       [](Artifact &a) { a.kernels[0].images[0].grid[0].divisor = 0; }},
      {"grid factors",
       [](Artifact &a) { a.kernels[0].images[0].grid.resize(17); }},
      {"refers to image 7",
       [](Artifact &a) { a.kernels[0].images[0].image = 7; }},
      {"two images of kind ptx for sm_80",
       [](Artifact &a) { a.kernels[0].images[1].image = 2; }},
      {"a block of 1025 threads",
       [](Artifact &a) { a.kernels[0].images[1].blockSize = 1025; }},
      {"a block of 0 threads",
       [](Artifact &a) { a.kernels[0].images[1].blockSize = 0; }},
      {"no block and no shared memory",
       [](Artifact &a) { a.kernels[0].images[0].blockSize = 1; }},
      {"2 GiB or more",
       [](Artifact &a) { a.kernels[0].images[1].sharedMemory = 1u << 31; }},
      {"no CPU workspace",
       [](Artifact &a) { a.kernels[0].images[1].workspacePerThread = 1; }},
      {"kernel 'scale': image use has 33 resident blocks a multiprocessor, "
       "expected 0 to 32",
       [](Artifact &a) { a.kernels[0].images[1].residentBlocks = 33; }},
      {"kernel 'scale': image use has 1 resident blocks a multiprocessor, "
       "expected 0 for a CPU image",
       [](Artifact &a) { a.kernels[0].images[0].residentBlocks = 1; }},
      {"kernel 'scale': image use: a CPU image has no tensor maps",
       [](Artifact &a) {
         a.kernels[0].images[0].maps = a.kernels[2].images[0].maps;
       }},
      {"kernel 'mapped': image use has 9 tensor maps, the limit is 8",
       [](Artifact &a) {
         auto &maps = a.kernels[2].images[0].maps;
         maps.resize(9, maps[0]);
       }},
      {"kernel 'mapped': image use's tensor map is of argument 3 of 3",
       [](Artifact &a) { a.kernels[2].images[0].maps[1].argument = 3; }},
      {"argument 'out' is no input of rank 4 with contiguous rows",
       [](Artifact &a) { a.kernels[2].images[0].maps[1].argument = 2; }},
      {"argument 'input' is no input of rank 4",
       [](Artifact &a) {
         a.kernels[0].images[1].maps = a.kernels[2].images[0].maps;
       }},
      {"tensor map has an unknown swizzle",
       [](Artifact &a) {
         a.kernels[2].images[0].maps[0].swizzle = static_cast<Swizzle>(4);
       }},
      {"tensor map has a box of 257 by 64, expected 1 to 256",
       [](Artifact &a) { a.kernels[2].images[0].maps[0].rows = 257; }},
      {"tensor map has a box of 128 by 0",
       [](Artifact &a) { a.kernels[2].images[0].maps[0].columns = 0; }},
      {"a box with rows of 130 bytes",
       [](Artifact &a) { a.kernels[2].images[0].maps[0].columns = 65; }},
      {"a box with rows of 144 bytes, expected a multiple of 16, at most the "
       "swizzle's",
       [](Artifact &a) { a.kernels[2].images[0].maps[0].columns = 72; }},
      {"1 TiB",
       [](Artifact &a) {
         a.kernels[0].images[0].workspacePerThread = uint64_t(1) << 41;
       }},
      {"chip 'znver4' does not fit",
       [](Artifact &a) { a.images[0].chip = "znver4"; }},
      {"chip 'x86-64' does not fit a cubin",
       [](Artifact &a) { a.images[1].chip = "x86-64"; }},
      {"no minimum driver", [](Artifact &a) { a.images[0].minDriver = 1; }},
      {"image 1 is empty", [](Artifact &a) { a.images[1].data.clear(); }},
      {"NUL byte", [](Artifact &a) { a.images[2].data += '\0'; }},
      {"unknown kind",
       [](Artifact &a) { a.images[2].kind = static_cast<ImageKind>(3); }},
  };
  for (const Rule &rule : rules) {
    Artifact artifact = everything();
    std::string error;
    ASSERT_TRUE(validate(artifact, error)) << error;
    rule.breakIt(artifact);
    EXPECT_FALSE(validate(artifact, error)) << rule.message;
    EXPECT_NE(error.find(rule.message), std::string::npos)
        << "expected: " << rule.message << "\nfound: " << error;
    EXPECT_EQ(serialize(artifact), "");
  }
}

TEST(Container, ChipNames) {
  struct {
    const char *name;
    bool valid, isGpu;
    unsigned number;
    char suffix;
  } const cases[] = {
      {"sm_80", true, true, 80, 0},      {"sm_90a", true, true, 90, 'a'},
      {"sm_100f", true, true, 100, 'f'}, {"x86-64", true, false, 1, 0},
      {"x86-64-v4", true, false, 4, 0},  {"x86-64-v4-bf16", true, false, 5, 0},
  };
  for (const auto &c : cases) {
    ChipName chip = parseChip(c.name);
    EXPECT_TRUE(chip.valid == c.valid && chip.isGpu == c.isGpu &&
                chip.number == c.number && chip.suffix == c.suffix)
        << c.name;
  }
  for (const char *name :
       {"", "sm_", "sm_9", "sm_090", "sm_90b", "sm_90aa", "sm_99999999",
        "x86-64-v5", "x86-64-v1", "x86-64-v3-bf16", "avx2"})
    EXPECT_FALSE(parseChip(name).valid) << name;
}
