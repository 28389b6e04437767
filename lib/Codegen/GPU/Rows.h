//===- Rows.h - Rows of operands in memory ----------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_GPU_ROWS_H
#define SIMPLEXIR_LIB_CODEGEN_GPU_ROWS_H

#include "Fragments.h"

namespace simplexir {

/// Where a row of a tile lies in an operand, and whether it may be touched.
struct RowAddress {
  mlir::Value sequence, head, valid;
};

template <typename OpT>
RowAddress locateRow(FragmentBuilder &b, OpT op, mlir::Value row) {
  using namespace mlir;
  int64_t heads = op.getHeads();
  RowAddress address;
  address.sequence = b.add(op.getSequence(), b.div(row, heads));
  address.head = b.add(op.getHead(), b.rem(row, heads));
  auto require = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    Value holds = arith::CmpIOp::create(b, predicate, x, y);
    address.valid =
        address.valid ? arith::AndIOp::create(b, address.valid, holds) : holds;
  };
  require(arith::CmpIPredicate::sge, address.sequence, op.getBegin());
  require(arith::CmpIPredicate::slt, address.sequence, op.getEnd());
  require(arith::CmpIPredicate::slt, address.head, op.getHeadEnd());
  return address;
}

inline int64_t getBytes(mlir::Type element) {
  return element.getIntOrFloatBitWidth() / 8;
}

/// A vector of two scalars.
mlir::Value makePair(FragmentBuilder &b, mlir::Value first, mlir::Value second);

/// Calls `body` for what it returns: where rows of `memory` (dynamic strides)
/// keep pairs of elements aligned it is told so, elsewhere not. Both are
/// compiled, unless the row length already says no.
llvm::SmallVector<mlir::Value>
whenPaired(FragmentBuilder &b, mlir::Value memory,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(bool)> body);

/// Do all rows of `memory` start at a multiple of `bytes` (a power of 2)?
mlir::Value areRowsAligned(FragmentBuilder &b, mlir::Value memory,
                           int64_t bytes);

/// Calls `body` with (row, first column) of each unit of `width` elements of
/// a matrix that this thread takes, the block taking all, in a loop.
void forEachUnit(
    FragmentBuilder &b, int64_t rows, int64_t columns, int64_t width,
    llvm::function_ref<void(mlir::Value row, mlir::Value column)> body);

/// The indices of memory[prefix, column]. In boxes (rank 3, as warpgroup
/// products read them) the 16-byte units of a row are permuted by the row's
/// number, so that eight rows fill all banks.
llvm::SmallVector<mlir::Value> getPlace(FragmentBuilder &b,
                                        mlir::MemRefType memory,
                                        llvm::ArrayRef<mlir::Value> prefix,
                                        mlir::Value column);

/// memory[prefix, column], column + 1 as one access of two elements, or, if
/// not `inPairs`, as two.
mlir::Value loadPair(FragmentBuilder &b, mlir::Value memory,
                     llvm::ArrayRef<mlir::Value> prefix, mlir::Value column,
                     bool inPairs);

/// memory[prefix, column] if `valid`, otherwise 0; then the last element
/// is read and dropped, so that no branch is needed.
mlir::Value loadOrZero(FragmentBuilder &b, mlir::Value memory,
                       llvm::ArrayRef<mlir::Value> prefix, mlir::Value column,
                       mlir::Value valid);

/// Four 8x8 matrices of 16-bit elements at (row, column) and its neighbours
/// 8 further on; this thread's address is that of row lane mod 8 of matrix
/// lane / 8. `rowsFirst` says in which direction the second matrix lies.
mlir::Value loadMatrices(FragmentBuilder &b, mlir::Value memory,
                         mlir::Value row, int64_t column, bool rowsFirst,
                         bool transpose);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_GPU_ROWS_H
