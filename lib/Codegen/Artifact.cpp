//===- Artifact.cpp - From kernels to a .simplex artifact -----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Artifact.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace simplexir;

// The names of dimensions, by their index in Kernel::dimNames.
static constexpr int64_t batchDim = 0, queryDim = 1, keyDim = 2;

Expected<ArrayRef<GridPart>> simplexir::getGrid(mlir::Operation *kernel) {
  if (auto grid = kernel->getAttrOfType<GridAttr>(kGridAttrName))
    return grid.getParts();
  return createStringError("the kernel has no '%s'", kGridAttrName.data());
}

static Expected<DType> getDType(mlir::Type type) {
  if (type.isBF16())
    return DType::BF16;
  if (type.isF16())
    return DType::F16;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  std::string text;
  raw_string_ostream(text) << type;
  return createStringError("no kernel takes elements of type " + text);
}

/// The argument that is operand `number` of the attention.
static Expected<Argument> describe(AttentionOp op, mlir::OpOperand &operand) {
  Argument argument;
  unsigned number = operand.getOperandNumber();
  auto in = [&](unsigned first, unsigned count) {
    return number >= first && number < first + count;
  };
  unsigned keys = op.getKeys().size();
  auto type = dyn_cast<mlir::MemRefType>(operand.get().getType());
  if (!type) {
    argument.kind = Argument::Kind::Index;
    mlir::Value value = operand.get();
    argument.name = value == op.getQueryPosition() ? "query_position"
                    : value == op.getKeyPosition() ? "key_position"
                    : value == op.getRangeBegin()  ? "range_begin"
                                                   : "range_end";
    return argument;
  }
  Expected<DType> dtype = getDType(type.getElementType());
  if (!dtype)
    return dtype.takeError();
  argument.dtype = *dtype;
  argument.alignment = static_cast<uint32_t>(sizeOf(*dtype));
  int64_t length = queryDim;
  if (number == 0) {
    argument.name = "query";
  } else if (in(1, keys)) {
    argument.name = "key" + std::to_string(number);
    length = keyDim;
  } else if (in(1 + keys, keys)) {
    argument.name = "value" + std::to_string(number - keys);
    length = keyDim;
  } else {
    argument.isOutput = true;
    argument.name = type.getRank() == 4 ? "out" : "lse";
  }
  // [batch, sequence, heads, dim], or lse's [batch, heads, sequence].
  int64_t sequence = type.getRank() == 4 ? 1 : 2;
  for (auto [i, extent] : enumerate(type.getShape()))
    if (!mlir::ShapedType::isDynamic(extent))
      argument.dims.push_back(Extent::constant(extent));
    else
      argument.dims.push_back(
          Extent::dim(static_cast<int64_t>(i) == sequence ? length : batchDim));
  return argument;
}

Error ArtifactBuilder::addKernel(mlir::func::FuncOp function, StringRef name) {
  if (any_of(artifact.kernels,
             [&](const Kernel &kernel) { return kernel.name == name; }))
    return createStringError("two kernels are named '" + name + "'");
  AttentionOp op;
  unsigned count = 0;
  function.walk([&](AttentionOp found) {
    op = found;
    ++count;
  });
  if (count != 1)
    return createStringError("kernel '" + name + "' has " + Twine(count) +
                             " attentions, expected one");
  Kernel kernel;
  kernel.name = name.str();
  kernel.arguments.resize(function.getNumArguments());
  SmallVector<bool> seen(function.getNumArguments());
  for (mlir::OpOperand &operand : op->getOpOperands()) {
    auto source = dyn_cast<mlir::BlockArgument>(operand.get());
    if (!source)
      return createStringError("kernel '" + name + "': operand " +
                               Twine(operand.getOperandNumber()) +
                               " of the attention is not an argument");
    if (std::exchange(seen[source.getArgNumber()], true))
      continue;
    Expected<Argument> argument = describe(op, operand);
    if (!argument)
      return argument.takeError();
    kernel.arguments[source.getArgNumber()] = std::move(*argument);
  }
  if (!all_of(seen, [](bool used) { return used; }))
    return createStringError("kernel '" + name +
                             "' has an argument that it does not use");

  // Only dimensions that occur may have names; number these.
  static constexpr const char *dimNames[] = {"B", "Sq", "Sk"};
  SmallVector<int64_t, 3> indices(std::size(dimNames), -1);
  for (Argument &argument : kernel.arguments)
    for (Extent &extent : argument.dims) {
      if (!extent.named)
        continue;
      int64_t &index = indices[extent.value];
      if (index < 0) {
        index = static_cast<int64_t>(kernel.dimNames.size());
        kernel.dimNames.emplace_back(dimNames[extent.value]);
      }
      extent.value = index;
    }
  artifact.kernels.push_back(std::move(kernel));
  return Error::success();
}

/// The grid's factors with extents of the kernel's signature.
static Expected<std::vector<GridFactor>> makeGrid(const Kernel &kernel,
                                                  ArrayRef<GridPart> grid) {
  auto invalid = [&](const Twine &why) {
    return createStringError("kernel '" + kernel.name + "': its grid " + why);
  };
  std::vector<GridFactor> factors;
  for (const GridPart &part : grid) {
    GridFactor factor;
    factor.divisor = part.divisor;
    if (!part.argument) {
      factor.extent = Extent::constant(part.number);
    } else {
      auto numArguments = static_cast<int64_t>(kernel.arguments.size());
      if (*part.argument >= numArguments)
        return invalid("names argument " + Twine(*part.argument));
      const auto &dims = kernel.arguments[*part.argument].dims;
      if (part.number >= static_cast<int64_t>(dims.size()))
        return invalid("names dimension " + Twine(part.number));
      factor.extent = dims[part.number];
    }
    factors.push_back(factor);
  }
  return factors;
}

Error ArtifactBuilder::addImage(Image image, ArrayRef<CompiledKernel> kernels) {
  auto index = static_cast<uint32_t>(artifact.images.size());
  for (const CompiledKernel &compiled : kernels) {
    auto *kernel = find_if(artifact.kernels, [&](const Kernel &known) {
                     return known.name == compiled.name;
                   }).base();
    if (kernel == artifact.kernels.data() + artifact.kernels.size())
      return createStringError("no kernel is named '" + compiled.name + "'");
    Expected<std::vector<GridFactor>> grid = makeGrid(*kernel, compiled.grid);
    if (!grid)
      return grid.takeError();
    // Before the cast to 32 bits, which could make it valid.
    if (compiled.residentBlocks < 0 ||
        compiled.residentBlocks > maxResidentBlocks)
      return createStringError("kernel '" + compiled.name + "' has " +
                               Twine(compiled.residentBlocks) +
                               " resident blocks a multiprocessor, expected 0 "
                               "to " +
                               Twine(maxResidentBlocks));
    KernelImage entry;
    entry.image = index;
    entry.symbol = compiled.symbol;
    entry.grid = std::move(*grid);
    entry.blockSize = static_cast<uint32_t>(compiled.blockSize);
    entry.sharedMemory = static_cast<uint32_t>(compiled.sharedMemory);
    entry.workspacePerThread = static_cast<uint64_t>(compiled.workspace);
    entry.residentBlocks = static_cast<uint32_t>(compiled.residentBlocks);
    for (size_t i = 0; i + kMapWords <= compiled.maps.size(); i += kMapWords)
      entry.maps.push_back({static_cast<uint32_t>(compiled.maps[i]),
                            static_cast<uint32_t>(compiled.maps[i + 1]),
                            static_cast<uint32_t>(compiled.maps[i + 2]),
                            Swizzle::Bytes128});
    kernel->images.push_back(std::move(entry));
  }
  artifact.images.push_back(std::move(image));
  return Error::success();
}

Expected<std::string> ArtifactBuilder::serialize() const {
  std::string reason;
  if (!validate(artifact, reason))
    return createStringError("the artifact is not valid: " + reason);
  return simplexir::serialize(artifact);
}
