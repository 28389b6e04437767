//===- SimplexDialect.cpp - Dialect, types, attributes --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace simplexir;

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.cpp.inc"
#include "simplexir/Dialect/Simplex/IR/SimplexInterfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "simplexir/Dialect/Simplex/IR/SimplexTypes.cpp.inc"

static ParseResult parseGridParts(AsmParser &parser,
                                  SmallVectorImpl<GridPart> &parts) {
  return parser.parseCommaSeparatedList([&]() -> ParseResult {
    GridPart &part = parts.emplace_back(GridPart::constant(0));
    if (succeeded(parser.parseOptionalLSquare())) {
      if (parser.parseInteger(part.argument.emplace()) || parser.parseComma() ||
          parser.parseInteger(part.number) || parser.parseRSquare())
        return failure();
    } else if (parser.parseInteger(part.number)) {
      return failure();
    }
    if (succeeded(parser.parseOptionalKeyword("ceildiv")))
      return parser.parseInteger(part.divisor);
    return success();
  });
}

static void printGridParts(AsmPrinter &printer, ArrayRef<GridPart> parts) {
  llvm::interleaveComma(parts, printer, [&](const GridPart &part) {
    if (part.argument)
      printer << '[' << *part.argument << ", " << part.number << ']';
    else
      printer << part.number;
    if (part.divisor != 1)
      printer << " ceildiv " << part.divisor;
  });
}

#define GET_ATTRDEF_CLASSES
#include "simplexir/Dialect/Simplex/IR/SimplexAttributes.cpp.inc"

void SimplexDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "simplexir/Dialect/Simplex/IR/SimplexTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "simplexir/Dialect/Simplex/IR/SimplexAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "simplexir/Dialect/Simplex/IR/SimplexOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// TileType
//===----------------------------------------------------------------------===//

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType) || parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    shape, elementType);
}

void TileType::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printDimensionList(getShape());
  printer << 'x' << getElementType() << '>';
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, Type elementType) {
  if (shape.empty() || shape.size() > 2)
    return emitError() << "a tile has rank 1 or 2, found rank " << shape.size();
  for (int64_t extent : shape)
    if (extent <= 0 || extent >= int64_t{1} << 31)
      return emitError() << "the extents of a tile are positive and below "
                            "2^31, found "
                         << extent;
  if (!isa<FloatType>(elementType))
    return emitError() << "a tile has floating-point elements, found "
                       << elementType;
  return success();
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

int64_t MultilinearAttr::getChunk() const { return 1; }

SmallVector<FormTerm> MultilinearAttr::getTerms(int64_t arity) const {
  return {FormTerm{1.0, SmallVector<int64_t, 5>(arity, 0)}};
}

Attribute MultilinearAttr::permuteKeys(ArrayRef<int64_t>) const {
  return *this;
}

LogicalResult
MultilinearAttr::verifyForm(function_ref<InFlightDiagnostic()> emitError,
                            int64_t arity, int64_t) const {
  if (arity < 2 || arity > 5)
    return emitError() << "form multilinear takes 1 to 4 keys, found "
                       << arity - 1;
  return success();
}

int64_t DeterminantAttr::getChunk() const { return 3; }

SmallVector<FormTerm> DeterminantAttr::getTerms(int64_t) const {
  // det[q; a; b] = sum over c of b_c (q_{c+1} a_{c+2} - q_{c+2} a_{c+1}).
  double sign = getReversed() ? -1.0 : 1.0;
  return {FormTerm{sign, {1, 2, 0}}, FormTerm{-sign, {2, 1, 0}}};
}

Attribute DeterminantAttr::permuteKeys(ArrayRef<int64_t> permutation) const {
  bool swapped = permutation[0] != 0;
  return DeterminantAttr::get(getContext(), getReversed() != swapped);
}

LogicalResult
DeterminantAttr::verifyForm(function_ref<InFlightDiagnostic()> emitError,
                            int64_t arity, int64_t headDim) const {
  if (arity != 3)
    return emitError()
           << "form determinant takes exactly 2 keys (n = 3), found "
           << arity - 1;
  if (headDim < 3)
    return emitError()
           << "form determinant needs a head dim of at least 3, found "
           << headDim;
  return success();
}

//===----------------------------------------------------------------------===//
// ScheduleAttr
//===----------------------------------------------------------------------===//

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t rows, int64_t keys, int64_t splits,
                                   int64_t warps, int64_t stages, bool wgmma,
                                   bool pairs, int64_t secondKeys, bool skew) {
  if (pairs && !wgmma)
    return emitError() << "schedule: 'pairs' needs 'wgmma'";
  if (secondKeys != 0 && !pairs)
    return emitError() << "schedule: 'second_keys' needs 'pairs'";
  if (skew && (!wgmma || splits != 1))
    return emitError() << "schedule: 'skew' needs 'wgmma', and no 'splits'";
  if (skew && rows % kGroupRows != 0)
    return emitError() << "schedule: 'skew' needs rows that are a multiple of "
                       << kGroupRows << ", found " << rows;
  if (secondKeys < 0 || secondKeys > keys || secondKeys % 16 != 0)
    return emitError() << "schedule: 'second_keys' must be a multiple of 16 up "
                          "to 'keys', found "
                       << secondKeys << " with keys = " << keys;
  auto check = [&](StringRef name, int64_t value) -> LogicalResult {
    if (value < 1 || value > 4096)
      return emitError() << "schedule: '" << name
                         << "' must be from 1 to 4096, found " << value;
    return success();
  };
  return success(
      succeeded(check("rows", rows)) && succeeded(check("keys", keys)) &&
      succeeded(check("splits", splits)) && succeeded(check("warps", warps)) &&
      succeeded(check("stages", stages)));
}

int64_t ScheduleAttr::coverLastKeys(int64_t length, int64_t keys,
                                    int64_t second) {
  int64_t pair = keys + second, rest = length % pair;
  int64_t whole = length - rest;
  return rest == 0 ? whole : whole + (rest > keys ? pair : keys);
}

int64_t ScheduleAttr::fitPair(int64_t length, int64_t keys) {
  int64_t pairs = std::max<int64_t>(llvm::divideCeil(length, 2 * keys), 1);
  return llvm::alignTo(llvm::divideCeil(length, pairs), 16);
}

//===----------------------------------------------------------------------===//
// GridAttr
//===----------------------------------------------------------------------===//

LogicalResult GridAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<GridPart> parts) {
  if (parts.empty())
    return emitError() << "grid: expected at least one factor";
  for (const GridPart &part : parts) {
    if (part.divisor < 1)
      return emitError() << "grid: a divisor must be positive, found "
                         << part.divisor;
    if (!part.argument && part.number < 1)
      return emitError() << "grid: a constant must be positive, found "
                         << part.number;
    if (part.argument && (*part.argument < 0 || part.number < 0))
      return emitError() << "grid: numbers of arguments and dimensions must "
                            "not be negative, found ["
                         << *part.argument << ", " << part.number << "]";
  }
  return success();
}

LogicalResult
GridAttr::verifyArguments(function_ref<InFlightDiagnostic()> emitError,
                          TypeRange arguments) const {
  for (const GridPart &part : getParts()) {
    if (!part.argument)
      continue;
    auto count = static_cast<int64_t>(arguments.size());
    if (*part.argument >= count)
      return emitError() << "the grid names argument " << *part.argument
                         << " of " << count;
    Type type = arguments[*part.argument];
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref || part.number >= memref.getRank())
      return emitError() << "the grid names dimension " << part.number
                         << " of argument " << *part.argument
                         << ", which is of type " << type;
  }
  return success();
}

LogicalResult
SimplexDialect::verifyOperationAttribute(Operation *op,
                                         NamedAttribute attribute) {
  if (attribute.getName() == kGridAttrName &&
      !isa<GridAttr>(attribute.getValue()))
    return op->emitError() << "'" << kGridAttrName
                           << "' must be a #simplex.grid<...>, found "
                           << attribute.getValue();
  return success();
}

//===----------------------------------------------------------------------===//
// ChunkedAttr
//===----------------------------------------------------------------------===//

ChunkedAttr ChunkedAttr::get(FormAttrInterface form, int64_t arity,
                             int64_t headDim, int64_t operand) {
  SmallVector<int64_t> rotations;
  if (operand == arity - 1 || form.getChunk() == 1)
    rotations.push_back(0);
  else
    for (const FormTerm &term : form.getTerms(arity))
      rotations.push_back(term.rotations[operand]);
  return get(form.getContext(), form.getChunk(), headDim,
             DenseI64ArrayAttr::get(form.getContext(), rotations));
}

std::optional<int64_t> ChunkedAttr::getDim(int64_t column) const {
  int64_t chunk = getChunk(), width = getHalfBlockColumns();
  int64_t begin = getRestBegin(), columns = getRestColumns();
  if (column < begin) {
    int64_t component = column / kFragment % chunk;
    return column / width * width + column % kFragment * chunk + component;
  }
  if (column >= begin + getRotations().size() * columns)
    return std::nullopt;
  int64_t copy = (column - begin) / columns;
  if (column >= getCopyEnd(copy))
    return std::nullopt;
  int64_t dim = column - copy * columns;
  if (dim >= getLeftOverBegin())
    return dim;
  return dim / chunk * chunk + (dim + getRotations()[copy]) % chunk;
}

int64_t ChunkedAttr::getFragment(int64_t term, int64_t fragment) const {
  int64_t chunk = getChunk(), copy = getCopy(term);
  if (fragment >= getRestBegin() / kFragment)
    return fragment + copy * getRestColumns() / kFragment;
  return fragment / chunk * chunk + (fragment + getRotations()[copy]) % chunk;
}

LogicalResult ChunkedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t chunk, int64_t headDim,
                                  DenseI64ArrayAttr rotations) {
  if (chunk < 1 || chunk > 64)
    return emitError() << "chunked: 'chunk' must be from 1 to 64, found "
                       << chunk;
  if (headDim < 1 || headDim >= int64_t{1} << 31)
    return emitError() << "chunked: 'head_dim' must be positive and below "
                          "2^31, found "
                       << headDim;
  if (rotations.empty())
    return emitError() << "chunked: 'rotations' must have one number for each "
                          "term, found none";
  for (int64_t rotation : rotations.asArrayRef())
    if (rotation < 0 || rotation >= chunk)
      return emitError() << "chunked: 'rotations' must be from 0 to "
                         << chunk - 1 << ", below the chunk, found "
                         << rotation;
  return success();
}
