//===- LowerLaunch.cpp - simplex.launch to the runtime --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace simplexir {
#define GEN_PASS_DEF_LOWERLAUNCH
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

static constexpr StringLiteral launchName = "simplexirHostLaunch";
static constexpr StringLiteral artifactName = "simplexir_artifact";
static constexpr StringLiteral artifactSizeName = "simplexir_artifact_size";

namespace {
struct LowerLaunch : simplexir::impl::LowerLaunchBase<LowerLaunch> {
  using LowerLaunchBase::LowerLaunchBase;

  Type pointer, i32, i64, context;
  StringAttr artifact;
  llvm::StringMap<LLVM::GlobalOp> names;

  Value constant(ImplicitLocOpBuilder &builder, Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, type,
                                    builder.getIntegerAttr(type, value));
  }

  /// Declares what the launches refer to.
  void declare() {
    OpBuilder module = OpBuilder::atBlockBegin(getOperation().getBody());
    Location loc = getOperation().getLoc();
    LLVM::LLVMFuncOp::create(
        module, loc, launchName,
        LLVM::LLVMFunctionType::get(
            i32, {pointer, i64, pointer, pointer, i64, i32, pointer}));
    Type bytes = LLVM::LLVMArrayType::get(module.getI8Type(),
                                          artifact ? artifact.size() : 0);
    // Images inside are used in place, and want an aligned start.
    LLVM::GlobalOp::create(module, loc, bytes, /*isConstant=*/true,
                           artifact ? LLVM::Linkage::Internal
                                    : LLVM::Linkage::External,
                           artifactName, artifact, /*alignment=*/64);
    if (!artifact)
      LLVM::GlobalOp::create(module, loc, i64, /*isConstant=*/true,
                             LLVM::Linkage::External, artifactSizeName,
                             Attribute());
  }

  /// The address of a string constant that holds a kernel's name.
  Value getName(ImplicitLocOpBuilder &builder, StringRef kernel) {
    LLVM::GlobalOp &global = names[kernel];
    if (!global) {
      OpBuilder module = OpBuilder::atBlockBegin(getOperation().getBody());
      std::string text = kernel.str() + '\0';
      global = LLVM::GlobalOp::create(
          module, builder.getLoc(),
          LLVM::LLVMArrayType::get(module.getI8Type(), text.size()),
          /*isConstant=*/true, LLVM::Linkage::Internal,
          ("simplexir_name_" + kernel).str(), module.getStringAttr(text));
    }
    return LLVM::AddressOfOp::create(builder, global);
  }

  /// The operands as words: for a memref its pointer twice, offset, sizes and
  /// strides; for an index its value.
  FailureOr<SmallVector<Value>> makeWords(ImplicitLocOpBuilder &builder,
                                          LaunchOp op) {
    SmallVector<Value> words;
    auto add = [&](Value index) {
      words.push_back(arith::IndexCastOp::create(builder, i64, index));
    };
    for (Value operand : op.getOperands()) {
      if (operand.getType().isIndex()) {
        add(operand);
        continue;
      }
      if (!isa<MemRefType>(operand.getType()))
        return op.emitOpError()
               << "operand of type " << operand.getType()
               << " cannot be passed to a kernel, expected memref or index";
      Value base =
          memref::ExtractAlignedPointerAsIndexOp::create(builder, operand);
      auto metadata =
          memref::ExtractStridedMetadataOp::create(builder, operand);
      add(base);
      add(base);
      add(metadata.getOffset());
      llvm::for_each(metadata.getSizes(), add);
      llvm::for_each(metadata.getStrides(), add);
    }
    return words;
  }

  Value loadField(ImplicitLocOpBuilder &builder, Value call, int32_t field,
                  Type type) {
    Value address = LLVM::GEPOp::create(builder, pointer, context, call,
                                        ArrayRef<LLVM::GEPArg>{0, field});
    return LLVM::LoadOp::create(builder, type, address);
  }

  LogicalResult lower(LaunchOp op) {
    auto function = op->getParentOfType<func::FuncOp>();
    if (!function)
      return op.emitOpError("is not inside a func.func");
    Value call = function.getArguments().back();
    ImplicitLocOpBuilder builder(op.getLoc(), op);
    Value status = loadField(builder, call, 0, i32);
    Value fine = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq,
                                       status, constant(builder, i32, 0));
    auto branch = scf::IfOp::create(builder, fine, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());

    FailureOr<SmallVector<Value>> words = makeWords(builder, op);
    if (failed(words))
      return failure();
    Value size = constant(builder, i64, words->size());
    // In the entry block: a launch in a loop must not grow the stack.
    ImplicitLocOpBuilder entry = ImplicitLocOpBuilder::atBlockBegin(
        op.getLoc(), &function.getBody().front());
    Value array = LLVM::AllocaOp::create(entry, pointer, i64,
                                         constant(entry, i64, words->size()));
    for (auto [i, word] : llvm::enumerate(*words)) {
      Value slot =
          LLVM::GEPOp::create(builder, pointer, i64, array,
                              ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      LLVM::StoreOp::create(builder, word, slot);
    }

    Value bytes = LLVM::AddressOfOp::create(builder, pointer, artifactName);
    Value numBytes;
    if (artifact)
      numBytes = constant(builder, i64, artifact.size());
    else
      numBytes = LLVM::LoadOp::create(
          builder, i64,
          LLVM::AddressOfOp::create(builder, pointer, artifactSizeName));
    Value name = getName(builder, op.getKernel());
    Value target = loadField(builder, call, 1, i32);
    Value stream = loadField(builder, call, 2, pointer);
    auto result = LLVM::CallOp::create(
        builder, TypeRange(i32), launchName,
        ValueRange{bytes, numBytes, name, array, size, target, stream});
    LLVM::StoreOp::create(builder, result.getResult(), call);
    op.erase();
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *ctx = &getContext();
    pointer = LLVM::LLVMPointerType::get(ctx);
    i32 = IntegerType::get(ctx, 32);
    i64 = IntegerType::get(ctx, 64);
    context = LLVM::LLVMStructType::getLiteral(ctx, {i32, i32, pointer});
    artifact = module->getAttrOfType<StringAttr>(kArtifactAttrName);
    names.clear();

    SmallVector<LaunchOp> launches;
    module.walk([&](LaunchOp op) { launches.push_back(op); });
    if (!launches.empty())
      declare();

    SmallVector<func::CallOp> calls;
    SymbolTable symbols(module);
    module.walk([&](func::CallOp op) { calls.push_back(op); });
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      if (function->hasAttr(kKernelAttrName)) {
        if (!keepKernels)
          function.erase();
        continue;
      }
      if (function.isExternal())
        continue;
      if (failed(function.insertArgument(function.getNumArguments(), pointer,
                                         {}, function.getLoc())))
        return signalPassFailure();
      if (function.isPublic())
        function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                          UnitAttr::get(ctx));
    }
    for (func::CallOp op : calls) {
      auto callee = symbols.lookup<func::FuncOp>(op.getCallee());
      auto caller = op->getParentOfType<func::FuncOp>();
      if (callee && caller && !callee.isExternal())
        op.getOperandsMutable().append(caller.getArguments().back());
    }
    for (LaunchOp op : launches)
      if (failed(lower(op)))
        return signalPassFailure();
    module->removeAttr(kArtifactAttrName);
  }
};
} // namespace
