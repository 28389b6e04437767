//===- Bufferize.cpp - simplex.attention on buffers -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/Bufferize.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace simplexir;

namespace {
bool isContiguous(Value buffer) {
  SmallVector<int64_t> strides;
  int64_t offset;
  auto type = cast<MemRefType>(buffer.getType());
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

FailureOr<Value> allocate(RewriterBase &rewriter,
                          const BufferizationOptions &options, Location loc,
                          Type type, ArrayRef<OpFoldResult> shape) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<Value> sizes;
  for (auto [i, extent] : llvm::enumerate(tensor.getShape()))
    if (ShapedType::isDynamic(extent))
      sizes.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, shape[i]));
  return options.createAlloc(
      rewriter, loc,
      MemRefType::get(tensor.getShape(), tensor.getElementType()), sizes);
}

/// Tensor results become `outs` buffers; operands are only read.
struct AttentionBufferization
    : BufferizableOpInterface::ExternalModel<AttentionBufferization,
                                             AttentionOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &operand,
                              const AnalysisState &) const {
    return isa<TensorType>(operand.get().getType());
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
  bool bufferizesToAllocation(Operation *, Value) const { return true; }

  LogicalResult bufferize(Operation *operation, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto op = cast<AttentionOp>(operation);
    if (op.isOnBuffers())
      return success();
    ReifiedRankedShapedTypeDims shapes;
    if (failed(op.reifyResultShapes(rewriter, shapes)))
      return failure();
    auto toBuffer = [&](Value tensor) -> FailureOr<Value> {
      FailureOr<Value> buffer = getBuffer(rewriter, tensor, options, state);
      if (failed(buffer) || isContiguous(*buffer))
        return buffer;
      // A view across the innermost dimension: kernels read rows.
      auto copy =
          allocate(rewriter, options, op.getLoc(), tensor.getType(),
                   tensor::getMixedSizes(rewriter, op.getLoc(), tensor));
      if (succeeded(copy) &&
          failed(options.createMemCpy(rewriter, op.getLoc(), *buffer, *copy)))
        return failure();
      return copy;
    };
    SmallVector<Value> keys, values, outputs, tensors;
    FailureOr<Value> query = toBuffer(op.getQuery());
    if (failed(query))
      return failure();
    for (auto [from, to] : {std::make_pair(op.getKeys(), &keys),
                            std::make_pair(op.getValues(), &values)})
      for (Value tensor : from) {
        FailureOr<Value> buffer = toBuffer(tensor);
        if (failed(buffer))
          return failure();
        to->push_back(*buffer);
      }
    for (auto [shape, type] : llvm::zip_equal(shapes, op.getResultTypes())) {
      FailureOr<Value> buffer =
          allocate(rewriter, options, op.getLoc(), type, shape);
      if (failed(buffer))
        return failure();
      outputs.push_back(*buffer);
    }
    AttentionOp::create(
        rewriter, op.getLoc(), TypeRange(), *query, keys, values,
        op.getQueryPosition(), op.getKeyPosition(), op.getRangeBegin(),
        op.getRangeEnd(), outputs, op.getForm(), op.getWindowsAttr(),
        op.getBidirectionalAttr(), op.getScaleAttr(), op.getKeyBiasesAttr(),
        op.getValueBiasesAttr(), op.getScheduleAttr());
    replaceOpWithBufferizedValues(rewriter, op, outputs);
    return success();
  }
};
} // namespace

void simplexir::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SimplexDialect *) {
    AttentionOp::attachInterface<AttentionBufferization>(*context);
    context->loadDialect<bufferization::BufferizationDialect,
                         memref::MemRefDialect, tensor::TensorDialect>();
  });
}
