//===- LaunchOnStream.cpp - gpu operations on the call's stream -----------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Host/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_LAUNCHONSTREAM
#include "simplexir/Codegen/Host/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct LaunchOnStream : simplexir::impl::LaunchOnStreamBase<LaunchOnStream> {
  using LaunchOnStreamBase::LaunchOnStreamBase;

  Type pointer, i32, i64, context;

  Value constant(ImplicitLocOpBuilder &builder, Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, type,
                                    builder.getIntegerAttr(type, value));
  }

  /// The host cannot read or write the memory of a GPU.
  LogicalResult checkHostAccess(func::FuncOp function) {
    WalkResult result = function.walk([&](Operation *op) {
      if (isa<gpu::LaunchOp>(op))
        return WalkResult::skip();
      if (isa<gpu::GPUDialect>(op->getDialect()))
        return WalkResult::advance();
      bool accesses = isa<memref::GetGlobalOp>(op);
      SmallVector<MemoryEffects::EffectInstance> effects;
      if (auto declared = dyn_cast<MemoryEffectOpInterface>(op))
        declared.getEffects(effects);
      for (const MemoryEffects::EffectInstance &effect : effects)
        accesses |= isa<MemoryEffects::Read, MemoryEffects::Write>(
                        effect.getEffect()) &&
                    effect.getValue() &&
                    isa<BaseMemRefType>(effect.getValue().getType());
      if (!accesses)
        return WalkResult::advance();
      op->emitError("runs on the host, and cannot use the GPU's memory");
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  /// The operation again, asynchronous, after what the stream holds so far.
  LogicalResult putOnStream(gpu::AsyncOpInterface op, Value call) {
    if (isa<gpu::WaitOp>(op) || op.getAsyncToken() ||
        !op.getAsyncDependencies().empty())
      return op->emitError(
          "has a stream of its own, which no launch of an attention waits for; "
          "leave out tokens and gpu.wait: operations run in their order");
    ImplicitLocOpBuilder builder(op.getLoc(), op);
    Value address = LLVM::GEPOp::create(builder, pointer, context, call,
                                        ArrayRef<LLVM::GEPArg>{0, 2});
    Value stream = LLVM::LoadOp::create(builder, pointer, address);
    auto tokenType = gpu::AsyncTokenType::get(&getContext());
    Value token = UnrealizedConversionCastOp::create(
                      builder, TypeRange(tokenType), ValueRange(stream))
                      .getResult(0);
    SmallVector<Type> results(op->getResultTypes());
    results.push_back(tokenType);
    OperationState state(op.getLoc(), op->getName().getStringRef(),
                         op->getOperands(), results, op->getAttrs());
    Operation *created = builder.create(state);
    cast<gpu::AsyncOpInterface>(created).addAsyncDependency(token);
    op->replaceAllUsesWith(created->getResults().drop_back());
    // Only a copy lets the host see something.
    if (isa<gpu::MemcpyOp>(op)) {
      auto function = LLVM::lookupOrCreateFn(
          builder, getOperation(), "mgpuStreamSynchronize", {pointer},
          LLVM::LLVMVoidType::get(&getContext()));
      if (failed(function))
        return failure();
      LLVM::CallOp::create(builder, *function, ValueRange(stream));
    }
    op->erase();
    return success();
  }

  /// The first error of mgpu becomes the call's, unless it has one.
  LogicalResult reportErrors(func::FuncOp function, Value call) {
    OpBuilder any(function);
    auto take = LLVM::lookupOrCreateFn(
        any, getOperation(), "simplexirMgpuTakeError", {pointer}, i32);
    if (failed(take))
      return failure();
    SmallVector<func::ReturnOp> returns(
        function.getBody().getOps<func::ReturnOp>());
    for (func::ReturnOp op : returns) {
      ImplicitLocOpBuilder builder(op.getLoc(), op);
      Value status = LLVM::LoadOp::create(builder, i32, call);
      Value fine = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq,
                                         status, constant(builder, i32, 0));
      auto branch = scf::IfOp::create(builder, fine, /*withElseRegion=*/false);
      builder.setInsertionPointToStart(branch.thenBlock());
      Value none = LLVM::ZeroOp::create(builder, pointer);
      auto taken = LLVM::CallOp::create(builder, *take, ValueRange(none));
      LLVM::StoreOp::create(builder, taken.getResult(), call);
    }
    return success();
  }

  void runOnOperation() override {
    MLIRContext *ctx = &getContext();
    pointer = LLVM::LLVMPointerType::get(ctx);
    i32 = IntegerType::get(ctx, 32);
    i64 = IntegerType::get(ctx, 64);
    context = LLVM::LLVMStructType::getLiteral(ctx, {i32, i32, pointer});
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      if (function.isExternal() || function->hasAttr(kKernelAttrName))
        continue;
      if (failed(checkHostAccess(function)))
        return signalPassFailure();
      SmallVector<gpu::AsyncOpInterface> ops;
      function.walk([&](gpu::AsyncOpInterface op) { ops.push_back(op); });
      if (ops.empty())
        continue;
      if (function.getNumArguments() == 0 ||
          function.getArgumentTypes().back() != pointer) {
        function.emitError("has no call context as its last argument; "
                           "--simplex-lower-launch adds it");
        return signalPassFailure();
      }
      Value call = function.getArguments().back();
      for (gpu::AsyncOpInterface op : ops)
        if (failed(putOnStream(op, call)))
          return signalPassFailure();
      if (failed(reportErrors(function, call)))
        return signalPassFailure();
    }
  }
};
} // namespace
