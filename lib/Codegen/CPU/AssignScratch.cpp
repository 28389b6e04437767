//===- AssignScratch.cpp - Places for tiles -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"
#include "TileLiveness.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace simplexir {
#define GEN_PASS_DEF_ASSIGNSCRATCH
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {

constexpr int64_t kAlignment = 64;

/// Tiles that share one place.
struct Place {
  TileType type;
  bool transposed = false, paired = false;
  LiveRanges ranges;
  int64_t offset = 0;

  int64_t getBytes() const {
    ArrayRef<int64_t> shape = type.getShape();
    int64_t rows = shape.size() == 1 ? 1 : shape[transposed];
    int64_t columns = shape.size() == 1 ? shape[0] : shape[!transposed];
    if (paired)
      rows = llvm::alignTo(rows, 2);
    int64_t bits = type.getElementType().getIntOrFloatBitWidth();
    return llvm::alignTo(rows * getScratchStride(columns) * bits / 8,
                         kAlignment);
  }
};

struct AssignScratch : simplexir::impl::AssignScratchBase<AssignScratch> {
  void runOnOperation() override;

private:
  LogicalResult chooseLayouts();
  void insertCopies();
  void makePlaces();
  int64_t layOut();
  void annotate(int64_t bytes);

  Place &getPlace(Value value) { return places[classes.getLeaderValue(value)]; }
  void add(Value value);
  bool unite(Value a, Value b, bool force = false);

  llvm::EquivalenceClasses<Value> classes;
  llvm::DenseMap<Value, Place> places;
  llvm::MapVector<Value, LiveRanges> values;
  /// Values that must share a place (carried through control flow).
  SmallVector<std::pair<Value, Value>> carried;
  SmallVector<ConvertOp> copies;
};

bool isTile(Value value) { return isa<TileType>(value.getType()); }

} // namespace

namespace {
/// How a load arranges its tile for one of its uses.
struct Layout {
  bool transposed = false, paired = false;

  explicit Layout(OpOperand &use) {
    auto contract = dyn_cast<ContractOp>(use.getOwner());
    if (!contract || use.getOperandNumber() != 1)
      return;
    transposed = contract.getTransposed();
    paired = getElementTypeOrSelf(use.get()).isBF16();
  }
  Layout(bool transposed, bool paired)
      : transposed(transposed), paired(paired) {}

  bool operator==(const Layout &other) const {
    return transposed == other.transposed && paired == other.paired;
  }
  void apply(Operation *op) const {
    UnitAttr unit = UnitAttr::get(op->getContext());
    if (transposed)
      op->setAttr(kTransposedAttrName, unit);
    if (paired)
      op->setAttr(kPairedAttrName, unit);
  }
};
} // namespace

/// A load stores its tile as the products read it that it is the right side
/// of; if it is read in several ways there are several loads.
LogicalResult AssignScratch::chooseLayouts() {
  auto checked = getOperation().walk([&](ContractOp op) {
    Layout layout(op->getOpOperand(1));
    if (layout == Layout(false, false) || op.getRhs().getDefiningOp<LoadOp>())
      return WalkResult::advance();
    op.emitOpError("expects the right side of a ")
        << (layout.transposed ? "transposed product" : "product of pairs")
        << " to be a simplex.load";
    return WalkResult::interrupt();
  });
  if (checked.wasInterrupted())
    return failure();
  SmallVector<LoadOp> loads;
  getOperation().walk([&](LoadOp op) { loads.push_back(op); });
  for (LoadOp load : loads)
    for (Layout layout :
         {Layout(true, false), Layout(false, true), Layout(true, true)}) {
      auto reads = [&](OpOperand &use) { return Layout(use) == layout; };
      if (llvm::none_of(load->getUses(), reads))
        continue;
      if (llvm::all_of(load->getUses(), reads)) {
        layout.apply(load);
        break;
      }
      OpBuilder at(load);
      Operation *clone = at.clone(*load);
      load.getResult().replaceUsesWithIf(clone->getResult(0), reads);
      layout.apply(clone);
    }
  return success();
}

/// Writes every move between places as a copy; most of them will vanish.
void AssignScratch::insertCopies() {
  SmallVector<Operation *> structured;
  getOperation().walk([&](Operation *op) {
    if (isa<scf::ForOp, scf::IfOp>(op))
      structured.push_back(op);
  });
  OpBuilder builder(&getContext());
  auto copy = [&](OpOperand &operand) {
    builder.setInsertionPoint(operand.getOwner());
    ConvertOp op = ConvertOp::create(builder, operand.getOwner()->getLoc(),
                                     operand.get().getType(), operand.get());
    operand.set(op.getResult());
    copies.push_back(op);
    return op.getResult();
  };
  for (Operation *op : structured) {
    auto loop = dyn_cast<scf::ForOp>(op);
    for (OpResult result : op->getResults()) {
      if (!isTile(result))
        continue;
      unsigned i = result.getResultNumber();
      if (loop) {
        OpOperand &init = loop.getInitArgsMutable()[i];
        carried.push_back({copy(init), result});
        carried.push_back({loop.getRegionIterArg(i), result});
      }
    }
    for (Region &region : op->getRegions()) {
      if (region.empty())
        continue;
      Operation *yield = region.front().getTerminator();
      // The copies of a loop are parallel: read all before writing any.
      for (int step = loop ? 0 : 1; step < 2; ++step)
        for (OpResult result : op->getResults())
          if (isTile(result)) {
            Value moved = copy(yield->getOpOperand(result.getResultNumber()));
            if (step == 1)
              carried.push_back({moved, result});
          }
    }
  }
}

void AssignScratch::add(Value value) {
  if (!isTile(value))
    return;
  classes.insert(value);
  Place place;
  place.type = cast<TileType>(value.getType());
  if (Operation *op = value.getDefiningOp()) {
    place.transposed = op->hasAttr(kTransposedAttrName);
    place.paired = op->hasAttr(kPairedAttrName);
  }
  place.ranges = values[value];
  places[value] = place;
}

bool AssignScratch::unite(Value a, Value b, bool force) {
  if (classes.isEquivalent(a, b))
    return true;
  Place &x = getPlace(a), &y = getPlace(b);
  if (x.type != y.type || x.transposed != y.transposed || x.paired != y.paired)
    return false;
  if (!force && TileLiveness::overlap(x.ranges, y.ranges, /*slack=*/0))
    return false;
  Place merged = x;
  merged.ranges.append(y.ranges);
  classes.unionSets(a, b);
  places[classes.getLeaderValue(a)] = merged;
  return true;
}

void AssignScratch::makePlaces() {
  TileLiveness liveness(getOperation());
  getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Value result : op->getResults())
      if (isTile(result))
        values[result] = liveness.compute(result);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          if (isTile(argument))
            values[argument] = liveness.compute(argument);
  });
  for (auto &entry : values)
    add(entry.first);
  for (auto [a, b] : carried)
    unite(a, b, /*force=*/true);
  // In place: the state an operation updates, else what it consumes.
  for (auto &entry : values) {
    Operation *op = entry.first.getDefiningOp();
    if (!op || isa<ConvertOp>(op) || op->getNumRegions())
      continue;
    SmallVector<OpOperand *> operands;
    for (OpOperand &operand : op->getOpOperands())
      if (isTile(operand.get()) && isElementwise(operand) &&
          operand.get().getType() == entry.first.getType())
        operands.push_back(&operand);
    for (OpOperand *operand : operands)
      if (unite(operand->get(), entry.first))
        break;
  }
  for (ConvertOp copy : copies)
    unite(copy.getTile(), copy.getResult());
}

/// First fit, large places first. Returns the bytes needed.
int64_t AssignScratch::layOut() {
  SmallVector<Place *> order;
  for (auto &entry : values)
    if (classes.getLeaderValue(entry.first) == entry.first)
      order.push_back(&places[entry.first]);
  llvm::stable_sort(
      order, [](Place *a, Place *b) { return a->getBytes() > b->getBytes(); });
  int64_t total = 0;
  SmallVector<Place *> placed;
  for (Place *place : order) {
    // One vector before the first tile: shifted reads may start there.
    int64_t offset = kAlignment;
    bool moved = true;
    while (moved) {
      moved = false;
      for (Place *other : placed) {
        bool apart = offset + place->getBytes() <= other->offset ||
                     other->offset + other->getBytes() <= offset;
        if (apart || !TileLiveness::overlap(place->ranges, other->ranges, 1))
          continue;
        offset = other->offset + other->getBytes();
        moved = true;
      }
    }
    place->offset = offset;
    placed.push_back(place);
    total = std::max(total, offset + place->getBytes());
  }
  return total + kAlignment;
}

void AssignScratch::annotate(int64_t bytes) {
  func::FuncOp function = getOperation();
  Builder builder(&getContext());
  for (ConvertOp copy : copies)
    if (classes.isEquivalent(copy.getTile(), copy.getResult())) {
      copy.getResult().replaceAllUsesWith(copy.getTile());
      copy.erase();
    }
  function.walk([&](Operation *op) {
    if (isa<scf::ForOp, scf::IfOp>(op))
      return;
    SmallVector<int64_t> offsets;
    for (Value result : op->getResults())
      if (isTile(result))
        offsets.push_back(getPlace(result).offset);
    if (offsets.empty())
      return;
    op->setAttr(kScratchAttrName, builder.getDenseI64ArrayAttr(offsets));
    Value first = op->getOperands().empty() ? Value() : op->getOperand(0);
    if (isa<RescaleOp>(op) && getPlace(first).offset == offsets[0])
      op->setAttr(kInPlaceAttrName, builder.getUnitAttr());
    // The end of a split merges into the split's results.
    if (auto split = dyn_cast<SplitOp>(op))
      split.getBody().front().getTerminator()->setAttr(
          kScratchAttrName, builder.getDenseI64ArrayAttr(offsets));
  });
  function->setAttr(kWorkspaceAttrName, builder.getI64IntegerAttr(bytes));
  (void)function.insertArgument(
      function.getNumArguments(),
      MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()), {},
      function.getLoc());
}

void AssignScratch::runOnOperation() {
  if (!getOperation()->hasAttr(kKernelAttrName) ||
      getOperation()->hasAttr(kWorkspaceAttrName))
    return;
  classes = {};
  places.clear();
  values.clear();
  carried.clear();
  copies.clear();
  if (failed(chooseLayouts()))
    return signalPassFailure();
  insertCopies();
  makePlaces();
  annotate(layOut());
}
