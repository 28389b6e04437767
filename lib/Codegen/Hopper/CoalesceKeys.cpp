//===- CoalesceKeys.cpp - One loop over all outer keys --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace simplexir {
#define GEN_PASS_DEF_COALESCEKEYS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// A loop whose body is another loop and nothing else.
class Nest {
public:
  static std::optional<Nest> match(scf::ForOp inner) {
    auto outer = dyn_cast<scf::ForOp>(inner->getParentOp());
    if (!outer || !isOverBoundedKeys(outer, inner))
      return std::nullopt;
    moveLoopInvariantCode(outer);
    Nest nest{outer, inner, Value(), Value()};
    if (!nest.isPerfect() || !nest.findBegin())
      return std::nullopt;
    return nest;
  }

  /// A pair of keys is a number: its quotient and remainder by the inner
  /// loop's extent are the keys. A share takes every n-th pair: upstream's
  /// coalesceLoops would number the pairs of each share by themselves, and then
  /// shares differ by more than one iteration (see --simplex-take-turns).
  scf::ForOp run() {
    ImplicitLocOpBuilder b(outer.getLoc(), getPlaceOfBounds());
    Value zero = arith::ConstantIndexOp::create(b, 0);
    auto getExtent = [&](Value from, Value to) -> Value {
      return arith::MaxSIOp::create(b, arith::SubIOp::create(b, to, from),
                                    zero);
    };
    if (!begin)
      begin = zero;
    Value extent = getExtent(begin, inner.getUpperBound());
    Value pairs = arith::MulIOp::create(
        b, getExtent(outer.getLowerBound(), outer.getUpperBound()), extent);
    b.setInsertionPoint(outer);
    auto flat = scf::ForOp::create(b, share ? share : zero, pairs,
                                   inner.getStep(), outer.getInitArgs());
    b.setInsertionPointToStart(flat.getBody());
    // 32 bits hold a pair: such a division is cheap.
    auto narrow = [&](Value index) -> Value {
      return arith::IndexCastUIOp::create(b, b.getI32Type(), index);
    };
    auto widen = [&](Value number, Value from) -> Value {
      return arith::AddIOp::create(
          b, from, arith::IndexCastUIOp::create(b, b.getIndexType(), number));
    };
    Value pair = narrow(flat.getInductionVar()), divisor = narrow(extent);
    Value outerKey =
        widen(arith::DivUIOp::create(b, pair, divisor), outer.getLowerBound());
    Value innerKey = widen(arith::RemUIOp::create(b, pair, divisor), begin);
    outer.getInductionVar().replaceAllUsesWith(outerKey);
    inner.getInductionVar().replaceAllUsesWith(innerKey);
    for (auto [old, carried] :
         llvm::zip_equal(inner.getRegionIterArgs(), flat.getRegionIterArgs()))
      old.replaceAllUsesWith(carried);
    flat.getBody()->getOperations().splice(flat.getBody()->end(),
                                           inner.getBody()->getOperations());
    outer.replaceAllUsesWith(flat.getResults());
    outer.erase();
    return flat;
  }

  scf::ForOp outer, inner;
  /// The inner loop's bound in the first share, null for 0; which share it is.
  Value begin, share;

private:
  /// Loops over keys whose windows have bounds, so that 32 bits count all
  /// tuples of outer keys.
  static bool isOverBoundedKeys(scf::ForOp outer, scf::ForOp inner) {
    MaskOp mask;
    inner.walk([&](MaskOp op) { mask = op; });
    if (!mask)
      return false;
    constexpr int64_t limit = int64_t{1} << 31;
    int64_t tuples = 1;
    bool found = false;
    for (auto [key, window] :
         llvm::zip_first(mask.getOuter(), mask.getWindows())) {
      // Of all queries of a tile, to both sides.
      int64_t keys = 2 * std::min(window, limit) + mask.getType().getRows();
      if (window == 0 || window >= limit || keys >= limit ||
          tuples * keys >= limit)
        return false;
      tuples *= keys;
      found |= key == outer.getInductionVar();
    }
    return found;
  }

  /// Bounds that the kernel's body knows are computed there, once.
  Operation *getPlaceOfBounds() {
    Block &body = outer->getParentOfType<func::FuncOp>().getBody().front();
    bool known =
        llvm::all_of(ValueRange{outer.getLowerBound(), outer.getUpperBound(),
                                begin ? begin : share, inner.getUpperBound()},
                     [&](Value bound) {
                       return bound == share || bound.getParentBlock() == &body;
                     });
    return known ? body.findAncestorOpInBlock(*outer) : outer.getOperation();
  }

  bool isPerfect() {
    Block *body = outer.getBody();
    return llvm::hasNItems(*body, 2) &&
           llvm::equal(inner.getInitArgs(), outer.getRegionIterArgs()) &&
           llvm::equal(outer.getYieldedValues(), inner.getResults()) &&
           isConstantIntValue(outer.getStep(), 1);
  }

  bool findBegin() {
    begin = inner.getLowerBound();
    if (isConstantIntValue(inner.getStep(), 1))
      return true;
    auto split = inner->getParentOfType<SplitOp>();
    if (!split)
      return false;
    share = split.getBody().front().getArgument(0);
    if (begin == share) {
      begin = Value();
      return true;
    }
    auto add = begin.getDefiningOp<arith::AddIOp>();
    if (!add || (add.getLhs() != share && add.getRhs() != share))
      return false;
    begin = add.getLhs() == share ? add.getRhs() : add.getLhs();
    return true;
  }

  Nest(scf::ForOp outer, scf::ForOp inner, Value begin, Value share)
      : outer(outer), inner(inner), begin(begin), share(share) {}
};

/// Tuples of keys are counted in 32 bits: the counter of a loop is a register
/// of each thread, or two.
void narrowCounter(scf::ForOp loop) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  std::function<Value(Value)> narrow = [&](Value number) -> Value {
    auto product = number.getDefiningOp<arith::MulIOp>();
    if (!product)
      return arith::IndexCastUIOp::create(b, b.getI32Type(), number);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(product);
    return arith::MulIOp::create(b, narrow(product.getLhs()),
                                 narrow(product.getRhs()));
  };
  loop.setLowerBound(narrow(loop.getLowerBound()));
  loop.setUpperBound(narrow(loop.getUpperBound()));
  loop.setStep(narrow(loop.getStep()));
  BlockArgument counter = loop.getBody()->getArgument(0);
  counter.setType(b.getI32Type());
  b.setInsertionPointToStart(loop.getBody());
  auto wide = arith::IndexCastUIOp::create(b, b.getIndexType(), counter);
  counter.replaceAllUsesExcept(wide, wide);
}

struct CoalesceKeysPass : simplexir::impl::CoalesceKeysBase<CoalesceKeysPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    SmallVector<scf::ForOp> innermost;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop.getBody()->getOps<scf::ForOp>().empty())
        innermost.push_back(loop);
    });
    for (scf::ForOp loop : innermost) {
      bool any = false;
      while (auto nest = Nest::match(loop)) {
        loop = nest->run();
        any = true;
      }
      if (any)
        narrowCounter(loop);
    }
  }
};
} // namespace
