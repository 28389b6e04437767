//===- match3.cpp - Inputs and answers for match3.mlir --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Match3.h"

#include "simplexir/Reference/Attention.h"
#include "simplexir/Reference/Npy.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

using namespace simplexir::reference;

static int fail(const std::string &message) {
  std::fprintf(stderr, "simplexir-match3: error: %s\n", message.c_str());
  return 1;
}

static std::string write(const std::string &path, NpyType type,
                         std::vector<int64_t> shape,
                         const std::vector<double> &values) {
  NpyArray array;
  std::string error = fromDoubles(type, std::move(shape), values, array);
  return error.empty() ? writeNpy(path, array) : error;
}

static int make(const std::string &folder, int64_t count, int64_t modulus,
                uint64_t seed) {
  // f32 logits hold the margin, about 10 / modulus^2 of them, up to here.
  if (count < 1 || count > 4096 || modulus < 1 || modulus > 64)
    return fail("expected 1 to 4096 tokens and a modulus of 1 to 64");
  std::mt19937_64 rng(seed);
  std::vector<int64_t> x(count);
  for (int64_t &element : x)
    element = static_cast<int64_t>(rng() % static_cast<uint64_t>(modulus));
  match3::Inputs inputs = match3::embed(x, modulus);

  const NpyType f4{'f', 4}, i8{'i', 8};
  const std::vector<int64_t> wide = {1, inputs.length, 1, match3::dim};
  const std::vector<int64_t> narrow = {1, inputs.length, 1, 1};
  for (const std::string &error :
       {write(folder + "/query.npy", f4, wide, inputs.query),
        write(folder + "/key1.npy", f4, wide, inputs.keys[0]),
        write(folder + "/key2.npy", f4, wide, inputs.keys[1]),
        write(folder + "/value1.npy", f4, narrow, inputs.values[0]),
        write(folder + "/value2.npy", f4, narrow, inputs.values[1]),
        write(folder + "/x.npy", i8, {count}, {x.begin(), x.end()}),
        write(folder + "/modulus.npy", i8, {}, {double(modulus)})})
    if (!error.empty())
      return fail(error);
  return 0;
}

static std::string readTensor(const std::string &path, Tensor &tensor) {
  NpyArray array;
  if (std::string error = readNpy(path, array); !error.empty())
    return error;
  if (array.shape.size() != 4)
    return path + ": expected rank 4, found rank " +
           std::to_string(array.shape.size());
  for (size_t r = 0; r < 4; ++r)
    tensor.shape[r] = array.shape[r];
  tensor.data = toDoubles(array);
  return {};
}

/// What simplex-run does with match3.mlir, by the float64 reference.
static int solve(const std::string &folder) {
  Tensor query;
  std::vector<Tensor> keys(2), values(2);
  for (const std::string &error :
       {readTensor(folder + "/query.npy", query),
        readTensor(folder + "/key1.npy", keys[0]),
        readTensor(folder + "/key2.npy", keys[1]),
        readTensor(folder + "/value1.npy", values[0]),
        readTensor(folder + "/value2.npy", values[1])})
    if (!error.empty())
      return fail(error);
  AttentionSpec spec =
      AttentionSpec::withDefaults(FormSpec::determinant(), 2, match3::dim,
                                  query.shape[1], keys[0].shape[1]);
  spec.bidirectional = true;
  spec.scale = 1.0;
  Result result;
  std::string error = attention(spec, query, keys, values, result);
  if (error.empty())
    error = write(folder + "/out.npy", {'f', 4},
                  {result.out.shape.begin(), result.out.shape.end()},
                  result.out.data);
  return error.empty() ? 0 : fail(error);
}

static int check(const std::string &folder) {
  NpyArray sequence, modulusArray;
  Tensor out;
  int64_t modulus = 0;
  for (const std::string &error :
       {readNpy(folder + "/x.npy", sequence),
        readNpy(folder + "/modulus.npy", modulusArray),
        readTensor(folder + "/out.npy", out)})
    if (!error.empty())
      return fail(error);
  if (std::string error = toIndex(modulusArray, modulus); !error.empty())
    return fail(error);
  const std::vector<double> elements = toDoubles(sequence);
  const std::vector<int64_t> x(elements.begin(), elements.end());
  if (modulus < 1 || out.data.size() != x.size() + 1)
    return fail("out.npy does not belong to x.npy");
  size_t wrong = 0, found = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool expected = match3::matches(x, i, modulus);
    found += expected;
    wrong += match3::decide(out.data[i + 1]) != expected;
  }
  std::printf("%zu of %zu tokens are in a match; %zu answers are wrong\n",
              found, x.size(), wrong);
  return wrong != 0;
}

int main(int argc, char **argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 5 && args[0] == "make")
    return make(args[1], std::strtoll(args[2].c_str(), nullptr, 10),
                std::strtoll(args[3].c_str(), nullptr, 10),
                std::strtoull(args[4].c_str(), nullptr, 10));
  if (args.size() == 2 && args[0] == "solve")
    return solve(args[1]);
  if (args.size() == 2 && args[0] == "check")
    return check(args[1]);
  std::fprintf(stderr,
               "usage: simplexir-match3 make FOLDER TOKENS MODULUS SEED\n"
               "       simplexir-match3 solve FOLDER\n"
               "       simplexir-match3 check FOLDER\n");
  return 2;
}
