//===- FuseOnlineSoftmax.cpp - Two-pass softmax into one ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_FUSEONLINESOFTMAX
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// The loop directly in `loop`, or null if there is none (or several).
scf::ForOp getInner(scf::ForOp loop) {
  auto inner = loop.getBody()->getOps<scf::ForOp>();
  return llvm::hasSingleElement(inner) ? *inner.begin() : scf::ForOp();
}

/// A nest of single loops, outermost first.
SmallVector<scf::ForOp> getNest(scf::ForOp loop) {
  SmallVector<scf::ForOp> nest;
  for (; loop; loop = getInner(loop))
    nest.push_back(loop);
  return nest;
}

template <typename OpT>
OpT getOnly(scf::ForOp loop) {
  auto ops = loop.getBody()->getOps<OpT>();
  return llvm::hasSingleElement(ops) ? *ops.begin() : OpT();
}

/// The same value in both nests: the same SSA value, counterpart induction
/// variables, or equal operations on equal operands.
class Equivalence {
public:
  void map(Value a, Value b) { known.map(a, b); }

  bool same(Value a, Value b) {
    if (a == b || known.lookupOrNull(a) == b)
      return true;
    Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
    if (!x || !y || x->getNumRegions() ||
        cast<OpResult>(a).getResultNumber() !=
            cast<OpResult>(b).getResultNumber() ||
        !OperationEquivalence::isEquivalentTo(
            x, y, [&](Value l, Value r) { return success(same(l, r)); },
            nullptr, OperationEquivalence::IgnoreLocations))
      return false;
    known.map(a, b);
    return true;
  }

  bool sameOrNull(Value a, Value b) { return a && b ? same(a, b) : a == b; }

private:
  IRMapping known;
};

/// A nest that only finds maxima and the one that uses them.
struct TwoPass {
  SmallVector<scf::ForOp> maxNest, sumNest;
  RowMaxOp rowMax;
  ExpOp exp;

  static std::optional<TwoPass> match(scf::ForOp first) {
    TwoPass result;
    result.maxNest = getNest(first);
    result.rowMax = getOnly<RowMaxOp>(result.maxNest.back());
    if (first.getNumResults() != 1 || !result.rowMax)
      return std::nullopt;
    for (Operation *user : first.getResult(0).getUsers())
      if (auto exp = dyn_cast<ExpOp>(user))
        result.exp = exp;
    if (!result.exp)
      return std::nullopt;
    // Up from the exp to the nest in the first loop's block.
    for (Operation *op = result.exp->getParentOp();
         auto loop = dyn_cast_or_null<scf::ForOp>(op); op = op->getParentOp())
      result.sumNest.insert(result.sumNest.begin(), loop);
    if (result.sumNest.size() != result.maxNest.size() ||
        result.sumNest.front()->getBlock() != first->getBlock())
      return std::nullopt;

    Equivalence equivalence;
    for (auto [a, b] : llvm::zip_equal(result.maxNest, result.sumNest)) {
      if (!equivalence.same(a.getLowerBound(), b.getLowerBound()) ||
          !equivalence.same(a.getUpperBound(), b.getUpperBound()) ||
          !equivalence.same(a.getStep(), b.getStep()))
        return std::nullopt;
      equivalence.map(a.getInductionVar(), b.getInductionVar());
    }
    if (result.rowMax.getScale() != result.exp.getScale() ||
        !equivalence.same(result.rowMax.getLogits(), result.exp.getLogits()) ||
        !equivalence.sameOrNull(result.rowMax.getMultiplier(),
                                result.exp.getMultiplier()))
      return std::nullopt;
    return result;
  }

  void fuse() {
    IRMapping mapping;
    OpBuilder builder(sumNest.front());
    scf::ForOp fused =
        fuseLoop(builder, 0, maxNest.front().getInitArgs()[0], mapping);
    maxNest.front().getResult(0).replaceAllUsesWith(fused.getResult(0));
    sumNest.front().replaceAllUsesWith(fused.getResults().drop_front());
    sumNest.front().erase();
    maxNest.front().erase();
  }

private:
  /// Clones level `level` of the summing nest with the maximum as its first
  /// carried value.
  scf::ForOp fuseLoop(OpBuilder &builder, size_t level, Value maximum,
                      IRMapping &mapping) {
    scf::ForOp loop = sumNest[level];
    SmallVector<Value> inits{maximum};
    for (Value init : loop.getInitArgs())
      inits.push_back(mapping.lookupOrDefault(init));
    auto fused = scf::ForOp::create(
        builder, loop.getLoc(), mapping.lookupOrDefault(loop.getLowerBound()),
        mapping.lookupOrDefault(loop.getUpperBound()),
        mapping.lookupOrDefault(loop.getStep()), inits);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(fused.getBody());
    mapping.map(loop.getInductionVar(), fused.getInductionVar());
    mapping.map(loop.getRegionIterArgs(),
                fused.getRegionIterArgs().drop_front());
    Value current = fused.getRegionIterArgs().front();
    for (Operation &op : *loop.getBody()) {
      if (level + 1 < sumNest.size() && &op == sumNest[level + 1]) {
        scf::ForOp inner = fuseLoop(builder, level + 1, current, mapping);
        mapping.map(op.getResults(), inner.getResults().drop_front());
        current = inner.getResult(0);
      } else if (&op == exp) {
        current = step(builder, loop, current, mapping);
      } else if (auto yield = dyn_cast<scf::YieldOp>(op)) {
        SmallVector<Value> results{current};
        for (Value result : yield.getResults())
          results.push_back(mapping.lookupOrDefault(result));
        scf::YieldOp::create(builder, yield.getLoc(), results);
      } else {
        builder.clone(op, mapping);
      }
    }
    return fused;
  }

  /// The new maximum, the carried sums moved to it, and the exponentials.
  Value step(OpBuilder &builder, scf::ForOp loop, Value current,
             IRMapping &mapping) {
    Location loc = exp.getLoc();
    Value logits = mapping.lookupOrDefault(exp.getLogits());
    Value multiplier = mapping.lookupOrDefault(exp.getMultiplier());
    Value next = RowMaxOp::create(builder, loc, current.getType(), logits,
                                  current, multiplier, exp.getScaleAttr());
    for (Value carried : loop.getRegionIterArgs()) {
      Value state = mapping.lookup(carried);
      mapping.map(carried, RescaleOp::create(builder, loc, state.getType(),
                                             state, current, next));
    }
    Value result = ExpOp::create(builder, loc, logits.getType(), logits, next,
                                 multiplier, exp.getScaleAttr());
    mapping.map(exp.getResult(), result);
    return next;
  }
};

struct FuseOnlineSoftmaxPass
    : simplexir::impl::FuseOnlineSoftmaxBase<FuseOnlineSoftmaxPass> {
  void runOnOperation() override {
    SmallVector<TwoPass> matches;
    getOperation()->walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (std::optional<TwoPass> match = TwoPass::match(loop))
        matches.push_back(*match);
    });
    for (TwoPass &match : matches)
      match.fuse();
  }
};
} // namespace
