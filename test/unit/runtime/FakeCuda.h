//===- FakeCuda.h - A CUDA driver that records its calls --------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_UNIT_RUNTIME_FAKECUDA_H
#define SIMPLEXIR_TEST_UNIT_RUNTIME_FAKECUDA_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What the fake driver should pretend, and what it has seen.
struct FakeCuda {
  struct Context {
    int device;
    uint64_t id;
  };
  struct Stream {
    Context *context;
  };
  struct Launch {
    std::string function;
    unsigned grid, block, shared;
    void *stream;
    Context *context;
    std::vector<int64_t> parameters;
    /// Those after the parameters, each at a multiple of 64 bytes.
    std::vector<std::vector<int64_t>> maps;
  };
  /// A tensor map, as it was asked for.
  struct Map {
    int type;
    uint64_t address;
    std::vector<uint64_t> extents, strides;
    std::vector<unsigned> box;
    int swizzle;
    bool operator==(const Map &other) const {
      return type == other.type && address == other.address &&
             extents == other.extents && strides == other.strides &&
             box == other.box && swizzle == other.swizzle;
    }
  };

  // Settings.
  int initResult = 0;
  int deviceCount = 2;
  int driverVersion = 13000;
  int major = 9, minor = 0;
  int sharedLimit = 227 * 1024;
  int staticShared = 0;
  int threadLimit = 1024;
  int pageable = 0;
  /// Of each device. The runtime asks once in a process: not to be changed.
  int multiprocessors[8] = {132, 2, 132, 132, 132, 132, 132, 132};
  int moduleLoadResult = 0;
  std::string jitLog;
  int launchResult = 0;
  /// How many parameters the kernel has; a driver knows that from its code.
  unsigned numParameters = 10;
  /// And how many tensor maps after them.
  unsigned numMaps = 0;
  int mapResult = 0;
  /// Addresses below it count as host memory.
  uint64_t firstDeviceAddress = 0;

  /// Results of functions that are to fail, by name (of FakeCudaMemory.cpp).
  std::map<std::string, int> failures;

  // Records.
  std::vector<Context *> current; // the stack; the last is current
  std::vector<std::string> loaded;
  int unloads = 0;
  int maxDynamicShared = 0;
  /// Calls of cuDeviceGetAttribute.
  int attributeQueries = 0;
  /// Calls of cuPointerGetAttribute.
  int pointerQueries = 0;
  /// Calls that wait or allocate.
  int forbidden = 0;
  std::vector<Launch> launches;
  std::vector<Map> maps;
  /// Calls of FakeCudaMemory.cpp's functions, as in `cuMemFree(0x1000)`.
  std::vector<std::string> calls;
  Context *primary[8] = {};
};

FakeCuda &fakeCuda();
FakeCuda::Context *makeFakeContext(int device);

#endif // SIMPLEXIR_TEST_UNIT_RUNTIME_FAKECUDA_H
