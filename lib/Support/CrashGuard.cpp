//===- CrashGuard.cpp - Internal errors become messages -------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Support/CrashGuard.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Compiler.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <mutex>
#include <string>

using namespace llvm;

#if LLVM_ADDRESS_SANITIZER_BUILD
// LLVM's allocators, inlined here, poison what they have not handed out; an
// LLVM built without the sanitizer uses it and does not take the poison away.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}
#endif

// Read by whichever thread fails first; plain storage, never destroyed.
static std::string &getCommand() {
  static auto *command = new std::string;
  return *command;
}
static std::string &getInput() {
  static auto *input = new std::string;
  return *input;
}

void simplexir::setReproducerInput(StringRef text) { getInput() = text.str(); }

/// Writes the reproducer and ends the process.
[[noreturn]] static void failInternally(StringRef reason) {
  static std::mutex once;
  once.lock();
  raw_ostream &os = errs();
  os << "internal compiler error: " << reason << "\n";
  SmallString<128> path;
  int descriptor = -1;
  if (!sys::fs::createTemporaryFile("simplexir-crash", "mlir", descriptor,
                                    path)) {
    raw_fd_ostream file(descriptor, /*shouldClose=*/true);
    file << "// " << reason << "\n// RUN: " << getCommand() << "\n\n"
         << getInput();
    file.close();
    os << "note: this is a bug; a reproducer is in '" << path
       << "', please report it\n";
  }
  os.flush();
  // Removes half-written outputs. Static destructors could hang: the crash
  // may have left any lock held.
  sys::RunInterruptHandlers();
  std::_Exit(simplexir::internalErrorStatus);
}

int simplexir::runGuarded(int argc, char **argv, function_ref<int()> body) {
  raw_string_ostream command(getCommand());
  for (int i = 0; i < argc; ++i) {
    if (i)
      command << ' ';
    sys::printArg(command, argv[i], /*Quote=*/false);
  }
  install_fatal_error_handler(
      [](void *, const char *reason, bool) { failInternally(reason); });
  install_bad_alloc_error_handler([](void *, const char *, bool) {
    // Nothing here may allocate.
    static constexpr char message[] = "error: out of memory\n";
    (void)!::fwrite(message, 1, sizeof(message) - 1, stderr);
    std::_Exit(1);
  });
  CrashRecoveryContext::Enable();
  CrashRecoveryContext context;
  int status = internalErrorStatus;
  // Deeply nested input recurses deeply.
  if (!context.RunSafelyOnThread([&] { status = body(); },
                                 /*RequestedStackSize=*/64 << 20))
    failInternally("the compiler crashed");
  CrashRecoveryContext::Disable();
  remove_fatal_error_handler();
  remove_bad_alloc_error_handler();
  return status;
}
