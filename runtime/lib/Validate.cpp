//===- Validate.cpp - The rules that an artifact obeys --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"
#include "simplexir-runtime/Container.h"

#include <cstring>
#include <set>

using namespace simplexir;

static constexpr int64_t maxExtent = int64_t(1) << 31;

size_t simplexir::sizeOf(DType dtype) {
  switch (dtype) {
  case DType::BF16:
  case DType::F16:
    return 2;
  case DType::F32:
    return 4;
  case DType::F64:
    return 8;
  }
  return 0;
}

const char *simplexir::nameOf(DType dtype) {
  switch (dtype) {
  case DType::BF16:
    return "bf16";
  case DType::F16:
    return "f16";
  case DType::F32:
    return "f32";
  case DType::F64:
    return "f64";
  }
  return "?";
}

const char *simplexir::nameOf(ImageKind kind) {
  switch (kind) {
  case ImageKind::Cubin:
    return "cubin";
  case ImageKind::PTX:
    return "ptx";
  case ImageKind::X86Object:
    return "x86-64 object";
  }
  return "?";
}

ChipName simplexir::parseChip(const std::string &chip) {
  ChipName result;
  if (chip == "x86-64" || chip == "x86-64-v2" || chip == "x86-64-v3" ||
      chip == "x86-64-v4") {
    result.valid = true;
    result.number =
        chip.size() == 6 ? 1 : static_cast<unsigned>(chip.back() - '0');
    return result;
  }
  if (chip == "x86-64-v4-bf16") {
    result.valid = true;
    result.number = 5;
    return result;
  }
  if (chip.compare(0, 3, "sm_") != 0)
    return result;
  size_t i = 3;
  for (; i < chip.size() && chip[i] >= '0' && chip[i] <= '9' && i < 7; ++i)
    result.number = result.number * 10 + static_cast<unsigned>(chip[i] - '0');
  size_t digits = i - 3;
  if (i < chip.size() && (chip[i] == 'a' || chip[i] == 'f'))
    result.suffix = chip[i++];
  result.isGpu = true;
  result.valid = digits >= 2 && i == chip.size() && chip[3] != '0';
  return result;
}

namespace {
/// Collects the path to the field in question and the first complaint.
struct Validator {
  const Artifact &artifact;
  std::string &error;

  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }
  bool checkName(const std::string &what, const std::string &name);
  bool checkImage(size_t index);
  bool checkExtent(const std::string &where, const Kernel &kernel,
                   const Extent &extent);
  bool checkArgument(const std::string &where, const Kernel &kernel,
                     const Argument &argument);
  bool checkMap(const std::string &where, const Kernel &kernel,
                const TensorMap &map);
  bool checkKernelImage(const std::string &where, const Kernel &kernel,
                        const KernelImage &use);
  bool checkKernel(const Kernel &kernel);
  bool run();
};
} // namespace

bool Validator::checkName(const std::string &what, const std::string &name) {
  if (name.empty() || name.size() > maxNameBytes)
    return fail(what + format(" has a name of %llu bytes, expected 1 to %llu",
                              ull(name.size()), ull(maxNameBytes)));
  // Names end up in messages and in dlsym-like calls that stop at a NUL.
  for (char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail(what + " has a control character in its name");
  return true;
}

bool Validator::checkImage(size_t index) {
  const Image &image = artifact.images[index];
  std::string where = format("image %llu", ull(index));
  if (image.kind > ImageKind::X86Object)
    return fail(where + " has an unknown kind");
  if (!checkName(where + "'s chip", image.chip))
    return false;
  ChipName chip = parseChip(image.chip);
  bool wantsGpu = image.kind != ImageKind::X86Object;
  if (!chip.valid || chip.isGpu != wantsGpu)
    return fail(where + ": chip '" + image.chip + "' does not fit a " +
                nameOf(image.kind) + ", expected " +
                (wantsGpu ? "sm_NN, sm_NNa or sm_NNf"
                          : "x86-64, x86-64-v2, x86-64-v3, "
                            "x86-64-v4 or x86-64-v4-bf16"));
  if (!wantsGpu && image.minDriver != 0)
    return fail(where + ": a CPU image has no minimum driver");
  if (image.data.empty())
    return fail(where + " is empty");
  // The driver reads PTX up to its first NUL.
  if (image.kind == ImageKind::PTX &&
      image.data.find('\0') != std::string::npos)
    return fail(where + ": PTX text holds a NUL byte");
  return true;
}

bool Validator::checkExtent(const std::string &where, const Kernel &kernel,
                            const Extent &extent) {
  int64_t limit =
      extent.named ? static_cast<int64_t>(kernel.dimNames.size()) : maxExtent;
  if (extent.value < 0 || extent.value >= limit)
    return fail(where + format(": %s %lld is outside 0 to %lld",
                               extent.named ? "dimension index" : "extent",
                               ll(extent.value), ll(limit - 1)));
  return true;
}

bool Validator::checkArgument(const std::string &where, const Kernel &kernel,
                              const Argument &argument) {
  if (argument.kind > Argument::Kind::Index)
    return fail(where + " has an unknown kind");
  if (argument.kind == Argument::Kind::Index)
    return true;
  if (argument.dtype > DType::F64)
    return fail(where + " has an unknown element type");
  if (argument.dims.size() > maxRank)
    return fail(where + format(" has rank %llu, the limit is %llu",
                               ull(argument.dims.size()), ull(maxRank)));
  uint32_t alignment = argument.alignment;
  if (alignment == 0 || alignment > 4096 || (alignment & (alignment - 1)) != 0)
    return fail(where + format(" has alignment %u, expected a power of two "
                               "from 1 to 4096",
                               alignment));
  for (const Extent &dim : argument.dims)
    if (!checkExtent(where, kernel, dim))
      return false;
  return true;
}

bool Validator::checkMap(const std::string &where, const Kernel &kernel,
                         const TensorMap &map) {
  if (map.argument >= kernel.arguments.size())
    return fail(where + format(" is of argument %u of %llu", map.argument,
                               ull(kernel.arguments.size())));
  const Argument &argument = kernel.arguments[map.argument];
  if (argument.kind != Argument::Kind::Tensor || argument.dims.size() != 4 ||
      !argument.innermostContiguous || argument.isOutput)
    return fail(where + ": argument '" + argument.name +
                "' is no input of rank 4 with contiguous rows");
  if (map.swizzle > Swizzle::Bytes128)
    return fail(where + " has an unknown swizzle");
  if (map.rows < 1 || map.rows > 256 || map.columns < 1 || map.columns > 256)
    return fail(where + format(" has a box of %u by %u, expected 1 to 256",
                               map.rows, map.columns));
  size_t bytes = map.columns * sizeOf(argument.dtype);
  size_t most = size_t(16) << static_cast<int>(map.swizzle);
  if (bytes % 16 != 0 || (map.swizzle != Swizzle::None && bytes > most))
    return fail(where + format(" has a box with rows of %llu bytes, expected a "
                               "multiple of 16, at most the swizzle's",
                               ull(bytes)));
  return true;
}

bool Validator::checkKernelImage(const std::string &where, const Kernel &kernel,
                                 const KernelImage &use) {
  if (use.image >= artifact.images.size())
    return fail(where + format(" refers to image %u of %llu", use.image,
                               ull(artifact.images.size())));
  if (!checkName(where + "'s symbol", use.symbol))
    return false;
  bool isGpu = artifact.images[use.image].kind != ImageKind::X86Object;
  if (isGpu && (use.blockSize < 1 || use.blockSize > 1024))
    return fail(where + format(" has a block of %u threads, expected 1 to 1024",
                               use.blockSize));
  if (use.sharedMemory > 0x7fffffffu)
    return fail(where + " needs 2 GiB or more of shared memory");
  if (!isGpu && (use.blockSize != 0 || use.sharedMemory != 0))
    return fail(where + ": a CPU image has no block and no shared memory");
  if (isGpu && use.workspacePerThread != 0)
    return fail(where + ": a GPU image has no CPU workspace");
  if (use.workspacePerThread > uint64_t(1) << 40)
    return fail(where + " needs more than 1 TiB of workspace per thread");
  if (!isGpu && use.residentBlocks != 0)
    return fail(where + format(" has %u resident blocks a multiprocessor, "
                               "expected 0 for a CPU image",
                               use.residentBlocks));
  if (use.residentBlocks > maxResidentBlocks)
    return fail(where + format(" has %u resident blocks a multiprocessor, "
                               "expected 0 to %u",
                               use.residentBlocks, maxResidentBlocks));
  if (!isGpu && !use.maps.empty())
    return fail(where + ": a CPU image has no tensor maps");
  if (use.maps.size() > maxTensorMaps)
    return fail(where + format(" has %llu tensor maps, the limit is %llu",
                               ull(use.maps.size()), ull(maxTensorMaps)));
  for (const TensorMap &map : use.maps)
    if (!checkMap(where + "'s tensor map", kernel, map))
      return false;
  if (use.grid.size() > maxGridFactors)
    return fail(where + format(" has %llu grid factors, the limit is %llu",
                               ull(use.grid.size()), ull(maxGridFactors)));
  for (const GridFactor &factor : use.grid) {
    if (!checkExtent(where + "'s grid", kernel, factor.extent))
      return false;
    if (factor.divisor < 1 || factor.divisor >= maxExtent)
      return fail(where + format("'s grid has divisor %lld, expected 1 to %lld",
                                 ll(factor.divisor), ll(maxExtent - 1)));
  }
  return true;
}

bool Validator::checkKernel(const Kernel &kernel) {
  if (!checkName("a kernel", kernel.name))
    return false;
  std::string where = "kernel '" + kernel.name + "'";
  if (kernel.dimNames.size() > maxDimNames)
    return fail(where + " has too many named dimensions");
  if (kernel.arguments.size() > maxArguments)
    return fail(where + " has too many arguments");
  if (kernel.images.empty())
    return fail(where + " has no image");

  std::set<std::string> names;
  for (const std::string &name : kernel.dimNames) {
    if (!checkName(where + ": a dimension", name))
      return false;
    if (!names.insert(name).second)
      return fail(format("%s: dimension '%s' occurs twice", where.c_str(),
                         name.c_str()));
  }
  names.clear();
  std::vector<bool> bound(kernel.dimNames.size());
  for (const Argument &argument : kernel.arguments) {
    if (!checkName(where + ": an argument", argument.name))
      return false;
    std::string place =
        format("%s: argument '%s'", where.c_str(), argument.name.c_str());
    if (!names.insert(argument.name).second)
      return fail(place + " occurs twice");
    if (!checkArgument(place, kernel, argument))
      return false;
    if (argument.kind == Argument::Kind::Tensor)
      for (const Extent &dim : argument.dims)
        if (dim.named)
          bound[static_cast<size_t>(dim.value)] = true;
  }
  // A launch learns the dimensions from the tensors.
  for (size_t i = 0; i < bound.size(); ++i)
    if (!bound[i])
      return fail(where + ": no tensor has the dimension '" +
                  kernel.dimNames[i] + "'");

  std::set<std::pair<ImageKind, std::string>> chips;
  for (const KernelImage &use : kernel.images) {
    if (!checkKernelImage(where + ": image use", kernel, use))
      return false;
    const Image &image = artifact.images[use.image];
    if (!chips.insert({image.kind, image.chip}).second)
      return fail(where + " has two images of kind " + nameOf(image.kind) +
                  " for " + image.chip);
  }
  return true;
}

bool Validator::run() {
  if (artifact.images.size() > maxImages)
    return fail("too many images");
  if (artifact.kernels.empty() || artifact.kernels.size() > maxKernels)
    return fail(format("found %llu kernels, expected 1 to %llu",
                       ull(artifact.kernels.size()), ull(maxKernels)));
  for (size_t i = 0; i < artifact.images.size(); ++i)
    if (!checkImage(i))
      return false;
  std::set<std::string> names;
  for (const Kernel &kernel : artifact.kernels) {
    if (!checkKernel(kernel))
      return false;
    if (!names.insert(kernel.name).second)
      return fail("kernel '" + kernel.name + "' occurs twice");
  }
  return true;
}

bool simplexir::validate(const Artifact &artifact, std::string &error) {
  error.clear();
  return Validator{artifact, error}.run();
}
