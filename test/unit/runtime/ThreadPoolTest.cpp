//===- ThreadPoolTest.cpp - The pool under load ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include "gtest/gtest.h"

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

using namespace simplexir;

namespace {
struct Seen {
  std::mutex mutex;
  std::set<int64_t> slots;
  std::atomic<int> calls{0};
};
} // namespace

TEST(ThreadPool, SlotsAreDistinctAndBelowTheCount) {
  for (int repeat = 0; repeat < 200; ++repeat) {
    Seen seen;
    ThreadPool::get().run(
        4,
        [](void *context, int64_t slot) {
          auto *seen = static_cast<Seen *>(context);
          ++seen->calls;
          std::lock_guard<std::mutex> lock(seen->mutex);
          EXPECT_TRUE(seen->slots.insert(slot).second);
          EXPECT_TRUE(slot >= 0 && slot < 4);
        },
        &seen);
    EXPECT_EQ(seen.slots.count(0), 1u) << "the caller works too";
    EXPECT_EQ(static_cast<size_t>(seen.calls.load()), seen.slots.size());
  }
}

TEST(ThreadPool, WorkersJoinIn) {
  Seen seen;
  ThreadPool::get().run(
      3,
      [](void *context, int64_t) {
        auto *seen = static_cast<Seen *>(context);
        ++seen->calls;
        // Until all three are here at once.
        auto deadline =
            std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (seen->calls < 3 && std::chrono::steady_clock::now() < deadline)
          std::this_thread::yield();
      },
      &seen);
  EXPECT_EQ(seen.calls, 3);
}

TEST(ThreadPool, NestedAndConcurrentRunsFinish) {
  std::atomic<int> inner{0};
  auto outer = [](void *context, int64_t) {
    ThreadPool::get().run(
        3,
        [](void *context, int64_t) {
          ++*static_cast<std::atomic<int> *>(context);
        },
        context);
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 100; ++repeat)
        ThreadPool::get().run(3, outer, &inner);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_GE(inner.load(), 400);
}
