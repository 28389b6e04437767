//===- RotateTiles.cpp - Logits before the last tile's values -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileRings.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace simplexir {
#define GEN_PASS_DEF_ROTATETILES
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// A loop over tiles of the last key that is innermost: there is no outer key.
/// Its body is a front, up to the probabilities, and a back, which multiplies
/// them with the values.
class Rotation {
public:
  static std::optional<Rotation> match(scf::ForOp loop) {
    Rotation result(loop);
    if (!result.findProducts())
      return std::nullopt;
    result.partition();
    if (!result.findInits())
      return std::nullopt;
    return result;
  }

  void run() {
    hoistCombine();
    addCarried();
    rotateBody();
    finishAfterLoop();
  }

private:
  explicit Rotation(scf::ForOp loop) : loop(loop) {}

  bool findProducts() {
    for (auto contract : loop.getBody()->getOps<ContractOp>()) {
      ContractOp &place = contract.getTransposed() ? logits : values;
      if (place || !isa<MemRefType>(contract.getRhs().getType()))
        return false;
      place = contract;
    }
    return logits && values && loop.getBody()->getOps<scf::ForOp>().empty() &&
           !loop.getBody()->getOps<CopyWaitOp>().empty();
  }

  static void forEachOperand(Operation &op,
                             llvm::function_ref<void(Value)> visit) {
    op.walk(
        [&](Operation *inner) { llvm::for_each(inner->getOperands(), visit); });
  }

  /// The back is the product of values and what depends on it.
  void partition() {
    Block *body = loop.getBody();
    for (Operation &op : body->without_terminator()) {
      bool depends = &op == values;
      forEachOperand(op, [&](Value operand) {
        depends |= operand.getDefiningOp() && isBack(operand.getDefiningOp());
      });
      if (depends)
        back.insert(&op);
    }
    for (Operation &op : body->without_terminator())
      if (isBack(&op))
        forEachOperand(op, [&](Value operand) { cross(operand); });
  }

  /// What the front gives to the back travels to the next iteration; numbers
  /// and places in memory are computed again from what travels.
  void cross(Value value) {
    if (loop.isDefinedOutsideOfLoop(value) || crossing.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    if (op && (isBack(op) || again.contains(op)))
      return;
    if (op && isPure(op) && op->getNumRegions() == 0 &&
        isa<IndexType, IntegerType, MemRefType>(value.getType())) {
      forEachOperand(*op, [&](Value operand) { cross(operand); });
      again.insert(op);
      return;
    }
    crossing.insert(value);
  }

  /// What the first iteration finds: probabilities 0 of the tile that is there.
  bool findInits() {
    for (Value value : crossing) {
      Value init = getInit(value);
      if (!init && !isa<TileType>(value.getType()))
        return false;
      inits.push_back(init);
    }
    return true;
  }

  /// Null if it is a tile of zeros.
  Value getInit(Value value) {
    if (loop.isDefinedOutsideOfLoop(value))
      return value;
    if (auto rescale = value.getDefiningOp<RescaleOp>())
      return getInit(rescale.getTile());
    if (value == loop.getInductionVar())
      return loop.getLowerBound();
    auto argument = dyn_cast<BlockArgument>(value);
    return argument ? loop.getTiedLoopInit(argument)->get() : Value();
  }

  bool isBack(Operation *op) const { return back.contains(op); }

  /// All tiles see the same query: it stays in registers where there are more
  /// of them, for warps that leave the copies to others. (ptxas 13.0 was seen
  /// to overwrite such operands in loops that copy too.)
  void hoistCombine() {
    auto combine = logits.getLhs().getDefiningOp<CombineOp>();
    if (combine && canSpecializeCopies(loop->getParentOfType<func::FuncOp>()) &&
        combine->getBlock() == loop.getBody() &&
        llvm::all_of(combine->getOperands(), [&](Value operand) {
          return loop.isDefinedOutsideOfLoop(operand);
        }))
      combine->moveBefore(loop);
  }

  /// The loop carries the crossing values, and so far yields them as they are.
  void addCarried() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    SmallVector<Value> starts, arguments(loop.getBody()->getArguments());
    for (auto [value, init] : llvm::zip_equal(crossing, inits))
      starts.push_back(init ? init
                            : FillOp::create(b, cast<TileType>(value.getType()),
                                             b.getF64FloatAttr(0.0)));
    IRRewriter rewriter(b);
    loop = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
        rewriter, starts, /*replaceInitOperandUsesInLoop=*/false,
        [](OpBuilder &, Location, ArrayRef<BlockArgument> args) {
          return SmallVector<Value>(args.begin(), args.end());
        }));
    // Arguments moved to the new loop, crossing ones among them.
    SmallVector<Value> moved(crossing.takeVector());
    for (auto [from, to] :
         llvm::zip_first(arguments, loop.getBody()->getArguments()))
      llvm::replace(moved, from, Value(to));
    crossing.insert(moved.begin(), moved.end());
  }

  SmallVector<Value> getCarried() {
    return SmallVector<Value>(loop.getRegionIterArgs().end() - crossing.size(),
                              loop.getRegionIterArgs().end());
  }

  /// Clones those operations of the body that `take` wants.
  void clone(OpBuilder &b, IRMapping &mapping,
             llvm::function_ref<bool(Operation *)> take) {
    for (Operation *op : originals)
      if (take(op))
        b.clone(*op, mapping);
  }
  /// The mapping of an iteration ago, whose values travelled as `carried`.
  IRMapping getBefore(OpBuilder &b, ValueRange carried) {
    IRMapping before;
    before.map(crossing.getArrayRef(), carried);
    for (Operation *op : again)
      b.clone(*op, before);
    return before;
  }

  static SmallVector<Value> lookup(IRMapping &mapping, ValueRange values) {
    return llvm::map_to_vector(
        values, [&](Value value) { return mapping.lookupOrDefault(value); });
  }

  void rotateBody() {
    Block *block = loop.getBody();
    auto yield = cast<scf::YieldOp>(block->getTerminator());
    for (Operation &op : block->without_terminator())
      originals.push_back(&op);
    ImplicitLocOpBuilder b(loop.getLoc(), yield);
    IRMapping before = getBefore(b, getCarried()), now;
    emit(b, before, now);
    // What the back yields is used after the loop only: nothing travels.
    SmallVector<Value> yields;
    backYields.resize(yield->getNumOperands() - crossing.size());
    for (size_t i = 0; i < backYields.size(); ++i) {
      Value value = yield->getOperand(i);
      if (isBackValue(value))
        backYields[i] = value;
      yields.push_back(backYields[i] ? Value(loop.getRegionIterArg(i))
                                     : now.lookupOrDefault(value));
    }
    llvm::append_range(yields, lookup(now, crossing.getArrayRef()));
    yield->setOperands(yields);
  }
  bool isBackValue(Value value) {
    return value.getDefiningOp() && isBack(value.getDefiningOp());
  }
  void mapBackYields(IRMapping &before, IRMapping &now) {
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    for (auto [argument, yielded] :
         llvm::zip_first(loop.getRegionIterArgs(), yield.getOperands()))
      if (isBackValue(yielded))
        now.map(argument, before.lookup(yielded));
  }

  /// In this order: the front up to the logits, the next tile's copies (a
  /// second product does not start before the first one ends, and the warp
  /// waits), the product of values, the rest of the front but what needs the
  /// back's result, the rest of the back, the rest of the front.
  void emit(ImplicitLocOpBuilder &b, IRMapping &before, IRMapping &now) {
    llvm::SmallPtrSet<Operation *, 8> late;
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    auto isLate = [&](Value operand) {
      auto argument = dyn_cast<BlockArgument>(operand);
      if (!argument)
        return late.contains(operand.getDefiningOp());
      return argument.getOwner() == loop.getBody() &&
             argument != loop.getInductionVar() &&
             isBackValue(yield.getOperand(argument.getArgNumber() - 1));
    };
    // The probabilities take the registers of the last tile's.
    for (Operation *op : originals)
      if (!isBack(op) && (llvm::any_of(op->getOperands(), isLate) ||
                          op == values.getLhs().getDefiningOp()))
        late.insert(op);
    auto isCopies = [](Operation *op) {
      auto branch = dyn_cast<scf::IfOp>(op);
      return branch && !branch.thenBlock()->getOps<CopyOp>().empty();
    };
    auto takeFront = [&](bool upToLogits) {
      bool reached = false;
      clone(b, now, [&](Operation *op) {
        bool take = !isBack(op) && !late.contains(op) && !isCopies(op) &&
                    reached != upToLogits;
        reached |= op == logits;
        return take;
      });
    };
    takeFront(/*upToLogits=*/true);
    clone(b, now, isCopies);
    b.clone(*values, before);
    takeFront(/*upToLogits=*/false);
    clone(b, before, [&](Operation *op) { return isBack(op) && op != values; });
    mapBackYields(before, now);
    clone(b, now, [&](Operation *op) { return late.contains(op); });
  }

  /// The last tile's values, if there was a tile. Then the originals go.
  void finishAfterLoop() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop->getContext());
    b.setInsertionPointAfter(loop);
    Value visited =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                              loop.getLowerBound(), loop.getUpperBound());
    SmallVector<Value> results, yields;
    for (auto [i, yielded] : llvm::enumerate(backYields))
      if (yielded) {
        results.push_back(loop.getResult(i));
        yields.push_back(yielded);
      }
    auto last = scf::IfOp::create(b, ValueRange(results).getTypes(), visited,
                                  true, true);
    for (auto [result, replacement] :
         llvm::zip_equal(results, last.getResults()))
      result.replaceAllUsesWith(replacement);
    b.setInsertionPointToStart(last.elseBlock());
    scf::YieldOp::create(b, results);
    b.setInsertionPointToStart(last.thenBlock());
    IRMapping before =
        getBefore(b, loop.getResults().take_back(crossing.size()));
    clone(b, before, [&](Operation *op) { return isBack(op); });
    scf::YieldOp::create(b, lookup(before, yields));
    for (Operation *op : llvm::reverse(originals))
      op->erase();
  }

  scf::ForOp loop;
  ContractOp logits, values;
  llvm::SetVector<Operation *> back, again;
  llvm::SetVector<Value> crossing;
  /// Of the crossing values.
  SmallVector<Value> inits;
  /// The loop's yields that the back makes; null for the others.
  SmallVector<Value> backYields;
  SmallVector<Operation *> originals;
};

struct RotateTilesPass : simplexir::impl::RotateTilesBase<RotateTilesPass> {
  void runOnOperation() override {
    if (!usesWarpgroups(getOperation()))
      return;
    std::vector<Rotation> rotations;
    getOperation().walk([&](scf::ForOp loop) {
      if (auto rotation = Rotation::match(loop))
        rotations.push_back(*rotation);
    });
    for (Rotation &rotation : rotations)
      rotation.run();
  }
};
} // namespace
