//===- ContractToVector.cpp - Matrix products of tiles --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// result[r, c] = sum over k of lhs[r, k] * rhs[k, c], rhs contiguous in c. A
// micro kernel keeps `rows` x `vectors` of the result in registers over all k;
// each step of it loads `vectors` of the rhs and broadcasts `rows` scalars.
//
// Of bf16 operands a step takes two k at once: pairs of them lie side by side
// in both operands, `simplex.paired` loads see to it.
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"

using namespace mlir;
using namespace simplexir;

namespace {

struct Block {
  int64_t rows, vectors;
};

/// The block with the fewest loads among those that fit the registers.
Block chooseBlock(int64_t rows, int64_t vectors, int64_t registers) {
  Block best = {1, 1};
  double bestCost = std::numeric_limits<double>::infinity();
  for (int64_t v = 1; v <= std::min<int64_t>(vectors, 8); ++v)
    for (int64_t r = 1; r <= std::min<int64_t>(rows, 16); ++r) {
      // One register for the broadcast.
      if (r * v + v + 1 > registers)
        break;
      // Cycles a step: two loads and two FMA of latency 4 at once.
      auto cycles = [](int64_t r, int64_t v) {
        return std::max({(r + v) / 2.0, r * v / 2.0, 4.0});
      };
      int64_t rowBlocks = rows / r, rowRest = rows % r;
      int64_t vectorBlocks = vectors / v, vectorRest = vectors % v;
      double cost = rowBlocks * vectorBlocks * cycles(r, v);
      if (rowRest)
        cost += vectorBlocks * cycles(rowRest, v);
      if (vectorRest)
        cost += rowBlocks * cycles(r, vectorRest);
      if (rowRest && vectorRest)
        cost += cycles(rowRest, vectorRest);
      // At equal cycles, fewer loads.
      int64_t rowSteps = rowBlocks + (rowRest != 0);
      int64_t vectorSteps = vectorBlocks + (vectorRest != 0);
      cost += 1e-3 * rowSteps * vectorSteps * (r + v);
      if (cost < bestCost) {
        bestCost = cost;
        best = {r, v};
      }
    }
  return best;
}

struct ContractPattern : TilePattern<ContractOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ContractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getSkew() != 0)
      return op.emitOpError("with 'skew' is for warpgroup products");
    TileType type = cast<TileType>(op.getResult().getType());
    TileType lhs = cast<TileType>(op.getLhs().getType());
    if (lhs.getElementType().isBF16() && !op.getBias().isZero())
      return rewriter.notifyMatchFailure(
          op, "a bias is not added to pairs: run --simplex-fold-biases first");
    TileBuilder b = getBuilder(rewriter, op.getLoc(), type);
    Value result = getScratch(op, type);
    int64_t vectors = llvm::divideCeil(type.getColumns(), b.getLanes());
    Block block = chooseBlock(type.getRows(), vectors, tiles.registers);
    // A panel of rhs columns stays in the cache while the rows pass.
    forBlocks(b, vectors, block.vectors, [&](Value vector, int64_t width) {
      Value column = b.mulIndex(vector, b.getLanes());
      forBlocks(b, type.getRows(), block.rows, [&](Value row, int64_t height) {
        multiplyBlock(b, op, adaptor, {height, width}, row, column, lhs, type,
                      result);
      });
    });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static void forBlocks(TileBuilder &b, int64_t count, int64_t step,
                        function_ref<void(Value, int64_t)> body) {
    int64_t full = count / step * step;
    b.forRange(full, step, [&](Value i) { body(i, step); });
    if (full != count)
      body(b.index(full), count - full);
  }

  static void multiplyBlock(TileBuilder &b, ContractOp op, OpAdaptor adaptor,
                            Block block, Value row, Value column, TileType lhs,
                            TileType type, Value result) {
    bool pairs = lhs.getElementType().isBF16();
    // Elements of a step.
    int64_t depth = pairs ? 2 : 1;
    int64_t lhsStride = getScratchStride(lhs.getColumns());
    int64_t rhsStride = depth * getScratchStride(type.getColumns());
    SmallVector<Value> lhsRows, init;
    for (int64_t r = 0; r < block.rows; ++r) {
      Value at = b.addIndex(row, r);
      lhsRows.push_back(b.mulIndex(at, lhsStride));
      Value start = adaptor.getInit()
                        ? b.broadcast(b.loadScalar(adaptor.getInit(), at))
                        : b.splat(0);
      init.append(block.vectors, start);
    }
    double bias = op.getBias().convertToDouble();
    Value begin = b.index(0), step = b.index(1),
          end = b.index(llvm::divideCeil(lhs.getColumns(), depth)),
          first = b.mulIndex(column, depth);
    scf::ForOp loop = scf::ForOp::create(
        b.builder, b.loc, begin, end, step, init,
        [&](OpBuilder &builder, Location loc, Value k, ValueRange state) {
          Value rhsRow = b.addIndex(b.mulIndex(k, rhsStride), first);
          Value lhsColumn = b.mulIndex(k, depth);
          SmallVector<Value> rhs, next;
          for (int64_t v = 0; v < block.vectors; ++v) {
            Value at = b.addIndex(rhsRow, v * depth * b.getLanes());
            rhs.push_back(pairs ? b.loadPairs(adaptor.getRhs(), at)
                                : b.loadVector(adaptor.getRhs(), at));
            if (bias != 0)
              rhs.back() = b.add(rhs.back(), b.splat(bias));
          }
          for (int64_t r = 0; r < block.rows; ++r) {
            Value at = b.addIndex(lhsRows[r], lhsColumn);
            Value wide = pairs
                             ? b.broadcastPair(adaptor.getLhs(), at)
                             : b.broadcast(b.loadScalar(adaptor.getLhs(), at));
            for (int64_t v = 0; v < block.vectors; ++v) {
              Value sum = state[r * block.vectors + v];
              next.push_back(pairs ? b.dotPairs(wide, rhs[v], sum)
                                   : b.fma(wide, rhs[v], sum));
            }
          }
          scf::YieldOp::create(builder, loc, next);
        });
    for (int64_t r = 0; r < block.rows; ++r)
      for (int64_t v = 0; v < block.vectors; ++v)
        b.storeVector(loop.getResult(r * block.vectors + v), result,
                      b.at(b.addIndex(row, r), type.getColumns(),
                           b.addIndex(column, v * b.getLanes())));
  }
};

} // namespace

void simplexir::populateContractToVectorPatterns(const TypeConverter &converter,
                                                 RewritePatternSet &patterns,
                                                 const TileContext &tiles) {
  patterns.add<ContractPattern>(converter, patterns.getContext(), tiles);
}
