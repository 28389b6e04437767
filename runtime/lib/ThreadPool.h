//===- ThreadPool.h - The runtime's own threads -----------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_THREADPOOL_H
#define SIMPLEXIR_RUNTIME_LIB_THREADPOOL_H

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace simplexir {

/// Threads that wait for work. The caller of run() always works too, so that
/// launches from many threads at once share the pool without waiting for it.
class ThreadPool {
public:
  /// Made on first use and never destroyed: at exit, joining threads that a
  /// fork has lost would hang, and static destructors may still launch.
  static ThreadPool &get();

  /// Zero is the number of hardware threads.
  void setNumThreads(int32_t count);
  int32_t numThreads();

  using Body = void (*)(void *context, int64_t slot);

  /// Calls body(context, 0) here and body(context, i) for some of 0 < i <
  /// threads on other threads, and returns when all of those calls have. The
  /// bodies share out the work among themselves. Does not allocate, except for
  /// threads that have not been started yet.
  void run(int32_t threads, Body body, void *context);

private:
  struct Job {
    Body body;
    void *context;
    int64_t nextSlot, slots;
    int32_t active = 0;
    std::condition_variable idle;
    Job *next = nullptr;
  };

  void startWorkers(int32_t count);
  void work();
  void unlink(Job *job);

  std::mutex mutex;
  std::condition_variable wake;
  Job *first = nullptr; // jobs with slots to give away
  int32_t started = 0;
  int32_t wanted = 0;
};

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_THREADPOOL_H
