//===- TileRings.cpp - What a loop over tiles copies and reads ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileRings.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace simplexir;

bool simplexir::canSpecializeCopies(func::FuncOp kernel) {
  auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
  return usesWarpgroups(kernel) &&
         ScheduleAttr::allowsCopyWarps(
             schedule.getWarps(), schedule.getSplits(), schedule.getWgmma());
}

/// The buffer that a view of shared memory belongs to.
static memref::AllocOp getBuffer(Value view) {
  Operation *op = view.getDefiningOp();
  if (auto cast = dyn_cast_if_present<memref::CastOp>(op))
    return getBuffer(cast.getSource());
  if (auto subview = dyn_cast_if_present<memref::SubViewOp>(op))
    return getBuffer(subview.getSource());
  return dyn_cast_if_present<memref::AllocOp>(op);
}

Value TileRings::getSlot(Value view) {
  auto subview = view.getDefiningOp<memref::SubViewOp>();
  return subview && subview.getOffsets().size() == 1
             ? Value(subview.getOffsets().front())
             : Value();
}

Ring &TileRings::getRing(Value view) {
  return *llvm::find_if(
      rings, [&](Ring &ring) { return ring.buffer == getBuffer(view); });
}

std::optional<TileRings> TileRings::match(func::FuncOp kernel) {
  TileRings result(kernel);
  if (!result.findLoop() || !result.findItems() || !result.findRounds() ||
      !result.findRings() || !result.findSlots())
    return std::nullopt;
  result.findQuery();
  if (!result.findShared() || (result.items && !result.query))
    return std::nullopt;
  return result;
}

bool TileRings::findLoop() {
  SmallVector<scf::ForOp> loops;
  // Other work on shared memory, by the whole block, would need other barriers.
  WalkResult result = kernel.walk([&](Operation *op) {
    if (auto found = dyn_cast<scf::ForOp>(op))
      loops.push_back(found);
    return isa<ArrangeOp, LoadOp, LoadRowOp, MultiplyRowsOp, SplitOp,
               gpu::BarrierOp>(op)
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  // Inner ones first.
  if (result.wasInterrupted() || loops.empty() || loops.size() > 2)
    return false;
  loop = loops.front();
  return llvm::hasSingleElement(loop.getBody()->getOps<CopyWaitOp>());
}

/// The loop around the loop over tiles, if there is one.
bool TileRings::findItems() {
  items = dyn_cast<scf::ForOp>(loop->getParentOp());
  SmallVector<scf::ForOp> loops;
  kernel.walk([&](scf::ForOp op) { loops.push_back(op); });
  return loops.size() == (items ? 2 : 1);
}

bool TileRings::findRounds() {
  Operation *outermost = items ? items : loop;
  if (outermost->getParentOp() == kernel)
    return true;
  rounds = dyn_cast<scf::WhileOp>(outermost->getParentOp());
  if (!rounds || rounds->getParentOp() != kernel ||
      outermost->getBlock() != rounds.getBeforeBody() ||
      rounds.getBeforeArguments().size() != 1)
    return false;
  for (auto op : rounds.getBeforeBody()->getOps<VoteOp>())
    vote = op;
  // There is no third one: after the second, the condition is false.
  Value again = rounds.getConditionOp().getCondition();
  auto both = again.getDefiningOp<arith::AndIOp>();
  auto isFirst =
      both ? both.getRhs().getDefiningOp<arith::XOrIOp>() : arith::XOrIOp();
  return vote && isFirst && both.getLhs() == vote.getResult() &&
         isFirst.getLhs() == rounds.getBeforeArguments().front() &&
         matchPattern(isFirst.getRhs(), m_One()) &&
         matchPattern(rounds.getYieldOp().getOperand(0), m_One());
}

bool TileRings::findRings() {
  for (auto branch : loop.getBody()->getOps<scf::IfOp>()) {
    auto copies = branch.thenBlock()->getOps<CopyOp>();
    if (copies.empty())
      continue;
    if (prefetch || branch.elseBlock() || branch.getNumResults() != 0)
      return false;
    prefetch = branch;
    for (CopyOp copy : copies) {
      rings.emplace_back();
      rings.back().buffer = getBuffer(copy.getDestination());
      rings.back().next = copy;
    }
  }
  return !rings.empty() && llvm::all_of(rings, [&](Ring &ring) {
    return ring.buffer && findFirst(ring) && findReader(ring);
  }) && isRestAwaited();
}

/// Copies of the first and of the next tile differ by the tile only.
bool TileRings::findFirst(Ring &ring) {
  for (auto copy : loop->getBlock()->getOps<CopyOp>())
    if (getBuffer(copy.getDestination()) == ring.buffer) {
      if (ring.first || !copy->isBeforeInBlock(loop))
        return false;
      ring.first = copy;
    }
  if (!ring.first || ring.first.getSequence() != loop.getLowerBound())
    return false;
  auto next = ring.next.getSequence().getDefiningOp<arith::AddIOp>();
  if (!next || next.getLhs() != loop.getInductionVar() ||
      next.getRhs() != loop.getStep())
    return false;
  auto getOthers = [](CopyOp op) {
    return std::array<Value, 6>{op.getSource(), op.getBatch(), op.getHead(),
                                op.getBegin(),  op.getEnd(),   op.getHeadEnd()};
  };
  return getOthers(ring.first) == getOthers(ring.next) &&
         ring.first.getHeads() == ring.next.getHeads();
}

/// One product reads the ring in the loop, and ends there; those after the loop
/// are complete at once.
bool TileRings::findReader(Ring &ring) {
  WalkResult result = kernel.walk([&](Operation *op) {
    for (Value operand : op->getOperands()) {
      if (!isa<MemRefType>(operand.getType()) ||
          getBuffer(operand) != ring.buffer ||
          isa<CopyOp, memref::CastOp, memref::SubViewOp>(op))
        continue;
      auto start = dyn_cast<StartContractOp>(op);
      auto contract = dyn_cast<ContractOp>(op);
      if (start && start->getParentOp() == loop && !ring.reader)
        ring.reader = start;
      else if (contract && !loop->isProperAncestor(op))
        later.push_back(contract);
      else
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return !result.wasInterrupted() && ring.reader && getEnd(ring.reader);
}

Operation *TileRings::getEnd(StartContractOp start) {
  Operation *end = nullptr;
  for (Operation *user : start->getUsers()) {
    Operation *place = loop.getBody()->findAncestorOpInBlock(*user);
    if (!isa<AwaitOp>(user) || !place || (end && end != place))
      return nullptr;
    end = place;
  }
  return end;
}

/// Do other copies not depend on the loop's wait?
bool TileRings::isRestAwaited() {
  for (Operation *op = loop->getPrevNode(); op; op = op->getPrevNode()) {
    if (isa<CopyWaitOp>(op))
      return true;
    if (isa<CopyOp>(op) && llvm::none_of(rings, [&](Ring &ring) {
          return ring.first.getOperation() == op;
        }))
      return false;
  }
  return true;
}

/// The only other copy; its buffer is read by one operation, before the loop.
void TileRings::findQuery() {
  SmallVector<CopyOp> others;
  kernel.walk([&](CopyOp op) {
    if (llvm::none_of(rings, [&](Ring &ring) {
          return ring.first == op || ring.next == op;
        }))
      others.push_back(op);
  });
  if (others.size() != 1 || others.front()->getBlock() != loop->getBlock())
    return;
  memref::AllocOp buffer = getBuffer(others.front().getDestination());
  SmallVector<Operation *> readers;
  kernel.walk([&](Operation *op) {
    if (!isa<CopyOp, memref::CastOp, memref::SubViewOp>(op) &&
        llvm::any_of(op->getOperands(), [&](Value operand) {
          return isa<MemRefType>(operand.getType()) &&
                 getBuffer(operand) == buffer;
        }))
      readers.push_back(op);
  });
  if (!buffer || readers.size() != 1)
    return;
  auto reader = dyn_cast<CombineOp>(readers.front());
  if (!reader || reader->getBlock() != loop->getBlock() ||
      !reader->isBeforeInBlock(loop))
    return;
  query = others.front();
  queryReader = reader;
}

bool TileRings::findSlots() {
  for (Ring &ring : rings) {
    auto slot =
        dyn_cast_if_present<BlockArgument>(getSlot(ring.reader.getRhs()));
    if (!slot || slot.getOwner() != loop.getBody() ||
        slot == loop.getInductionVar())
      return false;
    ring.slot = slot.getArgNumber() - 1;
    if (!addSlot(ring.slot))
      return false;
  }
  return llvm::all_of(later, [&](ContractOp op) {
    auto slot = dyn_cast_if_present<OpResult>(getSlot(op.getRhs()));
    return slot && slot.getOwner() == loop && addSlot(slot.getResultNumber());
  });
}

/// A slot begins at 0 and is the next one in each iteration, or is that of the
/// last tile.
bool TileRings::addSlot(unsigned slot) {
  if (!matchPattern(loop.getInitArgs()[slot], m_Zero()))
    return false;
  if (std::optional<unsigned> current = getCurrent(slot))
    if (getCurrent(*current) || !addSlot(*current))
      return false;
  slots.insert(slot);
  return true;
}

std::optional<unsigned> TileRings::getCurrent(unsigned slot) {
  auto yielded = dyn_cast<BlockArgument>(loop.getYieldedValues()[slot]);
  if (!yielded || yielded.getOwner() != loop.getBody() ||
      yielded == loop.getInductionVar())
    return std::nullopt;
  return yielded.getArgNumber() - 1;
}

bool TileRings::findShared() {
  SmallVector<Value> values{loop.getLowerBound(), loop.getUpperBound(),
                            loop.getStep()};
  if (rounds)
    values.push_back(rounds.getInits().front());
  SmallVector<CopyOp> copies;
  for (Ring &ring : rings) {
    shared.insert(ring.buffer);
    copies.push_back(ring.first);
  }
  if (items) {
    values.append(
        {items.getLowerBound(), items.getUpperBound(), items.getStep()});
    // Those that copy tiles copy the query too.
    shared.insert(getBuffer(query.getDestination()));
    values.append({query.getSequence(), query.getDestination()});
    copies.push_back(query);
  }
  for (CopyOp copy : copies)
    values.append({copy.getSource(), copy.getBatch(), copy.getHead(),
                   copy.getBegin(), copy.getEnd(), copy.getHeadEnd()});
  return llvm::all_of(values, [&](Value value) { return addShared(value); });
}

bool TileRings::addShared(Value value) {
  Operation *op = value.getDefiningOp();
  if (op && shared.contains(op))
    return true;
  if (!op)
    return value.getParentBlock() == &kernel.getBody().front() ||
           (items && value == items.getInductionVar());
  if (op->getNumRegions() != 0 || !isMemoryEffectFree(op) ||
      !llvm::all_of(op->getOperands(),
                    [&](Value operand) { return addShared(operand); }))
    return false;
  shared.insert(op);
  return true;
}
