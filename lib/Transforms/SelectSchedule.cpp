//===- SelectSchedule.cpp - Key order, tile shapes, mapping ---------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/Passes.h"
#include "simplexir/Transforms/PermuteKeys.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"

namespace simplexir {
#define GEN_PASS_DEF_SELECTSCHEDULE
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// A window as a number of keys; unlimited ones count as very large.
double getExtent(int64_t window) {
  return window == 0 ? 1e9 : static_cast<double>(window);
}

/// Keys visited over keys needed when `queries` neighbours share one tile: the
/// union of their windows is longer than each of them.
double getWaste(ArrayRef<int64_t> windows, int64_t queries) {
  double waste = 1;
  for (int64_t window : windows)
    waste *= (getExtent(window) + static_cast<double>(queries) - 1) /
             getExtent(window);
  return waste;
}

struct SelectSchedulePass
    : simplexir::impl::SelectScheduleBase<SelectSchedulePass> {
  using Base::Base;

  void runOnOperation() override {
    if (target != "cpu" && target != "gpu") {
      getOperation()->emitError("simplex-select-schedule: target is '")
          << target << "', expected cpu or gpu";
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](AttentionOp op) {
      bool gpu = target == "gpu";
      if ((gpu && failed(checkElement(op))) || failed(select(op)) ||
          (gpu && failed(checkSharedMemory(op))))
        return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  struct Parts {
    int64_t rows, keys, splits = 1, warps = 1, stages = 1;
    bool wgmma = false;
  };

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
    auto schedule = ScheduleAttr::getChecked(
        [&] { return op.emitOpError(); }, &getContext(), parts.rows, parts.keys,
        parts.splits, parts.warps, parts.stages, parts.wgmma);
    if (!schedule)
      return failure();
    op.setScheduleAttr(schedule);
    report(op, schedule);
    return success();
  }

  static void override(int64_t &part, int64_t option) {
    if (option != 0)
      part = option;
  }

  /// Moves the key with the largest window last, where the form allows.
  void orderKeys(AttentionOp op) {
    ArrayRef<int64_t> windows = op.getWindows();
    int64_t count = windows.size();
    auto order = llvm::to_vector(llvm::seq<int64_t>(0, count));
    llvm::stable_sort(order, [&](int64_t a, int64_t b) {
      return getExtent(windows[a]) < getExtent(windows[b]);
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
    int64_t window = op.getWindows().back();
    if (window == 0 || window > (int64_t{1} << 30))
      return wanted;
    if (op.getBidirectional())
      window = 2 * window - 1;
    int64_t length = window + queries - 1;
    int64_t tiles = llvm::divideCeil(length, wanted);
    return llvm::alignTo(llvm::divideCeil(length, tiles), multiple);
  }

  /// Last keys whose tiles of key and value fill 32 KiB, a first-level cache:
  /// they are read again for every outer key.
  int64_t getResidentKeys(AttentionOp op) {
    Type element = op.getElementType();
    // Tiles are widened, but for operands of bf16 products.
    int64_t bytes = element.isF64() ? 8 : dotBF16 && element.isBF16() ? 2 : 4;
    int64_t keys = 32768 / (bytes * (op.getHeadDim() + op.getValueDim()));
    return std::clamp<int64_t>(keys / 16 * 16, 16, 128);
  }

  /// Keys of whole tiles, relative to the last keys that `queries` use.
  static double getRounding(AttentionOp op, int64_t keys, int64_t queries) {
    int64_t window = op.getWindows().back();
    if (window == 0 || window > (int64_t{1} << 30))
      return 1;
    if (op.getBidirectional())
      window = 2 * window - 1;
    int64_t length = window + queries - 1;
    return static_cast<double>(llvm::alignTo(length, keys)) /
           static_cast<double>(length);
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
      double rate =
          rows / (rows + 2) / getWaste(op.getWindows(), queries) /
          getRounding(op, chooseKeys(op, wanted, queries, 16), queries);
      if (rate > bestRate * 1.02) {
        bestRate = rate;
        best = queries;
      }
    }
    return {best * heads, chooseKeys(op, wanted, best, 16)};
  }

  /// Four warps of 16 rows; two such blocks fit a multiprocessor. Rows that the
  /// heads of a group do not fill would be neighbouring queries, whose windows
  /// differ, so warps take shares of the outer keys instead.
  Parts chooseGPU(AttentionOp op) {
    constexpr int64_t warps = 4, rowsPerWarp = 16;
    int64_t rows = warps * rowsPerWarp;
    if (op.getKeys().size() > 1)
      while (rows > rowsPerWarp && rows / 2 >= op.getGroupSize())
        rows /= 2;
    Parts parts{rows, 64, warps / (rows / rowsPerWarp), warps, 2};
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

  /// Bytes of a row of the query or an outer key, of the last key, and of a
  /// value.
  struct RowBytes {
    explicit RowBytes(AttentionOp op) {
      int64_t arity = op.getArity();
      int64_t element = op.getElementType().getIntOrFloatBitWidth() / 8;
      auto getBytes = [&](int64_t operand) {
        auto layout =
            ChunkedAttr::get(op.getForm(), arity, op.getHeadDim(), operand);
        return layout.getColumns() * element;
      };
      query = getBytes(0);
      lastKey = getBytes(arity - 1);
      value = llvm::alignTo(op.getValueDim(), 16) * element;
    }
    int64_t query, lastKey, value;
  };

  /// Shared memory of a block: the query's rows and the rings of last-key and
  /// value tiles, each row padded by 16 bytes, or in boxes of 128. Without
  /// outer keys there is one more tile of values (see --simplex-rotate-tiles),
  /// and up to three channels and an answer (see --simplex-specialize-copies).
  static int64_t getSharedBytes(AttentionOp op, const Parts &parts) {
    RowBytes bytes(op);
    constexpr int64_t padding = 16, box = 128, boxAlignment = 1024;
    int64_t query = parts.rows * (bytes.query + padding);
    bool outer = op.getKeys().size() > 1;
    int64_t valueStages = parts.stages + !outer, channels = outer ? 0 : 512;
    if (!parts.wgmma)
      return query + parts.stages * parts.keys *
                         (bytes.lastKey + bytes.value + 2 * padding);
    return channels + llvm::alignTo(query, boxAlignment) +
           parts.keys * (parts.stages * llvm::alignTo(bytes.lastKey, box) +
                         valueStages * llvm::alignTo(bytes.value, box));
  }

  /// All rows of outer keys and values that a tile visits (see
  /// --simplex-stage-rows); 0 where their number has no bound.
  static int64_t getOuterRowBytes(AttentionOp op, const Parts &parts) {
    RowBytes bytes(op);
    int64_t queries =
        parts.rows / std::min<int64_t>(op.getGroupSize(), parts.rows);
    int64_t rows = 0;
    for (int64_t window : op.getWindows().drop_back()) {
      if (window == 0 || window > 64)
        return 0;
      rows += (op.getBidirectional() ? 2 * window - 1 : window) + queries - 1;
    }
    return rows * (bytes.query + bytes.value);
  }

  static LogicalResult checkElement(AttentionOp op) {
    Type element = op.getElementType();
    if (element.isBF16() || element.isF16() || element.isF32())
      return success();
    return op.emitOpError("has elements of type ")
           << element << ", expected bf16, f16 or f32 on a GPU";
  }

  LogicalResult checkSharedMemory(AttentionOp op) {
    ScheduleAttr schedule = *op.getSchedule();
    int64_t bytes = getSharedBytes(
        op, {schedule.getRows(), schedule.getKeys(), schedule.getSplits(),
             schedule.getWarps(), schedule.getStages(), schedule.getWgmma()});
    if (bytes <= sharedMemory)
      return success();
    return op.emitOpError()
           << "needs " << bytes << " bytes of shared memory a block with "
           << schedule << " and head dims " << op.getHeadDim() << " and "
           << op.getValueDim() << "; the limit is " << sharedMemory.getValue()
           << ": choose fewer keys or rows";
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

  /// Two groups of four warps, 64 rows each: 128 rows, or two shares of the
  /// outer keys of 64; one group for short rows. Taken where it visits less
  /// than twice the keys, for it is about twice as fast.
  void chooseWarpgroups(AttentionOp op, Parts &parts) {
    bool outer = op.getKeys().size() > 1;
    int64_t group = op.getGroupSize();
    // Two blocks of one group fit a multiprocessor, and do not wait for each
    // other at every tile.
    bool alone = outer && std::max(op.getHeadDim(), op.getValueDim()) <= 64;
    int64_t tile = outer && (alone || group <= 64) ? 64 : 128;
    std::string obstacle = getObstacle(op);
    double more = getVisited(op, tile) / getVisited(op, parts.rows);
    if (obstacle.empty() && more > 2)
      llvm::raw_string_ostream(obstacle)
          << "the windows of " << tile / std::min(group, tile)
          << " queries together are " << llvm::format("%.1f", more)
          << " times as many keys as those of smaller tiles";
    if (!obstacle.empty()) {
      remark::missed(op.getLoc(),
                     remark::RemarkOpts::name("wgmma").category("simplex"))
          << "no warpgroup products: " + obstacle;
      return;
    }
    int64_t queries = std::max<int64_t>(tile / group, 1);
    parts = {tile,
             chooseKeys(op, 128, queries, 16),
             tile == 64 && !alone ? 2 : 1,
             alone ? 4 : 8,
             2,
             true};
  }

  static double getVisited(AttentionOp op, int64_t rows) {
    int64_t heads = std::min(op.getGroupSize(), rows);
    return getWaste(op.getWindows(), rows / heads);
  }

  void report(AttentionOp op, ScheduleAttr schedule) {
    double waste = getVisited(op, schedule.getRows());
    std::string text;
    llvm::raw_string_ostream(text)
        << "rows " << schedule.getRows() << ", keys " << schedule.getKeys()
        << ", splits " << schedule.getSplits()
        << (schedule.getWgmma() ? ", warpgroup products" : "")
        << "; keys visited for neighbouring queries' windows: "
        << static_cast<int>(100 * (waste - 1)) << "% more";
    remark::analysis(op.getLoc(),
                     remark::RemarkOpts::name("schedule").category("simplex"))
        << text;
  }
};
} // namespace
