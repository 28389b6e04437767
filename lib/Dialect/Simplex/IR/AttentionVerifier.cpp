//===- AttentionVerifier.cpp - The constraints of simplex.attention -------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every check carries the label (C1 ...) of its constraint in SimplexOps.td.
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace simplexir;

namespace {
constexpr int64_t kMaxExtent = (int64_t{1} << 31) - 1;

/// An operand with the name that messages give it.
struct Named {
  std::string name;
  ShapedType type;
};

class Verifier {
public:
  explicit Verifier(AttentionOp op) : op(op) {}

  LogicalResult run() {
    return success(succeeded(collect()) && succeeded(verifyTypes()) &&
                   succeeded(verifyShapes()) && succeeded(verifyAttributes()) &&
                   succeeded(verifyResults()));
  }

private:
  LogicalResult addShaped(std::string name, Value value, int64_t rank) {
    auto type = dyn_cast<ShapedType>(value.getType());
    if (!type || !isa<RankedTensorType, MemRefType>(type)) // C2
      return op.emitOpError() << name << " must be a ranked tensor or memref, "
                              << "found " << value.getType();
    if (type.getRank() != rank) // C2
      return op.emitOpError()
             << name << " must have rank " << rank
             << " [batch, sequence, heads, dim], found rank " << type.getRank();
    operands.push_back({std::move(name), type});
    return success();
  }

  LogicalResult collect() {
    size_t keys = op.getKeys().size(), values = op.getValues().size();
    if (keys < 1 || keys > 4) // C1
      return op.emitOpError() << "takes 1 to 4 keys, found " << keys;
    if (keys != values) // C1
      return op.emitOpError() << "takes as many values as keys, found " << keys
                              << " keys and " << values << " values";
    if (failed(addShaped("query", op.getQuery(), 4)))
      return failure();
    for (auto [i, key] : llvm::enumerate(op.getKeys()))
      if (failed(addShaped("key " + std::to_string(i + 1), key, 4)))
        return failure();
    for (auto [i, value] : llvm::enumerate(op.getValues()))
      if (failed(addShaped("value " + std::to_string(i + 1), value, 4)))
        return failure();
    if (bool(op.getQueryPosition()) != bool(op.getKeyPosition()))
      return op.emitOpError("needs both positions or none");
    if (bool(op.getRangeBegin()) != bool(op.getRangeEnd()))
      return op.emitOpError("needs both ends of the key range or none");
    return success();
  }

  LogicalResult verifyTypes() {
    Type element = operands[0].type.getElementType();
    if (!element.isBF16() && !element.isF16() && !element.isF32() &&
        !element.isF64()) // C3
      return op.emitOpError() << "query has element type " << element
                              << ", expected bf16, f16, f32 or f64";
    bool buffers = op.isOnBuffers();
    for (const Named &operand : operands) {
      if (operand.type.getElementType() != element) // C3
        return op.emitOpError() << operand.name << " has element type "
                                << operand.type.getElementType()
                                << ", expected " << element << " as the query";
      if (isa<MemRefType>(operand.type) != buffers) // C16
        return op.emitOpError()
               << operand.name << " is " << (buffers ? "no memref" : "a memref")
               << ", but the query is " << (buffers ? "one" : "a tensor");
    }
    return success();
  }

  /// Operands in [first, last) agree in a dimension: with the first of them
  /// whose type has the extent.
  LogicalResult expectSame(size_t first, size_t last, int64_t index,
                           StringRef what) {
    const Named *known = nullptr;
    for (size_t i = first; i < last; ++i) {
      const Named &operand = operands[i];
      int64_t found = operand.type.getDimSize(index);
      if (ShapedType::isDynamic(found))
        continue;
      if (!known)
        known = &operand;
      int64_t expected = known->type.getDimSize(index);
      if (found != expected)
        return op.emitOpError()
               << operand.name << " has " << what << " " << found
               << ", expected " << expected << " as "
               << (known->name == "query" ? "the query" : known->name);
    }
    return success();
  }

  LogicalResult verifyShapes() {
    for (const Named &operand : operands) {
      for (int64_t extent : operand.type.getShape())
        if (!ShapedType::isDynamic(extent) && extent > kMaxExtent) // C15
          return op.emitOpError() << operand.name << " has an extent of "
                                  << extent << ", expected less than 2^31";
      for (int64_t index : {2, 3}) { // C9
        int64_t extent = operand.type.getDimSize(index);
        if (ShapedType::isDynamic(extent) || extent <= 0)
          return op.emitOpError()
                 << operand.name << " needs a static, positive "
                 << (index == 2 ? "head count" : "head dim") << ", found "
                 << (ShapedType::isDynamic(extent) ? "?"
                                                   : std::to_string(extent));
      }
    }
    size_t end = operands.size(), firstValue = 1 + op.getKeys().size();
    if (failed(expectSame(0, end, 0, "batch size")) ||      // C4
        failed(expectSame(1, end, 1, "length")) ||          // C5
        failed(expectSame(1, end, 2, "head count")) ||      // C6
        failed(expectSame(0, firstValue, 3, "head dim")) || // C7
        failed(expectSame(firstValue, end, 3, "head dim"))) // C8
      return failure();
    if (op.getHeads() % op.getKeyHeads() != 0) // C6
      return op.emitOpError()
             << "query has " << op.getHeads()
             << " heads, expected a multiple of the keys' head count "
             << op.getKeyHeads();
    return success();
  }

  LogicalResult verifyBiases(StringRef name,
                             std::optional<ArrayRef<double>> biases) {
    if (!biases)
      return success();
    if (biases->size() != op.getKeys().size()) // C12
      return op.emitOpError()
             << "'" << name << "' takes one number for each "
             << (name == "key_biases" ? "key" : "value") << ": expected "
             << op.getKeys().size() << ", found " << biases->size();
    for (double bias : *biases)
      if (!std::isfinite(bias)) // C12
        return op.emitOpError() << "'" << name << "' must be finite, found "
                                << std::to_string(bias);
    return success();
  }

  LogicalResult verifyAttributes() {
    ArrayRef<int64_t> windows = op.getWindows();
    if (windows.size() != op.getKeys().size()) // C10
      return op.emitOpError()
             << "'windows' takes one size for each key: expected "
             << op.getKeys().size() << ", found " << windows.size();
    for (int64_t window : windows)
      if (window < 0) // C10
        return op.emitOpError() << "'windows' must not be negative (0 is "
                                << "unlimited), found " << window;
    if (std::optional<APFloat> scale = op.getScale();
        scale && !scale->isFinite()) // C11
      return op.emitOpError() << "'scale' must be finite, found "
                              << (scale->isNaN() ? "nan" : "inf");
    if (failed(verifyBiases("key_biases", op.getKeyBiases())) ||
        failed(verifyBiases("value_biases", op.getValueBiases())))
      return failure();
    return op.getForm().verifyForm([&] { return op.emitOpError(); },
                                   op.getArity(), op.getHeadDim()); // C13
  }

  LogicalResult verifyResult(StringRef name, Type found, Type inferred) {
    auto expected = cast<ShapedType>(inferred);
    if (op.isOnBuffers())
      expected =
          MemRefType::get(expected.getShape(), expected.getElementType());
    auto type = dyn_cast<ShapedType>(found);
    bool sameKind = op.isOnBuffers() ? isa<MemRefType>(found)
                                     : isa<RankedTensorType>(found);
    if (sameKind && type.getElementType() == expected.getElementType() &&
        succeeded(verifyCompatibleShape(type, expected)))
      return success();
    return op.emitOpError()
           << name << " has type " << found << ", expected " << expected
           << " (up to compatible dynamic dimensions)"; // C14
  }

  LogicalResult verifyContiguous(StringRef name, Type type) {
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(cast<MemRefType>(type).getStridesAndOffset(strides, offset)) ||
        strides.back() != 1) // C16
      return op.emitOpError() << name << " must be contiguous in its "
                              << "innermost dimension, found " << type;
    return success();
  }

  LogicalResult verifyResults() {
    bool buffers = op.isOnBuffers();
    size_t results = op.getResults().size(), outputs = op.getOutputs().size();
    if (results != (buffers ? 0 : 2) || outputs != (buffers ? 2 : 0)) // C16
      return op.emitOpError()
             << "has 2 results on tensors and 2 outs on memrefs, found "
             << results << " results and " << outputs << " outs";
    TypeRange types = buffers ? TypeRange(op.getOutputs().getTypes())
                              : TypeRange(op.getResultTypes());
    SmallVector<Type, 2> inferred = op.inferResultTypes();
    if (failed(verifyResult("out", types[0], inferred[0])) ||
        failed(verifyResult("lse", types[1], inferred[1])))
      return failure();
    if (!buffers)
      return success();
    for (const Named &operand : operands)
      if (failed(verifyContiguous(operand.name, operand.type)))
        return failure();
    return success(succeeded(verifyContiguous("out", types[0])) &&
                   succeeded(verifyContiguous("lse", types[1])));
  }

  AttentionOp op;
  SmallVector<Named> operands;
};
} // namespace

LogicalResult AttentionOp::verify() { return Verifier(*this).run(); }
