//===- ObjectLinker.h - The steps of loading an object ----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_OBJECTLINKER_H
#define SIMPLEXIR_RUNTIME_LIB_OBJECTLINKER_H

#include "ObjectLoader.h"

#include <cstring>
#include <elf.h>
#include <vector>

namespace simplexir {
/// The three protections; no page is ever writable and executable.
enum Segment { Code = 0, ReadOnly = 1, Writable = 2, NumSegments = 3 };

struct LoadedSection {
  bool loaded = false;
  Segment segment = Code;
  uint64_t offset = 0; // from the mapping's base
};
/// One load of one object; LoadedObject keeps the result.
class ObjectLinker {
public:
  ObjectLinker(const std::string &bytes, LoadedObject &object)
      : bytes(bytes), object(object) {}

  Status link();

private:
  static Status refuse(std::string reason) {
    return {SIMPLEXIR_ERROR_INVALID_ARTIFACT,
            "the CPU image cannot be loaded: " + std::move(reason)};
  }
  Status readHeaders();
  Status readSymbols();
  Status layOut();
  Status map();
  Status relocateAll();
  Status relocate(const Elf64_Rela &rela, const Elf64_Shdr &target,
                  const LoadedSection &place);
  Status resolve(uint32_t symbol, uint64_t &value, bool &external);
  Status protect();
  Status collectFunctions();

  bool inFile(uint64_t offset, uint64_t size) const {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  }
  /// File data are not aligned in memory, hence the copy.
  template <typename T>
  T read(uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
  }
  /// The NUL-terminated string in a string table; false if it does not end.
  bool string(const Elf64_Shdr &table, uint64_t offset,
              std::string &value) const;
  uint64_t address(uint64_t offset) const {
    return reinterpret_cast<uint64_t>(object.base) + offset;
  }
  uint64_t gotSlot(uint32_t symbol) const { return gotOffset + 8ull * symbol; }
  uint64_t stub(uint32_t symbol) const { return stubOffset + 8ull * symbol; }

  const std::string &bytes;
  LoadedObject &object;
  std::vector<Elf64_Shdr> headers;
  std::vector<LoadedSection> sections;
  std::vector<Elf64_Sym> symbols;
  Elf64_Shdr symbolNames = {};
  uint32_t symbolTable = 0; // section index
  uint64_t segmentOffset[NumSegments + 1] = {};
  // One GOT slot and one jump stub for each symbol, whether needed or not:
  // kernels have a handful of symbols and this cannot go wrong.
  uint64_t gotOffset = 0, stubOffset = 0;
};
} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_OBJECTLINKER_H
