//===- SignatureTest.cpp - What a launch says of wrong arguments ----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signature.h"
#include "TestArtifact.h"

#include "gtest/gtest.h"

using namespace simplexir;
using namespace simplexir::test;

namespace {
class Signature : public ::testing::Test {
protected:
  SimplexirStatus launch() {
    return simplexirKernelLaunch(kernel, arguments, 3, nullptr);
  }

  Array input{{8, 4}}, output{{8, 4}};
  SimplexirArgument arguments[3] = {input.argument(), output.argument(),
                                    indexArgument(1)};
  ArtifactHandle artifact = load(cpuArtifact());
  SimplexirKernel *kernel = kernelOf(artifact, "scale");
};
} // namespace

#define EXPECT_MISMATCH(text)                                                  \
  EXPECT_ERROR(launch(), SIMPLEXIR_ERROR_SIGNATURE, "kernel 'scale', " text)

TEST_F(Signature, Fits) {
  ASSERT_OK(launch());
  for (size_t i = 0; i < output.data.size(); ++i)
    EXPECT_EQ(output.data[i], input.data[i] * 2 + 0.5f);
}

TEST_F(Signature, Count) {
  EXPECT_ERROR(simplexirKernelLaunch(kernel, arguments, 2, nullptr),
               SIMPLEXIR_ERROR_SIGNATURE,
               "kernel 'scale': found 2 arguments, expected 3");
  EXPECT_ERROR(simplexirKernelLaunch(kernel, nullptr, 3, nullptr),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "arguments are null");
}

TEST_F(Signature, Kind) {
  arguments[0].kind = SIMPLEXIR_INDEX;
  EXPECT_MISMATCH("argument 'input': found an index, expected a tensor");
  arguments[0].kind = 7;
  EXPECT_MISMATCH("argument 'input': found an unknown kind, expected a tensor");
  arguments[0] = input.argument();
  arguments[2].kind = SIMPLEXIR_TENSOR;
  EXPECT_MISMATCH("argument 'power': found a tensor, expected an index");
}

TEST_F(Signature, StructSize) {
  arguments[0].structSize = 8;
  EXPECT_ERROR(launch(), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "structSize of argument 0 is 8");
  arguments[0].structSize = sizeof(SimplexirArgument);
  arguments[1].structSize = 0;
  EXPECT_ERROR(launch(), SIMPLEXIR_ERROR_INVALID_ARGUMENT,
               "structSize of argument 1 is 0");
}

TEST_F(Signature, LongerStructsOfLaterVersions) {
  struct Later {
    SimplexirArgument argument;
    int64_t more[3];
  } later[3] = {};
  for (int i = 0; i < 3; ++i) {
    later[i].argument = arguments[i];
    later[i].argument.structSize = sizeof(Later);
  }
  ASSERT_OK(simplexirKernelLaunch(kernel, &later[0].argument, 3, nullptr));
  EXPECT_EQ(output.data[3], 6.5f);
}

TEST_F(Signature, Device) {
  arguments[0].tensor.deviceType = SIMPLEXIR_CUDA;
  arguments[0].tensor.deviceId = 2;
  EXPECT_MISMATCH("argument 'input': found a tensor on cuda:2, expected cpu");
  arguments[0].tensor.deviceType = 9;
  EXPECT_MISMATCH("argument 'input': found a tensor on unknown device type 9");
}

TEST_F(Signature, ElementType) {
  arguments[1].tensor.dtype = SIMPLEXIR_BF16;
  EXPECT_MISMATCH("argument 'output': found element type bf16, expected f32");
  arguments[1].tensor.dtype = -1;
  EXPECT_MISMATCH("argument 'output': found element type unknown type -1");
}

TEST_F(Signature, Rank) {
  arguments[1].tensor.rank = 3;
  EXPECT_MISMATCH("argument 'output': found rank 3, expected 2");
  arguments[1].tensor.rank = -1;
  EXPECT_MISMATCH("argument 'output': found rank -1, expected 2");
}

TEST_F(Signature, NullShape) {
  arguments[0].tensor.shape = nullptr;
  EXPECT_MISMATCH("argument 'input': its shape or strides are a null pointer");
}

TEST_F(Signature, NamedDimensions) {
  output.shape[0] = 7;
  EXPECT_MISMATCH("argument 'output': dimension 0 (rows) is 7, expected 8 as "
                  "in argument 'input'");
}

TEST_F(Signature, ConstantDimensions) {
  Artifact changed = cpuArtifact();
  changed.kernels[0].arguments[0].dims[1] = Extent::constant(16);
  artifact = load(changed);
  kernel = kernelOf(artifact, "scale");
  EXPECT_MISMATCH("argument 'input': dimension 1 is 4, expected 16");
}

TEST_F(Signature, Extents) {
  input.shape[0] = -1;
  EXPECT_MISMATCH("argument 'input': dimension 0 is -1, expected 0 to 2^31");
  input.shape[0] = int64_t(1) << 31;
  EXPECT_MISMATCH("argument 'input': dimension 0 is 2147483648, expected");
}

TEST_F(Signature, InnermostStride) {
  input.strides[1] = 2;
  EXPECT_MISMATCH("argument 'input': the innermost stride is 2, expected 1");
  input.shape[1] = output.shape[1] = 1;
  EXPECT_OK(launch()) << "nothing is stepped over";
}

TEST_F(Signature, AnyInnermostStrideIfTheKernelSaysSo) {
  Artifact changed = cpuArtifact();
  changed.kernels[0].arguments[0].innermostContiguous = false;
  artifact = load(changed);
  kernel = kernelOf(artifact, "scale");
  input.strides = {0, -1};
  arguments[0].tensor.data = &input.data[4];
  EXPECT_OK(launch());
}

TEST_F(Signature, Alignment) {
  arguments[0].tensor.data = reinterpret_cast<char *>(input.data.data()) + 2;
  EXPECT_MISMATCH("argument 'input': the address 0x");
  EXPECT_MISMATCH("argument 'input': ");
}

TEST_F(Signature, AlignmentOfRows) {
  Artifact changed = cpuArtifact();
  changed.kernels[0].arguments[0].alignment = 16;
  artifact = load(changed);
  kernel = kernelOf(artifact, "scale");
  input.strides[0] = 3;
  EXPECT_MISMATCH("argument 'input': stride 0 is 3 elements or 12 bytes, "
                  "expected a multiple of 16 bytes");
}

TEST_F(Signature, NullPointers) {
  arguments[0].tensor.data = nullptr;
  EXPECT_MISMATCH("argument 'input': found a null pointer, expected memory");
  arguments[1].tensor.data = nullptr;
  input.shape[0] = output.shape[0] = 0;
  EXPECT_OK(launch()) << "empty tensors need no memory";
}

TEST_F(Signature, CoincidingOutput) {
  output.strides[0] = 0;
  EXPECT_MISMATCH("argument 'output': stride 0 is 0, but the elements of an "
                  "output must not coincide");
  output.strides[0] = 4;
  input.strides[0] = 0;
  EXPECT_OK(launch()) << "a broadcast input is fine";
}

TEST_F(Signature, Spans) {
  for (int64_t stride : {INT64_MAX, INT64_MIN, int64_t(1) << 61}) {
    input.strides[0] = stride;
    EXPECT_MISMATCH("argument 'input': stride 0 is ");
  }
}

TEST_F(Signature, IndexRange) {
  arguments[2].index = (int64_t(1) << 60) + 1;
  EXPECT_MISMATCH("argument 'power': found 1152921504606846977, expected an "
                  "index of at most 2^60 in magnitude");
  arguments[2].index = INT64_MIN;
  EXPECT_MISMATCH("argument 'power': found -9223372036854775808");
}

TEST_F(Signature, Info) {
  EXPECT_STREQ(simplexirKernelName(kernel), "scale");
  EXPECT_EQ(simplexirKernelNumArguments(kernel), 3u);
  SimplexirArgumentInfo info = {};
  EXPECT_ERROR(simplexirKernelArgumentInfo(kernel, 0, &info),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "structSize");
  info.structSize = sizeof(info);
  ASSERT_OK(simplexirKernelArgumentInfo(kernel, 1, &info));
  EXPECT_STREQ(info.name, "output");
  EXPECT_EQ(info.kind, SIMPLEXIR_TENSOR);
  EXPECT_EQ(info.dtype, SIMPLEXIR_F32);
  EXPECT_EQ(info.rank, 2);
  EXPECT_TRUE(info.isOutput && info.innermostContiguous);
  EXPECT_EQ(info.alignment, 4u);
  EXPECT_EQ(info.extents[1], -1);
  EXPECT_STREQ(info.dimNames[1], "cols");
  ASSERT_OK(simplexirKernelArgumentInfo(kernel, 2, &info));
  EXPECT_EQ(info.kind, SIMPLEXIR_INDEX);
  EXPECT_ERROR(simplexirKernelArgumentInfo(kernel, 3, &info),
               SIMPLEXIR_ERROR_NOT_FOUND, "kernel 'scale' has 3");
}

TEST(WorkItems, ProductOfCeilings) {
  Kernel kernel;
  kernel.name = "k";
  KernelImage image;
  int64_t dims[2] = {100, 0}, total = -1;
  EXPECT_TRUE(countWorkItems(kernel, image, dims, total).ok());
  EXPECT_EQ(total, 1);
  image.grid = {{Extent::dim(0), 32}, {Extent::constant(7), 2}};
  EXPECT_TRUE(countWorkItems(kernel, image, dims, total).ok());
  EXPECT_EQ(total, 16);
  dims[0] = INT32_MAX;
  image.grid.assign(3, {Extent::dim(0), 1});
  EXPECT_EQ(countWorkItems(kernel, image, dims, total).code,
            SIMPLEXIR_ERROR_RESOURCES);
  image.grid.push_back({Extent::dim(1), 5});
  EXPECT_TRUE(countWorkItems(kernel, image, dims, total).ok());
  EXPECT_EQ(total, 0);
}
