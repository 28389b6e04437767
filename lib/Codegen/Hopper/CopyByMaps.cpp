//===- CopyByMaps.cpp - Tensor copies of tiles ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Hopper/Passes.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
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
    Value maps = emitCondition(b);
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
               return canFetch(copy.first, filled.open);
             });
    });
  }

  /// Are the rows one after the other, of an argument, and go to boxes that
  /// have the layout of a map? Are the bounds known where the channel opens?
  bool canFetch(CopyOp copy, OpenChannelOp open) {
    auto source = dyn_cast<BlockArgument>(copy.getSource());
    auto boxes = cast<MemRefType>(copy.getDestination().getType());
    constexpr int64_t most = 256, period = 8;
    if (!source || source.getOwner() != &kernel.getBody().front() ||
        copy.getHeads() != 1 || boxes.getRank() != 3 ||
        boxes.getDimSize(1) > most || boxes.getDimSize(1) % period != 0)
      return false;
    auto [strides, offset] = boxes.getStridesAndOffset();
    int64_t width = boxes.getDimSize(2);
    if (strides[2] != 1 || strides[1] != width ||
        strides[0] != width * boxes.getDimSize(1))
      return false;
    return llvm::all_of(
        ValueRange{copy.getBegin(), copy.getEnd()},
        [&](Value bound) { return dominance.properlyDominates(bound, open); });
  }

  bool isFetched(Value operand) {
    return llvm::any_of(channels, [&](auto &entry) {
      return llvm::any_of(entry.second.copies, [&](auto &copy) {
        return copy.first.getSource() == operand;
      });
    });
  }

  /// Maps say zero outside of an operand, copies also outside of the key range,
  /// where an operand may hold anything: NaN times a probability of 0 is NaN.
  Value emitCondition(ImplicitLocOpBuilder &b) {
    Value maps = HasMapsOp::create(b);
    SetVector<std::pair<Value, Value>> bounds;
    for (auto &[channel, filled] : channels)
      for (auto &[copy, acquire] : filled.copies)
        bounds.insert({copy.getBegin(), copy.getEnd()});
    for (auto [begin, end] : bounds) {
      auto require = [&](arith::CmpIPredicate predicate, Value x, Value y) {
        Value holds = arith::CmpIOp::create(b, predicate, x, y);
        maps = arith::AndIOp::create(b, maps, holds);
      };
      if (!matchPattern(begin, m_Zero()))
        require(arith::CmpIPredicate::sle, begin,
                arith::ConstantIndexOp::create(b, 0));
      // Keys and values have one length.
      auto length = end.getDefiningOp<memref::DimOp>();
      if (length && length.getConstantIndex() == 1 &&
          isFetched(length.getSource()))
        continue;
      Value operand = channels.front().second.copies.front().first.getSource();
      require(arith::CmpIPredicate::sge, end,
              memref::DimOp::create(b, operand, 1));
    }
    return maps;
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
  DominanceInfo dominance;
  bool known = true;
  llvm::MapVector<Value, Filled> channels;
};

struct CopyByMapsPass : simplexir::impl::CopyByMapsBase<CopyByMapsPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr(kKernelAttrName) || !usesWarpgroups(kernel))
      return;
    auto roles = kernel.getBody().front().getOps<SpecializeOp>();
    auto options = remark::RemarkOpts::name("tensor-maps").category("simplex");
    if (roles.empty()) {
      remark::missed(kernel.getLoc(), options)
          << "no tensor maps: no warps of the kernel only copy";
      return;
    }
    if (Rewriter(kernel, *roles.begin()).run())
      remark::passed(kernel.getLoc(), options)
          << "tensor maps bring tiles of keys and values, where a launch has "
             "addresses and strides of whole 16 bytes and no shorter key range";
    else
      remark::missed(kernel.getLoc(), options)
          << "no tensor maps: tiles are not boxes of an operand's rows";
  }
};
} // namespace
