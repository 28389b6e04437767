//===- Artifact.cpp - A loaded artifact and its kernels -------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Artifact.h"
#include "Select.h"

#include <cstring>

using namespace simplexir;

Status simplexir::loadArtifact(const uint8_t *data, size_t size,
                               std::unique_ptr<SimplexirArtifact> &artifact) {
  noteRuntimeUsed();
  auto loaded = std::make_unique<SimplexirArtifact>();
  std::string error;
  if (!parse(data, size, loaded->contents, error)) {
    bool newer = containerVersion(data, size) > formatVersion;
    return {newer ? SIMPLEXIR_ERROR_NEWER_VERSION
                  : SIMPLEXIR_ERROR_INVALID_ARTIFACT,
            std::move(error)};
  }
  loaded->objects.resize(loaded->contents.images.size());
  for (const Kernel &kernel : loaded->contents.kernels) {
    auto handle = std::make_unique<SimplexirKernel>();
    handle->artifact = loaded.get();
    handle->signature = &kernel;
    loaded->kernels.push_back(std::move(handle));
  }
  artifact = std::move(loaded);
  return {};
}

SimplexirKernel *simplexir::findKernel(SimplexirArtifact &artifact,
                                       const char *name) {
  for (auto &kernel : artifact.kernels)
    if (kernel->signature->name == name)
      return kernel.get();
  return nullptr;
}

Status simplexir::prepareCpu(SimplexirKernel &kernel, const CpuCode *&code) {
  code = kernel.cpu.load(std::memory_order_acquire);
  if (code)
    return {};
  SimplexirArtifact &artifact = *kernel.artifact;
  std::lock_guard<std::mutex> lock(artifact.mutex);
  const KernelImage *use = nullptr;
  Status status =
      selectCpuImage(artifact.contents, *kernel.signature, hostCpuLevel(), use);
  if (!status.ok())
    return status;
  std::unique_ptr<LoadedObject> &object = artifact.objects[use->image];
  if (!object) {
    auto fresh = std::make_unique<LoadedObject>();
    status = fresh->load(artifact.contents.images[use->image].data);
    if (!status.ok())
      return status;
    object = std::move(fresh);
  }
  void *function = object->lookup(use->symbol);
  if (!function)
    return {SIMPLEXIR_ERROR_INVALID_ARTIFACT, "kernel '" +
                                                  kernel.signature->name +
                                                  "': its CPU image defines no "
                                                  "global function '" +
                                                  use->symbol + "'"};
  artifact.cpuCode.push_back(std::make_unique<CpuCode>(
      CpuCode{reinterpret_cast<GridFunction>(function), use}));
  code = artifact.cpuCode.back().get();
  kernel.cpu.store(code, std::memory_order_release);
  return {};
}

static Status launchCpu(SimplexirKernel &kernel,
                        const SimplexirArgument *arguments, size_t numArguments,
                        const SimplexirLaunchOptions &options) {
  const Kernel &signature = *kernel.signature;
  BoundArguments bound;
  Status status = bindArguments(signature, arguments, numArguments,
                                {SIMPLEXIR_CPU, 0}, bound);
  if (!status.ok())
    return status;
  const CpuCode *code = nullptr;
  if (status = prepareCpu(kernel, code); !status.ok())
    return status;
  CpuLaunch run{code->function, bound.words, 0, code->use->workspacePerThread};
  status = countWorkItems(signature, *code->use, bound.dims, run.total);
  return status.ok() ? runOnCpu(run, options) : std::move(status);
}

Status simplexir::launch(SimplexirKernel &kernel,
                         const SimplexirArgument *arguments,
                         size_t numArguments,
                         const SimplexirLaunchOptions &options) {
  if (Status status = checkNotForked(); !status.ok())
    return status;
  return options.deviceType == SIMPLEXIR_CPU
             ? launchCpu(kernel, arguments, numArguments, options)
             : launchGpu(kernel, arguments, numArguments, options);
}
