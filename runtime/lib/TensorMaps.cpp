//===- TensorMaps.cpp - Tensor maps of a launch ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMaps.h"

#include <cstring>

using namespace simplexir;

namespace {
constexpr size_t rank = 4;

/// All that a map says. Dimensions from the innermost one: column, row, head,
/// batch; the stride of the first one is not said. No padding: keys are
/// compared as bytes.
struct Key {
  uint64_t address, extents[rank], strides[rank - 1];
  uint32_t columns, rows;
  int32_t type, swizzle;
};
static_assert(sizeof(Key) == 8 * (1 + rank + rank - 1) + 16);

struct Entry {
  CUtensorMap map;
  Key key;
  bool valid;
};
} // namespace

static int getType(DType dtype) {
  switch (dtype) {
  case DType::BF16:
    return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  case DType::F16:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  case DType::F32:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  case DType::F64:
    break;
  }
  return CU_TENSOR_MAP_DATA_TYPE_FLOAT64;
}

/// What `words`, a tensor's, are as a map; false if no map can say it.
static bool describe(const int64_t *words, DType dtype, const TensorMap &map,
                     Key &key) {
  constexpr int64_t unit = 16, maxStride = int64_t(1) << 40;
  constexpr size_t order[rank] = {3, 1, 2, 0};
  auto bytes = static_cast<int64_t>(sizeOf(dtype));
  const int64_t *sizes = words + 3, *strides = sizes + rank;
  key.address = static_cast<uint64_t>(words[1]);
  key.columns = map.columns;
  key.rows = map.rows;
  key.type = getType(dtype);
  key.swizzle = static_cast<int32_t>(map.swizzle);
  bool empty = false;
  for (size_t i = 0; i < rank; ++i)
    empty |= sizes[i] == 0;
  if (empty || key.address % unit != 0)
    return false;
  // Where nobody steps over a dimension the tensor's stride means nothing.
  int64_t stride = (sizes[3] * bytes + unit - 1) / unit * unit;
  for (size_t i = 0; i < rank; ++i) {
    int64_t size = sizes[order[i]];
    key.extents[i] = static_cast<uint64_t>(size);
    if (i == 0)
      continue;
    // The arguments have been checked: their products do not overflow.
    if (size > 1)
      stride = strides[order[i]] * bytes;
    if (stride <= 0 || stride >= maxStride || stride % unit != 0)
      return false;
    key.strides[i - 1] = static_cast<uint64_t>(stride);
  }
  return true;
}

/// Maps of the same memory are made once and kept, by each thread for itself,
/// so that nobody waits. They hold addresses only, and belong to no context.
static const Entry &getMap(const CudaDriver &driver, const Key &key) {
  constexpr size_t count = 32; // keys and values of 16 layers
  static thread_local Entry cache[count];
  uint64_t hash = (key.address >> 4) * 0x9e3779b97f4a7c15ull;
  Entry &entry = cache[hash >> 59];
  static_assert(count == 1 << (64 - 59));
  if (std::memcmp(&entry.key, &key, sizeof(key)) == 0)
    return entry;
  const unsigned box[rank] = {key.columns, key.rows, 1, 1};
  const unsigned steps[rank] = {1, 1, 1, 1};
  entry.key = key;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the driver's convention.
  auto *address = reinterpret_cast<void *>(key.address);
  entry.valid = driver.TensorMapEncodeTiled(
                    &entry.map, key.type, rank, address, key.extents,
                    key.strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
                    key.swizzle, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                    CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
  return entry;
}

static size_t countWords(const Argument &argument) {
  return argument.kind == Argument::Kind::Index ? 1
                                                : 3 + 2 * argument.dims.size();
}

void simplexir::appendTensorMaps(const CudaDriver &driver, const Kernel &kernel,
                                 const std::vector<TensorMap> &maps,
                                 BoundArguments &bound, void **parameters) {
  constexpr size_t line = 64 / sizeof(bound.words[0]);
  constexpr size_t length = sizeof(CUtensorMap) / sizeof(bound.words[0]);
  int64_t &flag = bound.words[bound.numWords];
  size_t begin = (bound.numWords + line) / line * line; // after the flag
  int64_t *to = bound.words + begin;
  flag = driver.TensorMapEncodeTiled != nullptr;
  for (int64_t *word = bound.words; word <= &flag; ++word)
    *parameters++ = word;
  for (size_t i = 0; i < maps.size(); ++i)
    *parameters++ = to + i * length;
  for (const TensorMap &map : maps) {
    size_t word = 0;
    for (size_t i = 0; i < map.argument; ++i)
      word += countWords(kernel.arguments[i]);
    Key key;
    const Entry *entry = nullptr;
    if (flag && describe(bound.words + word,
                         kernel.arguments[map.argument].dtype, map, key))
      entry = &getMap(driver, key);
    flag = entry && entry->valid;
    if (!flag)
      break;
    std::memcpy(to, &entry->map, sizeof(entry->map));
    to += length;
  }
}
