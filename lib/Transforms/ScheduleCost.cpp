//===- ScheduleCost.cpp - What a schedule asks of a chip ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleCost.h"
#include "TileWindows.h"

#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace simplexir;

namespace {
/// More keys than there are, nearly.
constexpr double kUnlimited = 1e9;
/// Of shared memory, in a cycle.
constexpr double kBytesPerCycle = 128;
/// Rows of a warp's matrix instruction, and of a warpgroup's.
constexpr int64_t kWarpRows = 16, kWarpgroupRows = ScheduleAttr::kGroupRows;

/// Bytes of a row of the query or an outer key, of the last key, and of a
/// value: padded to the depth of a matrix instruction.
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
} // namespace

//===----------------------------------------------------------------------===//
// Keys that a tile visits
//===----------------------------------------------------------------------===//

/// Keys that one query may use, on both sides if the windows are; windows that
/// are unlimited, or could be, count as very large and equal.
static double getExtent(AttentionOp op, int64_t window) {
  if (window == 0)
    return kUnlimited;
  auto extent = static_cast<double>(window);
  return std::min(op.getBidirectional() ? 2 * extent - 1 : extent, kUnlimited);
}

bool simplexir::hasWideCombined(AttentionOp op, bool wgmma) {
  constexpr size_t mostKeys = 3;
  return op.getElementType().isBF16() && op.getKeys().size() > mostKeys &&
         !wgmma;
}

std::optional<int64_t> simplexir::getLastLength(AttentionOp op,
                                                int64_t queries) {
  int64_t length =
      getUnionLength(op.getWindows().back(), op.getBidirectional(), queries);
  if (length == std::numeric_limits<int64_t>::max())
    return std::nullopt;
  return length;
}

int64_t simplexir::getQueries(AttentionOp op, int64_t rows) {
  return rows / std::min(op.getGroupSize(), rows);
}

int64_t simplexir::getQueriesTogether(AttentionOp op,
                                      const ScheduleParts &parts) {
  return getQueries(op, parts.skew ? kWarpgroupRows : parts.rows);
}

double simplexir::getUnion(AttentionOp op, int64_t queries) {
  double waste = 1;
  for (int64_t window : op.getWindows()) {
    double extent = getExtent(op, window);
    waste *= (extent + static_cast<double>(queries) - 1) / extent;
  }
  return waste;
}

/// The tiles that `length` last keys take, and their columns.
static std::pair<int64_t, int64_t> coverLastKeys(int64_t length,
                                                 const ScheduleParts &parts) {
  int64_t pair = parts.getPairKeys();
  int64_t columns =
      ScheduleAttr::coverLastKeys(length, parts.keys, pair - parts.keys);
  int64_t odd = columns % pair != 0;
  return {columns / pair * 2 + odd, columns};
}

double simplexir::getRounding(AttentionOp op, const ScheduleParts &parts) {
  std::optional<int64_t> length =
      getLastLength(op, getQueriesTogether(op, parts));
  if (!length)
    return 1;
  return static_cast<double>(coverLastKeys(*length, parts).second) /
         static_cast<double>(*length);
}

/// Columns of a tile, on average.
static double getColumns(AttentionOp op, const ScheduleParts &parts) {
  std::optional<int64_t> length =
      getLastLength(op, getQueriesTogether(op, parts));
  // Both tiles of a pair, where the number of pairs is not known.
  auto [tiles, columns] =
      length ? coverLastKeys(*length, parts)
             : std::pair<int64_t, int64_t>(2, parts.getPairKeys());
  return static_cast<double>(columns) / static_cast<double>(tiles);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Rows of a tile of last keys in shared memory.
static int64_t getStagedKeys(AttentionOp op, const ScheduleParts &parts) {
  int64_t heads = std::min(op.getGroupSize(), parts.rows);
  return parts.skew ? TileSkew(parts.rows, heads).getRows(parts.keys)
                    : parts.keys;
}

/// Rows are padded by 16 bytes, or lie in boxes of 128. Without outer keys
/// there is one more tile of values (see --simplex-rotate-tiles), and up to
/// three channels and an answer (see --simplex-specialize-copies).
int64_t simplexir::getSharedBytes(AttentionOp op, const ScheduleParts &parts) {
  RowBytes bytes(op);
  constexpr int64_t padding = 16, box = 128, boxAlignment = 1024;
  int64_t query = parts.rows * (bytes.query + padding);
  bool outer = op.getKeys().size() > 1;
  int64_t valueStages = parts.stages + !outer, channels = outer ? 0 : 512;
  if (!parts.wgmma)
    return query + parts.stages * parts.keys *
                       (bytes.lastKey + bytes.value + 2 * padding);
  return channels + llvm::alignTo(query, boxAlignment) +
         getStagedKeys(op, parts) *
             (parts.stages * llvm::alignTo(bytes.lastKey, box) +
              valueStages * llvm::alignTo(bytes.value, box));
}

int64_t simplexir::getOuterRowBytes(AttentionOp op,
                                    const ScheduleParts &parts) {
  RowBytes bytes(op);
  int64_t queries = getQueries(op, parts.rows);
  int64_t rows = 0;
  for (int64_t window : op.getWindows().drop_back()) {
    if (window == 0 || window > kMostOuterRows)
      return 0;
    rows += getUnionLength(window, op.getBidirectional(), queries);
  }
  return rows * (bytes.query + bytes.value);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// Warps that a tile's rows are spread over.
static int64_t getShareWarps(const ScheduleParts &parts) {
  return std::clamp<int64_t>(parts.warps / parts.splits, 1,
                             llvm::divideCeil(parts.rows, kWarpRows));
}

/// Combined tiles and folds for each tile of last keys with a tuple of outer
/// keys: 1, or a half in pairs (see --simplex-pair-tiles); an odd tile is
/// alone.
static double getCombined(AttentionOp op, const ScheduleParts &parts) {
  if (!parts.pairs)
    return 1;
  std::optional<int64_t> length =
      getLastLength(op, getQueriesTogether(op, parts));
  if (!length)
    return 0.5;
  int64_t tiles = coverLastKeys(*length, parts).first;
  return static_cast<double>(llvm::divideCeil(tiles, 2)) /
         static_cast<double>(tiles);
}

/// Bytes of shared memory that the products of a step read, by a warp
/// (`ldmatrix`) or by a warpgroup (`wgmma`), and the combiner and the fold.
static double getReadBytes(AttentionOp op, const ScheduleParts &parts,
                           const RowBytes &bytes) {
  int64_t outer = static_cast<int64_t>(op.getKeys().size()) - 1;
  int64_t warps = getShareWarps(parts);
  // Each reads all of the key's and the value's tile; a warp of more rows reads
  // them once.
  int64_t readers =
      parts.wgmma ? llvm::divideCeil(parts.rows, kWarpgroupRows) : warps;
  double products =
      getColumns(op, parts) *
      static_cast<double>(readers * (bytes.lastKey + bytes.value));
  int64_t combined = 0;
  // The query's fragments; without outer keys they stay in registers, across
  // products of a warpgroup only beside warps that copy.
  bool copyWarps =
      ScheduleAttr::allowsCopyWarps(parts.warps, parts.splits, parts.wgmma);
  if (outer > 0 || (parts.wgmma && !copyWarps))
    combined += parts.rows * bytes.query;
  // Rows of outer keys and values, as the eight rows of a fragment. Warpgroup
  // kernels read the products of several (--simplex-multiply-rows).
  combined += 8 * warps * (parts.wgmma ? std::min<int64_t>(outer, 1) : outer) *
              (bytes.query + bytes.value);
  return products + getCombined(op, parts) * static_cast<double>(combined);
}

/// Registers that hold tiles when most are alive: during the product of the
/// logits.
static int64_t getTileRegisters(AttentionOp op, const ScheduleParts &parts,
                                const RowBytes &bytes) {
  int64_t warpRows = llvm::divideCeil(parts.rows, getShareWarps(parts));
  auto inThread = [&](int64_t rowBytes) {
    return llvm::divideCeil(warpRows * rowBytes, 32 * 4);
  };
  constexpr int64_t accumulator = 4;
  int64_t logit = op.getLogitType().getIntOrFloatBitWidth() / 8;
  int64_t value = inThread(llvm::alignTo(op.getValueDim(), 16) * accumulator);
  int64_t logits = inThread(parts.keys * logit);
  int64_t element = op.getElementType().getIntOrFloatBitWidth() / 8;
  bool isWide = op.getLogitType().isF64() || hasWideCombined(op, parts.wgmma);
  int64_t combined = bytes.lastKey * (isWide ? 2 : 1);
  int64_t registers = value + logits + inThread(combined);
  // A product of values that is still running: its accumulator, or, where that
  // is the answer's, the probabilities. In portable kernels it is over.
  if (parts.wgmma)
    registers +=
        op.getKeys().size() > 1 ? value : inThread(parts.keys * element);
  return registers;
}

ScheduleCost::ScheduleCost(AttentionOp op, const ScheduleParts &parts,
                           const ChipFigures &chip)
    : wgmma(parts.wgmma) {
  RowBytes bytes(op);
  Type type = op.getElementType();
  int64_t element = type.getIntOrFloatBitWidth() / 8;
  double columns = getColumns(op, parts);
  logits = static_cast<double>(parts.rows) * columns;

  // f32: three products of tf32, which has half the rate of 16 bits. f64 has
  // one 16th of it on A100 and H100, and far less on chips for graphics.
  int64_t perElement = type.isF32() ? 6 : 1;
  int64_t perLogit = op.getLogitType().isF64()          ? 16
                     : hasWideCombined(op, parts.wgmma) ? 2
                                                        : perElement;
  int64_t dims =
      (perLogit * bytes.lastKey + perElement * bytes.value) / element;
  double flops = 2 * logits * static_cast<double>(dims);
  bool hasWgmma = parts.wgmma && chip.wgmmaFlops != 0;
  tensorCores =
      flops / static_cast<double>(hasWgmma ? chip.wgmmaFlops : chip.mmaFlops);
  exponentials = logits / static_cast<double>(chip.exponentials);

  // A tile of keys is copied, and the key's columns arranged, once for all
  // outer keys.
  int64_t queries = getQueries(op, parts.rows);
  int64_t together = getQueriesTogether(op, parts);
  double tuples = 1;
  for (int64_t window : op.getWindows().drop_back())
    tuples *= getExtent(op, window) + static_cast<double>(together) - 1;
  int64_t tileRow = bytes.lastKey + bytes.value;
  if (op.getForm().getChunk() > 1)
    tileRow += 2 * bytes.lastKey;
  double rows = columns + static_cast<double>(getStagedKeys(op, parts)) -
                static_cast<double>(parts.keys);
  sharedMemory = (getReadBytes(op, parts, bytes) +
                  rows * static_cast<double>(tileRow) / tuples) /
                 kBytesPerCycle;
  copiedBytes =
      rows *
      static_cast<double>((op.getHeadDim() + op.getValueDim()) * element) /
      tuples;

  waste = getUnion(op, together) * getRounding(op, parts);
  std::optional<int64_t> length = getLastLength(op, together);
  steps =
      !length || llvm::is_contained(op.getWindows(), 0)
          ? std::numeric_limits<double>::infinity()
          : tuples * static_cast<double>(coverLastKeys(*length, parts).first);
  int64_t group = op.getGroupSize();
  int64_t heads = std::min(group, parts.rows);
  idle = static_cast<double>(parts.rows * llvm::divideCeil(group, heads)) /
         static_cast<double>(queries * group);

  sharedBytes = getSharedBytes(op, parts);
  registers = getTileRegisters(op, parts, bytes);
  // Each block takes another KB, and 255 registers a thread for all that ptxas
  // was told (--convert-simplex-to-gpu).
  constexpr int64_t reserved = 1024, threads = 65536 / 256;
  blocks = std::min(chip.sharedPerProcessor / (sharedBytes + reserved),
                    std::max<int64_t>(threads / (32 * parts.warps), 1));
}

StringRef ScheduleCost::getLimit() const {
  double cycles = getCycles();
  return cycles == tensorCores    ? "tensor cores"
         : cycles == exponentials ? "exponentials"
                                  : "shared memory";
}

double ScheduleCost::getCyclesPerTuple() const {
  // At D 128 and windows (32, 512) warpgroup products, limited by the tensor
  // cores, are 2.5 times as fast as portable ones by these figures, and were
  // measured at 1.9 times (docs/performance.md): the softmax is not wholly
  // hidden. Nothing else is known of how near kernels come to their limits.
  double seen = wgmma ? 2.5 / 1.9 : 1;
  double cycles = std::max({seen * tensorCores, exponentials, sharedMemory});
  return cycles * waste * idle / logits;
}

std::string simplexir::describeCost(AttentionOp op, const ScheduleCost &cost) {
  size_t outer = op.getKeys().size() - 1;
  std::string text;
  llvm::raw_string_ostream out(text);
  auto round = [](double x) { return static_cast<int64_t>(std::llround(x)); };
  auto percent = [&](double ratio) { return round(100 * (ratio - 1)); };
  out << "a tile of keys"
      << (outer == 0   ? ""
          : outer == 1 ? " and one outer key"
                       : " and one tuple of outer keys")
      << ": tensor cores " << round(cost.tensorCores)
      << " cycles, exponentials " << round(cost.exponentials)
      << ", shared memory " << round(cost.sharedMemory) << ", "
      << round(cost.copiedBytes) << " bytes from L2; limited by "
      << cost.getLimit();
  if (cost.steps < kUnlimited)
    out << ", " << round(cost.steps * cost.getCycles())
        << " cycles a work item";
  out << "; " << percent(cost.waste) << "% masked or beyond windows";
  if (percent(cost.idle) > 0)
    out << ", " << percent(cost.idle) << "% more rows than heads fill";
  out << "; " << cost.sharedBytes << " bytes of shared memory, about "
      << cost.registers << " registers a thread for tiles, " << cost.blocks
      << (cost.blocks == 1 ? " block" : " blocks") << " a multiprocessor";
  return text;
}
