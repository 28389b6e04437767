//===- Passes.h - Passes of the code generators --------------- -*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_PASSES_H
#define SIMPLEXIR_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class ModuleOp;
namespace arith {
class ArithDialect;
} // namespace arith
namespace func {
class FuncOp;
} // namespace func
namespace LLVM {
class LLVMDialect;
} // namespace LLVM
namespace math {
class MathDialect;
} // namespace math
namespace memref {
class MemRefDialect;
} // namespace memref
namespace scf {
class SCFDialect;
} // namespace scf
namespace vector {
class VectorDialect;
} // namespace vector
namespace x86vector {
class X86VectorDialect;
} // namespace x86vector
} // namespace mlir

namespace simplexir {

/// The bytes of the artifact that a module's launches refer to.
constexpr llvm::StringLiteral kArtifactAttrName = "simplex.artifact";
/// Of a GPU kernel: threads of a block, and bytes of dynamic shared memory.
constexpr llvm::StringLiteral kBlockAttrName = "simplex.block";
constexpr llvm::StringLiteral kSharedMemoryAttrName = "simplex.shared_memory";
/// Of a GPU kernel that loops over work items: KernelImage::residentBlocks.
constexpr llvm::StringLiteral kResidentBlocksAttrName =
    "simplex.resident_blocks";
/// Of a GPU kernel that fetches by tensor maps: argument, columns and rows of a
/// box, of each map. After the parameters of the arguments it has one that says
/// if there are maps (i64), then one for each map.
constexpr llvm::StringLiteral kMapsAttrName = "simplex.maps";
constexpr size_t kMapWords = 3;
/// Bytes of workspace that a thread needs (on a CPU kernel).
constexpr llvm::StringLiteral kWorkspaceAttrName = "simplex.workspace";
/// Byte offsets of an operation's tiles in the workspace.
constexpr llvm::StringLiteral kScratchAttrName = "simplex.scratch";
/// The result is written over the tile operand.
constexpr llvm::StringLiteral kInPlaceAttrName = "simplex.in_place";
/// The load stores its tile transposed.
constexpr llvm::StringLiteral kTransposedAttrName = "simplex.transposed";
/// The load stores two rows (transposed: two columns) of its tile as a row of
/// pairs.
constexpr llvm::StringLiteral kPairedAttrName = "simplex.paired";

#define GEN_PASS_DECL
#include "simplexir/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "simplexir/Codegen/Passes.h.inc"

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_PASSES_H
