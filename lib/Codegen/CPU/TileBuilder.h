//===- TileBuilder.h - Loops of vectors over scratch tiles ---- -*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_CPU_TILEBUILDER_H
#define SIMPLEXIR_LIB_CODEGEN_CPU_TILEBUILDER_H

#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/DialectConversion.h"

namespace simplexir {

/// Elements that rows of scratch tiles are padded to: the longest vector.
constexpr int64_t kScratchPadding = 16;

/// Elements from one row of a scratch tile to the next.
inline int64_t getScratchStride(int64_t columns) {
  return llvm::alignTo(columns, kScratchPadding);
}

/// What the patterns know of the machine and of the workspace.
struct TileContext {
  int64_t vectorBytes;
  int64_t registers;
  llvm::DenseMap<std::pair<int64_t, mlir::Type>, mlir::Value> views;

  mlir::Value getView(int64_t offset, mlir::Type elementType) const {
    return views.lookup({offset, elementType});
  }
};

/// Emits vector arithmetic over scratch tiles (rank-1 memrefs, row-major with
/// padded rows) of one element type. Tiles of a narrower type are widened when
/// they are read and rounded when they are written.
class TileBuilder {
public:
  using Body = llvm::function_ref<void(mlir::Value)>;
  using VectorBody =
      llvm::function_ref<void(mlir::Value column, int64_t valid)>;
  using Reducer = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;

  TileBuilder(mlir::OpBuilder &builder, mlir::Location loc,
              mlir::Type elementType, int64_t vectorBytes);

  int64_t getLanes() const { return lanes; }
  mlir::VectorType getVectorType() const { return vectorType; }
  mlir::VectorType getMaskType() const;

  mlir::Value index(int64_t value);
  /// A scalar or (splat) a vector of one value.
  mlir::Value scalar(double value);
  mlir::Value splat(double value);
  mlir::Value zero();
  mlir::Value constant(llvm::ArrayRef<double> lanes);
  mlir::Value broadcast(mlir::Value scalar);
  /// True in the first `valid` lanes.
  mlir::Value prefixMask(int64_t valid);
  mlir::Value laneMask(llvm::ArrayRef<bool> lanes);

  mlir::Value addIndex(mlir::Value a, mlir::Value b);
  mlir::Value addIndex(mlir::Value a, int64_t b);
  mlir::Value mulIndex(mlir::Value a, int64_t b);
  /// row * stride + column, for a tile of so many columns.
  mlir::Value at(mlir::Value row, int64_t columns, mlir::Value column);

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// a * b + c; the target contracts it.
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  /// The larger one; b if one is not a number.
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value exp2(mlir::Value a);

  mlir::Value loadVector(mlir::Value tile, mlir::Value at);
  void storeVector(mlir::Value vector, mlir::Value tile, mlir::Value at);
  mlir::Value loadScalar(mlir::Value tile, mlir::Value at);
  void storeScalar(mlir::Value scalar, mlir::Value tile, mlir::Value at);

  /// for (i = 0; i < count; i += step)
  void forRange(int64_t count, int64_t step, Body body);
  /// Every vector of a row; `valid` lanes of it are columns.
  void forColumns(int64_t columns, VectorBody body);
  /// All rows, all vectors of them.
  void forMatrix(int64_t rows, int64_t columns,
                 llvm::function_ref<void(mlir::Value row, mlir::Value column,
                                         int64_t valid)>
                     body);
  /// Reduces f(column, valid) over a row, then over the lanes.
  mlir::Value
  reduceRow(int64_t columns, mlir::Value init,
            llvm::function_ref<mlir::Value(mlir::Value column, int64_t valid)>
                element,
            Reducer combine);
  mlir::Value reduceLanes(mlir::Value vector, Reducer combine);

  /// As many pairs of bf16 numbers as there are lanes.
  mlir::Value loadPairs(mlir::Value tile, mlir::Value at);
  /// The same pair in each lane.
  mlir::Value broadcastPair(mlir::Value tile, mlir::Value at);
  /// c + a[0] * b[0] + a[1] * b[1] in each lane of pairs a and b.
  mlir::Value dotPairs(mlir::Value a, mlir::Value b, mlir::Value c);

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  mlir::Type elementType;
  int64_t lanes;
  mlir::VectorType vectorType;
};

/// Base of the patterns.
template <typename Op>
struct TilePattern : mlir::OpConversionPattern<Op> {
  TilePattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context,
              const TileContext &tiles)
      : mlir::OpConversionPattern<Op>(converter, context), tiles(tiles) {}

  /// The buffer of the op's `result`-th tile.
  mlir::Value getScratch(mlir::Operation *op, mlir::Type tileType,
                         unsigned result = 0) const {
    auto offsets = op->getAttrOfType<mlir::DenseI64ArrayAttr>(kScratchAttrName);
    return tiles.getView(offsets[result],
                         llvm::cast<TileType>(tileType).getElementType());
  }
  TileBuilder getBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Type tileType) const {
    mlir::Type element = llvm::cast<TileType>(tileType).getElementType();
    // As many lanes as of 32 bits: rows are padded for no more.
    bool half = element.getIntOrFloatBitWidth() == 16;
    return TileBuilder(builder, loc, element,
                       half ? tiles.vectorBytes / 2 : tiles.vectorBytes);
  }

  const TileContext &tiles;
};

void populateContractToVectorPatterns(const mlir::TypeConverter &converter,
                                      mlir::RewritePatternSet &patterns,
                                      const TileContext &tiles);
void populateLoadStoreToVectorPatterns(const mlir::TypeConverter &converter,
                                       mlir::RewritePatternSet &patterns,
                                       const TileContext &tiles);
void populateCombineToVectorPatterns(const mlir::TypeConverter &converter,
                                     mlir::RewritePatternSet &patterns,
                                     const TileContext &tiles);
void populateSoftmaxToVectorPatterns(const mlir::TypeConverter &converter,
                                     mlir::RewritePatternSet &patterns,
                                     const TileContext &tiles);
void populateStateToVectorPatterns(const mlir::TypeConverter &converter,
                                   mlir::RewritePatternSet &patterns,
                                   const TileContext &tiles);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_CPU_TILEBUILDER_H
