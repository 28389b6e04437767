//===- TileWindows.h - The keys that a tile of queries visits ---*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_TRANSFORMS_TILEWINDOWS_H
#define SIMPLEXIR_LIB_TRANSFORMS_TILEWINDOWS_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {

/// The half-open range of keys that some row of a tile may use.
struct KeyRange {
  mlir::Value begin, end;
};

/// Positions here are relative to key 0: key j stands at j, query i at
/// `offset + i`.
struct TileWindows {
  /// Of all keys, those that there are and that the key range allows.
  mlir::Value rangeBegin, rangeEnd;
  /// Where the tile's first query stands.
  mlir::Value firstPosition;
  /// Of each key, what its loop visits.
  llvm::SmallVector<KeyRange> keys;
};

/// How the columns of a tile's groups of rows differ (`skew` of a schedule).
struct TileSkew {
  TileSkew() = default;
  /// For tiles of so many rows, so many heads of a query each.
  TileSkew(int64_t rows, int64_t heads);

  /// By how many queries, and keys, a group is further on than the one before,
  /// and the last one than the first; 0 without a skew.
  int64_t step = 0, lag = 0;

  /// Rows that a tile of `keys` columns reads, in whole periods of the pattern
  /// of the banks.
  int64_t getRows(int64_t keys) const;
};

/// Computes them for the queries [begin, end). With a skew, what is visited is
/// what the first group's columns must be for all groups to see their windows.
TileWindows emitTileWindows(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                            mlir::Value begin, mlir::Value end,
                            mlir::Value queryLength, const TileSkew &skew);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_TRANSFORMS_TILEWINDOWS_H
