//===- RotateItems.cpp - Work items overlap -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CopyRole.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
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
    extendCopies(copies, channel);
    ImplicitLocOpBuilder b(items.getLoc(), items);
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
    return channel && values->hasOneUse() &&
           isa<AwaitOp>(*values->getUsers().begin());
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
    findEarly();
  }

  /// What the first tile's logits wait for and read: the rest of the front is
  /// computed while they are.
  void findEarly() {
    SmallVector<Operation *> order(front);
    for (Operation &op : *tiles.getBody()) {
      order.push_back(&op);
      if (&op == logits)
        break;
    }
    llvm::DenseSet<Value> read;
    for (Operation *op : llvm::reverse(order)) {
      bool isRead = llvm::any_of(op->getResults(), [&](Value result) {
        return read.contains(result);
      });
      if (op != logits && isMemoryEffectFree(op) && !isRead)
        continue;
      early.insert(op);
      op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          read.insert(getFirst(operand));
      });
    }
  }

  /// What an argument of the loop over tiles begins with.
  Value getFirst(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner() != tiles.getBody())
      return value;
    OpOperand *init = tiles.getTiedLoopInit(argument);
    return init ? init->get() : tiles.getLowerBound();
  }

  /// To compute again rather than to carry in a register. (A condition is a
  /// bit, and what is compared two registers each.)
  static bool isCheap(Operation *op) {
    return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp,
               arith::MaxSIOp, arith::SelectOp>(op);
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

  /// `mapping` says which item, and what the loop over items carries; the hook
  /// is called when the first tile's logits have started. Returns what the loop
  /// over tiles carries next.
  SmallVector<Value> emitFront(ImplicitLocOpBuilder &b, IRMapping &mapping,
                               Hook onStart) {
    auto clonePart = [&](bool isEarly) {
      for (Operation *op : front)
        if (early.contains(op) == isEarly)
          b.clone(*op, mapping);
      for (Value argument : tiles.getBody()->getArguments())
        mapping.map(argument, mapping.lookupOrDefault(getFirst(argument)));
      for (Operation &op : tiles.getBody()->without_terminator())
        if (early.contains(&op) == isEarly && !skipped.contains(&op) &&
            !mapIfFirst(b, tiles, op, /*isFirst=*/true, mapping))
          b.clone(op, mapping)->walk([](AwaitOp op) { op.setLeaving(0); });
    };
    clonePart(/*isEarly=*/true);
    onStart();
    clonePart(/*isEarly=*/false);
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
    SmallVector<Value> state = emitFront(b, mapping, [] {});
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

    // The last product of values, then the next item's logits: while those are
    // computed the sum is stored, and its registers are free before there are
    // probabilities.
    IRMapping next;
    Value number =
        arith::AddIOp::create(b, rotated.getInductionVar(), items.getStep());
    next.map(items.getInductionVar(),
             arith::MinSIOp::create(b, number, last).getResult());
    for (auto [argument, value] :
         llvm::zip_equal(items.getRegionIterArgs(), items.getYieldedValues()))
      if (isReadByFront(argument))
        next.map(argument, recompute(b, value, now));
    Value flight = startLast(b, now);
    SmallVector<Value> state =
        emitFront(b, next, [&] { emitBack(b, now, flight); });
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

  void emitBack(ImplicitLocOpBuilder &b, IRMapping &now, Value flight) {
    Value init = lastProduct.getInit();
    Value sum = AwaitOp::create(b, flight.getType(), flight,
                                init ? recompute(b, init, now) : Value(),
                                /*leaving=*/1);
    for (Operation *op = lastProduct->getNextNode(); op; op = op->getNextNode())
      if (!isa<FoldOp, scf::YieldOp>(op))
        b.clone(*op, now);
    now.map(last.getResult(0), sum);
    done.insert(last);
    for (Operation *op = tiles->getNextNode(); op; op = op->getNextNode())
      if (!isa<scf::YieldOp>(op) && !done.contains(op))
        b.clone(*op, now);
  }

  scf::ForOp items, tiles, copies;
  StartContractOp logits, values;
  scf::IfOp last;
  ContractOp lastProduct;
  Value channel;
  SmallVector<Operation *> front;
  /// Results of the front that the rest of an item reads, and what they are
  /// computed from.
  SmallVector<Value> crossing;
  llvm::DenseSet<Operation *> cheap;
  llvm::DenseSet<Operation *> early;
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
    for (SpecializeOp op : ops) {
      auto rotation = ItemRotation::match(op);
      if (rotation)
        rotation->run();
      else
        remark::missed(
            op.getLoc(),
            remark::RemarkOpts::name("rotate-items").category("simplex"))
            << "work items follow each other without overlap";
    }
  }
};
} // namespace
