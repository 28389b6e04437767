//===- FakeGpuTest.cpp - Launches on a fake driver ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeGpuTest.h"

using namespace simplexir;
using namespace simplexir::test;

TEST_F(FakeGpu, ParametersAreTheWords) {
  ASSERT_OK(launch(gpuOptions()));
  ASSERT_EQ(fake.launches.size(), 1u);
  const FakeCuda::Launch &seen = fake.launches[0];
  EXPECT_EQ(seen.function, "twice");
  EXPECT_EQ(seen.grid, 8u);
  EXPECT_EQ(seen.block, 128u);
  EXPECT_EQ(seen.shared, 0u);
  auto word = [](Array &array) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(array.data.data()));
  };
  EXPECT_EQ(seen.parameters,
            (std::vector<int64_t>{word(x), word(x), 0, 1000, 1, word(y),
                                  word(y), 0, 1000, 1}));
  EXPECT_EQ(fake.forbidden, 0);
}

TEST_F(FakeGpu, EmptyGridLaunchesNothing) {
  x.shape[0] = y.shape[0] = 0;
  ASSERT_OK(launch(gpuOptions()));
  EXPECT_TRUE(fake.launches.empty());
}

TEST_F(FakeGpu, ContextOfTheStream) {
  FakeCuda::Context *mine = makeFakeContext(1), *other = makeFakeContext(0);
  FakeCuda::Stream stream{mine};
  fake.current = {other};
  arguments[0].tensor.deviceId = arguments[1].tensor.deviceId = 1;
  ASSERT_OK(launch(gpuOptions(&stream, 1)));
  EXPECT_EQ(fake.launches[0].context, mine);
  EXPECT_EQ(fake.launches[0].stream, &stream);
  EXPECT_EQ(fake.current, (std::vector<FakeCuda::Context *>{other}));
  EXPECT_ERROR(launch(gpuOptions(&stream, 0)), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "the stream belongs to GPU 1, but deviceId is 0");
  EXPECT_EQ(fake.current, (std::vector<FakeCuda::Context *>{other}));
  ASSERT_OK(launch(gpuOptions(&stream, -1)));
}

TEST_F(FakeGpu, CurrentContextOrPrimary) {
  FakeCuda::Context *mine = makeFakeContext(0);
  fake.current = {mine};
  ASSERT_OK(launch(gpuOptions()));
  EXPECT_EQ(fake.launches[0].context, mine);
  // The stream's context is the current one.
  FakeCuda::Stream stream{mine};
  ASSERT_OK(launch(gpuOptions(&stream)));
  EXPECT_EQ(fake.launches.back().context, mine);
  EXPECT_EQ(fake.current, (std::vector<FakeCuda::Context *>{mine}));
  fake.launches.pop_back();
  arguments[0].tensor.deviceId = arguments[1].tensor.deviceId = 1;
  ASSERT_OK(launch(gpuOptions(nullptr, 1)));
  EXPECT_EQ(fake.launches[1].context, fake.primary[1]);
  EXPECT_EQ(fake.current, (std::vector<FakeCuda::Context *>{mine}));
  fake.current.clear();
  ASSERT_OK(launch(gpuOptions(nullptr, 1)));
  EXPECT_TRUE(fake.current.empty());
  // The handles of the default streams.
  for (uintptr_t handle : {1, 2})
    ASSERT_OK(launch(gpuOptions(reinterpret_cast<void *>(handle), 1)));
}

TEST_F(FakeGpu, OneModuleAContext) {
  FakeCuda::Stream first{makeFakeContext(0)}, second{makeFakeContext(0)};
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(launch(gpuOptions(&first)));
    ASSERT_OK(launch(gpuOptions(&second)));
  }
  EXPECT_EQ(fake.loaded.size(), 2u);
  EXPECT_EQ(fake.loaded[0], gpuArtifact().images[0].data);
  artifact.reset();
  EXPECT_EQ(fake.unloads, 2);
  EXPECT_TRUE(fake.current.empty());
}

TEST_F(FakeGpu, NewContextAtAnOldAddress) {
  FakeCuda::Context *context = makeFakeContext(0);
  FakeCuda::Stream stream{context};
  ASSERT_OK(launch(gpuOptions(&stream)));
  context->id = 1000000;
  ASSERT_OK(launch(gpuOptions(&stream)));
  EXPECT_EQ(fake.loaded.size(), 2u);
  artifact.reset();
  EXPECT_EQ(fake.unloads, 1) << "the old context took its module along";
}

TEST_F(FakeGpu, KernelsShareAModule) {
  Artifact contents = gpuArtifact();
  contents.kernels.push_back(contents.kernels[0]);
  contents.kernels[1].name = "thrice";
  use(contents);
  SimplexirLaunchOptions options = gpuOptions();
  ASSERT_OK(simplexirKernelPrepare(kernel, &options));
  ASSERT_OK(simplexirKernelPrepare(kernelOf(artifact, "thrice"), &options));
  EXPECT_EQ(fake.loaded.size(), 1u);
}

TEST_F(FakeGpu, PreparedLaunchLoadsNothing) {
  SimplexirLaunchOptions options = gpuOptions();
  ASSERT_OK(simplexirKernelPrepare(kernel, &options));
  fake.moduleLoadResult = 900;
  ASSERT_OK(launch(options));
}

TEST_F(FakeGpu, BestImageIsLoaded) {
  Artifact contents = gpuArtifact();
  contents.images.push_back({ImageKind::Cubin, "sm_90a", 12000, "hopper"});
  contents.images.push_back({ImageKind::Cubin, "sm_80", 11000, "ampere"});
  KernelImage image = contents.kernels[0].images[0];
  image.image = 1;
  image.grid = {{Extent::dim(0), 64}};
  image.blockSize = 384;
  image.sharedMemory = 200 * 1024;
  contents.kernels[0].images.push_back(image);
  image.image = 2;
  contents.kernels[0].images.push_back(image);
  use(contents);
  ASSERT_OK(launch(gpuOptions()));
  EXPECT_EQ(fake.loaded, (std::vector<std::string>{"hopper"}));
  EXPECT_EQ(fake.launches[0].grid, 16u);
  EXPECT_EQ(fake.launches[0].block, 384u);
  EXPECT_EQ(fake.launches[0].shared, 200u * 1024);
  EXPECT_EQ(fake.maxDynamicShared, 200 * 1024);
}

/// `twice` of gpuArtifact(), 128 elements a work item, with resident blocks.
static Artifact residentArtifact(uint32_t blocks) {
  Artifact contents = gpuArtifact();
  contents.kernels[0].images[0].residentBlocks = blocks;
  return contents;
}

TEST_F(FakeGpu, ResidentBlocksBoundTheGrid) {
  struct {
    uint32_t blocks;
    int device;
    unsigned items, grid;
  } const cases[] = {
      {0, 0, 1000, 1000}, // a block for each item
      {1, 0, 8, 8},       // fewer items than blocks
      {1, 0, 131, 131},
      {1, 0, 132, 132},
      {1, 0, 133, 132},
      {1, 0, 1000, 132},
      {2, 0, 263, 263},
      {2, 0, 1000, 264},
      {32, 0, 5000, 4224},
      // The other device has 2 multiprocessors.
      {0, 1, 1000, 1000},
      {1, 1, 1, 1},
      {1, 1, 1000, 2},
      {3, 1, 1000, 6},
  };
  for (const auto &c : cases) {
    use(residentArtifact(c.blocks));
    fake.launches.clear();
    x.shape[0] = y.shape[0] = c.items * 128;
    arguments[0].tensor.deviceId = arguments[1].tensor.deviceId = c.device;
    ASSERT_OK(launch(gpuOptions(nullptr, c.device)));
    ASSERT_EQ(fake.launches.size(), 1u);
    EXPECT_EQ(fake.launches[0].grid, c.grid)
        << c.items << " items, " << c.blocks << " resident blocks, GPU "
        << c.device;
    EXPECT_EQ(fake.launches[0].block, 128u);
  }
}

TEST_F(FakeGpu, ResidentBlocksOfOneArtifactOnTwoDevices) {
  use(residentArtifact(2));
  x.shape[0] = y.shape[0] = 1000 * 128;
  for (int repeat = 0; repeat < 2; ++repeat)
    for (int device = 0; device < 2; ++device) {
      FakeCuda::Stream stream{makeFakeContext(device)};
      arguments[0].tensor.deviceId = arguments[1].tensor.deviceId = device;
      ASSERT_OK(launch(gpuOptions(nullptr, device)));
      ASSERT_OK(launch(gpuOptions(&stream, -1)));
    }
  std::vector<unsigned> grids;
  for (const FakeCuda::Launch &seen : fake.launches)
    grids.push_back(seen.grid);
  EXPECT_EQ(grids, (std::vector<unsigned>{264, 264, 4, 4, 264, 264, 4, 4}));
}

TEST_F(FakeGpu, ResidentLaunchAsksTheDeviceNothing) {
  use(residentArtifact(1));
  SimplexirLaunchOptions options = gpuOptions();
  ASSERT_OK(simplexirKernelPrepare(kernel, &options));
  fake.attributeQueries = 0;
  ASSERT_OK(launch(options));
  EXPECT_EQ(fake.attributeQueries, 0);
  EXPECT_EQ(fake.forbidden, 0);
}

TEST_F(FakeGpu, EmptyGridOfResidentBlocksLaunchesNothing) {
  use(residentArtifact(1));
  x.shape[0] = y.shape[0] = 0;
  ASSERT_OK(launch(gpuOptions()));
  EXPECT_TRUE(fake.launches.empty());
}

TEST_F(FakeGpu, ArtifactOfVersion1) {
  const std::string &bytes = versionOneBytes();
  SimplexirArtifact *loaded = nullptr;
  ASSERT_OK(simplexirArtifactLoadMemory(bytes.data(), bytes.size(), &loaded));
  artifact.reset(loaded);
  kernel = kernelOf(artifact, "twice");
  x.shape[0] = y.shape[0] = 64 * 1000;
  ASSERT_OK(launch(gpuOptions()));
  EXPECT_EQ(fake.loaded, (std::vector<std::string>{"a cubin"}));
  ASSERT_EQ(fake.launches.size(), 1u);
  EXPECT_EQ(fake.launches[0].function, "twice_sm90");
  EXPECT_EQ(fake.launches[0].grid, 2000u) << "a block for each item";
  EXPECT_EQ(fake.launches[0].block, 384u);
  EXPECT_EQ(fake.launches[0].shared, 200u * 1024);
}

TEST_F(FakeGpu, HostLaunch) {
  static const std::string bytes = serialize(gpuArtifact());
  int64_t words[] = {4096, 4096, 0, 1000, 1, 8192, 4096, 1024, 1000, 1};
  FakeCuda::Stream stream{makeFakeContext(1)};
  ASSERT_OK(simplexirHostLaunch(bytes.data(),
                                static_cast<int64_t>(bytes.size()), "twice",
                                words, 10, 1, &stream));
  ASSERT_EQ(fake.launches.size(), 1u);
  EXPECT_EQ(fake.launches[0].stream, &stream);
  EXPECT_EQ(
      fake.launches[0].parameters,
      (std::vector<int64_t>{4096, 4096, 0, 1000, 1, 8192, 8192, 0, 1000, 1}));
  ASSERT_OK(simplexirHostLaunch(bytes.data(),
                                static_cast<int64_t>(bytes.size()), "twice",
                                words, 10, 1, nullptr));
}
