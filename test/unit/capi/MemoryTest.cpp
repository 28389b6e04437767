//===- MemoryTest.cpp - The C interface without memory --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program's operator new refuses what a test asks it to, so that it is
// always the same allocation that fails.
//
//===----------------------------------------------------------------------===//

#include "CompilerTest.h"

#include <atomic>
#include <cstdlib>
#include <new>

/// Allocations of this many bytes or more fail.
static std::atomic<size_t> limit{SIZE_MAX};

static void *allocate(size_t size) {
  return size < limit ? std::malloc(size ? size : 1) : nullptr;
}
static void *allocateOrThrow(size_t size) {
  if (void *pointer = allocate(size))
    return pointer;
  throw std::bad_alloc();
}
void *operator new(size_t size) { return allocateOrThrow(size); }
void *operator new[](size_t size) { return allocateOrThrow(size); }
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  return allocate(size);
}
void *operator new[](size_t size, const std::nothrow_t &) noexcept {
  return allocate(size);
}
void operator delete(void *pointer) noexcept { std::free(pointer); }
void operator delete[](void *pointer) noexcept { std::free(pointer); }
void operator delete(void *pointer, size_t) noexcept { std::free(pointer); }
void operator delete[](void *pointer, size_t) noexcept { std::free(pointer); }
void operator delete(void *pointer, const std::nothrow_t &) noexcept {
  std::free(pointer);
}
void operator delete[](void *pointer, const std::nothrow_t &) noexcept {
  std::free(pointer);
}

namespace {

struct Limit {
  explicit Limit(size_t bytes) { limit = bytes; }
  ~Limit() { limit = SIZE_MAX; }
};

/// More than any allocation of a small compilation.
constexpr size_t large = size_t(32) << 20;

TEST(MemoryTest, NoCompiler) {
  SimplexirCompiler *compiler = reinterpret_cast<SimplexirCompiler *>(1);
  SimplexirCompilerStatus status;
  {
    Limit none(0);
    status = simplexirCompilerCreate(&compiler);
  }
  EXPECT_EQ(status, SIMPLEXIR_COMPILER_OUT_OF_MEMORY);
  EXPECT_EQ(compiler, nullptr);
  EXPECT_STREQ(simplexirCompilerStatusName(status), "out_of_memory");
}

TEST(MemoryTest, NoOutcome) {
  Compiler compiler = create();
  Call call;
  const SimplexirCompileOptions *options = call.fillOptions();
  SimplexirAttention attention = {};
  auto *outcome = reinterpret_cast<SimplexirOutcome *>(1), *other = outcome;
  SimplexirCompilerStatus status, described;
  {
    Limit none(0);
    status = simplexirCompilerCompile(compiler.get(), "", 0, options, &outcome);
    described = simplexirCompilerCompileAttention(compiler.get(), &attention,
                                                  options, &other);
  }
  EXPECT_EQ(status, SIMPLEXIR_COMPILER_OUT_OF_MEMORY);
  EXPECT_EQ(outcome, nullptr);
  EXPECT_EQ(described, SIMPLEXIR_COMPILER_OUT_OF_MEMORY);
  EXPECT_EQ(other, nullptr);
}

/// The call fails for want of memory, says so, and the compiler is as before.
void expectFailure(Call &call, const char *module, size_t size) {
  Compiler compiler = create();
  for (auto function : {simplexirCompilerCompile, simplexirCompilerCheck}) {
    SimplexirOutcome *outcome = nullptr;
    SimplexirCompilerStatus status;
    const SimplexirCompileOptions *options = call.fillOptions();
    {
      Limit some(large);
      status = function(compiler.get(), module, size, options, &outcome);
    }
    EXPECT_EQ(call.keep(status, outcome), SIMPLEXIR_COMPILER_OUT_OF_MEMORY);
    EXPECT_EQ(call.text(), "error: out of memory\n");
    EXPECT_EQ(call.artifact(), "");
  }
  Call other;
  EXPECT_EQ(other(simplexirCompilerCheck, compiler.get(), ""),
            SIMPLEXIR_COMPILER_NO_ATTENTION);
}

TEST(MemoryTest, ModuleThatCannotBeCopied) {
  // No byte is read before there is room for all.
  Call call;
  expectFailure(call, "", SIZE_MAX / 2);
}

TEST(MemoryTest, NameThatCannotBeCopied) {
  std::string chip(large, 'x');
  Call call;
  call.chips = {chip.c_str()};
  expectFailure(call, "", 0);
}

} // namespace
