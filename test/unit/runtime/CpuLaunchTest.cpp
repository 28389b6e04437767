//===- CpuLaunchTest.cpp - Launches on threads and executors --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"

#include "gtest/gtest.h"

#include <sys/resource.h>
#include <thread>

using namespace simplexir;
using namespace simplexir::test;

namespace {
class CpuLaunch : public ::testing::Test {
protected:
  ~CpuLaunch() override { (void)simplexirSetNumThreads(0); }

  /// Launches `count` over `items` and expects each to be done exactly once.
  void expectOnce(int64_t items, const SimplexirLaunchOptions &options) {
    std::vector<double> counts(static_cast<size_t>(items), 0.0);
    ASSERT_OK(launchCount(counts, options));
    for (double count : counts)
      ASSERT_EQ(count, 1.0);
  }
  SimplexirStatus launchCount(std::vector<double> &counts,
                              const SimplexirLaunchOptions &options) {
    int64_t shape = static_cast<int64_t>(counts.size()), stride = 1;
    SimplexirArgument argument = {};
    argument.structSize = sizeof(argument);
    argument.tensor.data = counts.data();
    argument.tensor.shape = &shape;
    argument.tensor.strides = &stride;
    argument.tensor.rank = 1;
    argument.tensor.dtype = SIMPLEXIR_F64;
    return simplexirKernelLaunch(kernelOf(artifact, "count"), &argument, 1,
                                 &options);
  }

  ArtifactHandle artifact = load(cpuArtifact());
};
} // namespace

TEST_F(CpuLaunch, EveryItemOnce) {
  for (int32_t threads : {1, 2, 3, 8, 33})
    for (int64_t items : {0, 1, 2, 7, 64, 1000, 100003}) {
      ASSERT_OK(simplexirSetNumThreads(threads));
      EXPECT_EQ(simplexirGetNumThreads(), threads);
      expectOnce(items, cpuOptions());
      SimplexirLaunchOptions options = cpuOptions();
      options.numThreads = 5;
      expectOnce(items, options);
    }
}

TEST_F(CpuLaunch, FromManyThreadsAtOnce) {
  ASSERT_OK(simplexirSetNumThreads(4));
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([this] {
      for (int repeat = 0; repeat < 50; ++repeat)
        expectOnce(1 + repeat * 37, cpuOptions());
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST_F(CpuLaunch, NumbersOfThreads) {
  EXPECT_ERROR(simplexirSetNumThreads(-1), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "is -1, expected 0 to 65536");
  ASSERT_OK(simplexirSetNumThreads(0));
  EXPECT_GE(simplexirGetNumThreads(), 1);
}

namespace {
/// An embedder's executor: one new thread a task, or none at all.
struct TestExecutor {
  enum class Mode { Threads, Serial, Backwards, OnlyLast, Nothing } mode;
  int64_t calls = 0, tasks = 0;

  static void run(void *context, int64_t numTasks, SimplexirTask task,
                  void *taskContext) {
    auto *self = static_cast<TestExecutor *>(context);
    ++self->calls;
    self->tasks = numTasks;
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < numTasks; ++i)
      switch (self->mode) {
      case Mode::Threads:
        threads.emplace_back(task, taskContext, i);
        break;
      case Mode::Serial:
        task(taskContext, i);
        break;
      case Mode::Backwards:
        task(taskContext, numTasks - 1 - i);
        break;
      case Mode::OnlyLast:
        if (i + 1 == numTasks)
          task(taskContext, i);
        break;
      case Mode::Nothing:
        break;
      }
    for (std::thread &thread : threads)
      thread.join();
  }
};
} // namespace

static SimplexirExecutor executorOf(TestExecutor &test) {
  SimplexirExecutor executor = {};
  executor.structSize = sizeof(executor);
  executor.context = &test;
  executor.run = TestExecutor::run;
  executor.numThreads = 6;
  return executor;
}

TEST_F(CpuLaunch, Executor) {
  using Mode = TestExecutor::Mode;
  for (Mode mode :
       {Mode::Threads, Mode::Serial, Mode::Backwards, Mode::OnlyLast}) {
    TestExecutor test{mode};
    SimplexirExecutor executor = executorOf(test);
    SimplexirLaunchOptions options = cpuOptions();
    options.executor = &executor;
    expectOnce(1000, options);
    EXPECT_EQ(test.calls, 1);
    EXPECT_EQ(test.tasks, 6);
    expectOnce(2, options);
    EXPECT_EQ(test.tasks, 2) << "no more tasks than work";
    options.numThreads = 3;
    expectOnce(1000, options);
    EXPECT_EQ(test.tasks, 3);
    expectOnce(0, options);
    EXPECT_EQ(test.calls, 3) << "nothing to do";
  }
}

TEST_F(CpuLaunch, ExecutorThatDoesNothing) {
  TestExecutor test{TestExecutor::Mode::Nothing};
  SimplexirExecutor executor = executorOf(test);
  SimplexirLaunchOptions options = cpuOptions();
  options.executor = &executor;
  std::vector<double> counts(10, 0.0);
  EXPECT_ERROR(launchCount(counts, options), SIMPLEXIR_ERROR_EXECUTOR,
               "0 of 10 work items were done");
}

TEST_F(CpuLaunch, ExecutorThatThrows) {
  SimplexirExecutor executor = {};
  executor.structSize = sizeof(executor);
  executor.run = [](void *, int64_t, SimplexirTask, void *) { throw 1; };
  executor.numThreads = 2;
  SimplexirLaunchOptions options = cpuOptions();
  options.executor = &executor;
  std::vector<double> counts(10, 0.0);
  EXPECT_ERROR(launchCount(counts, options), SIMPLEXIR_ERROR_INTERNAL,
               "internal");
}

TEST_F(CpuLaunch, BadOptions) {
  std::vector<double> counts(10, 0.0);
  TestExecutor test{TestExecutor::Mode::Serial};
  SimplexirExecutor executor = executorOf(test);
  auto expect = [&](SimplexirLaunchOptions options, const char *text) {
    EXPECT_ERROR(launchCount(counts, options), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
                 text);
  };
  SimplexirLaunchOptions options = cpuOptions();
  options.structSize = 4;
  expect(options, "structSize of SimplexirLaunchOptions is 4");
  options = cpuOptions();
  options.deviceType = 5;
  expect(options, "deviceType is 5");
  options = cpuOptions();
  options.numThreads = -2;
  expect(options, "numThreads is -2");
  options = cpuOptions();
  options.flags = 6;
  expect(options, "flags is 0x6, expected SimplexirLaunchFlags only");
  options = cpuOptions();
  options.stream = &options;
  expect(options, "takes no stream");
  options = gpuOptions();
  options.executor = &executor;
  expect(options, "takes no executor");
  options = cpuOptions();
  options.executor = &executor;
  executor.structSize = 1;
  expect(options, "structSize of SimplexirExecutor is 1");
  executor = executorOf(test);
  executor.run = nullptr;
  expect(options, "needs a run function");
  executor = executorOf(test);
  executor.numThreads = 0;
  expect(options, "at least 1 thread");
}

TEST_F(CpuLaunch, Workspace) {
  ASSERT_OK(simplexirSetNumThreads(3));
  SimplexirKernel *scale = kernelOf(artifact, "scale");
  Array input{{100, 250}}, output{{100, 250}};
  SimplexirArgument arguments[3] = {input.argument(), output.argument(),
                                    indexArgument(2)};
  SimplexirLaunchOptions options = cpuOptions();
  uint64_t bytes = 0;
  ASSERT_OK(simplexirKernelWorkspaceSize(scale, &options, &bytes));
  EXPECT_EQ(bytes, 3u * 1024) << "three threads, 1000 bytes padded to 64";

  std::vector<char> memory(bytes + 64 + 64, 'x');
  auto address = reinterpret_cast<uintptr_t>(memory.data());
  char *aligned = memory.data() + (64 - address % 64);
  options.workspace = aligned;
  options.workspaceSize = bytes;
  ASSERT_OK(simplexirKernelLaunch(scale, arguments, 3, &options));
  for (size_t i = 0; i < output.data.size(); ++i)
    ASSERT_EQ(output.data[i], input.data[i] * 4 + 0.5f);
  for (char *c = aligned + bytes; c < memory.data() + memory.size(); ++c)
    EXPECT_EQ(*c, 'x') << "written past the workspace";

  options.workspaceSize = bytes - 1;
  EXPECT_ERROR(simplexirKernelLaunch(scale, arguments, 3, &options),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "has 3071 bytes, expected at least 3072");
  options.workspace = aligned + 8;
  options.workspaceSize = bytes;
  EXPECT_ERROR(simplexirKernelLaunch(scale, arguments, 3, &options),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "not aligned to 64 bytes");
}

TEST_F(CpuLaunch, WithoutWorkspaceOnAnExecutor) {
  TestExecutor test{TestExecutor::Mode::Threads};
  SimplexirExecutor executor = executorOf(test);
  SimplexirLaunchOptions options = cpuOptions();
  options.executor = &executor;
  Array input{{100, 250}}, output{{100, 250}};
  SimplexirArgument arguments[3] = {input.argument(), output.argument(),
                                    indexArgument(0)};
  ASSERT_OK(simplexirKernelLaunch(kernelOf(artifact, "scale"), arguments, 3,
                                  &options));
  EXPECT_EQ(output.data.back(), input.data.back() + 0.5f);
}

// A sanitizer ends the program instead of returning null.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#endif

#ifndef HAS_SANITIZER
TEST_F(CpuLaunch, TooMuchWorkspace) {
  Artifact greedy = cpuArtifact();
  greedy.kernels[1].images[0].workspacePerThread = uint64_t(1) << 40;
  artifact = load(greedy);
  ASSERT_OK(simplexirSetNumThreads(1));
  // Systems that overcommit would hand out even this.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = rlim_t(1) << 39;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &lower), 0);
  std::vector<double> counts(3, 0.0);
  EXPECT_ERROR(launchCount(counts, cpuOptions()), SIMPLEXIR_ERROR_OUT_OF_MEMORY,
               "no memory for 1099511627776 bytes of workspace");
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
}
#endif
