//===- CountKeys.cpp - Outer keys counted in 32 bits ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_COUNTKEYS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// A loop whose counter, less a number known before it, is the row of a buffer.
/// Rows are within their buffer: what the loop counts is small.
class Counting {
public:
  static std::optional<Counting> match(scf::ForOp loop) {
    std::optional<int64_t> step = getConstantIntValue(loop.getStep());
    if (!step || !loop.getInductionVar().getType().isIndex())
      return std::nullopt;
    Counting result(loop, *step);
    for (auto load : loop.getBody()->getOps<LoadRowOp>()) {
      auto row = load.getRow().getDefiningOp<arith::SubIOp>();
      if (!row || row.getLhs() != loop.getInductionVar() ||
          !loop.isDefinedOutsideOfLoop(row.getRhs()) ||
          (result.first && result.first != row.getRhs()))
        return std::nullopt;
      result.first = row.getRhs();
    }
    if (!result.first)
      return std::nullopt;
    return result;
  }

  void run() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    auto narrow = [&](Value bound) -> Value {
      bound = b.createOrFold<arith::SubIOp>(bound, first);
      // A loop over nothing may end anywhere below its begin.
      bound = b.createOrFold<arith::MaxSIOp>(
          bound, arith::ConstantIndexOp::create(b, 0));
      return arith::IndexCastUIOp::create(b, b.getI32Type(), bound);
    };
    Value begin = narrow(loop.getLowerBound()),
          end = narrow(loop.getUpperBound());
    auto counted = scf::ForOp::create(b, begin, end,
                                      arith::ConstantIntOp::create(b, step, 32),
                                      loop.getInitArgs());
    counted.getBody()->getOperations().splice(counted.getBody()->end(),
                                              loop.getBody()->getOperations());
    for (auto [old, now] :
         llvm::zip_equal(loop.getRegionIterArgs(), counted.getRegionIterArgs()))
      old.replaceAllUsesWith(now);
    b.setInsertionPointToStart(counted.getBody());
    Value row = arith::IndexCastUIOp::create(b, b.getIndexType(),
                                             counted.getInductionVar());
    for (auto load : counted.getBody()->getOps<LoadRowOp>())
      load.getRowMutable().assign(row);
    Value key = arith::AddIOp::create(b, first, row);
    loop.getInductionVar().replaceAllUsesWith(key);
    loop.replaceAllUsesWith(counted.getResults());
    loop.erase();
  }

private:
  Counting(scf::ForOp loop, int64_t step) : loop(loop), step(step) {}

  scf::ForOp loop;
  int64_t step;
  Value first;
};

struct CountKeysPass : simplexir::impl::CountKeysBase<CountKeysPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    SmallVector<Counting> found;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop.getBody()->getOps<scf::ForOp>().empty())
        if (auto counting = Counting::match(loop))
          found.push_back(*counting);
    });
    for (Counting &counting : found)
      counting.run();
  }
};
} // namespace
