//===- Pipelines.h - The pass pipelines ------------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_PIPELINES_H
#define SIMPLEXIR_CODEGEN_PIPELINES_H

#include "simplexir/Codegen/Chips.h"

#include "mlir/Support/LLVM.h"
#include <string>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace simplexir {

/// How far the kernels of a pipeline are lowered.
enum class KernelStage {
  /// The machine level, in upstream dialects: vector and scf on the CPU,
  /// gpu and nvgpu on a GPU.
  Machine,
  /// The LLVM dialect (and NVVM).
  LLVM
};

/// Arithmetic on tensors to linear algebra, fused with its neighbours; tensors
/// to buffers; and each attention to a launch of a kernel function.
/// Buffers that do not leave their function are freed.
void buildFrontPipeline(mlir::OpPassManager &manager);

/// Gives each attention in a kernel a schedule for the target: a GPU, or the
/// CPU where `chip` is null (`dotBF16`: see below).
void buildSchedulePipeline(mlir::OpPassManager &manager, const GpuChip *chip,
                           bool dotBF16 = false);

/// Kernel functions with schedules to one work item in tile operations. With
/// `dotBF16`, for a CPU that multiplies pairs of bf16 numbers.
void buildTilePipeline(mlir::OpPassManager &manager, bool gpu,
                       bool dotBF16 = false);

/// Kernel functions in tile operations to a grid function each. `chip` is one
/// of the x86-64 levels or `native`.
mlir::LogicalResult buildCPUKernels(mlir::OpPassManager &manager,
                                    llvm::StringRef chip, KernelStage stage,
                                    std::string &error);

/// Kernel functions in tile operations to a `gpu.module`.
mlir::LogicalResult buildNVPTXKernels(mlir::OpPassManager &manager,
                                      const GpuChip &chip, KernelStage stage,
                                      std::string &error);

/// How host functions are lowered.
struct HostOptions {
  /// Memory comes from `_mlir_memref_to_llvm_alloc` and `_free`, which the
  /// embedder defines, in place of malloc and free.
  bool hooks = false;
  /// The GPU whose memory the buffers are in, or null for the CPU. What is not
  /// an attention becomes kernels too, which are launched through mgpu.
  const GpuChip *gpu = nullptr;
  /// For these kernels: the path of ptxas, if not to be searched for.
  std::string ptxas;
};

/// Host functions, their launches lowered, to the LLVM dialect.
void buildHostPipeline(mlir::OpPassManager &manager,
                       const HostOptions &options = {});

/// A gpu.module of upstream dialects to the NVVM dialect.
void buildNVVMPipeline(mlir::OpPassManager &kernels);

/// All of it: functions with attentions among other operations to host code
/// that has its kernels inside, for these chips.
void buildProgramPipeline(mlir::OpPassManager &manager,
                          llvm::ArrayRef<std::string> chips,
                          const HostOptions &options);

/// Makes `--simplex-cpu-pipeline`, `--simplex-nvptx-pipeline` and
/// `--simplex-host-pipeline` known.
void registerPipelines();

/// Makes every pass and pipeline of this project known by its flag, once a
/// process however often it is called.
void registerPassesAndPipelines();

/// What the pipelines and the functions around an attention need: dialects,
/// interfaces, translations.
void registerAllForCompiler(mlir::DialectRegistry &registry);

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_PIPELINES_H
