//===- PythonArtifact.cpp - A loaded .simplex file in Python --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PythonArtifact.h"
#include "Arrays.h"
#include "Errors.h"

#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace nb::literals;
using namespace simplexir::python;

PythonArtifact::PythonArtifact(const nb::bytes &data) {
  check(simplexirArtifactLoadMemory(data.c_str(), data.size(), &artifact));
}

SimplexirArtifact *PythonArtifact::open() const {
  if (!artifact)
    throw BadValue("the artifact is closed");
  return artifact;
}

SimplexirKernel *PythonArtifact::kernel(const std::string &name) const {
  SimplexirKernel *kernel = nullptr;
  check(simplexirArtifactGetKernel(open(), name.c_str(), &kernel));
  return kernel;
}

nb::list PythonArtifact::names() const {
  nb::list names;
  for (size_t i = 0; i < simplexirArtifactNumKernels(open()); ++i)
    names.append(simplexirKernelName(simplexirArtifactKernelAt(artifact, i)));
  return names;
}

nb::list PythonArtifact::signature(const std::string &name) const {
  SimplexirKernel *found = kernel(name);
  nb::list arguments;
  for (size_t i = 0; i < simplexirKernelNumArguments(found); ++i) {
    SimplexirArgumentInfo info = {};
    info.structSize = sizeof(info);
    check(simplexirKernelArgumentInfo(found, i, &info));
    nb::list shape;
    for (int d = 0; d < info.rank; ++d)
      if (info.extents[d] >= 0)
        shape.append(info.extents[d]);
      else
        shape.append(info.dimNames[d]);
    nb::dict entry;
    entry["name"] = info.name;
    if (info.kind == SIMPLEXIR_TENSOR) {
      entry["dtype"] = nameOfDType(info.dtype);
      entry["shape"] = nb::tuple(shape);
    }
    entry["output"] = info.isOutput != 0;
    arguments.append(entry);
  }
  return arguments;
}

void PythonArtifact::launch(const std::string &name, const nb::args &given,
                            uintptr_t stream) const {
  SimplexirKernel *found = kernel(name);
  std::vector<nb::object> owners;
  std::vector<View> views(given.size());
  std::vector<SimplexirArgument> arguments(given.size());
  SimplexirLaunchOptions options = {};
  options.structSize = sizeof(options);
  options.deviceId = -1;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a stream is passed as a number.
  options.stream = reinterpret_cast<void *>(stream);
  for (size_t i = 0; i < given.size(); ++i) {
    SimplexirArgument &argument = arguments[i];
    argument = {};
    argument.structSize = sizeof(argument);
    if (PyLong_Check(given[i].ptr())) {
      argument.kind = SIMPLEXIR_INDEX;
      argument.index = nb::cast<int64_t>(given[i]);
      continue;
    }
    SimplexirArgumentInfo info = {};
    info.structSize = sizeof(info);
    bool known = simplexirKernelArgumentInfo(found, i, &info) == SIMPLEXIR_OK;
    views[i] = viewOf(given[i], "argument " + std::to_string(i), options.stream,
                      known && info.isOutput, owners);
    const View &view = views[i];
    argument.tensor = {view.data,  view.shape,      view.strides, view.rank,
                       view.dtype, view.deviceType, view.deviceId};
    if (view.deviceType == SIMPLEXIR_CUDA) {
      options.deviceType = SIMPLEXIR_CUDA;
      options.deviceId = view.deviceId;
    }
  }
  nb::gil_scoped_release release;
  check(simplexirKernelLaunch(found, arguments.data(), arguments.size(),
                              &options));
}

void PythonArtifact::close() {
  simplexirArtifactDestroy(artifact);
  artifact = nullptr;
}

void simplexir::python::bindArtifact(nb::module_ &m) {
  nb::class_<PythonArtifact>(
      m, "Artifact",
      "The bytes of a .simplex file, loaded. An artifact is code: load only "
      "what you trust.")
      .def(nb::init<const nb::bytes &>(), "data"_a)
      .def_prop_ro("kernels", &PythonArtifact::names)
      .def("signature", &PythonArtifact::signature, "kernel"_a,
           "What each argument of a kernel must be.")
      .def("launch", &PythonArtifact::launch, "kernel"_a, "arguments"_a,
           nb::kw_only(), "stream"_a = 0,
           "Launches a kernel on arrays and integers in its signature's "
           "order; outputs are written.")
      .def("close", &PythonArtifact::close,
           "Unloads the code; every launch must be over.");
}
