//===- CpuLaunch.h - Run a grid function on threads -------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_CPULAUNCH_H
#define SIMPLEXIR_RUNTIME_LIB_CPULAUNCH_H

#include "Support.h"

namespace simplexir {

/// Processes the work items [first, last). `workspace` is 64-byte aligned and
/// belongs to the calling thread.
using GridFunction = void (*)(const int64_t *words, int64_t first, int64_t last,
                              void *workspace);

struct CpuLaunch {
  GridFunction function;
  const int64_t *words;
  int64_t total;
  uint64_t workspacePerThread;
};

/// The most threads that a launch with these options uses.
int32_t launchThreads(const SimplexirLaunchOptions &options);

/// Bytes of workspace for those threads; false if that overflows.
bool launchWorkspaceSize(const SimplexirLaunchOptions &options,
                         uint64_t perThread, uint64_t &bytes);

/// Returns when the work is done.
Status runOnCpu(const CpuLaunch &launch, const SimplexirLaunchOptions &options);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_CPULAUNCH_H
