//===- ArtifactTest.cpp - Launch data on its way into an artifact ---------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Artifact.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace simplexir;

namespace {

constexpr const char *kernelIR = R"mlir(
!rows = memref<?x?x1x16xf32, strided<[?, ?, ?, 1], offset: ?>>
!lse = memref<?x1x?xf32, strided<[?, ?, 1], offset: ?>>
func.func @attend(%q: !rows, %k: !rows, %v: !rows, %out: !rows, %lse: !lse) {
  simplex.attention query(%q) keys(%k) values(%v) outs(%out, %lse)
      form multilinear windows [4]
      : (!rows, !rows, !rows, !rows, !lse) -> ()
  return
}
)mlir";

class ArtifactTest : public testing::Test {
protected:
  ArtifactTest() {
    context.loadDialect<SimplexDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(kernelIR, &context);
  }

  /// The bytes of an artifact with one image, or the error.
  llvm::Expected<std::string> build(CompiledKernel kernel, ImageKind kind) {
    ArtifactBuilder builder;
    auto function = *module->getOps<func::FuncOp>().begin();
    if (llvm::Error error = builder.addKernel(function, "attend"))
      return error;
    bool cpu = kind == ImageKind::X86Object;
    Image image{kind, cpu ? "x86-64" : "sm_90a", 0, "code"};
    if (llvm::Error error = builder.addImage(image, kernel))
      return error;
    return builder.serialize();
  }

  /// What the runtime reads of an artifact with one cubin.
  void buildAndParse(const CompiledKernel &kernel, Artifact &artifact) {
    llvm::Expected<std::string> bytes = build(kernel, ImageKind::Cubin);
    ASSERT_TRUE(static_cast<bool>(bytes)) << llvm::toString(bytes.takeError());
    artifactBytes = std::move(*bytes);
    std::string error;
    ASSERT_TRUE(parse(reinterpret_cast<const uint8_t *>(artifactBytes.data()),
                      artifactBytes.size(), artifact, error))
        << error;
  }

  MLIRContext context;
  /// An artifact may point into them.
  std::string artifactBytes;
  OwningOpRef<ModuleOp> module;
};

CompiledKernel makeKernel(int64_t residentBlocks) {
  CompiledKernel kernel;
  kernel.name = kernel.symbol = "attend";
  kernel.grid = {GridPart::dim(0, 1, 128)};
  kernel.blockSize = 384;
  kernel.residentBlocks = residentBlocks;
  return kernel;
}

TEST_F(ArtifactTest, ResidentBlocks) {
  ASSERT_TRUE(module);
  for (int64_t blocks : {0, 1, 32}) {
    Artifact artifact;
    ASSERT_NO_FATAL_FAILURE(buildAndParse(makeKernel(blocks), artifact));
    EXPECT_EQ(artifact.kernels[0].images[0].residentBlocks, blocks);
    EXPECT_EQ(artifact.kernels[0].images[0].blockSize, 384u);
  }
}

TEST_F(ArtifactTest, Grid) {
  ASSERT_TRUE(module);
  CompiledKernel kernel = makeKernel(1);
  kernel.grid = {GridPart::constant(4), GridPart::dim(0, 1, 16)};
  llvm::Expected<std::string> bytes = build(kernel, ImageKind::Cubin);
  ASSERT_TRUE(static_cast<bool>(bytes)) << llvm::toString(bytes.takeError());
  Artifact artifact;
  std::string error;
  ASSERT_TRUE(parse(reinterpret_cast<const uint8_t *>(bytes->data()),
                    bytes->size(), artifact, error))
      << error;
  const auto &grid = artifact.kernels[0].images[0].grid;
  ASSERT_EQ(grid.size(), 2u);
  EXPECT_FALSE(grid[0].extent.named);
  EXPECT_EQ(grid[0].extent.value, 4);
  EXPECT_EQ(grid[0].divisor, 1);
  ASSERT_TRUE(grid[1].extent.named);
  EXPECT_EQ(artifact.kernels[0].dimNames[grid[1].extent.value], "Sq");
  EXPECT_EQ(grid[1].divisor, 16);
}

TEST_F(ArtifactTest, GridThatIsNotOfTheSignature) {
  ASSERT_TRUE(module);
  CompiledKernel kernel = makeKernel(1);
  kernel.grid = {GridPart::dim(5, 0)};
  llvm::Expected<std::string> bytes = build(kernel, ImageKind::Cubin);
  ASSERT_FALSE(static_cast<bool>(bytes));
  EXPECT_EQ(llvm::toString(bytes.takeError()),
            "kernel 'attend': its grid names argument 5");
  kernel.grid = {GridPart::dim(4, 3)};
  bytes = build(kernel, ImageKind::Cubin);
  ASSERT_FALSE(static_cast<bool>(bytes));
  EXPECT_EQ(llvm::toString(bytes.takeError()),
            "kernel 'attend': its grid names dimension 3");
}

TEST_F(ArtifactTest, ResidentBlocksThatNoArtifactHolds) {
  ASSERT_TRUE(module);
  // The last one is 1 in 32 bits.
  for (int64_t blocks : {int64_t(33), int64_t(-1), (int64_t(1) << 32) + 1}) {
    llvm::Expected<std::string> bytes =
        build(makeKernel(blocks), ImageKind::Cubin);
    ASSERT_FALSE(static_cast<bool>(bytes));
    EXPECT_EQ(llvm::toString(bytes.takeError()),
              "kernel 'attend' has " + std::to_string(blocks) +
                  " resident blocks a multiprocessor, expected 0 to 32");
  }
  CompiledKernel kernel = makeKernel(1);
  kernel.blockSize = 0;
  llvm::Expected<std::string> bytes = build(kernel, ImageKind::X86Object);
  ASSERT_FALSE(static_cast<bool>(bytes));
  EXPECT_EQ(llvm::toString(bytes.takeError()),
            "the artifact is not valid: kernel 'attend': image use has 1 "
            "resident blocks a multiprocessor, expected 0 for a CPU image");
}

TEST_F(ArtifactTest, TensorMaps) {
  ASSERT_TRUE(module);
  CompiledKernel kernel = makeKernel(0);
  // The kernel's rows have 16 columns: a box says what is copied, not what is
  // there.
  kernel.maps = {1, 64, 128, 2, 64, 96};
  llvm::Expected<std::string> bytes = build(kernel, ImageKind::Cubin);
  ASSERT_FALSE(static_cast<bool>(bytes)) << "256 bytes of f32 in a row";
  llvm::consumeError(bytes.takeError());
  kernel.maps = {1, 32, 128, 2, 32, 96};
  Artifact artifact;
  ASSERT_NO_FATAL_FAILURE(buildAndParse(kernel, artifact));
  const std::vector<TensorMap> &maps = artifact.kernels[0].images[0].maps;
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].argument, 1u);
  EXPECT_EQ(maps[1].argument, 2u);
  EXPECT_EQ(maps[1].columns, 32u);
  EXPECT_EQ(maps[1].rows, 96u);
  EXPECT_EQ(maps[1].swizzle, Swizzle::Bytes128);
}

} // namespace
