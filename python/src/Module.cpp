//===- Module.cpp - The extension module simplexir._core ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "CompilerLibrary.h"
#include "Errors.h"
#include "Frameworks.h"
#include "Kernels.h"
#include "PythonArtifact.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

namespace nb = nanobind;
using namespace nb::literals;
using namespace simplexir::python;

using Numbers = std::vector<double>;
using Integers = std::vector<int64_t>;

/// Copies numbers into one of the fields of a spec; the count is checked when
/// the keys are known.
template <typename Number, typename Field>
static int setField(Field (&field)[maxKeys], const std::vector<Number> &given,
                    const char *name) {
  if (given.size() > maxKeys)
    throw BadValue(std::string(name) + " has " + std::to_string(given.size()) +
                   " numbers, expected one for each key");
  std::copy(given.begin(), given.end(), field);
  return static_cast<int>(given.size());
}

static void setPair(int64_t (&pair)[2], const Integers &given,
                    const char *name) {
  if (given.size() != 2)
    throw BadValue(std::string(name) + " has " + std::to_string(given.size()) +
                   " numbers, expected 2");
  pair[0] = given[0];
  pair[1] = given[1];
}

static void setAttributes(Attention &call, const Integers &windows,
                          const std::string &form, bool bidirectional,
                          std::optional<double> scale,
                          const std::optional<Numbers> &keyBiases,
                          const std::optional<Numbers> &valueBiases,
                          const std::optional<Integers> &positions,
                          const std::optional<Integers> &keyRange) {
  call.spec.form = Attention::lookupForm(form);
  call.numWindows = setField(call.spec.windows, windows, "windows");
  call.spec.bidirectional = bidirectional;
  if (scale) {
    call.spec.hasScale = 1;
    call.spec.scale = *scale;
  }
  if (keyBiases) {
    call.spec.hasKeyBiases = 1;
    call.numKeyBiases = setField(call.spec.keyBiases, *keyBiases, "key_biases");
  }
  if (valueBiases) {
    call.spec.hasValueBiases = 1;
    call.numValueBiases =
        setField(call.spec.valueBiases, *valueBiases, "value_biases");
  }
  if (positions) {
    call.spec.hasPositions = 1;
    setPair(call.positions, *positions, "positions");
  }
  if (keyRange) {
    call.spec.hasKeyRange = 1;
    setPair(call.keyRange, *keyRange, "key_range");
  }
}

static int setViews(View (&views)[maxKeys], nb::handle arrays, const char *kind,
                    void *stream, std::vector<nb::object> &owners) {
  int count = 0;
  for (nb::handle array : arrays) {
    if (count == maxKeys)
      throw BadValue("found more than " + std::to_string(maxKeys) + " " + kind);
    views[count] =
        viewOf(array, std::string(kind) + "[" + std::to_string(count) + "]",
               stream, /*writable=*/false, owners);
    ++count;
  }
  return count;
}

/// Fills in the result's memory after checking its shape and type.
static void setOutput(View &view, nb::handle array, const char *name,
                      void *stream, std::vector<nb::object> &owners) {
  View found = viewOf(array, name, stream, /*writable=*/true, owners);
  if (found.dtype != view.dtype)
    throw BadType(std::string(name) + " has element type " +
                  nameOfDType(found.dtype) + ", expected " +
                  nameOfDType(view.dtype));
  bool same = found.rank == view.rank && found.deviceType == view.deviceType &&
              found.deviceId == view.deviceId;
  for (int i = 0; same && i < view.rank; ++i)
    same = found.shape[i] == view.shape[i];
  if (!same)
    throw BadValue(std::string(name) +
                   " has another shape or device than the result");
  view = found;
}

/// `allocate(shape of out, shape of lse, type of out, type of lse)` makes the
/// results, in the caller's framework.
static nb::object attention(nb::handle query, nb::handle keys,
                            nb::handle values, const Integers &windows,
                            const std::string &form, bool bidirectional,
                            std::optional<double> scale,
                            const std::optional<Numbers> &keyBiases,
                            const std::optional<Numbers> &valueBiases,
                            const std::optional<Integers> &positions,
                            const std::optional<Integers> &keyRange,
                            const nb::callable &allocate, uintptr_t stream) {
  Attention call;
  std::vector<nb::object> owners;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a stream is passed as a number.
  call.stream = reinterpret_cast<void *>(stream);
  setAttributes(call, windows, form, bidirectional, scale, keyBiases,
                valueBiases, positions, keyRange);
  call.query = viewOf(query, "query", call.stream, false, owners);
  call.numKeys = setViews(call.keys, keys, "keys", call.stream, owners);
  call.numValues = setViews(call.values, values, "values", call.stream, owners);
  call.infer();
  auto shapeOf = [](const View &view) {
    nb::list shape;
    for (int i = 0; i < view.rank; ++i)
      shape.append(view.shape[i]);
    return nb::tuple(shape);
  };
  nb::object results =
      allocate(shapeOf(call.out), shapeOf(call.lse),
               nameOfDType(call.out.dtype), nameOfDType(call.lse.dtype));
  setOutput(call.out, results[0], "out", call.stream, owners);
  setOutput(call.lse, results[1], "lse", call.stream, owners);
  {
    nb::gil_scoped_release release;
    call.launch();
  }
  return results;
}

static nb::dict describe(const Spec &spec) {
  nb::dict fields;
  auto list = [&](auto &values) {
    nb::list result;
    for (int64_t i = 0; i < spec.numKeys; ++i)
      result.append(values[i]);
    return nb::tuple(result);
  };
  fields["dtype"] = nameOfDType(spec.dtype);
  fields["form"] = formNames[spec.form];
  fields["num_keys"] = spec.numKeys;
  fields["heads"] = spec.heads;
  fields["key_heads"] = spec.keyHeads;
  fields["dim"] = spec.dim;
  fields["value_dim"] = spec.valueDim;
  fields["windows"] = list(spec.windows);
  fields["bidirectional"] = spec.bidirectional != 0;
  fields["positions"] = spec.hasPositions != 0;
  fields["key_range"] = spec.hasKeyRange != 0;
  fields["scale"] =
      spec.hasScale ? nb::object(nb::float_(spec.scale)) : nb::none();
  fields["key_biases"] =
      spec.hasKeyBiases ? nb::object(list(spec.keyBiases)) : nb::none();
  fields["value_biases"] =
      spec.hasValueBiases ? nb::object(list(spec.valueBiases)) : nb::none();
  fields["capability"] = spec.deviceType == SIMPLEXIR_CUDA
                             ? nb::object(nb::int_(spec.capability))
                             : nb::none();
  return fields;
}

/// Wraps a Python function: spec as a dict -> (artifact, kernel's name).
static void setMaker(nb::callable maker) {
  // Never released: kernels may be asked for while the interpreter ends.
  auto *function = new nb::callable(std::move(maker));
  setKernelMaker([function](const Spec &spec) -> SimplexirKernel * {
    nb::gil_scoped_acquire acquire;
    nb::object made = (*function)(describe(spec));
    auto &artifact = nb::cast<PythonArtifact &>(made[0]);
    SimplexirKernel *kernel = artifact.kernel(nb::cast<std::string>(made[1]));
    nb::object(made[0]).release(); // lives as long as the table
    return kernel;
  });
}

NB_MODULE(_core, m) {
  if (simplexirAbiVersion() < SIMPLEXIR_ABI_VERSION)
    throw nb::import_error(("simplexir: libsimplexir_runtime has ABI version " +
                            std::to_string(simplexirAbiVersion()) +
                            ", expected at least " +
                            std::to_string(SIMPLEXIR_ABI_VERSION))
                               .c_str());

  nb::exception<RuntimeFailure> error(m, "Error", PyExc_RuntimeError);
  nb::register_exception_translator([](const std::exception_ptr &p, void *) {
    try {
      std::rethrow_exception(p);
    } catch (const BadValue &error) {
      PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const BadType &error) {
      PyErr_SetString(PyExc_TypeError, error.what());
    }
  });

  // Kernels live as long as the process, and so do their artifacts.
  nb::set_leak_warnings(false);
  bindArtifact(m);
  m.def("attention", attention, "query"_a, "keys"_a, "values"_a, "windows"_a,
        "form"_a, "bidirectional"_a, "scale"_a.none(), "key_biases"_a.none(),
        "value_biases"_a.none(), "positions"_a.none(), "key_range"_a.none(),
        "allocate"_a, "stream"_a);
  m.def("set_maker", setMaker);
  m.def("forget_kernels", forgetKernels);
  m.def("count_kernels", countKernels);
  m.def("host_level", hostLevel);
  m.def("capability", [](int32_t device) { return capabilityOf(device); });
  m.def("abi_version", simplexirAbiVersion);
  m.def("set_num_threads",
        [](int32_t count) { check(simplexirSetNumThreads(count)); });
  m.def("get_num_threads", simplexirGetNumThreads);
  m.def("load_compiler", loadCompiler,
        nb::call_guard<nb::gil_scoped_release>());
  m.def("compiler_version", compilerVersion);
  m.def("compile",
        [](const std::string &module, const std::vector<std::string> &chips,
           const std::string &ptxas, const std::string &name, bool portable) {
          Compiled result;
          {
            nb::gil_scoped_release release;
            result = compile(module, chips, ptxas, name, portable);
          }
          return nb::make_tuple(
              result.status, result.messages,
              nb::bytes(result.artifact.data(), result.artifact.size()));
        });
  bindFrameworks(m);
}
