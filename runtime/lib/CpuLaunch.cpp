//===- CpuLaunch.cpp - Run a grid function on threads ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CpuLaunch.h"
#include "ThreadPool.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

using namespace simplexir;

static constexpr uint64_t workspaceAlign = 64;

/// Chunks a thread gets: enough that threads which start late or run slowly
/// leave no tail, few enough that the counter costs nothing.
static constexpr int64_t chunksPerThread = 8;

namespace {
/// Grows and stays, so that a launch after the first does not allocate.
class ThreadBuffer {
public:
  ~ThreadBuffer() { std::free(memory); }
  void *get(uint64_t bytes) {
    if (bytes > size) {
      std::free(memory);
      memory = std::aligned_alloc(workspaceAlign, bytes);
      size = memory ? bytes : 0;
    }
    return memory;
  }

private:
  void *memory = nullptr;
  uint64_t size = 0;
};

struct Job {
  const CpuLaunch &launch;
  int64_t slots;
  int64_t chunk;
  uint64_t workspaceStride;
  char *workspace; // null: each thread's own buffer
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  std::atomic<bool> outOfMemory{false};

  void work(int64_t slot);
};
} // namespace

static uint64_t paddedWorkspace(uint64_t perThread) {
  return (perThread + workspaceAlign - 1) / workspaceAlign * workspaceAlign;
}

void Job::work(int64_t slot) {
  if (slot < 0 || slot >= slots)
    return;
  void *buffer = nullptr;
  if (workspaceStride != 0 && workspace) {
    buffer = workspace + static_cast<uint64_t>(slot) * workspaceStride;
  } else if (workspaceStride != 0) {
    thread_local ThreadBuffer own;
    buffer = own.get(workspaceStride);
    if (!buffer) {
      outOfMemory = true;
      return;
    }
  }
  while (true) {
    int64_t first = next.fetch_add(chunk, std::memory_order_relaxed);
    if (first >= launch.total)
      return;
    int64_t last = std::min(launch.total, first + chunk);
    launch.function(launch.words, first, last, buffer);
    done.fetch_add(last - first, std::memory_order_relaxed);
  }
}

int32_t simplexir::launchThreads(const SimplexirLaunchOptions &options) {
  if (!options.executor)
    return options.numThreads > 0 ? options.numThreads
                                  : ThreadPool::get().numThreads();
  int32_t threads = options.executor->numThreads;
  return options.numThreads > 0 ? std::min(threads, options.numThreads)
                                : threads;
}

bool simplexir::launchWorkspaceSize(const SimplexirLaunchOptions &options,
                                    uint64_t perThread, uint64_t &bytes) {
  return !__builtin_mul_overflow(paddedWorkspace(perThread),
                                 static_cast<uint64_t>(launchThreads(options)),
                                 &bytes);
}

Status simplexir::runOnCpu(const CpuLaunch &launch,
                           const SimplexirLaunchOptions &options) {
  uint64_t needed = 0;
  if (!launchWorkspaceSize(options, launch.workspacePerThread, needed))
    return {SIMPLEXIR_ERROR_OUT_OF_MEMORY, "the workspace overflows 64 bits"};
  if (options.workspace) {
    if (options.workspaceSize < needed)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              format("the workspace has %llu bytes, expected at least %llu",
                     ull(options.workspaceSize), ull(needed))};
    if (reinterpret_cast<uintptr_t>(options.workspace) % workspaceAlign != 0)
      return {SIMPLEXIR_ERROR_INVALID_ARGUMENT,
              "the workspace is not aligned to 64 bytes"};
  }
  if (launch.total == 0)
    return {};

  int64_t threads = std::min<int64_t>(launchThreads(options), launch.total);
  Job job{launch, threads,
          std::max<int64_t>(1, launch.total / (threads * chunksPerThread)),
          paddedWorkspace(launch.workspacePerThread),
          static_cast<char *>(options.workspace)};
  auto body = [](void *context, int64_t slot) {
    static_cast<Job *>(context)->work(slot);
  };
  if (options.executor)
    options.executor->run(options.executor->context, threads, body, &job);
  else
    ThreadPool::get().run(static_cast<int32_t>(threads), body, &job);
  // The threads that had memory may have done it all.
  if (job.done == launch.total)
    return {};
  if (job.outOfMemory)
    return {SIMPLEXIR_ERROR_OUT_OF_MEMORY,
            format("no memory for %llu bytes of workspace",
                   ull(job.workspaceStride))};
  return {SIMPLEXIR_ERROR_EXECUTOR,
          format("the executor returned before its tasks had run: %lld of %lld "
                 "work items were done",
                 ll(job.done), ll(launch.total))};
}
