//===- Tile.cpp - Attentions cut into tiles -------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tile.h"

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace simplexir;

static LogicalResult canonicalize(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addPass(createCanonicalizerPass());
  return manager.run(module);
}

LogicalResult sweep::tileAttention(ModuleOp module, Random &random) {
  if (random.below(2) == 0 && failed(canonicalize(module)))
    return failure();
  AttentionOp op;
  module.walk([&](AttentionOp found) { op = found; });
  // Upstream's loops write slices, which an empty tensor has none of.
  for (Type type : op.getResultTypes())
    if (llvm::is_contained(cast<ShapedType>(type).getShape(), 0))
      return success();
  std::vector<int64_t> divisors{0};
  for (int64_t size = 1; size <= op.getKeyHeads(); ++size)
    if (op.getKeyHeads() % size == 0)
      divisors.push_back(size);
  // 0 leaves a dimension whole.
  SmallVector<int64_t> sizes{random.between(0, 2), random.pick(divisors),
                             random.between(1, 20)};
  op.getContext()->loadDialect<scf::SCFDialect>();
  IRRewriter rewriter(op.getContext());
  rewriter.setInsertionPoint(op);
  SmallVector<OpFoldResult> tiles;
  for (int64_t size : sizes)
    tiles.push_back(rewriter.getIndexAttr(size));
  scf::SCFTilingOptions options;
  options.setTileSizes(tiles);
  options.setLoopType(random.below(2) == 0
                          ? scf::SCFTilingOptions::LoopType::ForOp
                          : scf::SCFTilingOptions::LoopType::ForallOp);
  auto tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(tiled))
    return op.emitError("cannot be tiled");
  rewriter.replaceOp(op, tiled->replacements);
  return random.below(2) == 0 ? canonicalize(module) : success();
}
