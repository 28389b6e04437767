//===- PairTiles.cpp - Two tiles for each outer key -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"
#include "simplexir/Codegen/SharedMemory.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "mlir/Transforms/RegionUtils.h"

namespace simplexir {
#define GEN_PASS_DEF_PAIRTILES
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// Clones what a value is computed from, as far as it depends on something
/// that is mapped to something else. Tiles that are made of one of other
/// columns have as many.
class Recomputation {
public:
  Recomputation(OpBuilder &builder, Region &region, TileType from, TileType to)
      : b(builder), region(region), from(from), to(to) {}

  void map(Value from, Value to) { mapping.map(from, to); }
  void mapResized(Value from, Value to) {
    map(from, to);
    resized.insert(to);
  }

  Value get(Value value) {
    if (mapping.contains(value))
      return mapping.lookup(value);
    Operation *op = value.getDefiningOp();
    if (op && region.isAncestor(op->getParentRegion()))
      if (IRMapping changed; depends(op, changed)) {
        Operation *clone = b.clone(*op, changed);
        clone->walk([&](Operation *inner) { resize(inner); });
        mapping.map(op->getResults(), clone->getResults());
        return mapping.lookup(value);
      }
    mapping.map(value, value);
    return value;
  }

private:
  /// Does anything change that `op` or an operation inside it reads?
  bool depends(Operation *op, IRMapping &changed) {
    llvm::SetVector<Value> read(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), read);
    bool any = false;
    for (Value value : read) {
      Value now = get(value);
      any |= now != value;
      changed.map(value, now);
    }
    return any;
  }

  void resize(Operation *op) {
    for (OpResult result : op->getResults()) {
      auto tile = dyn_cast<TileType>(result.getType());
      if (!tile || tile.getShape() != from.getShape())
        continue;
      SmallVector<Value> sources(op->getOperands());
      if (auto branch = dyn_cast<scf::IfOp>(op))
        sources = {branch.thenYield().getOperand(result.getResultNumber())};
      if (llvm::none_of(sources,
                        [&](Value value) { return resized.contains(value); }))
        continue;
      result.setType(tile.cloneWith(to.getShape(), tile.getElementType()));
      resized.insert(result);
    }
  }

  OpBuilder &b;
  Region &region;
  TileType from, to;
  IRMapping mapping;
  llvm::SmallPtrSet<Value, 8> resized;
};

/// A loop over outer keys, in a loop over pairs of tiles.
class Pairing {
public:
  static std::optional<Pairing> match(scf::ForOp keys, int64_t secondColumns) {
    Pairing result(keys, secondColumns);
    for (auto contract : keys.getBody()->getOps<ContractOp>()) {
      ContractOp &place =
          contract.getTransposed() ? result.logits : result.values;
      if (place || !getRing(contract.getRhs()))
        return std::nullopt;
      place = contract;
    }
    if (!result.logits || !result.values || !result.values->hasOneUse())
      return std::nullopt;
    result.fold = dyn_cast<FoldOp>(*result.values->getUsers().begin());
    for (auto outer = keys->getParentOfType<scf::ForOp>(); outer;
         outer = outer->getParentOfType<scf::ForOp>())
      if (!outer.getBody()->getOps<CopyWaitOp>().empty())
        result.tiles = outer;
    if (!result.fold || !result.tiles)
      return std::nullopt;
    result.rescale = result.fold.getAccumulator().getDefiningOp<RescaleOp>();
    if (!result.rescale ||
        !llvm::is_contained(keys.getYieldedValues(), result.fold.getResult()))
      return std::nullopt;
    return result;
  }

  void run() {
    // What does not change would be carried by the rotated loop.
    moveLoopInvariantCode(keys);
    ImplicitLocOpBuilder b(values.getLoc(), tiles);
    b.setInsertionPointToStart(tiles.getBody());
    Value half = arith::ConstantIndexOp::create(b, getFirst().getColumns());
    Value next = arith::AddIOp::create(b, tiles.getInductionVar(), half);
    Value two = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, next,
                                      tiles.getUpperBound());
    Value last = arith::IndexCastOp::create(
        b, b.getIndexType(),
        arith::ExtUIOp::create(b, b.getI32Type(), two).getResult());
    Value lastTile = getSecondTile(b, values, last);

    // Behind all that is computed from the first tile's logits.
    fold->moveBefore(keys.getBody()->getTerminator());
    b.setInsertionPoint(fold);
    SmallVector<Type> types(ValueRange(listFirst(values)).getTypes());
    types[0] = getSecondProbabilities();
    auto second = scf::IfOp::create(b, types, two, /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    second->setAttr(kSecondTileAttrName, b.getUnitAttr());
    b.setInsertionPointToStart(second.elseBlock());
    scf::YieldOp::create(b, listAlone(b));
    b.setInsertionPointToStart(second.thenBlock());
    scf::YieldOp::create(b, listSecond(b, next));
    b.setInsertionPointAfter(second);
    finish(b, second, lastTile);
  }

private:
  Pairing(scf::ForOp keys, int64_t secondColumns)
      : keys(keys), secondColumns(secondColumns) {}

  /// The buffer of a pair that a view belongs to, one whose type fits both
  /// tiles.
  static memref::AllocOp getRing(Value view) {
    auto type = dyn_cast<MemRefType>(view.getType());
    if (!type || !ShapedType::isDynamic(type.getStridesAndOffset().second))
      return {};
    auto ring = getBuffer(view).getDefiningOp<memref::AllocOp>();
    return ring && ring.getType().getDimSize(0) == 2 ? ring : memref::AllocOp();
  }
  Value getSecondTile(ImplicitLocOpBuilder &b, ContractOp op, Value slot) {
    Value ring = getRing(op.getRhs());
    if (!isUneven()) {
      Value view = getRingSlot(b, ring, slot);
      if (view.getType() == op.getRhs().getType())
        return view;
      return memref::CastOp::create(b, op.getRhs().getType(), view);
    }
    // With a skew, tiles have more rows than columns.
    int64_t fewer = getFirst().getColumns() - secondColumns;
    int64_t rows = cast<MemRefType>(ring.getType()).getDimSize(2) - fewer;
    return getRingSlot(b, ring, slot, rows);
  }

  TileType getFirst() { return cast<TileType>(logits.getType()); }
  TileType getSecond(TileType first) const {
    return first.cloneWith(ArrayRef{first.getRows(), secondColumns},
                           first.getElementType());
  }
  TileType getSecondProbabilities() {
    return getSecond(cast<TileType>(values.getLhs().getType()));
  }
  bool isUneven() { return getFirst().getColumns() != secondColumns; }

  /// The state after a tile, but for the accumulator, which has yet to get the
  /// product of values.
  SmallVector<Value> listState() {
    SmallVector<Value> state;
    for (Value value : keys.getYieldedValues())
      state.push_back(value == fold.getResult() ? fold.getAccumulator()
                                                : value);
    return state;
  }

  /// Probabilities, their init if there is one, `product`, the state.
  SmallVector<Value> listFirst(Value product) {
    SmallVector<Value> list(values.getOperands());
    llvm::erase(list, values.getRhs());
    list.push_back(product);
    llvm::append_range(list, listState());
    return list;
  }

  /// The same where there is no second tile. The last product is that of the
  /// first tile, or, if it is shorter, of zeros.
  SmallVector<Value> listAlone(ImplicitLocOpBuilder &b) {
    auto zero = [&](Type type) -> Value {
      return FillOp::create(b, type, b.getF64FloatAttr(0.0));
    };
    if (!isUneven())
      return listFirst(zero(values.getType()));
    SmallVector<Value> list = listFirst(b.clone(*values)->getResult(0));
    list[0] = zero(getSecondProbabilities());
    if (values.getInit())
      list[1] = zero(values.getInit().getType());
    return list;
  }

  /// The same after the second tile.
  SmallVector<Value> listSecond(ImplicitLocOpBuilder &b, Value next) {
    IRMapping none;
    auto product = cast<ContractOp>(b.clone(*values, none));
    Recomputation again(b, tiles.getRegion(), getFirst(),
                        getSecond(getFirst()));
    Value one = arith::ConstantIndexOp::create(b, 1);
    again.map(tiles.getInductionVar(), next);
    again.mapResized(logits.getRhs(), getSecondTile(b, logits, one));
    if (isUneven())
      mapEnds(b, again, next);
    for (auto [argument, value] :
         llvm::zip_equal(keys.getRegionIterArgs(), listState()))
      again.map(argument, value);
    // In the order of the first tile: sums before conversions, for registers.
    for (Operation &op : *keys.getBody()) {
      if (&op == b.getInsertionBlock()->getParentOp())
        break;
      if (&op != values)
        for (Value result : op.getResults())
          (void)again.get(result);
    }
    SmallVector<Value> list;
    for (Value operand : values.getOperands())
      if (operand != values.getRhs())
        list.push_back(again.get(operand));
    SmallVector<Value> state;
    for (Value value : listState())
      state.push_back(again.get(value));
    // What the first tile added up moves to the second one's maximum, too.
    list.push_back(RescaleOp::create(b, product, rescale.getTo(),
                                     again.get(rescale.getTo())));
    llvm::append_range(list, state);
    return list;
  }

  /// Where masks look for the end of the columns.
  void mapEnds(ImplicitLocOpBuilder &b, Recomputation &again, Value next) {
    Value end = arith::AddIOp::create(
        b, next, arith::ConstantIndexOp::create(b, secondColumns));
    APInt columns;
    for (Operation *user : tiles.getInductionVar().getUsers())
      if (auto add = dyn_cast<arith::AddIOp>(user);
          add && matchPattern(add.getRhs(), m_ConstantInt(&columns)) &&
          columns == getFirst().getColumns())
        again.map(add, end);
  }

  /// The last tile's product of values, and one fold for both.
  void finish(ImplicitLocOpBuilder &b, scf::IfOp second, Value tile) {
    SmallVector<Value> results(second.getResults());
    unsigned operands = values->getNumOperands() - 1;
    auto product = cast<ContractOp>(b.clone(*values));
    product.getLhsMutable().assign(results[0]);
    product.getRhsMutable().assign(tile);
    if (operands > 1)
      product.getInitMutable().assign(results[1]);
    Value sum = FoldOp::create(b, values.getType(), results[operands], product,
                               ValueRange(), b.getDenseF64ArrayAttr({}));
    auto state = ArrayRef(results).drop_front(operands + 1);
    auto yield = cast<scf::YieldOp>(keys.getBody()->getTerminator());
    for (auto [slot, value] :
         llvm::zip_equal(yield.getResultsMutable(), state)) {
      if (slot.get() == fold.getResult())
        fold.getAccumulatorMutable().assign(value);
      else
        slot.set(value);
    }
    fold.getProductMutable().assign(sum);
    values.erase();
  }

  scf::ForOp keys, tiles;
  int64_t secondColumns;
  ContractOp logits, values;
  FoldOp fold;
  RescaleOp rescale;
};

struct PairTilesPass : simplexir::impl::PairTilesBase<PairTilesPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!usesWarpgroups(kernel))
      return;
    auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    if (!schedule.getPairs())
      return;
    SmallVector<Pairing> pairings;
    kernel.walk([&](scf::ForOp loop) {
      if (auto pairing = Pairing::match(loop, schedule.getSecondColumns()))
        pairings.push_back(*pairing);
    });
    // Tiles come by pairs: to leave the second ones out would be wrong.
    if (pairings.empty()) {
      kernel.emitError("simplex-pair-tiles found no loop over outer keys whose "
                       "tiles of last keys are staged by pairs");
      return signalPassFailure();
    }
    for (Pairing &pairing : pairings)
      pairing.run();
  }
};
} // namespace
