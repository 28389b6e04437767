//===- FetchPairs.cpp - Tensor copies of pairs of tiles -------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first pair is asked for before the loop, the next one when all have left
// the one before. Its tiles are waited for where they are first read: the first
// tile of the key before the logits of the first outer key, the others when
// these have been computed. The channel has a slot for the former and one for
// the latter. Second tiles come for odd last tiles, too, and are not read: then
// slots are filled alike, and have one phase.
//
//===----------------------------------------------------------------------===//

#include "TensorCopies.h"

#include "simplexir/Codegen/SharedMemory.h"

namespace simplexir {
#define GEN_PASS_DEF_FETCHPAIRS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct Tile {
  CopyOp copy;
  bool isSecond;
  /// Needed at once, not only after the first logits.
  bool isEarly;
};

class PairCopies {
public:
  static std::optional<PairCopies> match(func::FuncOp kernel) {
    SmallVector<scf::ForOp> loops;
    kernel.walk([&](scf::ForOp loop) {
      if (llvm::hasNItems(loop.getBody()->getOps<CopyWaitOp>(), 2))
        loops.push_back(loop);
    });
    if (loops.size() != 1)
      return std::nullopt;
    PairCopies found;
    found.loop = loops.front();
    found.kernel = kernel;
    if (!found.findRounds())
      return std::nullopt;
    found.outermost = found.round->findAncestorOpInBlock(*found.loop);
    if (!found.findCopies())
      return std::nullopt;
    found.findInner();
    found.findEarly();
    return found;
  }

  void run() {
    ImplicitLocOpBuilder b(loop.getLoc(), &kernel.getBody().front(),
                           kernel.getBody().front().begin());
    SmallVector<int64_t> fetches;
    for (bool early : {true, false})
      if (int64_t count = llvm::count_if(
              tiles, [&](const Tile &tile) { return tile.isEarly == early; }))
        fetches.push_back(count);
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    channel = memref::AllocOp::create(
        b, MemRefType::get({2, static_cast<int64_t>(fetches.size())},
                           b.getI64Type(), MemRefLayoutAttrInterface(), space));
    Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
    OpenChannelOp::create(b, channel, /*by_threads=*/UnitAttr(), always,
                          b.getDenseI64ArrayAttr(fetches));
    gpu::BarrierOp::create(b);
    b.setInsertionPoint(outermost);
    SmallVector<CopyOp> copies;
    for (const Tile &tile : tiles)
      copies.push_back(tile.copy);
    maps = emitHasMaps(b, copies);
    emitPhase();
    emitFetches();
    emitCopies();
    if (inner) {
      b.setInsertionPoint(inner);
      receiveLate(b);
      // So does a group without outer keys: nobody may ask for more, or leave,
      // while tiles are on their way.
      auto branch = cast<scf::IfOp>(inner->getParentOp());
      b.setInsertionPointToStart(branch.elseBlock());
      receiveLate(b);
    }
  }

private:
  bool findCopies() {
    auto waits = loop.getBody()->getOps<CopyWaitOp>();
    left = *waits.begin();
    arrived = *std::next(waits.begin());
    for (Operation *op = left->getNextNode(); op != arrived;
         op = op->getNextNode()) {
      if (auto copy = dyn_cast<CopyOp>(op))
        tiles.push_back({copy, false, true});
      else if (auto branch = dyn_cast<scf::IfOp>(op); branch && !second)
        second = branch;
      else if (!isPure(op))
        return false;
    }
    if (!second || tiles.empty() || second.elseBlock())
      return false;
    for (auto copy : second.thenBlock()->getOps<CopyOp>())
      tiles.push_back({copy, true, true});
    return llvm::all_of(tiles, [&](const Tile &tile) {
      return isTensorCopy(tile.copy, outermost);
    });
  }

  /// A round that begins again (--simplex-speculate-maximum), once at most,
  /// goes on with the phases of the one before.
  bool findRounds() {
    round = &kernel.getBody().front();
    auto rounds = loop->getParentOfType<scf::WhileOp>();
    if (!rounds)
      return true;
    round = rounds.getBeforeBody();
    if (round->getNumArguments() != 1 ||
        !round->getArgument(0).getType().isInteger(1))
      return false;
    again = round->getArgument(0);
    return true;
  }

  /// The rotated loop over outer keys, in a branch for groups that have some.
  void findInner() {
    loop.getBody()->walk<WalkOrder::PreOrder>([&](scf::ForOp found) {
      inner = found;
      return WalkResult::interrupt();
    });
    auto branch =
        inner ? dyn_cast<scf::IfOp>(inner->getParentOp()) : scf::IfOp();
    if (!branch || branch->getBlock() != loop.getBody() || !branch.elseBlock())
      inner = {};
  }

  void findEarly() {
    if (!inner)
      return;
    DenseSet<Value> first, arranged;
    for (Operation &op : *inner->getBlock()) {
      if (&op == inner)
        break;
      if (auto contract = dyn_cast<ContractOp>(op))
        first.insert(getBuffer(contract.getRhs()));
      else if (auto start = dyn_cast<StartContractOp>(op))
        first.insert(getBuffer(start.getRhs()));
    }
    loop.walk([&](ArrangeOp arrange) {
      arranged.insert(getBuffer(arrange.getBuffer()));
    });
    for (Tile &tile : tiles) {
      Value buffer = getBuffer(tile.copy.getDestination());
      tile.isEarly = arranged.contains(buffer) ||
                     (!tile.isSecond && first.contains(buffer));
    }
    // Both slots have tiles, or there is one slot.
    auto isEarly = [](const Tile &tile) { return tile.isEarly; };
    if (llvm::all_of(tiles, isEarly) || llvm::none_of(tiles, isEarly)) {
      inner = {};
      for (Tile &tile : tiles)
        tile.isEarly = true;
    }
  }

  /// The parity of an index.
  static Value isOdd(ImplicitLocOpBuilder &b, Value number) {
    Value one = arith::ConstantIndexOp::create(b, 1);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                 arith::AndIOp::create(b, number, one), one);
  }

  /// How many pairs are left from one on.
  Value countPairs(ImplicitLocOpBuilder &b, Value from) {
    Value length = arith::SubIOp::create(b, loop.getUpperBound(), from);
    length =
        arith::MaxSIOp::create(b, length, arith::ConstantIndexOp::create(b, 0));
    return arith::CeilDivUIOp::create(b, length, loop.getStep());
  }

  /// The phase of a pair is how often the slots were filled before, odd or
  /// even. Counted from the end: what says where a loop began would take
  /// registers in the loops over outer keys.
  void emitPhase() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    Value odd = isOdd(b, countPairs(b, loop.getLowerBound()));
    if (again) {
      Value no = arith::ConstantOp::create(b, b.getBoolAttr(false));
      odd = arith::SelectOp::create(b, again, no, odd);
    }
    b.setInsertionPoint(second);
    phase = arith::XOrIOp::create(
        b, isOdd(b, countPairs(b, loop.getInductionVar())), odd);
  }

  static Value getSlot(ImplicitLocOpBuilder &b, bool early) {
    return arith::ConstantIndexOp::create(b, early ? 0 : 1);
  }

  /// What a value of the loop is for another pair.
  Value compute(ImplicitLocOpBuilder &b, IRMapping &mapping, Value value) {
    Operation *op = value.getDefiningOp();
    if (mapping.contains(value) || !op || !loop->isAncestor(op))
      return mapping.lookupOrDefault(value);
    for (Value operand : op->getOperands())
      (void)compute(b, mapping, operand);
    return b.clone(*op, mapping)->getResult(0);
  }

  /// Asks for the pair that begins at `column`, where there is one.
  void fetchPair(ImplicitLocOpBuilder &b, Value column, bool wait) {
    Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, column,
                                      loop.getUpperBound());
    auto branch = scf::IfOp::create(b, arith::AndIOp::create(b, maps, any),
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    if (wait)
      CopyWaitOp::create(b);
    IRMapping mapping;
    mapping.map(loop.getInductionVar(), column);
    auto get = [&](Value value) { return compute(b, mapping, value); };
    for (const Tile &tile : tiles) {
      CopyOp copy = tile.copy;
      FetchOp::create(b, copy.getSource(), get(copy.getBatch()),
                      get(copy.getSequence()), get(copy.getHead()),
                      get(copy.getDestination()), channel,
                      getSlot(b, tile.isEarly), /*phase=*/Value());
    }
  }

  /// Tensor copies before the loop and at its end.
  void emitFetches() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    // The last round's stores and loads go another way than tensor copies.
    if (again) {
      auto branch = scf::IfOp::create(b, again, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      CopyWaitOp::create(b);
    }
    fetchPair(b, loop.getLowerBound(), /*wait=*/false);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    Value next =
        arith::AddIOp::create(b, loop.getInductionVar(), loop.getStep());
    fetchPair(b, next, /*wait=*/true);
  }

  /// In the loop, copies where there are no maps.
  void emitCopies() {
    ImplicitLocOpBuilder b(loop.getLoc(), second);
    auto branch = scf::IfOp::create(b, maps, /*withElseRegion=*/true);
    Operation *end = branch.elseBlock()->getTerminator();
    b.setInsertionPointToStart(branch.thenBlock());
    receive(b, /*early=*/true);
    for (const Tile &tile : tiles)
      if (!tile.isSecond)
        tile.copy->moveBefore(end);
    second->moveBefore(end);
    arrived->moveBefore(end);
  }

  /// Waits for late tiles, where maps bring them.
  void receiveLate(ImplicitLocOpBuilder &b) {
    auto branch = scf::IfOp::create(b, maps, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    receive(b, /*early=*/false);
  }
  void receive(ImplicitLocOpBuilder &b, bool early) {
    ReceiveOp::create(b, channel, getSlot(b, early), phase);
  }

  func::FuncOp kernel;
  scf::ForOp loop, inner;
  /// What is done again where a round finds its maxima too low.
  Block *round = nullptr;
  /// The operation of it that holds the loop.
  Operation *outermost = nullptr;
  CopyWaitOp left, arrived;
  scf::IfOp second;
  SmallVector<Tile> tiles;
  Value again, maps, channel, phase;
};

struct FetchPairsPass : simplexir::impl::FetchPairsBase<FetchPairsPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    // Copies of a role are those of --simplex-copy-by-maps.
    if (!usesWarpgroups(kernel) || hasCopyRole(kernel))
      return;
    auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    std::optional<PairCopies> copies;
    if (schedule.getPairs())
      copies = PairCopies::match(kernel);
    if (copies)
      copies->run();
    reportMaps(kernel, copies.has_value());
  }
};
} // namespace
