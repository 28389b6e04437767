//===- GpuTest.cpp - A real GPU, or the lack of one -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"
#include "simplexir-runtime-gpu-tools.h"

#include "gtest/gtest.h"

using namespace simplexir;
using namespace simplexir::test;

static bool haveGpu() {
  int32_t count = 0;
  return simplexirGpuCount(&count) == SIMPLEXIR_OK && count > 0;
}

TEST(NoGpu, EveryEntryAnswersWithAnError) {
  if (haveGpu())
    GTEST_SKIP() << "there is a GPU";
  ArtifactHandle artifact = load(gpuArtifact());
  SimplexirKernel *kernel = kernelOf(artifact, "twice");
  SimplexirLaunchOptions options = gpuOptions();
  Array x{{5}}, y{{5}};
  SimplexirArgument arguments[2] = {x.argument(), y.argument()};
  int32_t count = 7;
  EXPECT_ERROR(simplexirGpuCount(&count), SIMPLEXIR_ERROR_NO_DEVICE, "NVIDIA");
  EXPECT_EQ(count, 0);
  EXPECT_ERROR(simplexirKernelPrepare(kernel, &options),
               SIMPLEXIR_ERROR_NO_DEVICE, "NVIDIA");
  EXPECT_ERROR(simplexirKernelLaunch(kernel, arguments, 2, &options),
               SIMPLEXIR_ERROR_NO_DEVICE, "NVIDIA");
  void *pointer;
  EXPECT_ERROR(simplexirGpuAlloc(0, 4, &pointer), SIMPLEXIR_ERROR_NO_DEVICE,
               "NVIDIA");
}

TEST(Gpu, LaunchesAndTimes) {
  if (!haveGpu())
    GTEST_SKIP() << simplexirLastError();
  SimplexirGpuInfo info = {};
  info.structSize = sizeof(info);
  ASSERT_OK(simplexirGpuGetInfo(0, &info));
  EXPECT_GE(info.major, 1);
  EXPECT_GT(info.sharedMemoryPerBlock, 0);

  ArtifactHandle artifact = load(gpuArtifact());
  SimplexirKernel *kernel = kernelOf(artifact, "twice");
  Array x{{1000}}, y{{1000}};
  y.data.assign(1000, 0.0f);
  void *gpuX, *gpuY, *stream, *start, *end;
  ASSERT_OK(simplexirGpuAlloc(0, 4000, &gpuX));
  ASSERT_OK(simplexirGpuAlloc(0, 4000, &gpuY));
  ASSERT_OK(simplexirGpuStreamCreate(0, &stream));
  ASSERT_OK(simplexirGpuEventCreate(0, &start));
  ASSERT_OK(simplexirGpuEventCreate(0, &end));
  for (void *on : {static_cast<void *>(nullptr), stream}) {
    SimplexirLaunchOptions options = gpuOptions(on);
    ASSERT_OK(simplexirKernelPrepare(kernel, &options));
    ASSERT_OK(simplexirGpuCopyIn(0, gpuX, x.data.data(), 4000, on));
    ASSERT_OK(simplexirGpuFill(0, gpuY, 0xff, 4000, on));
    SimplexirArgument arguments[2] = {x.argument(), y.argument()};
    for (SimplexirArgument &argument : arguments)
      argument.tensor.deviceType = SIMPLEXIR_CUDA;
    arguments[0].tensor.data = gpuX;
    arguments[1].tensor.data = gpuY;
    ASSERT_OK(simplexirGpuEventRecord(0, start, on));
    ASSERT_OK(simplexirKernelLaunch(kernel, arguments, 2, &options));
    ASSERT_OK(simplexirGpuEventRecord(0, end, on));
    ASSERT_OK(simplexirGpuCopyOut(0, y.data.data(), gpuY, 4000, on));
    ASSERT_OK(simplexirGpuSynchronize(0, on));
    for (size_t i = 0; i < 1000; ++i)
      ASSERT_EQ(y.data[i], 2 * x.data[i]);
    float milliseconds = -1;
    ASSERT_OK(simplexirGpuEventMilliseconds(0, start, end, &milliseconds));
    EXPECT_GE(milliseconds, 0.0f);

    // Through the entry of compiler-made code.
    static std::string bytes = serialize(gpuArtifact());
    auto word = [](void *p) {
      return static_cast<int64_t>(reinterpret_cast<uintptr_t>(p));
    };
    int64_t words[] = {word(gpuX), word(gpuX), 0, 1000, 1,
                       word(gpuY), word(gpuY), 0, 1000, 1};
    ASSERT_OK(simplexirGpuFill(0, gpuY, 0xff, 4000, on));
    ASSERT_OK(simplexirHostLaunch(bytes.data(),
                                  static_cast<int64_t>(bytes.size()), "twice",
                                  words, 10, 1, on));
    ASSERT_OK(simplexirGpuCopyOut(0, y.data.data(), gpuY, 4000, on));
    ASSERT_OK(simplexirGpuSynchronize(0, on));
    EXPECT_EQ(y.data[999], 1998.0f);

    arguments[0].tensor.data = x.data.data();
    SimplexirStatus status =
        simplexirKernelLaunch(kernel, arguments, 2, &options);
    EXPECT_TRUE(status == SIMPLEXIR_OK || status == SIMPLEXIR_ERROR_SIGNATURE);
    ASSERT_OK(simplexirGpuSynchronize(0, on));
  }
  EXPECT_OK(simplexirGpuEventDestroy(0, start));
  EXPECT_OK(simplexirGpuEventDestroy(0, end));
  EXPECT_OK(simplexirGpuStreamDestroy(0, stream));
  EXPECT_OK(simplexirGpuFree(0, gpuX));
  EXPECT_OK(simplexirGpuFree(0, gpuY));
}

TEST(Gpu, DamagedPtxIsReportedWithTheDriversWords) {
  if (!haveGpu())
    GTEST_SKIP() << simplexirLastError();
  Artifact contents = gpuArtifact();
  contents.images[0].data.replace(contents.images[0].data.find("mad.lo"), 6,
                                  "wrong!");
  ArtifactHandle artifact = load(contents);
  SimplexirLaunchOptions options = gpuOptions();
  EXPECT_ERROR(simplexirKernelPrepare(kernelOf(artifact, "twice"), &options),
               SIMPLEXIR_ERROR_DRIVER, "the driver says: ");
}

TEST(Gpu, NoSuchDevice) {
  if (!haveGpu())
    GTEST_SKIP() << simplexirLastError();
  ArtifactHandle artifact = load(gpuArtifact());
  SimplexirLaunchOptions options = gpuOptions(nullptr, 99);
  EXPECT_ERROR(simplexirKernelPrepare(kernelOf(artifact, "twice"), &options),
               SIMPLEXIR_ERROR_NO_DEVICE, "there is no GPU 99");
}
