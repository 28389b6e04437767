//===- SelectSchedule.cpp - Key order, tile shapes, mapping ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleCost.h"
#include "simplexir/Transforms/Passes.h"
#include "simplexir/Transforms/PermuteKeys.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include <utility>

namespace simplexir {
#define GEN_PASS_DEF_SELECTSCHEDULE
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct SelectSchedulePass
    : simplexir::impl::SelectScheduleBase<SelectSchedulePass> {
  using Base::Base;

  void runOnOperation() override {
    if (target != "cpu" && target != "gpu") {
      getOperation()->emitError("simplex-select-schedule: target is '")
          << target << "', expected cpu or gpu";
      return signalPassFailure();
    }
    if (mmaFlops <= 0 || wgmmaFlops < 0 || exponentials <= 0) {
      getOperation()->emitError("simplex-select-schedule: mma-flops, "
                                "wgmma-flops and exponentials are ")
          << mmaFlops.getValue() << ", " << wgmmaFlops.getValue() << " and "
          << exponentials.getValue()
          << ", expected positive numbers (wgmma-flops may be 0)";
      return signalPassFailure();
    }
    if (processorSharedMemory <= 0) {
      getOperation()->emitError(
          "simplex-select-schedule: processor-shared-memory is ")
          << processorSharedMemory.getValue() << ", expected a positive number";
      return signalPassFailure();
    }
    if (pairs < -1 || pairs > 1) {
      getOperation()->emitError("simplex-select-schedule: pairs is ")
          << pairs.getValue() << ", expected 0, 1 or -1 (choose)";
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](AttentionOp op) {
      bool gpu = target == "gpu";
      if ((gpu && failed(checkElement(op))) || failed(select(op)) ||
          (gpu && failed(checkSharedMemory(op))))
        return WalkResult::interrupt();
      report(op);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  using Parts = ScheduleParts;
  /// Bytes for channels, and for where buffers have to begin.
  static constexpr int64_t kReserve = 4096;

  ChipFigures getChip() const {
    return {processorSharedMemory, mmaFlops, wgmmaFlops, exponentials};
  }
  static Parts getParts(ScheduleAttr schedule) {
    return {schedule.getRows(),  schedule.getKeys(),       schedule.getSplits(),
            schedule.getWarps(), schedule.getStages(),     schedule.getWgmma(),
            schedule.getPairs(), schedule.getSecondKeys(), schedule.getSkew()};
  }

  LogicalResult select(AttentionOp op) {
    if (op.getSchedule())
      return success();
    orderKeys(op);
    Parts parts = target != "gpu" ? chooseCPU(op) : chooseGPU(op);
    if (target == "gpu" && wgmma)
      chooseWarpgroups(op, parts);
    override(parts.rows, rows);
    override(parts.keys, keys);
    override(parts.splits, splits);
    override(parts.warps, warps);
    override(parts.stages, stages);
    parts.pairs = choosePairs(op, parts);
    if (keys != 0 || !parts.pairs)
      parts.secondKeys = 0;
    auto schedule = ScheduleAttr::getChecked(
        [&] { return op.emitOpError(); }, &getContext(), parts.rows, parts.keys,
        parts.splits, parts.warps, parts.stages, parts.wgmma, parts.pairs,
        parts.secondKeys, parts.skew);
    if (!schedule)
      return failure();
    op.setScheduleAttr(schedule);
    return success();
  }

  static void override(int64_t &part, int64_t option) {
    if (option != 0)
      part = option;
  }

  /// Two tiles at a time, where there can be two: half the combined tiles and
  /// folds, for no more memory.
  bool choosePairs(AttentionOp op, const Parts &parts) const {
    if (pairs >= 0)
      return pairs != 0;
    // At D 128, biases of values and a second outer row in each step need
    // registers that ptxas does not find: 952 and 368 bytes of spills where
    // single tiles have 100 and 196.
    constexpr int64_t wide = 96;
    bool isFull = std::max(op.getHeadDim(), op.getValueDim()) > wide &&
                  (op.getValueBiases() || !hasOneOuterRow(op, parts));
    std::optional<int64_t> length =
        getLastLength(op, getQueriesTogether(op, parts));
    return parts.wgmma && op.getKeys().size() > 1 && !isFull &&
           (!length || *length > parts.keys);
  }

  /// Does a step read one row of outer keys: the only one, or a product of
  /// several that --simplex-multiply-rows keeps in a table?
  static bool hasOneOuterRow(AttentionOp op, const Parts &parts) {
    if (op.getKeys().size() == 2)
      return true;
    if (!op.getElementType().isBF16() || !isa<MultilinearAttr>(op.getForm()) ||
        getQueries(op, parts.rows) > 1)
      return false;
    int64_t rows = 1;
    for (int64_t window : op.getWindows().drop_back()) {
      int64_t length =
          getUnionLength(window, op.getBidirectional(), /*queries=*/1);
      if (length > kMostOuterRows)
        return false;
      rows *= length;
    }
    return rows <= kMostOuterRows;
  }

  /// Moves the key with the largest window last, where the form allows.
  void orderKeys(AttentionOp op) {
    ArrayRef<int64_t> windows = op.getWindows();
    int64_t count = windows.size();
    auto order = llvm::to_vector(llvm::seq<int64_t>(0, count));
    // A window of 0 has no limit.
    auto getLength = [&](int64_t key) {
      return std::pair(windows[key] == 0, windows[key]);
    };
    llvm::stable_sort(order, [&](int64_t a, int64_t b) {
      return getLength(a) < getLength(b);
    });
    if (llvm::is_sorted(order))
      return;
    // Others stay in their order.
    (void)permuteKeys(op, order);
  }

  /// Last keys of a tile: near `wanted`, but no tile much longer than what the
  /// window leaves for the last one.
  static int64_t chooseKeys(AttentionOp op, int64_t wanted, int64_t queries,
                            int64_t multiple) {
    std::optional<int64_t> length = getLastLength(op, queries);
    if (!length)
      return wanted;
    int64_t tiles = llvm::divideCeil(*length, wanted);
    return llvm::alignTo(llvm::divideCeil(*length, tiles), multiple);
  }

  /// Tiles of pairs that end with the window, if those visit fewer keys than
  /// tiles of one size, the last of which may be alone. As even as can be: with
  /// 112 and 64, or 128 and 48, in place of 96 and 80, ptxas spills about 30
  /// and 55 bytes more (D 128).
  static void fitPairs(AttentionOp op, Parts &parts) {
    std::optional<int64_t> length =
        getLastLength(op, getQueriesTogether(op, parts));
    if (!parts.pairs || !length)
      return;
    int64_t columns = ScheduleAttr::fitPair(*length, parts.keys);
    int64_t first = llvm::alignTo(columns / 2, 16), second = columns - first;
    if (ScheduleAttr::coverLastKeys(*length, first, second) >=
        ScheduleAttr::coverLastKeys(*length, parts.keys, parts.keys))
      return;
    parts.keys = first;
    parts.secondKeys = second == first ? 0 : second;
  }

  /// Last keys whose tiles of key and value fill 32 KiB, a first-level cache:
  /// they are read again for every outer key.
  int64_t getResidentKeys(AttentionOp op) {
    Type element = op.getElementType();
    // Tiles are widened, but for operands of bf16 products.
    int64_t bytes = element.isF64() ? 8 : dotBF16 && element.isBF16() ? 2 : 4;
    int64_t keyBytes = op.getLogitType().isF64()              ? 8
                       : hasWideCombined(op, /*wgmma=*/false) ? 4
                                                              : bytes;
    int64_t keys =
        32768 / (keyBytes * op.getHeadDim() + bytes * op.getValueDim());
    return std::clamp<int64_t>(keys / 16 * 16, 16, 128);
  }

  /// Rows share the loads of a key, but rows of several queries also visit
  /// the union of their windows, rounded up to whole tiles. rows / (rows + 2)
  /// is the share of multiply instructions in a register-blocked product,
  /// measured within 10%.
  Parts chooseCPU(AttentionOp op) {
    int64_t wanted = getResidentKeys(op);
    int64_t heads = std::min<int64_t>(op.getGroupSize(), 32);
    int64_t best = 1;
    double bestRate = 0;
    for (int64_t queries = 1; queries * heads <= 32; queries *= 2) {
      double rows = static_cast<double>(queries * heads);
      double rate = rows / (rows + 2) / getUnion(op, queries) /
                    getRounding(op, {queries * heads,
                                     chooseKeys(op, wanted, queries, 16)});
      if (rate > bestRate * 1.02) {
        bestRate = rate;
        best = queries;
      }
    }
    return {best * heads, chooseKeys(op, wanted, best, 16)};
  }

  /// The least time for a row and a tuple. Predictions within 2% are equal:
  /// then fewer queries in a tile, for an edge of a window is masked, and then
  /// more rows, for fewer tiles are copied and fewer shares merged.
  Parts choose(AttentionOp op, ArrayRef<Parts> candidates) const {
    SmallVector<Parts> order(candidates);
    llvm::stable_sort(order, [&](const Parts &a, const Parts &b) {
      return std::pair(getMasked(op, a), -a.rows) <
             std::pair(getMasked(op, b), -b.rows);
    });
    Parts best = order.front();
    for (const Parts &parts : ArrayRef(order).drop_front())
      if (isFaster(op, parts, best))
        best = parts;
    return best;
  }

  /// Queries that share a tile with masked edges: with a skew, fewer. But then
  /// tiles are longer, and without outer keys each step copies one, so there a
  /// tie does not count that.
  static int64_t getMasked(AttentionOp op, const Parts &parts) {
    return op.getKeys().size() > 1 ? getQueriesTogether(op, parts)
                                   : getQueries(op, parts.rows);
  }

  double getTime(AttentionOp op, const Parts &parts) const {
    return ScheduleCost(op, parts, getChip()).getCyclesPerTuple();
  }
  bool isFaster(AttentionOp op, const Parts &a, const Parts &b) const {
    return getTime(op, a) * 1.02 < getTime(op, b);
  }

  /// Four warps of 16 rows; two such blocks fit a multiprocessor. Rows that the
  /// heads of a group do not fill would be neighbouring queries, whose windows
  /// differ, so warps take shares of the outer keys instead where that is
  /// faster. The number of keys is what was measured: every step has latencies
  /// besides the work of its units, which alone would favour fewer keys.
  Parts chooseGPU(AttentionOp op) const {
    constexpr int64_t warps = 4, rowsPerWarp = 16;
    SmallVector<Parts> candidates;
    for (int64_t splits : {1, 2, 4})
      if (splits == 1 || op.getKeys().size() > 1)
        candidates.push_back(
            {warps * rowsPerWarp / splits, 64, splits, warps, 2});
    Parts parts = choose(op, candidates);
    // Long rows: fewer keys, then fewer rows, until a block fits. Chunks are
    // arranged in shared memory, so there the outer keys' rows should fit too.
    auto isTooLarge = [&] {
      int64_t bytes = getSharedBytes(op, parts);
      if (op.getForm().getChunk() > 1)
        bytes += getOuterRowBytes(op, parts);
      return bytes > sharedMemory;
    };
    while (parts.keys > 16 && isTooLarge())
      parts.keys -= 16;
    while (parts.rows > rowsPerWarp && isTooLarge()) {
      parts.rows /= 2;
      parts.splits *= 2;
    }
    return parts;
  }

  static LogicalResult checkElement(AttentionOp op) {
    Type element = op.getElementType();
    if (element.isBF16() || element.isF16() || element.isF32())
      return success();
    return op.emitOpError("has elements of type ")
           << element << ", expected bf16, f16 or f32 on a GPU";
  }

  LogicalResult checkSharedMemory(AttentionOp op) {
    int64_t bytes = getSharedBytes(op, getParts(*op.getSchedule()));
    if (bytes <= sharedMemory)
      return success();
    return op.emitOpError()
           << "needs " << bytes << " bytes of shared memory a block with "
           << *op.getSchedule() << " and head dims " << op.getHeadDim()
           << " and " << op.getValueDim() << "; the limit is "
           << sharedMemory.getValue() << ": choose fewer keys or rows";
  }

  /// What warpgroup products cannot do; empty if nothing.
  static std::string getObstacle(AttentionOp op) {
    Type element = op.getElementType();
    if (!element.isBF16() && !element.isF16())
      return "elements must be bf16 or f16";
    for (int64_t dim : {op.getHeadDim(), op.getValueDim()})
      if (dim > 128 || dim % 16 != 0)
        return "head dims must be multiples of 16 up to 128, found " +
               std::to_string(dim);
    return "";
  }

  /// Has each group of 64 rows whole queries, and not many: the others' keys
  /// are copied too? Is there room for what that takes?
  bool canSkew(AttentionOp op, const Parts &parts) const {
    constexpr int64_t mostQueries = 16, group = ScheduleAttr::kGroupRows;
    int64_t queries = getQueries(op, parts.rows);
    size_t count = op.getKeys().size();
    return count <= 2 && !llvm::is_contained(op.getWindows(), 0) &&
           (count > 1 || pairs < 1) && splits < 2 &&
           (rows == 0 || rows == parts.rows) && queries > 1 &&
           queries <= mostQueries && parts.rows > group &&
           parts.rows % group == 0 &&
           group % std::min(op.getGroupSize(), parts.rows) == 0 &&
           llvm::all_of(op.getWindows().drop_back(),
                        [&](int64_t window) {
                          return getUnionLength(window, op.getBidirectional(),
                                                queries) <= kMostOuterRows;
                        }) &&
           getSharedBytes(op, parts) + getOuterRowBytes(op, parts) <=
               sharedMemory - kReserve;
  }

  /// Two groups of four warps, 64 rows each: 128 rows, or two shares of the
  /// outer keys of 64; one group for short rows. Taken unless what they visit
  /// beyond the windows costs more than they save.
  void chooseWarpgroups(AttentionOp op, Parts &parts) const {
    auto getParts = [&](int64_t rows, int64_t splits, int64_t warps,
                        bool skew = false) -> Parts {
      Parts made{rows, 128, splits, warps, 2, true};
      made.skew = skew;
      made.keys = chooseKeys(op, made.keys, getQueriesTogether(op, made), 16);
      made.pairs = choosePairs(op, made);
      fitPairs(op, made);
      return made;
    };
    bool outer = op.getKeys().size() > 1;
    SmallVector<Parts> candidates;
    // Two blocks of one group fit a multiprocessor, and do not wait for each
    // other at every tile: 15% by measurement, which the units' work is not.
    if (outer && std::max(op.getHeadDim(), op.getValueDim()) <= 64)
      candidates = {getParts(64, 1, 4)};
    else if (outer)
      candidates = {getParts(64, 2, 8), getParts(128, 1, 8)};
    else
      candidates = {getParts(128, 1, 8)};
    Parts skewed = getParts(candidates.back().rows, 1, 8, /*skew=*/true);
    Parts asked = skewed;
    override(asked.keys, keys);
    override(asked.stages, stages);
    if (canSkew(op, asked))
      candidates.push_back(skewed);
    std::string obstacle = getObstacle(op);
    Parts best = choose(op, candidates);
    if (obstacle.empty() && isFaster(op, parts, best)) {
      llvm::raw_string_ostream out(obstacle);
      double more = getVisited(op, best) / getVisited(op, parts);
      if (more >= 1.05)
        out << "the windows of " << getQueriesTogether(op, best)
            << " queries together are " << llvm::format("%.1f", more)
            << " times as many keys as those of smaller tiles; ";
      out << "predicted " << llvm::format("%.3f", getTime(op, best))
          << " cycles for a row and a tuple, "
          << llvm::format("%.3f", getTime(op, parts)) << " without";
    }
    if (!obstacle.empty()) {
      remark::missed(op.getLoc(),
                     remark::RemarkOpts::name("wgmma").category("simplex"))
          << "no warpgroup products: " + obstacle;
      return;
    }
    parts = best;
  }

  static double getVisited(AttentionOp op, const Parts &parts) {
    return getUnion(op, getQueriesTogether(op, parts));
  }

  void report(AttentionOp op) const {
    Parts parts = getParts(*op.getSchedule());
    std::string text;
    llvm::raw_string_ostream out(text);
    out << "rows " << parts.rows << ", keys " << parts.keys;
    if (parts.secondKeys)
      out << " and " << parts.secondKeys;
    out << ", splits " << parts.splits
        << (parts.wgmma ? ", warpgroup products" : "")
        << (parts.pairs ? ", pairs of tiles" : "")
        << (parts.skew ? ", skewed" : "") << "; ";
    if (target == "gpu")
      out << describeCost(op, ScheduleCost(op, parts, getChip()));
    else
      out << "keys visited for neighbouring queries' windows: "
          << static_cast<int>(100 * (getVisited(op, parts) - 1)) << "% more";
    remark::analysis(op.getLoc(),
                     remark::RemarkOpts::name("schedule").category("simplex"))
        << text;
  }
};
} // namespace
