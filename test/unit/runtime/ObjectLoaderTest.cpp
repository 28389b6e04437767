//===- ObjectLoaderTest.cpp - Loading and refusing x86-64 objects ---------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectLoader.h"
#include "TestArtifact.h"

#include "gtest/gtest.h"

#include <cstring>
#include <elf.h>
#include <fstream>

using namespace simplexir;
using namespace simplexir::test;

static std::string loadError(const std::string &bytes) {
  LoadedObject object;
  Status status = object.load(bytes);
  EXPECT_EQ(status.code, SIMPLEXIR_ERROR_INVALID_ARTIFACT);
  return status.message;
}

#define EXPECT_REFUSED(bytes, text)                                            \
  do {                                                                         \
    std::string message = loadError(bytes);                                    \
    EXPECT_NE(message.find(text), std::string::npos) << message;               \
  } while (false)

static void checkFunctions(Object which) {
  LoadedObject object;
  Status status = object.load(objectBytes(which));
  ASSERT_TRUE(status.ok()) << status.message;
  auto *pick =
      reinterpret_cast<float (*)(int)>(object.lookup("simplexTestPick"));
  ASSERT_NE(pick, nullptr);
  EXPECT_EQ(pick(0), 1.0f);
  EXPECT_EQ(pick(1), 2.0f);
  auto *zeroed =
      reinterpret_cast<float *(*)()>(object.lookup("simplexTestZeroed"));
  ASSERT_NE(zeroed, nullptr);
  for (int i = 0; i < 1024; ++i) {
    EXPECT_EQ(zeroed()[i], 0.0f);
    zeroed()[i] = 1.0f; // writable
  }
  EXPECT_NE(object.lookup("scale"), nullptr);
  EXPECT_EQ(object.lookup("absent"), nullptr);
  EXPECT_EQ(object.lookup("simplexTestBias"), nullptr) << "data, no function";
  EXPECT_EQ(object.lookup("memcpy"), nullptr) << "defined elsewhere";
}

TEST(ObjectLoader, PositionIndependent) { checkFunctions(Object::Good); }
TEST(ObjectLoader, Absolute) { checkFunctions(Object::Absolute); }

TEST(ObjectLoader, NoPageIsWritableAndExecutable) {
  LoadedObject object;
  ASSERT_TRUE(object.load(objectBytes(Object::Good)).ok());
  auto address = reinterpret_cast<uintptr_t>(object.lookup("scale"));
  std::ifstream maps("/proc/self/maps");
  std::string line;
  bool found = false;
  while (std::getline(maps, line)) {
    unsigned long long begin, end;
    char protection[5];
    ASSERT_EQ(
        std::sscanf(line.c_str(), "%llx-%llx %4s", &begin, &end, protection),
        3);
    if (begin <= address && address < end) {
      EXPECT_STREQ(protection, "r-xp");
      found = true;
    }
  }
  EXPECT_TRUE(found);
}

TEST(ObjectLoader, RefusesWhatItDoesNotKnow) {
  EXPECT_REFUSED(objectBytes(Object::Symbol), "needs the symbol 'system'");
  EXPECT_REFUSED(objectBytes(Object::Symbol), "may only use memcpy, memmove");
  EXPECT_REFUSED(objectBytes(Object::ThreadLocal), "thread-local data");
  EXPECT_REFUSED(objectBytes(Object::Constructor), "constructors");
  EXPECT_REFUSED(objectBytes(Object::Common), "not in a loaded section");
}

TEST(ObjectLoader, RefusesOtherFiles) {
  EXPECT_REFUSED("", "shorter than an ELF header");
  EXPECT_REFUSED(std::string(4096, 'x'), "no ELF file");
  std::string bytes = objectBytes(Object::Good);
  auto with = [&](size_t offset, char value) {
    std::string changed = bytes;
    changed[offset] = value;
    return changed;
  };
  EXPECT_REFUSED(with(EI_CLASS, ELFCLASS32), "relocatable x86-64 object");
  EXPECT_REFUSED(with(EI_DATA, ELFDATA2MSB), "relocatable x86-64 object");
  EXPECT_REFUSED(with(offsetof(Elf64_Ehdr, e_type), ET_DYN),
                 "relocatable x86-64 object");
  EXPECT_REFUSED(with(offsetof(Elf64_Ehdr, e_machine), EM_386),
                 "relocatable x86-64 object");
  EXPECT_REFUSED(with(offsetof(Elf64_Ehdr, e_shentsize), 1),
                 "impossible section headers");
  EXPECT_REFUSED(with(offsetof(Elf64_Ehdr, e_shoff) + 5, 1),
                 "section headers lie outside");
}

TEST(ObjectLoader, EveryTruncationIsSafe) {
  std::string bytes = objectBytes(Object::Good);
  for (size_t size = 0; size < bytes.size(); ++size) {
    LoadedObject object;
    Status status = object.load(bytes.substr(0, size));
    EXPECT_EQ(status.code, SIMPLEXIR_ERROR_INVALID_ARTIFACT) << size;
  }
}

TEST(ObjectLoader, EveryByteChangeIsSafe) {
  // Behind the artifact's hash; the code is loaded, but not run.
  std::string bytes = objectBytes(Object::Good);
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      char before = bytes[i];
      bytes[i] = static_cast<char>(value);
      LoadedObject object;
      (void)object.load(bytes).ok();
      bytes[i] = before;
    }
}

TEST(ObjectLoader, RefusesUnknownRelocations) {
  std::string bytes = objectBytes(Object::Good);
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, bytes.data() + header.e_shoff + i * sizeof(section),
                sizeof(section));
    if (section.sh_type != SHT_RELA)
      continue;
    Elf64_Rela first;
    std::memcpy(&first, bytes.data() + section.sh_offset, sizeof(first));
    first.r_info = ELF64_R_INFO(ELF64_R_SYM(first.r_info), R_X86_64_TPOFF64);
    std::memcpy(&bytes[section.sh_offset], &first, sizeof(first));
    break;
  }
  EXPECT_REFUSED(bytes, "relocation type 18 is not supported");
}
