//===- ConvertCombine.cpp - The forms' combiner ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// |value|; math.absf would become a call of a device library.
Value emitAbs(FragmentBuilder &b, Value value) {
  return arith::MaxNumFOp::create(b, value, arith::NegFOp::create(b, value));
}

/// The combiner on fragments: a sum over the form's terms of query fragments
/// times rows of outer keys. In separated columns, rotating inside a chunk
/// takes the fragment of another component.
struct CombinePattern : TilePattern<CombineOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CombineOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getQuery().getType()))
      return op.emitOpError("needs its query in shared memory: run "
                            "--simplex-stage-tiles first");
    if (op.getForm().getChunk() > 1 && !op.getSeparated())
      return op.emitOpError("mixes columns of several threads: run "
                            "--simplex-separate-chunks first");
    Problem problem(op, adaptor.getKeys());
    TileType type = op.getResult().getType();
    int64_t columns = getColumnFragments(type);
    SmallVector<SmallVector<Value>> rows(columns);
    // Fragments that hold no head dim are zero.
    SmallVector<SmallVector<Value>, 2> results{SmallVector<Value>(
        getRowFragments() * columns, b.zeros({2, 2}, type.getElementType()))};
    int64_t filled = problem.getFragments();
    if (op.getMagnitude()) {
      for (int64_t c = 0; c < filled; ++c)
        rows[c] = multiplyRows(problem, b, c);
      results.push_back({makeHeadroom(
          problem, b, llvm::getSingleElement(adaptor.getMagnitude()), rows)});
    }
    for (int64_t c = 0; c < filled; ++c) {
      // Late, where it can be: fewer registers are alive.
      if (rows[c].empty())
        rows[c] = multiplyRows(problem, b, c);
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        Value sum;
        for (auto [t, row] : llvm::enumerate(rows[c]))
          sum = accumulate(b, sum,
                           loadQuery(op, b, m, problem.query.getFragment(t, c)),
                           row, problem.compute);
        results[0][m * columns + c] = b.convert(sum, type.getElementType());
      }
    }
    rewriter.replaceOpWithMultiple(op, results);
    return success();
  }

private:
  struct Problem {
    Problem(CombineOp op, ArrayRef<ValueRange> keys)
        : op(op), keys(keys), query(getLayout(0)),
          last(getLayout(getArity() - 1)),
          terms(op.getForm().getTerms(getArity())),
          factor(static_cast<double>(static_cast<int64_t>(op.getFactor()))) {
      // Each product may be rounded to 16 bits, a sum with a bias not; f16 has
      // no room for products of keys, and three roundings in bf16 were seen to
      // leave the bounds where a few rows' logits are far above all others'.
      // (Rows that --simplex-multiply-rows multiplied have been rounded.)
      Type element = op.getResult().getType().getElementType();
      size_t mostKeys = element.isBF16() ? 2 : 1;
      bool wide =
          keys.size() > mostKeys ||
          llvm::any_of(op.getBiases(), [](double bias) { return bias != 0; });
      compute = wide && !element.isF64() ? Float32Type::get(op.getContext())
                                         : element;
    }

    int64_t getArity() const { return op.getKeys().size() + 2; }
    ChunkedAttr getLayout(int64_t operand) const {
      return ChunkedAttr::get(op.getForm(), getArity(), op.getHeadDim(),
                              operand);
    }
    /// Fragments of the result that hold head dims.
    int64_t getFragments() const {
      return llvm::divideCeil(op.getHeadDim(), ChunkedAttr::kFragment);
    }

    mutable CombineOp op;
    ArrayRef<ValueRange> keys;
    ChunkedAttr query, last;
    SmallVector<FormTerm> terms;
    double factor;
    Type compute;
  };

  /// What each term multiplies a fragment of the query with: the product of
  /// the outer keys' rows, biases added, and the coefficient; null is 1.
  static SmallVector<Value> multiplyRows(const Problem &problem,
                                         FragmentBuilder &b, int64_t fragment) {
    SmallVector<Value> rows;
    for (size_t t = 0; t < problem.terms.size(); ++t)
      rows.push_back(multiplyRow(problem, b, t, fragment));
    return rows;
  }

  static Value multiplyRow(const Problem &problem, FragmentBuilder &b,
                           int64_t t, int64_t fragment) {
    Value product = getCoefficient(problem, b, t, fragment);
    for (auto [k, key] : llvm::enumerate(problem.keys)) {
      ChunkedAttr layout = problem.getLayout(k + 1);
      int64_t from = layout.getFragment(t, fragment);
      Value row = b.convert(key[from], problem.compute);
      // Columns that hold no head dim stay 0.
      if (double bias = problem.op.getBiases()[k]; bias != 0)
        row = arith::AddFOp::create(
            b, row,
            splitAt(b, from, layout.getCopyEnd(layout.getCopy(t)),
                    problem.compute, bias, 0));
      product = product ? arith::MulFOp::create(b, product, row) : row;
    }
    return product;
  }

  /// Dims left over are in the first term only, with coefficient 1.
  static Value getCoefficient(const Problem &problem, FragmentBuilder &b,
                              int64_t t, int64_t fragment) {
    double coefficient = problem.factor * problem.terms[t].coefficient;
    int64_t end = problem.last.getLeftOverBegin();
    bool hasLeftOver =
        end < problem.last.getHeadDim() && end < getEnd(fragment);
    double plain = t == 0 && hasLeftOver ? problem.factor : coefficient;
    if (coefficient == 1 && plain == 1)
      return {};
    return splitAt(b, fragment, end, problem.compute, coefficient, plain);
  }

  static int64_t getEnd(int64_t fragment) {
    return (fragment + 1) * ChunkedAttr::kFragment;
  }

  /// A fragment of a row: `before` in the columns below `end`, else `after`.
  static Value splitAt(FragmentBuilder &b, int64_t fragment, int64_t end,
                       Type element, double before, double after) {
    auto splat = [&](double value) {
      return b.splat(b.floating(element, value));
    };
    if (before == after || getEnd(fragment) <= end)
      return splat(before);
    auto isBefore = [&](Value column) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                                   b.index(end));
    };
    Value first = b.column(fragment);
    return arith::SelectOp::create(
        b, makePair(b, isBefore(first), isBefore(b.add(first, 1))),
        splat(before), splat(after));
  }

  /// Divides the rows by the least power of two, at least 1, that keeps their
  /// products with the query below 2^15; returns it.
  static Value makeHeadroom(const Problem &problem, FragmentBuilder &b,
                            Value magnitude,
                            SmallVectorImpl<SmallVector<Value>> &rows) {
    Value largest;
    for (ArrayRef<Value> terms : rows)
      for (Value row : terms) {
        Value size = emitAbs(b, row);
        largest = largest ? arith::MaxNumFOp::create(b, largest, size) : size;
      }
    Type f32 = b.getF32Type();
    largest = b.convert(largest, f32);
    Value bound =
        b.reduceQuad(arith::MaxNumFOp::create(b, b.extract(largest, 0),
                                              b.extract(largest, 1)),
                     /*isMax=*/true);
    auto terms = static_cast<double>(problem.terms.size());
    bound = arith::MulFOp::create(
        b, arith::MulFOp::create(b, bound, b.floating(f32, terms)), magnitude);
    // In the bits of an f32, 2^n is (n + 127) << 23.
    auto i32 = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
    };
    Value exponent = arith::ShRUIOp::create(
        b, arith::BitcastOp::create(b, b.getI32Type(), bound), i32(23));
    Value shift = arith::MaxSIOp::create(
        b, arith::SubIOp::create(b, exponent, i32(127 + 14)), i32(0));
    auto power = [&](Value n) -> Value {
      Value bits = arith::ShLIOp::create(
          b, arith::AddIOp::create(b, n, i32(127)), i32(23));
      return arith::BitcastOp::create(b, f32, bits);
    };
    Value inverse =
        b.convert(b.splat(power(arith::SubIOp::create(b, i32(0), shift))),
                  problem.compute);
    for (SmallVector<Value> &terms : rows)
      for (Value &row : terms)
        row = arith::MulFOp::create(b, row, inverse);
    return power(shift);
  }

  static Value accumulate(FragmentBuilder &b, Value sum, Value query, Value row,
                          Type compute) {
    Value result = b.zeros({2, 2}, compute);
    for (int64_t half : {0, 1}) {
      Value part = b.convert(b.extract(query, half), compute);
      if (row && sum)
        part = math::FmaOp::create(b, part, row, b.extract(sum, half));
      else if (row)
        part = arith::MulFOp::create(b, part, row);
      else if (sum)
        part = arith::AddFOp::create(b, part, b.extract(sum, half));
      result = b.insert(part, result, half);
    }
    return result;
  }

  /// Fragment (m, c) of the query.
  Value loadQuery(CombineOp op, FragmentBuilder &b, int64_t m,
                  int64_t c) const {
    Value memory = op.getQuery();
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    Value result = b.zeros({2, 2}, element);
    if (element.isF32()) {
      for (int64_t half : {0, 1})
        result = b.insert(loadPair(b, memory, {b.row(m, half)}, b.column(c),
                                   /*inPairs=*/true),
                          result, half);
      return result;
    }
    // One ldmatrix serves two neighbouring fragments; CSE merges both calls.
    Value row = b.add(b.warpRow(), m * 16);
    Value four = loadMatrices(b, memory, row, c / 2 * 16, /*rowsFirst=*/true,
                              /*transpose=*/false);
    for (int64_t half : {0, 1})
      result = b.insert(b.extract(four, c % 2 * 2 + half), result, half);
    return result;
  }
};

/// Every warp looks at the whole tile.
struct MagnitudePattern : TilePattern<MagnitudeOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(MagnitudeOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<MemRefType>(op.getTile().getType());
    if (!type || type.getElementTypeBitWidth() != 16)
      return op.emitOpError("needs 16-bit rows in shared memory: run "
                            "--simplex-stage-tiles first");
    auto loop =
        scf::ForOp::create(b, b.index(0), b.index(type.getDimSize(0)),
                           b.index(16), b.zeros({2}, type.getElementType()));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value largest = loop.getRegionIterArg(0);
      for (int64_t c = 0; c < type.getDimSize(1); c += 16) {
        Value four = loadMatrices(b, op.getTile(), loop.getInductionVar(), c,
                                  /*rowsFirst=*/true, /*transpose=*/false);
        for (int64_t i = 0; i < 4; ++i)
          largest = arith::MaxNumFOp::create(b, largest,
                                             emitAbs(b, b.extract(four, i)));
      }
      scf::YieldOp::create(b, largest);
    }
    Value largest = b.convert(loop.getResult(0), b.getF32Type());
    Value result = arith::MaxNumFOp::create(b, b.extract(largest, 0),
                                            b.extract(largest, 1));
    for (int32_t offset : {1, 2, 4, 8, 16})
      result = arith::MaxNumFOp::create(
          b, result,
          gpu::ShuffleOp::create(b, result, offset, 32, gpu::ShuffleMode::XOR)
              .getShuffleResult());
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void simplexir::populateCombinePatterns(const FragmentConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<CombinePattern, MagnitudePattern>(converter,
                                                 patterns.getContext());
}
