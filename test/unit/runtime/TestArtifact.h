//===- TestArtifact.h - Artifacts for the tests -----------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_RUNTIME_TESTARTIFACT_H
#define SIMPLEXIR_TEST_UNIT_RUNTIME_TESTARTIFACT_H

#include "simplexir-runtime.h"
#include "simplexir-runtime/Container.h"

#include <memory>
#include <string>
#include <vector>

namespace simplexir {
namespace test {

enum class Object { Good, Absolute, Symbol, ThreadLocal, Constructor, Common };
/// The bytes of an object file that the build made.
std::string objectBytes(Object which);

/// The kernels of TestKernels.c, `scale` and `count`, for any x86-64 CPU.
Artifact cpuArtifact(Object which = Object::Good);

/// A kernel `twice(x f32[n], y f32[n])`, y = 2 x, as PTX for sm_80 and with
/// images of other kinds if asked for.
Artifact gpuArtifact();

/// A kernel `mapped(k bf16[b, n, 2, 128], v bf16[b, n, 2, 128], out f32[b])`
/// with tensor maps of k and v (boxes of 128 rows and 64 columns), as a PTX for
/// sm_80 without code.
Artifact mapArtifact();

/// A file of format version 1: see VersionOne.cpp.
const std::string &versionOneBytes();

struct Unload {
  void operator()(SimplexirArtifact *artifact) const {
    simplexirArtifactDestroy(artifact);
  }
};
using ArtifactHandle = std::unique_ptr<SimplexirArtifact, Unload>;

/// Loads; fails the test if that fails.
ArtifactHandle load(const Artifact &artifact);
SimplexirKernel *kernelOf(const ArtifactHandle &artifact, const char *name);

/// An array with its shape, which a SimplexirArgument can point to.
struct Array {
  std::vector<int64_t> shape, strides;
  std::vector<float> data;

  explicit Array(std::vector<int64_t> shape);
  SimplexirArgument argument();
};
SimplexirArgument indexArgument(int64_t value);

SimplexirLaunchOptions cpuOptions();
SimplexirLaunchOptions gpuOptions(void *stream = nullptr, int32_t device = 0);

} // namespace test
} // namespace simplexir

/// The code and that the message holds a text, which is the point of it.
#define EXPECT_ERROR(call, expectedCode, text)                                 \
  do {                                                                         \
    EXPECT_EQ(call, expectedCode) << simplexirLastError();                     \
    EXPECT_NE(std::string(simplexirLastError()).find(text), std::string::npos) \
        << simplexirLastError();                                               \
  } while (false)
#define EXPECT_OK(call) EXPECT_EQ(call, SIMPLEXIR_OK) << simplexirLastError()
#define ASSERT_OK(call) ASSERT_EQ(call, SIMPLEXIR_OK) << simplexirLastError()

#endif // SIMPLEXIR_TEST_UNIT_RUNTIME_TESTARTIFACT_H
