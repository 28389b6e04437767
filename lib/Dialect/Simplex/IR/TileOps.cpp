//===- TileOps.cpp - Operations on tiles ----------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace simplexir;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

void LoadOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
}

void StoreOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), &getDestinationMutable());
}

void CopyOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getDestinationMutable());
}

void ArrangeOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getBufferMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getBufferMutable());
}

/// An operand may be a tile, or lie in shared memory.
static void addReadOfMemory(OpOperand &operand, Effects &effects) {
  if (isa<MemRefType>(operand.get().getType()))
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
}

void CombineOp::getEffects(Effects &effects) {
  addReadOfMemory(getQueryMutable(), effects);
}

void ContractOp::getEffects(Effects &effects) {
  addReadOfMemory(getRhsMutable(), effects);
}

void MultiplyRowsOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getLhsMutable());
  effects.emplace_back(MemoryEffects::Read::get(), &getRhsMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getProductMutable());
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *symbol = symbols.lookupNearestSymbolFrom(*this, getKernelAttr());
  if (!symbol)
    return emitOpError() << "'" << getKernel() << "' is no symbol";
  // A kernel that is a GPU module by now, or an image, has no type to check.
  auto kernel = dyn_cast<FunctionOpInterface>(symbol);
  if (!kernel)
    return success();
  if (!kernel->hasAttr(kKernelAttrName))
    return emitOpError() << "'" << getKernel() << "' is no kernel (it lacks '"
                         << kKernelAttrName << "')";
  if (kernel.getNumArguments() != getOperands().size())
    return emitOpError() << "'" << getKernel() << "' takes "
                         << kernel.getNumArguments() << " arguments, found "
                         << getOperands().size();
  return success();
}

/// The rhs of a product has rank 2, or, in boxes of columns, rank 3.
template <typename OpT>
static LogicalResult verifyContract(OpT op) {
  TileType lhs = cast<TileType>(op.getLhs().getType());
  auto rhs = cast<ShapedType>(op.getRhs().getType());
  bool boxed = rhs.getRank() == 3 && isa<MemRefType>(rhs);
  if (rhs.getRank() != 2 && !boxed)
    return op.emitOpError()
           << "rhs has rank " << rhs.getRank() << ", expected 2";
  TileType result = cast<TileType>(op.getResult().getType());
  int64_t rows = rhs.getDimSize(boxed ? 1 : 0);
  int64_t width =
      boxed ? rhs.getDimSize(0) * rhs.getDimSize(2) : rhs.getDimSize(1);
  if (op.getSkew() != 0) {
    constexpr int64_t group = ScheduleAttr::kGroupRows;
    int64_t skew = op.getSkew();
    if (skew < 0 || skew > group || lhs.getRows() % group != 0)
      return op.emitOpError() << "'skew' is " << skew << " for "
                              << lhs.getRows() << " rows, expected 1 to "
                              << group << " and a multiple of " << group;
    int64_t wanted =
        op.getTransposed() ? result.getColumns() : lhs.getColumns();
    int64_t needed = wanted + skew * (lhs.getRows() / group - 1);
    if (rows < needed)
      return op.emitOpError() << "rhs has " << rows << " rows, expected at "
                              << "least " << needed << " with skew " << skew;
    rows = wanted;
  }
  int64_t depth = op.getTransposed() ? width : rows;
  int64_t columns = op.getTransposed() ? rows : width;
  // The last box of columns may be filled in part.
  auto differs = [&](int64_t found, int64_t expected, bool isWidth) {
    return boxed && isWidth ? found > expected : found != expected;
  };
  if (differs(lhs.getColumns(), depth, op.getTransposed()))
    return op.emitOpError() << "lhs has " << lhs.getColumns()
                            << " columns, expected " << depth << " as the rhs";
  if (result.getRows() != lhs.getRows() ||
      differs(result.getColumns(), columns, !op.getTransposed()))
    return op.emitOpError()
           << "result is " << result.getRows() << "x" << result.getColumns()
           << ", expected " << lhs.getRows() << "x" << columns;
  return success();
}

/// The init has a number for each row.
template <typename OpT>
static LogicalResult verifyInit(OpT op, TileType tile, StringRef name) {
  Value init = op.getInit();
  if (!init)
    return success();
  int64_t found = cast<TileType>(init.getType()).getRows();
  if (found == tile.getRows())
    return success();
  return op.emitOpError() << "init has " << found << " rows, expected "
                          << tile.getRows() << " as the " << name;
}

LogicalResult ContractOp::verify() {
  return success(
      succeeded(verifyContract(*this)) &&
      succeeded(verifyInit(*this, cast<TileType>(getLhs().getType()), "lhs")));
}

LogicalResult StartContractOp::verify() {
  if (getAccumulator() && getAccumulator().getType() != getResult().getType())
    return emitOpError() << "accumulator is " << getAccumulator().getType()
                         << ", expected the result's type, "
                         << getResult().getType();
  return verifyContract(*this);
}

LogicalResult AwaitOp::verify() {
  if (!getFlight().getDefiningOp<StartContractOp>())
    return emitOpError() << "expects the result of simplex.start_contract";
  if (static_cast<int64_t>(getLeaving()) < 0)
    return emitOpError() << "'leaving' must not be negative, found "
                         << static_cast<int64_t>(getLeaving());
  return verifyInit(*this, cast<TileType>(getFlight().getType()), "product");
}

void MaskOp::build(OpBuilder &builder, OperationState &state, Value logits,
                   Value position, Value column, ValueRange outer, Value begin,
                   Value end, ArrayRef<int64_t> windows, bool bidirectional,
                   int64_t heads, int64_t skew) {
  build(builder, state, logits.getType(), logits, position, column, outer,
        begin, end, builder.getDenseI64ArrayAttr(windows),
        bidirectional ? builder.getUnitAttr() : UnitAttr(),
        builder.getI64IntegerAttr(heads), builder.getI64IntegerAttr(skew));
}

OpFoldResult ConvertOp::fold(FoldAdaptor) {
  // With a place of its own it is a copy that something needs.
  if (!(*this)->getDiscardableAttrDictionary().empty())
    return {};
  return getTile().getType() == getType() ? OpFoldResult(getTile())
                                          : OpFoldResult();
}

void SplitOp::build(OpBuilder &builder, OperationState &state, int64_t count,
                    TypeRange types) {
  state.addAttribute("count", builder.getI64IntegerAttr(count));
  state.addTypes(types);
  Block &block = state.addRegion()->emplaceBlock();
  block.addArgument(builder.getIndexType(), state.location);
}

LogicalResult SplitOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 1 || !block.getArgument(0).getType().isIndex())
    return emitOpError("body takes one index, the split");
  if (block.getTerminator()->getOperandTypes() != getResultTypes())
    return emitOpError("body yields the types of the results");
  return success();
}

#define GET_OP_CLASSES
#include "simplexir/Dialect/Simplex/IR/SimplexOps.cpp.inc"
