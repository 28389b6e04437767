//===- FakeGpuErrorTest.cpp - Errors on a fake driver ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeGpuTest.h"
#include "simplexir-runtime-gpu-tools.h"

using namespace simplexir;
using namespace simplexir::test;

namespace {
/// Before any test: success is remembered, failures are not.
class StartUp : public ::testing::Environment {
public:
  void SetUp() override {
    int32_t count;
    fakeCuda().initResult = 100;
    EXPECT_ERROR(simplexirGpuCount(&count), SIMPLEXIR_ERROR_NO_DEVICE,
                 "there is no NVIDIA GPU");
    fakeCuda().initResult = 3;
    EXPECT_ERROR(simplexirGpuCount(&count), SIMPLEXIR_ERROR_NO_DEVICE,
                 "no usable NVIDIA driver: cuInit failed with CUDA_ERROR_FAKE "
                 "(3): a fake explanation");
    fakeCuda().initResult = 0;
    ASSERT_OK(simplexirGpuCount(&count));
    EXPECT_EQ(count, 2);
  }
};
} // namespace
static ::testing::Environment *const startUp =
    ::testing::AddGlobalTestEnvironment(new StartUp);

TEST_F(FakeGpu, NoSuchDevice) {
  EXPECT_ERROR(launch(gpuOptions(nullptr, 2)), SIMPLEXIR_ERROR_NO_DEVICE,
               "there is no GPU 2: found 2");
  EXPECT_ERROR(simplexirGpuSynchronize(-1, nullptr), SIMPLEXIR_ERROR_NO_DEVICE,
               "there is no GPU -1");
}

TEST_F(FakeGpu, Info) {
  SimplexirGpuInfo info = {};
  EXPECT_ERROR(simplexirGpuGetInfo(0, &info), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "structSize");
  info.structSize = sizeof(info);
  ASSERT_OK(simplexirGpuGetInfo(0, &info));
  EXPECT_STREQ(info.name, "Fake GPU");
  EXPECT_EQ(info.major * 10 + info.minor, 90);
  EXPECT_EQ(info.driverVersion, 13000);
  EXPECT_EQ(info.multiprocessors, 132);
  ASSERT_OK(simplexirGpuGetInfo(1, &info));
  EXPECT_EQ(info.multiprocessors, 2);
  EXPECT_EQ(info.sharedMemoryPerBlock, 227 * 1024);
}

TEST_F(FakeGpu, TensorsElsewhere) {
  arguments[1].tensor.deviceId = 1;
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_SIGNATURE,
               "argument 'y': found a tensor on cuda:1, expected cuda:0");
  arguments[1].tensor.deviceId = -1;
  EXPECT_OK(launch(gpuOptions())) << "not known, not checked";
  arguments[1].tensor.deviceType = SIMPLEXIR_CPU;
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_SIGNATURE,
               "argument 'y': found a tensor on cpu, expected cuda:0");
}

TEST_F(FakeGpu, HostPointers) {
  fake.firstDeviceAddress = ~uint64_t(0);
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_SIGNATURE,
               "argument 'x': 0x");
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_SIGNATURE,
               "is no address that GPU 0 can use, expected device memory");
  EXPECT_TRUE(fake.launches.empty());
  EXPECT_TRUE(fake.current.empty());
  x.shape[0] = y.shape[0] = 0;
  EXPECT_OK(launch(gpuOptions())) << "empty tensors have no address";
}

TEST_F(FakeGpu, TrustedAddresses) {
  SimplexirLaunchOptions options = gpuOptions();
  ASSERT_OK(launch(options));
  EXPECT_EQ(fake.pointerQueries, 2);
  options.flags = SIMPLEXIR_LAUNCH_TRUSTS_ADDRESSES;
  ASSERT_OK(launch(options));
  EXPECT_EQ(fake.pointerQueries, 2) << "not asked about";
  arguments[1].tensor.data = nullptr;
  EXPECT_ERROR(launch(options), SIMPLEXIR_ERROR_SIGNATURE,
               "argument 'y': found a null pointer");
}

TEST_F(FakeGpu, DriverTooOld) {
  Artifact contents = gpuArtifact();
  contents.images[0].minDriver = 14020;
  use(contents);
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_DRIVER_TOO_OLD,
               "needs a driver for CUDA 14.2 or newer, found one for CUDA "
               "13.0");
}

TEST_F(FakeGpu, NoImage) {
  use([] {
    Artifact contents = gpuArtifact();
    contents.images[0].kind = ImageKind::Cubin;
    contents.images[0].chip = "sm_100a";
    return contents;
  }());
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_NO_IMAGE,
               "no code for this GPU (sm_90); found cubin sm_100a");
  EXPECT_TRUE(fake.current.empty());
}

TEST_F(FakeGpu, DriverRefusesTheModule) {
  fake.moduleLoadResult = 218;
  fake.jitLog = "ptxas fatal: line 3";
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_DRIVER,
               "loading the ptx for sm_80 failed with CUDA_ERROR_FAKE (218): a "
               "fake explanation; the driver says: ptxas fatal: line 3");
  fake.moduleLoadResult = 900;
  fake.jitLog.clear();
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_DRIVER,
               "call simplexirKernelPrepare() before the capture begins");
  fake.moduleLoadResult = 2;
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_OUT_OF_MEMORY, "(2)");
  fake.moduleLoadResult = 0;
  EXPECT_OK(launch(gpuOptions())) << "failures are not remembered";
}

TEST_F(FakeGpu, NoSuchSymbol) {
  Artifact contents = gpuArtifact();
  contents.kernels[0].images[0].symbol = "absent";
  use(contents);
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_DRIVER,
               "looking up 'absent' in the image for sm_80 failed with "
               "CUDA_ERROR_NOT_FOUND");
}

TEST_F(FakeGpu, SharedMemory) {
  Artifact contents = gpuArtifact();
  contents.kernels[0].images[0].sharedMemory = 227 * 1024;
  use(contents);
  EXPECT_OK(launch(gpuOptions()));
  use(contents);
  fake.staticShared = 16;
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_RESOURCES,
               "kernel 'twice' needs 232464 bytes of shared memory a block "
               "(232448 dynamic, 16 static); the limit of GPU 0 (sm_90) is "
               "232448");
}

TEST_F(FakeGpu, Threads) {
  fake.threadLimit = 64;
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_RESOURCES,
               "needs blocks of 128 threads; its registers limit them to 64");
}

TEST_F(FakeGpu, Blocks) {
  Artifact contents = gpuArtifact();
  contents.kernels[0].images[0].grid.push_back({Extent::constant(1 << 30), 1});
  use(contents);
  EXPECT_ERROR(
      launch(gpuOptions()), SIMPLEXIR_ERROR_RESOURCES,
      "has 8589934592 work items; the limit of a launch on a GPU is 2^31 - "
      "1");
}

TEST_F(FakeGpu, LaunchFails) {
  fake.launchResult = 719;
  EXPECT_ERROR(launch(gpuOptions()), SIMPLEXIR_ERROR_DRIVER,
               "launching 'twice' failed with CUDA_ERROR_FAKE (719)");
  EXPECT_TRUE(fake.current.empty());
}
