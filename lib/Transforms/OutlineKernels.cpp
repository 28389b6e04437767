//===- OutlineKernels.cpp - Attention into kernel functions ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

namespace simplexir {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// What a kernel sees of an operand: dynamic batch, lengths and strides, so
/// that one compiled kernel serves every size; the innermost is contiguous.
Type getKernelArgumentType(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return type;
  SmallVector<int64_t> shape(memref.getShape());
  // [batch, sequence, heads, dim], or lse's [batch, heads, sequence].
  shape[0] = shape[memref.getRank() == 4 ? 1 : 2] = ShapedType::kDynamic;
  SmallVector<int64_t> strides(shape.size(), ShapedType::kDynamic);
  strides.back() = 1;
  return MemRefType::get(
      shape, memref.getElementType(),
      StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, strides),
      memref.getMemorySpace());
}

struct OutlineKernelsPass
    : simplexir::impl::OutlineKernelsBase<OutlineKernelsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) {
      auto parent = op->getParentOfType<FunctionOpInterface>();
      if (op.isOnBuffers() && parent && !parent->hasAttr(kKernelAttrName))
        ops.push_back(op);
    });
    for (AttentionOp op : ops)
      outline(op, symbols);
  }

  void outline(AttentionOp op, SymbolTable &symbols) {
    Location loc = op.getLoc();
    auto parent = op->getParentOfType<FunctionOpInterface>();
    OpBuilder builder(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      Type type = getKernelArgumentType(operand.getType());
      if (type != operand.getType())
        operand = memref::CastOp::create(builder, loc, type, operand);
      operands.push_back(operand);
    }

    auto type = FunctionType::get(&getContext(), TypeRange(operands), {});
    auto kernel =
        func::FuncOp::create(loc, (parent.getName() + "_kernel").str(), type);
    kernel.setPrivate();
    kernel->setAttr(kKernelAttrName, builder.getUnitAttr());
    StringAttr name = symbols.insert(kernel, Block::iterator(parent));

    simplexir::LaunchOp::create(builder, loc, FlatSymbolRefAttr::get(name),
                                operands);
    builder.setInsertionPointToStart(kernel.addEntryBlock());
    // By position, as two operands may be one value.
    builder.clone(*op)->setOperands(kernel.getArguments());
    func::ReturnOp::create(builder, loc);
    op.erase();
  }
};
} // namespace
