//===- CrashGuard.h - Internal errors become messages ----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_SUPPORT_CRASHGUARD_H
#define SIMPLEXIR_SUPPORT_CRASHGUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace simplexir {

/// The exit status of an internal compiler error (EX_SOFTWARE).
constexpr int internalErrorStatus = 70;

/// Runs the body of a tool on a thread with a large stack. A crash or a fatal
/// error of LLVM inside it, on any thread, ends the process with status 70, a
/// message and a reproducer file: the command line and the tool's input.
int runGuarded(int argc, char **argv, llvm::function_ref<int()> body);

/// Sets the input that a reproducer holds (it is copied).
void setReproducerInput(llvm::StringRef text);

} // namespace simplexir

#endif // SIMPLEXIR_SUPPORT_CRASHGUARD_H
