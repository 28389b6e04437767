//===- FakeGpuMapTest.cpp - Tensor maps on a fake driver ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeGpuTest.h"

#include <thread>

using namespace simplexir;
using namespace simplexir::test;

namespace {
/// A launch of mapArtifact()'s kernel on memory that nobody touches.
class FakeGpuMap : public FakeGpu {
protected:
  FakeGpuMap() {
    artifact = load(mapArtifact());
    kernel = kernelOf(artifact, "mapped");
    // Words of the arguments, and if there are maps.
    fake.numParameters = 2 * 11 + 5 + 1;
    fake.numMaps = 2;
    // Memory of its own for each test: maps are kept.
    static uint64_t next = 1 << 20;
    base = next;
    next += 1 << 20;
    set(0, base);
    set(1, base + (1 << 16));
    set(2, base + (1 << 17));
    arguments[2].tensor.dtype = SIMPLEXIR_F32;
    arguments[2].tensor.rank = 1;
    arguments[2].tensor.strides = &one;
  }

  void set(int i, uint64_t address) {
    SimplexirArgument &argument = arguments[i];
    argument = {};
    argument.structSize = sizeof(argument);
    argument.kind = SIMPLEXIR_TENSOR;
    argument.tensor.data = reinterpret_cast<void *>(address);
    argument.tensor.shape = shape;
    argument.tensor.strides = strides;
    argument.tensor.rank = 4;
    argument.tensor.dtype = SIMPLEXIR_BF16;
    argument.tensor.deviceType = SIMPLEXIR_CUDA;
  }

  const FakeCuda::Launch &run() {
    SimplexirLaunchOptions options = gpuOptions();
    EXPECT_OK(simplexirKernelLaunch(kernel, arguments, 3, &options));
    EXPECT_EQ(fake.forbidden, 0);
    return fake.launches.back();
  }

  uint64_t base;
  int64_t shape[4] = {3, 1000, 2, 128}, strides[4] = {300000, 256, 128, 1};
  int64_t one = 1;
  SimplexirArgument arguments[3];
};
} // namespace

using Words = std::vector<int64_t>;

TEST_F(FakeGpuMap, MapsFollowTheWords) {
  const FakeCuda::Launch &seen = run();
  EXPECT_EQ(seen.parameters.back(), 1) << "there are maps";
  EXPECT_EQ(seen.parameters[11], int64_t(base + (1 << 16)));
  ASSERT_EQ(fake.maps.size(), 2u);
  // Columns, rows, heads, batches; strides in bytes.
  FakeCuda::Map expected{
      9, base, {128, 1000, 2, 3}, {512, 256, 600000}, {64, 128, 1, 1}, 3};
  EXPECT_EQ(fake.maps[0], expected);
  expected.address = base + (1 << 16);
  EXPECT_EQ(fake.maps[1], expected);
  ASSERT_EQ(seen.maps.size(), 2u);
  EXPECT_EQ(seen.maps[0], Words(16, int64_t(base)));
  EXPECT_EQ(seen.maps[1], Words(16, int64_t(base + (1 << 16))));
}

TEST_F(FakeGpuMap, EqualMapsAreMadeOnce) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(run().maps[1], Words(16, int64_t(base + (1 << 16))));
  EXPECT_EQ(fake.maps.size(), 2u);
  // Other kernels may use them too, and other threads make their own.
  artifact = load(mapArtifact());
  kernel = kernelOf(artifact, "mapped");
  run();
  EXPECT_EQ(fake.maps.size(), 2u);
  std::thread([&] { run(); }).join();
  EXPECT_EQ(fake.maps.size(), 4u);
  shape[1] = 999;
  run();
  EXPECT_EQ(fake.maps.size(), 6u);
  strides[1] = 264;
  run();
  EXPECT_EQ(fake.maps.size(), 8u);
  EXPECT_EQ(fake.maps.back().strides,
            (std::vector<uint64_t>{528, 256, 600000}));
  set(1, base + (1 << 16) + 16);
  EXPECT_EQ(run().maps[1], Words(16, int64_t(base + (1 << 16) + 16)));
  EXPECT_EQ(fake.maps.size(), 9u);
}

TEST_F(FakeGpuMap, StridesThatNobodySteps) {
  shape[0] = shape[1] = 1;
  strides[0] = 7;
  strides[1] = -3;
  EXPECT_EQ(run().parameters.back(), 1);
  EXPECT_EQ(fake.maps[0].extents, (std::vector<uint64_t>{128, 1, 2, 1}));
  EXPECT_EQ(fake.maps[0].strides, (std::vector<uint64_t>{256, 256, 256}));
}

TEST_F(FakeGpuMap, WhatNoMapCanSay) {
  auto expectNone = [&](const char *why) {
    size_t made = fake.maps.size();
    EXPECT_EQ(run().parameters.back(), 0) << why;
    EXPECT_EQ(fake.maps.size(), made) << why;
  };
  set(0, base + 8);
  expectNone("an address");
  set(0, base);
  strides[1] = 260; // 520 bytes
  expectNone("a stride");
  strides[1] = 256;
  strides[0] = 0;
  expectNone("a stride of 0");
  strides[0] = -300000;
  expectNone("a negative stride");
  strides[0] = int64_t(1) << 40;
  expectNone("a stride of 2^41 bytes");
  strides[0] = 300000;
  shape[1] = 0;
  expectNone("no rows");
  shape[1] = 1000;
  EXPECT_EQ(run().parameters.back(), 1);
}

TEST_F(FakeGpuMap, TheSecondMapCounts) {
  set(1, base + (1 << 16) + 8);
  EXPECT_EQ(run().parameters.back(), 0);
}

TEST_F(FakeGpuMap, ADriverThatRefuses) {
  fake.mapResult = 1;
  EXPECT_EQ(run().parameters.back(), 0);
}
