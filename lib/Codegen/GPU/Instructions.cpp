//===- Instructions.cpp - NVVM instructions that fragments use ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace simplexir;

void simplexir::insertInstructionDialects(DialectRegistry &registry) {
  registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>();
}

void simplexir::setMinBlocks(gpu::GPUFuncOp function, int64_t blocks) {
  Builder b(function.getContext());
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    b.getI32IntegerAttr(static_cast<int32_t>(blocks)));
}

void simplexir::setMaxRegisters(gpu::GPUFuncOp function, int64_t count) {
  Builder b(function.getContext());
  function->setAttr(NVVM::NVVMDialect::getMaxnregAttrName(),
                    b.getI32IntegerAttr(static_cast<int32_t>(count)));
}

static NVVM::MMATypes getMmaType(Type element) {
  if (element.isBF16())
    return NVVM::MMATypes::bf16;
  return element.isF16() ? NVVM::MMATypes::f16 : NVVM::MMATypes::tf32;
}

Value simplexir::emitMma(FragmentBuilder &b, ArrayRef<Value> lhs,
                         ArrayRef<Value> rhs, Value accumulator, Type element) {
  SmallVector<Value> acc;
  for (int64_t half : {0, 1})
    for (int64_t i : {0, 1})
      acc.push_back(b.extract(b.extract(accumulator, half), i));
  Type f32 = b.getF32Type();
  auto result =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32});
  NVVM::MMATypes type = getMmaType(element);
  std::array<int64_t, 3> shape{16, 8, element.isF32() ? 8 : 16};
  Value product = NVVM::MmaOp::create(
      b, result, lhs, rhs, acc, shape, /*b1Op=*/std::nullopt,
      /*intOverflow=*/std::nullopt, std::array<NVVM::MMATypes, 2>{type, type},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  SmallVector<Value> parts;
  for (int64_t i = 0; i < 4; ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, product, i));
  return vector::FromElementsOp::create(b, VectorType::get({2, 2}, f32), parts);
}

Value simplexir::emitMmaF64(FragmentBuilder &b, Value lhs, Value rhs,
                            Value accumulator) {
  Type f64 = b.getF64Type();
  Value acc[] = {b.extract(accumulator, 0), b.extract(accumulator, 1)};
  constexpr auto type = NVVM::MMATypes::f64;
  Value product = NVVM::MmaOp::create(
      b, LLVM::LLVMStructType::getLiteral(b.getContext(), {f64, f64}), lhs, rhs,
      acc, std::array<int64_t, 3>{8, 8, 4}, /*b1Op=*/std::nullopt,
      /*intOverflow=*/std::nullopt, std::array<NVVM::MMATypes, 2>{type, type},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  Value parts[] = {LLVM::ExtractValueOp::create(b, product, 0),
                   LLVM::ExtractValueOp::create(b, product, 1)};
  return vector::FromElementsOp::create(b, VectorType::get({2}, f64), parts);
}

void simplexir::emitCopyCommit(FragmentBuilder &b) {
  NVVM::CpAsyncCommitGroupOp::create(b);
}

void simplexir::emitCopyGroupWait(FragmentBuilder &b, int64_t leaving) {
  NVVM::CpAsyncWaitGroupOp::create(b, static_cast<int32_t>(leaving));
}

void simplexir::emitCopyWait(FragmentBuilder &b) {
  emitCopyCommit(b);
  emitCopyGroupWait(b, 0);
}

void simplexir::emitProxyFence(FragmentBuilder &b) {
  NVVM::FenceProxyOp::create(
      b,
      NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
}

Value simplexir::emitI32(FragmentBuilder &b, int64_t value) {
  return arith::ConstantOp::create(
      b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value simplexir::emitUniform(FragmentBuilder &b, Value i32) {
  return gpu::ShuffleOp::create(b, i32, 0, 32, gpu::ShuffleMode::IDX)
      .getShuffleResult();
}

void simplexir::emitBarrier(FragmentBuilder &b, Value id, int64_t threads) {
  NVVM::BarrierOp::create(b, TypeRange(), id, emitI32(b, threads),
                          NVVM::BarrierReductionAttr(), Value());
}

void simplexir::emitArrive(FragmentBuilder &b, Value id, int64_t threads) {
  NVVM::BarrierArriveOp::create(b, id, emitI32(b, threads));
}

/// Barrier 0 is the block's, 1 and 2 are those of the turns.
static int32_t getRoleBarrier(FragmentBuilder &b) {
  constexpr int32_t computing = 3, copying = 4;
  return b.layout.firstWarp == 0 ? computing : copying;
}

void simplexir::emitRoleBarrier(FragmentBuilder &b) {
  if (b.layout.warps == b.layout.blockWarps)
    gpu::BarrierOp::create(b);
  else
    emitBarrier(b, emitI32(b, getRoleBarrier(b)), b.layout.warps * 32);
}

Value simplexir::emitPtx(FragmentBuilder &b, StringRef code,
                         ValueRange operands, StringRef constraints,
                         Type result, bool pure) {
  auto assembly = LLVM::InlineAsmOp::create(
      b, result ? TypeRange(result) : TypeRange(), operands, code, constraints,
      /*has_side_effects=*/!pure, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  return result ? assembly.getResult(0) : Value();
}

Value simplexir::emitPtxOfFloats(FragmentBuilder &b, StringRef code,
                                 int64_t count, ValueRange tied,
                                 ValueRange operands, StringRef constraints,
                                 bool pure) {
  SmallVector<Type> types(count, b.getF32Type());
  auto result = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  std::string all;
  for (int64_t i = 0; i < count; ++i)
    all += i ? ",=&f" : "=&f";
  for (size_t i = 0; i < tied.size(); ++i)
    all += "," + std::to_string(i);
  all += constraints;
  SmallVector<Value> inputs(tied);
  llvm::append_range(inputs, operands);
  return emitPtx(b, code, inputs, all, result, pure);
}

Value simplexir::extractFields(FragmentBuilder &b, Value fields, int64_t first,
                               VectorType type) {
  SmallVector<Value> parts;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, fields, first + i));
  return vector::FromElementsOp::create(b, type, parts);
}

Value simplexir::emitStash(FragmentBuilder &b, Value i32) {
  auto kernel = b.getBlock()->getParent()->getParentOfType<gpu::GPUFuncOp>();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  OpBuilder::InsertionGuard guard(b);
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value place =
      LLVM::AllocaOp::create(b, pointer, b.getI32Type(), emitI32(b, 1));
  b.restoreInsertionPoint(here);
  LLVM::StoreOp::create(b, i32, place, /*alignment=*/4, /*isVolatile=*/true);
  return place;
}

Value simplexir::emitStashed(FragmentBuilder &b, Value place) {
  return LLVM::LoadOp::create(b, b.getI32Type(), place, /*alignment=*/4,
                              /*isVolatile=*/true);
}

void simplexir::hideThread(FragmentBuilder &b) {
  b.setThread(emitPtx(b, "mov.u32 $0, %tid.x;", {}, "=r", b.getI32Type()));
}

void simplexir::emitSetRegisters(FragmentBuilder &b, int64_t count, bool less) {
  NVVM::SetMaxRegisterOp::create(b, static_cast<int32_t>(count),
                                 less ? NVVM::SetMaxRegisterAction::decrease
                                      : NVVM::SetMaxRegisterAction::increase);
}

Value simplexir::emitAny(FragmentBuilder &b, Value condition) {
  Type i32 = b.getI32Type();
  Value asked = arith::ExtUIOp::create(b, i32, condition), any;
  if (b.layout.warps == b.layout.blockWarps) {
    auto reduction = NVVM::BarrierReductionAttr::get(
        b.getContext(), NVVM::BarrierReduction::OR);
    any = NVVM::BarrierOp::create(b, TypeRange(i32), Value(), Value(),
                                  reduction, asked)
              .getRes();
  } else {
    // The barrier says how many threads come, which nvvm.barrier cannot in a
    // reduction.
    std::string code = "{\n.reg .pred p, q;\nsetp.ne.u32 p, $1, 0;\n"
                       "barrier.cta.red.or.pred q, " +
                       std::to_string(getRoleBarrier(b)) + ", " +
                       std::to_string(b.layout.warps * 32) +
                       ", p;\nselp.u32 $0, 1, 0, q;\n}";
    any = emitPtx(b, code, asked, "=r,r", i32);
  }
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, any, emitI32(b, 0));
}

Value simplexir::emitVoteAny(FragmentBuilder &b, Value condition) {
  Value all = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
  return NVVM::VoteSyncOp::create(b, b.getI1Type(), all, condition,
                                  NVVM::VoteSyncKind::any);
}

static Value callIntrinsic(FragmentBuilder &b, StringRef name, Value scalar) {
  return LLVM::CallIntrinsicOp::create(b, scalar.getType(),
                                       b.getStringAttr(name), scalar)
      .getResult(0);
}

Value simplexir::emitExp2(FragmentBuilder &b, Value scalar) {
  return callIntrinsic(b, "llvm.nvvm.ex2.approx.ftz.f", scalar);
}

Value simplexir::emitLog2(FragmentBuilder &b, Value scalar) {
  return callIntrinsic(b, "llvm.nvvm.lg2.approx.ftz.f", scalar);
}
