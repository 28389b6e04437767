//===- GuardMasks.cpp - Mask only tiles at a window's edge ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_GUARDMASKS
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// Builds the condition under which a mask may change its tile.
class EdgeCondition {
public:
  EdgeCondition(ImplicitLocOpBuilder &b, MaskOp op) : b(b), op(op) {}

  Value build() {
    TileType type = cast<TileType>(op.getLogits().getType());
    int64_t queries = llvm::divideCeil(type.getRows(), op.getHeads());
    first = op.getPosition();
    last = add(first, queries - 1);
    Value columnEnd = add(op.getColumn(), type.getColumns());
    ArrayRef<int64_t> windows = op.getWindows();

    // The first tile starts at 'begin' or later: only its end can stick out.
    require(arith::CmpIPredicate::sgt, columnEnd, op.getEnd());
    requireInside(op.getColumn(), columnEnd, windows.back());
    // With one query a tile, outer loops visit allowed keys only.
    if (queries > 1)
      for (auto [key, window] : llvm::zip_first(op.getOuter(), windows))
        requireInside(key, add(key, 1), window);
    return condition;
  }

private:
  Value add(Value value, int64_t constant) {
    if (constant == 0)
      return value;
    return arith::AddIOp::create(b, value,
                                 arith::ConstantIndexOp::create(b, constant));
  }

  void require(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    Value edge = arith::CmpIOp::create(b, predicate, lhs, rhs);
    condition = condition ? arith::OrIOp::create(b, condition, edge) : edge;
  }

  /// [begin, end) must be in the window of every row, the first row's upper
  /// and the last row's lower bound.
  void requireInside(Value begin, Value end, int64_t window) {
    bool unlimited = window == 0;
    window = std::min(window, kMaxWindow);
    if (!unlimited)
      require(arith::CmpIPredicate::slt, begin, add(last, 1 - window));
    if (!op.getBidirectional())
      require(arith::CmpIPredicate::sgt, end, add(first, 1));
    else if (!unlimited)
      require(arith::CmpIPredicate::sgt, end, add(first, window));
  }

  ImplicitLocOpBuilder &b;
  MaskOp op;
  Value first, last, condition;
};

struct GuardMasksPass : simplexir::impl::GuardMasksBase<GuardMasksPass> {
  void runOnOperation() override {
    SmallVector<MaskOp> ops;
    getOperation()->walk([&](MaskOp op) {
      if (!isa<scf::IfOp>(op->getParentOp()))
        ops.push_back(op);
    });
    for (MaskOp op : ops)
      guard(op);
  }

  void guard(MaskOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value edge = EdgeCondition(b, op).build();
    auto guarded = scf::IfOp::create(b, TypeRange{op.getType()}, edge,
                                     /*addThenBlock=*/true,
                                     /*addElseBlock=*/true);
    op.replaceAllUsesWith(guarded.getResult(0));
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, op.getLogits());
    op->moveBefore(guarded.thenBlock(), guarded.thenBlock()->end());
    b.setInsertionPointToEnd(guarded.thenBlock());
    scf::YieldOp::create(b, op.getResult());
  }
};
} // namespace
