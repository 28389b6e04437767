//===- ConvertMaps.cpp - Tensor copies ------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A map has the dimensions {columns, rows, heads, batches} of an operand and a
// box of 64 columns (128 bytes) and a tile's rows, whose 16-byte units lie as
// in the boxes of simplex.copy (the swizzle of 128 bytes).
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace simplexir;

/// The map that a copy needs: argument, columns and rows of a box.
static std::array<int64_t, kMapWords> getMap(FetchOp op) {
  auto boxes = cast<MemRefType>(op.getDestination().getType());
  return {cast<BlockArgument>(op.getSource()).getArgNumber(),
          boxes.getDimSize(2), boxes.getDimSize(1)};
}

void simplexir::addMapParameters(gpu::GPUFuncOp function) {
  SmallVector<int64_t> words;
  SmallVector<std::array<int64_t, kMapWords>> maps;
  function.walk([&](FetchOp op) {
    if (!llvm::is_contained(maps, getMap(op)))
      maps.push_back(getMap(op));
  });
  if (maps.empty())
    return;
  Builder b(function.getContext());
  auto add = [&](Type type) {
    (void)function.insertArgument(function.getNumArguments(), type,
                                  DictionaryAttr(), function.getLoc());
  };
  add(b.getI64Type());
  for (const auto &map : maps) {
    add(LLVM::LLVMPointerType::get(b.getContext()));
    llvm::append_range(words, map);
  }
  function->setAttr(kMapsAttrName, b.getDenseI64ArrayAttr(words));
}

namespace {
/// Parameters of the maps, and which is whose.
struct MapParameters {
  explicit MapParameters(Operation *op)
      : function(op->getParentOfType<gpu::GPUFuncOp>()),
        words(function->getAttrOfType<DenseI64ArrayAttr>(kMapsAttrName)) {}

  size_t getCount() const { return words.size() / kMapWords; }
  Value getFlag() {
    return function.getArgument(function.getNumArguments() - getCount() - 1);
  }
  /// The address of a map, an i64.
  Value getAddress(FragmentBuilder &b, size_t number) {
    Value map = function.getArgument(function.getNumArguments() - getCount() +
                                     static_cast<unsigned>(number));
    return LLVM::PtrToIntOp::create(b, b.getI64Type(), map);
  }
  size_t find(FetchOp op) const {
    size_t number = 0;
    while (words.asArrayRef().slice(number * kMapWords, kMapWords) !=
           ArrayRef<int64_t>(getMap(op)))
      ++number;
    return number;
  }

  gpu::GPUFuncOp function;
  DenseI64ArrayAttr words;
};

struct HasMapsPattern : TilePattern<HasMapsOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(HasMapsOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    MapParameters maps(op);
    if (!maps.words) {
      rewriter.replaceOp(op,
                         arith::ConstantOp::create(b, b.getBoolAttr(false)));
      return success();
    }
    Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
    Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                      maps.getFlag(), zero);
    rewriter.replaceOp(op, any);
    return success();
  }
};

struct FetchPattern : TilePattern<FetchOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(FetchOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto boxes = cast<MemRefType>(op.getDestination().getType());
    int64_t bytes = boxes.getElementTypeBitWidth() / 8;
    int64_t boxBytes = boxes.getDimSize(1) * boxes.getDimSize(2) * bytes;
    int64_t distance = boxes.getStridesAndOffset().first[0] * bytes;
    // Whole boxes count, whatever of them is in the operand.
    std::string code =
        "{\n.reg .pred one;\nelect.sync _|one, 0xffffffff;\n"
        "@one mbarrier.arrive.expect_tx.shared::cta.b64 _, [$1], " +
        std::to_string(boxBytes * boxes.getDimSize(0)) + ";\n";
    for (int64_t i = 0; i < boxes.getDimSize(0); ++i)
      code += "@one cp.async.bulk.tensor.4d.shared::cluster.global.tile."
              "mbarrier::complete_tx::bytes [$0+" +
              std::to_string(i * distance) + "], [$2, {" +
              std::to_string(i * boxes.getDimSize(2)) +
              ", $3, $4, $5}], [$1];\n";
    Value warp =
        emitUniform(b, arith::IndexCastOp::create(b, b.getI32Type(), b.warp()));
    Value first =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, warp, emitI32(b, 0));
    auto branch = scf::IfOp::create(b, first, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    if (Value phase = op.getPhase())
      emitAcquire(b, op.getChannel(), op.getSlot(), phase);
    auto toI32 = [&](Value index) -> Value {
      return arith::IndexCastOp::create(b, b.getI32Type(), index);
    };
    auto metadata =
        memref::ExtractStridedMetadataOp::create(b, op.getDestination());
    Value begin =
        memref::ExtractAlignedPointerAsIndexOp::create(b, op.getDestination());
    Value to = toI32(b.add(begin, b.mul(metadata.getOffset(), bytes)));
    MapParameters maps(op);
    emitPtx(b, code + "}",
            {to, emitFullBarrier(b, op.getChannel(), op.getSlot()),
             maps.getAddress(b, maps.find(op)), toI32(op.getSequence()),
             toI32(op.getHead()), toI32(op.getBatch())},
            "r,r,l,r,r,r,~{memory}");
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void simplexir::populateMapPatterns(const FragmentConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<FetchPattern, HasMapsPattern>(converter, patterns.getContext());
}
