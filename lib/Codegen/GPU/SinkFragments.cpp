//===- SinkFragments.cpp - Fragments next to their use --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace simplexir {
#define GEN_PASS_DEF_SINKFRAGMENTS
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
/// Nothing between such an operation and its users may change its result.
/// Fragment loads qualify: within a block of straight-line code, shared
/// memory changes only at a barrier, and those end the walk.
bool isSinkable(Operation *op) {
  return op->getNumRegions() == 0 &&
         (isMemoryEffectFree(op) || isa<nvgpu::LdMatrixOp>(op));
}

/// The user in op's block that comes first (an inner user counts as the
/// operation of this block around it), or null if there is none.
Operation *getFirstUser(Operation *op) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers()) {
    user = op->getBlock()->findAncestorOpInBlock(*user);
    if (user && (!first || user->isBeforeInBlock(first)))
      first = user;
  }
  return first;
}

struct SinkFragmentsPass
    : simplexir::impl::SinkFragmentsBase<SinkFragmentsPass> {
  void runOnOperation() override {
    // Beside warpgroup products the order is a schedule.
    WalkResult result = getOperation()->walk([](gpu::GPUFuncOp function) {
      auto schedule = function->getAttrOfType<ScheduleAttr>(kScheduleAttrName);
      return schedule && schedule.getWgmma() ? WalkResult::interrupt()
                                             : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return;
    getOperation()->walk([](Block *block) {
      // Only blocks of arithmetic: a barrier orders shared memory.
      if (!block->getOps<gpu::BarrierOp>().empty())
        return;
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
        if (isSinkable(&op))
          if (Operation *user = getFirstUser(&op))
            op.moveBefore(user);
    });
  }
};
} // namespace
