//===- DescriptionTest.cpp - Compile a described attention ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerTest.h"
#include "simplexir-runtime.h"

#include <cmath>

namespace {

const auto compile = simplexirCompilerCompile;
const auto compileAttention = simplexirCompilerCompileAttention;
const auto checkAttention = simplexirCompilerCheckAttention;

const int64_t windows[] = {4, 8, 0, 2};

/// Trilinear, two heads of one key head.
SimplexirAttention trilinear() {
  SimplexirAttention attention = {};
  attention.structSize = sizeof(attention);
  attention.arity = 3;
  attention.elementType = SIMPLEXIR_ELEMENT_F32;
  attention.heads = 2;
  attention.keyHeads = 1;
  attention.headDim = 16;
  attention.valueDim = 8;
  attention.windows = windows;
  return attention;
}

/// Every status is that of checking, too.
void expect(const SimplexirAttention *attention, SimplexirCompilerStatus status,
            const std::string &text, const char *chip = "x86-64-v3") {
  Compiler compiler = create();
  for (auto function : {compileAttention, checkAttention}) {
    Call call;
    call.chips = {chip};
    EXPECT_EQ(call(function, compiler.get(), attention), status);
    EXPECT_EQ(call.text(), text);
    EXPECT_EQ(call.artifact(), "");
  }
}

using Chips = std::vector<const char *>;

template <typename Function, typename Given>
std::string artifactOf(Function *function, const Given &given,
                       const Chips &chips) {
  Call call;
  call.chips = chips;
  EXPECT_EQ(call(function, create().get(), given), SIMPLEXIR_COMPILER_OK)
      << call.text();
  return call.artifact();
}
std::string artifactOf(const SimplexirAttention &attention,
                       const Chips &chips = {"x86-64-v3", "sm_80"}) {
  return artifactOf(compileAttention, &attention, chips);
}
std::string artifactOf(const std::string &module) {
  return artifactOf(compile, module, {"x86-64-v3", "sm_80"});
}

TEST(DescriptionTest, IsTheModuleWithTheLeastClauses) {
  std::string described = artifactOf(trilinear());
  EXPECT_NE(described, "");
  EXPECT_EQ(described, artifactOf(R"(
func.func @attention(%q: tensor<?x?x2x16xf32>,
    %k1: tensor<?x?x1x16xf32>, %k2: tensor<?x?x1x16xf32>,
    %v1: tensor<?x?x1x8xf32>, %v2: tensor<?x?x1x8xf32>)
    -> (tensor<?x?x2x8xf32>, tensor<?x2x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [4, 8]
      : (tensor<?x?x2x16xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>,
         tensor<?x?x1x8xf32>, tensor<?x?x1x8xf32>)
      -> (tensor<?x?x2x8xf32>, tensor<?x2x?xf32>)
  return %out, %lse : tensor<?x?x2x8xf32>, tensor<?x2x?xf32>
})"));
}

TEST(DescriptionTest, IsTheModuleWithAllClauses) {
  SimplexirAttention attention = trilinear();
  const double keyBiases[] = {0.5, -0.25}, valueBiases[] = {0, 1};
  attention.name = "mine_2";
  attention.elementType = SIMPLEXIR_ELEMENT_F16;
  attention.form = "determinant";
  attention.keyBiases = keyBiases;
  attention.valueBiases = valueBiases;
  attention.hasScale = 1;
  attention.scale = -0.125;
  attention.bidirectional = 1;
  attention.hasPositions = 1;
  attention.hasKeyRange = 1;
  std::string described = artifactOf(attention);
  auto module = [](const std::string &form) {
    return R"(
func.func @mine_2(%q: tensor<?x?x2x16xf16>,
    %k1: tensor<?x?x1x16xf16>, %k2: tensor<?x?x1x16xf16>,
    %v1: tensor<?x?x1x8xf16>, %v2: tensor<?x?x1x8xf16>,
    %q0: index, %k0: index, %lo: index, %hi: index)
    -> (tensor<?x?x2x8xf16>, tensor<?x2x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      positions(%q0, %k0) key_range(%lo, %hi)
      form )" +
           form +
           R"( windows [4, 8] bidirectional scale -0.125
      key_biases [0.5, -0.25] value_biases [0.0, 1.0]
      : (tensor<?x?x2x16xf16>, tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>,
         tensor<?x?x1x8xf16>, tensor<?x?x1x8xf16>)
      -> (tensor<?x?x2x8xf16>, tensor<?x2x?xf32>)
  return %out, %lse : tensor<?x?x2x8xf16>, tensor<?x2x?xf32>
})";
  };
  EXPECT_EQ(described, artifactOf(module("determinant")));
  // A form in full.
  attention.form = "#simplex.determinant<reversed = true>";
  std::string reversed = artifactOf(attention);
  EXPECT_NE(described, reversed);
  EXPECT_EQ(reversed, artifactOf(module(attention.form)));
}

// Each field counts.
TEST(DescriptionTest, EveryFieldChangesTheArtifact) {
  const std::string plain = artifactOf(trilinear(), {"x86-64-v3"});
  const double biases[] = {0.5, 0.5};
  auto change = [&](auto set) {
    SimplexirAttention attention = trilinear();
    set(attention);
    EXPECT_NE(artifactOf(attention, {"x86-64-v3"}), plain);
  };
  using A = SimplexirAttention;
  change([](A &a) { a.name = "other"; });
  change([](A &a) { a.arity = 4; });
  change([](A &a) { a.elementType = SIMPLEXIR_ELEMENT_BF16; });
  change([](A &a) { a.heads = 4; });
  change([](A &a) { a.keyHeads = 2; });
  change([](A &a) { a.headDim = 32; });
  change([](A &a) { a.valueDim = 16; });
  change([](A &a) { a.form = "determinant"; });
  change([](A &a) { a.windows = windows + 1; });
  change([&](A &a) { a.keyBiases = biases; });
  change([&](A &a) { a.valueBiases = biases; });
  change([](A &a) { a.hasScale = 1; });
  change([](A &a) { a.bidirectional = 1; });
  change([](A &a) { a.hasPositions = 1; });
  change([](A &a) { a.hasKeyRange = 1; });
  // A scale that nothing says to use does not count.
  SimplexirAttention attention = trilinear();
  attention.scale = 3;
  EXPECT_EQ(artifactOf(attention, {"x86-64-v3"}), plain);
}

TEST(DescriptionTest, ArgumentsInTheOrderThatTheHeaderSays) {
  SimplexirAttention attention = trilinear();
  attention.hasPositions = attention.hasKeyRange = 1;
  attention.elementType = SIMPLEXIR_ELEMENT_F64;
  Call call;
  ASSERT_EQ(call(compileAttention, create().get(), &attention),
            SIMPLEXIR_COMPILER_OK)
      << call.text();
  std::string bytes = call.artifact();
  SimplexirArtifact *artifact = nullptr;
  ASSERT_EQ(simplexirArtifactLoadMemory(bytes.data(), bytes.size(), &artifact),
            SIMPLEXIR_OK);
  SimplexirKernel *kernel = simplexirArtifactKernelAt(artifact, 0);
  EXPECT_STREQ(simplexirKernelName(kernel), "attention");
  std::vector<std::string> names;
  for (size_t i = 0; i < simplexirKernelNumArguments(kernel); ++i) {
    SimplexirArgumentInfo info = {};
    info.structSize = sizeof(info);
    ASSERT_EQ(simplexirKernelArgumentInfo(kernel, i, &info), SIMPLEXIR_OK);
    names.push_back(info.name);
    if (info.kind == SIMPLEXIR_TENSOR) {
      EXPECT_EQ(info.dtype, int32_t(SIMPLEXIR_ELEMENT_F64));
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"query", "key1", "key2", "value1",
                                             "value2", "query_position",
                                             "key_position", "range_begin",
                                             "range_end", "out", "lse"}));
  simplexirArtifactDestroy(artifact);
}

TEST(DescriptionTest, FieldsThatNoAttentionCanHave) {
  auto invalid = [](auto set, const std::string &text) {
    SimplexirAttention attention = trilinear();
    set(attention);
    expect(&attention, SIMPLEXIR_COMPILER_INVALID_ARGUMENT,
           "error: " + text + "\n");
  };
  using A = SimplexirAttention;
  expect(nullptr, SIMPLEXIR_COMPILER_INVALID_ARGUMENT,
         "error: attention is null\n");
  invalid([](A &a) { a.structSize = 8; },
          "structSize of attention is 8, expected at least " +
              std::to_string(sizeof(SimplexirAttention)));
  for (const char *name : {"", "2nd", "a b", "a.b", "\xc3\xa9"})
    invalid([&](A &a) { a.name = name; },
            "name of attention is '" + std::string(name) +
                "', expected letters, digits and '_', no digit first");
  for (int arity : {-1, 1, 6})
    invalid([&](A &a) { a.arity = arity; }, "arity of attention is " +
                                                std::to_string(arity) +
                                                ", expected 2 to 5");
  for (int element : {-1, 4})
    invalid([&](A &a) { a.elementType = element; },
            "elementType of attention is " + std::to_string(element) +
                ", expected 0 (bf16), 1 (f16), 2 (f32) or 3 (f64)");
  invalid([](A &a) { a.heads = 0; },
          "heads of attention is 0, expected at least 1");
  invalid([](A &a) { a.keyHeads = -1; },
          "keyHeads of attention is -1, expected at least 1");
  invalid([](A &a) { a.headDim = INT64_MIN; },
          "headDim of attention is -9223372036854775808, expected at least 1");
  invalid([](A &a) { a.valueDim = 0; },
          "valueDim of attention is 0, expected at least 1");
  invalid([](A &a) { a.windows = nullptr; },
          "windows of attention is null, expected 2 sizes");
}

TEST(DescriptionTest, FieldsThatDoNotGoTogether) {
  auto invalid = [](auto set, const std::string &text) {
    SimplexirAttention attention = trilinear();
    set(attention);
    expect(&attention, SIMPLEXIR_COMPILER_INVALID_MODULE, text);
  };
  using A = SimplexirAttention;
  const std::string op = "error: 'simplex.attention' op ";
  const int64_t negative[] = {4, -1};
  const double infinite[] = {0, INFINITY};
  invalid(
      [](A &a) { a.heads = 3, a.keyHeads = 2; },
      op +
          "query has 3 heads, expected a multiple of the keys' head count 2\n");
  invalid([](A &a) { a.heads = int64_t(1) << 31; },
          op + "query has an extent of 2147483648, expected less than 2^31\n");
  invalid([&](A &a) { a.windows = negative; },
          op + "'windows' must not be negative (0 is unlimited), found -1\n");
  invalid([](A &a) { a.hasScale = 1, a.scale = NAN; },
          op + "'scale' must be finite, found nan\n");
  invalid([&](A &a) { a.keyBiases = infinite; },
          op + "'key_biases' must be finite, found inf\n");
  invalid([](A &a) { a.form = "determinant", a.arity = 2; },
          op + "form determinant takes exactly 2 keys (n = 3), found 1\n");
}

TEST(DescriptionTest, WhatIsNoForm) {
  const std::string tail = "', expected the name of a form (multilinear, "
                           "determinant) or an attribute that is one\n";
  for (const char *form : {"", "quadratic", "#simplex.schedule<rows = 8>",
                           "#builtin.oops", "#", "multilinear 1"}) {
    SimplexirAttention attention = trilinear();
    attention.form = form;
    Call call;
    EXPECT_EQ(call(checkAttention, create().get(), &attention),
              SIMPLEXIR_COMPILER_INVALID_MODULE);
    EXPECT_TRUE(contains(call.text(), "error: form of attention is '" +
                                          std::string(form) + tail))
        << call.text();
  }
}

TEST(DescriptionTest, CanThisBeCompiledForTheChip) {
  SimplexirAttention attention = trilinear();
  attention.elementType = SIMPLEXIR_ELEMENT_F64;
  expect(&attention, SIMPLEXIR_COMPILER_UNSUPPORTED,
         "error: 'simplex.attention' op has elements of type 'f64', expected "
         "bf16, f16 or f32 on a GPU\n",
         "sm_90a");
  Call call;
  call.chips = {"sm_12"};
  EXPECT_EQ(call(checkAttention, create().get(), &attention),
            SIMPLEXIR_COMPILER_UNKNOWN_CHIP);
}

TEST(DescriptionTest, OtherInvalidArguments) {
  SimplexirAttention attention = trilinear();
  Call call;
  EXPECT_EQ(call(compileAttention, nullptr, &attention),
            SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(call.text(), "error: compiler is null\n");
  EXPECT_EQ(
      checkAttention(create().get(), &attention, call.fillOptions(), nullptr),
      SIMPLEXIR_COMPILER_INVALID_ARGUMENT);
}

} // namespace
