//===- HostLaunchTest.cpp - Launches by compiler-made host code -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"

#include "gtest/gtest.h"

#include <thread>

using namespace simplexir;
using namespace simplexir::test;

namespace {
class HostLaunch : public ::testing::Test {
protected:
  int launch(const char *name = "scale", int32_t target = 0) {
    return simplexirHostLaunch(
        bytes.data(), static_cast<int64_t>(bytes.size()), name, words.data(),
        static_cast<int64_t>(words.size()), target, nullptr);
  }
  static int64_t address(Array &array) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(array.data.data()));
  }

  std::string bytes = serialize(cpuArtifact());
  Array input{{8, 4}}, output{{8, 4}};
  std::vector<int64_t> words = {address(input),
                                address(input),
                                0,
                                8,
                                4,
                                4,
                                1,
                                address(output),
                                address(output),
                                0,
                                8,
                                4,
                                4,
                                1,
                                3};
};
} // namespace

TEST_F(HostLaunch, Runs) {
  for (int i = 0; i < 3; ++i) {
    output.data.assign(32, 0.0f);
    ASSERT_OK(launch());
    for (size_t j = 0; j < 32; ++j)
      EXPECT_EQ(output.data[j], input.data[j] * 8 + 0.5f);
  }
}

TEST_F(HostLaunch, Offsets) {
  // A view of rows 4 to 7, as memref.subview makes it.
  words[2] = 16;
  words[3] = words[10] = 4;
  ASSERT_OK(launch());
  EXPECT_EQ(output.data[0], input.data[16] * 8 + 0.5f);
}

TEST_F(HostLaunch, SameChecksAsALaunch) {
  words[10] = 7;
  EXPECT_ERROR(launch(), SIMPLEXIR_ERROR_SIGNATURE,
               "kernel 'scale', argument 'output': dimension 0 (rows) is 7, "
               "expected 8 as in argument 'input'");
  words[10] = 8;
  words[14] = int64_t(1) << 61;
  EXPECT_ERROR(launch(), SIMPLEXIR_ERROR_SIGNATURE, "argument 'power'");
}

TEST_F(HostLaunch, WrongCalls) {
  EXPECT_ERROR(launch("skale"), SIMPLEXIR_ERROR_NOT_FOUND, "no kernel 'skale'");
  EXPECT_ERROR(launch("scale", 2), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "the target is 2");
  words.pop_back();
  EXPECT_ERROR(launch(), SIMPLEXIR_ERROR_SIGNATURE,
               "found 14 argument words, expected 15");
  EXPECT_ERROR(simplexirHostLaunch(nullptr, 0, "scale", nullptr, 0, 0, nullptr),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_ERROR(
      simplexirHostLaunch(bytes.data(), -1, "scale", nullptr, 0, 0, nullptr),
      SIMPLEXIR_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_ERROR(simplexirHostLaunch(bytes.data(),
                                   static_cast<int64_t>(bytes.size()), "scale",
                                   nullptr, 15, 0, nullptr),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "words are null");
  EXPECT_ERROR(
      simplexirHostLaunch(bytes.data(), 20, "scale", nullptr, 0, 0, nullptr),
      SIMPLEXIR_ERROR_INVALID_ARTIFACT, "magic");
}

TEST_F(HostLaunch, MemoryThatHoldsAnotherArtifactLater) {
  ASSERT_OK(launch());
  Artifact other = cpuArtifact();
  other.kernels[0].name = "skale";
  std::string changed = serialize(other);
  ASSERT_EQ(changed.size(), bytes.size());
  bytes.replace(0, bytes.size(), changed);
  EXPECT_OK(launch("skale"));
  EXPECT_ERROR(launch("scale"), SIMPLEXIR_ERROR_NOT_FOUND, "'scale'");
}

TEST_F(HostLaunch, FromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this] {
      Array own{{8, 4}};
      std::vector<int64_t> mine = words;
      mine[7] = mine[8] = address(own);
      for (int repeat = 0; repeat < 100; ++repeat)
        ASSERT_EQ(simplexirHostLaunch(bytes.data(),
                                      static_cast<int64_t>(bytes.size()),
                                      "scale", mine.data(), 15, 0, nullptr),
                  0);
      EXPECT_EQ(own.data[31], input.data[31] * 8 + 0.5f);
    });
  for (std::thread &thread : threads)
    thread.join();
}
