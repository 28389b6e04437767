//===- MgpuTest.h - Set-up of the tests of mgpu -----------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_RUNTIME_MGPUTEST_H
#define SIMPLEXIR_TEST_UNIT_RUNTIME_MGPUTEST_H

#include "FakeCuda.h"
#include "simplexir-mgpu.h"

#include "gtest/gtest.h"

using Calls = std::vector<std::string>;

/// A fresh driver; errors are collected. A test leaves none behind.
class MgpuTest : public ::testing::Test {
protected:
  MgpuTest() {
    auto &primary = fakeCuda().primary;
    FakeCuda fresh;
    std::copy(std::begin(primary), std::end(primary), fresh.primary);
    fake = fresh;
    fake.numParameters = 1;
    simplexirMgpuSetErrorHandler(
        [](void *context, SimplexirStatus, const char *message) {
          static_cast<MgpuTest *>(context)->errors.push_back(message);
        },
        this);
  }
  ~MgpuTest() override {
    EXPECT_EQ(errors, Calls());
    EXPECT_TRUE(fake.current.empty()) << "a context was left current";
    mgpuSetDefaultDevice(-1);
    simplexirMgpuTakeError(nullptr);
    simplexirMgpuSetErrorHandler(nullptr, nullptr);
  }
  /// The errors since the last call.
  Calls takeErrors() { return std::exchange(errors, {}); }
  Calls takeCalls() { return std::exchange(fake.calls, {}); }

  FakeCuda &fake = fakeCuda();
  Calls errors;
};

#endif // SIMPLEXIR_TEST_UNIT_RUNTIME_MGPUTEST_H
