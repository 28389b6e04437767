//===- ConvertTurns.cpp - Turns and votes of warps
//-------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace simplexir;

namespace {
/// Named barriers of the turns; 0 is the block's.
constexpr int32_t kFirstTurnBarrier = 1;
constexpr int64_t kGroups = 2, kGroupWarps = 4;

/// The number of this group of warps, an i32. Without warps that copy, those
/// that compute have no registers for it, and ask for the thread's each time.
Value getGroup(FragmentBuilder &b) {
  bool isAlone = b.layout.warps == b.layout.blockWarps;
  if (isAlone)
    hideThread(b);
  Value group = arith::IndexCastOp::create(b, b.getI32Type(),
                                           b.div(b.warp(), kGroupWarps));
  return isAlone ? group : emitUniform(b, group);
}

/// A group waits for its turn on a barrier of its own, at which the threads of
/// the other one arrive.
constexpr int64_t kTurnThreads = kGroups * kGroupWarps * 32;
void emitTake(FragmentBuilder &b) {
  Value own =
      arith::AddIOp::create(b, getGroup(b), emitI32(b, kFirstTurnBarrier));
  emitBarrier(b, own, kTurnThreads);
}
void emitPass(FragmentBuilder &b) {
  Value other =
      arith::SubIOp::create(b, emitI32(b, kFirstTurnBarrier + 1), getGroup(b));
  emitArrive(b, other, kTurnThreads);
}
void whenGroup(FragmentBuilder &b, int64_t group,
               llvm::function_ref<void(FragmentBuilder &)> body) {
  Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, getGroup(b),
                                     emitI32(b, group));
  auto branch = scf::IfOp::create(b, mine, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body(b);
}

template <typename OpT>
struct TurnPattern : TilePattern<OpT> {
  using Adaptor = typename TilePattern<OpT>::Adaptor;
  using TilePattern<OpT>::TilePattern;

  LogicalResult convert(OpT op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    if (b.layout.warps != kGroups * kGroupWarps || isForCopyWarps(op))
      return op.emitOpError("needs two groups of four warps");
    if constexpr (std::is_same_v<OpT, TakeTurnOp>)
      emitTake(b);
    else if constexpr (std::is_same_v<OpT, PassTurnOp>)
      emitPass(b);
    else if constexpr (std::is_same_v<OpT, OpenTurnsOp>)
      whenGroup(b, 1, emitPass);
    else
      whenGroup(b, 0, emitTake);
    rewriter.eraseOp(op);
    return success();
  }
};

struct OutOfRangePattern : TilePattern<OutOfRangeOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(OutOfRangeOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, isAnyWrong(op, adaptor, b));
    return success();
  }

private:
  static Value isAnyWrong(OutOfRangeOp op, Adaptor adaptor,
                          FragmentBuilder &b) {
    constexpr double largest = 0x1p64;
    double smallest = op.getAccumulator() ? 0x1p-4 : 1 / largest;
    Value fine;
    auto require = [&](Value value, double from, double to) {
      Type f32 = b.getF32Type();
      Value inside = arith::AndIOp::create(
          b,
          arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, value,
                                b.floating(f32, from)),
          arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, value,
                                b.floating(f32, to)));
      fine = fine ? arith::AndIOp::create(b, fine, inside) : inside;
    };
    for (Value sums : adaptor.getSum())
      for (int64_t half : {0, 1})
        require(b.extract(sums, half), smallest, largest);
    if (op.getAccumulator()) {
      // Any column of a row shows it; each thread looks at its first one.
      constexpr double finite = std::numeric_limits<float>::max();
      int64_t count =
          getColumnFragments(cast<TileType>(op.getAccumulator().getType()));
      ValueRange fragments = adaptor.getAccumulator();
      for (size_t f = 0; f < fragments.size(); f += count)
        for (int64_t half : {0, 1})
          require(b.extract(b.extract(fragments[f], half), 0), -finite, finite);
    }
    Value wrong = arith::XOrIOp::create(
        b, fine, arith::ConstantOp::create(b, b.getBoolAttr(true)));
    // After a merge only the first split's warps hold the sums.
    Value holds = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.split(),
                                        b.index(0));
    return arith::AndIOp::create(b, wrong, holds);
  }
};

struct VotePattern : TilePattern<VoteOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(VoteOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    Value condition = llvm::getSingleElement(adaptor.getCondition());
    rewriter.replaceOp(op, emitAny(b, condition));
    return success();
  }
};
} // namespace

void simplexir::populateTurnPatterns(const FragmentConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns
      .add<OutOfRangePattern, TurnPattern<TakeTurnOp>, TurnPattern<PassTurnOp>,
           TurnPattern<OpenTurnsOp>, TurnPattern<CloseTurnsOp>, VotePattern>(
          converter, patterns.getContext());
}
