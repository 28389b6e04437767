//===- Mgpu.cpp - Streams, events and memory of mgpu ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MgpuSupport.h"

using namespace simplexir;

static CUstream toStream(void *stream) { return static_cast<CUstream>(stream); }
static CUevent toEvent(void *event) { return static_cast<CUevent>(event); }
static CUdeviceptr toAddress(const void *pointer) {
  return reinterpret_cast<CUdeviceptr>(pointer);
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

void *mgpuStreamCreate(void) {
  CUstream stream = nullptr;
  runMgpu("mgpuStreamCreate", nullptr, [&](const MgpuCall &call) {
    return call.check(call.cuda().StreamCreate(&stream, CU_STREAM_NON_BLOCKING),
                      "cuStreamCreate");
  });
  return stream;
}

void mgpuStreamDestroy(void *stream) {
  runMgpu("mgpuStreamDestroy", stream, [&](const MgpuCall &call) {
    return stream ? call.check(call.cuda().StreamDestroy(toStream(stream)),
                               "cuStreamDestroy")
                  : call.null("the stream");
  });
}

void mgpuStreamSynchronize(void *stream) {
  runMgpu("mgpuStreamSynchronize", stream, [&](const MgpuCall &call) {
    return call.check(call.cuda().StreamSynchronize(toStream(stream)),
                      "cuStreamSynchronize");
  });
}

void mgpuStreamWaitEvent(void *stream, void *event) {
  runMgpu("mgpuStreamWaitEvent", stream, [&](const MgpuCall &call) {
    return event ? call.call("cuStreamWaitEvent", call.more().StreamWaitEvent,
                             toStream(stream), toEvent(event), 0u)
                 : call.null("the event");
  });
}

void *mgpuEventCreate(void) {
  CUevent event = nullptr;
  runMgpu("mgpuEventCreate", nullptr, [&](const MgpuCall &call) {
    return call.check(call.cuda().EventCreate(&event, CU_EVENT_DISABLE_TIMING),
                      "cuEventCreate");
  });
  return event;
}

void mgpuEventDestroy(void *event) {
  runMgpu("mgpuEventDestroy", nullptr, [&](const MgpuCall &call) {
    return event ? call.check(call.cuda().EventDestroy(toEvent(event)),
                              "cuEventDestroy")
                 : call.null("the event");
  });
}

void mgpuEventSynchronize(void *event) {
  runMgpu("mgpuEventSynchronize", nullptr, [&](const MgpuCall &call) {
    return event ? call.check(call.cuda().EventSynchronize(toEvent(event)),
                              "cuEventSynchronize")
                 : call.null("the event");
  });
}

void mgpuEventRecord(void *event, void *stream) {
  runMgpu("mgpuEventRecord", stream, [&](const MgpuCall &call) {
    return event ? call.check(call.cuda().EventRecord(toEvent(event),
                                                      toStream(stream)),
                              "cuEventRecord")
                 : call.null("the event");
  });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void *mgpuMemAlloc(uint64_t bytes, void *stream, uint8_t isHostShared) {
  CUdeviceptr address = 0;
  if (bytes == 0)
    return nullptr;
  runMgpu("mgpuMemAlloc", stream, [&](const MgpuCall &call) {
    Status status =
        isHostShared
            ? call.call("cuMemAllocManaged", call.more().MemAllocManaged,
                        &address, size_t(bytes), unsigned(CU_MEM_ATTACH_GLOBAL))
            : call.check(call.cuda().MemAlloc(&address, bytes), "cuMemAlloc");
    if (!status.ok())
      status.message += format(" (%llu bytes)", ull(bytes));
    return status;
  });
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the driver's convention.
  return reinterpret_cast<void *>(address);
}

void mgpuMemFree(void *pointer, void *stream) {
  if (!pointer)
    return;
  runMgpu("mgpuMemFree", stream, [&](const MgpuCall &call) {
    return call.check(call.cuda().MemFree(toAddress(pointer)), "cuMemFree");
  });
}

void mgpuMemcpy(void *to, void *from, size_t bytes, void *stream) {
  if (bytes == 0)
    return;
  runMgpu("mgpuMemcpy", stream, [&](const MgpuCall &call) {
    if (!to || !from)
      return call.null(to ? "the source" : "the destination");
    return call.call("cuMemcpyAsync", call.more().MemcpyAsync, toAddress(to),
                     toAddress(from), bytes, toStream(stream));
  });
}

void mgpuMemset16(void *to, uint16_t value, size_t count, void *stream) {
  if (count == 0)
    return;
  runMgpu("mgpuMemset16", stream, [&](const MgpuCall &call) {
    return to ? call.call("cuMemsetD16Async", call.more().MemsetD16Async,
                          toAddress(to), value, count, toStream(stream))
              : call.null("the destination");
  });
}

void mgpuMemset32(void *to, uint32_t value, size_t count, void *stream) {
  if (count == 0)
    return;
  runMgpu("mgpuMemset32", stream, [&](const MgpuCall &call) {
    return to ? call.call("cuMemsetD32Async", call.more().MemsetD32Async,
                          toAddress(to), value, count, toStream(stream))
              : call.null("the destination");
  });
}

static void registerHost(const char *name, void *pointer, uint64_t bytes) {
  runMgpu(name, nullptr, [&](const MgpuCall &call) {
    return pointer ? call.call("cuMemHostRegister", call.more().MemHostRegister,
                               pointer, size_t(bytes), 0u)
                   : call.null("the pointer");
  });
}

static void unregisterHost(const char *name, void *pointer) {
  runMgpu(name, nullptr, [&](const MgpuCall &call) {
    return pointer ? call.call("cuMemHostUnregister",
                               call.more().MemHostUnregister, pointer)
                   : call.null("the pointer");
  });
}

void mgpuMemHostRegister(void *pointer, uint64_t bytes) {
  registerHost("mgpuMemHostRegister", pointer, bytes);
}

void mgpuMemHostUnregister(void *pointer) {
  unregisterHost("mgpuMemHostUnregister", pointer);
}

/// The first element of a memref: {allocated, aligned, offset, ...}.
static void *startOf(void *descriptor, int64_t elementBytes) {
  auto *words = static_cast<const int64_t *>(descriptor);
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<void *>(words[1] + words[2] * elementBytes);
}

void mgpuMemHostRegisterMemRef(int64_t rank, void *descriptor,
                               int64_t elementBytes) {
  static constexpr const char *name = "mgpuMemHostRegisterMemRef";
  auto *sizes = static_cast<const int64_t *>(descriptor) + 3;
  int64_t count = 1;
  for (int64_t i = rank; i-- > 0; count *= sizes[i])
    if (sizes[i] > 1 && sizes[rank + i] != count) {
      tellMgpuError(
          {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
           format("%s: stride %lld is %lld, expected %lld: only dense "
                  "memrefs can be registered",
                  name, ll(i), ll(sizes[rank + i]), ll(count))});
      return;
    }
  if (count != 0)
    registerHost(name, startOf(descriptor, elementBytes),
                 static_cast<uint64_t>(count * elementBytes));
}

void mgpuMemHostUnregisterMemRef(int64_t rank, void *descriptor,
                                 int64_t elementBytes) {
  auto *sizes = static_cast<const int64_t *>(descriptor) + 3;
  for (int64_t i = 0; i < rank; ++i)
    if (sizes[i] == 0)
      return; // was not registered
  unregisterHost("mgpuMemHostUnregisterMemRef",
                 startOf(descriptor, elementBytes));
}
