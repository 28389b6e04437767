//===- ThreadPool.cpp - The runtime's own threads -------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include <csignal>
#include <pthread.h>
#include <system_error>
#include <thread>

using namespace simplexir;

ThreadPool &ThreadPool::get() {
  static ThreadPool *pool = new ThreadPool;
  return *pool;
}

void ThreadPool::setNumThreads(int32_t count) {
  std::lock_guard<std::mutex> lock(mutex);
  wanted = count;
}

int32_t ThreadPool::numThreads() {
  std::lock_guard<std::mutex> lock(mutex);
  if (wanted > 0)
    return wanted;
  // Asked once: it reads files, which takes 10 us.
  static const unsigned hardware = std::thread::hardware_concurrency();
  return hardware ? static_cast<int32_t>(hardware) : 1;
}

void ThreadPool::startWorkers(int32_t count) {
  if (started >= count)
    return;
  // Signals belong to the embedder's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (; started < count; ++started)
      std::thread([this] { work(); }).detach();
  } catch (const std::system_error &) { // NOLINT(bugprone-empty-catch)
    // The system's thread limit: the threads that there are do the work.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ThreadPool::unlink(Job *job) {
  for (Job **link = &first; *link; link = &(*link)->next)
    if (*link == job) {
      *link = job->next;
      return;
    }
}

void ThreadPool::work() {
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    wake.wait(lock, [this] { return first != nullptr; });
    Job *job = first;
    int64_t slot = job->nextSlot++;
    if (job->nextSlot == job->slots)
      unlink(job);
    ++job->active;
    lock.unlock();
    job->body(job->context, slot);
    lock.lock();
    // With the lock held: the job is gone as soon as run() sees 0.
    if (--job->active == 0)
      job->idle.notify_one();
  }
}

void ThreadPool::run(int32_t threads, Body body, void *context) {
  if (threads <= 1) {
    body(context, 0);
    return;
  }
  Job job;
  job.body = body;
  job.context = context;
  job.nextSlot = 1;
  job.slots = threads;
  {
    std::lock_guard<std::mutex> lock(mutex);
    startWorkers(threads - 1);
    Job **last = &first;
    while (*last)
      last = &(*last)->next;
    *last = &job;
  }
  for (int32_t i = 1; i < threads; ++i)
    wake.notify_one();
  body(context, 0);
  std::unique_lock<std::mutex> lock(mutex);
  unlink(&job);
  job.idle.wait(lock, [&job] { return job.active == 0; });
}
