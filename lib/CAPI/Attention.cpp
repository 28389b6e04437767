//===- Attention.cpp - A described attention as a module ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace simplexir;

/// What every loader of kernels takes for a symbol.
static bool isIdentifier(llvm::StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::string simplexir::checkDescription(const SimplexirAttention *attention) {
  if (!attention)
    return "attention is null";
  auto found = [](llvm::StringRef field, int64_t value,
                  const llvm::Twine &expected) {
    return (field + " of attention is " + llvm::Twine(value) + ", expected " +
            expected)
        .str();
  };
  if (attention->structSize < sizeof(SimplexirAttention))
    return found("structSize", static_cast<int64_t>(attention->structSize),
                 "at least " + llvm::Twine(sizeof(SimplexirAttention)));
  if (attention->name && !isIdentifier(attention->name))
    return "name of attention is '" + std::string(attention->name) +
           "', expected letters, digits and '_', no digit first";
  // Read before the operation exists: they are the lengths of the arrays.
  if (attention->arity < 2 || attention->arity > 5)
    return found("arity", attention->arity, "2 to 5");
  if (attention->elementType < SIMPLEXIR_ELEMENT_BF16 ||
      attention->elementType > SIMPLEXIR_ELEMENT_F64)
    return found("elementType", attention->elementType,
                 "0 (bf16), 1 (f16), 2 (f32) or 3 (f64)");
  const std::pair<llvm::StringRef, int64_t> sizes[] = {
      {"heads", attention->heads},
      {"keyHeads", attention->keyHeads},
      {"headDim", attention->headDim},
      {"valueDim", attention->valueDim}};
  for (auto [field, size] : sizes)
    if (size < 1)
      return found(field, size, "at least 1");
  if (!attention->windows)
    return "windows of attention is null, expected " +
           std::to_string(attention->arity - 1) + " sizes";
  return {};
}

static Type getElementType(int32_t element, Builder &builder) {
  switch (element) {
  case SIMPLEXIR_ELEMENT_BF16:
    return builder.getBF16Type();
  case SIMPLEXIR_ELEMENT_F16:
    return builder.getF16Type();
  case SIMPLEXIR_ELEMENT_F32:
    return builder.getF32Type();
  default:
    return builder.getF64Type();
  }
}

/// `name` is short for #simplex.name, as in the assembly.
static FormAttrInterface parseForm(llvm::StringRef text, MLIRContext &context) {
  std::string full =
      text.starts_with("#") ? text.str() : ("#simplex." + text).str();
  Attribute attribute = parseAttribute(full, &context);
  auto form = dyn_cast_if_present<FormAttrInterface>(attribute);
  if (!form)
    emitError(UnknownLoc::get(&context))
        << "form of attention is '" << text << "', expected the name of a form "
        << "(multilinear, determinant) or an attribute that is one";
  return form;
}

OwningOpRef<ModuleOp>
simplexir::buildDescribed(const SimplexirAttention &attention,
                          MLIRContext &context) {
  context.loadDialect<func::FuncDialect, SimplexDialect>();
  FormAttrInterface form =
      parseForm(attention.form ? attention.form : "multilinear", context);
  if (!form)
    return nullptr;
  Location loc = UnknownLoc::get(&context);
  OpBuilder builder(&context);
  Type element = getElementType(attention.elementType, builder);
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto tensor = [&](int64_t heads, int64_t dim) -> Type {
    return RankedTensorType::get({dynamic, dynamic, heads, dim}, element);
  };
  size_t keys = attention.arity - 1;
  SmallVector<Type> inputs = {tensor(attention.heads, attention.headDim)};
  inputs.append(keys, tensor(attention.keyHeads, attention.headDim));
  inputs.append(keys, tensor(attention.keyHeads, attention.valueDim));
  size_t numTensors = inputs.size();
  inputs.append((attention.hasPositions ? 2 : 0) +
                    (attention.hasKeyRange ? 2 : 0),
                builder.getIndexType());
  Type accumulator = element.isF64() ? element : builder.getF32Type();
  SmallVector<Type> results = {
      tensor(attention.heads, attention.valueDim),
      RankedTensorType::get({dynamic, attention.heads, dynamic}, accumulator)};

  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(
      builder, loc, attention.name ? attention.name : "attention",
      builder.getFunctionType(inputs, results));
  builder.setInsertionPointToStart(function.addEntryBlock());
  ValueRange arguments = function.getArguments();
  ValueRange indices = arguments.drop_front(numTensors);
  auto takeIndex = [&](bool present) -> Value {
    if (!present)
      return {};
    Value index = indices.front();
    indices = indices.drop_front();
    return index;
  };
  Value position = takeIndex(attention.hasPositions);
  Value keyPosition = takeIndex(attention.hasPositions);
  Value begin = takeIndex(attention.hasKeyRange);
  Value end = takeIndex(attention.hasKeyRange);
  auto biases = [&](const double *numbers) {
    return numbers ? builder.getDenseF64ArrayAttr({numbers, keys})
                   : DenseF64ArrayAttr();
  };
  auto op = AttentionOp::create(
      builder, loc, results, arguments.front(), arguments.slice(1, keys),
      arguments.slice(1 + keys, keys), position, keyPosition, begin, end,
      /*outputs=*/ValueRange(), form,
      builder.getDenseI64ArrayAttr({attention.windows, keys}),
      attention.bidirectional ? builder.getUnitAttr() : UnitAttr(),
      attention.hasScale ? builder.getF64FloatAttr(attention.scale)
                         : FloatAttr(),
      biases(attention.keyBiases), biases(attention.valueBiases),
      /*schedule=*/ScheduleAttr());
  func::ReturnOp::create(builder, loc, op.getResults());
  return succeeded(verify(*module)) ? std::move(module) : nullptr;
}
