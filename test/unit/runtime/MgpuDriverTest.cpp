//===- MgpuDriverTest.cpp - mgpu with this machine's driver ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir-mgpu.h"

#include "gtest/gtest.h"
#include <dlfcn.h>
#include <string>
#include <vector>

namespace {

TEST(MgpuDriverTest, LoadsAndSaysThatThereIsNoDriver) {
  if (dlopen("libcuda.so.1", RTLD_LAZY))
    GTEST_SKIP() << "this machine has a driver";
  char image[] = "an image";
  // Programs register their modules before main(), with a GPU or without.
  void *module = mgpuModuleLoad(image, sizeof(image));
  void *kernel = mgpuModuleGetFunction(module, "kernel");
  EXPECT_EQ(simplexirMgpuTakeError(nullptr), SIMPLEXIR_OK);
  testing::internal::CaptureStderr();
  mgpuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr, 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr().rfind(
                "error: mgpuLaunchKernel: no usable NVIDIA driver: ", 0),
            0u);
  const char *message = nullptr;
  EXPECT_EQ(simplexirMgpuTakeError(&message), SIMPLEXIR_ERROR_NO_DEVICE);
  EXPECT_NE(std::string(message).find("libcuda.so.1"), std::string::npos);
  mgpuModuleUnload(module);
}

TEST(MgpuDriverTest, MemoryOnAGpu) {
  testing::internal::CaptureStderr();
  void *stream = mgpuStreamCreate();
  testing::internal::GetCapturedStderr();
  if (simplexirMgpuTakeError(nullptr) != SIMPLEXIR_OK)
    GTEST_SKIP() << "no GPU";
  std::vector<uint32_t> numbers(1000);
  void *memory = mgpuMemAlloc(4000, stream, 0);
  mgpuMemset32(memory, 0x12345678, 1000, stream);
  mgpuMemset16(memory, 0x9abc, 2, stream);
  mgpuMemcpy(numbers.data(), memory, 4000, stream);
  mgpuStreamSynchronize(stream);
  EXPECT_EQ(numbers[0], 0x9abc9abcu);
  EXPECT_EQ(numbers[999], 0x12345678u);
  int64_t descriptor[] = {0, reinterpret_cast<int64_t>(memory), 0, 8, 64, 64,
                          1};
  const int64_t box[] = {4, 32};
  const char *message = nullptr;
  EXPECT_NE(mgpuTensorMapEncodeTiledMemref(2, descriptor, 7, 0, 0, 0, 0, box),
            nullptr);
  mgpuMemFree(memory, stream);
  mgpuStreamDestroy(stream);
  EXPECT_EQ(simplexirMgpuTakeError(&message), SIMPLEXIR_OK) << message;
}

} // namespace
