//===- Artifact.h - A loaded artifact and its kernels -----------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_ARTIFACT_H
#define SIMPLEXIR_RUNTIME_LIB_ARTIFACT_H

#include "CpuLaunch.h"
#include "CudaDriver.h"
#include "ObjectLoader.h"
#include "Signature.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace simplexir {

/// A kernel's code for this CPU.
struct CpuCode {
  GridFunction function;
  const KernelImage *use;
};

/// A kernel's code in one context.
struct GpuCode {
  unsigned long long contextKey;
  CUfunction function;
  const KernelImage *use;
  /// The largest grid: 2^31 - 1, or all of the device's resident blocks.
  int64_t maxBlocks;
};

/// An image in one context.
struct GpuModule {
  unsigned long long contextKey;
  CUcontext context;
  uint32_t image;
  CUmodule module;
};

} // namespace simplexir

struct SimplexirKernel {
  SimplexirArtifact *artifact = nullptr;
  const simplexir::Kernel *signature = nullptr;
  /// Set once, under the artifact's lock.
  std::atomic<const simplexir::CpuCode *> cpu{nullptr};
  /// Under the artifact's lock; the elements stay where they are.
  std::deque<simplexir::GpuCode> gpu;
  /// The one of the last launch, one of `gpu`.
  std::atomic<const simplexir::GpuCode *> lastGpu{nullptr};
};

struct SimplexirArtifact {
  simplexir::Artifact contents;
  std::vector<std::unique_ptr<SimplexirKernel>> kernels;

  std::mutex mutex;
  std::vector<std::unique_ptr<simplexir::CpuCode>> cpuCode;
  /// By image; null where not loaded.
  std::vector<std::unique_ptr<simplexir::LoadedObject>> objects;
  std::vector<simplexir::GpuModule> modules;
};

namespace simplexir {

/// Parses, and makes the handles.
Status loadArtifact(const uint8_t *data, size_t size,
                    std::unique_ptr<SimplexirArtifact> &artifact);

/// Null if there is none.
SimplexirKernel *findKernel(SimplexirArtifact &artifact, const char *name);

/// The kernel's code for this CPU, loaded if it is not yet.
Status prepareCpu(SimplexirKernel &kernel, const CpuCode *&code);

/// The kernel's code in the scope's context, loaded if it is not yet.
Status prepareGpu(SimplexirKernel &kernel, const ContextScope &scope,
                  const GpuCode *&code);

Status launchGpu(SimplexirKernel &kernel, const SimplexirArgument *arguments,
                 size_t numArguments, const SimplexirLaunchOptions &options);

/// Unloads modules from those contexts that still exist.
void unloadGpu(SimplexirArtifact &artifact);

/// The one function that every launch goes through. The options are complete
/// and checked for their structSize.
Status launch(SimplexirKernel &kernel, const SimplexirArgument *arguments,
              size_t numArguments, const SimplexirLaunchOptions &options);

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_ARTIFACT_H
