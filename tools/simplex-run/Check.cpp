//===- Check.cpp - The reference, and what a run computes -----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"
#include "simplexir/Reference/Compare.h"

#include "mlir/IR/Matchers.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <limits>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::run;

static reference::FormSpec getForm(AttentionOp op) {
  auto form = cast<FormAttrInterface>(op.getForm());
  reference::FormSpec spec;
  raw_string_ostream(spec.name) << op.getForm();
  spec.chunk = static_cast<int>(form.getChunk());
  for (const FormTerm &term : form.getTerms(op.getArity())) {
    reference::FormTerm copy;
    copy.coefficient = term.coefficient;
    copy.rotations.assign(term.rotations.begin(), term.rotations.end());
    spec.terms.push_back(std::move(copy));
  }
  return spec;
}

/// The value of an index operand: an argument or a constant.
static Expected<int64_t> getIndex(mlir::Value value, ArrayRef<Value> inputs) {
  if (auto argument = dyn_cast<mlir::BlockArgument>(value))
    return inputs[argument.getArgNumber()].index;
  APInt constant;
  if (mlir::matchPattern(value, mlir::m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return createStringError("a position of the attention is computed in the "
                           "function; only arguments and constants are known");
}

Expected<Problem> run::getProblem(mlir::func::FuncOp function,
                                  ArrayRef<Value> inputs) {
  SmallVector<AttentionOp> ops;
  function.walk([&](AttentionOp op) { ops.push_back(op); });
  if (ops.size() != 1)
    return createStringError("function '" + function.getName() + "' has " +
                             Twine(ops.size()) +
                             " attentions; to check and time it, it must have "
                             "one");
  AttentionOp op = ops[0];
  Problem problem;
  auto getArgument = [&](mlir::Value value, unsigned &number) -> Error {
    auto argument = dyn_cast<mlir::BlockArgument>(value);
    if (!argument || !function.getBody().hasOneBlock())
      return createStringError("an operand of the attention is not an argument "
                               "of the function, as checking and timing it "
                               "need");
    number = argument.getArgNumber();
    return Error::success();
  };
  if (Error error = getArgument(op.getQuery(), problem.query))
    return error;
  for (auto [from, to] : {std::make_pair(op.getKeys(), &problem.keys),
                          std::make_pair(op.getValues(), &problem.values)})
    for (mlir::Value value : from)
      if (Error error = getArgument(value, to->emplace_back()))
        return error;

  auto *terminator = function.getBody().front().getTerminator();
  for (auto [i, value] : enumerate(terminator->getOperands())) {
    if (value == op.getResult(0))
      problem.out = static_cast<int>(i);
    if (value == op.getResult(1))
      problem.lse = static_cast<int>(i);
  }

  problem.element = inputs[problem.query].parameter.element;
  problem.queryShape = inputs[problem.query].shape;
  problem.valueShape = inputs[problem.values[0]].shape;
  auto &spec = problem.spec;
  auto numKeys = static_cast<int>(problem.keys.size());
  spec = reference::AttentionSpec::withDefaults(
      getForm(op), numKeys, problem.queryShape[3], problem.queryShape[1],
      problem.valueShape[1]);
  spec.windows.assign(op.getWindows().begin(), op.getWindows().end());
  spec.bidirectional = op.getBidirectional();
  spec.scale = op.getEffectiveScale();
  if (auto biases = op.getKeyBiases())
    spec.keyBiases.assign(biases->begin(), biases->end());
  if (auto biases = op.getValueBiases())
    spec.valueBiases.assign(biases->begin(), biases->end());
  spec.roundBiases(problem.element);
  for (auto [value, field] : {std::make_pair(op.getQueryPosition(), &spec.q0),
                              std::make_pair(op.getKeyPosition(), &spec.k0),
                              std::make_pair(op.getRangeBegin(), &spec.lo),
                              std::make_pair(op.getRangeEnd(), &spec.hi)}) {
    if (!value)
      continue;
    Expected<int64_t> index = getIndex(value, inputs);
    if (!index)
      return index.takeError();
    *field = *index;
  }
  return problem;
}

reference::Tensor run::makeTensor(const Value &value) {
  reference::Tensor tensor;
  std::copy_n(value.shape.begin(), 4, tensor.shape.begin());
  tensor.data = toDoubles(value);
  return tensor;
}

Expected<bool> run::verifyResults(const Problem &problem,
                                  ArrayRef<Value> inputs,
                                  ArrayRef<Value> results, int threads,
                                  raw_ostream &os) {
  if (problem.out < 0)
    return createStringError("the function does not return the attention's "
                             "output; --verify needs it");
  std::vector<reference::Tensor> keys, values;
  for (unsigned number : problem.keys)
    keys.push_back(makeTensor(inputs[number]));
  for (unsigned number : problem.values)
    values.push_back(makeTensor(inputs[number]));
  reference::Result expected;
  reference::Options options;
  options.threads = threads;
  options.accuracy = true;
  std::string error =
      reference::attention(problem.spec, makeTensor(inputs[problem.query]),
                           keys, values, expected, options);
  if (!error.empty())
    return createStringError("the reference rejects the inputs: " + error);
  // A function need not return lse.
  std::vector<double> lse =
      problem.lse < 0 ? expected.lse : toDoubles(results[problem.lse]);
  reference::Comparison comparison =
      reference::compare(problem.element, static_cast<int>(problem.keys.size()),
                         expected, makeTensor(results[problem.out]), lse);
  os << "verify: " << (comparison.pass ? "PASS" : "FAIL") << "\n"
     << format("  out  relative error %.3e  bound %.3e\n", comparison.outError,
               comparison.outBound);
  if (problem.lse >= 0)
    os << format("  lse  absolute error %.3e  bound %.3e\n",
                 comparison.lseError, comparison.lseBound);
  os << format("  worst row of out: relative error %.3e at batch %lld, head "
               "%lld, query %lld\n",
               comparison.worstRowError,
               static_cast<long long>(comparison.worstRow[0]),
               static_cast<long long>(comparison.worstRow[1]),
               static_cast<long long>(comparison.worstRow[2]));
  const std::vector<uint8_t> &unspecified = expected.accuracy.unspecified;
  if (auto left = count_if(unspecified, [](uint8_t x) { return x != 0; }))
    os << format("  not compared: %lld of %llu pairs of a batch and a KV head, "
                 "whose inputs are not finite\n",
                 static_cast<long long>(left),
                 static_cast<unsigned long long>(unspecified.size()));
  if (!comparison.message.empty())
    os << "  " << comparison.message << "\n";
  return comparison.pass;
}

static int64_t saturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (!AddOverflow(a, b, sum))
    return sum;
  return a < 0 ? std::numeric_limits<int64_t>::min()
               : std::numeric_limits<int64_t>::max();
}

WorkCount run::countWork(const Problem &problem, const KernelTiles &tiles) {
  const reference::AttentionSpec &spec = problem.spec;
  int64_t batch = problem.queryShape[0], queries = problem.queryShape[1];
  int64_t heads = problem.queryShape[2], dim = problem.queryShape[3];
  int64_t length = problem.valueShape[1], valueDim = problem.valueShape[3];
  // Positions relative to key 0, as in --simplex-tile-attention.
  int64_t offset = spec.q0 - spec.k0;
  int64_t begin = std::max<int64_t>(0, saturatingAdd(spec.lo, -spec.k0));
  int64_t end = std::min(length, saturatingAdd(spec.hi, -spec.k0));
  // Keys that some query in [first, last] may use.
  auto count = [&](int64_t window, int64_t first, int64_t last) {
    int64_t from = begin, to = end;
    if (window)
      from = std::max(from, saturatingAdd(first, 1 - window));
    if (!spec.bidirectional)
      to = std::min(to, last + 1);
    else if (window)
      to = std::min(to, saturatingAdd(last, window));
    return std::max<int64_t>(0, to - from);
  };

  WorkCount work;
  for (int64_t query = 0; query < queries; ++query) {
    double tuples = 1;
    for (int64_t window : spec.windows)
      tuples *=
          static_cast<double>(count(window, offset + query, offset + query));
    work.allowed += tuples;
  }
  for (int64_t query = 0; query < queries; query += tiles.queries) {
    int64_t last = std::min(query + tiles.queries, queries) - 1;
    auto tuples = static_cast<double>(tiles.queries);
    for (auto [i, window] : enumerate(tiles.windows)) {
      int64_t keys = count(window, offset + query, offset + last);
      if (i + 1 == tiles.windows.size())
        keys = ScheduleAttr::coverLastKeys(keys, tiles.keys, tiles.secondKeys);
      tuples *= static_cast<double>(keys);
    }
    work.visited += tuples;
  }
  auto rows = static_cast<double>(batch * heads);
  work.allowed *= rows;
  work.visited *= rows;
  work.flops = 2.0 * static_cast<double>(dim + valueDim) * work.allowed;
  return work;
}
