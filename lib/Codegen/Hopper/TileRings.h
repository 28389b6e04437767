//===- TileRings.h - What a loop over tiles copies and reads ----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_HOPPER_TILERINGS_H
#define SIMPLEXIR_LIB_CODEGEN_HOPPER_TILERINGS_H

#include "simplexir/Codegen/Hopper/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace simplexir {

/// Do four warps that copy leave room for those that compute, and can these
/// have a role to the kernel's end?
bool canSpecializeCopies(mlir::func::FuncOp kernel);

/// The slots that a loop's tiles of one operand come through.
struct Ring {
  mlir::memref::AllocOp buffer;
  /// The copy of the first tile, and the one that brings the next tile.
  CopyOp first, next;
  /// What reads a slot in the loop, and which of the loop's iteration arguments
  /// is the number of that slot.
  StartContractOp reader;
  unsigned slot = 0;

  int64_t getLength() { return buffer.getType().getDimSize(0); }
};

/// A kernel with one loop, or one in another, over tiles that are copied to
/// rings a tile ahead and whose products are in flight
/// (--simplex-rotate-tiles, --simplex-overlap-contracts).
class TileRings {
public:
  static std::optional<TileRings> match(mlir::func::FuncOp kernel);

  /// If a slot is that of the last tile: the iteration argument that was its
  /// number then.
  std::optional<unsigned> getCurrent(unsigned slot);
  /// The operation of the loop after which a product is complete.
  mlir::Operation *getEnd(StartContractOp start);
  /// The ring that a view is of, and the slot: null if it is a constant.
  Ring &getRing(mlir::Value view);
  static mlir::Value getSlot(mlir::Value view);

  mlir::func::FuncOp kernel;
  mlir::scf::ForOp loop;
  /// Around it, where --simplex-speculate-maximum has put all into a first and
  /// a second round; `vote` ends a round.
  mlir::scf::WhileOp rounds;
  VoteOp vote;
  /// Around it, in a round, where --simplex-loop-work-items has put it.
  mlir::scf::ForOp items;
  /// The copy of the query, and what reads it before the loop; null if it is
  /// read in another way, or not at all.
  CopyOp query;
  CombineOp queryReader;
  /// The copies of the next tile.
  mlir::scf::IfOp prefetch;
  llvm::SmallVector<Ring> rings;
  /// Products after the loop that read a slot.
  llvm::SmallVector<ContractOp> later;
  /// The loop's iteration arguments that are numbers of slots.
  llvm::SetVector<unsigned> slots;
  /// What copies need to be known: buffers, bounds and addresses.
  llvm::SetVector<mlir::Operation *> shared;

private:
  explicit TileRings(mlir::func::FuncOp kernel) : kernel(kernel) {}
  bool findLoop();
  bool findItems();
  bool findRounds();
  void findQuery();
  bool findRings();
  bool findFirst(Ring &ring);
  bool findReader(Ring &ring);
  bool isRestAwaited();
  bool findSlots();
  bool addSlot(unsigned slot);
  bool findShared();
  bool addShared(mlir::Value value);
};

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_HOPPER_TILERINGS_H
