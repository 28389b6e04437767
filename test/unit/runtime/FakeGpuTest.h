//===- FakeGpuTest.h - Set-up of the tests on the fake driver ---*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_RUNTIME_FAKEGPUTEST_H
#define SIMPLEXIR_TEST_UNIT_RUNTIME_FAKEGPUTEST_H

#include "FakeCuda.h"
#include "TestArtifact.h"

#include "gtest/gtest.h"

namespace simplexir {
namespace test {

class FakeGpu : public ::testing::Test {
protected:
  FakeGpu() {
    auto &primary = fakeCuda().primary;
    FakeCuda fresh;
    std::copy(std::begin(primary), std::end(primary), fresh.primary);
    fakeCuda() = fresh;
    for (SimplexirArgument &argument : arguments)
      argument.tensor.deviceType = SIMPLEXIR_CUDA;
  }

  void use(const Artifact &contents) {
    artifact = load(contents);
    kernel = kernelOf(artifact, "twice");
  }
  SimplexirStatus launch(const SimplexirLaunchOptions &options) {
    return simplexirKernelLaunch(kernel, arguments, 2, &options);
  }

  FakeCuda &fake = fakeCuda();
  Array x{{1000}}, y{{1000}};
  SimplexirArgument arguments[2] = {x.argument(), y.argument()};
  ArtifactHandle artifact = load(gpuArtifact());
  SimplexirKernel *kernel = kernelOf(artifact, "twice");
};

} // namespace test
} // namespace simplexir

#endif // SIMPLEXIR_TEST_UNIT_RUNTIME_FAKEGPUTEST_H
