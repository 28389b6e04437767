//===- CompilerTest.cpp - Compile attention from C ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerTest.h"
#include "simplexir-runtime.h"

#include <pthread.h>
#include <thread>

namespace {

/// Dot-product attention on one key head.
std::string attention(const std::string &type, const std::string &lse = "f32",
                      const std::string &keyBatch = "1") {
  std::string q = "tensor<1x?x4x16x" + type + ">";
  std::string k = "tensor<" + keyBatch + "x?x1x16x" + type + ">";
  return "func.func @attend(%q: " + q + ", %k: " + k + ") -> " + q +
         " {\n  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) "
         "form multilinear windows [8] : (" +
         q + ", " + k + ", " + k + ") -> (" + q + ", tensor<1x4x?x" + lse +
         ">)\n  return %out : " + q + "\n}\n";
}

const auto compile = simplexirCompilerCompile;
const auto check = simplexirCompilerCheck;

TEST(CompilerTest, Versions) {
  EXPECT_EQ(simplexirCompilerApiVersion(),
            unsigned(SIMPLEXIR_COMPILER_API_VERSION));
  EXPECT_TRUE(contains(simplexirCompilerVersion(), "(LLVM 22."));
  EXPECT_STREQ(simplexirCompilerStatusName(SIMPLEXIR_COMPILER_UNSUPPORTED),
               "unsupported");
  EXPECT_STREQ(simplexirCompilerStatusName(-1), "unknown_status");
  EXPECT_STREQ(simplexirCompilerStatusName(99), "unknown_status");
}

TEST(CompilerTest, MakesWhatTheRuntimeLoads) {
  Compiler compiler = create();
  Call call;
  ASSERT_EQ(call(compile, compiler.get(), attention("f32")),
            SIMPLEXIR_COMPILER_OK)
      << call.text();
  EXPECT_EQ(call.text(), "");
  EXPECT_EQ(simplexirOutcomeNumDiagnostics(call.outcome.get()), 0u);
  compiler.reset(); // outcomes outlive it
  std::string bytes = call.artifact();
  SimplexirArtifact *artifact = nullptr;
  ASSERT_EQ(simplexirArtifactLoadMemory(bytes.data(), bytes.size(), &artifact),
            SIMPLEXIR_OK)
      << simplexirLastError();
  ASSERT_EQ(simplexirArtifactNumKernels(artifact), 1u);
  EXPECT_STREQ(simplexirKernelName(simplexirArtifactKernelAt(artifact, 0)),
               "attend");
  simplexirArtifactDestroy(artifact);
}

TEST(CompilerTest, SameModuleSameBytes) {
  Compiler compiler = create();
  Call first, second;
  first(compile, compiler.get(), attention("f32"));
  second(compile, create().get(), attention("f32"));
  EXPECT_NE(first.artifact(), "");
  EXPECT_EQ(first.artifact(), second.artifact());
}

TEST(CompilerTest, SeveralChips) {
  Compiler compiler = create();
  Call call;
  call.chips = {"native", "sm_80"};
  ASSERT_EQ(call(compile, compiler.get(), attention("bf16")),
            SIMPLEXIR_COMPILER_OK)
      << call.text();
  EXPECT_TRUE(contains(call.artifact(), "sm_80"));
  // Without ptxas there is one warning, which says so.
  SimplexirDiagnostic diagnostic = {};
  diagnostic.structSize = sizeof(diagnostic);
  if (simplexirOutcomeNumDiagnostics(call.outcome.get()) != 0) {
    ASSERT_EQ(simplexirOutcomeDiagnosticAt(call.outcome.get(), 0, &diagnostic),
              SIMPLEXIR_COMPILER_OK);
    EXPECT_EQ(diagnostic.severity, SIMPLEXIR_SEVERITY_WARNING);
  }
}

TEST(CompilerTest, BadTextHasAPlace) {
  Compiler compiler = create();
  Call call;
  call.options.sourceName = "mine.mlir";
  EXPECT_EQ(call(compile, compiler.get(), "module {\n  oops\n}"),
            SIMPLEXIR_COMPILER_INVALID_MODULE);
  EXPECT_TRUE(contains(call.text(), "mine.mlir:2:3: error: ")) << call.text();
  EXPECT_EQ(call.artifact(), "");
  SimplexirDiagnostic diagnostic = {};
  EXPECT_EQ(simplexirOutcomeDiagnosticAt(call.outcome.get(), 0, &diagnostic),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT)
      << "structSize is 0";
  diagnostic.structSize = sizeof(diagnostic);
  ASSERT_EQ(simplexirOutcomeDiagnosticAt(call.outcome.get(), 0, &diagnostic),
            SIMPLEXIR_COMPILER_OK);
  EXPECT_EQ(diagnostic.severity, SIMPLEXIR_SEVERITY_ERROR);
  EXPECT_STREQ(diagnostic.file, "mine.mlir");
  EXPECT_EQ(diagnostic.line, 2u);
  EXPECT_EQ(diagnostic.column, 3u);
  EXPECT_STRNE(diagnostic.message, "");
  EXPECT_EQ(simplexirOutcomeDiagnosticAt(
                call.outcome.get(),
                simplexirOutcomeNumDiagnostics(call.outcome.get()),
                &diagnostic),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
}

TEST(CompilerTest, InvalidOperation) {
  Compiler compiler = create();
  Call call;
  EXPECT_EQ(call(check, compiler.get(), attention("f32", "f32", "2")),
            SIMPLEXIR_COMPILER_INVALID_MODULE);
  EXPECT_TRUE(contains(call.text(),
                       "<module>:2:16: error: 'simplex.attention' op key 1 has "
                       "batch size 2, expected 1 as the query"))
      << call.text();
}

TEST(CompilerTest, UnknownDialect) {
  Compiler compiler = create();
  Call call;
  EXPECT_EQ(call(compile, compiler.get(), "other.op"),
            SIMPLEXIR_COMPILER_INVALID_MODULE);
  EXPECT_NE(call.text(), "");
}

TEST(CompilerTest, DamagedBytecode) {
  Compiler compiler = create();
  Call call;
  EXPECT_EQ(call(compile, compiler.get(), std::string("ML\xefR\x06oops", 9)),
            SIMPLEXIR_COMPILER_INVALID_MODULE);
  EXPECT_NE(call.text(), "");
}

TEST(CompilerTest, NoAttention) {
  Compiler compiler = create();
  for (const char *module : {"", "func.func @f() { return }"})
    for (auto function : {compile, check}) {
      Call call;
      EXPECT_EQ(call(function, compiler.get(), module),
                SIMPLEXIR_COMPILER_NO_ATTENTION);
      EXPECT_EQ(call.text(), "error: the module has no function with a "
                             "simplex.attention\n");
    }
}

TEST(CompilerTest, UnknownChip) {
  Compiler compiler = create();
  for (const char *chip : {"sm_12", "arm", ""}) {
    Call call;
    call.chips = {"x86-64-v3", chip};
    EXPECT_EQ(call(compile, compiler.get(), attention("f32")),
              SIMPLEXIR_COMPILER_UNKNOWN_CHIP);
    EXPECT_TRUE(contains(call.text(), "error: unknown chip '" +
                                          std::string(chip) +
                                          "'; known chips: sm_80,"))
        << call.text();
  }
}

TEST(CompilerTest, CheckAnswersBeforeCompiling) {
  Compiler compiler = create();
  Call call;
  call.chips = {"x86-64-v2", "sm_80", "sm_90a"};
  EXPECT_EQ(call(check, compiler.get(), attention("bf16")),
            SIMPLEXIR_COMPILER_OK);
  EXPECT_EQ(call.text(), "");
  EXPECT_EQ(call.artifact(), "");

  // f64 is for the CPU alone.
  Call wide;
  EXPECT_EQ(wide(check, compiler.get(), attention("f64", "f64")),
            SIMPLEXIR_COMPILER_OK);
  wide.chips = {"sm_80"};
  EXPECT_EQ(wide(check, compiler.get(), attention("f64", "f64")),
            SIMPLEXIR_COMPILER_UNSUPPORTED);
  EXPECT_EQ(wide.text(),
            "<module>:2:16: error: 'simplex.attention' op has elements of type "
            "'f64', expected bf16, f16 or f32 on a GPU\n");
  // Compiling says the same, once.
  Call compiled;
  compiled.chips = {"sm_80"};
  EXPECT_EQ(compiled(compile, compiler.get(), attention("f64", "f64")),
            SIMPLEXIR_COMPILER_UNSUPPORTED);
  EXPECT_EQ(compiled.text(), wide.text());
  EXPECT_EQ(compiled.artifact(), "");
}

TEST(CompilerTest, MoreThanAnAttention) {
  Compiler compiler = create();
  Call call;
  std::string module = attention("f32");
  module.insert(module.find("  %out"), "  %n = tensor.empty() : "
                                       "tensor<1x8x1x16xf32>\n  %e = "
                                       "tensor.cast %n : tensor<1x8x1x16xf32> "
                                       "to tensor<1x?x1x16xf32>\n");
  module.replace(module.find("values(%k)"), 10, "values(%e)");
  EXPECT_EQ(call(check, compiler.get(), module),
            SIMPLEXIR_COMPILER_UNSUPPORTED);
  EXPECT_TRUE(contains(call.text(), "operand 2 is not an argument of the "
                                    "function"))
      << call.text();
}

TEST(CompilerTest, WrongPtxas) {
  Compiler compiler = create();
  Call call;
  call.chips = {"sm_80"};
  call.options.ptxas = "/no/such/ptxas";
  EXPECT_EQ(call(compile, compiler.get(), attention("f32")),
            SIMPLEXIR_COMPILER_FAILED);
  EXPECT_TRUE(contains(call.text(), "/no/such/ptxas")) << call.text();
}

TEST(CompilerTest, InvalidArguments) {
  Compiler compiler = create();
  const std::string module = attention("f32");
  auto expect = [&](const SimplexirCompiler *given, const void *data,
                    const SimplexirCompileOptions *options,
                    const std::string &text) {
    for (auto function : {compile, check}) {
      Call call;
      EXPECT_EQ(call.finish(function, given, data, module.size(), options),
                SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
      EXPECT_EQ(call.text(), "error: " + text + "\n");
      EXPECT_EQ(call.artifact(), "");
    }
  };
  const char *chips[] = {"x86-64-v3", nullptr};
  SimplexirCompileOptions options = {};
  options.structSize = sizeof(options);
  expect(nullptr, module.data(), &options, "compiler is null");
  expect(compiler.get(), nullptr, &options, "module is null");
  expect(compiler.get(), module.data(), nullptr, "options is null");
  expect(compiler.get(), module.data(), &options, "options names no chip");
  options.chips = chips;
  expect(compiler.get(), module.data(), &options, "options names no chip");
  options.numChips = 2;
  expect(compiler.get(), module.data(), &options, "chip 1 is null");
  options.structSize = 8;
  expect(compiler.get(), module.data(), &options,
         "structSize of options is 8, expected at least " +
             std::to_string(sizeof(options)));

  EXPECT_EQ(simplexirCompilerCreate(nullptr),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(
      compile(compiler.get(), module.data(), module.size(), &options, nullptr),
      SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  simplexirCompilerDestroy(nullptr);
  simplexirOutcomeDestroy(nullptr);
  EXPECT_EQ(simplexirOutcomeStatus(nullptr),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  EXPECT_STREQ(simplexirOutcomeText(nullptr), "");
  EXPECT_EQ(simplexirOutcomeNumDiagnostics(nullptr), 0u);
  const void *data;
  size_t size;
  EXPECT_EQ(simplexirOutcomeArtifact(nullptr, &data, &size),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  Call call;
  call(check, compiler.get(), module);
  EXPECT_EQ(simplexirOutcomeArtifact(call.outcome.get(), nullptr, &size),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(simplexirOutcomeArtifact(call.outcome.get(), &data, nullptr),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(simplexirOutcomeDiagnosticAt(call.outcome.get(), 0, nullptr),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
}

// Messages belong to the caller.
TEST(CompilerTest, PrintsNothing) {
  Compiler compiler = create();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  for (const std::string &module :
       {attention("f32"), attention("f64", "f64"), std::string("oops")}) {
    Call call;
    call.chips = {"sm_80"};
    call(check, compiler.get(), module);
    call(compile, compiler.get(), module);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// The size says where a module ends.
TEST(CompilerTest, ReadsNoFurther) {
  Compiler compiler = create();
  std::string module = attention("f32");
  size_t size = module.size();
  module += "oops";
  const char *chip = "x86-64-v3";
  SimplexirCompileOptions options = {};
  options.structSize = sizeof(options);
  options.chips = &chip;
  options.numChips = 1;
  Call call;
  EXPECT_EQ(call.finish(check, compiler.get(), module.data(), size, &options),
            SIMPLEXIR_COMPILER_OK)
      << call.text();
}

TEST(CompilerTest, OneCompilerManyThreads) {
  Compiler compiler = create();
  const std::vector<std::string> modules = {
      attention("f32"), "oops", attention("f64", "f64"), attention("bf16")};
  std::vector<Call> expected(modules.size());
  for (size_t i = 0; i < modules.size(); ++i)
    expected[i](compile, compiler.get(), modules[i]);
  std::vector<Call> calls(4 * modules.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < calls.size(); ++i)
    threads.emplace_back([&, i] {
      calls[i](compile, compiler.get(), modules[i % modules.size()]);
    });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].text(), expected[i % modules.size()].text());
    EXPECT_EQ(calls[i].artifact(), expected[i % modules.size()].artifact());
  }
}

// Whoever calls may have a small stack.
TEST(CompilerTest, SmallStack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 << 10);
  pthread_t thread;
  auto body = [](void *) -> void * {
    Call call;
    EXPECT_EQ(call(compile, create().get(), attention("f32")),
              SIMPLEXIR_COMPILER_OK);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

} // namespace
