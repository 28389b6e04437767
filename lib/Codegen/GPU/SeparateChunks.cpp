//===- SeparateChunks.cpp - Component-major head dims ---------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"

namespace simplexir {
#define GEN_PASS_DEF_SEPARATECHUNKS
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
TileType withColumns(Type type, int64_t columns) {
  auto tile = cast<TileType>(type);
  return TileType::get(tile.getContext(), {tile.getRows(), columns},
                       tile.getElementType());
}

/// Reads `operand`, a load, in the order of `layout`. The load may have other
/// users, so it stays (CSE and dead code clean up).
void readInOrder(OpOperand &operand, ChunkedAttr layout) {
  Operation *load = operand.get().getDefiningOp();
  OpBuilder b(load);
  auto ordered = cast<LoadOp>(b.clone(*load));
  ordered.setLayoutAttr(layout);
  ordered.getResult().setType(
      withColumns(ordered.getType(), layout.getColumns()));
  operand.set(ordered);
}

struct SeparateChunksPass
    : simplexir::impl::SeparateChunksBase<SeparateChunksPass> {
  void runOnOperation() override {
    SmallVector<CombineOp> combines;
    getOperation().walk([&](CombineOp op) {
      if (op.getForm().getChunk() > 1 && !op.getSeparated())
        combines.push_back(op);
    });
    for (CombineOp op : combines)
      if (failed(separate(op)))
        return signalPassFailure();
  }

  static LogicalResult separate(CombineOp op) {
    // What reads C column by column: the products with the last key.
    SmallVector<OpOperand *> operands{&op.getQueryMutable()};
    for (OpOperand &key : op.getKeysMutable())
      operands.push_back(&key);
    int64_t arity = operands.size() + 1;
    for (Operation *user : op->getUsers())
      if (auto contract = dyn_cast<ContractOp>(user))
        operands.push_back(&contract.getRhsMutable());
    for (OpOperand *operand : operands)
      if (!operand->get().getDefiningOp<LoadOp>())
        return op.emitOpError("and the products of its result must read their "
                              "operands from simplex.load to be separated");
    // The query's magnitude does not depend on an order.
    SmallVector<OpOperand *> magnitudes;
    for (OpOperand &use : op.getQuery().getUses())
      if (isa<MagnitudeOp>(use.getOwner()))
        magnitudes.push_back(&use);
    for (auto [i, operand] : llvm::enumerate(operands))
      readInOrder(*operand,
                  ChunkedAttr::get(op.getForm(), arity, op.getHeadDim(),
                                   std::min<int64_t>(i, arity - 1)));
    for (OpOperand *use : magnitudes)
      use->set(op.getQuery());
    op.setSeparated(true);
    auto last =
        ChunkedAttr::get(op.getForm(), arity, op.getHeadDim(), arity - 1);
    op.getResult().setType(
        withColumns(op.getResult().getType(), last.getColumns()));
    return success();
  }
};
} // namespace
