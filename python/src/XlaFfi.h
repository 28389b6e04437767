//===- XlaFfi.h - The part of XLA's C interface that we use -----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ABI of custom calls, major version 0, which XLA keeps stable
// (xla/ffi/api/c_api.h in jaxlib). Written down here so that building needs no
// jaxlib; a test compares the layouts with jaxlib's header.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_XLAFFI_H
#define SIMPLEXIR_PYTHON_XLAFFI_H

#include <cstddef>
#include <cstdint>

namespace simplexir::python::xla {

constexpr int majorVersion = 0;

enum DataType : int32_t {
  PRED = 1,
  S32 = 4,
  S64 = 5,
  F16 = 10,
  F32 = 11,
  F64 = 12,
  BF16 = 16
};
enum AttrType : int32_t { Array = 1, Dictionary = 2, Scalar = 3, String = 4 };
constexpr int32_t metadataExtension = 1;
constexpr int32_t initializeStage = 2;
constexpr int32_t executeStage = 3;
/// Of a handler that may be captured into a command buffer (a CUDA graph).
constexpr uint32_t commandBufferCompatible = 1;
constexpr int32_t invalidArgument = 3;

struct Error;
struct Context;

struct Extension {
  size_t structSize;
  int32_t type;
  Extension *next;
};
struct ApiVersion {
  size_t structSize;
  Extension *extension;
  int major, minor;
};
struct Buffer {
  size_t structSize;
  Extension *extension;
  int32_t dtype;
  void *data;
  int64_t rank;
  int64_t *dims;
};
struct ByteSpan {
  const char *data;
  size_t size;
};
struct ScalarAttr {
  int32_t dtype;
  void *value;
};
struct ArrayAttr {
  int32_t dtype;
  size_t size;
  void *data;
};
/// Of arguments and of results.
struct Buffers {
  size_t structSize;
  Extension *extension;
  int64_t size;
  int32_t *types;
  void **buffers;
};
struct Attrs {
  size_t structSize;
  Extension *extension;
  int64_t size;
  int32_t *types;
  ByteSpan **names;
  void **attrs;
};

struct ErrorCreateArgs {
  size_t structSize;
  Extension *extension;
  const char *message;
  int32_t code;
};
struct StreamGetArgs {
  size_t structSize;
  Extension *extension;
  Context *context;
  void *stream;
};
struct DeviceOrdinalGetArgs {
  size_t structSize;
  Extension *extension;
  Context *context;
  int32_t deviceOrdinal;
};

struct Api {
  size_t structSize;
  Extension *extension;
  ApiVersion version;
  const void *internal;
  Error *(*errorCreate)(ErrorCreateArgs *);
  void *errorGetMessage, *errorDestroy, *handlerRegister;
  Error *(*streamGet)(StreamGetArgs *);
  void *typeRegister, *executionContextGet, *stateSet, *stateGet;
  void *deviceMemoryAllocate, *deviceMemoryFree;
  void *threadPoolSchedule, *threadPoolNumThreads;
  void *futureCreate, *futureSetAvailable, *futureSetError, *runIdGet;
  Error *(*deviceOrdinalGet)(DeviceOrdinalGetArgs *);
};

struct CallFrame {
  size_t structSize;
  Extension *extension;
  const Api *api;
  Context *context;
  int32_t stage;
  Buffers args, rets;
  Attrs attrs;
};

struct Metadata {
  size_t structSize;
  ApiVersion version;
  uint32_t traits;
};
struct MetadataExtension {
  Extension base;
  Metadata *metadata;
};

} // namespace simplexir::python::xla

#endif // SIMPLEXIR_PYTHON_XLAFFI_H
