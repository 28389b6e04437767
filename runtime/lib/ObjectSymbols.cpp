//===- ObjectSymbols.cpp - What CPU kernels may call ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kept short on purpose: a kernel is arithmetic. LLVM turns loops into the
// mem* functions; the rest is what vector code falls back to for scalars.
//
//===----------------------------------------------------------------------===//

#include "ObjectLoader.h"

#include <cmath>
#include <cstring>

using namespace simplexir;

namespace {
struct External {
  const char *name;
  void *address;
};
} // namespace

template <typename Function>
static void *addressOf(Function *function) {
  return reinterpret_cast<void *>(function);
}

static const External *externals(size_t &count) {
  using F32 = float(float);
  using F64 = double(double);
  static const External table[] = {
      {"memcpy", addressOf(&std::memcpy)},
      {"memmove", addressOf(&std::memmove)},
      {"memset", addressOf(&std::memset)},
      {"exp", addressOf<F64>(&::exp)},
      {"expf", addressOf<F32>(&::expf)},
      {"exp2", addressOf<F64>(&::exp2)},
      {"exp2f", addressOf<F32>(&::exp2f)},
      {"log", addressOf<F64>(&::log)},
      {"logf", addressOf<F32>(&::logf)},
      {"log2", addressOf<F64>(&::log2)},
      {"log2f", addressOf<F32>(&::log2f)},
      {"ldexp", addressOf<double(double, int)>(&::ldexp)},
      {"ldexpf", addressOf<float(float, int)>(&::ldexpf)},
      {"fma", addressOf<double(double, double, double)>(&::fma)},
      {"fmaf", addressOf<float(float, float, float)>(&::fmaf)},
  };
  count = sizeof(table) / sizeof(table[0]);
  return table;
}

void *simplexir::externalSymbol(const std::string &name) {
  size_t count;
  const External *table = externals(count);
  for (size_t i = 0; i < count; ++i)
    if (name == table[i].name)
      return table[i].address;
  return nullptr;
}

std::string simplexir::externalSymbolNames() {
  size_t count;
  const External *table = externals(count);
  std::string names;
  for (size_t i = 0; i < count; ++i)
    names += (i ? ", " : "") + std::string(table[i].name);
  return names;
}
