//===- Torch.cpp - PyTorch's operator, through its stable C interface -----===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions are those of torch/csrc/stable/c/shim.h and of the header that
// it includes, PyTorch's C interface for extensions that are built once for
// many versions (lists and strings are in it since 2.10). They are looked up in
// the libtorch that the process has loaded, so that building this module needs
// no PyTorch.
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "Errors.h"
#include "Frameworks.h"

#include <dlfcn.h>
#include <nanobind/stl/string.h>

#include <string>

namespace nb = nanobind;
using namespace simplexir::python;

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

namespace {
using Value = uint64_t; // StableIValue
struct TensorOpaque;
struct ListOpaque;
struct StringOpaque;
struct LibraryOpaque;
using Tensor = TensorOpaque *;
using List = ListOpaque *;
using String = StringOpaque *;
using Boxed = void (*)(Value *, uint64_t, uint64_t);

constexpr uint64_t version210 = uint64_t(2) << 56 | uint64_t(10) << 48;

struct Shim {
  int32_t (*deleteTensor)(Tensor);
  int32_t (*dataPointer)(Tensor, void **);
  int32_t (*dim)(Tensor, int64_t *);
  int32_t (*sizes)(Tensor, int64_t **);
  int32_t (*strides)(Tensor, int64_t **);
  int32_t (*dtype)(Tensor, int32_t *);
  int32_t (*deviceType)(Tensor, int32_t *);
  int32_t (*deviceIndex)(Tensor, int32_t *);
  int32_t (*emptyStrided)(int64_t, const int64_t *, const int64_t *, int32_t,
                          int32_t, int32_t, Tensor *);
  int32_t (*listSize)(List, size_t *);
  int32_t (*listItem)(List, size_t, Value *);
  int32_t (*deleteList)(List);
  int32_t (*stringLength)(String, size_t *);
  int32_t (*stringData)(String, const char **);
  int32_t (*deleteString)(String);
  int32_t (*initImpl)(const char *, const char *, const char *, uint32_t,
                      LibraryOpaque **);
  int32_t (*impl)(LibraryOpaque *, const char *, Boxed, uint64_t);
  /// Null in a PyTorch without CUDA.
  int32_t (*cudaStream)(int32_t, void **);
  int32_t dtypes[4]; // of SimplexirDType
  int32_t cpu, cuda;
};
} // namespace

static Shim shim;

static void checkTorch(int32_t code, const char *what) {
  if (code != 0)
    throw std::runtime_error(std::string("simplexir: PyTorch failed: ") + what);
}

//===----------------------------------------------------------------------===//
// Arguments. Each call takes what it is given, and releases it.
//===----------------------------------------------------------------------===//

namespace {
/// Tensors of a call, released with it.
struct Tensors {
  Tensor handles[2 * maxKeys + 1];
  int count = 0;
  ~Tensors() {
    for (int i = 0; i < count; ++i)
      shim.deleteTensor(handles[i]);
  }
};

struct ListOwner {
  List list;
  explicit ListOwner(Value value) : list(reinterpret_cast<List>(value)) {}
  ListOwner(const ListOwner &) = delete;
  ~ListOwner() { shim.deleteList(list); }
  size_t size() const {
    size_t size = 0;
    checkTorch(shim.listSize(list, &size), "list size");
    return size;
  }
  Value operator[](size_t index) const {
    Value value = 0;
    checkTorch(shim.listItem(list, index, &value), "list item");
    return value;
  }
};
} // namespace

static void readTensor(Value value, const char *name, View &view,
                       Tensors &tensors) {
  auto *handle = reinterpret_cast<Tensor>(value);
  tensors.handles[tensors.count++] = handle;
  int64_t rank = 0, *sizes = nullptr, *strides = nullptr;
  int32_t dtype = 0, deviceType = 0;
  checkTorch(shim.dim(handle, &rank) | shim.sizes(handle, &sizes) |
                 shim.strides(handle, &strides) | shim.dtype(handle, &dtype) |
                 shim.deviceType(handle, &deviceType) |
                 shim.deviceIndex(handle, &view.deviceId) |
                 shim.dataPointer(handle, &view.data),
             name);
  if (rank > SIMPLEXIR_MAX_RANK)
    throw BadValue(std::string(name) + " has rank " + std::to_string(rank) +
                   ", expected 4 [batch, length, heads, dim]");
  if (deviceType != shim.cpu && deviceType != shim.cuda)
    throw BadValue(std::string(name) +
                   " is neither on the CPU nor on a CUDA device");
  view.deviceType = deviceType == shim.cuda ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
  if (view.deviceType == SIMPLEXIR_CPU)
    view.deviceId = 0;
  for (int32_t i = 0; i < 4; ++i)
    if (dtype == shim.dtypes[i])
      view.dtype = i;
  if (view.dtype < 0)
    throw BadType(std::string(name) + " has another element type than "
                                      "bfloat16, float16, float32 or float64");
  view.rank = static_cast<int32_t>(rank);
  for (int64_t i = 0; i < rank; ++i) {
    view.shape[i] = sizes[i];
    view.strides[i] = strides[i];
  }
}

static int readTensors(Value value, const char *name, View (&views)[maxKeys],
                       Tensors &tensors) {
  ListOwner list(value);
  size_t count = list.size();
  if (count > maxKeys)
    throw BadValue("found " + std::to_string(count) + " " + name +
                   ", expected at most " + std::to_string(maxKeys));
  for (size_t i = 0; i < count; ++i) {
    char label[16];
    snprintf(label, sizeof(label), "%s[%zu]", name, i);
    readTensor(list[i], label, views[i], tensors);
  }
  return static_cast<int>(count);
}

template <typename Number, size_t size>
static int readNumbers(Value value, const char *name, Number (&field)[size]) {
  ListOwner list(value);
  size_t count = list.size();
  if (count > size)
    throw BadValue(std::string(name) + " has " + std::to_string(count) +
                   " numbers, expected at most " + std::to_string(size));
  for (size_t i = 0; i < count; ++i) {
    Value item = list[i];
    std::memcpy(&field[i], &item, sizeof(item));
  }
  return static_cast<int>(count);
}

/// An optional is a pointer to a value on the heap, or null.
static bool takeOptional(Value value, Value &inner) {
  auto *pointer = reinterpret_cast<Value *>(value);
  if (!pointer)
    return false;
  inner = *pointer;
  delete pointer;
  return true;
}

static int64_t readForm(Value value) {
  auto *handle = reinterpret_cast<String>(value);
  const char *data = nullptr;
  size_t length = 0;
  int32_t code =
      shim.stringLength(handle, &length) | shim.stringData(handle, &data);
  std::string form = code ? "" : std::string(data, length);
  shim.deleteString(handle);
  return Attention::lookupForm(form);
}

static void readPair(Value value, const char *name, int64_t (&pair)[2],
                     int64_t &has) {
  Value inner;
  if (!takeOptional(value, inner))
    return;
  has = 1;
  if (readNumbers(inner, name, pair) != 2)
    throw BadValue(std::string(name) + " needs 2 numbers");
}

//===----------------------------------------------------------------------===//
// The operator
//===----------------------------------------------------------------------===//

static Tensor makeTensor(View &view) {
  Tensor tensor = nullptr;
  bool cuda = view.deviceType == SIMPLEXIR_CUDA;
  checkTorch(shim.emptyStrided(view.rank, view.shape, view.strides,
                               shim.dtypes[view.dtype],
                               cuda ? shim.cuda : shim.cpu,
                               cuda ? view.deviceId : -1, &tensor),
             "no memory for the result");
  checkTorch(shim.dataPointer(tensor, &view.data), "data pointer");
  return tensor;
}

/// The arguments are those of the schema in simplexir/torch.py.
static void attend(Value *stack) {
  Attention call;
  call.trustsAddresses = true;
  Tensors tensors;
  Spec &spec = call.spec;
  readTensor(stack[0], "query", call.query, tensors);
  call.numKeys = readTensors(stack[1], "keys", call.keys, tensors);
  call.numValues = readTensors(stack[2], "values", call.values, tensors);
  call.numWindows = readNumbers(stack[3], "windows", spec.windows);
  spec.form = readForm(stack[4]);
  spec.bidirectional = static_cast<bool>(stack[5] & 1);
  Value inner;
  if (takeOptional(stack[6], inner)) {
    spec.hasScale = 1;
    std::memcpy(&spec.scale, &inner, sizeof(inner));
  }
  if (takeOptional(stack[7], inner)) {
    spec.hasKeyBiases = 1;
    call.numKeyBiases = readNumbers(inner, "key_biases", spec.keyBiases);
  }
  if (takeOptional(stack[8], inner)) {
    spec.hasValueBiases = 1;
    call.numValueBiases = readNumbers(inner, "value_biases", spec.valueBiases);
  }
  readPair(stack[9], "positions", call.positions, spec.hasPositions);
  readPair(stack[10], "key_range", call.keyRange, spec.hasKeyRange);

  call.infer();
  if (call.query.deviceType == SIMPLEXIR_CUDA)
    checkTorch(shim.cudaStream(call.query.deviceId, &call.stream),
               "current stream");
  Tensor out = makeTensor(call.out), lse = nullptr;
  try {
    lse = makeTensor(call.lse);
    call.launch();
  } catch (...) {
    shim.deleteTensor(out);
    if (lse)
      shim.deleteTensor(lse);
    throw;
  }
  stack[0] = reinterpret_cast<Value>(out);
  stack[1] = reinterpret_cast<Value>(lse);
}

/// What PyTorch calls: it passes std::exceptions on as Python's RuntimeError.
static void attendBoxed(Value *stack, uint64_t, uint64_t) {
  try {
    attend(stack);
  } catch (nb::python_error &error) { // from the maker of kernels
    nb::gil_scoped_acquire acquire;
    throw std::runtime_error(nb::str(error.value()).c_str());
  }
}

template <typename Function>
static bool find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

static int32_t constant(void *library, const char *name) {
  int32_t (*function)() = nullptr;
  return find(library, name, function) ? function() : -1;
}

/// Returns "" or why not: a PyTorch that lacks a function of the interface.
static std::string registerTorch(const std::string &cpuLibrary,
                                 const std::string &cudaLibrary) {
  void *torch = dlopen(cpuLibrary.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (!torch)
    return cpuLibrary + " is not loaded";
  std::string missing;
  auto need = [&](const char *name, auto &function) {
    if (!find(torch, name, function))
      missing += std::string(missing.empty() ? "" : ", ") + name;
  };
  need("aoti_torch_delete_tensor_object", shim.deleteTensor);
  need("aoti_torch_get_data_ptr", shim.dataPointer);
  need("aoti_torch_get_dim", shim.dim);
  need("aoti_torch_get_sizes", shim.sizes);
  need("aoti_torch_get_strides", shim.strides);
  need("aoti_torch_get_dtype", shim.dtype);
  need("aoti_torch_get_device_type", shim.deviceType);
  need("aoti_torch_get_device_index", shim.deviceIndex);
  need("aoti_torch_empty_strided", shim.emptyStrided);
  need("torch_list_size", shim.listSize);
  need("torch_list_get_item", shim.listItem);
  need("torch_delete_list", shim.deleteList);
  need("torch_string_length", shim.stringLength);
  need("torch_string_c_str", shim.stringData);
  need("torch_delete_string", shim.deleteString);
  need("aoti_torch_library_init_impl", shim.initImpl);
  need("torch_library_impl", shim.impl);
  if (!missing.empty())
    return "this PyTorch has no " + missing;
  static constexpr const char *dtypes[] = {
      "aoti_torch_dtype_bfloat16", "aoti_torch_dtype_float16",
      "aoti_torch_dtype_float32", "aoti_torch_dtype_float64"};
  for (int i = 0; i < 4; ++i)
    shim.dtypes[i] = constant(torch, dtypes[i]);
  shim.cpu = constant(torch, "aoti_torch_device_type_cpu");
  shim.cuda = constant(torch, "aoti_torch_device_type_cuda");

  // Library objects live as long as the process.
  LibraryOpaque *cpu = nullptr, *cuda = nullptr;
  checkTorch(shim.initImpl("simplexir", "CPU", __FILE__, __LINE__, &cpu) ||
                 shim.impl(cpu, "attention", attendBoxed, version210),
             "registering for the CPU");
  void *torchCuda = dlopen(cudaLibrary.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (torchCuda &&
      find(torchCuda, "aoti_torch_get_current_cuda_stream", shim.cudaStream))
    checkTorch(shim.initImpl("simplexir", "CUDA", __FILE__, __LINE__, &cuda) ||
                   shim.impl(cuda, "attention", attendBoxed, version210),
               "registering for CUDA");
  return "";
}

void simplexir::python::bindTorch(nb::module_ &m) {
  m.def("register_torch", registerTorch);
  m.def("torch_dtype", [](int32_t dtype) {
    return dtype >= 0 && dtype < 4 ? shim.dtypes[dtype] : -1;
  });
}
