//===- Manifest.cpp - The manifest section of a .simplex file -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"
#include "Support.h"

using namespace simplexir;

static void encode(ByteWriter &out, const Extent &extent) {
  out.u8(extent.named);
  out.u64(static_cast<uint64_t>(extent.value));
}

static void encode(ByteWriter &out, const Argument &argument) {
  out.u8(static_cast<uint8_t>(argument.kind));
  out.str(argument.name);
  if (argument.kind == Argument::Kind::Index)
    return;
  out.u8(static_cast<uint8_t>(argument.dtype));
  out.u8(argument.innermostContiguous);
  out.u8(argument.isOutput);
  out.u32(argument.alignment);
  out.u32(static_cast<uint32_t>(argument.dims.size()));
  for (const Extent &dim : argument.dims)
    encode(out, dim);
}

static void encode(ByteWriter &out, const KernelImage &image) {
  out.u32(image.image);
  out.str(image.symbol);
  out.u32(image.blockSize);
  out.u32(image.sharedMemory);
  out.u64(image.workspacePerThread);
  out.u32(static_cast<uint32_t>(image.grid.size()));
  for (const GridFactor &factor : image.grid) {
    encode(out, factor.extent);
    out.u64(static_cast<uint64_t>(factor.divisor));
  }
  out.u32(image.residentBlocks);
  out.u32(static_cast<uint32_t>(image.maps.size()));
  for (const TensorMap &map : image.maps) {
    out.u32(map.argument);
    out.u32(map.columns);
    out.u32(map.rows);
    out.u8(static_cast<uint8_t>(map.swizzle));
  }
}

std::string simplexir::encodeManifest(const Artifact &artifact) {
  ByteWriter out;
  out.u32(static_cast<uint32_t>(artifact.images.size()));
  for (const Image &image : artifact.images) {
    out.u8(static_cast<uint8_t>(image.kind));
    out.str(image.chip);
    out.u32(image.minDriver);
  }
  out.u32(static_cast<uint32_t>(artifact.kernels.size()));
  for (const Kernel &kernel : artifact.kernels) {
    out.str(kernel.name);
    out.u32(static_cast<uint32_t>(kernel.dimNames.size()));
    for (const std::string &name : kernel.dimNames)
      out.str(name);
    out.u32(static_cast<uint32_t>(kernel.arguments.size()));
    for (const Argument &argument : kernel.arguments)
      encode(out, argument);
    out.u32(static_cast<uint32_t>(kernel.images.size()));
    for (const KernelImage &image : kernel.images)
      encode(out, image);
  }
  return std::move(out.bytes);
}

/// A byte that has to be 0 or 1.
static bool decodeBool(ByteReader &in) {
  uint8_t value = in.u8();
  if (value > 1)
    in.failed = true;
  return value == 1;
}

/// An enumeration whose values are 0 to `last`.
template <typename Enum>
static Enum decodeEnum(ByteReader &in, Enum last) {
  uint8_t value = in.u8();
  if (value > static_cast<uint8_t>(last)) {
    in.failed = true;
    return Enum{};
  }
  return static_cast<Enum>(value);
}

// The fewest bytes of each, in any version.
static constexpr size_t extentBytes = 9;
static constexpr size_t factorBytes = 17;
static constexpr size_t mapBytes = 13;
static constexpr size_t imageBytes = 9;
static constexpr size_t argumentBytes = 5;
static constexpr size_t kernelImageBytes = 28;
static constexpr size_t kernelBytes = 16;

static Extent decodeExtent(ByteReader &in) {
  bool named = decodeBool(in);
  return {named, static_cast<int64_t>(in.u64())};
}

static Argument decodeArgument(ByteReader &in) {
  Argument argument;
  argument.kind = decodeEnum(in, Argument::Kind::Index);
  argument.name = in.str(maxNameBytes);
  if (argument.kind == Argument::Kind::Index)
    return argument;
  argument.dtype = decodeEnum(in, DType::F64);
  argument.innermostContiguous = decodeBool(in);
  argument.isOutput = decodeBool(in);
  argument.alignment = in.u32();
  uint32_t rank = in.count(maxRank, extentBytes);
  for (uint32_t i = 0; i < rank; ++i)
    argument.dims.push_back(decodeExtent(in));
  return argument;
}

static KernelImage decodeKernelImage(ByteReader &in, uint32_t version) {
  KernelImage image;
  image.image = in.u32();
  image.symbol = in.str(maxNameBytes);
  image.blockSize = in.u32();
  image.sharedMemory = in.u32();
  image.workspacePerThread = in.u64();
  uint32_t factors = in.count(maxGridFactors, factorBytes);
  for (uint32_t i = 0; i < factors; ++i) {
    Extent extent = decodeExtent(in);
    image.grid.push_back({extent, static_cast<int64_t>(in.u64())});
  }
  if (version >= 2)
    image.residentBlocks = in.u32();
  uint32_t maps = version >= 3 ? in.count(maxTensorMaps, mapBytes) : 0;
  for (uint32_t i = 0; i < maps; ++i) {
    TensorMap map;
    map.argument = in.u32();
    map.columns = in.u32();
    map.rows = in.u32();
    map.swizzle = decodeEnum(in, Swizzle::Bytes128);
    image.maps.push_back(map);
  }
  return image;
}

static Kernel decodeKernel(ByteReader &in, uint32_t version) {
  Kernel kernel;
  kernel.name = in.str(maxNameBytes);
  uint32_t dims = in.count(maxDimNames, 4);
  for (uint32_t i = 0; i < dims && !in.failed; ++i)
    kernel.dimNames.push_back(in.str(maxNameBytes));
  uint32_t arguments = in.count(maxArguments, argumentBytes);
  for (uint32_t i = 0; i < arguments && !in.failed; ++i)
    kernel.arguments.push_back(decodeArgument(in));
  uint32_t images = in.count(maxImages, kernelImageBytes);
  for (uint32_t i = 0; i < images && !in.failed; ++i)
    kernel.images.push_back(decodeKernelImage(in, version));
  return kernel;
}

bool simplexir::decodeManifest(const uint8_t *data, size_t size,
                               uint32_t version, Artifact &artifact,
                               std::string &error) {
  ByteReader in(data, size);
  uint32_t images = in.count(maxImages, imageBytes);
  for (uint32_t i = 0; i < images && !in.failed; ++i) {
    Image image;
    image.kind = decodeEnum(in, ImageKind::X86Object);
    image.chip = in.str(maxNameBytes);
    image.minDriver = in.u32();
    artifact.images.push_back(std::move(image));
  }
  uint32_t kernels = in.count(maxKernels, kernelBytes);
  for (uint32_t i = 0; i < kernels && !in.failed; ++i)
    artifact.kernels.push_back(decodeKernel(in, version));
  if (in.failed || in.left != 0) {
    error = format("damaged artifact: the manifest is malformed at byte %llu "
                   "of %llu",
                   ull(static_cast<size_t>(in.data - data)), ull(size));
    return false;
  }
  return true;
}
