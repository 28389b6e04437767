//===- MgpuErrorTest.cpp - Errors of mgpu ---------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MgpuTest.h"

#include <sys/wait.h>
#include <unistd.h>

namespace {

char image[] = "an image";
const std::string fakeError =
    " failed with CUDA_ERROR_FAKE (999): a fake explanation";
int64_t argument = 7;
void *parameters[] = {&argument};

void launch(void *kernel, intptr_t gridX = 1, int32_t sharedMemory = 0,
            intptr_t blockX = 1) {
  mgpuLaunchKernel(kernel, gridX, 1, 1, blockX, 1, 1, sharedMemory, nullptr,
                   parameters, nullptr, 1);
}

struct Module {
  void *handle = mgpuModuleLoad(image, sizeof(image));
  void *kernel = mgpuModuleGetFunction(handle, "twice");
  ~Module() { mgpuModuleUnload(handle); }
};

TEST_F(MgpuTest, TheFirstErrorIsKept) {
  fake.failures = {{"cuMemAlloc", 999}, {"cuStreamCreate", 2}};
  EXPECT_EQ(mgpuMemAlloc(64, nullptr, 0), reinterpret_cast<void *>(0x1000));
  mgpuStreamSynchronize(nullptr);
  const std::string first =
      "mgpuMemAlloc: cuMemAlloc" + fakeError + " (64 bytes)";
  fake.failures = {{"cuMemFree", 2}};
  mgpuMemFree(image, nullptr);
  Calls told = takeErrors();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], first);
  const char *message = nullptr;
  EXPECT_EQ(simplexirMgpuTakeError(&message), SIMPLEXIR_ERROR_DRIVER);
  EXPECT_EQ(message, first);
  EXPECT_EQ(simplexirMgpuTakeError(&message), SIMPLEXIR_OK);
  EXPECT_STREQ(message, "");
  mgpuMemFree(image, nullptr);
  EXPECT_EQ(simplexirMgpuTakeError(nullptr), SIMPLEXIR_ERROR_OUT_OF_MEMORY);
  takeErrors();
}

TEST_F(MgpuTest, PrintedWhereNobodyListens) {
  simplexirMgpuSetErrorHandler(nullptr, nullptr);
  testing::internal::CaptureStderr();
  mgpuEventDestroy(nullptr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: mgpuEventDestroy: the event is null; did an earlier call "
            "fail?\n");
}

TEST_F(MgpuTest, EveryFailureOfTheDriver) {
  FakeCuda::Stream *stream = nullptr;
  auto expect = [&](const char *function, const char *entry, auto call) {
    fake.failures = {{function, 999}};
    call();
    EXPECT_EQ(takeErrors(),
              Calls{std::string(entry) + ": " + function + fakeError});
  };
  const int64_t box[] = {8};
  int64_t descriptor[] = {0, 0x1000, 0, 8, 1};
#define EXPECT_FAILURE(function, entry, ...)                                   \
  expect(function, #entry, [&] { entry(__VA_ARGS__); })
  EXPECT_FAILURE("cuStreamSynchronize", mgpuStreamSynchronize, stream);
  EXPECT_FAILURE("cuStreamWaitEvent", mgpuStreamWaitEvent, stream, image);
  EXPECT_FAILURE("cuEventCreate", mgpuEventCreate);
  EXPECT_FAILURE("cuEventDestroy", mgpuEventDestroy, image);
  EXPECT_FAILURE("cuEventRecord", mgpuEventRecord, image, stream);
  EXPECT_FAILURE("cuEventSynchronize", mgpuEventSynchronize, image);
  EXPECT_FAILURE("cuMemFree", mgpuMemFree, image, stream);
  EXPECT_FAILURE("cuMemcpyAsync", mgpuMemcpy, image, image, 1, stream);
  EXPECT_FAILURE("cuMemsetD16Async", mgpuMemset16, image, 1, 1, stream);
  EXPECT_FAILURE("cuMemsetD32Async", mgpuMemset32, image, 1, 1, stream);
  EXPECT_FAILURE("cuMemHostRegister", mgpuMemHostRegister, image, 1);
  EXPECT_FAILURE("cuMemHostUnregister", mgpuMemHostUnregister, image);
  EXPECT_FAILURE("cuTensorMapEncodeTiled", mgpuTensorMapEncodeTiledMemref, 1,
                 descriptor, 7, 0, 0, 0, 0, box);
#undef EXPECT_FAILURE
}

TEST_F(MgpuTest, NullHandles) {
  auto expect = [&](const char *entry, const char *what) {
    EXPECT_EQ(takeErrors(), Calls{std::string(entry) + ": " + what +
                                  " is null; did an earlier call fail?"});
    EXPECT_EQ(simplexirMgpuTakeError(nullptr),
              SIMPLEXIR_ERROR_INVALID_ARGUMENT);
  };
  EXPECT_EQ(mgpuModuleLoad(nullptr, 0), nullptr);
  expect("mgpuModuleLoad", "the image");
  EXPECT_EQ(mgpuModuleLoadJIT(nullptr, 0), nullptr);
  expect("mgpuModuleLoadJIT", "the image");
  EXPECT_EQ(mgpuModuleGetFunction(nullptr, "twice"), nullptr);
  expect("mgpuModuleGetFunction", "the module");
  launch(nullptr);
  expect("mgpuLaunchKernel", "the kernel");
  mgpuLaunchClusterKernel(nullptr, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, nullptr,
                          parameters, nullptr, 1);
  expect("mgpuLaunchClusterKernel", "the kernel");
  mgpuStreamDestroy(nullptr);
  expect("mgpuStreamDestroy", "the stream");
  mgpuStreamWaitEvent(nullptr, nullptr);
  expect("mgpuStreamWaitEvent", "the event");
  mgpuEventRecord(nullptr, nullptr);
  expect("mgpuEventRecord", "the event");
  mgpuEventSynchronize(nullptr);
  expect("mgpuEventSynchronize", "the event");
  mgpuMemcpy(nullptr, image, 1, nullptr);
  expect("mgpuMemcpy", "the destination");
  mgpuMemcpy(image, nullptr, 1, nullptr);
  expect("mgpuMemcpy", "the source");
  mgpuMemset16(nullptr, 0, 1, nullptr);
  expect("mgpuMemset16", "the destination");
  mgpuMemset32(nullptr, 0, 1, nullptr);
  expect("mgpuMemset32", "the destination");
  mgpuMemHostRegister(nullptr, 1);
  expect("mgpuMemHostRegister", "the pointer");
  mgpuMemHostUnregister(nullptr);
  expect("mgpuMemHostUnregister", "the pointer");
  mgpuTensorMapEncodeTiledMemref(1, nullptr, 7, 0, 0, 0, 0, nullptr);
  expect("mgpuTensorMapEncodeTiledMemref", "the memref");
}

TEST_F(MgpuTest, ModuleThatTheDriverRefuses) {
  Module module;
  fake.moduleLoadResult = 218;
  fake.jitLog = "ptxas fatal: line 3";
  launch(module.kernel);
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuLaunchKernel: loading the module failed with "
                  "CUDA_ERROR_FAKE (218): a fake explanation; the driver says: "
                  "ptxas fatal: line 3"});
  // It may be a passing trouble.
  fake.moduleLoadResult = 0;
  launch(module.kernel);
  EXPECT_EQ(fake.launches.size(), 1u);
}

TEST_F(MgpuTest, KernelThatIsNotThere) {
  Module module;
  launch(mgpuModuleGetFunction(module.handle, "absent"));
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuLaunchKernel: looking up 'absent' failed with "
                  "CUDA_ERROR_NOT_FOUND (500): a fake explanation"});
}

TEST_F(MgpuTest, LaunchThatFails) {
  Module module;
  fake.launchResult = 999;
  launch(module.kernel);
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuLaunchKernel: launching 'twice'" + fakeError});
}

TEST_F(MgpuTest, LaunchesThatNoGpuCanDo) {
  Module module;
  launch(module.kernel, int64_t(1) << 31);
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuLaunchKernel: the grid's x is 2147483648, expected 0 to "
                  "2^31 - 1"});
  launch(module.kernel, 1, 0, -1);
  EXPECT_EQ(takeErrors(), Calls{"mgpuLaunchKernel: the block's x is -1, "
                                "expected 0 to 2^31 - 1"});
  launch(module.kernel, 1, 300000);
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuLaunchKernel: kernel 'twice' asks for 300000 bytes of "
                  "shared memory a block; the limit of GPU 0 (sm_90) is "
                  "232448"});
  EXPECT_EQ(simplexirMgpuTakeError(nullptr), SIMPLEXIR_ERROR_RESOURCES);
  EXPECT_TRUE(fake.launches.empty());
}

TEST_F(MgpuTest, NoSuchDevice) {
  mgpuSetDefaultDevice(2);
  EXPECT_EQ(mgpuStreamCreate(), nullptr);
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuStreamCreate: there is no GPU 2: found 2"});
  EXPECT_EQ(simplexirMgpuTakeError(nullptr), SIMPLEXIR_ERROR_NO_DEVICE);
}

TEST_F(MgpuTest, MemRefsThatCannotBe) {
  int64_t sparse[] = {0, 0x1000, 0, 3, 4, 8, 1};
  mgpuMemHostRegisterMemRef(2, sparse, 4);
  EXPECT_EQ(takeErrors(),
            Calls{"mgpuMemHostRegisterMemRef: stride 0 is 8, expected 4: only "
                  "dense memrefs can be registered"});
  int64_t strided[] = {0, 0x1000, 0, 3, 4, 8, 2};
  const int64_t box[] = {1, 1};
  auto encode = [&](int64_t rank, int64_t type) {
    EXPECT_EQ(
        mgpuTensorMapEncodeTiledMemref(rank, strided, type, 0, 0, 0, 0, box),
        nullptr);
    return takeErrors();
  };
  const std::string entry = "mgpuTensorMapEncodeTiledMemref: ";
  EXPECT_EQ(encode(2, 7),
            Calls{entry + "the innermost stride is 2, expected 1"});
  EXPECT_EQ(encode(6, 7), Calls{entry + "the rank is 6, expected 1 to 5"});
  EXPECT_EQ(encode(2, 13),
            Calls{entry + "the element type is 13, expected 0 to 12"});
  EXPECT_EQ(takeCalls(), Calls());
}

TEST_F(MgpuTest, AfterFork) {
  mgpuMemFree(image, nullptr); // the driver is in use
  takeCalls();
  pid_t child = fork();
  if (child == 0) {
    mgpuMemFree(image, nullptr);
    _exit(simplexirMgpuTakeError(nullptr));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), SIMPLEXIR_ERROR_AFTER_FORK);
}

} // namespace
