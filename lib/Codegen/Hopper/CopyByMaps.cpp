//===- CopyByMaps.cpp - Tensor copies of tiles ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorCopies.h"

#include "llvm/ADT/MapVector.h"

namespace simplexir {
#define GEN_PASS_DEF_COPYBYMAPS
#include "simplexir/Codegen/Hopper/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// What fills the slots of a channel.
struct Filled {
  OpenChannelOp open;
  SmallVector<std::pair<CopyOp, AcquireOp>> copies;
  SmallVector<AnnounceOp> announces;
};

class Rewriter {
public:
  Rewriter(func::FuncOp kernel, SpecializeOp roles)
      : kernel(kernel), roles(roles) {}

  bool run() {
    find();
    OpenChannelOp first;
    for (auto &[channel, filled] : channels)
      if (!first || filled.open->isBeforeInBlock(first))
        first = filled.open;
    if (!first)
      return false;
    ImplicitLocOpBuilder b(first.getLoc(), first);
    SmallVector<CopyOp> copies;
    for (auto &[channel, filled] : channels)
      llvm::append_range(copies, llvm::make_first_range(filled.copies));
    Value maps = emitHasMaps(b, copies);
    Value none = arith::XOrIOp::create(
        b, maps, arith::ConstantOp::create(b, b.getBoolAttr(true)).getResult());
    for (auto &[channel, filled] : channels) {
      filled.open.getByMapsMutable().assign(maps);
      for (auto [copy, acquire] : filled.copies)
        fetch(copy, acquire, maps);
      for (AnnounceOp announce : filled.announces)
        guard(announce, none);
    }
    return true;
  }

private:
  /// Channels, all of whose copies a tensor map can describe.
  void find() {
    for (auto open : kernel.getBody().front().getOps<OpenChannelOp>())
      if (open->isBeforeInBlock(roles))
        channels[open.getChannel()].open = open;
    roles.getCopy().walk([&](AnnounceOp announce) {
      channels[announce.getChannel()].announces.push_back(announce);
    });
    roles.getCopy().walk([&](CopyOp copy) {
      Operation *before = copy->getPrevNode();
      while (before && !isa<AcquireOp, CopyOp>(before))
        before = before->getPrevNode();
      if (auto acquire = dyn_cast_if_present<AcquireOp>(before))
        channels[acquire.getChannel()].copies.push_back({copy, acquire});
      else
        known = false;
    });
    // Whose slot is it that a copy fills?
    if (!known)
      channels.clear();
    channels.remove_if([&](auto &entry) {
      Filled &filled = entry.second;
      return !filled.open || filled.copies.empty() ||
             !llvm::all_of(filled.copies, [&](auto &copy) {
               return isTensorCopy(copy.first, filled.open);
             });
    });
  }

  static void fetch(CopyOp copy, AcquireOp acquire, Value maps) {
    ImplicitLocOpBuilder b(copy.getLoc(), copy);
    auto branch = scf::IfOp::create(b, maps, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    FetchOp::create(b, copy.getSource(), copy.getBatch(), copy.getSequence(),
                    copy.getHead(), copy.getDestination(), acquire.getChannel(),
                    acquire.getSlot(), acquire.getPhase());
    Operation *end = branch.elseBlock()->getTerminator();
    acquire->moveBefore(end);
    copy->moveBefore(end);
  }

  /// What a map brings announces itself.
  static void guard(AnnounceOp announce, Value none) {
    ImplicitLocOpBuilder b(announce.getLoc(), announce);
    auto branch = scf::IfOp::create(b, none, /*withElseRegion=*/false);
    announce->moveBefore(branch.thenBlock()->getTerminator());
  }

  func::FuncOp kernel;
  SpecializeOp roles;
  bool known = true;
  llvm::MapVector<Value, Filled> channels;
};

struct CopyByMapsPass : simplexir::impl::CopyByMapsBase<CopyByMapsPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!usesWarpgroups(kernel) || !hasCopyRole(kernel))
      return;
    SpecializeOp roles =
        *kernel.getBody().front().getOps<SpecializeOp>().begin();
    reportMaps(kernel, Rewriter(kernel, roles).run());
  }
};
} // namespace
