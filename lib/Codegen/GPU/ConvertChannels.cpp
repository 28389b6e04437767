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

/// The address of barrier `first` + `number` in shared memory, an i32.
Value getAddress(FragmentBuilder &b, Value barriers, Value number,
                 int64_t first = 0) {
  constexpr int64_t bytes = 8;
  Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(b, barriers);
  Value offset = b.add(b.mul(number, bytes), first * bytes);
  return arith::IndexCastOp::create(b, b.getI32Type(), b.add(pointer, offset));
}

/// That of a slot of a channel.
Value getAddress(FragmentBuilder &b, Value channel, Barrier which, Value slot) {
  int64_t slots = cast<MemRefType>(channel.getType()).getDimSize(1);
  return getAddress(b, channel, slot, which * slots);
}

void emitInit(FragmentBuilder &b, Value address, Value count) {
  emitPtx(b, "mbarrier.init.shared::cta.b64 [$0], $1;", {address, count},
          "r,r,~{memory}");
}

/// `body` by the block's first thread.
void whenFirstThread(FragmentBuilder &b, llvm::function_ref<void()> body) {
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.thread(),
                                      b.index(0));
  auto branch = scf::IfOp::create(b, first, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
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
    int64_t slots = op.getChannel().getType().getDimSize(1);
    whenFirstThread(b, [&] {
      // Every thread that copies arrives, and of those that compute all, or
      // one of each warp.
      int64_t readers = layout.warps * (op.getByThreads() ? 32 : 1);
      for (int64_t slot = 0; slot < slots; ++slot) {
        auto init = [&](Barrier which, Value count) {
          emitInit(b, getAddress(b, op.getChannel(), which, b.index(slot)),
                   count);
        };
        Value writers = emitI32(b, kCopyWarps * 32);
        // One thread fetches.
        if (Value maps = op.getByMaps()) {
          int64_t fetches = op.getFetches() ? (*op.getFetches())[slot] : 1;
          writers = b.createOrFold<arith::SelectOp>(
              maps, emitI32(b, static_cast<int32_t>(fetches)), writers);
        }
        init(Full, writers);
        init(Empty, emitI32(b, readers));
      }
      // Tensor copies see barriers by another path than stores.
      if (op.getByMaps())
        emitPtx(b,
                "fence.mbarrier_init.release.cluster;\n"
                "fence.proxy.async.shared::cta;",
                {}, "~{memory}");
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct AcquirePattern : TilePattern<AcquireOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(AcquireOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    emitAcquire(b, op.getChannel(), op.getSlot(), op.getPhase());
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
    Value arrives = op.getCondition();
    if (!op.getByThreads()) {
      // A warp's products are complete in all its threads at once.
      Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.lane(),
                                          b.index(0));
      arrives = arrives ? arith::AndIOp::create(b, first, arrives) : first;
    }
    emitSlotArrival(b, getAddress(b, op.getChannel(), Empty, op.getSlot()),
                    arrives);
    rewriter.eraseOp(op);
    return success();
  }
};

struct OpenAnswerPattern : TilePattern<OpenAnswerOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(OpenAnswerOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    // Each thread that computes arrives: what it has read may be overwritten.
    whenFirstThread(b, [&] {
      for (int64_t which : {0, 1})
        emitInit(b, getAddress(b, op.getAnswer(), b.index(which)),
                 emitI32(b, layout.warps * 32));
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct GiveAnswerPattern : TilePattern<GiveAnswerOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(GiveAnswerOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    Value which =
        arith::IndexCastUIOp::create(b, b.getIndexType(), op.getYes());
    emitSlotArrival(b, getAddress(b, op.getAnswer(), which), Value());
    rewriter.eraseOp(op);
    return success();
  }
};

struct AwaitAnswerPattern : TilePattern<AwaitAnswerOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(AwaitAnswerOp op, Adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto getBarrier = [&](int64_t which) {
      return getAddress(b, op.getAnswer(), b.index(which));
    };
    Value yes = emitPtx(b,
                        "{\n.reg .pred yes, any;\n"
                        "again:\n"
                        "mbarrier.test_wait.parity.shared::cta.b64 yes, [$2], "
                        "0;\n"
                        "mbarrier.test_wait.parity.shared::cta.b64 any, [$1], "
                        "0;\n"
                        "or.pred any, any, yes;\n"
                        "@!any bra again;\n"
                        "selp.u32 $0, 1, 0, yes;\n}",
                        {getBarrier(0), getBarrier(1)}, "=r,r,r,~{memory}",
                        b.getI32Type());
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, arith::CmpIPredicate::ne,
                                               yes, emitI32(b, 0));
    return success();
  }
};
} // namespace

void simplexir::emitAcquire(FragmentBuilder &b, Value channel, Value slot,
                            Value phase) {
  // The phase of the last pass over the ring.
  Value last = arith::XOrIOp::create(
      b, phase, arith::ConstantOp::create(b, b.getBoolAttr(true)).getResult());
  emitWait(b, getAddress(b, channel, Empty, slot), last);
}

Value simplexir::emitFullBarrier(FragmentBuilder &b, Value channel,
                                 Value slot) {
  return getAddress(b, channel, Full, slot);
}

void simplexir::populateChannelPatterns(const FragmentConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<AcquirePattern, AnnouncePattern, AwaitAnswerPattern,
               CommitPattern, GiveAnswerPattern, OpenAnswerPattern,
               OpenChannelPattern, ReceivePattern, ReleasePattern>(
      converter, patterns.getContext());
}
