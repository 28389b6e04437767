//===- MgpuTest.cpp - What MLIR's gpu-to-llvm calls -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MgpuTest.h"

#include <cinttypes>
#include <cstdio>

namespace {

char image[] = "an image", other[] = "another image";

TEST_F(MgpuTest, ModulesAreLoadedByTheFirstLaunchInAContext) {
  void *module = mgpuModuleLoad(image, sizeof(image));
  void *kernel = mgpuModuleGetFunction(module, "twice");
  EXPECT_EQ(mgpuModuleGetFunction(module, "twice"), kernel);
  EXPECT_NE(mgpuModuleGetFunction(module, "other"), kernel);
  EXPECT_TRUE(fake.loaded.empty());

  int64_t argument = 7;
  void *parameters[] = {&argument};
  for (int i = 0; i < 2; ++i)
    mgpuLaunchKernel(kernel, 3, 1, 1, 64, 1, 1, 100, nullptr, parameters,
                     nullptr, 1);
  EXPECT_EQ(fake.loaded, Calls{"an image"});
  EXPECT_EQ(fake.maxDynamicShared, 100);
  ASSERT_EQ(fake.launches.size(), 2u);
  const FakeCuda::Launch &launch = fake.launches[1];
  EXPECT_EQ(launch.function, "twice");
  EXPECT_EQ(launch.grid, 3u);
  EXPECT_EQ(launch.block, 64u);
  EXPECT_EQ(launch.shared, 100u);
  EXPECT_EQ(launch.parameters, std::vector<int64_t>{7});
  EXPECT_EQ(launch.context->device, 0);

  // Another device has a copy of its own.
  mgpuSetDefaultDevice(1);
  mgpuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, parameters, nullptr,
                   1);
  EXPECT_EQ(fake.loaded.size(), 2u);
  EXPECT_EQ(fake.launches.back().context->device, 1);
  mgpuModuleUnload(module);
  EXPECT_EQ(fake.unloads, 2);
}

TEST_F(MgpuTest, NothingToLaunchNothingToUnload) {
  void *module = mgpuModuleLoadJIT(other, 2);
  void *kernel = mgpuModuleGetFunction(module, "twice");
  int64_t argument = 7;
  void *parameters[] = {&argument};
  mgpuLaunchKernel(kernel, 0, 1, 1, 64, 1, 1, 0, nullptr, parameters, nullptr,
                   1);
  EXPECT_TRUE(fake.launches.empty());
  mgpuLaunchKernel(kernel, 1, 1, 1, 64, 1, 1, 0, nullptr, parameters, nullptr,
                   1);
  EXPECT_EQ(fake.launches.size(), 1u);
  mgpuModuleUnload(module);
  mgpuModuleUnload(nullptr);
  EXPECT_EQ(fake.unloads, 1);
}

TEST_F(MgpuTest, TheContextOfTheStream) {
  FakeCuda::Stream stream{makeFakeContext(1)};
  void *module = mgpuModuleLoad(image, sizeof(image));
  int64_t argument = 7;
  void *parameters[] = {&argument};
  mgpuLaunchKernel(mgpuModuleGetFunction(module, "twice"), 1, 1, 1, 1, 1, 1, 0,
                   &stream, parameters, nullptr, 1);
  EXPECT_EQ(fake.launches.back().context, stream.context);
  EXPECT_EQ(fake.launches.back().stream, &stream);
  mgpuModuleUnload(module);
}

TEST_F(MgpuTest, TheCurrentContext) {
  fake.current.push_back(makeFakeContext(1));
  mgpuMemFree(reinterpret_cast<void *>(0x10), nullptr);
  EXPECT_EQ(takeCalls(), Calls{"cuMemFree(0x10) on 1"});
  // It is not of the default device.
  mgpuSetDefaultDevice(0);
  mgpuMemFree(reinterpret_cast<void *>(0x10), nullptr);
  EXPECT_EQ(takeCalls(), Calls{"cuMemFree(0x10) on 0"});
  EXPECT_EQ(fake.current.size(), 1u);
  fake.current.clear();
}

TEST_F(MgpuTest, Clusters) {
  FakeCuda::Stream stream{makeFakeContext(0)};
  void *module = mgpuModuleLoad(image, sizeof(image));
  int64_t argument = 7;
  void *parameters[] = {&argument};
  mgpuLaunchClusterKernel(mgpuModuleGetFunction(module, "twice"), 2, 1, 3, 4, 5,
                          6, 7, 8, 9, 50000, &stream, parameters, nullptr, 1);
  EXPECT_EQ(takeCalls(),
            Calls{"cuLaunchKernelEx(twice, 4x5x6, 7x8x9, 50000, 1, attribute 4 "
                  "2x1x3, 7, 0) on 0"});
  EXPECT_EQ(fake.maxDynamicShared, 50000);
  mgpuModuleUnload(module);
}

TEST_F(MgpuTest, StreamsAndEvents) {
  mgpuSetDefaultDevice(1);
  void *stream = mgpuStreamCreate();
  void *event = mgpuEventCreate();
  mgpuEventRecord(event, stream);
  mgpuStreamWaitEvent(stream, event);
  mgpuEventSynchronize(event);
  mgpuStreamSynchronize(stream);
  mgpuEventDestroy(event);
  mgpuStreamDestroy(stream);
  EXPECT_EQ(
      takeCalls(),
      (Calls{"cuStreamCreate(1) on 1", "cuEventCreate(2) on 1",
             "cuEventRecord(0x77, 1) on 1",
             "cuStreamWaitEvent(1, 0x77, 0) on 1",
             "cuEventSynchronize(0x77) on 1", "cuStreamSynchronize(1) on 1",
             "cuEventDestroy(0x77) on 1", "cuStreamDestroy(1) on 1"}));
}

TEST_F(MgpuTest, Memory) {
  FakeCuda::Stream stream{makeFakeContext(0)};
  void *memory = mgpuMemAlloc(100, nullptr, 0);
  EXPECT_EQ(memory, reinterpret_cast<void *>(0x1000));
  EXPECT_EQ(mgpuMemAlloc(100, &stream, 1), reinterpret_cast<void *>(0x2000));
  mgpuMemcpy(memory, image, 8, &stream);
  mgpuMemset16(memory, 0x1234, 4, &stream);
  mgpuMemset32(memory, 0x12345678, 2, nullptr);
  mgpuMemFree(memory, &stream);
  char copy[100];
  std::snprintf(copy, sizeof(copy),
                "cuMemcpyAsync(0x1000, %#" PRIxPTR ", 8, 1)",
                reinterpret_cast<uintptr_t>(image));
  EXPECT_EQ(takeCalls(),
            (Calls{"cuMemAlloc(100) on 0", "cuMemAllocManaged(100, 1) on 0",
                   std::string(copy) + " on 0",
                   "cuMemsetD16Async(0x1000, 0x1234, 4, 1) on 0",
                   "cuMemsetD32Async(0x1000, 0x12345678, 2, 0) on 0",
                   "cuMemFree(0x1000) on 0"}));
}

TEST_F(MgpuTest, NothingToDo) {
  EXPECT_EQ(mgpuMemAlloc(0, nullptr, 0), nullptr);
  mgpuMemFree(nullptr, nullptr);
  mgpuMemcpy(nullptr, nullptr, 0, nullptr);
  mgpuMemset16(nullptr, 1, 0, nullptr);
  mgpuMemset32(nullptr, 1, 0, nullptr);
  EXPECT_EQ(takeCalls(), Calls());
}

TEST_F(MgpuTest, HostMemory) {
  // 3 x 4 of 4 bytes, from element 2 on.
  auto address = reinterpret_cast<int64_t>(image);
  int64_t descriptor[] = {0, address, 2, 3, 4, 4, 1};
  mgpuMemHostRegister(image, 5);
  mgpuMemHostRegisterMemRef(2, descriptor, 4);
  mgpuMemHostUnregisterMemRef(2, descriptor, 4);
  mgpuMemHostUnregister(image);
  auto call = [&](const char *name, int64_t offset, const char *rest) {
    char text[100];
    std::snprintf(text, sizeof(text), "%s(%p%s) on 0", name,
                  static_cast<void *>(image + offset), rest);
    return std::string(text);
  };
  EXPECT_EQ(takeCalls(), (Calls{call("cuMemHostRegister", 0, ", 5, 0"),
                                call("cuMemHostRegister", 8, ", 48, 0"),
                                call("cuMemHostUnregister", 8, ""),
                                call("cuMemHostUnregister", 0, "")}));
  // Extents of 1 may have any stride; no element, no memory.
  int64_t one[] = {0, address, 0, 1, 4, 99, 1}, none[] = {0, address, 0, 0, 1};
  mgpuMemHostRegisterMemRef(2, one, 4);
  EXPECT_EQ(takeCalls(), Calls{call("cuMemHostRegister", 0, ", 16, 0")});
  mgpuMemHostRegisterMemRef(1, none, 4);
  mgpuMemHostUnregisterMemRef(1, none, 4);
  EXPECT_EQ(takeCalls(), Calls());
}

TEST_F(MgpuTest, TensorMaps) {
  // 10 x 20 x 64 of bf16, from element 64 on, in boxes of 1 x 8 x 32.
  int64_t descriptor[] = {0, 0x1000, 64, 10, 20, 64, 2560, 128, 1};
  const int64_t box[] = {1, 8, 32};
  void *map = mgpuTensorMapEncodeTiledMemref(3, descriptor, 9, 0, 3, 2, 1, box);
  EXPECT_EQ(fake.calls,
            (Calls{"cuTensorMapEncodeTiled(0x1080, 9 [64 20 10] [256 5120] "
                   "[32 8 1] [1 1 1], 0 3 2 1) on 0",
                   "cuMemAlloc(128) on 0", "cuMemcpyHtoD(40, 128) on 0"}));
  EXPECT_NE(map, nullptr);
  // Equal ones are made once a context.
  EXPECT_EQ(mgpuTensorMapEncodeTiledMemref(3, descriptor, 9, 0, 3, 2, 1, box),
            map);
  EXPECT_EQ(fake.calls.size(), 4u);
  mgpuSetDefaultDevice(1);
  EXPECT_NE(mgpuTensorMapEncodeTiledMemref(3, descriptor, 9, 0, 3, 2, 1, box),
            map);
  EXPECT_EQ(fake.calls.size(), 7u);
}

TEST_F(MgpuTest, PlainTensorMap) {
  alignas(64) unsigned char map[128] = {};
  const uint64_t extents[] = {8, 4}, strides[] = {32};
  const uint32_t box[] = {8, 2}, steps[] = {1, 1};
  mgpuTensorMapEncodeTiled(map, 7, 2, reinterpret_cast<void *>(0x100), extents,
                           strides, box, steps, 0, 1, 2, 0);
  EXPECT_EQ(takeCalls(), Calls{"cuTensorMapEncodeTiled(0x100, 7 [8 4] [32] "
                               "[8 2] [1 1], 0 1 2 0) on 0"});
  EXPECT_EQ(map[127], 8);
}

} // namespace
