//===- ObjectLoader.cpp - Load an x86-64 relocatable object ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectLinker.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace simplexir;

bool ObjectLinker::string(const Elf64_Shdr &table, uint64_t offset,
                          std::string &value) const {
  if (offset >= table.sh_size)
    return false;
  const char *begin = bytes.data() + table.sh_offset + offset;
  const void *end = std::memchr(begin, 0, table.sh_size - offset);
  if (!end)
    return false;
  value.assign(begin, static_cast<const char *>(end));
  return true;
}

Status ObjectLinker::readHeaders() {
  if (bytes.size() < sizeof(Elf64_Ehdr))
    return refuse("it is shorter than an ELF header");
  auto header = read<Elf64_Ehdr>(0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return refuse("it is no ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64 ||
      header.e_type != ET_REL)
    return refuse("expected a relocatable x86-64 object");
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0)
    return refuse("impossible section headers");
  if (!inFile(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)))
    return refuse("its section headers lie outside the file");
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    auto section = read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
        !inFile(section.sh_offset, section.sh_size))
      return refuse(format("section %u lies outside the file", i));
    headers.push_back(section);
  }
  return {};
}

Status ObjectLinker::readSymbols() {
  for (uint32_t i = 0; i < headers.size(); ++i) {
    if (headers[i].sh_type == SHT_SYMTAB_SHNDX)
      return refuse("too many sections");
    if (headers[i].sh_type != SHT_SYMTAB)
      continue;
    if (symbolTable != 0)
      return refuse("two symbol tables");
    symbolTable = i;
  }
  if (symbolTable == 0)
    return refuse("no symbol table");
  const Elf64_Shdr &table = headers[symbolTable];
  if (table.sh_entsize != sizeof(Elf64_Sym) ||
      table.sh_size % sizeof(Elf64_Sym) != 0 ||
      table.sh_link >= headers.size() ||
      headers[table.sh_link].sh_type != SHT_STRTAB)
    return refuse("its symbol table is malformed");
  symbolNames = headers[table.sh_link];
  for (uint64_t at = 0; at < table.sh_size; at += sizeof(Elf64_Sym))
    symbols.push_back(read<Elf64_Sym>(table.sh_offset + at));
  return {};
}

Status ObjectLinker::layOut() {
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t limit = uint64_t(1) << 30;
  sections.resize(headers.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    const Elf64_Shdr &header = headers[i];
    if (!(header.sh_flags & SHF_ALLOC) || header.sh_type == SHT_NULL)
      continue;
    if (header.sh_flags & SHF_TLS)
      return refuse("it has thread-local data");
    if (header.sh_type == SHT_INIT_ARRAY || header.sh_type == SHT_FINI_ARRAY ||
        header.sh_type == SHT_PREINIT_ARRAY)
      return refuse("it has constructors or destructors");
    // Notes and unwind tables serve debuggers and exceptions, not kernels.
    std::string name;
    const Elf64_Half names = read<Elf64_Ehdr>(0).e_shstrndx;
    if (names < headers.size() && headers[names].sh_type == SHT_STRTAB)
      (void)string(headers[names], header.sh_name, name);
    if (header.sh_type == SHT_NOTE || header.sh_type == SHT_X86_64_UNWIND ||
        name == ".eh_frame")
      continue;
    if (header.sh_type != SHT_PROGBITS && header.sh_type != SHT_NOBITS)
      return refuse(format("section %llu has type %u", ull(i), header.sh_type));
    bool code = header.sh_flags & SHF_EXECINSTR;
    bool writable = header.sh_flags & SHF_WRITE;
    if (code && writable)
      return refuse(format("section %llu is writable code", ull(i)));
    uint64_t align = header.sh_addralign;
    if ((align & (align - 1)) != 0 || align > page || header.sh_size > limit)
      return refuse(format("section %llu has impossible sizes", ull(i)));
    sections[i].loaded = true;
    sections[i].segment = code ? Code : writable ? Writable : ReadOnly;
  }

  // Not 0: debuggers and -fsanitize=function look at the bytes before a
  // function, which must be memory too.
  uint64_t end = 64;
  auto pad = [&](uint64_t align) { end = (end + align - 1) / align * align; };
  for (int segment = Code; segment < NumSegments; ++segment) {
    if (segment != Code) {
      pad(page);
      segmentOffset[segment] = end;
    }
    for (size_t i = 0; i < sections.size(); ++i) {
      if (!sections[i].loaded || sections[i].segment != segment)
        continue;
      pad(headers[i].sh_addralign ? headers[i].sh_addralign : 1);
      sections[i].offset = end;
      end += headers[i].sh_size;
      if (end > limit)
        return refuse("it is larger than 1 GiB");
    }
    if (segment == Writable)
      break;
    pad(16);
    (segment == Code ? stubOffset : gotOffset) = end;
    end += 8 * symbols.size();
  }
  pad(page);
  segmentOffset[NumSegments] = end;
  return {};
}

Status ObjectLinker::map() {
  // Absolute 32-bit relocations (non-PIC code) work in the low 2 GiB only.
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  for (const Elf64_Shdr &header : headers)
    if (header.sh_type == SHT_RELA && header.sh_entsize == sizeof(Elf64_Rela))
      for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= header.sh_size;
           at += sizeof(Elf64_Rela)) {
        auto type =
            ELF64_R_TYPE(read<Elf64_Rela>(header.sh_offset + at).r_info);
        if (type == R_X86_64_32 || type == R_X86_64_32S)
          flags |= MAP_32BIT;
      }
  size_t size = segmentOffset[NumSegments];
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED)
    return {SIMPLEXIR_ERROR_OUT_OF_MEMORY,
            format("no memory for %llu bytes of CPU code", ull(size))};
  object.base = memory;
  object.mappedSize = size;
  for (size_t i = 0; i < sections.size(); ++i)
    if (sections[i].loaded && headers[i].sh_type == SHT_PROGBITS)
      std::memcpy(static_cast<char *>(memory) + sections[i].offset,
                  bytes.data() + headers[i].sh_offset, headers[i].sh_size);
  return {};
}

Status ObjectLinker::protect() {
  const int protections[NumSegments] = {PROT_READ | PROT_EXEC, PROT_READ,
                                        PROT_READ | PROT_WRITE};
  for (int segment = Code; segment < NumSegments; ++segment) {
    uint64_t begin = segmentOffset[segment], end = segmentOffset[segment + 1];
    if (begin != end && mprotect(static_cast<char *>(object.base) + begin,
                                 end - begin, protections[segment]) != 0)
      return refuse("this system does not allow executable memory (mprotect)");
  }
  return {};
}

Status ObjectLinker::collectFunctions() {
  for (const Elf64_Sym &symbol : symbols) {
    if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL ||
        symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= headers.size())
      continue;
    const LoadedSection &section = sections[symbol.st_shndx];
    if (!section.loaded || section.segment != Code ||
        symbol.st_value >= headers[symbol.st_shndx].sh_size)
      continue;
    std::string name;
    if (!string(symbolNames, symbol.st_name, name))
      return refuse("a symbol's name does not end");
    object.functions[name] =
        static_cast<char *>(object.base) + section.offset + symbol.st_value;
  }
  return {};
}

Status ObjectLinker::link() {
#if !defined(__x86_64__)
  return {SIMPLEXIR_ERROR_NO_IMAGE, "this host is no x86-64 CPU"};
#endif
  for (auto step :
       {&ObjectLinker::readHeaders, &ObjectLinker::readSymbols,
        &ObjectLinker::layOut, &ObjectLinker::map, &ObjectLinker::relocateAll,
        &ObjectLinker::protect, &ObjectLinker::collectFunctions})
    if (Status status = (this->*step)(); !status.ok())
      return status;
  return {};
}

Status LoadedObject::load(const std::string &bytes) {
  return ObjectLinker(bytes, *this).link();
}

void *LoadedObject::lookup(const std::string &symbol) const {
  auto it = functions.find(symbol);
  return it == functions.end() ? nullptr : it->second;
}

LoadedObject::~LoadedObject() {
  if (base)
    munmap(base, mappedSize);
}
