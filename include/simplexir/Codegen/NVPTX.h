//===- NVPTX.h - From LLVM dialect to PTX and cubin ------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_NVPTX_H
#define SIMPLEXIR_CODEGEN_NVPTX_H

#include "simplexir/Codegen/Chips.h"

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class Operation;
} // namespace mlir

namespace simplexir {

/// Registers the translations to LLVM IR that translateToPtx needs, and the
/// NVVM and GPU dialects. Call it on the registry of the module's context.
void registerNVPTXTranslation(mlir::DialectRegistry &registry);

/// Compiles a `gpu.module` (or a `builtin.module`) in the LLVM and NVVM
/// dialects to PTX, in this process and without the CUDA toolkit.
llvm::Expected<std::string> translateToPtx(mlir::Operation *module,
                                           const GpuChip &chip);

/// What one kernel takes of a multiprocessor, as ptxas reports it.
struct KernelResources {
  std::string name;
  int64_t registers = 0;
  /// Bytes a thread writes to and reads from local memory for want of
  /// registers, and its stack.
  int64_t spillStores = 0, spillLoads = 0, stack = 0;
  /// Bytes of static shared memory a block.
  int64_t sharedMemory = 0;
};

struct Cubin {
  std::string image;
  std::vector<KernelResources> kernels;
  /// Everything that ptxas said.
  std::string log;
  /// The least cuDriverGetVersion() that loads the image.
  int minDriver = 0;
};

/// The path of ptxas: `configured` if not empty, else SIMPLEXIR_PTXAS, PATH,
/// CUDA_HOME/bin, or the path set when this compiler was built. The error says
/// where it was looked for.
llvm::Expected<std::string> findPtxas(llvm::StringRef configured = "");

/// ptxas at work on PTX for a chip, in a process of its own, which ends with
/// this.
class Assembly {
public:
  static llvm::Expected<Assembly>
  start(llvm::StringRef ptx, const GpuChip &chip, llvm::StringRef ptxas);
  Assembly(Assembly &&);
  Assembly &operator=(Assembly &&);
  ~Assembly();

  /// Waits for it; once.
  llvm::Expected<Cubin> finish();

private:
  class Process;
  explicit Assembly(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process;
};

/// Assembles PTX for a chip with the given ptxas.
llvm::Expected<Cubin> assemblePtx(llvm::StringRef ptx, const GpuChip &chip,
                                  llvm::StringRef ptxas);

/// Reads the resources of each kernel from what `ptxas -v` prints.
std::vector<KernelResources> parsePtxasLog(llvm::StringRef log);

} // namespace simplexir

#endif // SIMPLEXIR_CODEGEN_NVPTX_H
