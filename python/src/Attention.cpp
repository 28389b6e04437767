//===- Attention.cpp - One attention, from views to a launch --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "Errors.h"
#include "Kernels.h"

#include <cmath>

using namespace simplexir::python;

const char *simplexir::python::nameOfDType(int64_t dtype) {
  static constexpr const char *names[] = {"bf16", "f16", "f32", "f64"};
  return dtype >= 0 && dtype < 4 ? names[dtype] : "unknown";
}

int64_t simplexir::python::bytesOfDType(int64_t dtype) {
  return dtype == SIMPLEXIR_F64 ? 8 : dtype == SIMPLEXIR_F32 ? 4 : 2;
}

static std::string number(int64_t value) { return std::to_string(value); }

static std::string nameOfDevice(const View &view) {
  return view.deviceType == SIMPLEXIR_CPU ? "cpu"
                                          : "cuda:" + number(view.deviceId);
}

static std::string nameOfShape(const View &view) {
  std::string text = "[";
  for (int i = 0; i < view.rank; ++i)
    text += (i ? ", " : "") + number(view.shape[i]);
  return text + "]";
}

int64_t Attention::lookupForm(const std::string &name) {
  std::string known;
  int64_t index = 0;
  for (const char *form : formNames) {
    if (name == form)
      return index;
    known += std::string(index++ ? ", " : "") + form;
  }
  throw BadValue("form is '" + name + "', expected one of " + known);
}

void Attention::checkOperand(const View &view, const char *kind,
                             int index) const {
  // Made for a message only: this is on the way of every call.
  auto name = [&] {
    return index < 0 ? std::string(kind)
                     : std::string(kind) + "[" + number(index) + "]";
  };
  if (view.dtype != query.dtype)
    throw BadType(name() + " has element type " + nameOfDType(view.dtype) +
                  ", expected " + nameOfDType(query.dtype) + " as query");
  if (view.deviceType != query.deviceType || view.deviceId != query.deviceId)
    throw BadValue(name() + " is on " + nameOfDevice(view) + ", expected " +
                   nameOfDevice(query) + " as query");
  if (view.rank != 4)
    throw BadValue(name() + " has shape " + nameOfShape(view) +
                   ", expected rank 4 [batch, length, heads, dim]");
  if (view.strides[3] != 1 && view.shape[3] > 1)
    throw BadValue(name() + " has innermost stride " + number(view.strides[3]) +
                   ", expected 1: make its last dimension contiguous");
  if (view.shape[0] != query.shape[0])
    throw BadValue(name() + " has batch " + number(view.shape[0]) +
                   ", expected " + number(query.shape[0]) + " as query");
  if (index >= 0 &&
      (view.shape[1] != keys[0].shape[1] || view.shape[2] != keys[0].shape[2]))
    throw BadValue(name() + " has length and heads [" + number(view.shape[1]) +
                   ", " + number(view.shape[2]) + "], expected [" +
                   number(keys[0].shape[1]) + ", " + number(keys[0].shape[2]) +
                   "] as keys[0]");
}

void Attention::checkAttributes() const {
  auto expectCount = [&](const char *name, int found) {
    if (found != numKeys)
      throw BadValue(std::string(name) + " has " + number(found) +
                     " numbers, expected " + number(numKeys) +
                     ", one for each key");
  };
  expectCount("windows", numWindows);
  for (int i = 0; i < numKeys; ++i)
    if (spec.windows[i] < 0)
      throw BadValue("window " + number(i) + " is " + number(spec.windows[i]) +
                     ", expected at least 0 (0 is unlimited)");
  if (spec.hasScale && !std::isfinite(spec.scale))
    throw BadValue("scale is not finite");
  if (spec.hasKeyBiases)
    expectCount("key_biases", numKeyBiases);
  if (spec.hasValueBiases)
    expectCount("value_biases", numValueBiases);
  for (int i = 0; i < maxKeys; ++i)
    if (!std::isfinite(spec.keyBiases[i]) ||
        !std::isfinite(spec.valueBiases[i]))
      throw BadValue("a bias is not finite");
  if (spec.form == 1 && (numKeys != 2 || query.shape[3] < 3))
    throw BadValue("the determinant form needs two keys and a dim of at least "
                   "3, found " +
                   number(numKeys) + " and " + number(query.shape[3]));
}

static void setPackedStrides(View &view) {
  int64_t stride = 1;
  for (int i = view.rank - 1; i >= 0; --i) {
    view.strides[i] = stride;
    stride *= view.shape[i] > 0 ? view.shape[i] : 1;
  }
}

static void setResult(View &view, const View &like, int32_t dtype,
                      std::initializer_list<int64_t> shape) {
  view.dtype = dtype;
  view.deviceType = like.deviceType;
  view.deviceId = like.deviceId;
  view.rank = static_cast<int32_t>(shape.size());
  int i = 0;
  for (int64_t extent : shape)
    view.shape[i++] = extent;
  setPackedStrides(view);
}

/// Arrays without elements have whatever strides their makers like, and those
/// of one element in a row too: nobody follows them.
static void tidyStrides(View &view) {
  bool empty = false;
  for (int i = 0; i < view.rank; ++i)
    empty |= view.shape[i] == 0;
  if (empty)
    setPackedStrides(view);
  if (view.rank > 0 && view.shape[view.rank - 1] == 1)
    view.strides[view.rank - 1] = 1;
}

void Attention::infer() {
  tidyStrides(query);
  for (int i = 0; i < maxKeys; ++i) {
    tidyStrides(keys[i]);
    tidyStrides(values[i]);
  }
  if (numKeys < 1 || numKeys > maxKeys)
    throw BadValue("found " + number(numKeys) + " keys, expected 1 to " +
                   number(maxKeys));
  if (numValues != numKeys)
    throw BadValue("found " + number(numValues) + " values, expected " +
                   number(numKeys) + ", one for each key");
  if (query.deviceType == SIMPLEXIR_CUDA && query.dtype == SIMPLEXIR_F64)
    throw BadType("query has element type f64, which only the CPU has; "
                  "expected bf16, f16 or f32 on a GPU");
  checkOperand(query, "query", -1);
  for (int i = 0; i < numKeys; ++i) {
    checkOperand(keys[i], "keys", i);
    if (keys[i].shape[3] != query.shape[3])
      throw BadValue("keys[" + number(i) + "] has dim " +
                     number(keys[i].shape[3]) + ", expected " +
                     number(query.shape[3]) + " as query");
  }
  for (int i = 0; i < numKeys; ++i) {
    checkOperand(values[i], "values", i);
    if (values[i].shape[3] != values[0].shape[3])
      throw BadValue("values[" + number(i) + "] has dim " +
                     number(values[i].shape[3]) + ", expected " +
                     number(values[0].shape[3]) + " as values[0]");
  }
  int64_t heads = query.shape[2], keyHeads = keys[0].shape[2];
  if (heads < 1 || keyHeads < 1 || query.shape[3] < 1 || values[0].shape[3] < 1)
    throw BadValue("heads and dims must be at least 1; query has shape " +
                   nameOfShape(query) + ", keys[0] " + nameOfShape(keys[0]) +
                   ", values[0] " + nameOfShape(values[0]));
  if (heads % keyHeads != 0)
    throw BadValue("query has " + number(heads) +
                   " heads, expected a multiple "
                   "of the " +
                   number(keyHeads) + " heads of keys[0]");
  checkAttributes();

  spec.dtype = query.dtype;
  spec.numKeys = numKeys;
  spec.heads = heads;
  spec.keyHeads = keyHeads;
  spec.dim = query.shape[3];
  spec.valueDim = values[0].shape[3];
  spec.deviceType = query.deviceType;
  if (query.deviceType == SIMPLEXIR_CUDA)
    spec.capability = capabilityOf(query.deviceId);

  setResult(out, query, query.dtype,
            {query.shape[0], query.shape[1], heads, spec.valueDim});
  setResult(lse, query,
            query.dtype == SIMPLEXIR_F64 ? SIMPLEXIR_F64 : SIMPLEXIR_F32,
            {query.shape[0], heads, query.shape[1]});
}

void Attention::launch() {
  SimplexirKernel *kernel = findOrMakeKernel(spec);
  SimplexirArgument arguments[2 * maxKeys + 7] = {};
  size_t count = 0;
  auto add = [&](const View &view) {
    SimplexirArgument &argument = arguments[count++];
    argument.kind = SIMPLEXIR_TENSOR;
    argument.tensor = {view.data,  view.shape,      view.strides, view.rank,
                       view.dtype, view.deviceType, view.deviceId};
  };
  auto addIndex = [&](int64_t value) {
    SimplexirArgument &argument = arguments[count++];
    argument.kind = SIMPLEXIR_INDEX;
    argument.index = value;
  };
  add(query);
  for (int i = 0; i < numKeys; ++i)
    add(keys[i]);
  for (int i = 0; i < numKeys; ++i)
    add(values[i]);
  if (spec.hasPositions)
    for (int64_t position : positions)
      addIndex(position);
  if (spec.hasKeyRange)
    for (int64_t bound : keyRange)
      addIndex(bound);
  add(out);
  add(lse);
  for (size_t i = 0; i < count; ++i)
    arguments[i].structSize = sizeof(SimplexirArgument);

  SimplexirLaunchOptions where = options();
  check(simplexirKernelLaunch(kernel, arguments, count, &where));
}

void Attention::prepare() {
  SimplexirLaunchOptions where = options();
  check(simplexirKernelPrepare(findOrMakeKernel(spec), &where));
}

SimplexirLaunchOptions Attention::options() const {
  SimplexirLaunchOptions options = {};
  options.structSize = sizeof(options);
  options.deviceType = query.deviceType;
  options.deviceId = query.deviceType == SIMPLEXIR_CUDA ? query.deviceId : -1;
  options.stream = stream;
  if (trustsAddresses)
    options.flags = SIMPLEXIR_LAUNCH_TRUSTS_ADDRESSES;
  return options;
}
