//===- Compiler.h - Kernels to artifacts and host code ---------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_COMPILER_H
#define SIMPLEXIR_CODEGEN_COMPILER_H

#include "simplexir/Codegen/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace simplexir {

/// How a kernel was cut into tiles: what counts of its waste need.
struct KernelTiles {
  /// The kernel function.
  std::string name;
  /// Queries whose windows' union is visited, and last keys of a tile; of each
  /// second one, if tiles come by pairs.
  int64_t queries = 1, keys = 1, secondKeys = 1;
  /// In the kernel's order of keys: the last is the tiled one.
  llvm::SmallVector<int64_t> windows;
};

struct CompileOptions {
  /// x86-64 levels, `native`, and GPUs.
  std::vector<std::string> chips;
  /// The path of ptxas, if not to be searched for.
  std::string ptxas;
  /// With a GPU among the chips, also holds PTX that later GPUs compile.
  bool portablePtx = true;
  /// Names in the artifact, by kernel function; others keep theirs.
  llvm::StringMap<std::string> names;
};

struct CompileResult {
  /// The bytes of a .simplex file.
  std::string artifact;
  /// Of the last chip.
  std::vector<KernelTiles> tiles;
  /// Worth telling: no ptxas, registers that spill.
  std::vector<std::string> warnings;
};

/// Runs tensors to buffers and kernels (buildFrontPipeline).
mlir::LogicalResult outlineModule(mlir::ModuleOp module);

/// True if there is something to compile.
bool hasAttention(mlir::ModuleOp module);

/// As outlineModule, where each function is at most one attention on its
/// arguments (otherwise it is an error): the kernel takes the function's name
/// in `options`.
mlir::LogicalResult outlineFunctions(mlir::ModuleOp module,
                                     CompileOptions &options);

/// Runs every pass on the kernels of an outlined module, which stays as it is,
/// and generates no code. Reports why they cannot be compiled for the chip.
mlir::LogicalResult checkKernels(mlir::ModuleOp module, llvm::StringRef chip);

/// Compiles the kernel functions of an outlined module, which stays as it is.
/// Errors are reported as diagnostics.
mlir::FailureOr<CompileResult> compileKernels(mlir::ModuleOp module,
                                              const CompileOptions &options);

/// What `--emit` writes.
enum class EmitStage { MLIR, LLVM, PTX, Cubin };

/// The kernels of an outlined module at a stage for one chip: IR, PTX, or the
/// bytes of a cubin.
mlir::FailureOr<std::string> emitKernels(mlir::ModuleOp module,
                                         llvm::StringRef chip, EmitStage stage,
                                         llvm::StringRef ptxas);

/// Lowers the host functions of an outlined module to the LLVM dialect, with
/// the artifact's bytes inside.
mlir::LogicalResult lowerHost(mlir::ModuleOp module, llvm::StringRef artifact,
                              const HostOptions &options = {});

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_COMPILER_H
