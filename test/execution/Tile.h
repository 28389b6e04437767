//===- Tile.h - Attentions cut into tiles ----------------------- -*- C++
//-*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TEST_EXECUTION_TILE_H
#define SIMPLEXIR_TEST_EXECUTION_TILE_H

#include "Case.h"

#include "mlir/IR/BuiltinOps.h"

namespace simplexir::sweep {

/// Cuts the attention of a module into tiles of random sizes, with upstream's
/// tiling by the TilingInterface: loops or one parallel loop. The module is
/// canonicalized before, after, both, or not at all.
mlir::LogicalResult tileAttention(mlir::ModuleOp module, Random &random);

} // namespace simplexir::sweep

#endif // SIMPLEXIR_TEST_EXECUTION_TILE_H
