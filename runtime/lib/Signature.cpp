//===- Signature.cpp - Arguments against a kernel's signature -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signature.h"

#include <cstring>

using namespace simplexir;

static constexpr int64_t maxIndex = int64_t(1) << 60;
static constexpr int64_t maxSpanBytes = int64_t(1) << 62;

static_assert(static_cast<int>(DType::BF16) == SIMPLEXIR_BF16 &&
              static_cast<int>(DType::F16) == SIMPLEXIR_F16 &&
              static_cast<int>(DType::F32) == SIMPLEXIR_F32 &&
              static_cast<int>(DType::F64) == SIMPLEXIR_F64 &&
              maxRank == SIMPLEXIR_MAX_RANK);

static std::string nameOfType(int32_t dtype) {
  if (dtype >= 0 && dtype <= static_cast<int32_t>(DType::F64))
    return nameOf(static_cast<DType>(dtype));
  return format("unknown type %d", dtype);
}

static std::string nameOfDevice(int32_t type, int32_t id) {
  if (type == SIMPLEXIR_CPU)
    return "cpu";
  if (type == SIMPLEXIR_CUDA)
    return id < 0 ? "cuda" : format("cuda:%d", id);
  return format("unknown device type %d", type);
}

namespace {
/// The checks of one argument; every message says which, found and expected.
class Binder {
public:
  Binder(const Kernel &kernel, LaunchDevice device, BoundArguments &bound)
      : kernel(kernel), device(device), bound(bound) {
    for (size_t i = 0; i < kernel.dimNames.size(); ++i)
      definedBy[i] = nullptr;
  }

  Status bind(const Argument &expected, const SimplexirArgument &found);

private:
  Status mismatch(const Argument &expected, const std::string &what) const {
    return {SIMPLEXIR_ERROR_SIGNATURE, "kernel '" + kernel.name +
                                           "', argument '" + expected.name +
                                           "': " + what};
  }
  Status bindIndex(const Argument &expected, int64_t value);
  Status bindTensor(const Argument &expected, const SimplexirTensor &found);
  Status checkShape(const Argument &expected, const SimplexirTensor &found);
  Status checkMemory(const Argument &expected, const SimplexirTensor &found);

  const Kernel &kernel;
  LaunchDevice device;
  BoundArguments &bound;
  /// The argument that gave a named dimension its value.
  const Argument *definedBy[maxDimNames];
};
} // namespace

Status Binder::bindIndex(const Argument &expected, int64_t value) {
  if (value > maxIndex || value < -maxIndex)
    return mismatch(expected, format("found %lld, expected an index of at most "
                                     "2^60 in magnitude",
                                     ll(value)));
  bound.words[bound.numWords++] = value;
  return {};
}

Status Binder::checkShape(const Argument &expected,
                          const SimplexirTensor &found) {
  for (size_t i = 0; i < expected.dims.size(); ++i) {
    int64_t size = found.shape[i];
    Extent want = expected.dims[i];
    if (size < 0 || size > INT32_MAX)
      return mismatch(expected,
                      format("dimension %llu is %lld, expected 0 to 2^31 - 1",
                             ull(i), ll(size)));
    if (!want.named) {
      if (size != want.value)
        return mismatch(expected, format("dimension %llu is %lld, expected "
                                         "%lld",
                                         ull(i), ll(size), ll(want.value)));
      continue;
    }
    size_t dim = static_cast<size_t>(want.value);
    if (!definedBy[dim]) {
      definedBy[dim] = &expected;
      bound.dims[dim] = size;
    } else if (bound.dims[dim] != size) {
      return mismatch(
          expected, format("dimension %llu (%s) is %lld, expected %lld as in "
                           "argument '%s'",
                           ull(i), kernel.dimNames[dim].c_str(), ll(size),
                           ll(bound.dims[dim]), definedBy[dim]->name.c_str()));
    }
  }
  return {};
}

Status Binder::checkMemory(const Argument &expected,
                           const SimplexirTensor &found) {
  size_t rank = expected.dims.size();
  for (size_t i = 0; i < rank; ++i)
    if (found.shape[i] == 0)
      return {}; // nothing is read or written
  if (!found.data)
    return mismatch(expected, "found a null pointer, expected memory (no "
                              "dimension is 0)");
  auto address = reinterpret_cast<uintptr_t>(found.data);
  auto alignment = static_cast<int64_t>(expected.alignment);
  if (address % expected.alignment != 0)
    return mismatch(expected, format("the address %#llx is not a multiple of "
                                     "%u bytes",
                                     ull(address), expected.alignment));
  auto elementSize = static_cast<int64_t>(sizeOf(expected.dtype));
  int64_t span = 0;
  for (size_t i = 0; i < rank; ++i) {
    int64_t size = found.shape[i], stride = found.strides[i], bytes, reach;
    if (size == 1)
      continue; // never stepped over, so any stride will do
    bool innermost = i + 1 == rank;
    if (innermost && expected.innermostContiguous && stride != 1)
      return mismatch(expected, format("the innermost stride is %lld, expected "
                                       "1",
                                       ll(stride)));
    // Kernels compute addresses in 64 bits and trust that nothing wraps.
    if (__builtin_mul_overflow(stride, elementSize, &bytes) ||
        __builtin_mul_overflow(bytes, size - 1, &reach) || reach == INT64_MIN ||
        __builtin_add_overflow(span, reach < 0 ? -reach : reach, &span) ||
        span > maxSpanBytes)
      return mismatch(expected, format("stride %llu is %lld, which spans more "
                                       "than 2^62 bytes",
                                       ull(i), ll(stride)));
    if (!innermost && bytes % alignment != 0)
      return mismatch(expected, format("stride %llu is %lld elements or %lld "
                                       "bytes, expected a multiple of %u bytes",
                                       ull(i), ll(stride), ll(bytes),
                                       expected.alignment));
    if (expected.isOutput && stride == 0)
      return mismatch(expected, format("stride %llu is 0, but the elements of "
                                       "an output must not coincide",
                                       ull(i)));
  }
  return {};
}

Status Binder::bindTensor(const Argument &expected,
                          const SimplexirTensor &found) {
  size_t rank = expected.dims.size();
  bool otherGpu = device.type == SIMPLEXIR_CUDA && found.deviceId >= 0 &&
                  found.deviceId != device.id;
  if (found.deviceType != device.type || otherGpu)
    return mismatch(expected,
                    "found a tensor on " +
                        nameOfDevice(found.deviceType, found.deviceId) +
                        ", expected " + nameOfDevice(device.type, device.id));
  if (found.dtype != static_cast<int32_t>(expected.dtype))
    return mismatch(expected, "found element type " + nameOfType(found.dtype) +
                                  ", expected " + nameOf(expected.dtype));
  if (found.rank < 0 || static_cast<size_t>(found.rank) != rank)
    return mismatch(expected, format("found rank %d, expected %llu", found.rank,
                                     ull(rank)));
  if (rank > 0 && (!found.shape || !found.strides))
    return mismatch(expected, "its shape or strides are a null pointer");
  if (Status status = checkShape(expected, found); !status.ok())
    return status;
  if (Status status = checkMemory(expected, found); !status.ok())
    return status;
  auto data = static_cast<int64_t>(reinterpret_cast<uintptr_t>(found.data));
  int64_t *word = bound.words + bound.numWords;
  word[0] = word[1] = data;
  word[2] = 0;
  for (size_t i = 0; i < rank; ++i) {
    word[3 + i] = found.shape[i];
    word[3 + rank + i] = found.strides[i];
  }
  bound.numWords += 3 + 2 * rank;
  return {};
}

Status Binder::bind(const Argument &expected, const SimplexirArgument &found) {
  bool isIndex = expected.kind == Argument::Kind::Index;
  if (found.kind != (isIndex ? SIMPLEXIR_INDEX : SIMPLEXIR_TENSOR)) {
    const char *kind = found.kind == SIMPLEXIR_INDEX    ? "an index"
                       : found.kind == SIMPLEXIR_TENSOR ? "a tensor"
                                                        : "an unknown kind";
    return mismatch(expected, std::string("found ") + kind + ", expected " +
                                  (isIndex ? "an index" : "a tensor"));
  }
  return isIndex ? bindIndex(expected, found.index)
                 : bindTensor(expected, found.tensor);
}

/// Element `i` of the caller's array, whose structs can be longer than ours.
static const SimplexirArgument &argumentAt(const SimplexirArgument *arguments,
                                           size_t i) {
  auto *bytes = reinterpret_cast<const char *>(arguments);
  return *reinterpret_cast<const SimplexirArgument *>(
      bytes + i * static_cast<size_t>(arguments->structSize));
}

Status simplexir::bindArguments(const Kernel &kernel,
                                const SimplexirArgument *arguments,
                                size_t numArguments, LaunchDevice device,
                                BoundArguments &bound) {
  if (numArguments != kernel.arguments.size())
    return {SIMPLEXIR_ERROR_SIGNATURE,
            format("kernel '%s': found %llu arguments, expected %llu",
                   kernel.name.c_str(), ull(numArguments),
                   ull(kernel.arguments.size()))};
  if (numArguments > 0 && !arguments)
    return {SIMPLEXIR_ERROR_INVALID_ARGUMENT, "the arguments are null"};
  bound.numWords = 0;
  Binder binder(kernel, device, bound);
  for (size_t i = 0; i < numArguments; ++i) {
    uint64_t size =
        i == 0 ? arguments->structSize : argumentAt(arguments, i).structSize;
    if (size < sizeof(SimplexirArgument) || size > 4096 || size % 8 != 0 ||
        size != arguments->structSize)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              format("structSize of argument %llu is %llu, expected "
                     "sizeof(SimplexirArgument) = %llu",
                     ull(i), ull(size), ull(sizeof(SimplexirArgument)))};
    Status status = binder.bind(kernel.arguments[i], argumentAt(arguments, i));
    if (!status.ok())
      return status;
  }
  return {};
}

Status simplexir::countWorkItems(const Kernel &kernel, const KernelImage &image,
                                 const int64_t *dims, int64_t &total) {
  total = 1;
  bool tooMany = false;
  for (const GridFactor &factor : image.grid) {
    int64_t extent = factor.extent.named
                         ? dims[static_cast<size_t>(factor.extent.value)]
                         : factor.extent.value;
    int64_t count =
        extent / factor.divisor + (extent % factor.divisor != 0 ? 1 : 0);
    // A later factor of 0 makes an empty launch of what looked too large.
    if (count == 0) {
      total = 0;
      return {};
    }
    tooMany |= __builtin_mul_overflow(total, count, &total);
    tooMany |= total > (int64_t(1) << 62);
    if (tooMany)
      total = 1;
  }
  if (tooMany)
    return {SIMPLEXIR_ERROR_RESOURCES,
            "kernel '" + kernel.name + "': more than 2^62 work items"};
  return {};
}

Status simplexir::argumentsFromWords(const Kernel &kernel, const int64_t *words,
                                     int64_t numWords, LaunchDevice device,
                                     SimplexirArgument *arguments) {
  size_t expected = 0;
  for (const Argument &argument : kernel.arguments)
    expected += argument.kind == Argument::Kind::Index
                    ? 1
                    : 3 + 2 * argument.dims.size();
  if (numWords < 0 || static_cast<size_t>(numWords) != expected)
    return {SIMPLEXIR_ERROR_SIGNATURE,
            format("kernel '%s': found %lld argument words, expected %llu",
                   kernel.name.c_str(), ll(numWords), ull(expected))};
  if (expected > 0 && !words)
    return {SIMPLEXIR_ERROR_INVALID_ARGUMENT, "the argument words are null"};
  for (size_t i = 0; i < kernel.arguments.size(); ++i) {
    const Argument &argument = kernel.arguments[i];
    SimplexirArgument &out = arguments[i];
    out = {};
    out.structSize = sizeof(SimplexirArgument);
    if (argument.kind == Argument::Kind::Index) {
      out.kind = SIMPLEXIR_INDEX;
      out.index = *words++;
      continue;
    }
    size_t rank = argument.dims.size();
    // Descriptors of views have an offset; kernels are promised that it is 0.
    auto address = static_cast<uint64_t>(words[1]) +
                   static_cast<uint64_t>(words[2]) * sizeOf(argument.dtype);
    out.kind = SIMPLEXIR_TENSOR;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    out.tensor.data = reinterpret_cast<void *>(address);
    out.tensor.shape = words + 3;
    out.tensor.strides = words + 3 + rank;
    out.tensor.rank = static_cast<int32_t>(rank);
    out.tensor.dtype = static_cast<int32_t>(argument.dtype);
    out.tensor.deviceType = device.type;
    out.tensor.deviceId = device.id;
    words += 3 + 2 * rank;
  }
  return {};
}
