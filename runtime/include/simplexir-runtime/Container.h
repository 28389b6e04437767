//===- Container.h - The .simplex artifact: data, writer, reader *- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler fills in and the runtime reads. The bytes are described in
// docs/artifact.md. This header needs the C++17 standard library only; link
// simplexir_runtime_static for the functions.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_CONTAINER_H
#define SIMPLEXIR_RUNTIME_CONTAINER_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace simplexir {

/// The version that serialize() writes. Readers accept it and every older one.
constexpr uint32_t formatVersion = 3;

/// Limits of the format. They bound what a launch keeps on its stack.
constexpr size_t maxArguments = 64;
constexpr size_t maxRank = 8;
constexpr size_t maxDimNames = 64;
constexpr size_t maxGridFactors = 16;
constexpr uint32_t maxResidentBlocks = 32;
constexpr size_t maxTensorMaps = 8;
constexpr size_t maxKernels = 4096;
constexpr size_t maxImages = 4096;
constexpr size_t maxNameBytes = 1024;
/// pointer, pointer, offset, sizes, strides.
constexpr size_t maxWords = maxArguments * (3 + 2 * maxRank);

/// Values are part of the file format and equal SimplexirDType of the C header.
enum class DType : uint8_t { BF16 = 0, F16 = 1, F32 = 2, F64 = 3 };

/// Values are part of the file format.
enum class ImageKind : uint8_t { Cubin = 0, PTX = 1, X86Object = 2 };

/// How a tensor map's boxes lie in shared memory: bytes after which the order
/// of the 16-byte units repeats. Values are part of the file format and equal
/// CUtensorMapSwizzle.
enum class Swizzle : uint8_t {
  None = 0,
  Bytes32 = 1,
  Bytes64 = 2,
  Bytes128 = 3
};

/// A size that is either a constant or one of the kernel's named dimensions.
struct Extent {
  bool named = false;
  /// The constant, or the index into Kernel::dimNames.
  int64_t value = 0;

  static Extent constant(int64_t size) { return {false, size}; }
  static Extent dim(int64_t nameIndex) { return {true, nameIndex}; }
  bool operator==(const Extent &other) const {
    return named == other.named && value == other.value;
  }
};

/// One argument of a kernel. The fields after `name` concern tensors only.
struct Argument {
  enum class Kind : uint8_t { Tensor = 0, Index = 1 };
  Kind kind = Kind::Tensor;
  std::string name;
  DType dtype = DType::F32;
  /// One for each dimension; the size of it is the rank.
  std::vector<Extent> dims;
  /// Bytes, a power of two up to 4096. The first element of every innermost
  /// row must be a multiple of it: the base address, and each stride of a
  /// dimension that is longer than 1 (the innermost excepted).
  uint32_t alignment = 1;
  /// The innermost stride must be 1 (where that dimension is longer than 1).
  bool innermostContiguous = true;
  bool isOutput = false;
};

/// One factor of the number of work items: ceildiv(extent, divisor).
struct GridFactor {
  Extent extent;
  int64_t divisor = 1;
};

/// Code for one chip. Several kernels can share one image.
struct Image {
  ImageKind kind = ImageKind::X86Object;
  /// GPU: `sm_80`, `sm_90a`, `sm_100f`. CPU: `x86-64`, `x86-64-v2`, `-v3`,
  /// `-v4` or `-v4-bf16` (AVX512-BF16 too); a compiler stores one of them for
  /// other names (`znver4`, `native`).
  std::string chip;
  /// As cuDriverGetVersion counts (12040 is CUDA 12.4); 0 for the CPU.
  uint32_t minDriver = 0;
  /// The cubin, the PTX text (no terminating NUL) or the relocatable object.
  std::string data;
};

/// A tensor map that a launch makes of an argument [batch, row, head, column]
/// and gives to the kernel: docs/artifact.md says how.
struct TensorMap {
  /// Index into Kernel::arguments: a tensor of rank 4 and contiguous rows, not
  /// an output.
  uint32_t argument = 0;
  /// The box that one copy brings: of one head and batch so many rows, 1 to
  /// 256, and columns, whole 16 bytes and at most the swizzle's.
  uint32_t columns = 0, rows = 0;
  Swizzle swizzle = Swizzle::None;
};

/// How one kernel is launched from one image. The grid is here, and not in the
/// kernel, because tile sizes differ between chips.
struct KernelImage {
  /// Index into Artifact::images.
  uint32_t image = 0;
  std::string symbol;
  /// The number of work items is the product; 1 if empty.
  std::vector<GridFactor> grid;
  /// GPU: threads of a block, 1 to 1024. CPU: 0.
  uint32_t blockSize = 0;
  /// GPU: dynamic shared memory of a block, in bytes. CPU: 0.
  uint32_t sharedMemory = 0;
  /// CPU: bytes of workspace that each thread needs. GPU: 0.
  uint64_t workspacePerThread = 0;
  /// GPU: 0: the grid has a block for each work item. Else at most so many
  /// blocks for each multiprocessor of the device, up to maxResidentBlocks;
  /// each takes a share of the work items. CPU: 0.
  uint32_t residentBlocks = 0;
  /// GPU: at most maxTensorMaps. CPU: none.
  std::vector<TensorMap> maps;
};

struct Kernel {
  std::string name;
  /// The named dimensions; each must occur in some tensor argument.
  std::vector<std::string> dimNames;
  /// In the order of the kernel's words.
  std::vector<Argument> arguments;
  /// At least one; at most one of each (kind, chip).
  std::vector<KernelImage> images;
};

struct Artifact {
  std::vector<Image> images;
  std::vector<Kernel> kernels;
};

/// Checks every rule above; on failure says in `error` which kernel and field.
bool validate(const Artifact &artifact, std::string &error);

/// The bytes of a .simplex file; empty if the artifact is not valid (see
/// validate() for the reason). Equal artifacts give equal bytes.
std::string serialize(const Artifact &artifact);

/// Reads and validates the bytes of a .simplex file. Never reads outside
/// [data, data + size), whatever the bytes are. On failure `artifact` is left
/// empty and `error` is one sentence.
bool parse(const uint8_t *data, size_t size, Artifact &artifact,
           std::string &error);

/// The version in the header, or 0 if the bytes are no .simplex file at all.
uint32_t containerVersion(const uint8_t *data, size_t size);

/// The 64-bit FNV-1a hash. Each step is a bijection of the state, so a change
/// within one byte is always found; it is no defence against intent.
uint64_t hashBytes(const uint8_t *data, size_t size,
                   uint64_t state = 0xcbf29ce484222325ull);

/// Bytes of one element.
size_t sizeOf(DType dtype);
/// `bf16`, `f16`, `f32`, `f64`.
const char *nameOf(DType dtype);
/// `cubin`, `ptx`, `x86-64 object`.
const char *nameOf(ImageKind kind);

/// A chip name taken apart. `valid` is false for other names.
struct ChipName {
  bool valid = false;
  bool isGpu = false;
  /// GPU: 90 for sm_90a. CPU: the level, 1 to 4.
  unsigned number = 0;
  /// GPU: 'a' (that chip only), 'f' (that family only) or 0.
  char suffix = 0;
};
ChipName parseChip(const std::string &chip);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_CONTAINER_H
