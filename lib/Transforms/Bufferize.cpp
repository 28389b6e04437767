//===- Bufferize.cpp - One-shot bufferization, contiguous rows ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"

namespace simplexir {
#define GEN_PASS_DEF_BUFFERIZE
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct BufferizePass : simplexir::impl::BufferizeBase<BufferizePass> {
  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.functionArgTypeConverterFn =
        [](bufferization::TensorLikeType type, Attribute space, func::FuncOp,
           const bufferization::BufferizationOptions &)
        -> bufferization::BufferLikeType {
      auto tensor = cast<RankedTensorType>(type);
      SmallVector<int64_t> strides(tensor.getRank(), ShapedType::kDynamic);
      if (!strides.empty())
        strides.back() = 1;
      auto layout = StridedLayoutAttr::get(type.getContext(),
                                           ShapedType::kDynamic, strides);
      return cast<bufferization::BufferLikeType>(Type(MemRefType::get(
          tensor.getShape(), tensor.getElementType(), layout, space)));
    };
    options.inferFunctionResultLayout = false;
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options,
                                                        state)))
      signalPassFailure();
  }
};
} // namespace
