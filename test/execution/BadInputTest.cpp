//===- BadInputTest.cpp - What a compiled attention refuses ----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches of compiled kernels through the C interface with tensors that they
// cannot take, on the CPU and, where there is one, on a GPU. What they can take
// though it is slow (odd offsets, gaps) is in `simplex-sweep --soak`.
//
//===----------------------------------------------------------------------===//

#include "Case.h"
#include "Execution.h"
#include "Memory.h"
#include "Tool.h"

#include "simplexir-runtime-gpu-tools.h"

#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace simplexir;
using sweep::Case;

namespace {

/// bf16, B 2, Sq 5, Sk 6, H 4, Hk 2, D 16: query, k1, k2, v1, v2, out, lse.
class BadInput : public testing::TestWithParam<bool> {
protected:
  static constexpr int kQuery = 0, kSecondKey = 2, kOut = 5, kLse = 6;

  void SetUp() override {
    int32_t count = 0;
    if (isGpu() && (simplexirGpuCount(&count) || count == 0))
      GTEST_SKIP() << "no GPU: " << simplexirLastError();
    llvm::cantFail(memory.open());
    Case c;
    c.element = reference::ElementType::BF16;
    c.windows = {2, 4};
    c.heads = 4;
    c.kvHeads = 2;
    ToolContext context;
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>(c.getModule(), &context.get());
    ASSERT_TRUE(module);
    CompileOptions options;
    options.chips = {llvm::cantFail(run::findChip(isGpu(), 0))};
    ASSERT_TRUE(succeeded(outlineFunctions(*module, options)));
    auto result = compileKernels(*module, options);
    ASSERT_TRUE(succeeded(result));
    ASSERT_EQ(simplexirArtifactLoadMemory(result->artifact.data(),
                                          result->artifact.size(), &artifact),
              SIMPLEXIR_OK);
    kernel = simplexirArtifactKernelAt(artifact, 0);
    shapes = {{2, 5, 4, 16}, {2, 6, 2, 16}, {2, 6, 2, 16}, {2, 6, 2, 16},
              {2, 6, 2, 16}, {2, 5, 4, 16}, {2, 4, 5}};
    for (std::vector<int64_t> &shape : shapes) {
      std::vector<int64_t> stride(shape.size(), 1);
      for (size_t i = shape.size(); i-- > 1;)
        stride[i - 1] = stride[i] * shape[i];
      strides.push_back(stride);
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      SimplexirArgument argument = {};
      argument.structSize = sizeof(argument);
      argument.kind = SIMPLEXIR_TENSOR;
      argument.tensor.data = memory.allocate(1 << 16);
      argument.tensor.shape = shapes[i].data();
      argument.tensor.strides = strides[i].data();
      argument.tensor.rank = static_cast<int32_t>(shapes[i].size());
      argument.tensor.dtype = i == kLse ? SIMPLEXIR_F32 : SIMPLEXIR_BF16;
      argument.tensor.deviceType = isGpu() ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
      arguments.push_back(argument);
    }
  }
  void TearDown() override { simplexirArtifactDestroy(artifact); }

  bool isGpu() const { return GetParam(); }

  std::string launch() {
    SimplexirLaunchOptions options = {};
    options.structSize = sizeof(options);
    options.deviceType = isGpu() ? SIMPLEXIR_CUDA : SIMPLEXIR_CPU;
    options.stream = memory.getStream();
    SimplexirStatus status = simplexirKernelLaunch(kernel, arguments.data(),
                                                   arguments.size(), &options);
    llvm::cantFail(memory.synchronize());
    if (status == SIMPLEXIR_OK)
      return "";
    return std::string(simplexirStatusName(status)) + ": " +
           simplexirLastError();
  }
  void move(int argument, int bytes) {
    SimplexirTensor &tensor = arguments[argument].tensor;
    tensor.data = static_cast<char *>(tensor.data) + bytes;
  }

  run::Memory memory{GetParam(), 0};
  SimplexirArtifact *artifact = nullptr;
  SimplexirKernel *kernel = nullptr;
  std::vector<std::vector<int64_t>> shapes, strides;
  std::vector<SimplexirArgument> arguments;
};

#define EXPECT_REFUSED(TEXT)                                                   \
  EXPECT_EQ(launch(),                                                          \
            std::string("signature: kernel 'attention', argument ") + TEXT)

TEST_P(BadInput, Fits) {
  EXPECT_EQ(launch(), "");
  // An element further is as good; gaps after rows too.
  move(kQuery, 2);
  move(kSecondKey, 2);
  strides[kSecondKey] = {400, 50, 17, 1};
  EXPECT_EQ(launch(), "");
}

TEST_P(BadInput, Alignment) {
  // Only elements must be aligned, whatever the kernel copies at a time.
  SimplexirArgumentInfo info = {};
  info.structSize = sizeof(info);
  for (int i = 0; i <= kLse; ++i) {
    ASSERT_EQ(simplexirKernelArgumentInfo(kernel, i, &info), SIMPLEXIR_OK);
    EXPECT_EQ(info.alignment, i == kLse ? 4u : 2u) << info.name;
  }
  move(kSecondKey, 1);
  EXPECT_NE(launch().find("is not a multiple of 2 bytes"), std::string::npos)
      << launch();
}

TEST_P(BadInput, InnermostStride) {
  strides[kQuery][3] = 2;
  EXPECT_REFUSED("'query': the innermost stride is 2, expected 1");
}

TEST_P(BadInput, CoincidingOutput) {
  strides[kOut][1] = 0;
  EXPECT_REFUSED("'out': stride 1 is 0, but the elements of an output must "
                 "not coincide");
}

TEST_P(BadInput, Strides) {
  strides[kSecondKey][1] = int64_t(1) << 61;
  EXPECT_REFUSED("'key2': stride 1 is 2305843009213693952, which spans more "
                 "than 2^62 bytes");
}

TEST_P(BadInput, Lengths) {
  shapes[kSecondKey][1] = 7;
  EXPECT_REFUSED("'key2': dimension 1 (Sk) is 7, expected 6 as in argument "
                 "'key1'");
  shapes[kSecondKey][1] = -1;
  EXPECT_REFUSED("'key2': dimension 1 is -1, expected 0 to 2^31 - 1");
}

TEST_P(BadInput, Heads) {
  shapes[kSecondKey][2] = 4;
  EXPECT_REFUSED("'key2': dimension 2 is 4, expected 2");
}

TEST_P(BadInput, NullPointer) {
  arguments[kOut].tensor.data = nullptr;
  EXPECT_REFUSED("'out': found a null pointer, expected memory (no dimension "
                 "is 0)");
}

TEST_P(BadInput, ElementType) {
  arguments[kLse].tensor.dtype = SIMPLEXIR_BF16;
  EXPECT_REFUSED("'lse': found element type bf16, expected f32");
}

std::string getName(const testing::TestParamInfo<bool> &info) {
  return info.param ? "GPU" : "CPU";
}
INSTANTIATE_TEST_SUITE_P(Targets, BadInput, testing::Bool(), getName);

} // namespace
