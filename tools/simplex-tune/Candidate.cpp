//===- Candidate.cpp - Schedules to try -----------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Candidate.h"

#include "simplexir/Codegen/Chips.h"
#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Pipelines.h"
#include "simplexir/Transforms/OuterRows.h"
#include "simplexir/Transforms/PermuteKeys.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"
#include <limits>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::tune;

bool Candidate::operator==(const Candidate &other) const {
  auto get = [](const Candidate &c) {
    return std::tie(c.order, c.rows, c.keys, c.splits, c.warps, c.stages,
                    c.wgmma, c.pairs, c.secondKeys, c.skew);
  };
  return get(*this) == get(other);
}

std::string Candidate::describe(ArrayRef<int64_t> windows) const {
  std::string text;
  raw_string_ostream os(text);
  os << "rows = " << rows << ", keys = " << keys;
  for (auto [name, value] : {std::make_pair(", splits = ", splits),
                             std::make_pair(", warps = ", warps),
                             std::make_pair(", stages = ", stages)})
    if (value != 1)
      os << name << value;
  if (wgmma)
    os << ", wgmma = true";
  if (pairs)
    os << ", pairs = true";
  if (secondKeys)
    os << ", second_keys = " << secondKeys;
  if (skew)
    os << ", skew = true";
  if (is_sorted(order))
    return text;
  os << "; windows [";
  interleaveComma(order, os, [&](int64_t key) { os << windows[key]; });
  os << "]";
  return text;
}

/// An unlimited window counts as the largest.
static int64_t getExtent(int64_t window) {
  return window == 0 ? std::numeric_limits<int64_t>::max() : window;
}

/// The compiler's order, largest window last; then, if wanted, those with
/// another key last. Only the written one where the form allows no other.
static std::vector<std::vector<int64_t>> listOrders(AttentionOp op, bool all) {
  ArrayRef<int64_t> windows = op.getWindows();
  auto written = to_vector(seq<int64_t>(0, windows.size()));
  SmallVector<int64_t> sorted(written);
  stable_sort(sorted, [&](int64_t a, int64_t b) {
    return getExtent(windows[a]) < getExtent(windows[b]);
  });
  std::vector<std::vector<int64_t>> orders;
  for (size_t last = sorted.size(); last-- > 0;) {
    SmallVector<int64_t> order(sorted);
    std::rotate(order.begin() + last, order.begin() + last + 1, order.end());
    bool sameWindow = last + 1 < sorted.size() &&
                      windows[sorted[last]] == windows[sorted[last + 1]];
    if (!sameWindow && (is_sorted(order) || op.getForm().permuteKeys(order)))
      orders.emplace_back(order.begin(), order.end());
    if (!all && !orders.empty())
      break;
  }
  if (orders.empty())
    orders.emplace_back(written.begin(), written.end());
  return orders;
}

Space tune::getDefaultSpace(AttentionOp op, bool gpu, bool wgmma) {
  Space space;
  int64_t group = op.getGroupSize();
  if (!gpu) {
    for (int64_t queries = 1; queries * std::min<int64_t>(group, 32) <= 64;
         queries *= 2)
      space.rows.push_back(queries * std::min<int64_t>(group, 32));
    space.keys = {16, 32, 64, 96, 128};
    space.splits = space.warps = space.stages = {1};
    return space;
  }
  space.rows = {16, 32, 64, 128};
  space.keys = {32, 64, 96, 128};
  space.splits = {1, 2, 4};
  space.warps = {4, 8};
  space.stages = {2};
  space.wgmma = wgmma;
  return space;
}

/// Columns of a second tile with which pairs end with the window of the last
/// key; 0 where tiles of one size visit no more.
static int64_t getSecondKeys(AttentionOp op, const Candidate &c) {
  int64_t last = op.getWindows()[c.order.back()];
  if (last == 0 || last > std::numeric_limits<int32_t>::max())
    return 0;
  int64_t queries = (c.skew ? ScheduleAttr::kGroupRows : c.rows) /
                    std::min(op.getGroupSize(), c.rows);
  int64_t length = (op.getBidirectional() ? 2 * last - 1 : last) + queries - 1;
  int64_t second = ScheduleAttr::fitPair(length, c.keys) - c.keys;
  bool fewer = second >= 16 && second < c.keys &&
               ScheduleAttr::coverLastKeys(length, c.keys, second) <
                   ScheduleAttr::coverLastKeys(length, c.keys, c.keys);
  return fewer ? second : 0;
}

/// Can groups of 64 rows see keys from their own windows on?
static bool canSkew(AttentionOp op, const Candidate &c) {
  constexpr int64_t group = ScheduleAttr::kGroupRows;
  int64_t heads = std::min(op.getGroupSize(), c.rows);
  if (!c.wgmma || c.splits != 1 || c.order.size() > 2 || c.rows <= group ||
      c.rows / heads == 1 || c.rows % group != 0 || group % heads != 0)
    return false;
  // Rows of outer keys are in shared memory.
  return all_of(c.order, [&](int64_t key) {
    int64_t window = op.getWindows()[key];
    return window != 0 && (key == c.order.back() ||
                           getUnionLength(window, op.getBidirectional(),
                                          c.rows / heads) <= kMostOuterRows);
  });
}

std::vector<Candidate> tune::listCandidates(AttentionOp op, const Space &space,
                                            bool gpu) {
  std::vector<Candidate> list;
  auto addSizes = [&](const Candidate &c) {
    list.push_back(c);
    if (c.pairs && c.keys % 16 == 0)
      if (int64_t second = getSecondKeys(op, c)) {
        list.push_back(c);
        list.back().secondKeys = second;
      }
  };
  auto add = [&](const Candidate &c) {
    int64_t last = op.getWindows()[c.order.back()];
    // Tiles longer than twice the window are mostly mask.
    bool tooLong = last && c.keys > 16 && c.keys >= 2 * last + c.rows;
    // A warp has 16 or 32 rows, with warpgroups always 16.
    int64_t warpRows = c.rows * c.splits;
    bool odd = gpu && warpRows != 16 * c.warps &&
               (c.wgmma || warpRows != 32 * c.warps);
    // A group of four warps belongs to one split.
    odd |= c.wgmma && c.warps % (4 * c.splits) != 0;
    // Pairs of tiles are for outer keys.
    odd |= c.pairs && (!c.wgmma || c.order.size() == 1);
    if (tooLong || odd || is_contained(list, c))
      return;
    addSizes(c);
    if (canSkew(op, c)) {
      Candidate skewed = c;
      skewed.skew = true;
      addSizes(skewed);
    }
  };
  for (const auto &order : listOrders(op, space.allOrders))
    for (bool wgmma : {true, false})
      for (int64_t rows : space.rows)
        for (int64_t keys : space.keys)
          for (int64_t splits : space.splits)
            for (int64_t warps : space.warps)
              for (int64_t stages : space.stages)
                for (bool pairs : {false, true})
                  if ((wgmma ? space.wgmma : space.mma) &&
                      (pairs ? space.pairs : space.single))
                    add({order, rows, keys, splits, warps, stages, wgmma,
                         pairs});
  return list;
}

Expected<Candidate> tune::getDefault(mlir::ModuleOp module, StringRef entry,
                                     StringRef chip) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  AttentionOp op;
  copy->walk([&](AttentionOp found) {
    if (found->getParentOfType<mlir::func::FuncOp>().getName() == entry)
      op = found;
  });
  op.removeScheduleAttr();
  mlir::PassManager manager(copy->getContext());
  bool gpu = isGpuChipName(chip);
  GpuChip gpuChip = {};
  if (gpu) {
    Expected<GpuChip> found = lookupGpuChip(chip);
    if (!found)
      return found.takeError();
    gpuChip = *found;
  }
  SmallVector<mlir::Value> keys(op.getKeys()), values(op.getValues());
  SmallVector<int64_t> windows(op.getWindows());
  buildSchedulePipeline(manager, gpu ? &gpuChip : nullptr);
  if (failed(manager.run(*copy)))
    return createStringError("");
  ScheduleAttr schedule = *op.getSchedule();
  Candidate candidate;
  candidate.rows = schedule.getRows();
  candidate.keys = schedule.getKeys();
  candidate.splits = schedule.getSplits();
  candidate.warps = schedule.getWarps();
  candidate.stages = schedule.getStages();
  candidate.wgmma = schedule.getWgmma();
  candidate.pairs = schedule.getPairs();
  candidate.secondKeys = schedule.getSecondKeys();
  candidate.skew = schedule.getSkew();
  // The pass moves operands. One array may be several keys.
  for (auto [key, value, window] :
       zip(op.getKeys(), op.getValues(), op.getWindows()))
    for (size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == key && values[i] == value && windows[i] == window &&
          !is_contained(candidate.order, static_cast<int64_t>(i))) {
        candidate.order.push_back(static_cast<int64_t>(i));
        break;
      }
  return candidate;
}

mlir::LogicalResult tune::apply(AttentionOp op, const Candidate &candidate) {
  ArrayRef<int64_t> order = candidate.order;
  mlir::MLIRContext *context = op.getContext();
  auto schedule = ScheduleAttr::getChecked(
      [&] { return op.emitOpError(); }, context, candidate.rows, candidate.keys,
      candidate.splits, candidate.warps, candidate.stages, candidate.wgmma,
      candidate.pairs, candidate.secondKeys, candidate.skew);
  if (!schedule)
    return mlir::failure();
  op.setScheduleAttr(schedule);
  if (is_sorted(order))
    return mlir::success();
  if (failed(permuteKeys(op, order)))
    return op.emitOpError("form ")
           << op.getForm() << " does not let its keys change places";
  return mlir::success();
}
