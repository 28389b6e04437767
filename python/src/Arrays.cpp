//===- Arrays.cpp - Views of Python's arrays ------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "DLPack.h"
#include "Errors.h"

namespace nb = nanobind;
using namespace simplexir::python;

//===----------------------------------------------------------------------===//
// DLPack
//===----------------------------------------------------------------------===//

static void requireRank(int64_t rank, const std::string &name) {
  if (rank > SIMPLEXIR_MAX_RANK)
    throw BadValue(name + " has rank " + std::to_string(rank) +
                   ", expected 4 [batch, length, heads, dim]");
}

[[noreturn]] static void failType(nb::handle array, const std::string &name) {
  std::string found = "another type";
  if (nb::hasattr(array, "dtype")) {
    nb::object dtype = array.attr("dtype");
    found = nb::str(dtype).c_str();
  }
  throw BadType(name + " has element type " + found +
                ", expected bfloat16, float16, float32 or float64");
}

static View viewOfDLTensor(const DLTensor &tensor, nb::handle array,
                           const std::string &name) {
  View view;
  requireRank(tensor.rank, name);
  view.rank = tensor.rank;
  view.dtype = dtypeOfDLPack(tensor);
  if (view.dtype < 0)
    failType(array, name);
  if (tensor.deviceType == dlCuda || tensor.deviceType == dlCudaManaged) {
    view.deviceType = SIMPLEXIR_CUDA;
    view.deviceId = tensor.deviceId;
  } else if (tensor.deviceType != dlCpu && tensor.deviceType != dlCudaHost) {
    throw BadValue(name + " is on a device of DLPack type " +
                   std::to_string(tensor.deviceType) +
                   ", expected the CPU or a CUDA device");
  }
  view.data = static_cast<char *>(tensor.data) + tensor.byteOffset;
  int64_t packed = 1;
  for (int i = view.rank - 1; i >= 0; --i) {
    view.shape[i] = tensor.shape[i];
    view.strides[i] = tensor.strides ? tensor.strides[i] : packed;
    packed *= view.shape[i];
  }
  return view;
}

/// Takes the tensor out of its capsule, as DLPack asks of a consumer.
static View viewOfCapsule(const nb::object &capsule, nb::handle array,
                          const std::string &name, bool writable,
                          std::vector<nb::object> &owners) {
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned")) {
    auto *managed = static_cast<DLVersioned *>(
        PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned"));
    if (managed->major != 1)
      throw BadType(name + " has DLPack version " +
                    std::to_string(managed->major) + ", expected 1");
    if (writable && (managed->flags & 1))
      throw BadValue(name + " is read-only");
    View view = viewOfDLTensor(managed->tensor, array, name);
    PyCapsule_SetName(capsule.ptr(), "used_dltensor_versioned");
    owners.push_back(nb::capsule(managed, [](void *data) noexcept {
      auto *managed = static_cast<DLVersioned *>(data);
      if (managed->deleter)
        managed->deleter(managed);
    }));
    return view;
  }
  if (!PyCapsule_IsValid(capsule.ptr(), "dltensor"))
    throw BadType(name + ".__dlpack__() gave no DLPack capsule");
  auto *managed =
      static_cast<DLManaged *>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  View view = viewOfDLTensor(managed->tensor, array, name);
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");
  owners.push_back(nb::capsule(managed, [](void *data) noexcept {
    auto *managed = static_cast<DLManaged *>(data);
    if (managed->deleter)
      managed->deleter(managed);
  }));
  return view;
}

static View viewOfDLPack(nb::handle array, const std::string &name,
                         void *stream, bool writable,
                         std::vector<nb::object> &owners) {
  nb::dict arguments;
  nb::object device = array.attr("__dlpack_device__")();
  if (nb::cast<int>(nb::int_(device[0])) == dlCuda)
    // 1 is the legacy default stream.
    arguments["stream"] =
        stream ? nb::int_(reinterpret_cast<uintptr_t>(stream)) : nb::int_(1);
  nb::object function = array.attr("__dlpack__"), capsule;
  try {
    nb::dict versioned;
    versioned.update(arguments);
    versioned["max_version"] = nb::make_tuple(1, 0);
    capsule = function(**versioned);
  } catch (nb::python_error &error) {
    if (!error.matches(PyExc_TypeError))
      throw;
    capsule = function(**arguments); // from before DLPack 1.0
  }
  return viewOfCapsule(capsule, array, name, writable, owners);
}

//===----------------------------------------------------------------------===//
// NumPy, whose DLPack knows no bfloat16
//===----------------------------------------------------------------------===//

static int32_t dtypeOfNumpy(nb::handle dtype) {
  if (!nb::cast<bool>(dtype.attr("isnative")))
    return -1;
  std::string name = nb::str(dtype.attr("name")).c_str();
  return name == "bfloat16"  ? SIMPLEXIR_BF16
         : name == "float16" ? SIMPLEXIR_F16
         : name == "float32" ? SIMPLEXIR_F32
         : name == "float64" ? SIMPLEXIR_F64
                             : -1;
}

/// NumPy's own types have the buffer protocol, which is much faster to ask.
static bool viewOfBuffer(nb::handle array, bool writable, View &view,
                         std::vector<nb::object> &owners) {
  // The array outlives the view, and its memory with it.
  Py_buffer buffer;
  int flags = PyBUF_FORMAT | PyBUF_STRIDES | (writable ? PyBUF_WRITABLE : 0);
  if (PyObject_GetBuffer(array.ptr(), &buffer, flags) != 0) {
    PyErr_Clear();
    return false;
  }
  std::string format = buffer.format ? buffer.format : "";
  view.dtype = format == "f"   ? SIMPLEXIR_F32
               : format == "e" ? SIMPLEXIR_F16
               : format == "d" ? SIMPLEXIR_F64
                               : -1;
  bool known = view.dtype >= 0 && buffer.ndim <= SIMPLEXIR_MAX_RANK;
  if (known) {
    view.data = buffer.buf;
    view.rank = buffer.ndim;
    for (int i = 0; known && i < buffer.ndim; ++i) {
      view.shape[i] = buffer.shape[i];
      view.strides[i] = buffer.strides[i] / buffer.itemsize;
      known = buffer.strides[i] % buffer.itemsize == 0;
    }
  }
  PyBuffer_Release(&buffer);
  if (known)
    owners.push_back(nb::borrow(array));
  return known;
}

static View viewOfNumpy(nb::handle array, const std::string &name,
                        bool writable, std::vector<nb::object> &owners) {
  View view;
  if (viewOfBuffer(array, writable, view, owners))
    return view;
  view.dtype = dtypeOfNumpy(array.attr("dtype"));
  if (view.dtype < 0)
    failType(array, name);
  auto interface = nb::cast<nb::dict>(array.attr("__array_interface__"));
  auto data = nb::cast<nb::tuple>(interface["data"]);
  if (writable && nb::cast<bool>(data[1]))
    throw BadValue(name + " is read-only");
  // NOLINTNEXTLINE(performance-no-int-to-ptr): NumPy's convention.
  view.data = reinterpret_cast<void *>(nb::cast<uintptr_t>(data[0]));
  auto shape = nb::cast<nb::tuple>(array.attr("shape"));
  auto strides = nb::cast<nb::tuple>(array.attr("strides"));
  requireRank(static_cast<int64_t>(shape.size()), name);
  view.rank = static_cast<int32_t>(shape.size());
  int64_t bytes = bytesOfDType(view.dtype);
  for (int i = 0; i < view.rank; ++i) {
    view.shape[i] = nb::cast<int64_t>(shape[i]);
    int64_t stride = nb::cast<int64_t>(strides[i]);
    if (stride % bytes != 0 && view.shape[i] > 1)
      throw BadValue(name + " has a stride of " + std::to_string(stride) +
                     " bytes, expected a multiple of its element's " +
                     std::to_string(bytes));
    view.strides[i] = stride / bytes;
  }
  owners.push_back(nb::borrow(array));
  return view;
}

View simplexir::python::viewOf(nb::handle array, const std::string &name,
                               void *stream, bool writable,
                               std::vector<nb::object> &owners) {
  // Arrays on a GPU have no such interface.
  if (nb::hasattr(array, "__array_interface__") &&
      nb::hasattr(array, "strides"))
    return viewOfNumpy(array, name, writable, owners);
  if (nb::hasattr(array, "__dlpack__"))
    return viewOfDLPack(array, name, stream, writable, owners);
  std::string found = nb::str(array.type().attr("__name__")).c_str();
  throw BadType(name + " is a " + found +
                ", expected an array: NumPy's, or one with __dlpack__");
}
