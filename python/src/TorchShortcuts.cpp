//===- TorchShortcuts.cpp - Cheap answers about PyTorch's state -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A call asks PyTorch a dozen questions that its Python functions answer in 30
// to 50 ns each. Here are two of the answers by other means, which no version
// promises: each is used only after simplexir/torch.py has compared it with
// what the Python functions say, and where it is missing, they are asked.
//
//===----------------------------------------------------------------------===//

#include "TorchShortcuts.h"

#include <cstring>
#include <dlfcn.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace simplexir::python;

/// The included and the excluded keys of a thread, as differences from the
/// default.
using Keys = std::pair<uint64_t, uint64_t>;

static void *c10;
static std::vector<Keys> plainKeys;

static const uint64_t *findKeys() {
  return static_cast<const uint64_t *>(
      dlsym(c10, "_ZN3c104impl26raw_local_dispatch_key_setE"));
}

bool simplexir::python::hasPlainDispatchKeys() {
  if (plainKeys.empty())
    return false;
  thread_local const uint64_t *const keys = findKeys();
  for (const Keys &plain : plainKeys)
    if (keys[0] == plain.first && keys[1] == plain.second)
      return true;
  return false;
}

static bool (*isNegative)(const void *);
/// Of the tensor in the Python object.
static size_t tensorOffset;

Answer simplexir::python::isNegativeView(PyObject *tensor) {
  if (!isNegative)
    return Answer::Unknown;
  return isNegative(reinterpret_cast<const char *>(tensor) + tensorOffset)
             ? Answer::Yes
             : Answer::No;
}

/// The keys of this thread; (1, 1), which nobody has, if they are not found.
static Keys readKeys(const std::string &library) {
  c10 = dlopen(library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  const uint64_t *keys = c10 ? findKeys() : nullptr;
  return keys ? Keys(keys[0], keys[1]) : Keys(1, 1);
}

/// Looks for the tensor where the object has its address, which `_cdata` says.
static bool readNegative(const std::string &library, nb::handle tensor) {
  void *torch = dlopen(library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  isNegative = torch ? reinterpret_cast<bool (*)(const void *)>(
                           dlsym(torch, "_ZN2at6native6is_negERKNS_6TensorE"))
                     : nullptr;
  auto address = nb::cast<uintptr_t>(tensor.attr("_cdata"));
  auto size = static_cast<size_t>(Py_TYPE(tensor.ptr())->tp_basicsize);
  for (size_t offset = sizeof(PyObject); isNegative;
       offset += sizeof(address)) {
    uintptr_t word;
    if (offset + sizeof(word) > size || offset > sizeof(PyObject) + 64)
      break;
    std::memcpy(&word, reinterpret_cast<const char *>(tensor.ptr()) + offset,
                sizeof(word));
    if (word != address)
      continue;
    tensorOffset = offset;
    return isNegative(reinterpret_cast<const char *>(tensor.ptr()) + offset);
  }
  isNegative = nullptr;
  throw nb::value_error("no tensor in the object");
}

void simplexir::python::bindTorchShortcuts(nb::module_ &m) {
  m.def("shortcut_read_keys", readKeys);
  m.def("shortcut_trust_keys",
        [](std::vector<Keys> keys) { plainKeys = std::move(keys); });
  m.def("shortcut_read_negative", readNegative);
  m.def("shortcut_distrust_negative", [] { isNegative = nullptr; });
}
