//===- Artifact.h - From kernels to a .simplex artifact --------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_ARTIFACT_H
#define SIMPLEXIR_CODEGEN_ARTIFACT_H

#include "simplexir-runtime/Container.h"
#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace mlir {
class Operation;
namespace func {
class FuncOp;
} // namespace func
} // namespace mlir

namespace simplexir {

/// How one kernel is launched from one image.
struct CompiledKernel {
  /// The kernel's name in the artifact and its symbol in the image.
  std::string name, symbol;
  /// The factors of the attribute `simplex.grid`.
  llvm::SmallVector<GridPart, 3> grid;
  /// GPU: threads of a block, and bytes of dynamic shared memory.
  int64_t blockSize = 0, sharedMemory = 0;
  /// GPU: blocks a multiprocessor that loop over the work items; 0: a block for
  /// each item.
  int64_t residentBlocks = 0;
  /// GPU: the triples of the attribute `simplex.maps`.
  llvm::SmallVector<int64_t> maps;
  /// CPU: bytes of workspace a thread.
  int64_t workspace = 0;
};

/// The grid of a function with `simplex.grid`; an error if there is none.
llvm::Expected<llvm::ArrayRef<GridPart>> getGrid(mlir::Operation *kernel);

/// Collects kernels and their images for several chips.
class ArtifactBuilder {
public:
  /// Adds a kernel function as `--simplex-outline-kernels` made it (not yet
  /// tiled): its attention says what the arguments mean and which dynamic
  /// extents are equal. Returns an error if the name is taken.
  llvm::Error addKernel(mlir::func::FuncOp kernel, llvm::StringRef name);

  /// Adds an image with code of all `kernels`, which were added before.
  llvm::Error addImage(Image image, llvm::ArrayRef<CompiledKernel> kernels);

  bool empty() const { return artifact.kernels.empty(); }
  /// Why the artifact is not valid, or its bytes.
  llvm::Expected<std::string> serialize() const;

private:
  Artifact artifact;
};

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_ARTIFACT_H
