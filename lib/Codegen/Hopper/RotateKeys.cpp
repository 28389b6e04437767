//===- RotateKeys.cpp - Logits before the last key's values ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace simplexir {
#define GEN_PASS_DEF_ROTATEKEYS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// The loops from that over tiles of the last key to the innermost one, whose
/// body is a front, up to the probabilities, and a back, which multiplies them
/// with the values.
class Rotation {
public:
  static std::optional<Rotation> match(scf::ForOp innermost) {
    Rotation result(innermost);
    if (!result.findProducts() || !result.findNest())
      return std::nullopt;
    result.partition();
    if (!result.findInits())
      return std::nullopt;
    return result;
  }

  void run() {
    addCarried();
    rotateBody();
    finishAfterTiles();
  }

private:
  explicit Rotation(scf::ForOp innermost) : innermost(innermost) {}

  bool findProducts() {
    for (auto contract : innermost.getBody()->getOps<ContractOp>()) {
      ContractOp &place = contract.getTransposed() ? logits : values;
      if (place || !isa<MemRefType>(contract.getRhs().getType()))
        return false;
      place = contract;
    }
    return logits && values && innermost.getBody()->getOps<scf::ForOp>().empty();
  }

  /// Up to the loop that waits for tiles. Whether any key is visited must be
  /// known outside.
  bool findNest() {
    scf::ForOp loop = innermost;
    for (;; loop = cast<scf::ForOp>(loop->getParentOp())) {
      nest.insert(nest.begin(), loop);
      if (!loop.getBody()->getOps<CopyWaitOp>().empty())
        break;
      if (!isa<scf::ForOp>(loop->getParentOp()))
        return false;
    }
    scf::ForOp tiles = nest.front();
    auto isKnown = [&](Value bound) {
      return tiles.isDefinedOutsideOfLoop(bound);
    };
    for (scf::ForOp each : nest)
      if (!isKnown(each.getLowerBound()) || !isKnown(each.getUpperBound()))
        return false;
    return findResults();
  }

  /// Which result of the loop over tiles is which one of the innermost loop.
  bool findResults() {
    resultNumbers = llvm::to_vector(
        llvm::seq<unsigned>(0, innermost.getNumResults()));
    for (scf::ForOp loop : llvm::reverse(ArrayRef(nest).drop_back()))
      for (unsigned &number : resultNumbers) {
        Value inner = getInner(loop).getResult(number);
        if (!inner.hasOneUse() ||
            !isa<scf::YieldOp>(*inner.getUsers().begin()))
          return false;
        number = inner.use_begin()->getOperandNumber();
      }
    return true;
  }
  scf::ForOp getInner(scf::ForOp loop) {
    return *std::next(llvm::find(nest, loop));
  }

  static void forEachOperand(Operation &op,
                             llvm::function_ref<void(Value)> visit) {
    op.walk(
        [&](Operation *inner) { llvm::for_each(inner->getOperands(), visit); });
  }

  /// The back is the product of values, what depends on it, and loads that
  /// only the back uses.
  void partition() {
    Block *body = innermost.getBody();
    for (Operation &op : body->without_terminator()) {
      bool depends = &op == values;
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
    for (Operation &op : body->without_terminator())
      if (isBack(&op))
        forEachOperand(op, [&](Value operand) { cross(operand); });
  }

  /// What the front gives to the back travels to the next iteration; numbers
  /// and places in memory are computed again from what travels.
  void cross(Value value) {
    Region &tiles = nest.front().getRegion();
    if (!tiles.isAncestor(value.getParentRegion()) || crossing.contains(value))
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

  /// What the first iteration finds: the probabilities 0 of a key that is
  /// there.
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
    if (nest.front().isDefinedOutsideOfLoop(value))
      return value;
    if (auto rescale = value.getDefiningOp<RescaleOp>())
      return getInit(rescale.getTile());
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return {};
    auto loop = cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return argument == loop.getInductionVar()
               ? loop.getLowerBound()
               : getInit(loop.getTiedLoopInit(argument)->get());
  }

  bool isBack(Operation *op) const { return back.contains(op); }

  /// Each loop of the nest carries the crossing values, and so far yields
  /// them as they are.
  void addCarried() {
    ImplicitLocOpBuilder b(innermost.getLoc(), nest.front());
    SmallVector<Value> starts;
    for (auto [value, init] : llvm::zip_equal(crossing, inits))
      starts.push_back(init ? init
                            : FillOp::create(b, cast<TileType>(value.getType()),
                                             b.getF64FloatAttr(0.0)));
    IRRewriter rewriter(b.getContext());
    for (scf::ForOp &loop : nest) {
      auto unchanged = [](OpBuilder &, Location, ArrayRef<BlockArgument> args) {
        return SmallVector<Value>(args.begin(), args.end());
      };
      // Block arguments move to the new loop: crossing values among them, too.
      SmallVector<Value> arguments(loop.getBody()->getArguments());
      rewriter.setInsertionPoint(loop);
      auto wider = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
          rewriter, starts, /*replaceInitOperandUsesInLoop=*/false, unchanged));
      for (auto [from, to] : llvm::zip_first(
               arguments, wider.getBody()->getArguments()))
        replaceCrossing(from, to);
      loop = wider;
      starts.assign(wider.getRegionIterArgs().end() - crossing.size(),
                    wider.getRegionIterArgs().end());
    }
    innermost = nest.back();
    for (scf::ForOp loop : ArrayRef(nest).drop_back()) {
      auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
      auto results = getInner(loop).getResults().take_back(crossing.size());
      yield->setOperands(yield->getNumOperands() - crossing.size(),
                         crossing.size(), results);
    }
  }
  void replaceCrossing(Value from, Value to) {
    SmallVector<Value> values(crossing.takeVector());
    llvm::replace(values, from, to);
    crossing.insert(values.begin(), values.end());
  }

  SmallVector<Value> getCarried() {
    return SmallVector<Value>(innermost.getRegionIterArgs().end() -
                                  crossing.size(),
                              innermost.getRegionIterArgs().end());
  }

  /// Clones those operations of the body that `take` wants.
  void clone(OpBuilder &b, IRMapping &mapping, ArrayRef<Operation *> body,
             llvm::function_ref<bool(Operation *)> take) {
    for (Operation *op : body)
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
    Block *block = innermost.getBody();
    auto yield = cast<scf::YieldOp>(block->getTerminator());
    SmallVector<Operation *> body;
    for (Operation &op : block->without_terminator())
      body.push_back(&op);
    ImplicitLocOpBuilder b(innermost.getLoc(), yield);
    IRMapping before = getBefore(b, getCarried()), now;
    isStep() ? emitStep(b, body, before, now)
             : emitOuterKey(b, body, before, now);
    // What the back yields is used after all loops only: nothing travels.
    SmallVector<Value> yields;
    size_t own = yield->getNumOperands() - crossing.size();
    backYields.resize(own);
    for (size_t i = 0; i < own; ++i) {
      Value value = yield->getOperand(i);
      if (isBackValue(value))
        backYields[i] = value;
      yields.push_back(backYields[i] ? Value(innermost.getRegionIterArg(i))
                                     : now.lookupOrDefault(value));
    }
    llvm::append_range(yields, lookup(now, crossing.getArrayRef()));
    yield->setOperands(yields);
    // The back is cloned once more, after the loops; then the originals go.
    originals = std::move(body);
  }
  bool isBackValue(Value value) {
    return value.getDefiningOp() && isBack(value.getDefiningOp());
  }
  /// A tile of the last key is one iteration: there is no outer key.
  bool isStep() const { return nest.size() == 1; }

  void mapBackYields(IRMapping &before, IRMapping &now) {
    auto yield = cast<scf::YieldOp>(innermost.getBody()->getTerminator());
    for (auto [argument, yielded] :
         llvm::zip_first(innermost.getRegionIterArgs(), yield.getOperands()))
      if (isBackValue(yielded))
        now.map(argument, before.lookup(yielded));
  }

  /// In this order: the product of values, the front up to the logits, the
  /// rest of the back, the rest of the front.
  void emitOuterKey(ImplicitLocOpBuilder &b, ArrayRef<Operation *> body,
                    IRMapping &before, IRMapping &now) {
    b.clone(*values, before);
    // Loads from global memory come early: their latency hides. Those from
    // shared memory stay with the fold, which then begins after the logits.
    clone(b, before, body,
          [&](Operation *op) { return isBack(op) && isa<LoadOp>(op); });
    bool reached = false;
    auto takeFront = [&](bool upToLogits) {
      reached = false;
      clone(b, now, body, [&](Operation *op) {
        bool take = !isBack(op) && reached != upToLogits;
        reached |= op == logits;
        return take;
      });
    };
    takeFront(/*upToLogits=*/true);
    clone(b, before, body, [&](Operation *op) {
      return isBack(op) && op != values && !isa<LoadOp>(op);
    });
    mapBackYields(before, now);
    takeFront(/*upToLogits=*/false);
  }

  /// In this order: the front up to the logits, the product of values, the
  /// rest of the front but what needs the back's result, the rest of the back,
  /// the rest of the front.
  void emitStep(ImplicitLocOpBuilder &b, ArrayRef<Operation *> body,
                IRMapping &before, IRMapping &now) {
    auto yield = cast<scf::YieldOp>(innermost.getBody()->getTerminator());
    llvm::SmallPtrSet<Operation *, 8> late;
    auto isLate = [&](Value operand) {
      if (auto argument = dyn_cast<BlockArgument>(operand))
        return argument.getOwner() == innermost.getBody() &&
               argument != innermost.getInductionVar() &&
               isBackValue(yield.getOperand(argument.getArgNumber() - 1));
      return late.contains(operand.getDefiningOp());
    };
    for (Operation *op : body)
      if (!isBack(op) && (llvm::any_of(op->getOperands(), isLate) ||
                          op == values.getLhs().getDefiningOp()))
        late.insert(op);
    bool reached = false;
    clone(b, now, body, [&](Operation *op) {
      bool take = !isBack(op) && !late.contains(op) && !reached;
      reached |= op == logits;
      return take;
    });
    b.clone(*values, before);
    reached = false;
    clone(b, now, body, [&](Operation *op) {
      bool take = !isBack(op) && !late.contains(op) && reached;
      reached |= op == logits;
      return take;
    });
    clone(b, before, body,
          [&](Operation *op) { return isBack(op) && op != values; });
    mapBackYields(before, now);
    clone(b, now, body, [&](Operation *op) { return late.contains(op); });
  }

  /// The last key's values, if there was a key.
  void finishAfterTiles() {
    scf::ForOp tiles = nest.front();
    ImplicitLocOpBuilder b(tiles.getLoc(), tiles->getContext());
    b.setInsertionPointAfter(tiles);
    Value visited;
    for (scf::ForOp loop : nest) {
      Value some =
          arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                loop.getLowerBound(), loop.getUpperBound());
      visited = visited ? arith::AndIOp::create(b, visited, some) : some;
    }
    SmallVector<Value> results, yields;
    for (auto [number, yielded] : llvm::zip_equal(resultNumbers, backYields))
      if (yielded) {
        results.push_back(tiles.getResult(number));
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
        getBefore(b, tiles.getResults().take_back(crossing.size()));
    clone(b, before, originals, [&](Operation *op) { return isBack(op); });
    scf::YieldOp::create(b, lookup(before, yields));
    for (Operation *op : llvm::reverse(originals))
      op->erase();
  }

  scf::ForOp innermost;
  SmallVector<scf::ForOp> nest;
  SmallVector<unsigned> resultNumbers;
  ContractOp logits, values;
  llvm::SetVector<Operation *> back, again;
  llvm::SetVector<Value> crossing;
  /// Of the crossing values.
  SmallVector<Value> inits;
  /// The innermost loop's yields that the back makes; null for the others.
  SmallVector<Value> backYields;
  SmallVector<Operation *> originals;
};

struct RotateKeysPass : simplexir::impl::RotateKeysBase<RotateKeysPass> {
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
