//===- AttentionOp.cpp - simplex.attention --------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>

using namespace mlir;
using namespace simplexir;

//===----------------------------------------------------------------------===//
// Derived facts
//===----------------------------------------------------------------------===//

Type AttentionOp::getAccumulatorType() {
  return getElementType().isF64() ? getElementType()
                                  : Float32Type::get(getContext());
}

Type AttentionOp::getLogitType() {
  bool subtracts =
      llvm::any_of(getForm().getTerms(getArity()),
                   [](const FormTerm &term) { return term.coefficient < 0; });
  return subtracts && getElementType().isF32() ? Float64Type::get(getContext())
                                               : getAccumulatorType();
}

double AttentionOp::getEffectiveScale() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToDouble();
  return 1.0 / std::sqrt(static_cast<double>(getHeadDim()));
}

double AttentionOp::getKeyBias(int64_t key) {
  std::optional<ArrayRef<double>> biases = getKeyBiases();
  return biases ? (*biases)[key] : 0.0;
}

double AttentionOp::getValueBias(int64_t value) {
  std::optional<ArrayRef<double>> biases = getValueBiases();
  return biases ? (*biases)[value] : 0.0;
}

SmallVector<Type, 2> AttentionOp::inferResultTypes() {
  ShapedType query = getQueryType();
  ArrayRef<int64_t> q = query.getShape();
  int64_t batch = q[0];
  for (OperandRange operands : {getKeys(), getValues()})
    for (Type type : operands.getTypes())
      if (ShapedType::isDynamic(batch))
        batch = cast<ShapedType>(type).getDimSize(0);
  SmallVector<int64_t> out{batch, q[1], q[2], getValueDim()};
  SmallVector<int64_t> lse{batch, q[2], q[1]};
  return {RankedTensorType::get(out, getElementType()),
          RankedTensorType::get(lse, getAccumulatorType())};
}

void AttentionOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getResults().size() != 2)
    return;
  setName(getResult(0), "out");
  setName(getResult(1), "lse");
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (!isOnBuffers())
    return;
  auto add = [&](MemoryEffects::Effect *effect, OpOperand &operand) {
    effects.emplace_back(effect, &operand);
  };
  for (OpOperand &operand : getOperation()->getOpOperands())
    if (isa<BaseMemRefType>(operand.get().getType()) &&
        !llvm::is_contained(getOutputs(), operand.get()))
      add(MemoryEffects::Read::get(), operand);
  for (OpOperand &operand : getOutputsMutable())
    add(MemoryEffects::Write::get(), operand);
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &reified) {
  if (isOnBuffers())
    return failure();
  Location loc = getLoc();
  auto dim = [&](Value operand, int64_t index) {
    return tensor::getMixedSize(builder, loc, operand, index);
  };
  Value query = getQuery();
  OpFoldResult batch = dim(query, 0), length = dim(query, 1),
               heads = dim(query, 2);
  reified.push_back({batch, length, heads, dim(getValues()[0], 3)});
  reified.push_back({batch, heads, length});
  return success();
}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

namespace {
/// keyword `(` operands `)`
ParseResult
parseOperandClause(OpAsmParser &parser, StringRef keyword,
                   SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands) {
  return failure(
      parser.parseKeyword(keyword) ||
      parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren));
}

/// `name` for #simplex.name, or any attribute in full.
ParseResult parseForm(OpAsmParser &parser, Attribute &form) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (succeeded(parser.parseOptionalKeyword(&name))) {
    {
      // Any attribute of the dialect that is a form; the message is ours.
      ScopedDiagnosticHandler quiet(parser.getContext(),
                                    [](Diagnostic &) { return success(); });
      form =
          mlir::parseAttribute(("#simplex." + name).str(), parser.getContext());
    }
    if (!form || !isa<FormAttrInterface>(form))
      return parser.emitError(loc, "unknown form '")
             << name << "', expected multilinear, determinant or an attribute "
             << "with the form interface";
    return success();
  }
  if (parser.parseAttribute(form))
    return failure();
  if (!isa<FormAttrInterface>(form))
    return parser.emitError(loc, "expected an attribute with the form "
                                 "interface, found ")
           << form;
  return success();
}

ParseResult parseScale(OpAsmParser &parser, OperationState &result) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  result.addAttribute("scale", parser.getBuilder().getF64FloatAttr(value));
  return success();
}

ParseResult parseBiases(OpAsmParser &parser, StringRef name,
                        OperationState &result) {
  Attribute biases =
      DenseF64ArrayAttr::parse(parser, parser.getBuilder().getF64Type());
  if (!biases)
    return failure();
  result.addAttribute(name, biases);
  return success();
}
} // namespace

ParseResult AttentionOp::parse(OpAsmParser &parser, OperationState &result) {
  using Operands = SmallVector<OpAsmParser::UnresolvedOperand>;
  Operands query, keys, values, positions, range, outputs;
  SMLoc loc = parser.getCurrentLocation();
  if (parseOperandClause(parser, "query", query) ||
      parseOperandClause(parser, "keys", keys) ||
      parseOperandClause(parser, "values", values))
    return failure();
  if (query.size() != 1)
    return parser.emitError(loc, "expected 1 query, found ") << query.size();

  SMLoc pairLoc = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("positions"))) {
    if (parser.parseOperandList(positions, OpAsmParser::Delimiter::Paren))
      return failure();
    if (positions.size() != 2)
      return parser.emitError(
                 pairLoc, "'positions' takes the first query's and the first "
                          "key's position, found ")
             << positions.size() << " operands";
  }
  pairLoc = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("key_range"))) {
    if (parser.parseOperandList(range, OpAsmParser::Delimiter::Paren))
      return failure();
    if (range.size() != 2)
      return parser.emitError(
                 pairLoc, "'key_range' takes the first key position and the "
                          "one past the last, found ")
             << range.size() << " operands";
  }
  if (succeeded(parser.parseOptionalKeyword("outs")) &&
      parser.parseOperandList(outputs, OpAsmParser::Delimiter::Paren))
    return failure();

  Attribute form;
  if (parser.parseKeyword("form") || parseForm(parser, form) ||
      parser.parseKeyword("windows"))
    return failure();
  result.addAttribute("form", form);
  Attribute windows =
      DenseI64ArrayAttr::parse(parser, parser.getBuilder().getI64Type());
  if (!windows)
    return failure();
  result.addAttribute("windows", windows);
  if (succeeded(parser.parseOptionalKeyword("bidirectional")))
    result.addAttribute("bidirectional", parser.getBuilder().getUnitAttr());
  if (succeeded(parser.parseOptionalKeyword("scale")) &&
      parseScale(parser, result))
    return failure();
  for (StringRef name : {"key_biases", "value_biases"})
    if (succeeded(parser.parseOptionalKeyword(name)) &&
        parseBiases(parser, name, result))
      return failure();

  FunctionType type;
  SMLoc dictLoc = parser.getCurrentLocation();
  if (parser.parseOptionalAttrDict(result.attributes))
    return failure();
  // Inherent attributes of a wrong type would be dropped without a word.
  if (failed(verifyInherentAttrs(result.name, result.attributes,
                                 [&] { return parser.emitError(dictLoc); })) ||
      parser.parseColon())
    return failure();
  SMLoc typeLoc = parser.getCurrentLocation();
  if (parser.parseType(type))
    return failure();

  Operands shaped = query;
  llvm::append_range(shaped, keys);
  llvm::append_range(shaped, values);
  llvm::append_range(shaped, outputs);
  if (shaped.size() != type.getNumInputs())
    return parser.emitError(typeLoc, "expected ")
           << shaped.size() << " operand types, found " << type.getNumInputs();
  ArrayRef<Type> types = type.getInputs();
  Type index = parser.getBuilder().getIndexType();
  size_t inputs = shaped.size() - outputs.size();
  if (parser.resolveOperands(ArrayRef(shaped).take_front(inputs),
                             types.take_front(inputs), typeLoc,
                             result.operands) ||
      parser.resolveOperands(positions, index, result.operands) ||
      parser.resolveOperands(range, index, result.operands) ||
      parser.resolveOperands(outputs, types.drop_front(inputs), typeLoc,
                             result.operands))
    return failure();
  auto count = [](const Operands &operands) {
    return static_cast<int32_t>(operands.size());
  };
  int32_t position = positions.empty() ? 0 : 1, bound = range.empty() ? 0 : 1;
  llvm::copy(
      ArrayRef<int32_t>{1, count(keys), count(values), position, position,
                        bound, bound, count(outputs)},
      result.getOrAddProperties<Properties>().operandSegmentSizes.begin());
  result.addTypes(type.getResults());
  return success();
}

void AttentionOp::print(OpAsmPrinter &p) {
  p << " query(" << getQuery() << ") keys(" << getKeys() << ") values("
    << getValues() << ")";
  if (getQueryPosition() && getKeyPosition())
    p << " positions(" << getQueryPosition() << ", " << getKeyPosition() << ")";
  if (getRangeBegin() && getRangeEnd())
    p << " key_range(" << getRangeBegin() << ", " << getRangeEnd() << ")";
  if (!getOutputs().empty())
    p << " outs(" << getOutputs() << ")";
  p << " form ";
  std::string form;
  llvm::raw_string_ostream(form) << getForm();
  StringRef name(form);
  if (name.consume_front("#simplex.") && !name.contains('<'))
    p << name;
  else
    p << getForm();
  p << " windows [" << getWindows() << "]";
  if (getBidirectional())
    p << " bidirectional";
  if (FloatAttr scale = getScaleAttr()) {
    p << " scale ";
    p.printAttributeWithoutType(scale);
  }
  if (DenseF64ArrayAttr biases = getKeyBiasesAttr()) {
    p << " key_biases ";
    biases.print(p);
  }
  if (DenseF64ArrayAttr biases = getValueBiasesAttr()) {
    p << " value_biases ";
    biases.print(p);
  }
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"form", "windows", "bidirectional", "scale",
                           "key_biases", "value_biases",
                           getOperandSegmentSizesAttrName()});
  SmallVector<Type> inputs{getQuery().getType()};
  llvm::append_range(inputs, getKeys().getTypes());
  llvm::append_range(inputs, getValues().getTypes());
  llvm::append_range(inputs, getOutputs().getTypes());
  p << " : ";
  p.printFunctionalType(inputs, getResultTypes());
}
