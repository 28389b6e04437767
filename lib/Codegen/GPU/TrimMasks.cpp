//===- TrimMasks.cpp - Masks of one query's tile --------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Transforms/MaskEdges.h"

namespace simplexir {
#define GEN_PASS_DEF_TRIMMASKS
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct TrimMasksPass : simplexir::impl::TrimMasksBase<TrimMasksPass> {
  void runOnOperation() override {
    getOperation().walk([](MaskOp mask) {
      // One key's position is at hand, that of its row.
      if (getQueries(mask) > 1 || mask.getOuter().size() < 2)
        return;
      mask.getOuterMutable().clear();
      mask.setWindows(mask.getWindows().take_back());
    });
  }
};
} // namespace
