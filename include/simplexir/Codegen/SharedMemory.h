//===- SharedMemory.h - Buffers of a thread block ---------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_SHAREDMEMORY_H
#define SIMPLEXIR_CODEGEN_SHAREDMEMORY_H

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace simplexir {

/// Every buffer in shared memory begins at a multiple of this many bytes.
constexpr int64_t kSharedAlignment = 128;

/// What a kernel with warpgroup products leaves free for the channel that
/// --simplex-fetch-pairs opens.
constexpr int64_t kChannelBytes = kSharedAlignment;

/// The most bytes of shared memory that a buffer takes, wherever it comes to
/// lie: its own and those before it that an `alignment` above the usual one
/// may cost.
inline int64_t getSharedBytes(mlir::MemRefType type,
                              int64_t alignment = kSharedAlignment) {
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  return static_cast<int64_t>(llvm::alignTo(bytes, kSharedAlignment)) +
         std::max(alignment, kSharedAlignment) - kSharedAlignment;
}

/// Is it rows of an outer key or value: one, or one for each group of rows of
/// the tile that they are multiplied with? Those of a matrix fill fragments.
inline bool isOuterRows(TileType type) {
  constexpr int64_t fragmentRows = 16;
  return type.getRows() < fragmentRows;
}

/// The buffer that a view belongs to, a value that is no view.
inline mlir::Value getBuffer(mlir::Value view) {
  while (mlir::Operation *op = view.getDefiningOp()) {
    if (!mlir::isa<mlir::memref::CastOp, mlir::memref::SubViewOp>(op))
      break;
    view = op->getOperand(0);
  }
  return view;
}

/// ring[slot, ...]: a view of one of the slots that tiles come through, or of
/// the first `rows` rows of its boxes.
inline mlir::Value getRingSlot(mlir::ImplicitLocOpBuilder &b, mlir::Value ring,
                               mlir::Value slot, int64_t rows = 0) {
  using namespace mlir;
  auto type = cast<MemRefType>(ring.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape()),
      one(type.getRank(), b.getIndexAttr(1));
  offsets[0] = slot;
  sizes[0] = b.getIndexAttr(1);
  SmallVector<int64_t> shape(type.getShape().drop_front());
  if (rows != 0) {
    shape[shape.size() - 2] = rows;
    sizes[sizes.size() - 2] = b.getIndexAttr(rows);
  }
  auto reduced = cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
      shape, type, offsets, sizes, one));
  return memref::SubViewOp::create(b, reduced, ring, offsets, sizes, one);
}

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_SHAREDMEMORY_H
