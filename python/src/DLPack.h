//===- DLPack.h - The part of DLPack's ABI that we use ----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Versions 0 and 1 (https://dmlc.github.io/dlpack), written down here so that
// building needs no header of theirs.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_DLPACK_H
#define SIMPLEXIR_PYTHON_DLPACK_H

#include "simplexir-runtime.h"

#include <cstdint>

namespace simplexir::python {

struct DLTensor {
  void *data;
  int32_t deviceType, deviceId;
  int32_t rank;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t *shape, *strides; // no strides: packed
  uint64_t byteOffset;
};
struct DLManaged {
  DLTensor tensor;
  void *context;
  void (*deleter)(DLManaged *);
};
struct DLVersioned {
  uint32_t major, minor;
  void *context;
  void (*deleter)(DLVersioned *);
  uint64_t flags; // bit 0: read-only
  DLTensor tensor;
};

/// The table of functions that a framework's array type has since DLPack 1.2,
/// in a capsule, as `__dlpack_c_exchange_api__`. All return 0, or -1 with a
/// Python exception.
struct DLExchange {
  uint32_t major, minor;
  DLExchange *older;
  void *allocate, *managedFromObject, *objectFromManaged;
  /// Borrows: valid as long as the object. Null in a framework without it.
  int (*tensorFromObject)(void *object, DLTensor *tensor);
  int (*currentStream)(int32_t deviceType, int32_t deviceId, void **stream);
};

constexpr int32_t dlCpu = 1, dlCuda = 2, dlCudaHost = 3, dlCudaManaged = 13;
constexpr uint8_t dlFloat = 2, dlBFloat = 4;

/// -1 for a type that no kernel has.
inline int32_t dtypeOfDLPack(const DLTensor &tensor) {
  if (tensor.lanes != 1)
    return -1;
  if (tensor.code == dlBFloat && tensor.bits == 16)
    return SIMPLEXIR_BF16;
  if (tensor.code != dlFloat)
    return -1;
  return tensor.bits == 16   ? SIMPLEXIR_F16
         : tensor.bits == 32 ? SIMPLEXIR_F32
         : tensor.bits == 64 ? SIMPLEXIR_F64
                             : -1;
}

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_DLPACK_H
