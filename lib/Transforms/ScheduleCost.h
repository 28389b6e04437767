//===- ScheduleCost.h - What a schedule asks of a chip ----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_TRANSFORMS_SCHEDULECOST_H
#define SIMPLEXIR_LIB_TRANSFORMS_SCHEDULECOST_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"
#include "simplexir/Transforms/OuterRows.h"

#include <algorithm>
#include <optional>
#include <string>

namespace simplexir {

/// The parts of a `#simplex.schedule`.
struct ScheduleParts {
  int64_t rows, keys, splits = 1, warps = 1, stages = 1;
  bool wgmma = false, pairs = false;
  /// Of the second tile of a pair; 0: `keys`.
  int64_t secondKeys = 0;
  /// Do groups of rows each see the keys from their own windows on?
  bool skew = false;

  int64_t getPairKeys() const {
    return keys + (secondKeys ? secondKeys : keys);
  }
};

/// What a cost needs to know of a GPU: `GpuChip` says what the numbers are.
struct ChipFigures {
  int64_t sharedPerProcessor;
  /// Of a multiprocessor in a cycle.
  int64_t mmaFlops, wgmmaFlops, exponentials;
};

/// Does the combined tile of a bf16 attention keep f32, which portable products
/// take as tf32? Rounded to bf16, even once, one of so many keys has too few
/// bits where few tuples decide (docs/performance.md: n = 5).
bool hasWideCombined(AttentionOp op, bool wgmma);

//===----------------------------------------------------------------------===//
// Keys that a tile visits
//===----------------------------------------------------------------------===//

/// The length of the last window for `queries` neighbours together; nothing
/// where it has no bound.
std::optional<int64_t> getLastLength(AttentionOp op, int64_t queries);

/// Queries whose rows share a tile.
int64_t getQueries(AttentionOp op, int64_t rows);

/// Of these, those whose windows' union is visited: with a skew, the ones of
/// one group of rows.
int64_t getQueriesTogether(AttentionOp op, const ScheduleParts &parts);

/// Tuples in the union of the windows of `queries` neighbours, over those that
/// one of them needs.
double getUnion(AttentionOp op, int64_t queries);

/// Keys of whole tiles, relative to the last keys that the queries of a tile
/// use.
double getRounding(AttentionOp op, const ScheduleParts &parts);

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Shared memory of a block: the query's rows and the rings of last-key and
/// value tiles.
int64_t getSharedBytes(AttentionOp op, const ScheduleParts &parts);

/// All rows of outer keys and values that a tile visits (see
/// --simplex-stage-rows); 0 where their number has no bound.
int64_t getOuterRowBytes(AttentionOp op, const ScheduleParts &parts);

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// The work of a block's step, one tile of last keys (of two sizes: their
/// average) with one tuple of outer keys, in cycles of each unit of a
/// multiprocessor that has nothing else to do. Windows are full. The longest is
/// the least time of a step; what no unit is busy with (latencies, turns, what
/// is done once a work item) comes on top.
struct ScheduleCost {
  ScheduleCost(AttentionOp op, const ScheduleParts &parts,
               const ChipFigures &chip);

  double tensorCores, exponentials, sharedMemory;
  /// From L2, the tile's share.
  double copiedBytes;
  /// Steps of a work item; infinite where a window is.
  double steps;
  /// Tuples visited over tuples needed, and rows computed over rows needed.
  double waste, idle;
  /// Shared memory of a block, 32-bit registers of a thread that hold tiles,
  /// and blocks that fit a multiprocessor.
  int64_t sharedBytes, registers, blocks;

  double getCycles() const {
    return std::max({tensorCores, exponentials, sharedMemory});
  }
  /// The unit that takes longest.
  llvm::StringRef getLimit() const;
  /// Time of one row with one tuple that it needs, to compare schedules by: in
  /// cycles, with the tensor cores as fast as kernels were seen to keep them.
  double getCyclesPerTuple() const;

private:
  double logits;
  bool wgmma;
};

/// One sentence of a cost, for a remark.
std::string describeCost(AttentionOp op, const ScheduleCost &cost);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_TRANSFORMS_SCHEDULECOST_H
