//===- LowerGridFunction.cpp - The runtime's ABI --------------------------===//
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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace simplexir {
#define GEN_PASS_DEF_LOWERGRIDFUNCTION
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {

/// Reads the words of the arguments one after the other.
class WordReader {
public:
  WordReader(OpBuilder &builder, Location loc, Value words)
      : builder(builder), loc(loc), words(words) {}

  Value read(Type type) {
    Value at = LLVM::GEPOp::create(
        builder, loc, words.getType(), builder.getI64Type(), words,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(next++)});
    return LLVM::LoadOp::create(builder, loc, type, at);
  }

  /// A kernel argument, null if its type has no words.
  Value readArgument(Type type) {
    Type word = builder.getI64Type();
    if (type.isIndex())
      return arith::IndexCastOp::create(builder, loc, type, read(word));
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref || memref.getRank() == 0)
      return {};
    Type pointer = words.getType();
    auto array = LLVM::LLVMArrayType::get(word, memref.getRank());
    auto structure = LLVM::LLVMStructType::getLiteral(
        builder.getContext(), {pointer, pointer, word, array, array});
    Value descriptor = LLVM::PoisonOp::create(builder, loc, structure);
    auto insert = [&](Value value, ArrayRef<int64_t> position) {
      descriptor = LLVM::InsertValueOp::create(builder, loc, descriptor, value,
                                               position);
    };
    insert(read(pointer), 0);
    insert(read(pointer), 1);
    insert(read(word), 2);
    for (int64_t part : {3, 4})
      for (int64_t i = 0; i < memref.getRank(); ++i)
        insert(read(word), {part, i});
    return UnrealizedConversionCastOp::create(builder, loc, type, descriptor)
        .getResult(0);
  }

private:
  OpBuilder &builder;
  Location loc;
  Value words;
  int64_t next = 0;
};

struct LowerGridFunction
    : simplexir::impl::LowerGridFunctionBase<LowerGridFunction> {
  void runOnOperation() override {
    for (func::FuncOp kernel :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (kernel->hasAttr(kKernelAttrName) && failed(lower(kernel)))
        return signalPassFailure();
  }

private:
  static LogicalResult lower(func::FuncOp kernel);
};

} // namespace

LogicalResult LowerGridFunction::lower(func::FuncOp kernel) {
  Location loc = kernel.getLoc();
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitError("expects a kernel of one block");
  OpBuilder builder(kernel);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type word = builder.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointer, word, word, pointer});
  auto function =
      LLVM::LLVMFuncOp::create(builder, loc, kernel.getName(), type);
  for (NamedAttribute attribute : kernel->getDiscardableAttrs())
    function->setDiscardableAttr(attribute.getName(), attribute.getValue());
  Block *entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);

  IRMapping mapping;
  WordReader reader(builder, loc, entry->getArgument(0));
  bool hasWorkspace = kernel->hasAttr(kWorkspaceAttrName);
  for (BlockArgument argument :
       kernel.getArguments().drop_back(hasWorkspace ? 1 : 0)) {
    Value value = reader.readArgument(argument.getType());
    if (!value)
      return kernel.emitError("has an argument of type ")
             << argument.getType() << ", expected a memref or an index";
    mapping.map(argument, value);
  }
  if (hasWorkspace) {
    auto structure = LLVM::LLVMStructType::getLiteral(
        builder.getContext(),
        {pointer, pointer, word, LLVM::LLVMArrayType::get(word, 1),
         LLVM::LLVMArrayType::get(word, 1)});
    Value descriptor = LLVM::PoisonOp::create(builder, loc, structure);
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(builder, loc, word,
                                      builder.getI64IntegerAttr(value));
    };
    auto insert = [&](Value value, ArrayRef<int64_t> position) {
      descriptor = LLVM::InsertValueOp::create(builder, loc, descriptor, value,
                                               position);
    };
    insert(entry->getArgument(3), 0);
    insert(entry->getArgument(3), 1);
    insert(constant(0), 2);
    insert(constant(
               kernel->getAttrOfType<IntegerAttr>(kWorkspaceAttrName).getInt()),
           {3, 0});
    insert(constant(1), {4, 0});
    Value workspace =
        UnrealizedConversionCastOp::create(
            builder, loc, kernel.getArguments().back().getType(), descriptor)
            .getResult(0);
    mapping.map(kernel.getArguments().back(), workspace);
  }

  auto toIndex = [&](Value value) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      value);
  };
  Value first = toIndex(entry->getArgument(1));
  Value last = toIndex(entry->getArgument(2));
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto loop = scf::ForOp::create(builder, loc, first, last, one);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  for (Operation &op : kernel.getBody().front().without_terminator())
    builder.clone(op, mapping);
  loop.walk([&](WorkItemOp item) {
    item.replaceAllUsesWith(loop.getInductionVar());
    item.erase();
  });
  kernel.erase();
  return success();
}
