//===- RotateItems.cpp - Work items overlap -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace simplexir {
#define GEN_PASS_DEF_ROTATEITEMS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// The loops over work items of both roles. An item's front is what comes
/// before its loop over tiles, and the first tile up to its probabilities; the
/// back is what comes after the loop.
class ItemRotation {
public:
  static std::optional<ItemRotation> match(SpecializeOp roles) {
    ItemRotation result;
    roles.getCompute().walk([&](StartContractOp op) {
      auto tiles = dyn_cast<scf::ForOp>(op->getParentOp());
      auto items =
          tiles ? dyn_cast<scf::ForOp>(tiles->getParentOp()) : scf::ForOp();
      if (!items)
        return;
      result.tiles = tiles;
      result.items = items;
      (op.getTransposed() ? result.logits : result.values) = op;
    });
    if (!result.logits || !result.values || !result.findBack() ||
        !result.findCopies(roles))
      return std::nullopt;
    return result;
  }

  void run() {
    // What is the same for all items is not carried.
    moveLoopInvariantCode(items);
    partition();
    ImplicitLocOpBuilder b(items.getLoc(), copies);
    extendCopies(b);
    b.setInsertionPoint(items);
    Value notEmpty = emitNotEmpty(b, items);
    auto guarded = scf::IfOp::create(b, items.getResultTypes(), notEmpty,
                                     /*addThenBlock=*/true,
                                     /*addElseBlock=*/true);
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, items.getInitArgs());
    b.setInsertionPointToStart(guarded.thenBlock());
    scf::YieldOp::create(b, rotate(b));
    items.replaceAllUsesWith(guarded.getResults());
    items.erase();
  }

private:
  /// The last product of values, behind the loop over tiles, and the channel
  /// of its tile.
  bool findBack() {
    for (Operation *op = tiles->getNextNode(); op; op = op->getNextNode())
      if (auto branch = dyn_cast<scf::IfOp>(op))
        for (auto contract : branch.thenBlock()->getOps<ContractOp>())
          if (branch.getNumResults() == 1 && contract->hasOneUse() &&
              isa<FoldOp>(*contract->getUsers().begin()) && !last) {
            last = branch;
            lastProduct = contract;
          }
    if (!last)
      return false;
    for (auto receive : last.thenBlock()->getOps<ReceiveOp>())
      channel = receive.getChannel();
    for (Operation *user : values->getUsers())
      await = dyn_cast<AwaitOp>(user);
    return channel && await && values->hasOneUse();
  }

  /// The same loop of the warps that copy, and its loop over tiles.
  bool findCopies(SpecializeOp roles) {
    roles.getCopy().walk([&](scf::ForOp loop) {
      if (loop.getLowerBound() == items.getLowerBound() &&
          loop.getUpperBound() == items.getUpperBound())
        copies = loop;
    });
    if (!copies)
      return false;
    auto inner = copies.getBody()->getOps<scf::ForOp>();
    return llvm::hasSingleElement(inner);
  }

  void partition() {
    for (Operation &op : *items.getBody()) {
      if (&op == tiles)
        break;
      front.push_back(&op);
    }
    for (Operation *op : front)
      if (isCheap(op))
        cheap.insert(op);
    for (Operation *op : front)
      for (Value result : op->getResults())
        if (!cheap.contains(op) &&
            llvm::any_of(result.getUsers(), [&](Operation *user) {
              user = items.getBody()->findAncestorOpInBlock(*user);
              return user == tiles || tiles->isBeforeInBlock(user) ||
                     cheap.contains(user);
            }))
          crossing.push_back(result);
    // Of the first tile everything but its product of values, which there is
    // of the tile before, and what depends on that.
    for (Operation &op : tiles.getBody()->without_terminator()) {
      auto receive = dyn_cast<ReceiveOp>(op);
      auto release = dyn_cast<ReleaseOp>(op);
      bool skip = &op == values ||
                  (receive && receive.getChannel() == channel) ||
                  (release && release.getChannel() == channel);
      op.walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          skip |= operand.getDefiningOp() &&
                  skipped.contains(operand.getDefiningOp());
      });
      if (skip)
        skipped.insert(&op);
    }
  }

  /// To compute again rather than to carry in a register.
  static bool isCheap(Operation *op) {
    return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp,
               arith::MaxSIOp, arith::CmpIOp, arith::SelectOp>(op);
  }

  static Value emitNotEmpty(ImplicitLocOpBuilder &b, scf::ForOp loop) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                 loop.getLowerBound(), loop.getUpperBound());
  }

  /// Behind the last item its query and first tile of the key once more: the
  /// front that is computed beside the last back.
  void extendCopies(ImplicitLocOpBuilder &b) {
    Value end = copies.getUpperBound(), one = copies.getStep();
    Value more = arith::IndexCastUIOp::create(b, b.getIndexType(),
                                              emitNotEmpty(b, copies));
    copies.setUpperBound(arith::AddIOp::create(b, end, more));
    b.setInsertionPointToStart(copies.getBody());
    Value last = arith::SubIOp::create(b, end, one);
    Value item = copies.getInductionVar();
    Value number = arith::MinSIOp::create(b, item, last);
    item.replaceAllUsesExcept(number, number.getDefiningOp());
    auto inner = *copies.getBody()->getOps<scf::ForOp>().begin();
    b.setInsertionPoint(inner);
    Value extra = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, item, end);
    Value first = arith::AddIOp::create(b, inner.getLowerBound(), one);
    inner.setUpperBound(
        arith::SelectOp::create(b, extra, first, inner.getUpperBound()));
    // Nobody would wait for a tile of values.
    auto acquires = inner.getBody()->getOps<AcquireOp>();
    auto acquire = llvm::find_if(
        acquires, [&](AcquireOp op) { return op.getChannel() == channel; });
    if (acquire == acquires.end())
      return;
    b.setInsertionPoint(*acquire);
    Value wanted =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, item, end);
    auto branch = scf::IfOp::create(b, wanted, /*withElseRegion=*/false);
    for (Operation *op = *acquire; op;) {
      Operation *next = op->getNextNode();
      bool isLast = isa<CopyOp>(op);
      op->moveBefore(branch.thenBlock()->getTerminator());
      op = isLast ? nullptr : next;
    }
  }

  //===--------------------------------------------------------------------===//
  // The front
  //===--------------------------------------------------------------------===//

  using Hook = llvm::function_ref<void()>;

  /// A comparison of a tile with the first one, where that is known.
  static bool mapIfFirst(ImplicitLocOpBuilder &b, scf::ForOp loop,
                         Operation &op, bool isFirst, IRMapping &mapping) {
    auto compare = dyn_cast<arith::CmpIOp>(op);
    if (!compare || compare.getLhs() != loop.getInductionVar() ||
        compare.getRhs() != loop.getLowerBound())
      return false;
    bool isEqual = compare.getPredicate() == arith::CmpIPredicate::eq;
    if (!isEqual && compare.getPredicate() != arith::CmpIPredicate::ne)
      return false;
    mapping.map(compare.getResult(),
                arith::ConstantOp::create(b, b.getBoolAttr(isEqual == isFirst))
                    .getResult());
    return true;
  }

  /// `mapping` says which item, and what the loop over items carries. After
  /// the first tile's logits have started, and where the product of values
  /// would be awaited, the hooks are called; `leaving` products are then in
  /// flight behind the logits. Returns what the loop over tiles carries next.
  SmallVector<Value> emitFront(ImplicitLocOpBuilder &b, IRMapping &mapping,
                               int64_t leaving, Hook onStart, Hook onAwait) {
    for (Operation *op : front)
      b.clone(*op, mapping);
    mapping.map(tiles.getInductionVar(),
                mapping.lookupOrDefault(tiles.getLowerBound()));
    for (auto [argument, init] :
         llvm::zip_equal(tiles.getRegionIterArgs(), tiles.getInitArgs()))
      mapping.map(argument, mapping.lookupOrDefault(init));
    for (Operation &op : tiles.getBody()->without_terminator()) {
      if (&op == await)
        onAwait();
      if (skipped.contains(&op) ||
          mapIfFirst(b, tiles, op, /*isFirst=*/true, mapping))
        continue;
      b.clone(op, mapping)->walk([&](AwaitOp op) { op.setLeaving(leaving); });
      if (&op == logits)
        onStart();
    }
    SmallVector<Value> next;
    for (auto [argument, value] :
         llvm::zip_equal(tiles.getRegionIterArgs(), tiles.getYieldedValues())) {
      Operation *op = value.getDefiningOp();
      bool isSum = op && skipped.contains(op);
      next.push_back(mapping.lookupOrDefault(isSum ? Value(argument) : value));
    }
    return next;
  }

  //===--------------------------------------------------------------------===//
  // The loops
  //===--------------------------------------------------------------------===//

  SmallVector<Value> rotate(ImplicitLocOpBuilder &b) {
    IRMapping mapping;
    mapping.map(items.getInductionVar(), items.getLowerBound());
    mapping.map(items.getRegionIterArgs(), items.getInitArgs());
    auto nothing = [] {};
    SmallVector<Value> state = emitFront(b, mapping, 0, nothing, nothing);
    SmallVector<Value> inits(items.getInitArgs());
    for (Value value : crossing)
      inits.push_back(mapping.lookup(value));
    llvm::append_range(inits, state);
    Value last =
        arith::SubIOp::create(b, items.getUpperBound(), items.getStep());
    auto rotated =
        scf::ForOp::create(b, items.getLowerBound(), items.getUpperBound(),
                           items.getStep(), inits);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rotated.getBody());
    scf::YieldOp::create(b, emitBody(b, rotated, last));
    return SmallVector<Value>(
        rotated.getResults().take_front(items.getNumResults()));
  }

  SmallVector<Value> emitBody(ImplicitLocOpBuilder &b, scf::ForOp rotated,
                              Value last) {
    IRMapping now;
    now.map(items.getInductionVar(), rotated.getInductionVar());
    ValueRange arguments = rotated.getRegionIterArgs();
    auto take = [&](size_t count) {
      ValueRange first = arguments.take_front(count);
      arguments = arguments.drop_front(count);
      return first;
    };
    now.map(items.getRegionIterArgs(), take(items.getNumRegionIterArgs()));
    now.map(crossing, take(crossing.size()));
    for (Operation *op : front)
      if (cheap.contains(op))
        b.clone(*op, now);
    emitTiles(b, now, arguments);

    // The next item's front, with the back's product of values under it.
    IRMapping next;
    Value number =
        arith::AddIOp::create(b, rotated.getInductionVar(), items.getStep());
    next.map(items.getInductionVar(),
             arith::MinSIOp::create(b, number, last).getResult());
    for (auto [argument, value] :
         llvm::zip_equal(items.getRegionIterArgs(), items.getYieldedValues()))
      if (isReadByFront(argument))
        next.map(argument, recompute(b, value, now));
    Value flight;
    SmallVector<Value> state = emitFront(
        b, next, /*leaving=*/1, [&] { flight = startLast(b, now); },
        [&] { awaitLast(b, now, flight); });
    for (Operation *op = tiles->getNextNode(); op; op = op->getNextNode())
      if (!isa<scf::YieldOp>(op) && !done.contains(op))
        b.clone(*op, now);
    SmallVector<Value> yielded;
    for (Value value : items.getYieldedValues())
      yielded.push_back(now.lookupOrDefault(value));
    for (Value value : crossing)
      yielded.push_back(next.lookup(value));
    llvm::append_range(yielded, state);
    return yielded;
  }

  /// The tiles but for the first one.
  void emitTiles(ImplicitLocOpBuilder &b, IRMapping &now, ValueRange state) {
    Value second = arith::AddIOp::create(
        b, now.lookupOrDefault(tiles.getLowerBound()), tiles.getStep());
    auto rest = scf::ForOp::create(b, second,
                                   now.lookupOrDefault(tiles.getUpperBound()),
                                   tiles.getStep(), state);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rest.getBody());
    IRMapping inner(now);
    inner.map(tiles.getInductionVar(), rest.getInductionVar());
    inner.map(tiles.getRegionIterArgs(), rest.getRegionIterArgs());
    for (Operation &op : *tiles.getBody())
      if (!mapIfFirst(b, tiles, op, /*isFirst=*/false, inner))
        b.clone(op, inner);
    now.map(tiles.getResults(), rest.getResults());
  }

  bool isReadByFront(Value argument) {
    return llvm::any_of(argument.getUsers(), [&](Operation *user) {
      user = items.getBody()->findAncestorOpInBlock(*user);
      return user == tiles || user->isBeforeInBlock(tiles);
    });
  }

  /// A value of the back that the next front needs.
  Value recompute(ImplicitLocOpBuilder &b, Value value, IRMapping &now) {
    Operation *op = value.getDefiningOp();
    if (now.contains(value) || !op || op->getBlock() != items.getBody())
      return now.lookupOrDefault(value);
    for (Value operand : op->getOperands())
      recompute(b, operand, now);
    b.clone(*op, now);
    done.insert(op);
    return now.lookup(value);
  }

  Value startLast(ImplicitLocOpBuilder &b, IRMapping &now) {
    for (Operation &op : *last.thenBlock()) {
      if (&op == lastProduct)
        break;
      b.clone(op, now);
    }
    auto fold = cast<FoldOp>(*lastProduct->getUsers().begin());
    return StartContractOp::create(b, lastProduct.getType(),
                                   now.lookupOrDefault(lastProduct.getLhs()),
                                   now.lookupOrDefault(lastProduct.getRhs()),
                                   now.lookupOrDefault(fold.getAccumulator()),
                                   UnitAttr(), lastProduct.getSkewAttr());
  }

  void awaitLast(ImplicitLocOpBuilder &b, IRMapping &now, Value flight) {
    Value init = lastProduct.getInit();
    Value sum = AwaitOp::create(b, flight.getType(), flight,
                                init ? recompute(b, init, now) : Value(), 0);
    for (Operation *op = lastProduct->getNextNode(); op; op = op->getNextNode())
      if (!isa<FoldOp, scf::YieldOp>(op))
        b.clone(*op, now);
    now.map(last.getResult(0), sum);
    done.insert(last);
  }

  scf::ForOp items, tiles, copies;
  StartContractOp logits, values;
  AwaitOp await;
  scf::IfOp last;
  ContractOp lastProduct;
  Value channel;
  SmallVector<Operation *> front;
  /// Results of the front that the rest of an item reads, and what they are
  /// computed from.
  SmallVector<Value> crossing;
  llvm::DenseSet<Operation *> cheap;
  llvm::DenseSet<Operation *> skipped;
  /// Of the back, what has been cloned before its turn.
  llvm::DenseSet<Operation *> done;
};

struct RotateItemsPass : simplexir::impl::RotateItemsBase<RotateItemsPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(kResidentBlocksAttrName))
      return;
    SmallVector<SpecializeOp> ops;
    getOperation().walk([&](SpecializeOp op) { ops.push_back(op); });
    for (SpecializeOp op : ops)
      if (auto rotation = ItemRotation::match(op))
        rotation->run();
  }
};
} // namespace
