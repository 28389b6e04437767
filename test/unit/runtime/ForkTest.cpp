//===- ForkTest.cpp - What a forked child hears ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"
#include "simplexir-runtime-gpu-tools.h"

#include "gtest/gtest.h"

#include <sys/wait.h>
#include <unistd.h>

using namespace simplexir;
using namespace simplexir::test;

/// Runs `body` in a forked child and returns its result (0 to 255).
template <typename Body>
static int inChild(Body &&body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(20); // a child that hangs is a failure, not a stuck test
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Fork, EveryEntryAnswersWithAnError) {
  ArtifactHandle artifact = load(cpuArtifact());
  std::string bytes = serialize(cpuArtifact());
  SimplexirKernel *kernel = kernelOf(artifact, "scale");
  Array input{{64, 4}}, output{{64, 4}};
  SimplexirArgument arguments[3] = {input.argument(), output.argument(),
                                    indexArgument(1)};
  // Threads exist when the fork happens.
  ASSERT_OK(simplexirKernelLaunch(kernel, arguments, 3, nullptr));

  int failed = inChild([&]() -> int {
    SimplexirArtifact *other = nullptr;
    uint64_t size;
    int32_t count;
    void *pointer;
    int64_t word = 0;
    int32_t codes[] = {
        simplexirKernelLaunch(kernel, arguments, 3, nullptr),
        simplexirKernelPrepare(kernel, nullptr),
        simplexirKernelWorkspaceSize(kernel, nullptr, &size),
        simplexirArtifactLoadMemory(bytes.data(), bytes.size(), &other),
        simplexirArtifactLoadFile("/nowhere", &other),
        simplexirSetNumThreads(2),
        simplexirHostLaunch(bytes.data(), static_cast<int64_t>(bytes.size()),
                            "scale", &word, 1, 0, nullptr),
        simplexirGpuCount(&count),
        simplexirGpuAlloc(0, 16, &pointer),
    };
    int index = 1;
    for (int32_t code : codes) {
      if (code != SIMPLEXIR_ERROR_AFTER_FORK)
        return index;
      ++index;
    }
    std::string message = simplexirLastError();
    if (message.find("forked after the runtime was used") == std::string::npos)
      return 100;
    if (simplexirGetNumThreads() != 1)
      return 101;
    artifact.reset(); // harmless
    return 0;
  });
  EXPECT_EQ(failed, 0);
  EXPECT_OK(simplexirKernelLaunch(kernel, arguments, 3, nullptr))
      << "the parent goes on";
}
