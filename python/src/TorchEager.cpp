//===- TorchEager.cpp - PyTorch's tensors without its dispatcher ----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A call that nothing but the kernel has a part in goes straight to it: tensors
// are read through DLPack's C exchange interface, and results made by the
// functions that Inductor's code makes its buffers with. Whatever is unusual is
// left to torch.ops.simplexir.attention, the errors in operands among it, so
// that both ways have the same meaning and the same messages.
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "DLPack.h"
#include "Errors.h"
#include "Frameworks.h"
#include "TorchShortcuts.h"

#include <algorithm>

namespace nb = nanobind;
using namespace simplexir::python;

//===----------------------------------------------------------------------===//
// What PyTorch gives; never released
//===----------------------------------------------------------------------===//

namespace {
constexpr int maxChecks = 8;

struct Torch {
  bool ready = false;
  DLExchange *exchange;
  PyTypeObject *tensor, *parameter;
  /// Builtins without arguments; all give 0, False or None where no mode, no
  /// transform and no tracer wants to see the call.
  PyObject *checks[maxChecks];
  int numChecks;
  PyObject *isGradEnabled, *isNegative, *requiresGrad;
  /// A dictionary with a bool at this key.
  PyObject *profiler, *profilerKey;
  /// (sizes, strides, dtype) -> tensor, by SimplexirDeviceType; the one for
  /// CUDA makes it on the current device, and is null without CUDA.
  PyObject *empty[2];
  PyObject *dtypes[4]; // by SimplexirDType
};

/// The tuples that a result was last made with.
struct Sizes {
  int64_t shape[4];
  PyObject *sizes = nullptr, *strides = nullptr;
};
} // namespace

static Torch torch;

/// Whether the call's answer is falsy; an error is for the other way.
static bool isFalse(PyObject *result) {
  if (!result) {
    PyErr_Clear();
    return false;
  }
  int truth = PyObject_IsTrue(result);
  Py_DECREF(result);
  return truth == 0;
}

static bool isIdle() {
  // The first check is for what dispatch keys do not show.
  int numChecks = hasPlainDispatchKeys() ? 1 : torch.numChecks;
  for (int i = 0; i < numChecks; ++i)
    if (!isFalse(PyObject_CallNoArgs(torch.checks[i])))
      return false;
  return PyDict_GetItemWithError(torch.profiler, torch.profilerKey) == Py_False;
}

//===----------------------------------------------------------------------===//
// Arguments. False is: not for this way.
//===----------------------------------------------------------------------===//

namespace {
/// Lists can change while a kernel runs without the GIL.
struct Held {
  PyObject *objects[2 * maxKeys + 1];
  int count = 0;
  ~Held() {
    for (int i = 0; i < count; ++i)
      Py_DECREF(objects[i]);
  }
  void add(PyObject *object) {
    Py_INCREF(object);
    objects[count++] = object;
  }
};

/// A list or a tuple.
struct Sequence {
  PyObject **items = nullptr;
  Py_ssize_t count = -1;
  explicit Sequence(PyObject *object) {
    if (!PyList_CheckExact(object) && !PyTuple_CheckExact(object))
      return;
    items = PySequence_Fast_ITEMS(object);
    count = PySequence_Fast_GET_SIZE(object);
  }
};
} // namespace

static bool readView(PyObject *object, View &view) {
  DLTensor tensor;
  if (torch.exchange->tensorFromObject(object, &tensor) != 0) {
    PyErr_Clear();
    return false;
  }
  view.dtype = dtypeOfDLPack(tensor);
  bool cuda = tensor.deviceType == dlCuda;
  if (view.dtype < 0 || tensor.rank > SIMPLEXIR_MAX_RANK ||
      (!cuda && tensor.deviceType != dlCpu) || !tensor.strides)
    return false;
  view.deviceType = cuda ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
  view.deviceId = cuda ? tensor.deviceId : 0;
  view.rank = tensor.rank;
  bool isEmpty = false;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    view.shape[i] = tensor.shape[i];
    view.strides[i] = tensor.strides[i];
    isEmpty |= tensor.shape[i] == 0;
  }
  view.data = static_cast<char *>(tensor.data) + tensor.byteOffset;
  return tensor.data || isEmpty; // tensors of zeros can be without memory
}

/// Views of complex numbers may have to be negated when they are read.
static bool isNegated(PyObject *object) {
  Answer answer = isNegativeView(object);
  return answer == Answer::Unknown
             ? !isFalse(PyObject_CallOneArg(torch.isNegative, object))
             : answer == Answer::Yes;
}

static bool readOperand(PyObject *object, View &view, Held &held, bool grad) {
  if (Py_TYPE(object) != torch.tensor && Py_TYPE(object) != torch.parameter)
    return false;
  held.add(object);
  return readView(object, view) &&
         (!grad || isFalse(PyObject_GetAttr(object, torch.requiresGrad))) &&
         !isNegated(object);
}

static bool readOperands(PyObject *list, View (&views)[maxKeys], int &count,
                         Held &held, bool grad) {
  Sequence sequence(list);
  if (sequence.count < 1 || sequence.count > maxKeys)
    return false;
  count = static_cast<int>(sequence.count);
  for (int i = 0; i < count; ++i)
    if (!readOperand(sequence.items[i], views[i], held, grad))
      return false;
  return true;
}

static bool readNumber(PyObject *object, int64_t &number) {
  if (!PyLong_CheckExact(object))
    return false;
  number = PyLong_AsLongLong(object);
  if (number != -1 || !PyErr_Occurred())
    return true;
  PyErr_Clear();
  return false;
}

static bool readNumber(PyObject *object, double &number) {
  if (!PyFloat_CheckExact(object))
    return false;
  number = PyFloat_AS_DOUBLE(object);
  return true;
}

template <typename Number, size_t size>
static bool readNumbers(PyObject *list, Number (&numbers)[size], int &count) {
  Sequence sequence(list);
  if (sequence.count < 0 || sequence.count > Py_ssize_t(size))
    return false;
  count = static_cast<int>(sequence.count);
  for (int i = 0; i < count; ++i)
    if (!readNumber(sequence.items[i], numbers[i]))
      return false;
  return true;
}

template <typename Number, size_t size>
static bool readOptional(PyObject *list, Number (&numbers)[size], int &count,
                         int64_t &has) {
  if (list == Py_None)
    return true;
  has = 1;
  return readNumbers(list, numbers, count);
}

static bool readForm(PyObject *object, int64_t &form) {
  if (!PyUnicode_CheckExact(object))
    return false;
  form = 0;
  for (const char *name : formNames) {
    if (PyUnicode_CompareWithASCIIString(object, name) == 0)
      return true;
    ++form;
  }
  return false;
}

/// The arguments are those of simplexir.torch.attention, none left out.
static bool readCall(PyObject *const *arguments, Attention &call, Held &held) {
  PyObject *isGradEnabled = PyObject_CallNoArgs(torch.isGradEnabled);
  bool grad = !isFalse(isGradEnabled);
  Spec &spec = call.spec;
  int numPositions = 2, numBounds = 2;
  if (!readOperand(arguments[0], call.query, held, grad) ||
      !readOperands(arguments[1], call.keys, call.numKeys, held, grad) ||
      !readOperands(arguments[2], call.values, call.numValues, held, grad) ||
      !readNumbers(arguments[3], spec.windows, call.numWindows) ||
      !readForm(arguments[4], spec.form) || !PyBool_Check(arguments[5]))
    return false;
  spec.bidirectional = arguments[5] == Py_True;
  if (arguments[6] != Py_None) {
    spec.hasScale = 1;
    if (!readNumber(arguments[6], spec.scale))
      return false;
  }
  return readOptional(arguments[7], spec.keyBiases, call.numKeyBiases,
                      spec.hasKeyBiases) &&
         readOptional(arguments[8], spec.valueBiases, call.numValueBiases,
                      spec.hasValueBiases) &&
         readOptional(arguments[9], call.positions, numPositions,
                      spec.hasPositions) &&
         readOptional(arguments[10], call.keyRange, numBounds,
                      spec.hasKeyRange) &&
         numPositions == 2 && numBounds == 2;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static nb::object makeTuple(const int64_t *numbers, int count) {
  nb::object tuple = nb::steal(PyTuple_New(count));
  for (int i = 0; tuple.is_valid() && i < count; ++i)
    PyTuple_SET_ITEM(tuple.ptr(), i, PyLong_FromLongLong(numbers[i]));
  return tuple;
}

/// Whether the tensor is what the view asks for; its memory goes into the view.
static bool isResult(nb::handle tensor, View &view) {
  View made;
  if (Py_TYPE(tensor.ptr()) != torch.tensor || !readView(tensor.ptr(), made) ||
      made.deviceType != view.deviceType || made.deviceId != view.deviceId ||
      made.dtype != view.dtype || made.rank != view.rank ||
      !std::equal(view.shape, view.shape + view.rank, made.shape))
    return false;
  view.data = made.data;
  return true;
}

/// An uninitialised tensor, whose memory goes into the view; none if there is
/// no memory or the device is not the current one.
static nb::object makeResult(View &view, Sizes &last) {
  // What it makes on the CPU was compared when the module was imported.
  static bool isKnown[] = {true, false};
  if (nb::object tensor = makeTensorObject(view); tensor.is_valid()) {
    if (isKnown[view.deviceType] || isResult(tensor, view)) {
      isKnown[view.deviceType] = true;
      return tensor;
    }
    distrustMakers();
  }
  if (!last.sizes ||
      !std::equal(last.shape, last.shape + view.rank, view.shape)) {
    nb::object sizes = makeTuple(view.shape, view.rank),
               strides = makeTuple(view.strides, view.rank);
    if (!sizes.is_valid() || !strides.is_valid())
      return {};
    Py_XDECREF(last.sizes);
    Py_XDECREF(last.strides);
    last.sizes = sizes.release().ptr();
    last.strides = strides.release().ptr();
    std::copy_n(view.shape, view.rank, last.shape);
  }
  PyObject *arguments[] = {last.sizes, last.strides, torch.dtypes[view.dtype]};
  nb::object tensor = nb::steal(
      PyObject_Vectorcall(torch.empty[view.deviceType], arguments, 3, nullptr));
  return tensor.is_valid() && isResult(tensor, view) ? tensor : nb::object();
}

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// Null without an exception where the call is not for this way.
static PyObject *attend(PyObject *const *arguments) {
  if (!torch.ready || !isIdle())
    return nullptr;
  Attention call;
  call.trustsAddresses = true;
  Held held;
  if (!readCall(arguments, call, held))
    return nullptr;
  try {
    call.infer();
  } catch (const std::exception &) {
    return nullptr;
  }
  if (!torch.empty[call.query.deviceType] ||
      torch.exchange->currentStream(
          call.query.deviceType == SIMPLEXIR_CUDA ? dlCuda : dlCpu,
          call.query.deviceId, &call.stream) != 0)
    return nullptr;
  // Both have their own: an lse is smaller by a dimension.
  static Sizes outSizes, lseSizes;
  nb::object out, lse;
  try {
    out = makeResult(call.out, outSizes);
    if (out.is_valid())
      lse = makeResult(call.lse, lseSizes);
  } catch (const std::exception &) {
    return nullptr; // no memory
  }
  if (!lse.is_valid())
    return nullptr;
  {
    nb::gil_scoped_release release;
    call.launch();
  }
  return PyTuple_Pack(2, out.ptr(), lse.ptr());
}

/// (out, lse), or None where torch.ops.simplexir.attention is to be called.
/// Failures of the launch are RuntimeErrors, as that makes them.
static PyObject *attendEager(PyObject *, PyObject *const *arguments,
                             Py_ssize_t count) {
  if (count != 11) {
    PyErr_Format(PyExc_TypeError, "found %zd arguments, expected 11", count);
    return nullptr;
  }
  try {
    if (PyObject *results = attend(arguments))
      return results;
    PyErr_Clear();
    Py_RETURN_NONE;
  } catch (nb::python_error &error) { // from the maker of kernels
    PyErr_SetString(PyExc_RuntimeError, nb::str(error.value()).c_str());
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

/// Throws if something is missing.
static void openEager(const nb::object &exchange, const nb::tuple &types,
                      const nb::tuple &checks, nb::object isGradEnabled,
                      nb::object isNegative, nb::dict profiler,
                      const nb::tuple &empty, const nb::tuple &dtypes) {
  auto *table = static_cast<DLExchange *>(
      PyCapsule_GetPointer(exchange.ptr(), "dlpack_exchange_api"));
  if (!table)
    throw nb::python_error();
  while (table && table->major != 1)
    table = table->older;
  if (!table || !table->tensorFromObject || !table->currentStream)
    throw BadValue("no DLPack exchange interface of version 1 with borrowed "
                   "tensors");
  if (checks.size() > maxChecks)
    throw BadValue("too many checks");
  auto keep = [](nb::object object) { return object.release().ptr(); };
  torch.exchange = table;
  torch.tensor = reinterpret_cast<PyTypeObject *>(keep(types[0]));
  torch.parameter = reinterpret_cast<PyTypeObject *>(keep(types[1]));
  torch.numChecks = 0;
  for (nb::handle check : checks)
    torch.checks[torch.numChecks++] = keep(nb::borrow(check));
  torch.isGradEnabled = keep(std::move(isGradEnabled));
  torch.isNegative = keep(std::move(isNegative));
  torch.requiresGrad = PyUnicode_InternFromString("requires_grad");
  torch.profiler = keep(std::move(profiler));
  torch.profilerKey = PyUnicode_InternFromString("_is_profiler_enabled");
  for (size_t i = 0; i < 2; ++i)
    torch.empty[i] = empty[i].is_none() ? nullptr : keep(empty[i]);
  for (size_t i = 0; i < 4; ++i)
    torch.dtypes[i] = keep(dtypes[i]);
  torch.ready = true;
}

void simplexir::python::bindTorchEager(nb::module_ &m) {
  // Not through nanobind, which takes longer to unpack so many arguments.
  static PyMethodDef definition = {
      "torch_eager",
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(attendEager)),
      METH_FASTCALL, nullptr};
  m.attr("torch_eager") = nb::steal(PyCFunction_New(&definition, nullptr));
  m.def("open_torch_eager", openEager);
}
