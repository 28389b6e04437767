//===- TorchShortcuts.cpp - Cheap answers about PyTorch's state -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A call asks PyTorch a dozen questions that its Python functions answer in 30
// to 50 ns each, and makes two tensors. Here are two of the answers and the
// tensors by other means, which no version promises: each is used only after
// simplexir/torch.py has compared it with what the Python functions say, and
// where it is missing, they are asked.
//
//===----------------------------------------------------------------------===//

#include "TorchShortcuts.h"

#include <cstring>
#include <dlfcn.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <new>
#include <optional>

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

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

namespace {
/// c10::IntArrayRef, c10::Device and at::TensorBase as the compiler passes
/// them: the last one is not trivial.
struct Numbers {
  const int64_t *data;
  size_t size;
};
struct Device {
  int8_t type, index;
};
struct Tensor {
  void *impl = nullptr;
  ~Tensor() {} // NOLINT(modernize-use-equals-default)
};

struct Makers {
  Tensor (*onCpu)(Numbers, Numbers, int8_t, bool);
  Tensor (*onCuda)(Numbers, Numbers, int8_t, std::optional<Device>);
  PyObject *(*wrap)(const void *);
  int32_t (*dataPointer)(void *, void **);
  int32_t (*destroy)(void *);
  int8_t dtypes[4]; // of SimplexirDType
  bool trusted = false;
};
} // namespace

static Makers makers;

nb::object simplexir::python::makeTensorObject(View &view) {
  bool cuda = view.deviceType == SIMPLEXIR_CUDA;
  if (!makers.trusted || (cuda && !makers.onCuda))
    return {};
  Numbers sizes = {view.shape, static_cast<size_t>(view.rank)},
          strides = {view.strides, static_cast<size_t>(view.rank)};
  int8_t dtype = makers.dtypes[view.dtype];
  // On the heap, as the C interface's handles are, which then releases it.
  void *memory = ::operator new(sizeof(Tensor));
  try {
    if (cuda)
      new (memory)
          Tensor(makers.onCuda(sizes, strides, dtype,
                               Device{1, static_cast<int8_t>(view.deviceId)}));
    else
      new (memory) Tensor(makers.onCpu(sizes, strides, dtype, false));
  } catch (...) {
    ::operator delete(memory);
    throw;
  }
  nb::object object = nb::steal(makers.wrap(memory));
  bool failed = makers.dataPointer(memory, &view.data) != 0;
  makers.destroy(memory);
  return failed ? nb::object() : object;
}

void simplexir::python::distrustMakers() { makers.trusted = false; }

/// `dtypes` are PyTorch's numbers for the types of SimplexirDType.
static void findMakers(const std::string &folder,
                       const std::vector<int8_t> &dtypes) {
  auto find = [&](const char *library, const char *name, auto &function) {
    void *handle = dlopen((folder + library).c_str(), RTLD_NOW | RTLD_NOLOAD);
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        handle ? dlsym(handle, name) : nullptr);
    return function != nullptr;
  };
  const char *cpu = "libtorch_cpu.so";
  find("libtorch_cuda.so",
       "_ZN2at6detail18empty_strided_cudaEN3c108ArrayRefIlEES3_NS1_10ScalarType"
       "ESt8optionalINS1_6DeviceEE",
       makers.onCuda);
  if (dtypes.size() != 4 ||
      !find(cpu,
            "_ZN2at6detail17empty_strided_cpuEN3c108ArrayRefIlEES3_NS1_"
            "10ScalarTypeEb",
            makers.onCpu) ||
      !find("libtorch_python.so", "_Z16THPVariable_WrapRKN2at10TensorBaseE",
            makers.wrap) ||
      !find(cpu, "aoti_torch_get_data_ptr", makers.dataPointer) ||
      !find(cpu, "aoti_torch_delete_tensor_object", makers.destroy))
    throw nb::value_error("a function is missing");
  for (size_t i = 0; i < dtypes.size(); ++i)
    makers.dtypes[i] = dtypes[i];
  makers.trusted = true;
}

/// What it makes on the CPU, to compare.
static nb::object tryMakers(const std::vector<int64_t> &shape, int32_t dtype) {
  View view;
  view.rank = static_cast<int32_t>(shape.size());
  view.dtype = dtype;
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    view.shape[i] = shape[i];
    view.strides[i] = stride;
    stride *= shape[i];
  }
  return makeTensorObject(view);
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

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
  m.def("shortcut_find_makers", findMakers);
  m.def("shortcut_try_makers", tryMakers);
  m.def("shortcut_distrust_makers", distrustMakers);
}
