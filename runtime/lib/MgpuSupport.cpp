//===- MgpuSupport.cpp - Driver, contexts and errors of mgpu --------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MgpuSupport.h"

#include <cstdio>
#include <dlfcn.h>
#include <mutex>

using namespace simplexir;

const MgpuDriver &MgpuDriver::get(const CudaDriver &driver) {
  static const MgpuDriver loaded = [&] {
    MgpuDriver more;
// NOLINTBEGIN(bugprone-macro-parentheses)
#define SIMPLEXIR_MGPU_LOAD(name, symbol, parameters)                          \
  more.name =                                                                  \
      reinterpret_cast<CUresult(*) parameters>(dlsym(driver.library, symbol));
    SIMPLEXIR_MGPU_FUNCTIONS(SIMPLEXIR_MGPU_LOAD)
#undef SIMPLEXIR_MGPU_LOAD
    // NOLINTEND(bugprone-macro-parentheses)
    return more;
  }();
  return loaded;
}

/// -1: that of the current context, or the first.
static thread_local int32_t defaultDevice = -1;

void simplexir::setMgpuDevice(int32_t device) { defaultDevice = device; }

Status MgpuCall::enter(void *stream) {
  if (Status status = checkNotForked(); !status.ok())
    return status;
  Status status = scope.enter(stream ? -1 : defaultDevice, stream);
  if (!status.ok())
    status.message = std::string(name) + ": " + status.message;
  return status;
}

Status MgpuCall::check(CUresult result, const char *function) const {
  if (result == CUDA_SUCCESS)
    return {};
  return cuda().error(result, std::string(name) + ": " + function);
}

namespace {
struct Handler {
  std::mutex mutex;
  SimplexirMgpuErrorHandler function = nullptr;
  void *context = nullptr;
};
/// The first that nobody has taken.
struct Kept {
  SimplexirStatus code = SIMPLEXIR_OK;
  std::string message, taken;
};
} // namespace

static Handler &handler() {
  static auto *instance = new Handler; // used while the process ends, too
  return *instance;
}
static thread_local Kept kept;

void simplexir::tellMgpuError(Status &&status) noexcept {
  SimplexirMgpuErrorHandler function;
  void *context;
  {
    std::lock_guard<std::mutex> lock(handler().mutex);
    function = handler().function;
    context = handler().context;
  }
  if (function)
    function(context, status.code, status.message.c_str());
  else
    std::fprintf(stderr, "error: %s\n", status.message.c_str());
  if (kept.code != SIMPLEXIR_OK)
    return;
  kept.code = status.code;
  kept.message = std::move(status.message);
}

SimplexirStatus simplexirMgpuTakeError(const char **message) {
  SimplexirStatus code = kept.code;
  kept.code = SIMPLEXIR_OK;
  kept.taken.swap(kept.message);
  kept.message.clear();
  if (message)
    *message = kept.taken.c_str();
  return code;
}

void simplexirMgpuSetErrorHandler(SimplexirMgpuErrorHandler function,
                                  void *context) {
  std::lock_guard<std::mutex> lock(handler().mutex);
  handler().function = function;
  handler().context = context;
}
