//===- TileAttention.cpp - Attention into loops over tiles ----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop over last-key tiles is outside the loops over outer keys, so that a
// tile is read once for all of them.
//
//===----------------------------------------------------------------------===//

#include "ScheduleCost.h"
#include "TileWindows.h"
#include "simplexir/Transforms/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <limits>

namespace simplexir {
#define GEN_PASS_DEF_TILEATTENTION
#include "simplexir/Transforms/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
class Tiler {
public:
  Tiler(AttentionOp op, bool widen, bool dotBF16, int64_t pad)
      : op(op), b(op.getLoc(), op), schedule(*op.getSchedule()),
        accumulator(op.getAccumulatorType()), element(op.getElementType()),
        tileElement(widen ? accumulator : element),
        productElement(dotBF16 && element.isBF16() ? element : tileElement),
        keyElement(tileElement), lastKeyElement(productElement),
        combinedElement(productElement), logitElement(op.getLogitType()),
        headDim(llvm::alignTo(op.getHeadDim(), pad)),
        valueDim(llvm::alignTo(op.getValueDim(), pad)) {
    int64_t group = op.getGroupSize();
    headsPerTile = std::min(group, schedule.getRows());
    queriesPerTile = schedule.getRows() / headsPerTile;
    headBlocks = llvm::divideCeil(group, headsPerTile);
    if (schedule.getSkew() && !widen) // a CPU has no warpgroup products
      skew = {schedule.getRows(), headsPerTile};
    scale = op.getEffectiveScale();
    if (logitElement != accumulator ||
        hasWideCombined(op, !widen && schedule.getWgmma())) {
      combinedElement = logitElement;
      // On a GPU operands stay as they are in shared memory.
      if (widen)
        keyElement = lastKeyElement = logitElement;
    }
  }

  void run() {
    setGrid();
    decodeWorkItem();
    windows = emitTileWindows(b, op, queryBegin, queryEnd, queryLength, skew);
    query = load(op.getQuery(), queryBegin, head, c(0), queryEnd, headEnd,
                 tile(schedule.getRows(), headDim, keyElement), headsPerTile);
    if (tileElement.isF16() && op.getKeys().size() > 1)
      magnitude = MagnitudeOp::create(b, b.getF32Type(), query);
    SmallVector<Value> state = emitSplits();
    emitFinish(state);
    op.erase();
  }

private:
  //===--------------------------------------------------------------------===//
  // Index arithmetic
  //===--------------------------------------------------------------------===//

  Value c(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
  Value min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value max(Value x, Value y) { return b.createOrFold<arith::MaxSIOp>(x, y); }
  Value dim(Value memref, int64_t index) {
    return b.createOrFold<memref::DimOp>(memref, c(index));
  }

  //===--------------------------------------------------------------------===//
  // The grid: batch x key heads x head blocks x query tiles
  //===--------------------------------------------------------------------===//

  void setGrid() {
    auto function = op->getParentOfType<func::FuncOp>();
    int64_t argument = cast<BlockArgument>(op.getQuery()).getArgNumber();
    int64_t blocks = op.getKeyHeads() * headBlocks;
    function->setAttr(kScheduleAttrName, schedule);
    GridPart parts[] = {GridPart::dim(argument, 0), GridPart::constant(blocks),
                        GridPart::dim(argument, 1, queriesPerTile)};
    function->setAttr(kGridAttrName, GridAttr::get(b.getContext(), parts));
  }

  void decodeWorkItem() {
    Value item = WorkItemOp::create(b);
    queryLength = dim(op.getQuery(), 1);
    Value tiles =
        b.createOrFold<arith::CeilDivSIOp>(queryLength, c(queriesPerTile));
    auto split = [&](Value extent) {
      Value part = b.createOrFold<arith::RemUIOp>(item, extent);
      item = b.createOrFold<arith::DivUIOp>(item, extent);
      return part;
    };
    queryBegin = mul(split(tiles), c(queriesPerTile));
    // Rows may be left over after whole queries: they belong to the next tile.
    queryEnd = min(queryLength, add(queryBegin, c(queriesPerTile)));
    Value block = split(c(headBlocks));
    keyHead = split(c(op.getKeyHeads()));
    batch = item;
    Value group = c(op.getGroupSize());
    Value firstHead = mul(keyHead, group);
    head = add(firstHead, mul(block, c(headsPerTile)));
    headEnd = add(firstHead, group);
  }

  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  TileType tile(int64_t rows, int64_t columns, Type type) {
    return TileType::get(b.getContext(), {rows, columns}, type);
  }
  TileType column() {
    return TileType::get(b.getContext(), {schedule.getRows()}, accumulator);
  }
  Value fill(TileType type, double value) {
    return FillOp::create(b, type, b.getF64FloatAttr(value));
  }
  Value load(Value source, Value sequence, Value head, Value begin, Value end,
             Value headEnd, TileType type, int64_t heads, int64_t step = 0) {
    return LoadOp::create(b, type, source, batch, sequence, head, begin, end,
                          headEnd, b.getI64IntegerAttr(heads), ChunkedAttr(),
                          b.getI64IntegerAttr(step));
  }
  /// Rows of a key or value; rows outside the key range read as zero.
  Value loadKeys(Value source, Value sequence, TileType type,
                 int64_t step = 0) {
    return load(source, sequence, keyHead, windows.rangeBegin, windows.rangeEnd,
                add(keyHead, c(1)), type, 1, step);
  }
  /// A row of an outer key or value; with a skew, one for each group of rows.
  Value loadOuter(Value source, Value sequence, int64_t columns, Type type) {
    int64_t rows =
        skew.step ? schedule.getRows() / ScheduleAttr::kGroupRows : 1;
    return loadKeys(source, sequence, tile(rows, columns, type), skew.step);
  }

  /// The multiplier of a logit in base 2; positive (signs are the combiner's).
  FloatAttr scaleAttr() {
    constexpr double log2e = 1.4426950408889634;
    return b.getF64FloatAttr(scale == 0 ? 1.0 : std::abs(scale) * log2e);
  }

  IntegerAttr skewAttr() { return b.getI64IntegerAttr(skew.step); }

  /// Biases are rounded to the accumulator's type, whatever they are added in.
  double getKeyBias(int64_t key) {
    double bias = op.getKeyBias(key);
    return logitElement == accumulator ? bias : static_cast<float>(bias);
  }

  struct Logits {
    Value tile;
    /// What they are yet to be multiplied with, or null.
    Value multiplier;
  };

  Logits emitLogits(Value lastKeys, Value column, ArrayRef<Value> outer) {
    SmallVector<Value> rows;
    SmallVector<double> biases;
    for (auto [i, index] : llvm::enumerate(outer)) {
      rows.push_back(loadOuter(op.getKeys()[i], index, headDim, keyElement));
      biases.push_back(getKeyBias(i));
    }
    int64_t factor = scale > 0 ? 1 : scale < 0 ? -1 : 0;
    auto combined = CombineOp::create(
        b, tile(schedule.getRows(), headDim, combinedElement),
        magnitude ? magnitude.getType() : Type(), op.getForm(), query, rows,
        magnitude, b.getDenseF64ArrayAttr(biases), b.getI64IntegerAttr(factor),
        b.getI64IntegerAttr(op.getHeadDim()), UnitAttr());
    TileType type = tile(schedule.getRows(), schedule.getKeys(), logitElement);
    Value logits = ContractOp::create(
        b, type, combined.getResult(), lastKeys, Value(), b.getUnitAttr(),
        b.getF64FloatAttr(getKeyBias(op.getKeys().size() - 1)), skewAttr());
    logits = b.createOrFold<ConvertOp>(
        type.cloneWith(std::nullopt, accumulator), logits);
    Value masked =
        MaskOp::create(b, logits, windows.firstPosition, column, outer,
                       windows.rangeBegin, windows.rangeEnd, op.getWindows(),
                       op.getBidirectional(), headsPerTile, skew.step);
    return {masked, combined.getMultiplier()};
  }

  /// The outer values' rows times P V, added to the accumulator.
  Value emitFold(Value probabilities, Value lastValues, Value acc,
                 ArrayRef<Value> outer) {
    SmallVector<Value> rows;
    SmallVector<double> biases;
    for (auto [i, index] : llvm::enumerate(outer)) {
      rows.push_back(
          loadOuter(op.getValues()[i], index, valueDim, tileElement));
      biases.push_back(op.getValueBias(i));
    }
    TileType type = cast<TileType>(probabilities.getType());
    Value rounded = b.createOrFold<ConvertOp>(
        type.cloneWith(std::nullopt, productElement), probabilities);
    Value product = ContractOp::create(
        b, acc.getType(), rounded, lastValues, Value(), UnitAttr(),
        b.getF64FloatAttr(op.getValueBias(op.getValues().size() - 1)),
        skewAttr());
    return FoldOp::create(b, acc.getType(), acc, product, rows,
                          b.getDenseF64ArrayAttr(biases));
  }

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  using Body = llvm::function_ref<SmallVector<Value>(Value, ValueRange)>;

  SmallVector<Value> emitLoop(KeyRange range, int64_t step, Value share,
                              ValueRange state, Body body) {
    // A share of a split takes every splits-th step.
    Value begin = range.begin;
    if (share) {
      begin = add(begin, mul(share, c(step)));
      step *= schedule.getSplits();
    }
    auto loop = scf::ForOp::create(b, begin, range.end, c(step), state);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        body(loop.getInductionVar(), loop.getRegionIterArgs());
    scf::YieldOp::create(b, next);
    return SmallVector<Value>(loop.getResults());
  }

  /// Loops over the outer keys from `outer.size()` on, around `body`.
  SmallVector<Value> emitOuterLoops(SmallVector<Value> outer, Value share,
                                    ValueRange state, Body body) {
    size_t level = outer.size(), levels = op.getKeys().size() - 1;
    bool innermost = level + 1 == levels;
    return emitLoop(windows.keys[level], 1, innermost ? share : Value(), state,
                    [&](Value index, ValueRange carried) {
                      outer.push_back(index);
                      auto next = innermost ? callBody(outer, carried, body)
                                            : emitOuterLoops(outer, share,
                                                             carried, body);
                      outer.pop_back();
                      return next;
                    });
  }

  SmallVector<Value> callBody(ArrayRef<Value> outer, ValueRange carried,
                              Body body) {
    currentOuter.assign(outer.begin(), outer.end());
    return body(Value(), carried);
  }

  /// One pass over all tiles: `body` sees the tile's column and, through
  /// `currentOuter`, the outer keys.
  SmallVector<Value>
  emitPass(Value share, ValueRange state,
           llvm::function_ref<void(Value column)> enterTile,
           llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    bool hasOuter = op.getKeys().size() > 1;
    return emitLoop(windows.keys.back(), schedule.getKeys(),
                    hasOuter ? Value() : share, state,
                    [&](Value column, ValueRange carried) {
                      enterTile(column);
                      auto inTile = [&](Value, ValueRange values) {
                        return body(column, values);
                      };
                      if (hasOuter)
                        return emitOuterLoops({}, share, carried, inTile);
                      return callBody({}, carried, inTile);
                    });
  }

  SmallVector<Value> emitTwoPasses(Value share) {
    double lowest = -std::numeric_limits<double>::infinity();
    Value lastKeys, lastValues;
    auto enterTile = [&](Value column) {
      lastKeys = loadKeys(
          op.getKeys().back(), column,
          tile(skew.getRows(schedule.getKeys()), headDim, lastKeyElement));
    };
    SmallVector<Value> maximum = emitPass(
        share, fill(column(), lowest), enterTile,
        [&](Value column, ValueRange carried) -> SmallVector<Value> {
          Logits logits = emitLogits(lastKeys, column, currentOuter);
          return {RowMaxOp::create(b, carried[0].getType(), logits.tile,
                                   carried[0], logits.multiplier, scaleAttr())};
        });
    Value sum = fill(column(), 0.0);
    Value acc = fill(tile(schedule.getRows(), valueDim, accumulator), 0.0);
    SmallVector<Value> sums = emitPass(
        share, ValueRange{sum, acc},
        [&](Value column) {
          enterTile(column);
          lastValues = loadKeys(
              op.getValues().back(), column,
              tile(skew.getRows(schedule.getKeys()), valueDim, productElement));
        },
        [&](Value column, ValueRange carried) -> SmallVector<Value> {
          Logits logits = emitLogits(lastKeys, column, currentOuter);
          Value probabilities =
              ExpOp::create(b, logits.tile.getType(), logits.tile, maximum[0],
                            logits.multiplier, scaleAttr());
          Value sum = RowSumOp::create(b, carried[0].getType(), probabilities,
                                       carried[0], b.getF64FloatAttr(1.0));
          return {sum, emitFold(probabilities, lastValues, carried[1],
                                currentOuter)};
        });
    return {maximum[0], sums[0], sums[1]};
  }

  SmallVector<Value> emitSplits() {
    if (schedule.getSplits() == 1)
      return emitTwoPasses(Value());
    Type types[] = {column(), column(),
                    tile(schedule.getRows(), valueDim, accumulator)};
    auto split = SplitOp::create(b, schedule.getSplits(), types);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&split.getBody().front());
    SmallVector<Value> state =
        emitTwoPasses(split.getBody().front().getArgument(0));
    YieldOp::create(b, state);
    return SmallVector<Value>(split.getResults());
  }

  void emitFinish(ArrayRef<Value> state) {
    TileType acc = cast<TileType>(state[2].getType());
    auto finish = FinalizeOp::create(
        b, TypeRange{acc.cloneWith(std::nullopt, tileElement), column()},
        state[0], state[1], state[2]);
    for (auto [result, output] :
         llvm::zip_equal(finish.getResults(), op.getOutputs()))
      StoreOp::create(b, result, output, batch, queryBegin, head, c(0),
                      queryEnd, headEnd, b.getI64IntegerAttr(headsPerTile));
  }

  AttentionOp op;
  ImplicitLocOpBuilder b;
  ScheduleAttr schedule;
  Type accumulator, element, tileElement;
  /// Of the operands of matrix products.
  Type productElement;
  /// Of the query and outer keys, of the last key, of what is made of the
  /// former, and of the logits' product.
  Type keyElement, lastKeyElement, combinedElement, logitElement;
  /// Dims of the tiles, padded.
  int64_t headDim, valueDim;
  int64_t headsPerTile, queriesPerTile, headBlocks;
  double scale;

  Value batch, keyHead, head, headEnd, queryBegin, queryEnd, queryLength;
  TileWindows windows;
  TileSkew skew;
  Value query;
  /// The largest |query|, where products may overflow the element type.
  Value magnitude;
  SmallVector<Value> currentOuter;
};

struct TileAttentionPass
    : simplexir::impl::TileAttentionBase<TileAttentionPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!getOperation()->hasAttr(kKernelAttrName))
      return;
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops) {
      if (!op.isOnBuffers() || !isa<BlockArgument>(op.getQuery())) {
        op.emitOpError("must be on the kernel's arguments to be tiled: run "
                       "--simplex-outline-kernels first");
        return signalPassFailure();
      }
      if (!op.getSchedule()) {
        op.emitOpError("has no schedule: run --simplex-select-schedule first");
        return signalPassFailure();
      }
      if (!widen && op.getSchedule()->getSkew() && failed(verifySkew(op)))
        return signalPassFailure();
      Tiler(op, widen, dotBF16, pad).run();
    }
  }

  /// Every group of rows has as many whole queries, and each the same length of
  /// keys to visit.
  static LogicalResult verifySkew(AttentionOp op) {
    ScheduleAttr schedule = *op.getSchedule();
    int64_t heads = std::min(op.getGroupSize(), schedule.getRows());
    if (op.getKeys().size() > 2 || llvm::is_contained(op.getWindows(), 0))
      return op.emitOpError("schedule: 'skew' needs one or two keys, each with "
                            "a window");
    int64_t queries = schedule.getRows() / heads;
    for (int64_t window : op.getWindows().drop_back())
      if (int64_t rows = getUnionLength(window, op.getBidirectional(), queries);
          rows > kMostOuterRows)
        return op.emitOpError("schedule: 'skew' holds ")
               << kMostOuterRows
               << " rows of an outer key in shared memory, found a window of "
               << window << ", which is " << rows << " for " << queries
               << " queries";
    if (ScheduleAttr::kGroupRows % heads != 0)
      return op.emitOpError("schedule: 'skew' needs groups of ")
             << ScheduleAttr::kGroupRows
             << " rows to have whole queries, found " << heads
             << " heads in a tile";
    return success();
  }
};
} // namespace
