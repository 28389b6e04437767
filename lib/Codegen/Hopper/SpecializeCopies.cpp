//===- SpecializeCopies.cpp - Warps that only copy ------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CopyRole.h"

namespace simplexir {
#define GEN_PASS_DEF_SPECIALIZECOPIES
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
using Predicate = arith::CmpIPredicate;

class Specialization {
public:
  explicit Specialization(const TileRings &tiles) : tiles(tiles) {}

  void run() {
    makeRoles();
    ImplicitLocOpBuilder b(roles.getLoc(), roles);
    channels.open(b, tiles);
    CopyRole(tiles, channels).build(&roles.getCopy().front());
    if (tiles.items)
      receiveQuery();
    dropCopies();
    addPhases();
    receiveAndRelease();
    if (tiles.rounds)
      giveAnswer();
  }

private:
  /// What is not shared is for the warps that compute.
  void makeRoles() {
    Block &body = tiles.kernel.getBody().front();
    ImplicitLocOpBuilder b(tiles.loop.getLoc(), body.getTerminator());
    roles = SpecializeOp::create(b);
    b.createBlock(&roles.getCopy());
    Block *compute = b.createBlock(&roles.getCompute());
    // What is shared stays in the kernel, or goes there from a round, except
    // what depends on the work item: both roles compute that.
    if (tiles.rounds)
      hoistShared(tiles.rounds.getBeforeBody());
    if (tiles.items)
      hoistShared(tiles.items.getBody());
    // Constants may be in use by both.
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
      if (!tiles.shared.contains(&op) && &op != roles &&
          !op.hasTrait<OpTrait::ConstantLike>())
        op.moveBefore(compute, compute->end());
  }

  void hoistShared(Block *block) {
    for (Operation &op : llvm::make_early_inc_range(*block))
      if (tiles.shared.contains(&op) &&
          llvm::none_of(op.getOperands(), [&](Value operand) {
            return operand.getParentBlock() == block;
          }))
        op.moveBefore(roles);
  }

  //===--------------------------------------------------------------------===//
  // Warps that compute
  //===--------------------------------------------------------------------===//

  /// They wait for a work item's query before they read it. Its phase is the
  /// last value that the loop over work items carries.
  void receiveQuery() {
    IRRewriter rewriter(tiles.items);
    ImplicitLocOpBuilder b(tiles.items.getLoc(), rewriter);
    Value off = arith::ConstantOp::create(b, b.getBoolAttr(false));
    Value on = arith::ConstantOp::create(b, b.getBoolAttr(true));
    tiles.items = cast<scf::ForOp>(*tiles.items.replaceWithAdditionalYields(
        rewriter, off, /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &inner, Location loc, ArrayRef<BlockArgument> phase) {
          return SmallVector<Value>{
              arith::XOrIOp::create(inner, loc, phase.front(), on)};
        }));
    b.setInsertionPoint(tiles.queryReader);
    Channel query = *getChannels(b).query;
    Value place = query.getPlace(b, arith::ConstantIndexOp::create(b, 0));
    ReceiveOp::create(b, query.memory, place,
                      tiles.items.getRegionIterArgs().back());
    b.setInsertionPointAfter(tiles.queryReader);
    ReleaseOp::create(b, query.memory, place, Value(), b.getUnitAttr());
    tiles.query.erase();
    for (auto wait : llvm::make_early_inc_range(
             tiles.items.getBody()->getOps<CopyWaitOp>()))
      wait.erase();
  }

  RoleChannels::Round getChannels(ImplicitLocOpBuilder &b) {
    scf::WhileOp rounds = tiles.rounds;
    return channels.get(b, tiles,
                        rounds ? rounds.getBeforeArguments().front() : Value());
  }

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
    if (tiles.items)
      carrySlots();
  }

  /// A work item goes on with the slots and phases that the last one left.
  void carrySlots() {
    SmallVector<unsigned> carried;
    for (unsigned slot : tiles.slots)
      if (!tiles.getCurrent(slot))
        carried.append({slot, static_cast<unsigned>(getPhase(slot))});
    SmallVector<Value> inits;
    IRRewriter rewriter(tiles.items);
    for (unsigned number : carried) {
      Type type = tiles.loop.getInitArgs()[number].getType();
      inits.push_back(arith::ConstantOp::create(rewriter, tiles.items.getLoc(),
                                                rewriter.getZeroAttr(type)));
    }
    size_t begin = tiles.items.getNumRegionIterArgs();
    tiles.items = cast<scf::ForOp>(*tiles.items.replaceWithAdditionalYields(
        rewriter, inits, /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &, Location, ArrayRef<BlockArgument>) {
          return llvm::map_to_vector(carried, [&](unsigned number) -> Value {
            return tiles.loop.getResult(number);
          });
        }));
    for (unsigned slot : tiles.slots) {
      unsigned current = tiles.getCurrent(slot).value_or(slot);
      size_t place = begin + (llvm::find(carried, current) - carried.begin());
      auto assign = [&](size_t number, size_t from) {
        tiles.loop.getInitArgsMutable()[number].set(
            tiles.items.getRegionIterArg(from));
      };
      assign(slot, place);
      assign(getPhase(slot), place + 1);
    }
  }

  /// Which iteration argument is the phase of a slot.
  size_t getPhase(unsigned slot) const {
    return phasesBegin + (llvm::find(tiles.slots, slot) - tiles.slots.begin());
  }

  void receiveAndRelease() {
    scf::ForOp loop = tiles.loop;
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    SmallVector<Channel> round = getChannels(b).tiles;
    for (auto [ring, channel] : llvm::zip_equal(tiles.rings, round)) {
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
      ReleaseOp::create(b, channel.memory, place, condition, UnitAttr());
    }
    for (ContractOp op : tiles.later) {
      b.setInsertionPoint(op);
      auto slot = cast<OpResult>(TileRings::getSlot(op.getRhs()));
      size_t ring = &tiles.getRing(op.getRhs()) - tiles.rings.data();
      Value place = round[ring].getPlace(b, slot);
      ReceiveOp::create(b, round[ring].memory, place,
                        loop.getResult(getPhase(slot.getResultNumber())));
      // Nobody waits for the last slot of all.
      if (!tiles.items)
        continue;
      b.setInsertionPointAfter(op);
      ReleaseOp::create(b, round[ring].memory, place, Value(), UnitAttr());
    }
  }

  /// Those that copy ask if there is a second round.
  void giveAnswer() {
    scf::ConditionOp condition = tiles.rounds.getConditionOp();
    ImplicitLocOpBuilder b(condition.getLoc(), condition);
    auto both = condition.getCondition().getDefiningOp<arith::AndIOp>();
    auto branch = scf::IfOp::create(b, both.getRhs(), /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
    GiveAnswerOp::create(b, channels.answer, tiles.vote.getResult());
  }

  TileRings tiles;
  SpecializeOp roles;
  RoleChannels channels;
  /// The first iteration argument of the loop that is a phase.
  unsigned phasesBegin = 0;
};

struct SpecializeCopiesPass
    : simplexir::impl::SpecializeCopiesBase<SpecializeCopiesPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    std::optional<TileRings> tiles;
    if (canSpecializeCopies(kernel))
      tiles = TileRings::match(kernel);
    if (tiles) {
      Specialization(*tiles).run();
      return;
    }
    // Between work items nobody waits but at channels.
    if (kernel->hasAttr(kResidentBlocksAttrName)) {
      kernel.emitError("simplex-specialize-copies: cannot give the loop over "
                       "work items warps that copy");
      signalPassFailure();
    }
  }
};
} // namespace
