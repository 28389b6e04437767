//===- ConvertState.cpp - Softmax states: rescale, merge, finalize --------===//
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

/// exp2(from - to) for both rows of a fragment; 0 where `from` is -inf.
Value getRescale(FragmentBuilder &b, Value from, Value to) {
  Value result = from;
  for (int64_t half : {0, 1}) {
    Value reference = b.replaceInfinity(b.extract(to, half));
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
    emitRoleBarrier(b);
    ValueRange merged = whenSplit(b, b.index(0), own, [&] {
      return merge(b, own, loadState(b, own, alloc, thread));
    });
    emitRoleBarrier(b);
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

void simplexir::populateStatePatterns(const FragmentConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<FinalizePattern, MergePattern, RescalePattern>(
      converter, patterns.getContext());
}
