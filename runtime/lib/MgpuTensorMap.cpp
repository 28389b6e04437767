//===- MgpuTensorMap.cpp - Tensor maps of mgpu ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MgpuSupport.h"

#include <cstring>
#include <map>
#include <mutex>

using namespace simplexir;

/// Bytes of an element, by CUtensorMapDataType.
static constexpr int elementBytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
static constexpr int64_t maxRank = 5;

void mgpuTensorMapEncodeTiled(void *map, int32_t type, uint32_t rank,
                              void *address, const uint64_t *extents,
                              const uint64_t *strides, const uint32_t *box,
                              const uint32_t *elementStrides,
                              int32_t interleave, int32_t swizzle,
                              int32_t promotion, int32_t fill) {
  runMgpu("mgpuTensorMapEncodeTiled", nullptr, [&](const MgpuCall &call) {
    return map ? call.call("cuTensorMapEncodeTiled",
                           call.cuda().TensorMapEncodeTiled,
                           static_cast<CUtensorMap *>(map), type, rank, address,
                           extents, strides, box, elementStrides, interleave,
                           swizzle, promotion, fill)
               : call.null("the tensor map");
  });
}

namespace {
struct Key {
  unsigned long long context;
  CUtensorMap map;
  bool operator<(const Key &other) const {
    if (context != other.context)
      return context < other.context;
    return std::memcmp(&map, &other.map, sizeof(map)) < 0;
  }
};
} // namespace

/// Generated code makes a map at every call and frees none: equal ones are one.
static Status store(const MgpuCall &call, const CUtensorMap &map,
                    void *&result) {
  static auto *mutex = new std::mutex;
  static auto *known = new std::map<Key, void *>;
  Key key{call.scope.key, map};
  std::lock_guard<std::mutex> lock(*mutex);
  auto found = known->find(key);
  if (found != known->end()) {
    result = found->second;
    return {};
  }
  CUdeviceptr address = 0;
  Status status =
      call.check(call.cuda().MemAlloc(&address, sizeof(map)), "cuMemAlloc");
  if (status.ok())
    status = call.call("cuMemcpyHtoD", call.more().MemcpyHtoD, address,
                       static_cast<const void *>(&map), sizeof(map));
  if (!status.ok())
    return status;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the driver's convention.
  result = reinterpret_cast<void *>(address);
  known->emplace(key, result);
  return {};
}

void *mgpuTensorMapEncodeTiledMemref(int64_t rank, void *descriptor,
                                     int64_t type, int64_t interleave,
                                     int64_t swizzle, int64_t promotion,
                                     int64_t fill, const int64_t *box) {
  void *result = nullptr;
  runMgpu("mgpuTensorMapEncodeTiledMemref", nullptr,
          [&](const MgpuCall &call) -> Status {
            if (!descriptor || !box)
              return call.null(descriptor ? "the box" : "the memref");
            if (rank < 1 || rank > maxRank)
              return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
                      format("%s: the rank is %lld, expected 1 to 5", call.name,
                             ll(rank))};
            if (type < 0 || type >= int64_t(std::size(elementBytes)))
              return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
                      format("%s: the element type is %lld, expected 0 to %zu",
                             call.name, ll(type), std::size(elementBytes) - 1)};
            auto *words = static_cast<const int64_t *>(descriptor);
            const int64_t *sizes = words + 3, *strides = sizes + rank;
            int64_t bytes = elementBytes[type];
            // The driver counts dimensions from the innermost, whose stride it
            // takes to be 1.
            if (strides[rank - 1] != 1)
              return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
                      format("%s: the innermost stride is %lld, expected 1",
                             call.name, ll(strides[rank - 1]))};
            uint64_t extents[maxRank], byteStrides[maxRank];
            uint32_t boxes[maxRank], elementStrides[maxRank];
            for (int64_t i = 0; i < rank; ++i) {
              int64_t from = rank - 1 - i;
              extents[i] = static_cast<uint64_t>(sizes[from]);
              boxes[i] = static_cast<uint32_t>(box[from]);
              elementStrides[i] = 1;
              if (from > 0)
                byteStrides[i] =
                    static_cast<uint64_t>(strides[from - 1] * bytes);
            }
            // NOLINTNEXTLINE(performance-no-int-to-ptr)
            auto *address =
                reinterpret_cast<void *>(words[1] + words[2] * bytes);
            CUtensorMap map = {};
            Status status = call.call(
                "cuTensorMapEncodeTiled", call.cuda().TensorMapEncodeTiled,
                &map, int(type), unsigned(rank), address,
                static_cast<const uint64_t *>(extents),
                static_cast<const uint64_t *>(byteStrides),
                static_cast<const uint32_t *>(boxes),
                static_cast<const uint32_t *>(elementStrides), int(interleave),
                int(swizzle), int(promotion), int(fill));
            return status.ok() ? store(call, map, result) : status;
          });
  return result;
}
