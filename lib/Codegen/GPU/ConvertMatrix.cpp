//===- ConvertMatrix.cpp - Matrix products and fold -----------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instructions.h"
#include "Rows.h"

#include "simplexir/Codegen/GPU/Passes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace simplexir;

namespace {
/// The 32-bit registers of a fragment vector, as mma.sync takes them.
SmallVector<Value> getRegisters(FragmentBuilder &b, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  SmallVector<Value> registers;
  for (int64_t i = 0; i < type.getDimSize(0); ++i) {
    Value pair = b.extract(vector, i);
    if (type.getElementType().isBF16())
      pair = b.extract(vector::BitCastOp::create(
                           b, VectorType::get({1}, b.getI32Type()), pair),
                       0);
    registers.push_back(pair);
  }
  return registers;
}

//===----------------------------------------------------------------------===//
// contract
//===----------------------------------------------------------------------===//

/// Products of 16-bit fragments (m16n8k16), of f32 fragments (m16n8k8 in tf32)
/// and of f64 fragments (two times two of m8n8k4).
struct ContractPattern : TilePattern<ContractOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(ContractOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    auto rhs = dyn_cast<MemRefType>(op.getRhs().getType());
    if (!rhs)
      return op.emitOpError("needs its rhs in shared memory: run "
                            "--simplex-stage-tiles first");
    if (rhs.getRank() != 2)
      return failure(); // Boxes are for warpgroup products.
    if (op.getSkew() != 0)
      return op.emitOpError("with 'skew' needs its rhs in boxes");
    TileType lhs = cast<TileType>(op.getLhs().getType());
    TileType type = cast<TileType>(op.getResult().getType());
    Problem problem{op,
                    adaptor.getLhs(),
                    rhs.getElementType(),
                    lhs.getElementType(),
                    getColumnFragments(lhs),
                    getColumnFragments(type)};
    SmallVector<Value> acc = getInit(op, adaptor, b, type);
    int64_t depth = problem.depth / (problem.is16Bit() ? 2 : 1);
    int64_t pairs = problem.columns / 2;
    // Logits take the left fragments one after the other; a product of values
    // finishes column by column for the fold.
    if (op.getTransposed())
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t n = 0; n < pairs; ++n)
          multiply(problem, b, k, n, acc);
    else
      for (int64_t n = 0; n < pairs; ++n)
        for (int64_t k = 0; k < depth; ++k)
          multiply(problem, b, k, n, acc);
    rewriter.replaceOpWithMultiple(op, {acc});
    return success();
  }

private:
  struct Problem {
    mutable ContractOp op;
    ValueRange lhs;
    Type element, lhsElement;
    /// In fragments of 8.
    int64_t depth, columns;

    bool is16Bit() const { return lhsElement.getIntOrFloatBitWidth() == 16; }
  };

  SmallVector<Value> getInit(ContractOp op, Adaptor adaptor, FragmentBuilder &b,
                             TileType type) const {
    int64_t columns = getColumnFragments(type);
    Type element = type.getElementType();
    SmallVector<Value> acc;
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      Value fragment = b.zeros({2, 2}, element);
      if (op.getInit())
        for (int64_t half : {0, 1})
          fragment = b.insert(b.splat(b.extract(adaptor.getInit()[m], half)),
                              fragment, half);
      acc.append(columns, fragment);
    }
    return acc;
  }

  /// Adds depth step k of the two column fragments 2n, 2n + 1.
  void multiply(const Problem &problem, FragmentBuilder &b, int64_t k,
                int64_t n, SmallVectorImpl<Value> &acc) const {
    if (problem.lhsElement.isF64())
      return multiplyF64(problem, b, k, n, acc);
    if (!problem.is16Bit())
      return multiplyTF32(problem, b, k, n, acc);
    Value four = problem.op.getTransposed()
                     ? loadMatrices(b, problem.op.getRhs(), b.index(n * 16),
                                    k * 16, /*rowsFirst=*/false, false)
                     : loadMatrices(b, problem.op.getRhs(), b.index(k * 16),
                                    n * 16, /*rowsFirst=*/true, true);
    SmallVector<Value> rhs = getRegisters(b, four);
    for (int64_t m = 0; m < getRowFragments(); ++m) {
      SmallVector<Value> lhs =
          getRegisters(b, problem.lhs[m * problem.depth + 2 * k]);
      lhs.append(getRegisters(b, problem.lhs[m * problem.depth + 2 * k + 1]));
      for (int64_t i : {0, 1}) {
        Value &target = acc[m * problem.columns + 2 * n + i];
        target = emitMma(b, lhs, ArrayRef(rhs).slice(2 * i, 2), target,
                         problem.element);
      }
    }
  }

  /// The sum runs over k in any order, so slot t takes column 2t and slot t +
  /// 4 column 2t + 1: the pairs that a thread holds.
  void multiplyTF32(const Problem &problem, FragmentBuilder &b, int64_t k,
                    int64_t n, SmallVectorImpl<Value> &acc) const {
    bool exactRhs = !problem.element.isF32();
    for (int64_t i : {0, 1}) {
      SmallVector<Value> rhs = loadRhs(problem, b, k, 2 * n + i);
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        Value fragment = problem.lhs[m * problem.depth + k];
        SmallVector<Value> lhs;
        for (int64_t column : {0, 1})
          for (int64_t half : {0, 1})
            lhs.push_back(b.extract(b.extract(fragment, half), column));
        Value &target = acc[m * problem.columns + 2 * n + i];
        auto [lhsHigh, lhsLow] = splitTF32(b, lhs);
        auto [rhsHigh, rhsLow] = splitTF32(b, rhs);
        auto emit = [&](ArrayRef<Value> x, ArrayRef<Value> y) {
          target = emitMma(b, x, y, target, b.getF32Type());
        };
        // a b = ah bh + ah bl + al bh, small terms first; what is left out is
        // 2^-22 of it.
        if (!exactRhs) {
          emit(lhsLow, rhsHigh);
          emit(lhsHigh, rhsLow);
        }
        emit(lhsHigh, rhsHigh);
      }
    }
  }

  /// The halves of a fragment are fragments of m8n8k4, and slot t takes first
  /// column 2t, then column 2t + 1.
  void multiplyF64(const Problem &problem, FragmentBuilder &b, int64_t k,
                   int64_t n, SmallVectorImpl<Value> &acc) const {
    for (int64_t i : {0, 1}) {
      SmallVector<Value> rhs = loadRhs(problem, b, k, 2 * n + i);
      for (Value &number : rhs)
        number = arith::ExtFOp::create(b, b.getF64Type(), number);
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        Value lhs = problem.lhs[m * problem.depth + k];
        Value &target = acc[m * problem.columns + 2 * n + i];
        for (int64_t half : {0, 1}) {
          Value pair = b.extract(target, half);
          for (int64_t column : {0, 1})
            pair = emitMmaF64(b, b.extract(b.extract(lhs, half), column),
                              rhs[column], pair);
          target = b.insert(pair, target, half);
        }
      }
    }
  }

  static SmallVector<Value> loadRhs(const Problem &problem, FragmentBuilder &b,
                                    int64_t k, int64_t n) {
    Value memory = problem.op.getRhs();
    Value outer = b.add(b.div(b.lane(), 4), n * 8);
    SmallVector<Value> pair;
    for (int64_t i : {0, 1}) {
      Value inner = b.add(b.column(k), i);
      SmallVector<Value> indices{outer, inner};
      if (!problem.op.getTransposed())
        std::swap(indices[0], indices[1]);
      Value element = memref::LoadOp::create(b, memory, indices);
      if (!problem.element.isF32())
        element = arith::ExtFOp::create(b, b.getF32Type(), element);
      pair.push_back(element);
    }
    return pair;
  }

  /// High and low parts of f32 values, each exact in tf32 as 32-bit integers.
  static std::pair<SmallVector<Value>, SmallVector<Value>>
  splitTF32(FragmentBuilder &b, ArrayRef<Value> values) {
    SmallVector<Value> high, low;
    Type i32 = b.getI32Type();
    Value mask = arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(0xffffe000)));
    Value half = arith::ConstantOp::create(b, b.getI32IntegerAttr(0x1000));
    auto round = [&](Value bits) -> Value {
      bits = arith::AddIOp::create(b, bits, half);
      return arith::AndIOp::create(b, bits, mask);
    };
    for (Value value : values) {
      Value bits = round(arith::BitcastOp::create(b, i32, value));
      Value rounded = arith::BitcastOp::create(b, b.getF32Type(), bits);
      Value rest = arith::SubFOp::create(b, value, rounded);
      high.push_back(bits);
      low.push_back(round(arith::BitcastOp::create(b, i32, rest)));
    }
    return {high, low};
  }
};

//===----------------------------------------------------------------------===//
// fold
//===----------------------------------------------------------------------===//

struct FoldPattern : TilePattern<FoldOp> {
  using TilePattern::TilePattern;

  LogicalResult convert(FoldOp op, Adaptor adaptor, FragmentBuilder &b,
                        ConversionPatternRewriter &rewriter) const override {
    TileType type = cast<TileType>(op.getResult().getType());
    Type element = type.getElementType();
    int64_t columns = getColumnFragments(type);
    SmallVector<Value> results(adaptor.getAccumulator().size());
    // One read brings four fragments, and needs the time to fold as many.
    constexpr int64_t early = 4;
    int64_t late = columns / (2 * early) * early;
    bool isLate = late >= early && canReadLate(op);
    for (int64_t c = 0; c < columns; ++c) {
      if (isLate && c == early)
        readLate(b, adaptor.getValues(), late, rewriter);
      Value row;
      for (auto [k, value] : llvm::enumerate(adaptor.getValues())) {
        Value next = b.convert(value[c], element);
        if (double bias = op.getBiases()[k]; bias != 0)
          next = arith::AddFOp::create(b, next,
                                       b.splat(b.floating(element, bias)));
        row = row ? arith::MulFOp::create(b, row, next) : next;
      }
      for (int64_t m = 0; m < getRowFragments(); ++m) {
        int64_t i = m * columns + c;
        results[i] =
            add(b, adaptor.getAccumulator()[i], adaptor.getProduct()[i], row);
      }
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  /// Does every row wait for this fold, and for no other?
  static bool canReadLate(FoldOp op) {
    return llvm::all_of(op.getValues(), [](Value row) {
      auto load = row.getDefiningOp<LoadRowOp>();
      return load && load->hasAttr(kReadLateAttrName) && load->hasOneUse();
    });
  }

  /// Reads of rows, from fragment `first` on, follow what has been folded,
  /// behind a barrier of the warp that ptxas (13.0) does not move them over.
  static void readLate(FragmentBuilder &b, ArrayRef<ValueRange> rows,
                       int64_t first, ConversionPatternRewriter &rewriter) {
    llvm::SetVector<Operation *> late;
    for (ValueRange row : rows)
      for (Value fragment : row.drop_front(first)) {
        auto extract = fragment.getDefiningOp<vector::ExtractOp>();
        auto load = extract
                        ? extract.getSource().getDefiningOp<nvgpu::LdMatrixOp>()
                        : nvgpu::LdMatrixOp();
        if (!load || !isNear(load, b))
          return;
        late.insert(load);
        late.insert(extract);
      }
    if (late.empty())
      return;
    NVVM::SyncWarpOp::create(b, emitI32(b, -1));
    for (Operation *op : late)
      rewriter.moveOpBefore(op, b.getInsertionBlock(), b.getInsertionPoint());
  }

  /// Is it in the block being built, with no barrier behind it? There, others
  /// may write what it reads.
  static bool isNear(Operation *load, FragmentBuilder &b) {
    if (load->getBlock() != b.getInsertionBlock())
      return false;
    auto between =
        llvm::make_range(std::next(load->getIterator()), b.getInsertionPoint());
    return llvm::none_of(between, [](Operation &op) {
      return op
          .walk([](Operation *inner) {
            return isa<gpu::BarrierOp, NVVM::BarrierOp>(inner)
                       ? WalkResult::interrupt()
                       : WalkResult::advance();
          })
          .wasInterrupted();
    });
  }

  static Value add(FragmentBuilder &b, Value accumulator, Value product,
                   Value row) {
    if (!row)
      return arith::AddFOp::create(b, accumulator, product);
    Value result = accumulator;
    for (int64_t half : {0, 1})
      result = b.insert(math::FmaOp::create(b, b.extract(product, half), row,
                                            b.extract(accumulator, half)),
                        result, half);
    return result;
  }
};
} // namespace

void simplexir::populateMatrixPatterns(const FragmentConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<ContractPattern, FoldPattern>(converter, patterns.getContext());
}
