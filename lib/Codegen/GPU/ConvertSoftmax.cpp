//===- ConvertSoftmax.cpp - Masks, online softmax, merge ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include <limits>

using namespace mlir;
using namespace simplexir;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// `value`, or 0 where it is -inf: a safe number to subtract.
Value replaceInfinity(FragmentBuilder &b, Value value) {
  Value lowest = b.floating(value.getType(), -kInfinity);
  Value isLowest =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, value, lowest);
  return arith::SelectOp::create(b, isLowest, b.floating(value.getType(), 0.0),
                                 value);
}

/// The scale of a row_max or exp, times its multiplier.
template <typename OpT, typename Adaptor>
Value getScale(FragmentBuilder &b, OpT op, Adaptor adaptor, Type element) {
  Value scale = b.floating(element, op.getScale().convertToDouble());
  if (!op.getMultiplier())
    return scale;
  return arith::MulFOp::create(b, scale,
                               llvm::getSingleElement(adaptor.getMultiplier()));
}

struct FillPattern : TilePattern<FillOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(FillOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    SmallVector<Value> results;
    for (Type type : types) {
      auto vector = cast<VectorType>(type);
      Attribute value = b.getFloatAttr(vector.getElementType(),
                                       op.getValue().convertToDouble());
      results.push_back(
          arith::ConstantOp::create(b, DenseElementsAttr::get(vector, value)));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct ConvertPattern : TilePattern<ConvertOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ConvertOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    Type element = cast<TileType>(op.getType()).getElementType();
    SmallVector<Value> results;
    for (Value fragment : adaptor.getTile())
      results.push_back(b.convert(fragment, element));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct MaskPattern : TilePattern<MaskOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(MaskOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getType());
    int64_t columns = getColumnFragments(type);
    SmallVector<Value> results(adaptor.getLogits());
    Value lowest = b.floating(type.getElementType(), -kInfinity);
    for (int64_t m = 0; m < getRowFragments(); ++m)
      for (int64_t half : {0, 1}) {
        auto [begin, end] = getColumns(op, b, b.row(m, half));
        for (int64_t c = 0; c < columns; ++c) {
          Value &fragment = results[m * columns + c];
          Value pair = b.extract(fragment, half);
          for (int64_t i : {0, 1}) {
            Value column = arith::ConstantOp::create(
                b, b.getI32IntegerAttr(static_cast<int32_t>(8 * c + i)));
            Value low = arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                              column, begin);
            Value high = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                               column, end);
            Value keep = arith::AndIOp::create(b, low, high);
            pair = b.insert(
                arith::SelectOp::create(b, keep, b.extract(pair, i), lowest),
                pair, i);
          }
          fragment = b.insert(pair, fragment, half);
        }
      }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  /// The tile's columns that a row may use, counted from this thread's first
  /// one; in 32 bits, since every element is compared with them.
  static std::pair<Value, Value> getColumns(MaskOp op, FragmentBuilder &b,
                                            Value row) {
    Value position = b.add(op.getPosition(), b.div(row, op.getHeads()));
    ArrayRef<int64_t> windows = op.getWindows();
    auto [begin, end] = getWindow(op, b, position, windows.back());
    Value first = op.getBegin(), last = op.getEnd();
    begin = begin ? b.createOrFold<arith::MaxSIOp>(begin, first) : first;
    end = end ? b.createOrFold<arith::MinSIOp>(end, last) : last;
    // A row that may not use an outer key has no columns.
    for (auto [key, window] : llvm::zip_first(op.getOuter(), windows)) {
      auto [from, to] = getWindow(op, b, position, window);
      auto drop = [&](arith::CmpIPredicate predicate, Value bound) {
        if (!bound)
          return;
        Value outside = arith::CmpIOp::create(b, predicate, key, bound);
        end = arith::SelectOp::create(b, outside, begin, end);
      };
      drop(arith::CmpIPredicate::slt, from);
      drop(arith::CmpIPredicate::sge, to);
    }
    auto relative = [&](Value bound) -> Value {
      bound = arith::SubIOp::create(b, bound, op.getColumn());
      bound = b.createOrFold<arith::MaxSIOp>(bound, b.index(0));
      int64_t columns = cast<TileType>(op.getType()).getColumns();
      bound = b.createOrFold<arith::MinSIOp>(bound, b.index(columns));
      return arith::IndexCastOp::create(
          b, b.getI32Type(), arith::SubIOp::create(b, bound, b.column(0)));
    };
    return {relative(begin), relative(end)};
  }

  /// The keys that a window allows at `position`; null is no bound.
  static std::pair<Value, Value> getWindow(MaskOp op, FragmentBuilder &b,
                                           Value position, int64_t window) {
    bool unlimited = window == 0;
    window = std::min(window, kMaxWindow);
    Value begin, end;
    if (!unlimited)
      begin = b.add(position, 1 - window);
    if (!op.getBidirectional())
      end = b.add(position, 1);
    else if (!unlimited)
      end = b.add(position, window);
    return {begin, end};
  }
};

struct RowMaxPattern : TilePattern<RowMaxOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RowMaxOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    int64_t columns = getColumnFragments(op.getLogits().getType());
    Type element = cast<TileType>(op.getType()).getElementType();
    Value scale = getScale(b, op, adaptor, element);
    SmallVector<Value> results;
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      Value result = adaptor.getRunning()[m];
      for (int64_t half : {0, 1}) {
        Value maximum;
        for (int64_t c = 0; c < columns; ++c) {
          Value pair = b.extract(adaptor.getLogits()[m * columns + c], half);
          for (int64_t i : {0, 1}) {
            Value value = b.extract(pair, i);
            maximum =
                maximum ? arith::MaxNumFOp::create(b, maximum, value) : value;
          }
        }
        maximum = b.reduceQuad(maximum, /*isMax=*/true);
        maximum = arith::MulFOp::create(b, maximum, scale);
        maximum = arith::MaxNumFOp::create(b, maximum, b.extract(result, half));
        result = b.insert(maximum, result, half);
      }
      results.push_back(result);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct ExpPattern : TilePattern<ExpOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ExpOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getType());
    int64_t columns = getColumnFragments(type);
    Value scale = getScale(b, op, adaptor, type.getElementType());
    SmallVector<Value> results(adaptor.getLogits());
    for (int64_t m = 0; m < getRowFragments(); ++m)
      for (int64_t half : {0, 1}) {
        Value maximum =
            replaceInfinity(b, b.extract(adaptor.getMaximum()[m], half));
        Value shift = arith::NegFOp::create(b, maximum);
        for (int64_t c = 0; c < columns; ++c) {
          Value &fragment = results[m * columns + c];
          Value pair = b.extract(fragment, half);
          for (int64_t i : {0, 1}) {
            Value power =
                math::FmaOp::create(b, b.extract(pair, i), scale, shift);
            pair = b.insert(emitExp2(b, power), pair, i);
          }
          fragment = b.insert(pair, fragment, half);
        }
      }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct RowSumPattern : TilePattern<RowSumOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RowSumOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    int64_t columns = getColumnFragments(op.getTile().getType());
    Type element = cast<TileType>(op.getType()).getElementType();
    SmallVector<Value> results;
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      Value result = adaptor.getRunning()[m];
      for (int64_t half : {0, 1}) {
        Value sum;
        for (int64_t c = 0; c < columns; ++c) {
          Value pair = b.convert(
              b.extract(adaptor.getTile()[m * columns + c], half), element);
          sum = sum ? arith::AddFOp::create(b, sum, pair).getResult() : pair;
        }
        Value total =
            arith::AddFOp::create(b, b.extract(sum, 0), b.extract(sum, 1));
        total = b.reduceQuad(total, /*isMax=*/false);
        if (double factor = op.getFactor().convertToDouble(); factor != 1)
          total = arith::MulFOp::create(b, total, b.floating(element, factor));
        total = arith::AddFOp::create(b, total, b.extract(result, half));
        result = b.insert(total, result, half);
      }
      results.push_back(result);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// exp2(from - to) for both rows of a fragment; 0 where `from` is -inf.
Value getRescale(FragmentBuilder &b, Value from, Value to) {
  Value result = from;
  for (int64_t half : {0, 1}) {
    Value reference = replaceInfinity(b, b.extract(to, half));
    Value power = arith::SubFOp::create(b, b.extract(from, half), reference);
    result = b.insert(emitExp2(b, power), result, half);
  }
  return result;
}

/// The fragment with each row times its factor.
Value scaleRows(FragmentBuilder &b, Value fragment, Value factors) {
  Value result = fragment;
  for (int64_t half : {0, 1})
    result = b.insert(arith::MulFOp::create(b, b.extract(fragment, half),
                                            b.splat(b.extract(factors, half))),
                      result, half);
  return result;
}

struct RescalePattern : TilePattern<RescaleOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(RescaleOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getType());
    SmallVector<Value> results, factors;
    for (auto [from, to] : llvm::zip_equal(adaptor.getFrom(), adaptor.getTo()))
      factors.push_back(getRescale(b, from, to));
    if (type.getShape().size() == 1) {
      for (auto [tile, factor] : llvm::zip_equal(adaptor.getTile(), factors))
        results.push_back(arith::MulFOp::create(b, tile, factor));
      rewriter.replaceOpWithMultiple(op, {results});
      return success();
    }
    // Maxima settle after a few tiles: then no row of the warp changes, and
    // the accumulator stays as it is.
    auto branch = scf::IfOp::create(b, adaptor.getTile().getTypes(),
                                    anyChanged(adaptor, b), true, true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      int64_t columns = getColumnFragments(type);
      for (auto [i, fragment] : llvm::enumerate(adaptor.getTile()))
        results.push_back(scaleRows(b, fragment, factors[i / columns]));
      scf::YieldOp::create(b, results);
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, adaptor.getTile());
    }
    rewriter.replaceOpWithMultiple(op,
                                   {SmallVector<Value>(branch.getResults())});
    return success();
  }

private:
  static Value anyChanged(Adaptor adaptor, FragmentBuilder &b) {
    Value changed;
    for (auto [from, to] : llvm::zip_equal(adaptor.getFrom(), adaptor.getTo()))
      for (int64_t half : {0, 1}) {
        Value differs =
            arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                  b.extract(from, half), b.extract(to, half));
        changed = changed ? arith::OrIOp::create(b, changed, differs) : differs;
      }
    return emitVoteAny(b, changed);
  }
};

/// The splits' warps hand their states, in order, to those of split 0.
struct MergePattern : TilePattern<MergeOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(MergeOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> state(adaptor.getMaximum());
    llvm::append_range(state, adaptor.getSum());
    llvm::append_range(state, adaptor.getAccumulator());
    // Row pairs, so that a warp's access is contiguous.
    int64_t pairs = 0;
    for (Value value : state)
      pairs += cast<VectorType>(value.getType()).getNumElements() / 2;
    int64_t threads = layout.rowWarps * 32;
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    auto alloc = memref::AllocOp::create(
        b, MemRefType::get({pairs, threads, 2}, b.getF32Type(),
                           MemRefLayoutAttrInterface(), space));
    alloc->setAttr(kReuseAttrName, b.getUnitAttr());
    Value thread = b.add(b.mul(b.rem(b.warp(), layout.rowWarps), 32), b.lane());

    auto loop = scf::ForOp::create(b, b.index(1), b.index(layout.splits),
                                   b.index(1), state);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange own = loop.getRegionIterArgs();
    whenSplit(b, loop.getInductionVar(), {}, [&] {
      storeState(b, own, alloc, thread);
      return SmallVector<Value>();
    });
    gpu::BarrierOp::create(b);
    ValueRange merged = whenSplit(b, b.index(0), own, [&] {
      return merge(b, own, loadState(b, own, alloc, thread));
    });
    gpu::BarrierOp::create(b);
    scf::YieldOp::create(b, merged);

    ValueRange results = loop.getResults();
    size_t rows = adaptor.getMaximum().size();
    rewriter.replaceOpWithMultiple(
        op, SmallVector<ValueRange>{results.take_front(rows),
                                    results.slice(rows, rows),
                                    results.drop_front(2 * rows)});
    return success();
  }

private:
  static ValueRange whenSplit(FragmentBuilder &b, Value split,
                              ValueRange otherwise,
                              llvm::function_ref<SmallVector<Value>()> body) {
    Value mine =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.split(), split);
    auto branch = scf::IfOp::create(b, otherwise.getTypes(), mine,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, body());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, otherwise);
    return branch.getResults();
  }

  static void storeState(FragmentBuilder &b, ValueRange state, Value buffer,
                         Value thread) {
    int64_t slot = 0;
    for (Value value : state)
      for (Value pair : getPairs(b, value))
        vector::StoreOp::create(b, pair, buffer,
                                ValueRange{b.index(slot++), thread, b.index(0)},
                                /*nontemporal=*/false, llvm::MaybeAlign(8));
  }

  static SmallVector<Value> loadState(FragmentBuilder &b, ValueRange like,
                                      Value buffer, Value thread) {
    int64_t slot = 0;
    auto pairType = VectorType::get({2}, b.getF32Type());
    auto next = [&]() -> Value {
      return vector::LoadOp::create(
          b, pairType, buffer, ValueRange{b.index(slot++), thread, b.index(0)},
          /*nontemporal=*/false, llvm::MaybeAlign(8));
    };
    SmallVector<Value> state;
    for (Value value : like) {
      if (cast<VectorType>(value.getType()).getRank() == 1) {
        state.push_back(next());
        continue;
      }
      Value fragment = b.zeros({2, 2}, b.getF32Type());
      for (int64_t half : {0, 1})
        fragment = b.insert(next(), fragment, half);
      state.push_back(fragment);
    }
    return state;
  }

  static SmallVector<Value> getPairs(FragmentBuilder &b, Value value) {
    if (cast<VectorType>(value.getType()).getRank() == 1)
      return {value};
    return {b.extract(value, 0), b.extract(value, 1)};
  }

  /// (max, sum, acc) of both, in units of the larger maximum.
  SmallVector<Value> merge(FragmentBuilder &b, ValueRange own,
                           ArrayRef<Value> other) const {
    int64_t rows = getRowFragments();
    int64_t columns = (static_cast<int64_t>(own.size()) - 2 * rows) / rows;
    SmallVector<Value> result(own.size());
    for (int64_t m = 0; m < rows; ++m) {
      Value maximum = arith::MaxNumFOp::create(b, own[m], other[m]);
      result[m] = maximum;
      Value left = getRescale(b, own[m], maximum);
      Value right = getRescale(b, other[m], maximum);
      result[rows + m] = arith::AddFOp::create(
          b, arith::MulFOp::create(b, own[rows + m], left),
          arith::MulFOp::create(b, other[rows + m], right));
      for (int64_t c = 0; c < columns; ++c) {
        int64_t i = 2 * rows + m * columns + c;
        result[i] = arith::AddFOp::create(b, scaleRows(b, own[i], left),
                                          scaleRows(b, other[i], right));
      }
    }
    return result;
  }
};

struct FinalizePattern : TilePattern<FinalizeOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(FinalizeOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getOut().getType());
    int64_t columns = getColumnFragments(type);
    Type f32 = b.getF32Type();
    constexpr double ln2 = 0.69314718055994531;
    SmallVector<Value> out, lse;
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      Value sums = adaptor.getSum()[m], inverse = sums, logs = sums;
      for (int64_t half : {0, 1}) {
        Value sum = b.extract(sums, half), zero = b.floating(f32, 0.0);
        Value empty =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, zero);
        Value quotient = arith::DivFOp::create(b, b.floating(f32, 1.0), sum);
        inverse = b.insert(arith::SelectOp::create(b, empty, zero, quotient),
                           inverse, half);
        Value log = arith::AddFOp::create(
            b, b.extract(adaptor.getMaximum()[m], half), emitLog2(b, sum));
        log = arith::MulFOp::create(b, log, b.floating(f32, ln2));
        logs = b.insert(
            arith::SelectOp::create(b, empty, b.floating(f32, -kInfinity), log),
            logs, half);
      }
      lse.push_back(logs);
      for (int64_t c = 0; c < columns; ++c)
        out.push_back(b.convert(
            scaleRows(b, adaptor.getAccumulator()[m * columns + c], inverse),
            type.getElementType()));
    }
    rewriter.replaceOpWithMultiple(op,
                                   SmallVector<SmallVector<Value>>{out, lse});
    return success();
  }
};
} // namespace

void simplexir::populateSoftmaxPatterns(const FragmentConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<ConvertPattern, ExpPattern, FillPattern, FinalizePattern,
               MaskPattern, MergePattern, RescalePattern, RowMaxPattern,
               RowSumPattern>(converter, patterns.getContext());
}
