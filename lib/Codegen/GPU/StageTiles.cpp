//===- StageTiles.cpp - Shared memory and asynchronous copies -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Codegen/SharedMemory.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace simplexir {
#define GEN_PASS_DEF_STAGETILES
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// A padded row: its length in 16-byte units is odd, so the eight rows that an
/// ldmatrix reads at one column lie in different banks.
int64_t getPitch(int64_t columns, Type element) {
  return columns + 16 * 8 / element.getIntOrFloatBitWidth();
}

MemRefType getSharedType(ArrayRef<int64_t> shape, Type element) {
  return MemRefType::get(
      shape, element, MemRefLayoutAttrInterface(),
      gpu::AddressSpaceAttr::get(element.getContext(),
                                 gpu::AddressSpace::Workgroup));
}

/// A buffer of padded rows, seen without the padding.
Value allocShared(ImplicitLocOpBuilder &b, int64_t count, TileType tile) {
  int64_t pitch = getPitch(tile.getColumns(), tile.getElementType());
  Value buffer = memref::AllocOp::create(
      b, getSharedType({count, tile.getRows(), pitch}, tile.getElementType()));
  SmallVector<OpFoldResult> zero(3, b.getIndexAttr(0)),
      one(3, b.getIndexAttr(1)),
      sizes{b.getIndexAttr(count), b.getIndexAttr(tile.getRows()),
            b.getIndexAttr(tile.getColumns())};
  return memref::SubViewOp::create(b, buffer, zero, sizes, one);
}

/// A buffer of boxes of 128-byte rows, as warpgroup products read them.
Value allocBoxes(ImplicitLocOpBuilder &b, int64_t count, TileType tile) {
  int64_t width = 128 * 8 / tile.getElementType().getIntOrFloatBitWidth();
  int64_t boxes = llvm::divideCeil(tile.getColumns(), width);
  MemRefType type = getSharedType({count, boxes, tile.getRows(), width},
                                  tile.getElementType());
  // The pattern of the banks repeats after eight rows.
  return memref::AllocOp::create(b, type, b.getI64IntegerAttr(1024));
}

struct StageTilesPass : simplexir::impl::StageTilesBase<StageTilesPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(kKernelAttrName))
      return;
    auto schedule =
        getOperation()->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    if (!schedule || schedule.getStages() != 2) {
      getOperation()->emitError("simplex-stage-tiles needs a tiled kernel "
                                "whose schedule has stages = 2");
      return signalPassFailure();
    }
    llvm::SetVector<LoadOp> queries;
    llvm::MapVector<scf::ForOp, llvm::SetVector<LoadOp>> tiles;
    getOperation().walk([&](Operation *op) {
      if (auto combine = dyn_cast<CombineOp>(op)) {
        if (auto load = combine.getQuery().getDefiningOp<LoadOp>())
          queries.insert(load);
      } else if (auto contract = dyn_cast<ContractOp>(op)) {
        auto load = contract.getRhs().getDefiningOp<LoadOp>();
        if (auto loop =
                load ? dyn_cast<scf::ForOp>(load->getParentOp()) : scf::ForOp())
          tiles[loop].insert(load);
      }
    });
    hoistRows();
    if (schedule.getWgmma())
      for (auto &[loop, loads] : tiles)
        for (LoadOp load : loads)
          if (failed(verifyBoxes(load)))
            return signalPassFailure();
    for (LoadOp load : queries)
      stageQuery(load);
    for (auto &[loop, loads] : tiles) {
      if (schedule.getPairs() && failed(verifyPairs(loop)))
        return signalPassFailure();
      SmallVector<LoadOp> list(loads.begin(), loads.end());
      if (schedule.getPairs())
        stagePairs(loop, list, schedule);
      else
        stageLoop(loop, list);
    }
    if (schedule.getWgmma())
      sinkCombined();
  }

  /// What a schedule may ask for and warpgroup products cannot do.
  static LogicalResult verifyBoxes(LoadOp load) {
    Type element = load.getType().getElementType();
    if (!element.isBF16() && !element.isF16())
      return load.emitError("schedule: wgmma multiplies bf16 and f16, found ")
             << element;
    return success();
  }

  static LogicalResult verifyPairs(scf::ForOp loop) {
    if (loop.getBody()->getOps<scf::ForOp>().empty())
      return loop.emitError("schedule: pairs of tiles are for outer keys, and "
                            "here are none (n = 2)");
    return success();
  }

  /// The left operand of a warpgroup product is made where it is used: ptxas
  /// (13.0) gives one that lives across a loop's products to other values. (But
  /// see --simplex-rotate-tiles.)
  void sinkCombined() {
    getOperation().walk([](ContractOp op) {
      Operation *combine = op.getLhs().getDefiningOp<CombineOp>();
      if (combine && combine->hasOneUse())
        combine->moveBefore(op);
    });
  }

  /// Rows of outer keys and values are asked for at the start of their step, so
  /// that they arrive during its first product.
  void hoistRows() {
    SmallVector<LoadOp> rows;
    getOperation().walk([&](LoadOp load) {
      if (isOuterRows(load.getType()))
        rows.push_back(load);
    });
    for (LoadOp load : llvm::reverse(rows)) {
      Block *block = load->getBlock();
      if (llvm::all_of(load->getOperands(), [&](Value operand) {
            Operation *def = operand.getDefiningOp();
            return !def || def->getBlock() != block;
          }))
        load->moveBefore(block, block->begin());
    }
  }

  void stageQuery(LoadOp load) {
    ImplicitLocOpBuilder b(load.getLoc(), load);
    Value ring = allocShared(b, 1, load.getType());
    Value buffer = getRingSlot(b, ring, arith::ConstantIndexOp::create(b, 0));
    emitCopy(b, load, load.getSequence(), buffer);
    // A combined tile without outer keys is made once, before the loop: then
    // the query must be there. Otherwise the first tile's wait will do.
    bool early =
        load.getLayout() || llvm::any_of(load->getUsers(), [](Operation *user) {
          auto combine = dyn_cast<CombineOp>(user);
          return !combine || combine.getKeys().empty();
        });
    if (early)
      CopyWaitOp::create(b);
    if (arrange(b, load, buffer))
      gpu::BarrierOp::create(b);
    load.getResult().replaceAllUsesWith(buffer);
    load.erase();
  }

  /// Of a matrix: rows one after the other.
  static CopyOp emitCopy(ImplicitLocOpBuilder &b, LoadOp load, Value sequence,
                         Value buffer) {
    return CopyOp::create(b, load.getSource(), load.getBatch(), sequence,
                          load.getHead(), load.getBegin(), load.getEnd(),
                          load.getHeadEnd(), buffer, load.getHeadsAttr());
  }

  /// Copies keep the order of head dims; true if it is not the wanted one.
  static bool arrange(ImplicitLocOpBuilder &b, LoadOp load, Value buffer) {
    if (!load.getLayout())
      return false;
    ArrangeOp::create(b, buffer, load.getLayoutAttr());
    return true;
  }

  /// Tiles of the last value are right operands as they are.
  static bool isValue(LoadOp load) {
    return llvm::none_of(load->getUsers(), [](Operation *user) {
      auto contract = dyn_cast<ContractOp>(user);
      return !contract || contract.getTransposed();
    });
  }

  static Value getNextSlot(ImplicitLocOpBuilder &b, Value slot,
                           int64_t length) {
    if (length == 2)
      return arith::SubIOp::create(b, arith::ConstantIndexOp::create(b, 1),
                                   slot);
    Value last =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, slot,
                              arith::ConstantIndexOp::create(b, length - 1));
    Value next =
        arith::AddIOp::create(b, slot, arith::ConstantIndexOp::create(b, 1));
    return arith::SelectOp::create(b, last,
                                   arith::ConstantIndexOp::create(b, 0), next);
  }

  /// Both tiles of a pair are there at once; the next pair takes their place.
  /// --simplex-pair-tiles makes use of the second one.
  void stagePairs(scf::ForOp loop, MutableArrayRef<LoadOp> loads,
                  ScheduleAttr schedule) {
    moveLoopInvariantCode(loop);
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    // With a skew, tiles have more rows than columns.
    int64_t fewer = schedule.getKeys() - schedule.getSecondColumns();
    int64_t secondRows =
        fewer ? loads.front().getType().getRows() - fewer : int64_t{0};
    SmallVector<Value> rings;
    for (LoadOp load : loads)
      rings.push_back(allocBoxes(b, 2, cast<TileType>(load.getType())));
    Value step = loop.getStep();
    Value columns =
        arith::ConstantIndexOp::create(b, schedule.getSecondColumns());
    loop.setStep(arith::AddIOp::create(b, step, columns));
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> first;
    Value zero = arith::ConstantIndexOp::create(b, 0);
    for (Value ring : rings)
      first.push_back(getRingSlot(b, ring, zero));
    auto copy = [&](Value column, int64_t slot, int64_t rows) {
      for (auto [load, ring] : llvm::zip_equal(loads, rings)) {
        Value place =
            getRingSlot(b, ring, arith::ConstantIndexOp::create(b, slot), rows);
        emitCopy(b, load, column, place)
            ->setAttr(kUnrollAttrName, b.getUnitAttr());
      }
    };
    CopyWaitOp::create(b);
    copy(loop.getInductionVar(), 0, 0);
    Value next = arith::AddIOp::create(b, loop.getInductionVar(), step);
    Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, next,
                                       loop.getUpperBound());
    auto second = scf::IfOp::create(b, more, /*withElseRegion=*/false);
    b.setInsertionPointToStart(second.thenBlock());
    copy(next, 1, secondRows);
    b.setInsertionPointAfter(second);
    CopyWaitOp::create(b);
    arrangePairs(b, loads, rings, more, secondRows);
    b.setInsertionPointAfter(loop);
    CopyWaitOp::create(b);
    for (auto [load, tile] : llvm::zip_equal(loads, first)) {
      load.getResult().replaceAllUsesWith(tile);
      load->erase();
    }
  }

  static void arrangePairs(ImplicitLocOpBuilder &b,
                           MutableArrayRef<LoadOp> loads, ArrayRef<Value> rings,
                           Value more, int64_t secondRows) {
    bool any = false;
    for (int64_t slot : {0, 1}) {
      OpBuilder::InsertionGuard guard(b);
      if (slot == 1) {
        auto second = scf::IfOp::create(b, more, /*withElseRegion=*/false);
        b.setInsertionPointToStart(second.thenBlock());
      }
      for (auto [load, ring] : llvm::zip_equal(loads, rings))
        if (load.getLayout())
          any |= arrange(b, load,
                         getRingSlot(b, ring,
                                     arith::ConstantIndexOp::create(b, slot),
                                     slot == 1 ? secondRows : 0));
    }
    if (any)
      gpu::BarrierOp::create(b);
  }

  void stageLoop(scf::ForOp loop, SmallVector<LoadOp> loads) {
    // What addresses a tile must be known before the loop, for the first copy.
    moveLoopInvariantCode(loop);
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    SmallVector<Value> rings;
    Value zero = arith::ConstantIndexOp::create(b, 0);
    auto schedule =
        getOperation()->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    // Rotated (--simplex-rotate-tiles), a loop multiplies with the last tile of
    // values when it has got the next one.
    bool later =
        schedule.getWgmma() && loop.getBody()->getOps<scf::ForOp>().empty();
    SmallVector<int64_t> stages, lengths;
    for (LoadOp load : loads) {
      auto tile = cast<TileType>(load.getType());
      stages.push_back(later && isValue(load) ? 3 : 2);
      rings.push_back(schedule.getWgmma()
                          ? allocBoxes(b, stages.back(), tile)
                          : allocShared(b, stages.back(), tile));
      if (!llvm::is_contained(lengths, stages.back()))
        lengths.push_back(stages.back());
    }
    auto copy = [&](Value column, llvm::function_ref<Value(int64_t)> slot) {
      for (auto [load, ring, length] : llvm::zip_equal(loads, rings, stages))
        if (auto made =
                emitCopy(b, load, column, getRingSlot(b, ring, slot(length)));
            schedule.getWgmma())
          made->setAttr(kUnrollAttrName, b.getUnitAttr());
    };
    copy(loop.getLowerBound(), [&](int64_t) { return zero; });

    // The slots of the current tiles are carried with the loop's state, one
    // for each length of a ring.
    IRRewriter rewriter(b);
    auto staged = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
        rewriter, SmallVector<Value>(lengths.size(), zero),
        /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &builder, Location loc, ArrayRef<BlockArgument> args) {
          SmallVector<Value> next;
          ImplicitLocOpBuilder inner(loc, builder);
          for (auto [length, slot] : llvm::zip_equal(lengths, args))
            next.push_back(getNextSlot(inner, slot, length));
          return next;
        }));
    auto getCurrent = [&](int64_t length) -> Value {
      size_t place = llvm::find(lengths, length) - lengths.begin();
      return staged.getRegionIterArgs().take_back(lengths.size())[place];
    };
    b.setInsertionPointToStart(staged.getBody());
    CopyWaitOp::create(b);
    Value next =
        arith::AddIOp::create(b, staged.getInductionVar(), staged.getStep());
    Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, next,
                                       staged.getUpperBound());
    auto prefetch = scf::IfOp::create(b, more, /*withElseRegion=*/false);
    SmallVector<Value> current;
    bool arranged = false;
    for (auto [load, ring, length] : llvm::zip_equal(loads, rings, stages)) {
      current.push_back(getRingSlot(b, ring, getCurrent(length)));
      arranged |= arrange(b, load, current.back());
    }
    if (arranged)
      gpu::BarrierOp::create(b);
    b.setInsertionPointToStart(prefetch.thenBlock());
    copy(next, [&](int64_t length) {
      return getNextSlot(b, getCurrent(length), length);
    });
    // The copies above read the loads' operands, so these go last.
    for (auto [load, buffer] : llvm::zip_equal(loads, current)) {
      load.getResult().replaceAllUsesWith(buffer);
      load->erase();
    }
    // Whoever takes the rings' place must find them quiet.
    b.setInsertionPointAfter(staged);
    CopyWaitOp::create(b);
  }
};
} // namespace
