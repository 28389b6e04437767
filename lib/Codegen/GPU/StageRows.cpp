//===- StageRows.cpp - Rows of outer keys in shared memory ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Codegen/SharedMemory.h"
#include "simplexir/Transforms/OuterRows.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace simplexir {
#define GEN_PASS_DEF_STAGEROWS
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// Rows that one loop over an outer key visits, at most: those of its window,
/// for all queries of a tile. 0 where there is no bound.
int64_t getMaxRows(scf::ForOp loop) {
  int64_t rows = 0;
  loop.walk([&](MaskOp mask) {
    for (auto [key, window] :
         llvm::zip_first(mask.getOuter(), mask.getWindows())) {
      if (key != loop.getInductionVar() || window == 0)
        continue;
      auto tile = cast<TileType>(mask.getType());
      int64_t queries = llvm::divideCeil(tile.getRows(), mask.getHeads());
      rows = getUnionLength(window, mask.getBidirectional(), queries);
    }
  });
  return rows;
}

/// The first row that any share of the loop visits; null if it is not clear.
Value getFirstRow(scf::ForOp loop) {
  Value begin = loop.getLowerBound();
  auto split = loop->getParentOfType<SplitOp>();
  if (!split || !split.getBody().isAncestor(begin.getParentRegion()))
    return begin;
  Value share = split.getBody().front().getArgument(0);
  auto add = begin.getDefiningOp<arith::AddIOp>();
  if (!add || (add.getLhs() != share && add.getRhs() != share))
    return {};
  return add.getLhs() == share ? add.getRhs() : add.getLhs();
}

struct StageRowsPass : simplexir::impl::StageRowsBase<StageRowsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!getOperation()->hasAttr(kKernelAttrName))
      return;
    hoistNumbers();
    SmallVector<LoadOp> loads;
    auto schedule =
        getOperation()->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    int64_t used = schedule && schedule.getWgmma() ? kChannelBytes : 0;
    getOperation().walk([&](Operation *op) {
      if (auto load = dyn_cast<LoadOp>(op)) {
        if (isOuterRows(load.getType()))
          loads.push_back(load);
      } else if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        used +=
            getSharedBytes(alloc.getType(), alloc.getAlignment().value_or(0));
      }
    });
    int64_t room = getRoom(used);
    for (LoadOp load : loads)
      stage(load, room);
  }

  /// Numbers that are the same in every share of a split are computed before
  /// it: rows that they address are the same, too.
  void hoistNumbers() {
    for (auto split :
         llvm::to_vector(getOperation().getBody().front().getOps<SplitOp>())) {
      Region &shares = split.getBody();
      for (Operation &op :
           llvm::make_early_inc_range(shares.front().without_terminator())) {
        bool isNumber = llvm::all_of(op.getResultTypes(), [](Type type) {
          return isa<IndexType, IntegerType>(type);
        });
        bool isShared = llvm::none_of(op.getOperands(), [&](Value operand) {
          return shares.isAncestor(operand.getParentRegion());
        });
        if (isNumber && isShared && op.getNumRegions() == 0 && isPure(&op))
          op.moveBefore(split);
      }
    }
  }

  /// What a block may still take so that as many of them fit a multiprocessor
  /// as now. Each block costs another KB. One with warpgroup products takes all
  /// registers.
  int64_t getRoom(int64_t used) {
    constexpr int64_t reserved = 1024;
    auto schedule =
        getOperation()->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
    int64_t blocks =
        schedule && schedule.getWgmma()
            ? 1
            : std::max<int64_t>(sharedPerProcessor / (used + reserved), 1);
    return std::min<int64_t>(sharedPerBlock,
                             sharedPerProcessor / blocks - reserved) -
           used;
  }

  void stage(LoadOp load, int64_t &room) {
    auto argument = dyn_cast<BlockArgument>(load.getSequence());
    auto loop = argument
                    ? dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp())
                    : scf::ForOp();
    if (!loop || argument != loop.getInductionVar())
      return;
    int64_t rows = getMaxRows(loop);
    Value first = getFirstRow(loop);
    // All of it goes before the operation of the kernel's body that holds the
    // loops, so that is where its operands must be known.
    Block &body = getOperation().getBody().front();
    Operation *outermost = body.findAncestorOpInBlock(*loop);
    auto isKnown = [&](Value value) {
      return value && value.getParentBlock() == &body;
    };
    if (rows == 0 || rows > static_cast<int64_t>(maxRows) || !isKnown(first) ||
        !llvm::all_of(load->getOperands(), [&](Value operand) {
          return operand == argument || isKnown(operand);
        }))
      return;
    auto type = load.getType();
    ImplicitLocOpBuilder b(load.getLoc(), outermost);
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    auto bufferType =
        MemRefType::get({rows, type.getColumns()}, type.getElementType(),
                        MemRefLayoutAttrInterface(), space);
    if (getSharedBytes(bufferType) > room)
      return;
    room -= getSharedBytes(bufferType);
    Value buffer = memref::AllocOp::create(b, bufferType);
    CopyOp::create(b, load.getSource(), load.getBatch(), first, load.getHead(),
                   load.getBegin(), load.getEnd(), load.getHeadEnd(), buffer,
                   load.getHeadsAttr());
    if (ChunkedAttr layout = load.getLayoutAttr()) {
      CopyWaitOp::create(b);
      ArrangeOp::create(b, buffer, layout);
      gpu::BarrierOp::create(b);
    }
    b.setInsertionPoint(load);
    Value row = arith::SubIOp::create(b, argument, first);
    auto staged = LoadRowOp::create(b, type, buffer, row, load.getSkew());
    // Skewed loops have few registers left.
    if (load.getSkew() != 0 &&
        llvm::all_of(load->getUsers(), llvm::IsaPred<FoldOp>))
      staged->setAttr(kReadLateAttrName, b.getUnitAttr());
    load.replaceAllUsesWith(staged.getResult());
    load.erase();
  }
};
} // namespace
