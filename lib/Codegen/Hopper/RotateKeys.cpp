//===- RotateKeys.cpp - Logits before the last key's values ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {
#define GEN_PASS_DEF_ROTATEKEYS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

Type simplexir::getCarriedProbabilities(scf::ForOp loop) {
  for (Value carried : loop.getRegionIterArgs())
    if (auto tile = dyn_cast<TileType>(carried.getType()))
      if (Type element = tile.getElementType();
          element.isBF16() || element.isF16())
        return element;
  return {};
}

namespace {
/// An innermost loop whose body is a front, up to the probabilities, and a
/// back, which multiplies them with the values.
class Rotation {
public:
  static std::optional<Rotation> match(scf::ForOp loop) {
    Rotation result(loop);
    for (auto contract : loop.getBody()->getOps<ContractOp>()) {
      ContractOp &place =
          contract.getTransposed() ? result.logits : result.values;
      if (place || !isa<MemRefType>(contract.getRhs().getType()))
        return std::nullopt;
      place = contract;
    }
    if (!result.logits || !result.values ||
        !loop.getBody()->getOps<scf::ForOp>().empty() ||
        !loop.getBody()->getOps<CopyWaitOp>().empty())
      return std::nullopt;
    result.partition();
    return result;
  }

  void run() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    Value notEmpty =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                              loop.getLowerBound(), loop.getUpperBound());
    auto guarded =
        scf::IfOp::create(b, loop.getResultTypes(), notEmpty, true, true);
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, loop.getInitArgs());
    b.setInsertionPointToStart(guarded.thenBlock());
    scf::YieldOp::create(b, rotate(b));
    loop.replaceAllUsesWith(guarded.getResults());
    loop.erase();
  }

private:
  explicit Rotation(scf::ForOp loop) : loop(loop) {}

  /// The back is the product of values and what depends on it, the second tile
  /// of a pair (--simplex-pair-tiles), and loads that only the back uses.
  void partition() {
    Block *body = loop.getBody();
    for (Operation &op : body->without_terminator()) {
      bool depends = &op == values || isSecondTile(&op);
      forEachOperand(op, [&](Value operand) {
        depends |= operand.getDefiningOp() && isBack(operand.getDefiningOp());
      });
      if (depends)
        back.insert(&op);
    }
    for (Operation &op : llvm::reverse(body->without_terminator()))
      if (isa<LoadOp, LoadRowOp>(op) &&
          llvm::all_of(op.getUsers(), [&](Operation *user) {
            return isBack(body->findAncestorOpInBlock(*user));
          }))
        back.insert(&op);
    // What the front gives to the back travels to the next iteration.
    for (Operation &op : body->without_terminator())
      if (isBack(&op))
        forEachOperand(op, [&](Value operand) {
          if (crosses(operand))
            (isNumber(operand) ? numbers : crossing).insert(operand);
        });
  }

  /// Something that a few operations make of the loop's counter: it does not
  /// travel, for that takes registers.
  bool isNumber(Value value) {
    if (value == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(value))
      return true;
    return isa_and_present<arith::IndexCastUIOp, arith::AddIOp, arith::SubIOp>(
               value.getDefiningOp()) &&
           llvm::all_of(value.getDefiningOp()->getOperands(),
                        [&](Value operand) { return isNumber(operand); });
  }

  /// Makes the numbers of the iteration whose counter is `counter`.
  void emitNumbers(OpBuilder &b, IRMapping &mapping, Value counter) {
    mapping.map(loop.getInductionVar(), counter);
    std::function<void(Value)> emit = [&](Value number) {
      Operation *op = number.getDefiningOp();
      if (mapping.contains(number) || loop.isDefinedOutsideOfLoop(number))
        return;
      llvm::for_each(op->getOperands(), emit);
      b.clone(*op, mapping);
    };
    llvm::for_each(numbers, emit);
  }

  /// In the back, up to the product of values.
  bool isLead(Operation *op) const {
    return isBack(op) && !isa<LoadOp, LoadRowOp>(op) &&
           !values->isBeforeInBlock(op);
  }

  static void forEachOperand(Operation &op,
                             llvm::function_ref<void(Value)> visit) {
    op.walk(
        [&](Operation *inner) { llvm::for_each(inner->getOperands(), visit); });
  }

  bool isBack(Operation *op) const { return back.contains(op); }
  bool crosses(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getOwner() == loop.getBody();
    return value.getParentBlock() == loop.getBody() &&
           !isBack(value.getDefiningOp());
  }

  /// Clones those operations of the body that `take` wants.
  void clone(OpBuilder &b, IRMapping &mapping,
             llvm::function_ref<bool(Operation *)> take) {
    for (Operation &op : loop.getBody()->without_terminator())
      if (take(&op))
        b.clone(op, mapping);
  }
  void cloneFront(OpBuilder &b, IRMapping &mapping) {
    clone(b, mapping, [&](Operation *op) { return !isBack(op); });
  }
  void cloneBack(OpBuilder &b, IRMapping &mapping) {
    clone(b, mapping, [&](Operation *op) { return isBack(op); });
  }

  static SmallVector<Value> lookup(IRMapping &mapping, ValueRange values) {
    return llvm::map_to_vector(
        values, [&](Value value) { return mapping.lookupOrDefault(value); });
  }

  /// The front of the first key, the rotated loop, the back of the last one.
  SmallVector<Value> rotate(ImplicitLocOpBuilder &b) {
    IRMapping mapping;
    mapping.map(loop.getInductionVar(), loop.getLowerBound());
    mapping.map(loop.getRegionIterArgs(), loop.getInitArgs());
    cloneFront(b, mapping);

    // Only what is not known outside the loop travels: the crossing values,
    // and what the front yields itself.
    SmallVector<Value> yielded(loop.getYieldedValues());
    SmallVector<Value> carried(crossing.getArrayRef());
    for (Value value : yielded)
      if (crosses(value) && !crossing.contains(value))
        carried.push_back(value);
    Value second =
        arith::AddIOp::create(b, loop.getLowerBound(), loop.getStep());
    auto rotated = scf::ForOp::create(b, second, loop.getUpperBound(),
                                      loop.getStep(), lookup(mapping, carried));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(rotated.getBody());
      SmallVector<Value> next = emitBody(b, rotated, carried);
      scf::YieldOp::create(b, next);
    }
    IRMapping last;
    last.map(carried, rotated.getResults());
    if (!numbers.empty())
      emitNumbers(b, last, emitLastCounter(b));
    cloneBack(b, last);
    return lookup(last, yielded);
  }

  /// The counter of the last iteration; there is one.
  Value emitLastCounter(ImplicitLocOpBuilder &b) {
    Value first = loop.getLowerBound(), step = loop.getStep();
    Value one =
        arith::ConstantOp::create(b, b.getIntegerAttr(first.getType(), 1));
    Value length = arith::SubIOp::create(b, loop.getUpperBound(), first);
    length = arith::SubIOp::create(b, length, one);
    length =
        arith::MulIOp::create(b, arith::DivUIOp::create(b, length, step), step);
    return arith::AddIOp::create(b, first, length);
  }

  /// In this order: the back up to the product of values, the front up to the
  /// logits, the rest of the back, the rest of the front.
  SmallVector<Value> emitBody(ImplicitLocOpBuilder &b, scf::ForOp rotated,
                              ArrayRef<Value> carried) {
    IRMapping before, now;
    before.map(carried, rotated.getRegionIterArgs());
    if (!numbers.empty())
      emitNumbers(
          b, before,
          arith::SubIOp::create(b, rotated.getInductionVar(), loop.getStep()));
    now.map(loop.getInductionVar(), rotated.getInductionVar());
    clone(b, before, [&](Operation *op) { return isLead(op); });
    // Loads from global memory come early: their latency hides. Those from
    // shared memory stay with the fold, which then begins after the logits.
    clone(b, before,
          [&](Operation *op) { return isBack(op) && isa<LoadOp>(op); });
    bool reached = false;
    clone(b, now, [&](Operation *op) {
      bool take = !isBack(op) && !reached;
      reached |= op == logits;
      return take;
    });
    clone(b, before, [&](Operation *op) {
      return isBack(op) && !isLead(op) && !isa<LoadOp>(op);
    });
    for (auto [argument, yielded] :
         llvm::zip_equal(loop.getRegionIterArgs(), loop.getYieldedValues()))
      now.map(argument, before.lookupOrDefault(yielded));
    reached = false;
    clone(b, now, [&](Operation *op) {
      bool take = !isBack(op) && reached;
      reached |= op == logits;
      return take;
    });
    return lookup(now, carried);
  }

  scf::ForOp loop;
  ContractOp logits, values;
  llvm::SetVector<Operation *> back;
  llvm::SetVector<Value> crossing;
  /// What crosses and is computed again instead.
  llvm::SetVector<Value> numbers;
};

struct RotateKeysPass : simplexir::impl::RotateKeysBase<RotateKeysPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    SmallVector<Rotation> rotations;
    getOperation().walk([&](scf::ForOp loop) {
      if (auto rotation = Rotation::match(loop))
        rotations.push_back(*rotation);
    });
    for (Rotation &rotation : rotations)
      rotation.run();
  }
};
} // namespace
