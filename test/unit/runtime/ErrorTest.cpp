//===- ErrorTest.cpp - Errors of loading, and messages --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"

#include "gtest/gtest.h"

#include <cstdio>
#include <fstream>
#include <thread>

using namespace simplexir;
using namespace simplexir::test;

static SimplexirStatus loadBytes(const std::string &bytes) {
  SimplexirArtifact *artifact = nullptr;
  SimplexirStatus status =
      simplexirArtifactLoadMemory(bytes.data(), bytes.size(), &artifact);
  EXPECT_EQ(artifact != nullptr, status == SIMPLEXIR_OK);
  simplexirArtifactDestroy(artifact);
  return status;
}

TEST(Errors, AbiVersion) {
  EXPECT_EQ(simplexirAbiVersion(), uint32_t(SIMPLEXIR_ABI_VERSION));
}

TEST(Errors, EveryStatusHasAName) {
  for (int32_t code = 0; code <= SIMPLEXIR_ERROR_INTERNAL; ++code)
    EXPECT_STRNE(simplexirStatusName(code), "unknown") << code;
  EXPECT_STREQ(simplexirStatusName(999), "unknown");
}

TEST(Errors, LoadMemory) {
  std::string bytes = serialize(cpuArtifact());
  EXPECT_OK(loadBytes(bytes));
  EXPECT_ERROR(loadBytes(bytes.substr(0, 100)),
               SIMPLEXIR_ERROR_INVALID_ARTIFACT, "header says");
  std::string newer = bytes;
  newer[8] = 9;
  EXPECT_ERROR(loadBytes(newer), SIMPLEXIR_ERROR_NEWER_VERSION,
               "format version 9");
  SimplexirArtifact *artifact = nullptr;
  EXPECT_ERROR(simplexirArtifactLoadMemory(nullptr, 3, &artifact),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "data is null");
  EXPECT_ERROR(simplexirArtifactLoadMemory(bytes.data(), 3, nullptr),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "artifact is null");
  simplexirArtifactDestroy(nullptr);
}

TEST(Errors, LoadFile) {
  SimplexirArtifact *artifact = nullptr;
  EXPECT_ERROR(simplexirArtifactLoadFile("/nowhere/a.simplex", &artifact),
               SIMPLEXIR_ERROR_IO,
               "cannot open '/nowhere/a.simplex': No such file");
  EXPECT_ERROR(simplexirArtifactLoadFile("/", &artifact), SIMPLEXIR_ERROR_IO,
               "cannot read '/'");
  EXPECT_ERROR(simplexirArtifactLoadFile(nullptr, &artifact),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "path is null");

  std::string path = ::testing::TempDir() + "simplexir-runtime-test.simplex";
  std::string bytes = serialize(cpuArtifact());
  std::ofstream(path, std::ios::binary) << bytes;
  ASSERT_OK(simplexirArtifactLoadFile(path.c_str(), &artifact));
  EXPECT_EQ(simplexirArtifactNumKernels(artifact), 2u);
  EXPECT_STREQ(simplexirKernelName(simplexirArtifactKernelAt(artifact, 1)),
               "count");
  EXPECT_EQ(simplexirArtifactKernelAt(artifact, 2), nullptr);
  simplexirArtifactDestroy(artifact);
  std::ofstream(path, std::ios::binary) << bytes.substr(1);
  EXPECT_ERROR(simplexirArtifactLoadFile(path.c_str(), &artifact),
               SIMPLEXIR_ERROR_INVALID_ARTIFACT, path + ": not a .simplex");
  std::remove(path.c_str());
}

TEST(Errors, UnknownKernel) {
  ArtifactHandle artifact = load(cpuArtifact());
  SimplexirKernel *kernel = nullptr;
  EXPECT_ERROR(simplexirArtifactGetKernel(artifact.get(), "skale", &kernel),
               SIMPLEXIR_ERROR_NOT_FOUND,
               "there is no kernel 'skale'; found scale, count");
  EXPECT_ERROR(simplexirArtifactGetKernel(nullptr, "scale", &kernel),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "null");
}

TEST(Errors, CodeThatCannotBeLoaded) {
  ArtifactHandle artifact = load(cpuArtifact(Object::Symbol));
  SimplexirKernel *kernel = kernelOf(artifact, "count");
  for (int i = 0; i < 2; ++i)
    EXPECT_ERROR(simplexirKernelPrepare(kernel, nullptr),
                 SIMPLEXIR_ERROR_INVALID_ARTIFACT, "'system'");
}

TEST(Errors, SymbolThatIsNotThere) {
  Artifact contents = cpuArtifact();
  contents.kernels[0].images[0].symbol = "absent";
  ArtifactHandle artifact = load(contents);
  EXPECT_ERROR(simplexirKernelPrepare(kernelOf(artifact, "scale"), nullptr),
               SIMPLEXIR_ERROR_INVALID_ARTIFACT,
               "defines no global function 'absent'");
  EXPECT_OK(simplexirKernelPrepare(kernelOf(artifact, "count"), nullptr));
}

TEST(Errors, NoCodeForTheCpu) {
  ArtifactHandle artifact = load(gpuArtifact());
  EXPECT_ERROR(simplexirKernelPrepare(kernelOf(artifact, "twice"), nullptr),
               SIMPLEXIR_ERROR_NO_IMAGE, "found ptx sm_80");
}

TEST(Errors, NullHandles) {
  uint64_t bytes;
  EXPECT_ERROR(simplexirKernelPrepare(nullptr, nullptr),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "kernel is null");
  EXPECT_ERROR(simplexirKernelLaunch(nullptr, nullptr, 0, nullptr),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "kernel is null");
  EXPECT_ERROR(simplexirKernelWorkspaceSize(nullptr, nullptr, &bytes),
               SIMPLEXIR_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_STREQ(simplexirKernelName(nullptr), "");
  EXPECT_EQ(simplexirKernelNumArguments(nullptr), 0u);
  EXPECT_EQ(simplexirArtifactNumKernels(nullptr), 0u);
  EXPECT_EQ(simplexirArtifactKernelAt(nullptr, 0), nullptr);
}

TEST(Errors, MessagesBelongToTheirThread) {
  EXPECT_NE(simplexirKernelPrepare(nullptr, nullptr), SIMPLEXIR_OK);
  std::string here = simplexirLastError(), there = "not run";
  std::thread([&] { there = simplexirLastError(); }).join();
  EXPECT_EQ(there, "");
  EXPECT_EQ(here, simplexirLastError());
  char *copy = simplexirLastErrorCopy();
  EXPECT_NE(simplexirArtifactLoadMemory(nullptr, 0, nullptr), SIMPLEXIR_OK);
  EXPECT_EQ(here, copy);
  simplexirMessageFree(copy);
}
