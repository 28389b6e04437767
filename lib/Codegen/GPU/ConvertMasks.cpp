//===- ConvertMasks.cpp - Masks -------------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"

#include <limits>

using namespace mlir;
using namespace simplexir;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Two distances below this one add up in 32 bits.
constexpr int64_t kFar = int64_t{1} << 30;

/// Bounds of windows, in 32 bits and relative to something near: a number of
/// queries added to one of them does not wrap around.
class NearBounds {
public:
  NearBounds(FragmentBuilder &b, Value position, bool bidirectional)
      : b(b), position(position), bidirectional(bidirectional) {}

  /// The keys [begin, end) that a window allows the tile's first query,
  /// relative to `origin`; null is no bound.
  std::pair<Value, Value> getWindow(int64_t window, Value origin) {
    bool unlimited = window == 0;
    window = std::min(window, kMaxWindow);
    Value begin, end;
    if (!unlimited)
      begin = narrow(b.add(position, 1 - window), origin);
    if (!bidirectional)
      end = narrow(b.add(position, 1), origin);
    else if (!unlimited)
      end = narrow(b.add(position, window), origin);
    return {begin, end};
  }

  Value narrow(Value bound, Value origin) { return narrow(b, bound, origin); }

  /// `bound` - `origin`, or what is as good as that if it is far away.
  static Value narrow(FragmentBuilder &b, Value bound, Value origin) {
    Value distance = b.createOrFold<arith::SubIOp>(bound, origin);
    distance = b.createOrFold<arith::MaxSIOp>(distance, b.index(-kFar));
    distance = b.createOrFold<arith::MinSIOp>(distance, b.index(kFar));
    return arith::IndexCastOp::create(b, b.getI32Type(), distance);
  }

private:
  FragmentBuilder &b;
  Value position;
  bool bidirectional;
};

/// By how many queries a row is after the tile's first one, or after the first
/// one of its group's `rows`. Not by a division: where LLVM makes `mul.hi.u32`
/// of it, ptxas (13.0) adds both bounds of a window by one IMAD.HI each, and
/// takes the first row's one sum for the other.
Value getQuery(FragmentBuilder &b, int64_t m, int64_t half, int64_t heads,
               int64_t rows) {
  if (heads >= rows)
    return emitI32(b, 0);
  Value index = b.row(m, half);
  if (rows < b.layout.rows)
    index = b.rem(index, rows);
  Value row = arith::IndexCastUIOp::create(b, b.getI32Type(), index);
  if (heads == 1)
    return row;
  // row / heads, exactly: rows * heads is less than 2 to the power of `bits`,
  // and the product fits 32 bits.
  constexpr int64_t bits = 22;
  assert(b.layout.rows <= 1024 && "rows of a tile");
  int64_t factor = llvm::divideCeil(int64_t{1} << bits, heads);
  row = arith::MulIOp::create(b, row, emitI32(b, static_cast<int32_t>(factor)));
  return arith::ShRUIOp::create(b, row, emitI32(b, bits));
}

/// The same for the rows of an op: after the first one of the group where the
/// groups' keys are as much further on as their queries.
template <typename OpT>
Value getQuery(FragmentBuilder &b, OpT op, int64_t m, int64_t half) {
  return getQuery(b, m, half, op.getHeads(),
                  op.getSkew() ? ScheduleAttr::kGroupRows : b.layout.rows);
}

/// The ancestor of `op` in the innermost region that knows all `values`, if a
/// loop lies between; or null.
Operation *getOuterLoop(Operation *op, ArrayRef<Value> values) {
  Region *known = nullptr;
  for (Value value : values)
    if (Region *region = value.getParentRegion();
        !known || known->isAncestor(region))
      known = region;
  bool isLoop = false;
  for (; op && op->getParentRegion() != known; op = op->getParentOp())
    isLoop |= isa<scf::ForOp>(op->getParentOp());
  return isLoop ? op : nullptr;
}

/// A key that a loop counts in 32 bits (--simplex-count-keys): the first one
/// and the number added to it.
std::pair<Value, Value> splitKey(FragmentBuilder &b, Value key) {
  if (auto sum = key.getDefiningOp<arith::AddIOp>())
    if (auto row = sum.getRhs().getDefiningOp<arith::IndexCastUIOp>())
      return {sum.getLhs(), row.getIn()};
  return {key, emitI32(b, 0)};
}

/// Are all rows of a thread of one query?
template <typename OpT>
bool hasOneQuery(FragmentBuilder &b, OpT op) {
  return static_cast<int64_t>(op.getHeads()) >=
         (op.getSkew() ? ScheduleAttr::kGroupRows : b.layout.rows);
}

/// By how many keys those of a group are further on, or null.
template <typename OpT>
Value getLag(FragmentBuilder &b, OpT op) {
  if (op.getSkew() == 0)
    return {};
  return b.mul(b.div(b.warpRow(), ScheduleAttr::kGroupRows), op.getSkew());
}

/// An i1: are the outer keys of this group, further on than said, in the range
/// of keys? Null if there is no condition.
template <typename OpT>
Value emitInRange(FragmentBuilder &b, OpT op,
                  typename TilePattern<OpT>::Adaptor adaptor) {
  if (op.getSkew() == 0)
    return {};
  Value result;
  for (ValueRange key : adaptor.getOuter()) {
    auto [first, number] = splitKey(b, key.front());
    Value bounds[] = {adaptor.getBegin().front(), adaptor.getEnd().front()};
    Operation *loop = getOuterLoop(op, {first, bounds[0], bounds[1]});
    OpBuilder::InsertPoint here = b.saveInsertionPoint();
    if (loop)
      b.setInsertionPoint(loop);
    Value origin = b.add(first, getLag(b, op));
    for (Value &bound : bounds) {
      bound = NearBounds::narrow(b, bound, origin);
      if (loop)
        bound = emitStash(b, bound);
    }
    b.restoreInsertionPoint(here);
    if (loop)
      for (Value &bound : bounds)
        bound = emitStashed(b, bound);
    Value ahead =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, bounds[1], number);
    Value inside =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sle, bounds[0], number);
    inside = arith::AndIOp::create(b, inside, ahead);
    result = result ? arith::AndIOp::create(b, result, inside) : inside;
  }
  return result;
}

/// An i1: may a row, `query` after the first one, use all outer keys, if they
/// are in `range`? Null if there is no condition.
template <typename OpT>
Value emitAllowed(FragmentBuilder &b, OpT op, Value query, Value range) {
  NearBounds bounds(b, op.getPosition(), op.getBidirectional());
  Value keep = range;
  auto require = [&](arith::CmpIPredicate predicate, Value value, Value bound) {
    Value inside = arith::CmpIOp::create(b, predicate, value, bound);
    keep = keep ? arith::AndIOp::create(b, keep, inside) : inside;
  };
  auto truncate = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  };
  for (auto [key, window] : llvm::zip_first(op.getOuter(), op.getWindows())) {
    // Of one query, loops visit the window.
    if (hasOneQuery(b, op))
      continue;
    if (window != 0 && window < kFar) {
      // Keys are in the window of some row, so that 32 bits hold how far away
      // they are; below 0 is a large unsigned number.
      Value distance =
          arith::SubIOp::create(b, truncate(op.getPosition()), truncate(key));
      distance = arith::AddIOp::create(b, distance, query);
      int64_t after = op.getBidirectional() ? window - 1 : 0;
      distance = b.createOrFold<arith::AddIOp>(distance, emitI32(b, after));
      require(arith::CmpIPredicate::ult, distance, emitI32(b, window + after));
      continue;
    }
    // Relative to the key: begin <= key is begin + query <= 0.
    auto [begin, end] = bounds.getWindow(window, key);
    if (begin)
      require(arith::CmpIPredicate::sle, arith::AddIOp::create(b, begin, query),
              emitI32(b, 0));
    if (end)
      require(arith::CmpIPredicate::sgt, arith::AddIOp::create(b, end, query),
              emitI32(b, 0));
  }
  return keep;
}

/// A bit for each of the columns that a thread holds of a row, 32 to a word:
/// tests of constant bits take few instructions, eight of them one (R2P).
struct MaskPattern : TilePattern<MaskOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(MaskOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    if (op.getSkew() != 0 && !layout.wgmma)
      return op.emitOpError("with 'skew' is for warpgroup products");
    Type element = op.getType().getElementType();
    if (!element.isF32())
      return op.emitOpError("masks logits of f32 on a GPU, found ") << element;
    // Bits of a tile's columns are those for all outer keys.
    Operation *loop = getOuterLoop(
        op, {adaptor.getColumn().front(), adaptor.getPosition().front(),
             adaptor.getBegin().front(), adaptor.getEnd().front()});
    Value range = emitInRange(b, op, adaptor);
    SmallVector<Words> rows;
    for (int64_t m = 0; m < getRowFragments(); ++m)
      for (int64_t half : {0, 1})
        rows.push_back(rows.empty() || !hasOneQuery(b, op)
                           ? getWords(op, b, m, half, loop, range)
                           : rows.front());
    int64_t columns = getColumnFragments(op.getType());
    // A window's first tile is cut at its left edge by as many columns as there
    // are other queries: only a few fragments need a mask there.
    int64_t queries = llvm::divideCeil(op.getType().getRows(), op.getHeads());
    int64_t first = llvm::divideCeil(queries - 1, 8);
    // A word's bits are tested eight at a time: four fragments, in a pair of
    // such tests, cost little more than one.
    first = first > 0 && 2 * first <= columns ? std::max<int64_t>(first, 4)
                                              : columns;
    SmallVector<Value> results(adaptor.getLogits());
    mask(b, op, results, rows, 0, std::min(first, columns));
    if (columns > first) {
      Value isCut = emitIsCut(b, rows, first, columns);
      auto guarded = scf::IfOp::create(b, ValueRange(results).getTypes(), isCut,
                                       /*addThenBlock=*/true,
                                       /*addElseBlock=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(guarded.elseBlock());
      scf::YieldOp::create(b, results);
      b.setInsertionPointToStart(guarded.thenBlock());
      mask(b, op, results, rows, first, columns);
      scf::YieldOp::create(b, results);
      results = SmallVector<Value>(guarded.getResults());
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  using Words = SmallVector<Value>;
  /// Column fragments whose elements of a row a word has bits for.
  static constexpr int64_t fragmentsPerWord = 16;

  /// Masks the column fragments [from, to) of all rows.
  static void mask(FragmentBuilder &b, MaskOp op, MutableArrayRef<Value> tile,
                   ArrayRef<Words> rows, int64_t from, int64_t to) {
    int64_t columns = getColumnFragments(op.getType());
    for (auto [row, words] : llvm::enumerate(rows))
      for (int64_t c = from, end; c < to; c = end) {
        int64_t number = c % fragmentsPerWord;
        end = std::min(to, c - number + fragmentsPerWord);
        maskByWord(b, tile.slice(row / 2 * columns + c, end - c), row % 2,
                   words[c / fragmentsPerWord], number);
      }
  }

  /// Masks one row of some fragments, of which the first one is a word's
  /// `number`th. In one statement: for each test of a bit LLVM would ask in
  /// each pass what is known of it (n = 2: an eighth of the work to PTX).
  static void maskByWord(FragmentBuilder &b, MutableArrayRef<Value> fragments,
                         int64_t half, Value word, int64_t number) {
    auto count = static_cast<int64_t>(2 * fragments.size());
    std::string code = "{\n.reg .pred out;\n.reg .b32 bit;\n";
    llvm::raw_string_ostream out(code);
    SmallVector<Value> numbers;
    for (int64_t i = 0; i < count; ++i) {
      numbers.push_back(b.extract(b.extract(fragments[i / 2], half), i % 2));
      out << "and.b32 bit, $" << 2 * count << ", "
          << (uint32_t{1} << (2 * number + i)) << ";\n"
          << "setp.eq.b32 out, bit, 0;\n"
          << "selp.f32 $" << i << ", 0fFF800000, $" << i << ", out;\n";
    }
    out << "}";
    Value all =
        emitPtxOfFloats(b, code, count, numbers, word, ",r", /*pure=*/true);
    auto pair = VectorType::get({2}, b.getF32Type());
    for (auto [i, fragment] : llvm::enumerate(fragments))
      fragment = b.insert(extractFields(b, all, 2 * i, pair), fragment, half);
  }

  /// An i1: is a bit of the column fragments [from, to) 0 in any row?
  static Value emitIsCut(FragmentBuilder &b, ArrayRef<Words> rows, int64_t from,
                         int64_t to) {
    Value all;
    for (const Words &words : rows)
      for (auto [number, word] : llvm::enumerate(words)) {
        uint32_t others = 0;
        for (int64_t c = 0; c < fragmentsPerWord; ++c) {
          int64_t fragment = number * fragmentsPerWord + c;
          if (fragment < from || fragment >= to)
            others |= uint32_t{3} << 2 * c;
        }
        Value bits = arith::OrIOp::create(
            b, word, emitI32(b, static_cast<int32_t>(others)));
        all = all ? arith::AndIOp::create(b, all, bits).getResult() : bits;
      }
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, all,
                                 emitI32(b, -1));
  }

  /// Of the columns that a row may use.
  static Words getWords(MaskOp op, FragmentBuilder &b, int64_t m, int64_t half,
                        Operation *loop, Value range) {
    OpBuilder::InsertPoint here = b.saveInsertionPoint();
    if (loop)
      b.setInsertionPoint(loop);
    // A group whose columns are as much further as its queries are sees their
    // windows as the first one does, but not the range of keys.
    Value query = getQuery(b, op, m, half);
    NearBounds bounds(b, op.getPosition(), op.getBidirectional());
    auto [begin, end] =
        bounds.getWindow(op.getWindows().back(), op.getColumn());
    // Not held in registers for all tiles: few need a mask.
    if (op.getSkew() != 0 && !loop)
      hideThread(b);
    Value key = op.getColumn(), lag = getLag(b, op);
    if (lag)
      key = b.add(key, lag);
    Value first = bounds.narrow(op.getBegin(), key),
          last = bounds.narrow(op.getEnd(), key);
    if (begin)
      first = arith::MaxSIOp::create(b, first,
                                     arith::AddIOp::create(b, begin, query));
    if (end)
      last =
          arith::MinSIOp::create(b, last, arith::AddIOp::create(b, end, query));
    Value zero = emitI32(b, 0), all = emitI32(b, -1);
    Value lane = arith::IndexCastUIOp::create(b, b.getI32Type(), b.column(0));
    Words words;
    for (int64_t word = 0;
         word * fragmentsPerWord < getColumnFragments(op.getType()); ++word) {
      // The bits from the first element at or after a column on.
      auto from = [&](Value column) -> Value {
        Value start = arith::AddIOp::create(b, lane, emitI32(b, word * 128));
        column = arith::SubIOp::create(b, column, start);
        column = arith::MaxSIOp::create(b, column, zero);
        column = arith::MinSIOp::create(b, column, emitI32(b, 128));
        Value fragment = arith::ShRUIOp::create(b, column, emitI32(b, 3));
        Value rest = arith::AndIOp::create(b, column, emitI32(b, 7));
        rest = arith::MinUIOp::create(b, rest, emitI32(b, 2));
        // Not one shift by twice as much: it would be by up to 32.
        Value bits = arith::ShLIOp::create(b, all, fragment);
        bits = arith::ShLIOp::create(b, bits, fragment);
        return arith::ShLIOp::create(b, bits, rest);
      };
      Value bits = arith::AndIOp::create(
          b, from(first), arith::XOrIOp::create(b, from(last), all));
      words.push_back(loop ? emitStash(b, bits) : bits);
    }
    b.restoreInsertionPoint(here);
    // A row that may not use an outer key has no columns.
    Value keep = emitAllowed(b, op, getQuery(b, op, m, half), range);
    for (Value &word : words) {
      if (loop)
        word = emitStashed(b, word);
      if (keep)
        word = arith::SelectOp::create(b, keep, word, emitI32(b, 0));
    }
    return words;
  }
};

struct DropRowsPattern : TilePattern<DropRowsOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(DropRowsOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    Value infinity =
        b.floating(cast<TileType>(op.getType()).getElementType(), kInfinity);
    SmallVector<Value> results(adaptor.getMaximum());
    Value range = emitInRange(b, op, adaptor);
    for (auto [m, maximum] : llvm::enumerate(results))
      for (int64_t half : {0, 1})
        if (Value keep = emitAllowed(b, op, getQuery(b, op, m, half), range))
          maximum = b.insert(arith::SelectOp::create(
                                 b, keep, b.extract(maximum, half), infinity),
                             maximum, half);
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};
} // namespace

void simplexir::populateMaskPatterns(const FragmentConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<DropRowsPattern, MaskPattern>(converter, patterns.getContext());
}
