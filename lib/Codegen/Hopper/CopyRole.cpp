//===- CopyRole.cpp - What the warps that copy do -------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CopyRole.h"

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Codegen/SharedMemory.h"

using namespace mlir;
using namespace simplexir;

using Predicate = arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

void RoleChannels::open(ImplicitLocOpBuilder &b, TileRings &rings) {
  auto allocate = [&](ArrayRef<int64_t> shape) -> Value {
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    return memref::AllocOp::create(
        b, MemRefType::get(shape, b.getI64Type(), MemRefLayoutAttrInterface(),
                           space));
  };
  int64_t rounds = rings.rounds ? 2 : 1;
  for (Ring &ring : rings.rings)
    tiles.push_back(allocate({2, ring.getLength() * rounds}));
  if (rings.items)
    query = allocate({2, rounds});
  if (rings.rounds)
    answer = allocate({2});
  for (Value channel : tiles)
    OpenChannelOp::create(b, channel, UnitAttr(), Value(), DenseI64ArrayAttr());
  if (query)
    OpenChannelOp::create(b, query, b.getUnitAttr(), Value(),
                          DenseI64ArrayAttr());
  if (answer)
    OpenAnswerOp::create(b, answer);
  gpu::BarrierOp::create(b);
}

RoleChannels::Round RoleChannels::get(ImplicitLocOpBuilder &b, TileRings &rings,
                                      Value second) const {
  auto getChannel = [&](Value memory, int64_t length) {
    Value base;
    if (second)
      base = arith::SelectOp::create(b, second,
                                     arith::ConstantIndexOp::create(b, length),
                                     arith::ConstantIndexOp::create(b, 0));
    return Channel{memory, base};
  };
  Round round;
  for (auto [ring, memory] : llvm::zip_equal(rings.rings, tiles))
    round.tiles.push_back(getChannel(memory, ring.getLength()));
  if (query)
    round.query = getChannel(query, 1);
  return round;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

SmallVector<Value> CopyRole::State::flatten() const {
  SmallVector<Value> values(rings);
  values.append({pending, isPending, queryPhase});
  return values;
}

CopyRole::State CopyRole::State::unflatten(ValueRange values) {
  State state;
  llvm::append_range(state.rings, values.drop_back(3));
  ValueRange rest = values.take_back(3);
  state.pending = rest[0], state.isPending = rest[1],
  state.queryPhase = rest[2];
  return state;
}

CopyRole::State CopyRole::getStart(Builder &b) const {
  State state;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value off = arith::ConstantOp::create(b, b.getBoolAttr(false));
  for (size_t i = 0; i < rings.rings.size(); ++i)
    state.rings.append({zero, off});
  state.pending = zero;
  state.isPending = state.queryPhase = off;
  return state;
}

//===----------------------------------------------------------------------===//
// Rounds
//===----------------------------------------------------------------------===//

void CopyRole::build(Block *block) {
  scf::WhileOp rounds = rings.rounds;
  auto b = Builder::atBlockBegin(rings.loop.getLoc(), block);
  if (!rounds)
    return copyRound(b, Value());
  auto copies =
      scf::WhileOp::create(b, TypeRange(), ValueRange(rounds.getInits()));
  IRMapping mapping;
  rounds.getAfter().cloneInto(&copies.getAfter(), mapping);
  Block *before =
      b.createBlock(&copies.getBefore(), {}, b.getI1Type(), b.getLoc());
  Value second = before->getArgument(0);
  copyRound(b, second);
  mapping.map(rounds.getBeforeArguments().front(), second);
  mapping.map(rings.vote.getResult(),
              AwaitAnswerOp::create(b, channels.answer).getResult());
  Value again = rounds.getConditionOp().getCondition();
  cloneSlice(b, again, mapping);
  scf::ConditionOp::create(b, mapping.lookup(again), ValueRange());
}

/// What a value of the rounds is computed from, and is not mapped yet.
void CopyRole::cloneSlice(Builder &b, Value value, IRMapping &mapping) {
  Operation *op = value.getDefiningOp();
  if (mapping.contains(value) || !op || !rings.rounds->isProperAncestor(op))
    return;
  for (Value operand : op->getOperands())
    cloneSlice(b, operand, mapping);
  b.clone(*op, mapping);
}

void CopyRole::copyRound(Builder &b, Value second) {
  Round round = channels.get(b, rings, second);
  State state = getStart(b);
  IRMapping mapping;
  if (rings.items)
    copyItems(b, round, state);
  else
    copyTiles(b, round, state, mapping);
  announcePending(b, round, state, 0);
}

//===----------------------------------------------------------------------===//
// Work items and tiles
//===----------------------------------------------------------------------===//

void CopyRole::copyItems(Builder &b, const Round &round, State &state) {
  scf::ForOp items = rings.items;
  auto loop =
      scf::ForOp::create(b, items.getLowerBound(), items.getUpperBound(),
                         items.getStep(), state.flatten());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    IRMapping mapping;
    mapping.map(items.getInductionVar(), loop.getInductionVar());
    for (Operation *op : rings.shared)
      if (items->isProperAncestor(op))
        b.clone(*op, mapping);
    State inner = State::unflatten(loop.getRegionIterArgs());
    copyQuery(b, round, inner, mapping);
    copyTiles(b, round, inner, mapping);
    scf::YieldOp::create(b, inner.flatten());
  }
  state = State::unflatten(loop.getResults());
}

void CopyRole::copyQuery(Builder &b, const Round &round, State &state,
                         IRMapping &mapping) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  AcquireOp::create(b, round.query->memory, round.query->getPlace(b, zero),
                    state.queryPhase);
  b.clone(*rings.query, mapping)->setAttr(kUnrollAttrName, b.getUnitAttr());
  CommitOp::create(b);
  announcePending(b, round, state, 1);
  Value on = arith::ConstantOp::create(b, b.getBoolAttr(true));
  state.queryPhase = arith::XOrIOp::create(b, state.queryPhase, on);
}

/// A group of copies is announced when the next one has been started: it has
/// had time to arrive.
void CopyRole::copyTiles(Builder &b, const Round &round, State &state,
                         IRMapping &mapping) {
  scf::ForOp bounds = rings.loop;
  Value first = mapping.lookupOrDefault(bounds.getLowerBound());
  Value end = mapping.lookupOrDefault(bounds.getUpperBound());
  SmallVector<Value> inits(state.rings);
  inits.push_back(arith::ConstantIndexOp::create(b, 0));
  auto loop = scf::ForOp::create(
      b, first, end, mapping.lookupOrDefault(bounds.getStep()), inits);
  auto announceQuery = [&](int64_t leaving) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    AnnounceOp::create(b, round.query->memory, round.query->getPlace(b, zero),
                       leaving);
  };
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value tile = loop.getInductionVar();
    ValueRange carried = loop.getRegionIterArgs();
    SmallVector<Value> yields;
    Value pending = carried.back();
    for (auto [i, channel] : llvm::enumerate(round.tiles)) {
      Value slot = carried[2 * i], phase = carried[2 * i + 1];
      Value place = channel.getPlace(b, slot);
      AcquireOp::create(b, channel.memory, place, phase);
      copyTile(b, rings.rings[i], slot, tile, mapping);
      CommitOp::create(b);
      if (i > 0) {
        AnnounceOp::create(b, round.tiles[i - 1].memory, pending, 1);
      } else {
        Value later = arith::CmpIOp::create(b, Predicate::ne, tile, first);
        auto branch = scf::IfOp::create(b, later, round.query.has_value());
        OpBuilder::InsertionGuard inside(b);
        b.setInsertionPointToStart(branch.thenBlock());
        AnnounceOp::create(b, round.tiles.back().memory, pending, 1);
        if (round.query) {
          b.setInsertionPointToStart(branch.elseBlock());
          announceQuery(1);
        }
      }
      pending = place;
      appendNext(b, rings.rings[i], slot, phase, yields);
    }
    yields.push_back(pending);
    scf::YieldOp::create(b, yields);
  }
  state.rings = llvm::to_vector_of<Value>(loop.getResults().drop_back());
  state.pending = loop.getResults().back();
  state.isPending = arith::CmpIOp::create(b, Predicate::slt, first, end);
  if (!round.query)
    return;
  Value none = arith::CmpIOp::create(b, Predicate::sge, first, end);
  auto branch = scf::IfOp::create(b, none, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  announceQuery(0);
}

void CopyRole::announcePending(Builder &b, const Round &round,
                               const State &state, int64_t leaving) {
  auto branch = scf::IfOp::create(b, state.isPending, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  AnnounceOp::create(b, round.tiles.back().memory, state.pending, leaving);
}

void CopyRole::copyTile(Builder &b, Ring &ring, Value slot, Value tile,
                        IRMapping &mapping) {
  Value place = getRingSlot(b, ring.buffer, slot);
  auto copy = cast<CopyOp>(b.clone(*ring.first, mapping));
  copy.getSequenceMutable().set(tile);
  copy.getDestinationMutable().set(place);
}

void CopyRole::appendNext(Builder &b, Ring &ring, Value slot, Value phase,
                          SmallVectorImpl<Value> &yields) {
  Value wraps = arith::CmpIOp::create(
      b, Predicate::eq, slot,
      arith::ConstantIndexOp::create(b, ring.getLength() - 1));
  Value next =
      arith::AddIOp::create(b, slot, arith::ConstantIndexOp::create(b, 1));
  yields.push_back(arith::SelectOp::create(
      b, wraps, arith::ConstantIndexOp::create(b, 0), next));
  yields.push_back(arith::XOrIOp::create(b, phase, wraps));
}

Value simplexir::emitNotEmpty(ImplicitLocOpBuilder &b, scf::ForOp loop) {
  return arith::CmpIOp::create(b, Predicate::slt, loop.getLowerBound(),
                               loop.getUpperBound());
}

void simplexir::extendCopies(scf::ForOp items, Value valueChannel) {
  ImplicitLocOpBuilder b(items.getLoc(), items);
  Value end = items.getUpperBound(), one = items.getStep();
  Value more =
      arith::IndexCastUIOp::create(b, b.getIndexType(), emitNotEmpty(b, items));
  items.setUpperBound(arith::AddIOp::create(b, end, more));
  b.setInsertionPointToStart(items.getBody());
  Value last = arith::SubIOp::create(b, end, one);
  Value item = items.getInductionVar();
  Value number = arith::MinSIOp::create(b, item, last);
  item.replaceAllUsesExcept(number, number.getDefiningOp());
  auto tiles = *items.getBody()->getOps<scf::ForOp>().begin();
  b.setInsertionPoint(tiles);
  Value extra = arith::CmpIOp::create(b, Predicate::eq, item, end);
  Value first = arith::AddIOp::create(b, tiles.getLowerBound(), one);
  tiles.setUpperBound(
      arith::SelectOp::create(b, extra, first, tiles.getUpperBound()));
  // Nobody would wait for a tile of values.
  auto acquires = tiles.getBody()->getOps<AcquireOp>();
  auto acquire = llvm::find_if(
      acquires, [&](AcquireOp op) { return op.getChannel() == valueChannel; });
  if (acquire == acquires.end())
    return;
  b.setInsertionPoint(*acquire);
  Value wanted = arith::CmpIOp::create(b, Predicate::ne, item, end);
  auto branch = scf::IfOp::create(b, wanted, /*withElseRegion=*/false);
  for (Operation *op = *acquire; op;) {
    Operation *next = op->getNextNode();
    bool isLast = isa<CopyOp>(op);
    op->moveBefore(branch.thenBlock()->getTerminator());
    op = isLast ? nullptr : next;
  }
}
