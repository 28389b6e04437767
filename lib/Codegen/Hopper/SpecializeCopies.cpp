//===- SpecializeCopies.cpp - Warps that only copy ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileRings.h"

#include "simplexir/Codegen/SharedMemory.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_SPECIALIZECOPIES
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
using Predicate = arith::CmpIPredicate;

/// The channel of a ring, seen from one round.
struct Channel {
  Value memory;
  /// The second round has barriers of its own, from this one on; null if there
  /// is one round.
  Value base;

  Value getPlace(ImplicitLocOpBuilder &b, Value slot) const {
    return base ? arith::AddIOp::create(b, slot, base).getResult() : slot;
  }
};

class Specialization {
public:
  explicit Specialization(const TileRings &tiles) : tiles(tiles) {}

  void run() {
    makeRoles();
    openChannels();
    buildCopies();
    dropCopies();
    addPhases();
    receiveAndRelease();
  }

private:
  /// What is not shared is for the warps that compute.
  void makeRoles() {
    Block &body = tiles.kernel.getBody().front();
    ImplicitLocOpBuilder b(tiles.loop.getLoc(), body.getTerminator());
    roles = SpecializeOp::create(b);
    b.createBlock(&roles.getCopy());
    Block *compute = b.createBlock(&roles.getCompute());
    // What is shared stays in the kernel, or goes there from a round.
    if (tiles.rounds)
      for (Operation &op :
           llvm::make_early_inc_range(*tiles.rounds.getBeforeBody()))
        if (tiles.shared.contains(&op))
          op.moveBefore(roles);
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
      if (!tiles.shared.contains(&op) && &op != roles)
        op.moveBefore(compute, compute->end());
  }

  void openChannels() {
    ImplicitLocOpBuilder b(roles.getLoc(), roles);
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    for (Ring &ring : tiles.rings) {
      int64_t slots = ring.getLength() * (tiles.rounds ? 2 : 1);
      auto type = MemRefType::get({2, slots}, b.getI64Type(),
                                  MemRefLayoutAttrInterface(), space);
      memories.push_back(memref::AllocOp::create(b, type));
    }
    for (Value memory : memories)
      OpenChannelOp::create(b, memory);
    gpu::BarrierOp::create(b);
  }

  /// The channels of a round; is it the `second` one?
  SmallVector<Channel> getChannels(ImplicitLocOpBuilder &b, Value second) {
    SmallVector<Channel> channels;
    for (auto [ring, memory] : llvm::zip_equal(tiles.rings, memories)) {
      Value base;
      if (second)
        base = arith::SelectOp::create(
            b, second, arith::ConstantIndexOp::create(b, ring.getLength()),
            arith::ConstantIndexOp::create(b, 0));
      channels.push_back({memory, base});
    }
    return channels;
  }

  //===--------------------------------------------------------------------===//
  // Warps that copy
  //===--------------------------------------------------------------------===//

  /// They run the same rounds, and take part in the vote.
  void buildCopies() {
    auto b = ImplicitLocOpBuilder::atBlockBegin(roles.getLoc(),
                                                &roles.getCopy().front());
    scf::WhileOp rounds = tiles.rounds;
    if (!rounds)
      return copyTiles(b, getChannels(b, Value()));
    auto copies =
        scf::WhileOp::create(b, TypeRange(), ValueRange(rounds.getInits()));
    IRMapping mapping;
    rounds.getAfter().cloneInto(&copies.getAfter(), mapping);
    Block *before =
        b.createBlock(&copies.getBefore(), {}, b.getI1Type(), b.getLoc());
    Value second = before->getArgument(0);
    copyTiles(b, getChannels(b, second));
    mapping.map(rounds.getBeforeArguments().front(), second);
    mapping.map(
        tiles.vote.getResult(),
        OutOfRangeOp::create(b, b.getI1Type(), Value(), Value()).getResult());
    Value again = rounds.getConditionOp().getCondition();
    cloneSlice(b, again, mapping);
    scf::ConditionOp::create(b, mapping.lookup(again), ValueRange());
  }

  /// What a value of the rounds is computed from, and is not mapped yet.
  void cloneSlice(ImplicitLocOpBuilder &b, Value value, IRMapping &mapping) {
    Operation *op = value.getDefiningOp();
    if (mapping.contains(value) || !op || !tiles.rounds->isProperAncestor(op))
      return;
    for (Value operand : op->getOperands())
      cloneSlice(b, operand, mapping);
    b.clone(*op, mapping);
  }

  /// The loop over tiles. It carries a slot and a phase of each ring, and the
  /// slot of the last ring that is still to be announced.
  void copyTiles(ImplicitLocOpBuilder &b, ArrayRef<Channel> channels) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value off = arith::ConstantOp::create(b, b.getBoolAttr(false));
    SmallVector<Value> inits;
    for (size_t i = 0; i < channels.size(); ++i)
      inits.append({zero, off});
    inits.push_back(zero);
    scf::ForOp bounds = tiles.loop;
    auto loop =
        scf::ForOp::create(b, bounds.getLowerBound(), bounds.getUpperBound(),
                           bounds.getStep(), inits);
    Value first = loop.getLowerBound(), last = channels.back().memory;
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value tile = loop.getInductionVar();
      ValueRange carried = loop.getRegionIterArgs();
      SmallVector<Value> yields;
      Value pending = carried.back();
      for (auto [i, channel] : llvm::enumerate(channels)) {
        Value slot = carried[2 * i], phase = carried[2 * i + 1];
        Value place = channel.getPlace(b, slot);
        AcquireOp::create(b, channel.memory, place, phase);
        copyTile(b, tiles.rings[i], slot, tile);
        CommitOp::create(b);
        // The group before this one has had time to arrive.
        if (i == 0)
          announceIf(b, Predicate::ne, tile, first, last, pending, 1);
        else
          AnnounceOp::create(b, channels[i - 1].memory, pending, 1);
        pending = place;
        appendNext(b, tiles.rings[i], slot, phase, yields);
      }
      yields.push_back(pending);
      scf::YieldOp::create(b, yields);
    }
    announceIf(b, Predicate::slt, first, loop.getUpperBound(), last,
               loop.getResults().back(), 0);
  }

  static void announceIf(ImplicitLocOpBuilder &b, Predicate predicate, Value x,
                         Value y, Value channel, Value slot, int64_t leaving) {
    Value holds = arith::CmpIOp::create(b, predicate, x, y);
    auto branch = scf::IfOp::create(b, holds, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    AnnounceOp::create(b, channel, slot, leaving);
  }

  static void copyTile(ImplicitLocOpBuilder &b, Ring &ring, Value slot,
                       Value tile) {
    Value place = getRingSlot(b, ring.buffer, slot);
    auto copy = cast<CopyOp>(b.clone(*ring.first));
    copy.getSequenceMutable().set(tile);
    copy.getDestinationMutable().set(place);
  }

  static void appendNext(ImplicitLocOpBuilder &b, Ring &ring, Value slot,
                         Value phase, SmallVectorImpl<Value> &yields) {
    Value wraps = arith::CmpIOp::create(
        b, Predicate::eq, slot,
        arith::ConstantIndexOp::create(b, ring.getLength() - 1));
    Value next =
        arith::AddIOp::create(b, slot, arith::ConstantIndexOp::create(b, 1));
    yields.push_back(arith::SelectOp::create(
        b, wraps, arith::ConstantIndexOp::create(b, 0), next));
    yields.push_back(arith::XOrIOp::create(b, phase, wraps));
  }

  //===--------------------------------------------------------------------===//
  // Warps that compute
  //===--------------------------------------------------------------------===//

  /// They neither copy tiles nor wait for the block at each one.
  void dropCopies() {
    scf::ForOp loop = tiles.loop;
    for (Ring &ring : tiles.rings)
      ring.first.erase();
    tiles.prefetch.erase();
    for (Block *block : {loop.getBody(), loop->getBlock()})
      for (auto wait : llvm::make_early_inc_range(block->getOps<CopyWaitOp>()))
        if (block == loop.getBody() || loop->isBeforeInBlock(wait))
          wait.erase();
  }

  /// The loop carries a phase for each number of a slot, which changes where
  /// the number returns to 0.
  void addPhases() {
    scf::ForOp loop = tiles.loop;
    IRRewriter rewriter(loop);
    ImplicitLocOpBuilder b(loop.getLoc(), rewriter);
    b.setInsertionPoint(loop);
    Value off = arith::ConstantOp::create(b, b.getBoolAttr(false));
    Value zero = arith::ConstantIndexOp::create(b, 0);
    phasesBegin = loop.getNumRegionIterArgs();
    auto getNext = [&](OpBuilder &builder, Location loc,
                       ArrayRef<BlockArgument> phases) {
      ImplicitLocOpBuilder inner(loc, builder);
      SmallVector<Value> next;
      for (auto [slot, phase] : llvm::zip_equal(tiles.slots, phases)) {
        if (std::optional<unsigned> current = tiles.getCurrent(slot)) {
          next.push_back(phases[getPhase(*current) - phasesBegin]);
          continue;
        }
        Value wraps = arith::CmpIOp::create(
            inner, Predicate::eq, loop.getYieldedValues()[slot], zero);
        next.push_back(arith::XOrIOp::create(inner, phase, wraps));
      }
      return next;
    };
    tiles.loop = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
        rewriter, SmallVector<Value>(tiles.slots.size(), off),
        /*replaceInitOperandUsesInLoop=*/false, getNext));
  }

  /// Which iteration argument is the phase of a slot.
  size_t getPhase(unsigned slot) const {
    return phasesBegin + (llvm::find(tiles.slots, slot) - tiles.slots.begin());
  }

  void receiveAndRelease() {
    scf::ForOp loop = tiles.loop;
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    scf::WhileOp rounds = tiles.rounds;
    SmallVector<Channel> channels = getChannels(
        b, rounds ? Value(rounds.getBeforeArguments().front()) : Value());
    for (auto [ring, channel] : llvm::zip_equal(tiles.rings, channels)) {
      b.setInsertionPoint(ring.reader);
      Value place = channel.getPlace(b, loop.getRegionIterArg(ring.slot));
      ReceiveOp::create(b, channel.memory, place,
                        loop.getRegionIterArg(getPhase(ring.slot)));
      // The first iteration leaves the first tile to the second one.
      b.setInsertionPointAfter(tiles.getEnd(ring.reader));
      Value condition;
      if (tiles.getCurrent(ring.slot))
        condition = arith::CmpIOp::create(
            b, Predicate::ne, loop.getInductionVar(), loop.getLowerBound());
      ReleaseOp::create(b, channel.memory, place, condition);
    }
    for (ContractOp op : tiles.later) {
      b.setInsertionPoint(op);
      auto slot = cast<OpResult>(TileRings::getSlot(op.getRhs()));
      size_t ring = &tiles.getRing(op.getRhs()) - tiles.rings.data();
      ReceiveOp::create(b, channels[ring].memory,
                        channels[ring].getPlace(b, slot),
                        loop.getResult(getPhase(slot.getResultNumber())));
    }
  }

  TileRings tiles;
  SpecializeOp roles;
  /// Of the channels, one a ring.
  SmallVector<Value> memories;
  /// The first iteration argument of the loop that is a phase.
  unsigned phasesBegin = 0;
};

struct SpecializeCopiesPass
    : simplexir::impl::SpecializeCopiesBase<SpecializeCopiesPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    if (!usesWarpgroups(kernel) || schedule.getWarps() != 8 ||
        schedule.getSplits() != 1)
      return;
    if (std::optional<TileRings> tiles = TileRings::match(kernel))
      Specialization(*tiles).run();
  }
};
} // namespace
