//===- ObjectLoader.h - Load an x86-64 relocatable object -------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_OBJECTLOADER_H
#define SIMPLEXIR_RUNTIME_LIB_OBJECTLOADER_H

#include "Support.h"

#include <string>
#include <unordered_map>

namespace simplexir {

/// An x86-64 ELF object (.o) in executable memory. Everything that the loader
/// does not know for certain is refused: other machines, thread-local data,
/// constructors, common symbols, relocations outside a short list, and
/// undefined symbols outside the allowlist of ObjectSymbols.cpp.
class LoadedObject {
public:
  LoadedObject() = default;
  LoadedObject(const LoadedObject &) = delete;
  LoadedObject &operator=(const LoadedObject &) = delete;
  ~LoadedObject();

  /// Maps and relocates; call once. The bytes are not needed afterwards.
  Status load(const std::string &bytes);

  /// The address of a global function, or null.
  void *lookup(const std::string &symbol) const;

private:
  friend class ObjectLinker;
  void *base = nullptr;
  size_t mappedSize = 0;
  std::unordered_map<std::string, void *> functions;
};

/// The address of a library function that objects may call, or null.
void *externalSymbol(const std::string &name);
/// The names, separated by ", ", for messages.
std::string externalSymbolNames();

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_OBJECTLOADER_H
