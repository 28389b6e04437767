//===- CopyRole.h - What the warps that copy do -----------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_HOPPER_COPYROLE_H
#define SIMPLEXIR_LIB_CODEGEN_HOPPER_COPYROLE_H

#include "TileRings.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace simplexir {

/// The channel of a ring, seen from one round.
struct Channel {
  mlir::Value memory;
  /// The second round has barriers of its own, from this one on; null if there
  /// is one round.
  mlir::Value base;

  mlir::Value getPlace(mlir::ImplicitLocOpBuilder &b, mlir::Value slot) const {
    return base ? mlir::arith::AddIOp::create(b, slot, base).getResult() : slot;
  }
};

/// How those that copy and those that compute talk to each other.
struct RoleChannels {
  struct Round {
    /// Of the rings, in their order.
    llvm::SmallVector<Channel> tiles;
    /// Of the query, if blocks loop over work items.
    std::optional<Channel> query;
  };

  void open(mlir::ImplicitLocOpBuilder &b, TileRings &rings);
  /// The channels of a round; is it the `second` one? Null: there is none.
  Round get(mlir::ImplicitLocOpBuilder &b, TileRings &rings,
            mlir::Value second) const;

  /// Barriers in shared memory; the last two may be null.
  llvm::SmallVector<mlir::Value> tiles;
  mlir::Value query, answer;
};

/// The same rounds, work items and tiles as those of the warps that compute;
/// only copies.
class CopyRole {
public:
  CopyRole(TileRings &rings, const RoleChannels &channels)
      : rings(rings), channels(channels) {}

  void build(mlir::Block *block);

private:
  using Builder = mlir::ImplicitLocOpBuilder;
  using Round = RoleChannels::Round;

  /// What is carried from tile to tile, and from work item to work item.
  struct State {
    /// A slot and a phase of each ring.
    llvm::SmallVector<mlir::Value> rings;
    /// The place of the last ring that is still to be announced, and if there
    /// is one.
    mlir::Value pending, isPending;
    mlir::Value queryPhase;

    llvm::SmallVector<mlir::Value> flatten() const;
    static State unflatten(mlir::ValueRange values);
  };

  State getStart(Builder &b) const;
  void copyRound(Builder &b, mlir::Value second);
  void copyItems(Builder &b, const Round &round, State &state);
  void copyQuery(Builder &b, const Round &round, State &state,
                 mlir::IRMapping &mapping);
  void copyTiles(Builder &b, const Round &round, State &state,
                 mlir::IRMapping &mapping);
  void copyTile(Builder &b, Ring &ring, mlir::Value slot, mlir::Value tile,
                mlir::IRMapping &mapping);
  static void announcePending(Builder &b, const Round &round,
                              const State &state, int64_t leaving);
  static void appendNext(Builder &b, Ring &ring, mlir::Value slot,
                         mlir::Value phase,
                         llvm::SmallVectorImpl<mlir::Value> &yields);
  void cloneSlice(Builder &b, mlir::Value value, mlir::IRMapping &mapping);

  TileRings &rings;
  const RoleChannels &channels;
};

/// The role's loop over work items also copies, behind the last item, its query
/// and first tile of the key once more (--simplex-rotate-items), but no tile of
/// the channel of values.
void extendCopies(mlir::scf::ForOp items, mlir::Value valueChannel);

/// Does a loop with a positive step run at all?
mlir::Value emitNotEmpty(mlir::ImplicitLocOpBuilder &b, mlir::scf::ForOp loop);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_HOPPER_COPYROLE_H
