//===- ConvertMatrix.cpp - Combiner, matrix products, fold ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"
#include "Rows.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// The 32-bit registers of a fragment vector, as mma.sync takes them.
SmallVector<Value> getRegisters(FragmentBuilder &b, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  SmallVector<Value> registers;
  for (int64_t i = 0; i < type.getDimSize(0); ++i) {
    Value pair = b.extract(vector, i);
    if (type.getElementType().isBF16())
      pair = b.extract(vector::BitCastOp::create(
                           b, VectorType::get({1}, b.getI32Type()), pair),
                       0);
    registers.push_back(pair);
  }
  return registers;
}

/// |value|; math.absf would become a call of a device library.
Value emitAbs(FragmentBuilder &b, Value value) {
  return arith::MaxNumFOp::create(b, value, arith::NegFOp::create(b, value));
}

/// Four 8x8 matrices of 16-bit elements at (row, column) and its neighbours
/// 8 further on; this thread's address is that of row lane mod 8 of matrix
/// lane / 8. `rowsFirst` says in which direction the second matrix lies.
Value loadMatrices(FragmentBuilder &b, Value memory, Value row, int64_t column,
                   bool rowsFirst, bool transpose) {
  Value lane = b.lane();
  Value second = b.mul(b.rem(b.div(lane, 8), 2), 8);
  Value third = b.mul(b.div(lane, 16), 8);
  Value r = b.add(b.add(row, b.rem(lane, 8)), rowsFirst ? second : third);
  Value c = b.add(rowsFirst ? third : second, column);
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  return nvgpu::LdMatrixOp::create(b, VectorType::get({4, 2}, element), memory,
                                   ValueRange{r, c}, b.getBoolAttr(transpose),
                                   b.getI32IntegerAttr(4));
}

//===----------------------------------------------------------------------===//
// combine
//===----------------------------------------------------------------------===//

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
    SmallVector<SmallVector<Value>, 2> results{
        SmallVector<Value>(getRowFragments() * columns)};
    if (op.getMagnitude()) {
      for (int64_t c = 0; c < columns; ++c)
        rows[c] = multiplyRows(problem, b, c);
      results.push_back({makeHeadroom(
          problem, b, llvm::getSingleElement(adaptor.getMagnitude()), rows)});
    }
    for (int64_t c = 0; c < columns; ++c) {
      // Late, where it can be: fewer registers are alive.
      if (rows[c].empty())
        rows[c] = multiplyRows(problem, b, c);
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        Value sum;
        for (auto [term, row] : llvm::zip_equal(problem.terms, rows[c]))
          sum = accumulate(
              b, sum, loadQuery(op, b, m, problem.rotate(c, term.rotations[0])),
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
        : op(op), keys(keys), chunk(op.getForm().getChunk()),
          arity(op.getKeys().size() + 2), terms(op.getForm().getTerms(arity)),
          factor(static_cast<double>(static_cast<int64_t>(op.getFactor()))) {
      // One rounding to 16 bits at the end, unless the product itself is
      // exact enough: a lone unbiased key.
      bool wide =
          keys.size() > 1 ||
          llvm::any_of(op.getBiases(), [](double bias) { return bias != 0; });
      Type element = op.getResult().getType().getElementType();
      compute = wide ? Float32Type::get(op.getContext()) : element;
    }

    /// Block and component of a column fragment: component c of a block has
    /// the fragments 2 c and 2 c + 1 there.
    int64_t getBlock(int64_t fragment) const { return fragment / 2 / chunk; }
    int64_t getComponent(int64_t fragment) const {
      return fragment / 2 % chunk;
    }
    /// The fragment whose component is `rotation` further on.
    int64_t rotate(int64_t fragment, int64_t rotation) const {
      int64_t component = (getComponent(fragment) + rotation) % chunk;
      return (getBlock(fragment) * chunk + component) * 2 + fragment % 2;
    }
    SlotPair getSlots(FragmentBuilder &b, int64_t fragment,
                      int64_t operand) const {
      auto layout =
          ChunkedAttr::get(op.getForm(), arity, op.getHeadDim(), operand);
      return SlotPair::ofFragment(b, layout, getBlock(fragment), fragment % 2);
    }

    mutable CombineOp op;
    ArrayRef<ValueRange> keys;
    int64_t chunk, arity;
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

  static Value multiplyRow(const Problem &problem, FragmentBuilder &b, size_t t,
                           int64_t fragment) {
    const FormTerm &term = problem.terms[t];
    Value product = getCoefficient(problem, b, t, fragment);
    for (auto [k, key] : llvm::enumerate(problem.keys)) {
      int64_t from = problem.rotate(fragment, term.rotations[k + 1]);
      Value row = b.convert(key[from], problem.compute);
      if (double bias = problem.op.getBiases()[k]; bias != 0)
        row = arith::AddFOp::create(b, row,
                                    getBias(problem, b, k + 1, from, bias));
      product = product ? arith::MulFOp::create(b, product, row) : row;
    }
    return product;
  }

  /// Dimensions left over after the chunks have coefficient 1.
  static Value getCoefficient(const Problem &problem, FragmentBuilder &b,
                              size_t t, int64_t fragment) {
    double coefficient = problem.factor * problem.terms[t].coefficient;
    Value plain = b.splat(b.floating(problem.compute, problem.factor));
    Value result = b.splat(b.floating(problem.compute, coefficient));
    SlotPair slots = problem.getSlots(b, fragment, 0);
    if (!slots.isWhole && coefficient != problem.factor)
      return arith::SelectOp::create(b, slots.areWhole(b), result, plain);
    return coefficient == 1 ? Value() : result;
  }

  /// Columns that hold no head dim stay 0.
  static Value getBias(const Problem &problem, FragmentBuilder &b,
                       int64_t operand, int64_t fragment, double bias) {
    Value result = b.splat(b.floating(problem.compute, bias));
    SlotPair slots = problem.getSlots(b, fragment, operand);
    if (slots.isWhole)
      return result;
    return arith::SelectOp::create(
        b, slots.areFilled(b, problem.getComponent(fragment)), result,
        b.zeros({2}, problem.compute));
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

//===----------------------------------------------------------------------===//
// contract
//===----------------------------------------------------------------------===//

/// Products of 16-bit fragments (m16n8k16, or m16n8k8 in tf32).
struct ContractPattern : TilePattern<ContractOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ContractOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto rhs = dyn_cast<MemRefType>(op.getRhs().getType());
    if (!rhs)
      return op.emitOpError("needs its rhs in shared memory: run "
                            "--simplex-stage-tiles first");
    if (rhs.getRank() != 2)
      return failure(); // Boxes are for warpgroup products.
    TileType lhs = cast<TileType>(op.getLhs().getType());
    TileType type = cast<TileType>(op.getResult().getType());
    Problem problem{op,
                    adaptor.getLhs(),
                    rhs.getElementType(),
                    lhs.getElementType().isF32(),
                    getColumnFragments(lhs),
                    getColumnFragments(type)};
    SmallVector<Value> acc = getInit(op, adaptor, b, type);
    int64_t depth = problem.depth / (problem.isTF32 ? 1 : 2);
    int64_t pairs = problem.columns / 2;
    // Logits take the left fragments one after the other; a product of values
    // finishes column by column for the fold.
    if (op.getTransposed())
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t n = 0; n < pairs; ++n)
          multiply(problem, b, k, n, acc);
    else
      for (int64_t n = 0; n < pairs; ++n)
        for (int64_t k = 0; k < depth; ++k)
          multiply(problem, b, k, n, acc);
    rewriter.replaceOpWithMultiple(op, {acc});
    return success();
  }

private:
  struct Problem {
    mutable ContractOp op;
    ValueRange lhs;
    Type element;
    bool isTF32;
    /// In fragments of 8.
    int64_t depth, columns;
  };

  SmallVector<Value> getInit(ContractOp op, Adaptor adaptor, FragmentBuilder &b,
                             TileType type) const {
    int64_t columns = getColumnFragments(type);
    Type element = type.getElementType();
    SmallVector<Value> acc;
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      Value fragment = b.zeros({2, 2}, element);
      if (op.getInit())
        for (int64_t half : {0, 1})
          fragment = b.insert(b.splat(b.extract(adaptor.getInit()[m], half)),
                              fragment, half);
      acc.append(columns, fragment);
    }
    return acc;
  }

  /// Adds depth step k of the two column fragments 2n, 2n + 1.
  void multiply(const Problem &problem, FragmentBuilder &b, int64_t k,
                int64_t n, SmallVectorImpl<Value> &acc) const {
    if (problem.isTF32)
      return multiplyTF32(problem, b, k, n, acc);
    Value four = problem.op.getTransposed()
                     ? loadMatrices(b, problem.op.getRhs(), b.index(n * 16),
                                    k * 16, /*rowsFirst=*/false, false)
                     : loadMatrices(b, problem.op.getRhs(), b.index(k * 16),
                                    n * 16, /*rowsFirst=*/true, true);
    SmallVector<Value> rhs = getRegisters(b, four);
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      SmallVector<Value> lhs =
          getRegisters(b, problem.lhs[m * problem.depth + 2 * k]);
      lhs.append(getRegisters(b, problem.lhs[m * problem.depth + 2 * k + 1]));
      for (int64_t i : {0, 1}) {
        Value &target = acc[m * problem.columns + 2 * n + i];
        target = emitMma(b, lhs, ArrayRef(rhs).slice(2 * i, 2), target,
                         problem.element);
      }
    }
  }

  /// The sum runs over k in any order, so slot t takes column 2t and slot t +
  /// 4 column 2t + 1: the pairs that a thread holds.
  void multiplyTF32(const Problem &problem, FragmentBuilder &b, int64_t k,
                    int64_t n, SmallVectorImpl<Value> &acc) const {
    bool exactRhs = !problem.element.isF32();
    for (int64_t i : {0, 1}) {
      SmallVector<Value> rhs = loadRhs(problem, b, k, 2 * n + i);
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        Value fragment = problem.lhs[m * problem.depth + k];
        SmallVector<Value> lhs;
        for (int64_t column : {0, 1})
          for (int64_t half : {0, 1})
            lhs.push_back(b.extract(b.extract(fragment, half), column));
        Value &target = acc[m * problem.columns + 2 * n + i];
        auto [lhsHigh, lhsLow] = splitTF32(b, lhs);
        auto [rhsHigh, rhsLow] = splitTF32(b, rhs);
        auto emit = [&](ArrayRef<Value> x, ArrayRef<Value> y) {
          target = emitMma(b, x, y, target, b.getF32Type());
        };
        // a b = ah bh + ah bl + al bh, small terms first; what is left out is
        // 2^-22 of it.
        if (!exactRhs) {
          emit(lhsLow, rhsHigh);
          emit(lhsHigh, rhsLow);
        }
        emit(lhsHigh, rhsHigh);
      }
    }
  }

  static SmallVector<Value> loadRhs(const Problem &problem, FragmentBuilder &b,
                                    int64_t k, int64_t n) {
    Value memory = problem.op.getRhs();
    Value outer = b.add(b.div(b.lane(), 4), n * 8);
    SmallVector<Value> pair;
    for (int64_t i : {0, 1}) {
      Value inner = b.add(b.column(k), i);
      SmallVector<Value> indices{outer, inner};
      if (!problem.op.getTransposed())
        std::swap(indices[0], indices[1]);
      Value element = memref::LoadOp::create(b, memory, indices);
      if (!problem.element.isF32())
        element = arith::ExtFOp::create(b, b.getF32Type(), element);
      pair.push_back(element);
    }
    return pair;
  }

  /// High and low parts of f32 values, each exact in tf32 as 32-bit integers.
  static std::pair<SmallVector<Value>, SmallVector<Value>>
  splitTF32(FragmentBuilder &b, ArrayRef<Value> values) {
    SmallVector<Value> high, low;
    Type i32 = b.getI32Type();
    Value mask = arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(0xffffe000)));
    Value half = arith::ConstantOp::create(b, b.getI32IntegerAttr(0x1000));
    auto round = [&](Value bits) -> Value {
      bits = arith::AddIOp::create(b, bits, half);
      return arith::AndIOp::create(b, bits, mask);
    };
    for (Value value : values) {
      Value bits = round(arith::BitcastOp::create(b, i32, value));
      Value rounded = arith::BitcastOp::create(b, b.getF32Type(), bits);
      Value rest = arith::SubFOp::create(b, value, rounded);
      high.push_back(bits);
      low.push_back(round(arith::BitcastOp::create(b, i32, rest)));
    }
    return {high, low};
  }
};

//===----------------------------------------------------------------------===//
// fold
//===----------------------------------------------------------------------===//

struct FoldPattern : TilePattern<FoldOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(FoldOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getResult().getType());
    Type element = type.getElementType();
    int64_t columns = getColumnFragments(type);
    SmallVector<Value> results(adaptor.getAccumulator().size());
    for (int64_t c = 0; c < columns; ++c) {
      Value row;
      for (auto [k, value] : llvm::enumerate(adaptor.getValues())) {
        Value next = b.convert(value[c], element);
        if (double bias = op.getBiases()[k]; bias != 0)
          next = arith::AddFOp::create(b, next,
                                       b.splat(b.floating(element, bias)));
        row = row ? arith::MulFOp::create(b, row, next) : next;
      }
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        int64_t i = m * columns + c;
        results[i] =
            add(b, adaptor.getAccumulator()[i], adaptor.getProduct()[i], row);
      }
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  static Value add(FragmentBuilder &b, Value accumulator, Value product,
                   Value row) {
    if (!row)
      return arith::AddFOp::create(b, accumulator, product);
    Value result = accumulator;
    for (int64_t half : {0, 1})
      result = b.insert(math::FmaOp::create(b, b.extract(product, half), row,
                                            b.extract(accumulator, half)),
                        result, half);
    return result;
  }
};
} // namespace

void simplexir::populateMatrixPatterns(const FragmentConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<CombinePattern, ContractPattern, FoldPattern, MagnitudePattern>(
      converter, patterns.getContext());
}
