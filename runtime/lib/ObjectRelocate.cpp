//===- ObjectRelocate.cpp - Relocations of an x86-64 object -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectLinker.h"

using namespace simplexir;

Status ObjectLinker::resolve(uint32_t index, uint64_t &value, bool &external) {
  external = false;
  if (index >= symbols.size())
    return refuse("a relocation names a symbol that does not exist");
  const Elf64_Sym &symbol = symbols[index];
  if (index == 0) {
    value = 0;
    return {};
  }
  std::string name;
  if (!string(symbolNames, symbol.st_name, name))
    return refuse("a symbol's name does not end");
  if (symbol.st_shndx == SHN_UNDEF) {
    void *function = externalSymbol(name);
    if (!function)
      return refuse("it needs the symbol '" + name +
                    "', kernels may only use " + externalSymbolNames());
    external = true;
    value = reinterpret_cast<uint64_t>(function);
    return {};
  }
  if (symbol.st_shndx == SHN_ABS) {
    value = symbol.st_value;
    return {};
  }
  if (symbol.st_shndx >= headers.size() || !sections[symbol.st_shndx].loaded ||
      symbol.st_value > headers[symbol.st_shndx].sh_size)
    return refuse("symbol '" + name + "' is not in a loaded section");
  if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS ||
      ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
    return refuse("symbol '" + name + "' has a type that is not supported");
  value = address(sections[symbol.st_shndx].offset + symbol.st_value);
  return {};
}

Status ObjectLinker::relocate(const Elf64_Rela &rela, const Elf64_Shdr &target,
                              const LoadedSection &place) {
  uint32_t type = ELF64_R_TYPE(rela.r_info);
  uint32_t index = ELF64_R_SYM(rela.r_info);
  if (type == R_X86_64_NONE)
    return {};
  uint64_t width = (type == R_X86_64_64 || type == R_X86_64_PC64) ? 8 : 4;
  if (rela.r_offset > target.sh_size || width > target.sh_size - rela.r_offset)
    return refuse("a relocation lies outside its section");
  uint64_t symbol;
  bool external;
  if (Status status = resolve(index, symbol, external); !status.ok())
    return status;
  uint64_t at = place.offset + rela.r_offset;
  uint64_t pc = address(at);
  // Arithmetic is modulo 2^64, as the ABI says.
  uint64_t addend = static_cast<uint64_t>(rela.r_addend), value = 0;
  bool fits = true;
  auto setSigned = [&](uint64_t result) {
    value = result;
    auto wide = static_cast<int64_t>(result);
    fits = wide == static_cast<int32_t>(wide);
  };
  char *memory = static_cast<char *>(object.base);
  switch (type) {
  case R_X86_64_64:
    value = symbol + addend;
    break;
  case R_X86_64_PC64:
    value = symbol + addend - pc;
    break;
  case R_X86_64_32:
    value = symbol + addend;
    fits = value <= UINT32_MAX;
    break;
  case R_X86_64_32S:
    setSigned(symbol + addend);
    break;
  case R_X86_64_PC32:
  case R_X86_64_PLT32:
    if (external) {
      // libc can be further than 2 GiB away: jump through the GOT.
      uint64_t slot = address(gotSlot(index));
      std::memcpy(memory + gotSlot(index), &symbol, 8);
      auto distance = static_cast<uint32_t>(slot - (address(stub(index)) + 6));
      const unsigned char jump[2] = {0xff, 0x25}; // jmp *distance(%rip)
      std::memcpy(memory + stub(index), jump, 2);
      std::memcpy(memory + stub(index) + 2, &distance, 4);
      symbol = address(stub(index));
    }
    setSigned(symbol + addend - pc);
    break;
  case R_X86_64_GOTPCREL:
  case R_X86_64_GOTPCRELX:
  case R_X86_64_REX_GOTPCRELX:
    std::memcpy(memory + gotSlot(index), &symbol, 8);
    setSigned(address(gotSlot(index)) + addend - pc);
    break;
  default:
    return refuse(format("relocation type %u is not supported; compile with "
                         "-fPIC and the small code model",
                         type));
  }
  if (!fits)
    return refuse(format("a relocation of type %u does not reach its target; "
                         "compile with -fPIC",
                         type));
  std::memcpy(memory + at, &value, width);
  return {};
}

Status ObjectLinker::relocateAll() {
  for (const Elf64_Shdr &header : headers) {
    if (header.sh_type != SHT_RELA && header.sh_type != SHT_REL)
      continue;
    if (header.sh_info >= headers.size())
      return refuse("relocations for a section that does not exist");
    const LoadedSection &place = sections[header.sh_info];
    if (!place.loaded)
      continue; // debug information and unwind tables
    if (header.sh_type == SHT_REL || header.sh_link != symbolTable ||
        header.sh_entsize != sizeof(Elf64_Rela) ||
        header.sh_size % sizeof(Elf64_Rela) != 0 ||
        headers[header.sh_info].sh_type == SHT_NOBITS)
      return refuse("a relocation section is malformed");
    for (uint64_t at = 0; at < header.sh_size; at += sizeof(Elf64_Rela)) {
      Status status = relocate(read<Elf64_Rela>(header.sh_offset + at),
                               headers[header.sh_info], place);
      if (!status.ok())
        return status;
    }
  }
  return {};
}
