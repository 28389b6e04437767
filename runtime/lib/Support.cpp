//===- Support.cpp - Status, messages and fork ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <pthread.h>

using namespace simplexir;

std::string simplexir::format(const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int size = std::vsnprintf(nullptr, 0, fmt, args);
  va_end(args);
  std::string text(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  std::vsnprintf(&text[0], text.size() + 1, fmt, again);
  va_end(again);
  return text;
}

static std::string &lastError() {
  thread_local std::string message;
  return message;
}

SimplexirStatus simplexir::report(Status &&status) {
  if (!status.ok())
    lastError() = status.message.empty() ? simplexirStatusName(status.code)
                                         : std::move(status.message);
  return status.code;
}

static std::atomic<bool> forked{false};

void simplexir::noteRuntimeUsed() {
  static std::once_flag once;
  std::call_once(
      once, [] { pthread_atfork(nullptr, nullptr, [] { forked = true; }); });
}

Status simplexir::checkNotForked() {
  if (!forked.load(std::memory_order_relaxed))
    return {};
  return {SIMPLEXIR_ERROR_AFTER_FORK,
          "this process was forked after the runtime was used: its threads and "
          "driver contexts did not survive; start workers with exec (Python: "
          "the 'spawn' start method) or fork before the first artifact is "
          "loaded"};
}

const char *simplexirStatusName(SimplexirStatus status) {
  switch (status) {
  case SIMPLEXIR_OK:
    return "ok";
  case SIMPLEXIR_ERROR_INVALID_ARGUMENT:
    return "invalid_argument";
  case SIMPLEXIR_ERROR_INVALID_ARTIFACT:
    return "invalid_artifact";
  case SIMPLEXIR_ERROR_NEWER_VERSION:
    return "newer_version";
  case SIMPLEXIR_ERROR_IO:
    return "io";
  case SIMPLEXIR_ERROR_NOT_FOUND:
    return "not_found";
  case SIMPLEXIR_ERROR_SIGNATURE:
    return "signature";
  case SIMPLEXIR_ERROR_NO_IMAGE:
    return "no_image";
  case SIMPLEXIR_ERROR_NO_DEVICE:
    return "no_device";
  case SIMPLEXIR_ERROR_DRIVER_TOO_OLD:
    return "driver_too_old";
  case SIMPLEXIR_ERROR_DRIVER:
    return "driver";
  case SIMPLEXIR_ERROR_RESOURCES:
    return "resources";
  case SIMPLEXIR_ERROR_OUT_OF_MEMORY:
    return "out_of_memory";
  case SIMPLEXIR_ERROR_AFTER_FORK:
    return "after_fork";
  case SIMPLEXIR_ERROR_EXECUTOR:
    return "executor";
  case SIMPLEXIR_ERROR_INTERNAL:
    return "internal";
  default:
    return "unknown";
  }
}

const char *simplexirLastError(void) { return lastError().c_str(); }

char *simplexirLastErrorCopy(void) {
  const std::string &message = lastError();
  char *copy = static_cast<char *>(std::malloc(message.size() + 1));
  if (copy)
    std::memcpy(copy, message.c_str(), message.size() + 1);
  return copy;
}

void simplexirMessageFree(char *message) { std::free(message); }

uint32_t simplexirAbiVersion(void) { return SIMPLEXIR_ABI_VERSION; }
