//===- ConvertChannels.cpp - Barriers in shared memory --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A barrier's phase n is complete when so many have arrived n + 1 times. A wait
// names a phase by its parity, and goes on if that phase is complete: so it
// does at a barrier that nobody has arrived at, asked for parity 1.
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace simplexir;

namespace {
enum Barrier : int64_t { Full, Empty };

/// The address of a slot's barrier in shared memory, an i32.
Value getAddress(FragmentBuilder &b, Value channel, Barrier which, Value slot) {
  int64_t slots = cast<MemRefType>(channel.getType()).getDimSize(1);
  constexpr int64_t bytes = 8;
  Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(b, channel);
  Value offset = b.add(b.mul(slot, bytes), which * slots * bytes);
  return arith::IndexCastOp::create(b, b.getI32Type(), b.add(pointer, offset));
}

// nvvm.mbarrier.init and .arrive take addresses of 64 bits here and have no
// predicate, 24 instructions more a kernel; .try_wait.parity wants a limit for
// the time that the hardware suspends a thread.

void emitWait(FragmentBuilder &b, Value address, Value parity) {
  // The label is local to the braces.
  emitPtx(b,
          "{\n.reg .pred done;\n"
          "again:\n"
          "mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\n"
          "@!done bra again;\n}",
          {address, arith::ExtUIOp::create(b, b.getI32Type(), parity)},
          "r,r,~{memory}");
}

/// One arrival at the barrier of a slot; where `condition` holds, if not null.
void emitSlotArrival(FragmentBuilder &b, Value address, Value condition) {
  if (condition)
    emitPtx(b, "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];",
            {address, condition}, "r,b,~{memory}");
  else
    emitPtx(b, "mbarrier.arrive.shared::cta.b64 _, [$0];", {address},
            "r,~{memory}");
}

struct OpenChannelPattern : TilePattern<OpenChannelOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(OpenChannelOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.thread(),
                                        b.index(0));
    auto branch = scf::IfOp::create(b, first, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    // Every thread that copies arrives, and one of each warp that computes.
    for (auto [which, count] :
         {std::pair(Full, kCopyWarps * 32), std::pair(Empty, layout.warps)})
      for (int64_t slot = 0; slot < op.getChannel().getType().getDimSize(1);
           ++slot)
        emitPtx(b, "mbarrier.init.shared::cta.b64 [$0], $1;",
                {getAddress(b, op.getChannel(), which, b.index(slot)),
                 emitI32(b, count)},
                "r,r,~{memory}");
    rewriter.eraseOp(op);
    return success();
  }
};

struct AcquirePattern : TilePattern<AcquireOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(AcquireOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    // The phase of the last pass over the ring.
    Value last = arith::XOrIOp::create(
        b, op.getPhase(),
        arith::ConstantOp::create(b, b.getBoolAttr(true)).getResult());
    emitWait(b, getAddress(b, op.getChannel(), Empty, op.getSlot()), last);
    rewriter.eraseOp(op);
    return success();
  }
};

struct CommitPattern : TilePattern<CommitOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(CommitOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    emitCopyCommit(b);
    rewriter.eraseOp(op);
    return success();
  }
};

struct AnnouncePattern : TilePattern<AnnounceOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(AnnounceOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    emitCopyGroupWait(b, static_cast<int64_t>(op.getLeaving()));
    // Warpgroup products read shared memory by another path than stores.
    emitProxyFence(b);
    emitSlotArrival(b, getAddress(b, op.getChannel(), Full, op.getSlot()),
                    Value());
    rewriter.eraseOp(op);
    return success();
  }
};

struct ReceivePattern : TilePattern<ReceiveOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ReceiveOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    emitWait(b, getAddress(b, op.getChannel(), Full, op.getSlot()),
             op.getPhase());
    rewriter.eraseOp(op);
    return success();
  }
};

struct ReleasePattern : TilePattern<ReleaseOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ReleaseOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    // A warp's products are complete in all its threads at once.
    Value arrives = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.lane(),
                                          b.index(0));
    if (op.getCondition())
      arrives = arith::AndIOp::create(b, arrives, op.getCondition());
    emitSlotArrival(b, getAddress(b, op.getChannel(), Empty, op.getSlot()),
                    arrives);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void simplexir::populateChannelPatterns(const FragmentConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<AcquirePattern, AnnouncePattern, CommitPattern,
               OpenChannelPattern, ReceivePattern, ReleasePattern>(
      converter, patterns.getContext());
}
