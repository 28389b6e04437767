//===- Attention.h - One attention, from views to a launch ------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_PYTHON_ATTENTION_H
#define SIMPLEXIR_PYTHON_ATTENTION_H

#include "Spec.h"
#include "simplexir-runtime.h"

#include <string>

namespace simplexir::python {

/// An array that somebody else owns. Strides count elements.
struct View {
  void *data = nullptr;
  int32_t rank = 0;
  int32_t dtype = -1; // SimplexirDType
  int32_t deviceType = SIMPLEXIR_CPU;
  int32_t deviceId = 0;
  /// Up to the rank; what is behind is not set.
  int64_t shape[SIMPLEXIR_MAX_RANK];
  int64_t strides[SIMPLEXIR_MAX_RANK];
};

const char *nameOfDType(int64_t dtype);
int64_t bytesOfDType(int64_t dtype);

/// One call. `spec` holds the attributes on entry; `infer` adds the rest.
struct Attention {
  Spec spec;
  int numWindows = 0, numKeyBiases = 0, numValueBiases = 0;
  int numKeys = 0, numValues = 0;
  View query, keys[maxKeys], values[maxKeys];
  View out, lse;
  int64_t positions[2] = {}, keyRange[2] = {};
  void *stream = nullptr;
  /// Whether arrays on a GPU come from a framework's own allocator, so that
  /// the driver need not be asked about their addresses.
  bool trustsAddresses = false;

  /// Checks operands and attributes, and completes the spec and the shapes,
  /// types and devices of `out` and `lse`, which get packed strides. Throws
  /// BadValue or BadType.
  void infer();

  /// Launches into `out` and `lse`; finds or compiles the kernel. Call it
  /// without the GIL. Throws.
  void launch();

  /// Does for `launch` what it must not do while a stream is captured: finds
  /// or compiles the kernel and loads it on the device. After `infer`.
  void prepare();

  /// The number of `form` in formNames; throws BadValue.
  static int64_t lookupForm(const std::string &name);

private:
  SimplexirLaunchOptions options() const;
  void checkOperand(const View &view, const char *kind, int index) const;
  void checkAttributes() const;
};

} // namespace simplexir::python

#endif // SIMPLEXIR_PYTHON_ATTENTION_H
