//===- Fragments.h - Tiles spread over a warp -------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_GPU_FRAGMENTS_H
#define SIMPLEXIR_LIB_CODEGEN_GPU_FRAGMENTS_H

#include "simplexir/Codegen/GPU/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace simplexir {

/// Warps that only copy, where a kernel has some (simplex.specialize): they
/// come after those of the schedule.
constexpr int64_t kCopyWarps = 4;

/// How a kernel's tiles are dealt to its warps.
struct WarpLayout {
  explicit WarpLayout(ScheduleAttr schedule, bool specialized = false)
      : rows(schedule.getRows()), warps(schedule.getWarps()),
        splits(schedule.getSplits()), rowWarps(warps / splits),
        blockWarps(warps + (specialized ? kCopyWarps : 0)),
        wgmma(schedule.getWgmma()) {}

  /// That of the warps that copy.
  WarpLayout getCopyLayout() const {
    WarpLayout result(*this);
    result.firstWarp = warps;
    result.warps = kCopyWarps;
    return result;
  }

  /// Fails, saying why, where the schedule does not fill whole fragments.
  llvm::LogicalResult verify(mlir::Operation *op, ScheduleAttr schedule) const;

  int64_t getRowsPerWarp() const { return rows / rowWarps; }
  /// Fragments of 16 rows that a warp holds.
  int64_t getRowFragments() const { return getRowsPerWarp() / 16; }

  int64_t rows, warps, splits, rowWarps;
  /// The first of `warps`, and those of the whole block.
  int64_t firstWarp = 0, blockWarps;
  /// Four warps multiply their 64 rows together.
  bool wgmma;
};

/// A tile's type becomes the fragments of one thread:
///   rows x columns: for each 16 rows, each 8 columns a vector<2x2>
///   1 x columns: for each 8 columns a vector<2>, the same columns
///   rows: for each 16 rows a vector<2>, rows lane / 4 and lane / 4 + 8.
class FragmentConverter : public mlir::TypeConverter {
public:
  explicit FragmentConverter(const WarpLayout &layout);
  const WarpLayout layout, copyLayout;
};

/// Gives a kernel that fetches (simplex.fetch) parameters for its tensor maps,
/// and `simplex.maps`, which says what they are of.
void addMapParameters(mlir::gpu::GPUFuncOp function);

/// Is `op` in the part of a simplex.specialize that copies?
bool isForCopyWarps(mlir::Operation *op);

/// Builds what fragments need: thread coordinates and small vector code.
class FragmentBuilder : public mlir::ImplicitLocOpBuilder {
public:
  FragmentBuilder(mlir::Location loc, mlir::OpBuilder &builder,
                  const WarpLayout &layout)
      : ImplicitLocOpBuilder(loc, builder), layout(layout) {}

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, value);
  }
  mlir::Value floating(mlir::Type type, double value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int64_t b);
  mlir::Value mul(mlir::Value a, int64_t b);
  mlir::Value div(mlir::Value a, int64_t b);
  mlir::Value rem(mlir::Value a, int64_t b);

  mlir::Value lane();
  /// This thread's number, among those that `layout` is about.
  mlir::Value thread();
  /// From here on coordinates come from this number of the thread in its block,
  /// an i32.
  void setThread(mlir::Value i32);
  mlir::Value warp() { return div(thread(), 32); }
  /// Which split this warp computes.
  mlir::Value split() { return div(warp(), layout.rowWarps); }
  /// This warp's first row in the tile.
  mlir::Value warpRow() {
    return mul(rem(warp(), layout.rowWarps), layout.getRowsPerWarp());
  }
  /// The row of half `half` of row fragment `fragment` in this thread.
  mlir::Value row(int64_t fragment, int64_t half) {
    return add(add(warpRow(), div(lane(), 4)), fragment * 16 + half * 8);
  }
  /// The first of this thread's two columns in column fragment `fragment`.
  mlir::Value column(int64_t fragment) {
    return add(mul(rem(lane(), 4), 2), fragment * 8);
  }

  mlir::Value splat(mlir::Value scalar, int64_t count = 2);
  mlir::Value extract(mlir::Value vector, int64_t position);
  mlir::Value insert(mlir::Value value, mlir::Value vector, int64_t position);
  /// The vector in another floating-point type.
  mlir::Value convert(mlir::Value vector, mlir::Type element);
  mlir::Value zeros(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// `value`, or 0 where it is -inf: a safe number to subtract.
  mlir::Value replaceInfinity(mlir::Value value);
  /// What the thread has whose lane differs in the bits of `offset`.
  mlir::Value shuffle(mlir::Value scalar, int32_t offset);
  /// max or sum over the four threads that share a row.
  mlir::Value reduceQuad(mlir::Value scalar, bool isMax);

  const WarpLayout &layout;

private:
  /// See setThread(); may be null.
  mlir::Value ownThread;
};

/// A pattern for one tile operation, with the warp layout at hand.
template <typename OpT>
class TilePattern : public mlir::OpConversionPattern<OpT> {
public:
  using Adaptor = typename mlir::OpConversionPattern<OpT>::OneToNOpAdaptor;
  TilePattern(const FragmentConverter &converter, mlir::MLIRContext *context)
      : mlir::OpConversionPattern<OpT>(converter, context),
        layout(converter.layout), copyLayout(converter.copyLayout) {}

  llvm::LogicalResult
  matchAndRewrite(OpT op, Adaptor adaptor,
                  mlir::ConversionPatternRewriter &rewriter) const final {
    FragmentBuilder b(op.getLoc(), rewriter,
                      isForCopyWarps(op) ? copyLayout : layout);
    return convert(op, adaptor, b, rewriter);
  }

protected:
  virtual llvm::LogicalResult
  convert(OpT op, Adaptor adaptor, FragmentBuilder &b,
          mlir::ConversionPatternRewriter &rewriter) const = 0;

  /// Rows this thread's fragments of a matrix have, and their columns.
  int64_t getRowFragments() const { return layout.getRowFragments(); }
  static int64_t getColumnFragments(mlir::Type tile) {
    return llvm::cast<TileType>(tile).getColumns() / 8;
  }

  const WarpLayout &layout, &copyLayout;
};

void populateChannelPatterns(const FragmentConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateCopyPatterns(const FragmentConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateCombinePatterns(const FragmentConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateMapPatterns(const FragmentConverter &converter,
                         mlir::RewritePatternSet &patterns);
void populateMaskPatterns(const FragmentConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateMatrixPatterns(const FragmentConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateRowPatterns(const FragmentConverter &converter,
                         mlir::RewritePatternSet &patterns);
void populateSoftmaxPatterns(const FragmentConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateStatePatterns(const FragmentConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateStorePatterns(const FragmentConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateTurnPatterns(const FragmentConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateWarpgroupPatterns(const FragmentConverter &converter,
                               mlir::RewritePatternSet &patterns);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_GPU_FRAGMENTS_H
