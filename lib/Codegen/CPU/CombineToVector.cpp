//===- CombineToVector.cpp - Forms and value products ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

#include <map>

using namespace mlir;
using namespace simplexir;

namespace {

/// One term of the combiner, column by column: the coefficient, and for each
/// operand how far from the column it is read.
struct ColumnTerm {
  double coefficient;
  SmallVector<int64_t, 5> shifts;
};

SmallVector<SmallVector<ColumnTerm>> getColumnTerms(CombineOp op,
                                                    int64_t columns) {
  int64_t operands = op.getKeys().size() + 1;
  int64_t chunk = op.getForm().getChunk();
  int64_t tail = op.getHeadDim() / chunk * chunk;
  double factor = static_cast<int64_t>(op.getFactor());
  SmallVector<SmallVector<ColumnTerm>> result;
  for (const FormTerm &term : op.getForm().getTerms(operands + 1)) {
    bool first = result.empty();
    SmallVector<ColumnTerm> &out = result.emplace_back();
    for (int64_t c = 0; c < columns; ++c) {
      ColumnTerm &at = out.emplace_back();
      at.shifts.assign(operands, 0);
      if (c >= tail) {
        // Plain products of the dimensions left over.
        at.coefficient = first && c < (int64_t)op.getHeadDim() ? factor : 0;
        continue;
      }
      at.coefficient = factor * term.coefficient;
      for (int64_t o = 0; o < operands; ++o)
        at.shifts[o] = (c % chunk + term.rotations[o]) % chunk - c % chunk;
    }
  }
  return result;
}

/// Other rows are for groups of rows of warpgroup products.
LogicalResult expectOneRow(Operation *op, TypeRange types) {
  for (Type type : types)
    if (int64_t rows = cast<TileType>(type).getRows(); rows != 1)
      return op->emitOpError("on a CPU takes one row of each outer operand, "
                             "found ")
             << rows;
  return success();
}

struct CombinePattern : TilePattern<CombineOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(CombineOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (failed(expectOneRow(op, op.getKeys().getTypes())))
      return failure();
    auto type = cast<TileType>(op.getResult().getType());
    // The result may be narrower.
    TileBuilder b = getBuilder(rewriter, op.getLoc(), op.getQuery().getType());
    Value result = getScratch(op, type);
    int64_t lanes = b.getLanes();
    int64_t padded = llvm::alignTo(type.getColumns(), lanes);
    auto terms = getColumnTerms(op, padded);
    if (terms.size() == 1 && llvm::all_of(terms[0], isPlain)) {
      // No lane is special: loop over the columns too.
      b.forRange(padded, lanes, [&](Value column) {
        combineColumn(b, op, adaptor, type, {}, column, result);
      });
    } else {
      for (int64_t c = 0; c < padded; c += lanes) {
        SmallVector<ArrayRef<ColumnTerm>> slice;
        for (auto &term : terms)
          slice.push_back(ArrayRef(term).slice(c, lanes));
        combineColumn(b, op, adaptor, type, slice, b.index(c), result);
      }
    }
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static bool isPlain(const ColumnTerm &term) {
    return llvm::all_of(term.shifts, [](int64_t shift) { return shift == 0; });
  }

  /// A vector whose lanes are read at their own shifts.
  static Value loadShifted(TileBuilder &b, Value tile, Value at,
                           ArrayRef<ColumnTerm> term, int64_t operand) {
    std::map<int64_t, SmallVector<bool>> byShift;
    for (auto [lane, column] : llvm::enumerate(term)) {
      auto &mask = byShift[column.shifts[operand]];
      mask.resize(term.size(), false);
      mask[lane] = true;
    }
    Value vector;
    for (auto &[shift, mask] : byShift) {
      Value part = b.loadVector(tile, b.addIndex(at, shift));
      vector = vector ? b.select(b.laneMask(mask), part, vector) : part;
    }
    return vector;
  }

  /// One vector of columns, all rows. Without `terms` it is the plain product
  /// times the factor.
  static void combineColumn(TileBuilder &b, CombineOp op, OpAdaptor adaptor,
                            TileType type, ArrayRef<ArrayRef<ColumnTerm>> terms,
                            Value column, Value result) {
    auto load = [&](Value tile, Value at, unsigned term, int64_t operand) {
      return terms.empty() ? b.loadVector(tile, at)
                           : loadShifted(b, tile, at, terms[term], operand);
    };
    double factor = static_cast<int64_t>(op.getFactor());
    // The keys' part of each term is the same for all rows.
    SmallVector<Value> weights;
    for (unsigned t = 0; t < std::max<size_t>(terms.size(), 1); ++t) {
      Value weight;
      if (terms.empty()) {
        weight = factor == 1 ? Value() : b.splat(factor);
      } else {
        SmallVector<double> coefficients;
        for (const ColumnTerm &lane : terms[t])
          coefficients.push_back(lane.coefficient);
        weight = b.constant(coefficients);
      }
      for (auto [o, key] : llvm::enumerate(adaptor.getKeys())) {
        Value vector = load(key, column, t, o + 1);
        if (double bias = op.getBiases()[o])
          vector = b.add(vector, b.splat(bias));
        weight = weight ? b.mul(weight, vector) : vector;
      }
      weights.push_back(weight);
    }
    b.forRange(type.getRows(), 1, [&](Value row) {
      Value at = b.at(row, type.getColumns(), column);
      Value sum;
      for (auto [t, weight] : llvm::enumerate(weights)) {
        Value query = load(adaptor.getQuery(), at, t, 0);
        if (sum)
          sum = b.fma(query, weight, sum);
        else
          sum = weight ? b.mul(query, weight) : query;
      }
      b.storeVector(sum, result, at);
    });
  }
};

struct FoldPattern : TilePattern<FoldOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(FoldOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (failed(expectOneRow(op, op.getValues().getTypes())))
      return failure();
    auto type = cast<TileType>(op.getResult().getType());
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, type);
    b.forColumns(type.getColumns(), [&](Value column, int64_t) {
      Value weight;
      for (auto [i, value] : llvm::enumerate(adaptor.getValues())) {
        Value vector = b.loadVector(value, column);
        if (double bias = op.getBiases()[i])
          vector = b.add(vector, b.splat(bias));
        weight = weight ? b.mul(weight, vector) : vector;
      }
      b.forRange(type.getRows(), 1, [&](Value row) {
        Value at = b.at(row, type.getColumns(), column);
        Value sum = b.loadVector(adaptor.getAccumulator(), at);
        Value product = b.loadVector(adaptor.getProduct(), at);
        sum = weight ? b.fma(product, weight, sum) : b.add(sum, product);
        b.storeVector(sum, result, at);
      });
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void simplexir::populateCombineToVectorPatterns(const TypeConverter &converter,
                                                RewritePatternSet &patterns,
                                                const TileContext &tiles) {
  patterns.add<CombinePattern, FoldPattern>(converter, patterns.getContext(),
                                            tiles);
}
