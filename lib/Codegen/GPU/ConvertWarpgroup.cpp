//===- ConvertWarpgroup.cpp - Products of four warps ----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma.mma_async with the left operand in registers. One warp's share of a
// product of 64 rows is laid out as 16 rows of mma.sync, so fragments stay what
// they are. Upstream's operation takes A from shared memory only: this is
// inline PTX, one statement for a whole product.
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"
#include "Rows.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// The fields of a matrix descriptor, in its units of 16 bytes.
constexpr int64_t kBoxRowBytes = 128, kSwizzleRows = 8;
int64_t getDescriptorBits(int64_t leadingBytes) {
  int64_t strideBytes = kSwizzleRows * kBoxRowBytes;
  constexpr int64_t swizzle128 = int64_t{1} << 62;
  return swizzle128 | (strideBytes / 16) << 32 | (leadingBytes / 16) << 16;
}

/// How the right operand advances with the depth of a product.
class Boxes {
public:
  Boxes(MemRefType type, bool transposed)
      : transposed(transposed), boxBytes(type.getStridesAndOffset().first[0] *
                                         type.getElementTypeBitWidth() / 8),
        elements(type.getDimSize(2)) {}

  /// Distance of two boxes, which may have more rows than are used.
  int64_t getBoxBytes() const { return boxBytes; }
  /// Bytes from the first row of the right operand to depth `k`: along the
  /// rows where it is transposed, else down the boxes.
  int64_t getOffset(int64_t k) const {
    if (!transposed)
      return k * kBoxRowBytes;
    return k / elements * getBoxBytes() +
           k % elements * kBoxRowBytes / elements;
  }

private:
  bool transposed;
  int64_t boxBytes, elements;
};

/// The 32-bit registers of a fragment of two rows.
void appendRegisters(FragmentBuilder &b, Value fragment,
                     SmallVectorImpl<Value> &registers) {
  for (int64_t half : {0, 1}) {
    auto type = VectorType::get({1}, b.getI32Type());
    registers.push_back(b.extract(
        vector::BitCastOp::create(b, type, b.extract(fragment, half)), 0));
  }
}

/// Four numbers of each fragment, in the order of wgmma's accumulator.
SmallVector<Value> flatten(FragmentBuilder &b, ValueRange fragments) {
  SmallVector<Value> scalars;
  for (Value fragment : fragments)
    for (int64_t half : {0, 1})
      for (int64_t i : {0, 1})
        scalars.push_back(b.extract(b.extract(fragment, half), i));
  return scalars;
}

/// Inline PTX that returns `count` floats, as fragments. `tied` numbers go in
/// where they come out.
SmallVector<Value> emitAsm(FragmentBuilder &b, StringRef code, int64_t count,
                           ArrayRef<Value> tied, ArrayRef<Value> operands,
                           const std::string &operandConstraints) {
  Value all = emitPtxOfFloats(b, code, count, tied, operands,
                              operandConstraints + ",~{memory}");
  SmallVector<Value> fragments;
  auto type = VectorType::get({2, 2}, b.getF32Type());
  for (int64_t i = 0; i < count; i += 4)
    fragments.push_back(extractFields(b, all, i, type));
  return fragments;
}

/// By how many units of 16 bytes a group of warps, each `skew` rows further on,
/// begins after the first one. Once, at the kernel's beginning: every thread of
/// a warp has the same, as descriptors need it.
Value emitGroupOffset(FragmentBuilder &b, int64_t skew) {
  OpBuilder::InsertionGuard guard(b);
  auto kernel = b.getBlock()->getParent()->getParentOfType<gpu::GPUFuncOp>();
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value row = arith::IndexCastOp::create(b, b.getI32Type(), b.warpRow());
  Value group = arith::ShRUIOp::create(
      b, row, emitI32(b, llvm::Log2_64(ScheduleAttr::kGroupRows)));
  return emitUniform(
      b, arith::MulIOp::create(b, group, emitI32(b, skew * kBoxRowBytes / 16)));
}

/// The descriptor of boxes in shared memory, for each group of warps from
/// `skew` rows further on. A matrix may begin at any row of a swizzled box:
/// the pattern goes by addresses.
Value emitDescriptor(FragmentBuilder &b, Value memory, const Boxes &boxes,
                     int64_t skew) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memory);
  Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(b, memory);
  auto type = cast<MemRefType>(memory.getType());
  Value bytes = b.mul(metadata.getOffset(), type.getElementTypeBitWidth() / 8);
  Value address = b.div(b.add(pointer, bytes), 16);
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  address = arith::IndexCastOp::create(b, i32, address);
  // The matrix lies in the first 256 KiB of the shared window.
  auto bits = static_cast<uint64_t>(getDescriptorBits(boxes.getBoxBytes()));
  address = arith::AndIOp::create(b, address, emitI32(b, 0x3fff));
  Value low = emitUniform(
      b, arith::OrIOp::create(b, address, emitI32(b, llvm::Lo_32(bits))));
  // Behind the last row of a matrix is no end of those 256 KiB.
  if (skew != 0)
    low = arith::AddIOp::create(b, low, emitGroupOffset(b, skew));
  uint64_t high = bits & ~uint64_t{0xffffffff};
  return arith::OrIOp::create(
      b, arith::ExtUIOp::create(b, i64, low).getResult(),
      arith::ConstantOp::create(b,
                                b.getI64IntegerAttr(static_cast<int64_t>(high)))
          .getResult());
}

/// PTX of one product: fence, steps of depth 16, commit. The barrier of the
/// warp keeps ptxas from moving loads, whose results are wanted while the
/// product runs, ahead of it.
class ProductText {
public:
  ProductText(int64_t columns, int64_t depth, bool isBF16, bool adds)
      : columns(columns), steps(depth / 16), isBF16(isBF16), adds(adds) {}

  /// Operands: columns / 2 results, as many accumulators if it `adds` to them,
  /// four registers a step, the descriptor.
  std::string write(const Boxes &boxes, bool transposed) const {
    int64_t first = adds ? columns : columns / 2;
    std::string text;
    llvm::raw_string_ostream out(text);
    out << "{\n.reg .pred keep, add;\n.reg .b32 zero;\n.reg .b64 at;\n"
           "mov.b32 zero, 0;\nsetp.ne.b32 keep, zero, 0;\n"
           "setp.eq.b32 add, zero, 0;\n"
           "wgmma.fence.sync.aligned;\n";
    for (int64_t k = 0; k < steps; ++k) {
      out << "add.s64 at, $" << first + 4 * steps << ", "
          << boxes.getOffset(16 * k) / 16 << ";\n"
          << "wgmma.mma_async.sync.aligned.m64n" << columns << "k16.f32."
          << getType() << "." << getType() << " {";
      list(out, 0, columns / 2);
      out << "}, {";
      list(out, first + 4 * k, 4);
      out << "}, at, " << (k == 0 && !adds ? "keep" : "add") << ", 1, 1, "
          << (transposed ? 0 : 1) << ";\n";
    }
    out << "wgmma.commit_group.sync.aligned;\n"
           "bar.warp.sync 0xffffffff;\n}";
    return text;
  }

private:
  StringRef getType() const { return isBF16 ? "bf16" : "f16"; }
  static void list(llvm::raw_ostream &out, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      out << (i ? ",$" : "$") << first + i;
  }

  int64_t columns, steps;
  bool isBF16, adds;
};

/// Numbers of `accumulator` are added to, if there are any.
template <typename OpT>
SmallVector<Value> emitProduct(OpT op, ValueRange left, ValueRange accumulator,
                               FragmentBuilder &b) {
  auto memory = cast<MemRefType>(op.getRhs().getType());
  auto lhs = cast<TileType>(op.getLhs().getType());
  int64_t columns = cast<TileType>(op.getResult().getType()).getColumns();
  Boxes boxes(memory, op.getTransposed());
  SmallVector<Value> operands;
  for (Value fragment : left)
    appendRegisters(b, fragment, operands);
  std::string constraints;
  for (size_t i = 0; i < operands.size(); ++i)
    constraints += ",r";
  operands.push_back(emitDescriptor(b, op.getRhs(), boxes,
                                    static_cast<int64_t>(op.getSkew())));
  constraints += ",l";
  ProductText text(columns, lhs.getColumns(), memory.getElementType().isBF16(),
                   !accumulator.empty());
  return emitAsm(b, text.write(boxes, op.getTransposed()), columns / 2,
                 flatten(b, accumulator), operands, constraints);
}

/// Uses of the results cannot move above the wait: they are its results. An
/// init is added here: as the accumulators' start it would need registers of
/// its own before the product (ptxas: C7511).
SmallVector<Value> emitWait(FragmentBuilder &b, ValueRange flight,
                            ValueRange init, int64_t leaving = 0) {
  SmallVector<Value> scalars = flatten(b, flight);
  SmallVector<Value> fragments = emitAsm(
      b, "wgmma.wait_group.sync.aligned " + std::to_string(leaving) + ";",
      static_cast<int64_t>(scalars.size()), scalars, {}, "");
  if (init.empty())
    return fragments;
  for (Value &fragment : fragments)
    for (int64_t half : {0, 1})
      fragment =
          b.insert(arith::AddFOp::create(b, b.extract(fragment, half),
                                         b.splat(b.extract(init[0], half))),
                   fragment, half);
  return fragments;
}

bool isBoxes(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.getRank() == 3;
}

/// What a schedule may ask for and wgmma cannot do.
template <typename OpT>
LogicalResult verifyProduct(OpT op, const WarpLayout &layout) {
  auto memory = cast<MemRefType>(op.getRhs().getType());
  int64_t depth = cast<TileType>(op.getLhs().getType()).getColumns();
  int64_t columns = cast<TileType>(op.getResult().getType()).getColumns();
  Type element = memory.getElementType();
  if (!layout.wgmma || !isBoxes(memory))
    return op.emitOpError("needs a schedule with wgmma, and boxes in shared "
                          "memory");
  if (!element.isBF16() && !element.isF16())
    return op.emitOpError("schedule: wgmma multiplies bf16 and f16, found ")
           << element;
  if (depth % 16 != 0 || columns % 8 != 0 || columns > 256)
    return op.emitOpError("schedule: wgmma needs a depth of 16 n and at most "
                          "256 columns, 8 n, found ")
           << depth << " and " << columns;
  return success();
}

struct ContractBoxesPattern : TilePattern<ContractOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ContractOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    if (!isBoxes(op.getRhs().getType()))
      return failure();
    if (failed(verifyProduct(op, layout)))
      return failure();
    SmallVector<Value> flight = emitProduct(op, adaptor.getLhs(), {}, b);
    rewriter.replaceOpWithMultiple(op,
                                   {emitWait(b, flight, adaptor.getInit())});
    return success();
  }
};

struct StartContractPattern : TilePattern<StartContractOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(StartContractOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    if (failed(verifyProduct(op, layout)))
      return failure();
    rewriter.replaceOpWithMultiple(
        op, {emitProduct(op, adaptor.getLhs(), adaptor.getAccumulator(), b)});
    return success();
  }
};

struct AwaitPattern : TilePattern<AwaitOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(AwaitOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(
        op, {emitWait(b, adaptor.getFlight(), adaptor.getInit(),
                      static_cast<int64_t>(op.getLeaving()))});
    return success();
  }
};
} // namespace

void simplexir::populateWarpgroupPatterns(const FragmentConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<AwaitPattern, ContractBoxesPattern, StartContractPattern>(
      converter, patterns.getContext());
}
