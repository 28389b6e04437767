//===- CompilerLibrary.cpp - The compiler, loaded when needed -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerLibrary.h"
#include "Errors.h"
#include "simplexir-c/Compiler.h"

#include <dlfcn.h>
#include <mutex>

using namespace simplexir::python;

namespace {
struct Library {
  decltype(&simplexirCompilerApiVersion) apiVersion;
  decltype(&simplexirCompilerVersion) version;
  decltype(&simplexirCompilerStatusName) statusName;
  decltype(&simplexirCompilerCreate) create;
  decltype(&simplexirCompilerCompile) compile;
  decltype(&simplexirOutcomeText) text;
  decltype(&simplexirOutcomeArtifact) artifact;
  decltype(&simplexirOutcomeDestroy) destroy;
  SimplexirCompiler *compiler;
};
} // namespace

static std::mutex mutex;
static Library library;
static bool loaded = false;

template <typename Function>
static void find(void *handle, const std::string &path, const char *name,
                 Function &function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  if (!function)
    throw RuntimeFailure(path + " has no function " + name);
}

void simplexir::python::loadCompiler(const std::string &path) {
  std::lock_guard<std::mutex> lock(mutex);
  if (loaded)
    return;
  // Local: its LLVM is not for others, nor theirs for it.
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw RuntimeFailure(std::string("the compiler cannot be loaded: ") +
                         dlerror());
  Library found = {};
  find(handle, path, "simplexirCompilerApiVersion", found.apiVersion);
  if (found.apiVersion() < SIMPLEXIR_COMPILER_API_VERSION)
    throw RuntimeFailure(path + " has API version " +
                         std::to_string(found.apiVersion()) +
                         ", expected at least " +
                         std::to_string(SIMPLEXIR_COMPILER_API_VERSION));
  find(handle, path, "simplexirCompilerVersion", found.version);
  find(handle, path, "simplexirCompilerStatusName", found.statusName);
  find(handle, path, "simplexirCompilerCreate", found.create);
  find(handle, path, "simplexirCompilerCompile", found.compile);
  find(handle, path, "simplexirOutcomeText", found.text);
  find(handle, path, "simplexirOutcomeArtifact", found.artifact);
  find(handle, path, "simplexirOutcomeDestroy", found.destroy);
  if (SimplexirCompilerStatus status = found.create(&found.compiler))
    throw RuntimeFailure(std::string("the compiler cannot be made: ") +
                         found.statusName(status));
  library = found;
  loaded = true;
}

static void requireLibrary() {
  std::lock_guard<std::mutex> lock(mutex);
  if (!loaded)
    throw RuntimeFailure("the compiler is not loaded");
}

std::string simplexir::python::compilerVersion() {
  requireLibrary();
  return library.version();
}

Compiled simplexir::python::compile(const std::string &module,
                                    const std::vector<std::string> &chips,
                                    const std::string &ptxas,
                                    const std::string &name, bool portable) {
  requireLibrary();
  std::vector<const char *> names;
  names.reserve(chips.size());
  for (const std::string &chip : chips)
    names.push_back(chip.c_str());
  SimplexirCompileOptions options = {};
  options.structSize = sizeof(options);
  options.chips = names.data();
  options.numChips = names.size();
  options.ptxas = ptxas.empty() ? nullptr : ptxas.c_str();
  options.sourceName = name.c_str();
  options.noPortablePtx = !portable;
  SimplexirOutcome *outcome = nullptr;
  SimplexirCompilerStatus status = library.compile(
      library.compiler, module.data(), module.size(), &options, &outcome);
  Compiled result;
  result.status = library.statusName(status);
  if (!outcome)
    return result;
  result.messages = library.text(outcome);
  const void *data = nullptr;
  size_t size = 0;
  library.artifact(outcome, &data, &size);
  if (data)
    result.artifact.assign(static_cast<const char *>(data), size);
  library.destroy(outcome);
  return result;
}
