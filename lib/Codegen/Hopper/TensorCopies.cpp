//===- TensorCopies.cpp - What tensor maps can bring ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorCopies.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace simplexir;

bool simplexir::isTensorCopy(CopyOp copy, Operation *place) {
  auto kernel = place->getParentOfType<func::FuncOp>();
  auto source = dyn_cast<BlockArgument>(copy.getSource());
  auto boxes = cast<MemRefType>(copy.getDestination().getType());
  constexpr int64_t most = 256, period = 8;
  if (!source || source.getOwner() != &kernel.getBody().front() ||
      copy.getHeads() != 1 || boxes.getRank() != 3 ||
      boxes.getDimSize(1) > most || boxes.getDimSize(1) % period != 0)
    return false;
  auto [strides, offset] = boxes.getStridesAndOffset();
  int64_t width = boxes.getDimSize(2);
  if (strides[2] != 1 || strides[1] != width ||
      ShapedType::isDynamic(strides[0]))
    return false;
  DominanceInfo dominance;
  return llvm::all_of(
      ValueRange{copy.getBegin(), copy.getEnd()},
      [&](Value bound) { return dominance.properlyDominates(bound, place); });
}

Value simplexir::emitHasMaps(ImplicitLocOpBuilder &b, ArrayRef<CopyOp> copies) {
  Value maps = HasMapsOp::create(b);
  SetVector<std::pair<Value, Value>> bounds;
  for (CopyOp copy : copies)
    bounds.insert({copy.getBegin(), copy.getEnd()});
  for (auto [begin, end] : bounds) {
    auto require = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      Value holds = arith::CmpIOp::create(b, predicate, x, y);
      maps = arith::AndIOp::create(b, maps, holds);
    };
    if (!matchPattern(begin, m_Zero()))
      require(arith::CmpIPredicate::sle, begin,
              arith::ConstantIndexOp::create(b, 0));
    // Keys and values have one length, of whichever of them it was asked.
    auto length = end.getDefiningOp<memref::DimOp>();
    if (length && length.getConstantIndex() == 1 &&
        isa<BlockArgument>(length.getSource()))
      continue;
    CopyOp any = copies.front();
    require(arith::CmpIPredicate::sge, end,
            memref::DimOp::create(b, any.getSource(), 1));
  }
  return maps;
}

bool simplexir::hasCopyRole(func::FuncOp kernel) {
  return !kernel.getBody().front().getOps<SpecializeOp>().empty();
}

void simplexir::reportMaps(func::FuncOp kernel, bool found) {
  auto options = remark::RemarkOpts::name("tensor-maps").category("simplex");
  if (found)
    remark::passed(kernel.getLoc(), options)
        << "tensor maps bring tiles of keys and values, where a launch has "
           "addresses and strides of whole 16 bytes and no shorter key range";
  else
    remark::missed(kernel.getLoc(), options)
        << "no tensor maps: tiles do not come in pairs, or are not boxes of an "
           "operand's rows, 256 at most";
}
