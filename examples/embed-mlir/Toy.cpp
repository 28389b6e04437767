//===- Toy.cpp - A dialect of one operation -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Toy.h"

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

using namespace mlir;
using namespace toy;

ToyDialect::ToyDialect(MLIRContext *context)
    : Dialect(getDialectNamespace(), context, TypeID::get<ToyDialect>()) {
  addOperations<AttendOp>();
}

ArrayRef<int64_t> AttendOp::getLookBack() {
  return (*this)->getAttrOfType<DenseI64ArrayAttr>("look_back");
}

LogicalResult AttendOp::verify() {
  auto lookBack = (*this)->getAttrOfType<DenseI64ArrayAttr>("look_back");
  if (!lookBack)
    return emitOpError("needs the attribute look_back, an array of i64");
  size_t expected = 1 + 2 * lookBack.size();
  if (getNumOperands() != expected)
    return emitOpError("has ")
           << getNumOperands() << " operands, expected " << expected
           << ": a query, and a key and a value for each entry of look_back";
  return success();
}

namespace {
struct AttendToSimplex : OpRewritePattern<AttendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttendOp op,
                                PatternRewriter &rewriter) const override {
    OperandRange operands = op->getOperands();
    size_t count = op.getLookBack().size();
    auto type = dyn_cast<RankedTensorType>(operands[0].getType());
    if (!type || type.getRank() != 4)
      return rewriter.notifyMatchFailure(op,
                                         "the query is no tensor of rank 4");

    // The log-sum-exp, [batch, heads, queries], which this dialect drops.
    auto lse = RankedTensorType::get(
        {type.getDimSize(0), type.getDimSize(2), type.getDimSize(1)},
        rewriter.getF32Type());
    auto attention = simplexir::AttentionOp::create(
        rewriter, op.getLoc(), TypeRange{op->getResult(0).getType(), lse},
        operands[0], operands.slice(1, count), operands.slice(1 + count, count),
        /*query_position=*/Value(), /*key_position=*/Value(),
        /*range_begin=*/Value(), /*range_end=*/Value(),
        /*outputs=*/ValueRange(),
        simplexir::MultilinearAttr::get(rewriter.getContext()),
        rewriter.getDenseI64ArrayAttr(op.getLookBack()),
        /*bidirectional=*/UnitAttr(), /*scale=*/FloatAttr(),
        /*key_biases=*/DenseF64ArrayAttr(),
        /*value_biases=*/DenseF64ArrayAttr(),
        /*schedule=*/simplexir::ScheduleAttr());
    rewriter.replaceOp(op, attention->getResult(0));
    return success();
  }
};
} // namespace

void toy::populateAttendToSimplex(RewritePatternSet &patterns) {
  patterns.add<AttendToSimplex>(patterns.getContext());
}
