//===- ExpandMath.cpp - exp2 and log2 without a library -------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace simplexir {
#define GEN_PASS_DEF_EXPANDMATH
#include "simplexir/Codegen/Passes.h.inc"
} // namespace simplexir

using namespace mlir;

namespace {

/// Arithmetic on one float type, scalar or vector, and its bits.
struct Builder {
  Builder(PatternRewriter &rewriter, Location loc, Type type)
      : rewriter(rewriter), loc(loc), type(type) {
    auto element = cast<FloatType>(getElementTypeOrSelf(type));
    width = element.getWidth();
    mantissa = element.getFPMantissaWidth() - 1;
    bitsType = withElement(rewriter.getIntegerType(width));
  }

  Type withElement(Type element) const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.clone(element) : element;
  }
  Value constant(Type of, Attribute value) {
    auto attribute = cast<TypedAttr>(value);
    if (auto vector = dyn_cast<VectorType>(of))
      attribute = DenseElementsAttr::get(vector, value);
    return arith::ConstantOp::create(rewriter, loc, attribute);
  }
  Value number(double value) {
    return constant(type,
                    rewriter.getFloatAttr(getElementTypeOrSelf(type), value));
  }
  Value integer(int64_t value) {
    return constant(bitsType, rewriter.getIntegerAttr(
                                  getElementTypeOrSelf(bitsType), value));
  }
  Value add(Value a, Value b) {
    return arith::AddFOp::create(rewriter, loc, a, b,
                                 arith::FastMathFlags::contract);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(rewriter, loc, a, b,
                                 arith::FastMathFlags::contract);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(rewriter, loc, a, b,
                                 arith::FastMathFlags::contract);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(rewriter, loc, predicate, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(rewriter, loc, condition, a, b);
  }
  Value toBits(Value a) {
    return arith::BitcastOp::create(rewriter, loc, bitsType, a);
  }
  Value fromBits(Value a) {
    return arith::BitcastOp::create(rewriter, loc, type, a);
  }
  template <typename Op>
  Value bits(Value a, Value b) {
    return Op::create(rewriter, loc, a, b);
  }
  /// Horner's scheme, lowest coefficient first.
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value result = number(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      result = add(mul(result, x), number(c));
    return result;
  }

  PatternRewriter &rewriter;
  Location loc;
  Type type, bitsType;
  /// Bits of the type, and of its stored mantissa.
  int64_t width, mantissa;
};

bool isSupported(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF32() || element.isF64();
}

/// 2^x = 2^n p(x - n), n the nearest integer.
struct ExpandExp2 : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    if (!isSupported(op.getType()))
      return failure();
    Builder b(rewriter, op.getLoc(), op.getType());
    bool wide = b.width == 64;
    Value x = op.getOperand();
    // Adding 1.5 * 2^mantissa leaves n in the low bits.
    Value magic = b.number(std::ldexp(1.5, b.mantissa));
    Value shifted = b.add(x, magic);
    Value fraction = b.sub(x, b.sub(shifted, magic));
    SmallVector<double> coefficients;
    if (wide) {
      // Taylor: the term left out is below 1e-17 on [-1/2, 1/2].
      double term = 1;
      for (int k = 0; k <= 12; term *= 0.69314718055994530942 / ++k)
        coefficients.push_back(term);
    } else {
      // Interpolates at Chebyshev nodes: within 3e-9 on [-1/2, 1/2].
      coefficients = {1.0,
                      0.6931472067028321,
                      0.24022650922288827,
                      0.05550327226670944,
                      0.00961805667852609,
                      0.0013400428177419153,
                      0.0001546144469646172};
    }
    Value power = b.polynomial(fraction, coefficients);
    Value exponent =
        b.bits<arith::ShLIOp>(b.toBits(shifted), b.integer(b.mantissa));
    Value result = b.fromBits(b.bits<arith::AddIOp>(b.toBits(power), exponent));
    double limit = wide ? 1024 : 128;
    Value low = b.compare(arith::CmpFPredicate::OLT, x, b.number(2 - limit));
    Value high = b.compare(arith::CmpFPredicate::OGE, x, b.number(limit));
    result = b.select(low, b.number(0), result);
    result = b.select(high, b.number(std::numeric_limits<double>::infinity()),
                      result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// log2(m 2^e) = e + 2/ln 2 * atanh(s), s = (m - 1) / (m + 1), m in
/// [sqrt 1/2, sqrt 2).
struct ExpandLog2 : OpRewritePattern<math::Log2Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Log2Op op,
                                PatternRewriter &rewriter) const override {
    if (!isSupported(op.getType()))
      return failure();
    Builder b(rewriter, op.getLoc(), op.getType());
    bool wide = b.width == 64;
    double infinity = std::numeric_limits<double>::infinity();
    Value x = op.getOperand(), zero = b.number(0), one = b.number(1);
    // Numbers below the normal ones are scaled first.
    double smallest = std::ldexp(1.0, wide ? -1022 : -126);
    Value small = b.compare(arith::CmpFPredicate::OLT, x, b.number(smallest));
    Value normal =
        b.select(small, b.mul(x, b.number(std::ldexp(1.0, b.mantissa + 1))), x);
    Value offset = b.select(small, b.number(-(b.mantissa + 1.0)), zero);
    // Subtracting the bits of sqrt 1/2 puts the split there.
    int64_t half = wide ? 0x3FE6A09E667F3BCD : 0x3F3504F3;
    Value bits = b.toBits(normal);
    Value above = b.bits<arith::SubIOp>(bits, b.integer(half));
    Value exponent = b.bits<arith::ShRSIOp>(above, b.integer(b.mantissa));
    Value m = b.fromBits(b.bits<arith::SubIOp>(
        bits, b.bits<arith::ShLIOp>(exponent, b.integer(b.mantissa))));
    Value e = arith::SIToFPOp::create(rewriter, op.getLoc(), b.type, exponent);
    Value s = arith::DivFOp::create(rewriter, op.getLoc(), b.sub(m, one),
                                    b.add(m, one));
    SmallVector<double> coefficients;
    for (int k = 0; k < (wide ? 12 : 5); ++k)
      coefficients.push_back(2 / 0.69314718055994530942 / (2 * k + 1));
    Value log = b.mul(s, b.polynomial(b.mul(s, s), coefficients));
    Value result = b.add(b.add(e, offset), log);
    Value isZero = b.compare(arith::CmpFPredicate::OEQ, x, zero);
    result = b.select(isZero, b.number(-infinity), result);
    Value isLarge = b.compare(arith::CmpFPredicate::OEQ, x, b.number(infinity));
    result = b.select(isLarge, x, result);
    // Negative, or not a number.
    Value isBad = b.compare(arith::CmpFPredicate::ULT, x, zero);
    result = b.select(isBad, b.number(std::nan("")), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Integer types of a float type's shape.
Type getBitsType(Type type, unsigned width) {
  Type integer = IntegerType::get(type.getContext(), width);
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(integer) : integer;
}

/// f16 to f32 by a multiplication, which also normalises small numbers.
struct ExpandHalfExt : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn().getType()).isF16() ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Location loc = op.getLoc();
    Builder b(rewriter, loc, op.getType());
    Value half = arith::BitcastOp::create(
        rewriter, loc, getBitsType(op.getType(), 16), op.getIn());
    Value bits = arith::ExtUIOp::create(rewriter, loc, b.bitsType, half);
    Value magnitude = b.bits<arith::AndIOp>(bits, b.integer(0x7FFF));
    Value sign = b.bits<arith::ShLIOp>(b.bits<arith::XOrIOp>(bits, magnitude),
                                       b.integer(16));
    Value shifted = b.bits<arith::ShLIOp>(magnitude, b.integer(13));
    Value number =
        b.toBits(b.mul(b.fromBits(shifted), b.number(std::ldexp(1.0, 112))));
    Value special = b.bits<arith::OrIOp>(shifted, b.integer(0x7F800000));
    Value isSpecial = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::uge, magnitude, b.integer(0x7C00));
    number = b.select(isSpecial, special, number);
    rewriter.replaceOp(op, b.fromBits(b.bits<arith::OrIOp>(number, sign)));
    return success();
  }
};

/// f32 to f16, to nearest even.
struct ExpandHalfTrunc : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType();
    if (!getElementTypeOrSelf(op.getType()).isF16() ||
        !getElementTypeOrSelf(from).isF32())
      return failure();
    Location loc = op.getLoc();
    Builder b(rewriter, loc, from);
    auto atLeast = [&](Value x, int64_t bound) -> Value {
      return arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::uge, x,
                                   b.integer(bound));
    };
    Value bits = b.toBits(op.getIn());
    Value magnitude = b.bits<arith::AndIOp>(bits, b.integer(0x7FFFFFFF));
    Value sign = b.bits<arith::ShRUIOp>(b.bits<arith::XOrIOp>(bits, magnitude),
                                        b.integer(16));
    // Move the exponent's bias and round off 13 bits.
    Value odd = b.bits<arith::AndIOp>(
        b.bits<arith::ShRUIOp>(magnitude, b.integer(13)), b.integer(1));
    Value rounded = b.bits<arith::AddIOp>(b.bits<arith::AddIOp>(magnitude, odd),
                                          b.integer(0xFFF - 0x38000000));
    Value result = b.bits<arith::ShRUIOp>(rounded, b.integer(13));
    // Below 2^-14 an addition rounds at the right place.
    Value small = b.bits<arith::SubIOp>(
        b.toBits(b.add(b.fromBits(magnitude), b.number(0.5))),
        b.integer(0x3F000000));
    result = b.select(atLeast(magnitude, 0x38800000), result, small);
    result =
        b.select(atLeast(magnitude, 0x477FF000), b.integer(0x7C00), result);
    result =
        b.select(atLeast(magnitude, 0x7F800001), b.integer(0x7E00), result);
    result = b.bits<arith::OrIOp>(result, sign);
    Value half =
        arith::TruncIOp::create(rewriter, loc, getBitsType(from, 16), result);
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }
};

struct ExpandMath : simplexir::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp2, ExpandLog2>(&getContext());
    if (roundBF16)
      arith::populateExpandBFloat16Patterns(patterns);
    if (half)
      patterns.add<ExpandHalfExt, ExpandHalfTrunc>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
