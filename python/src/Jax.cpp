//===- Jax.cpp - The custom call that JAX makes ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "Errors.h"
#include "Frameworks.h"
#include "XlaFfi.h"
#include "simplexir-runtime-gpu-tools.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace nb = nanobind;
using namespace simplexir::python;

//===----------------------------------------------------------------------===//
// Attributes, as simplexir/jax.py gives them
//===----------------------------------------------------------------------===//

namespace {
struct Attributes {
  const xla::Attrs &attrs;

  void *find(std::string_view name, int32_t type) const {
    for (int64_t i = 0; i < attrs.size; ++i)
      if (name == std::string_view(attrs.names[i]->data, attrs.names[i]->size))
        return attrs.types[i] == type ? attrs.attrs[i] : nullptr;
    return nullptr;
  }
  /// The count, or -1 if there is no such attribute.
  template <typename Number, size_t size>
  int numbers(std::string_view name, xla::DataType type,
              Number (&field)[size]) const {
    auto *array = static_cast<xla::ArrayAttr *>(find(name, xla::Array));
    if (!array)
      return -1;
    if (array->dtype != type || array->size > size)
      throw BadValue("attribute " + std::string(name) +
                     " has another type or too many numbers");
    std::memcpy(field, array->data, array->size * sizeof(Number));
    return static_cast<int>(array->size);
  }
  bool flag(std::string_view name) const {
    auto *scalar = static_cast<xla::ScalarAttr *>(find(name, xla::Scalar));
    return scalar && scalar->dtype == xla::PRED &&
           *static_cast<const uint8_t *>(scalar->value) != 0;
  }
};
} // namespace

static int32_t dtypeOf(int32_t type) {
  switch (type) {
  case xla::BF16:
    return SIMPLEXIR_BF16;
  case xla::F16:
    return SIMPLEXIR_F16;
  case xla::F32:
    return SIMPLEXIR_F32;
  case xla::F64:
    return SIMPLEXIR_F64;
  default:
    return -1;
  }
}

static void setAttributes(Attention &call, const Attributes &attributes) {
  Spec &spec = call.spec;
  call.numWindows =
      std::max(0, attributes.numbers("windows", xla::S64, spec.windows));
  auto *form =
      static_cast<xla::ByteSpan *>(attributes.find("form", xla::String));
  spec.form =
      Attention::lookupForm(form ? std::string(form->data, form->size) : "");
  spec.bidirectional = attributes.flag("bidirectional");
  double scale[1];
  if (attributes.numbers("scale", xla::F64, scale) == 1) {
    spec.hasScale = 1;
    spec.scale = scale[0];
  }
  call.numKeyBiases =
      attributes.numbers("key_biases", xla::F64, spec.keyBiases);
  spec.hasKeyBiases = call.numKeyBiases >= 0;
  call.numValueBiases =
      attributes.numbers("value_biases", xla::F64, spec.valueBiases);
  spec.hasValueBiases = call.numValueBiases >= 0;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

namespace {
/// A call with numbers that are known at run time only waits for them, so that
/// it cannot be captured; it has a name of its own.
enum class Target { Cpu, Gpu, GpuWithNumbers };

/// One custom call, which is several launches where a batched one has
/// positions or key ranges that differ.
struct Call {
  Call(xla::CallFrame &frame, Target target) : frame(frame), target(target) {}

  xla::CallFrame &frame;
  Target target;
  Attention attention;
  int64_t next = 0;
  int64_t numGroups = 1;

  int32_t device() const;
  void *stream() const;
  const xla::Buffer &argument();
  View view(const xla::Buffer &buffer, int rank) const;
  std::vector<int64_t> pairs(const char *name, int64_t (&fixed)[2],
                             int64_t &has);
  void read();
  void prepare();
  void run();

  bool gpu() const { return target != Target::Cpu; }
  bool isExecution() const { return frame.stage == xla::executeStage; }
  std::vector<int64_t> positions, ranges;
  int64_t part = 0;
};
} // namespace

int32_t Call::device() const {
  xla::DeviceOrdinalGetArgs args = {sizeof(args), nullptr, frame.context, 0};
  if (gpu() && frame.api->structSize >= sizeof(xla::Api) &&
      frame.api->deviceOrdinalGet(&args))
    throw BadValue("XLA gives no device");
  return args.deviceOrdinal;
}

void *Call::stream() const {
  xla::StreamGetArgs args = {sizeof(args), nullptr, frame.context, nullptr};
  if (gpu() && frame.api->streamGet(&args))
    throw BadValue("XLA gives no stream");
  return args.stream;
}

const xla::Buffer &Call::argument() {
  if (next == frame.args.size)
    throw BadValue("the custom call has too few operands");
  return *static_cast<xla::Buffer *>(frame.args.buffers[next++]);
}

/// XLA's buffers are packed; dimensions in front of the last `rank` are batch.
View Call::view(const xla::Buffer &buffer, int rank) const {
  View view;
  if (buffer.rank < rank)
    throw BadValue("an operand of the custom call has too low a rank");
  view.data = buffer.data;
  view.dtype = dtypeOf(buffer.dtype);
  view.deviceType = gpu() ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
  view.deviceId = attention.query.deviceId;
  view.rank = rank;
  const int64_t *inner = buffer.dims + (buffer.rank - rank);
  int64_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    view.shape[i] = inner[i];
    view.strides[i] = stride;
    stride *= inner[i];
  }
  for (int64_t i = 0; i < buffer.rank - rank; ++i)
    view.shape[0] *= buffer.dims[i];
  return view;
}

/// Two numbers: an attribute, or an operand if they are known at run time only.
/// On a GPU that waits for them. None if they are in `fixed`, or the stage is
/// not that of execution.
std::vector<int64_t> Call::pairs(const char *name, int64_t (&fixed)[2],
                                 int64_t &has) {
  Attributes attributes = {frame.attrs};
  if (attributes.numbers(name, xla::S64, fixed) == 2)
    has = 1;
  if (!attributes.flag(std::string("dynamic_") + name))
    return {};
  has = 1;
  const xla::Buffer &buffer = argument();
  int64_t count = 1;
  for (int64_t i = 0; i < buffer.rank; ++i)
    count *= buffer.dims[i];
  numGroups = std::max(numGroups, count / 2);
  if (!isExecution()) // the numbers are not there yet
    return {};
  if (target == Target::Gpu)
    throw BadValue("the call has numbers on the GPU, which target "
                   "simplexir_attention does not wait for");
  size_t bytes = buffer.dtype == xla::S64 ? 8 : 4;
  std::vector<char> copy(static_cast<size_t>(count) * bytes);
  if (gpu()) {
    int32_t id = attention.query.deviceId;
    check(simplexirGpuCopyOut(id, copy.data(), buffer.data, copy.size(),
                              attention.stream));
    check(simplexirGpuSynchronize(id, attention.stream));
  } else if (!copy.empty()) {
    std::memcpy(copy.data(), buffer.data, copy.size());
  }
  std::vector<int64_t> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    int32_t narrow;
    if (bytes == 8) {
      std::memcpy(&values[i], copy.data() + 8 * i, 8);
    } else {
      std::memcpy(&narrow, copy.data() + 4 * i, 4);
      values[i] = narrow;
    }
  }
  return values;
}

static void advance(View &view, int64_t batches) {
  view.data = static_cast<char *>(view.data) +
              batches * view.strides[0] * bytesOfDType(view.dtype);
}

void Call::read() {
  attention.trustsAddresses = true;
  setAttributes(attention, {frame.attrs});
  attention.query.deviceId = device();
  attention.stream = stream();
  int count = attention.numKeys = attention.numValues = attention.numWindows;
  attention.query = view(argument(), 4);
  for (int i = 0; i < count; ++i)
    attention.keys[i] = view(argument(), 4);
  for (int i = 0; i < count; ++i)
    attention.values[i] = view(argument(), 4);
  positions =
      pairs("positions", attention.positions, attention.spec.hasPositions);
  ranges = pairs("key_range", attention.keyRange, attention.spec.hasKeyRange);
  if (next != frame.args.size || frame.rets.size != 2)
    throw BadValue("the custom call has too many operands or results");
  int64_t batch = attention.query.shape[0];
  if (numGroups != 1 && batch % numGroups != 0)
    throw BadValue("the batch is no multiple of the number of positions");
  part = batch / numGroups;
  attention.query.shape[0] = part;
  for (int i = 0; i < count; ++i)
    attention.keys[i].shape[0] = attention.values[i].shape[0] = part;
  attention.infer();
}

void Call::prepare() {
  read();
  attention.prepare();
}

void Call::run() {
  read();
  int count = attention.numKeys;
  attention.out.data = static_cast<xla::Buffer *>(frame.rets.buffers[0])->data;
  attention.lse.data = static_cast<xla::Buffer *>(frame.rets.buffers[1])->data;

  for (int64_t group = 0; group < numGroups; ++group) {
    auto pick = [&](const std::vector<int64_t> &from, int64_t *to) {
      size_t at = from.size() == 2 ? 0 : static_cast<size_t>(2 * group);
      if (!from.empty())
        std::copy_n(from.begin() + static_cast<ptrdiff_t>(at), 2, to);
    };
    pick(positions, attention.positions);
    pick(ranges, attention.keyRange);
    attention.launch();
    advance(attention.query, part);
    for (int i = 0; i < count; ++i) {
      advance(attention.keys[i], part);
      advance(attention.values[i], part);
    }
    advance(attention.out, part);
    advance(attention.lse, part);
  }
}

//===----------------------------------------------------------------------===//
// The handlers
//===----------------------------------------------------------------------===//

static xla::Error *handle(xla::CallFrame *frame, Target target) {
  if (frame->extension && frame->extension->type == xla::metadataExtension) {
    auto *metadata =
        reinterpret_cast<xla::MetadataExtension *>(frame->extension)->metadata;
    // A minor version only adds to what is used here.
    metadata->version.major = xla::majorVersion;
    metadata->version.minor = frame->api->version.major == xla::majorVersion
                                  ? frame->api->version.minor
                                  : 0;
    metadata->traits = target == Target::Gpu ? xla::commandBufferCompatible : 0;
    return nullptr;
  }
  if (frame->stage != xla::executeStage && frame->stage != xla::initializeStage)
    return nullptr;
  std::string message;
  try {
    Call call(*frame, target);
    if (call.isExecution())
      call.run();
    else
      call.prepare();
    return nullptr;
  } catch (nb::python_error &error) {
    nb::gil_scoped_acquire acquire;
    message = nb::str(error.value()).c_str();
  } catch (const std::exception &error) {
    message = error.what();
  }
  message = "simplexir.jax.attention: " + message;
  xla::ErrorCreateArgs args = {sizeof(args), nullptr, message.c_str(),
                               xla::invalidArgument};
  return frame->api->errorCreate(&args);
}

template <Target target>
static xla::Error *handleFor(xla::CallFrame *frame) {
  return handle(frame, target);
}

void simplexir::python::bindJax(nb::module_ &m) {
  auto bind = [&](const char *name, xla::Error *(*handler)(xla::CallFrame *)) {
    m.attr(name) = nb::capsule(reinterpret_cast<void *>(handler));
  };
  bind("jax_cpu", handleFor<Target::Cpu>);
  bind("jax_gpu", handleFor<Target::Gpu>);
  bind("jax_gpu_with_numbers", handleFor<Target::GpuWithNumbers>);
}
