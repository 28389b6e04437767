//===- Kernels.cpp - The kernels of this process --------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Errors.h"
#include "simplexir-runtime-gpu-tools.h"

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

using namespace simplexir::python;

namespace {
struct Table {
  std::shared_mutex mutex;
  std::unordered_map<Spec, SimplexirKernel *, SpecHash> kernels;
  KernelMaker maker;
};
} // namespace

/// Never destroyed: a thread may launch while the process ends.
static Table &table() {
  static Table *const instance = new Table;
  return *instance;
}

SimplexirKernel *simplexir::python::findOrMakeKernel(const Spec &spec) {
  Table &all = table();
  KernelMaker maker;
  {
    std::shared_lock<std::shared_mutex> lock(all.mutex);
    auto found = all.kernels.find(spec);
    if (found != all.kernels.end())
      return found->second;
    maker = all.maker;
  }
  if (!maker)
    throw RuntimeFailure("no kernel maker: import simplexir first");
  SimplexirKernel *kernel = maker(spec);
  std::unique_lock<std::shared_mutex> lock(all.mutex);
  return all.kernels.emplace(spec, kernel).first->second;
}

void simplexir::python::setKernelMaker(KernelMaker maker) {
  std::unique_lock<std::shared_mutex> lock(table().mutex);
  table().maker = std::move(maker);
}

void simplexir::python::forgetKernels() {
  std::unique_lock<std::shared_mutex> lock(table().mutex);
  table().kernels.clear();
}

size_t simplexir::python::countKernels() {
  std::shared_lock<std::shared_mutex> lock(table().mutex);
  return table().kernels.size();
}

int64_t simplexir::python::capabilityOf(int32_t device) {
  constexpr int32_t maxDevices = 64;
  static std::atomic<int64_t> known[maxDevices];
  if (device >= 0 && device < maxDevices)
    if (int64_t capability = known[device])
      return capability;
  SimplexirGpuInfo info = {};
  info.structSize = sizeof(info);
  check(simplexirGpuGetInfo(device, &info));
  int64_t capability = info.major * 10 + info.minor;
  if (device >= 0 && device < maxDevices)
    known[device] = capability;
  return capability;
}

int simplexir::python::hostLevel() {
#if defined(__x86_64__)
  // As the compiler's `native` and the runtime's choice of an image.
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("ssse3") ||
      !__builtin_cpu_supports("popcnt"))
    return 0;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("f16c") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("lzcnt"))
    return 2;
  return __builtin_cpu_supports("avx512f") &&
                 __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("avx512cd")
             ? 4
             : 3;
#else
  return 0;
#endif
}
