//===- SelectTest.cpp - Which image fits which device ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Select.h"

#include "gtest/gtest.h"

using namespace simplexir;

namespace {
struct ImageSpec {
  ImageKind kind;
  const char *chip;
  uint32_t minDriver;
};
} // namespace

static Artifact artifactOf(const std::vector<ImageSpec> &specs) {
  Artifact artifact;
  artifact.kernels.resize(1);
  artifact.kernels[0].name = "k";
  for (const ImageSpec &spec : specs) {
    KernelImage use;
    use.image = static_cast<uint32_t>(artifact.images.size());
    artifact.images.push_back({spec.kind, spec.chip, spec.minDriver, "x"});
    artifact.kernels[0].images.push_back(use);
  }
  return artifact;
}

/// The chosen image as `kind chip`, or the error.
static std::string gpu(const std::vector<ImageSpec> &specs, unsigned capability,
                       unsigned driver = 13000) {
  Artifact artifact = artifactOf(specs);
  const KernelImage *use = nullptr;
  Status status =
      selectGpuImage(artifact, artifact.kernels[0], capability, driver, use);
  if (!status.ok())
    return simplexirStatusName(status.code) + (": " + status.message);
  const Image &image = artifact.images[use->image];
  return nameOf(image.kind) + (" " + image.chip);
}

static std::string cpu(const std::vector<ImageSpec> &specs, unsigned level) {
  Artifact artifact = artifactOf(specs);
  const KernelImage *use = nullptr;
  Status status = selectCpuImage(artifact, artifact.kernels[0], level, use);
  return status.ok()
             ? artifact.images[use->image].chip
             : simplexirStatusName(status.code) + (": " + status.message);
}

static const std::vector<ImageSpec> fatImages = {
    {ImageKind::PTX, "sm_80", 11000},       {ImageKind::Cubin, "sm_80", 11000},
    {ImageKind::Cubin, "sm_86", 11010},     {ImageKind::Cubin, "sm_90a", 12000},
    {ImageKind::X86Object, "x86-64-v3", 0},
};

TEST(SelectGpu, ExactThenLowerMinorThenPtx) {
  EXPECT_EQ(gpu(fatImages, 80), "cubin sm_80");
  EXPECT_EQ(gpu(fatImages, 86), "cubin sm_86");
  EXPECT_EQ(gpu(fatImages, 87), "cubin sm_86");
  EXPECT_EQ(gpu(fatImages, 89), "cubin sm_86");
  EXPECT_EQ(gpu(fatImages, 90), "cubin sm_90a");
  EXPECT_EQ(gpu(fatImages, 100), "ptx sm_80");
  EXPECT_EQ(gpu(fatImages, 120), "ptx sm_80");
}

TEST(SelectGpu, ArchitectureSpecificCodeRunsOnItsChipOnly) {
  std::vector<ImageSpec> only = {{ImageKind::Cubin, "sm_100a", 12080}};
  EXPECT_EQ(gpu(only, 100), "cubin sm_100a");
  EXPECT_EQ(gpu(only, 103), "no_image: kernel 'k' has no code for this GPU "
                            "(sm_103); found cubin sm_100a; compile with "
                            "--chip=sm_103");
  std::vector<ImageSpec> ptx = {{ImageKind::PTX, "sm_90a", 12000}};
  EXPECT_EQ(gpu(ptx, 90), "ptx sm_90a");
  EXPECT_EQ(gpu(ptx, 100).substr(0, 8), "no_image");
}

TEST(SelectGpu, FamilyCodeRunsInItsFamily) {
  std::vector<ImageSpec> only = {{ImageKind::Cubin, "sm_100f", 12090},
                                 {ImageKind::PTX, "sm_100f", 12090}};
  EXPECT_EQ(gpu(only, 103), "cubin sm_100f");
  EXPECT_EQ(gpu(only, 120).substr(0, 8), "no_image");
}

TEST(SelectGpu, MoreSpecificWins) {
  EXPECT_EQ(gpu({{ImageKind::Cubin, "sm_90", 12000},
                 {ImageKind::Cubin, "sm_90a", 12000}},
                90),
            "cubin sm_90a");
  EXPECT_EQ(
      gpu({{ImageKind::PTX, "sm_90", 12000}, {ImageKind::PTX, "sm_80", 11000}},
          120),
      "ptx sm_90");
}

TEST(SelectGpu, TooOldGpu) {
  EXPECT_EQ(gpu(fatImages, 75),
            "no_image: kernel 'k' has no code for this GPU (sm_75); found ptx "
            "sm_80, cubin sm_80, cubin sm_86, cubin sm_90a, x86-64 object "
            "x86-64-v3; compile with --chip=sm_75 (the oldest supported is "
            "sm_80)");
}

TEST(SelectGpu, DriverDecides) {
  EXPECT_EQ(gpu(fatImages, 90, 11080), "ptx sm_80")
      << "an older image still runs";
  EXPECT_EQ(gpu(fatImages, 86, 11000), "cubin sm_80");
  EXPECT_EQ(gpu(fatImages, 90, 10020),
            "driver_too_old: kernel 'k' on sm_90 needs a driver for CUDA 11.0 "
            "or newer, found one for CUDA 10.2: update the NVIDIA driver");
}

TEST(SelectCpu, HighestThatFits) {
  std::vector<ImageSpec> images = {{ImageKind::X86Object, "x86-64-v4", 0},
                                   {ImageKind::X86Object, "x86-64-v2", 0},
                                   {ImageKind::X86Object, "x86-64-v3", 0}};
  EXPECT_EQ(cpu(images, 4), "x86-64-v4");
  EXPECT_EQ(cpu(images, 3), "x86-64-v3");
  EXPECT_EQ(cpu(images, 2), "x86-64-v2");
  EXPECT_EQ(cpu(images, 1),
            "no_image: kernel 'k' has no code for this CPU (x86-64); found "
            "x86-64 object x86-64-v4, x86-64 object x86-64-v2, x86-64 object "
            "x86-64-v3; compile with --chip=x86-64");
  EXPECT_EQ(cpu(images, 5), "x86-64-v4");
  images.push_back({ImageKind::X86Object, "x86-64-v4-bf16", 0});
  EXPECT_EQ(cpu(images, 5), "x86-64-v4-bf16");
  EXPECT_EQ(cpu(images, 4), "x86-64-v4");
  EXPECT_NE(cpu(images, 0).find("no x86-64 CPU"), std::string::npos);
  EXPECT_NE(cpu({{ImageKind::PTX, "sm_80", 0}}, 4).find("found ptx sm_80"),
            std::string::npos);
}

TEST(SelectCpu, HostHasALevel) {
#if defined(__x86_64__)
  EXPECT_GE(hostCpuLevel(), 1u);
  EXPECT_LE(hostCpuLevel(), 5u);
#else
  EXPECT_EQ(hostCpuLevel(), 0u);
#endif
}
