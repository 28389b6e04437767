//===- Runtime.cpp - The C functions --------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Artifact.h"
#include "ThreadPool.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace simplexir;

static constexpr int32_t maxThreads = 65536;

static Status invalid(std::string message) {
  return {SIMPLEXIR_ERROR_INVALID_ARGUMENT, std::move(message)};
}

template <typename T>
static Status checkPointer(const T *pointer, const char *name) {
  return pointer ? Status() : invalid(std::string(name) + " is null");
}

/// Copies a caller's struct, whose version can be older (its later fields are
/// zero here) or newer (its later fields are ignored).
template <typename T>
static Status copySized(const T *from, uint64_t oldestSize, const char *name,
                        T &to) {
  to = {};
  to.structSize = sizeof(T);
  if (!from)
    return {};
  if (from->structSize < oldestSize || from->structSize > 4096)
    return invalid(format("structSize of %s is %llu, expected sizeof(%s) = "
                          "%llu",
                          name, ull(from->structSize), name, ull(sizeof(T))));
  std::memcpy(&to, from,
              from->structSize < sizeof(T) ? from->structSize : sizeof(T));
  return {};
}

static Status checkOptions(const SimplexirLaunchOptions *from,
                           SimplexirLaunchOptions &options,
                           SimplexirExecutor &executor) {
  Status status = copySized(from, sizeof(SimplexirLaunchOptions),
                            "SimplexirLaunchOptions", options);
  if (!status.ok())
    return status;
  if (options.deviceType != SIMPLEXIR_CPU &&
      options.deviceType != SIMPLEXIR_CUDA)
    return invalid(format("deviceType is %d, expected SIMPLEXIR_CPU or "
                          "SIMPLEXIR_CUDA",
                          options.deviceType));
  if (options.numThreads < 0 || options.numThreads > maxThreads)
    return invalid(format("numThreads is %d, expected 0 to %d",
                          options.numThreads, maxThreads));
  if (options.flags & ~SIMPLEXIR_LAUNCH_TRUSTS_ADDRESSES)
    return invalid(format("flags is %#x, expected SimplexirLaunchFlags only",
                          static_cast<unsigned>(options.flags)));
  if (options.deviceType == SIMPLEXIR_CUDA) {
    if (options.executor || options.workspace)
      return invalid("a GPU launch takes no executor and no CPU workspace");
    return {};
  }
  if (options.stream)
    return invalid("a CPU launch takes no stream");
  if (!options.executor)
    return {};
  status = copySized(options.executor, sizeof(SimplexirExecutor),
                     "SimplexirExecutor", executor);
  if (!status.ok())
    return status;
  if (!executor.run || executor.numThreads < 1)
    return invalid("an executor needs a run function and at least 1 thread");
  options.executor = &executor;
  return {};
}

static Status readFile(const char *path, std::string &bytes) {
  std::FILE *file = std::fopen(path, "rb");
  if (!file)
    return {SIMPLEXIR_ERROR_IO,
            std::string("cannot open '") + path + "': " + std::strerror(errno)};
  char buffer[65536];
  size_t count;
  do {
    count = std::fread(buffer, 1, sizeof(buffer), file);
    bytes.append(buffer, count);
  } while (count == sizeof(buffer));
  bool failed = std::ferror(file) != 0;
  int reason = errno;
  std::fclose(file);
  if (failed)
    return {SIMPLEXIR_ERROR_IO, std::string("cannot read '") + path +
                                    "': " + std::strerror(reason)};
  return {};
}

static Status load(const uint8_t *data, size_t size, SimplexirArtifact **out) {
  std::unique_ptr<SimplexirArtifact> artifact;
  Status status = loadArtifact(data, size, artifact);
  if (status.ok())
    *out = artifact.release();
  return status;
}

SimplexirStatus simplexirArtifactLoadFile(const char *path,
                                          SimplexirArtifact **artifact) {
  return guarded([&]() -> Status {
    if (Status status = checkPointer(artifact, "artifact"); !status.ok())
      return status;
    *artifact = nullptr;
    if (Status status = checkPointer(path, "path"); !status.ok())
      return status;
    if (Status status = checkNotForked(); !status.ok())
      return status;
    std::string bytes;
    if (Status status = readFile(path, bytes); !status.ok())
      return status;
    Status status = load(reinterpret_cast<const uint8_t *>(bytes.data()),
                         bytes.size(), artifact);
    if (!status.ok())
      status.message = std::string(path) + ": " + status.message;
    return status;
  });
}

SimplexirStatus simplexirArtifactLoadMemory(const void *data, size_t size,
                                            SimplexirArtifact **artifact) {
  return guarded([&]() -> Status {
    if (Status status = checkPointer(artifact, "artifact"); !status.ok())
      return status;
    *artifact = nullptr;
    if (Status status = checkPointer(data, "data"); !status.ok())
      return status;
    if (Status status = checkNotForked(); !status.ok())
      return status;
    return load(static_cast<const uint8_t *>(data), size, artifact);
  });
}

void simplexirArtifactDestroy(SimplexirArtifact *artifact) {
  if (!artifact)
    return;
  (void)guarded([&] {
    unloadGpu(*artifact);
    return Status();
  });
  delete artifact;
}

size_t simplexirArtifactNumKernels(const SimplexirArtifact *artifact) {
  return artifact ? artifact->kernels.size() : 0;
}

SimplexirKernel *simplexirArtifactKernelAt(SimplexirArtifact *artifact,
                                           size_t index) {
  return artifact && index < artifact->kernels.size()
             ? artifact->kernels[index].get()
             : nullptr;
}

SimplexirStatus simplexirArtifactGetKernel(SimplexirArtifact *artifact,
                                           const char *name,
                                           SimplexirKernel **kernel) {
  return guarded([&]() -> Status {
    if (!artifact || !name || !kernel)
      return invalid("artifact, name or kernel is null");
    *kernel = findKernel(*artifact, name);
    if (*kernel)
      return {};
    std::string names;
    for (auto &known : artifact->kernels)
      names += (names.empty() ? "" : ", ") + known->signature->name;
    return {SIMPLEXIR_ERROR_NOT_FOUND,
            std::string("there is no kernel '") + name + "'; found " + names};
  });
}

const char *simplexirKernelName(const SimplexirKernel *kernel) {
  return kernel ? kernel->signature->name.c_str() : "";
}

size_t simplexirKernelNumArguments(const SimplexirKernel *kernel) {
  return kernel ? kernel->signature->arguments.size() : 0;
}

SimplexirStatus simplexirKernelArgumentInfo(const SimplexirKernel *kernel,
                                            size_t index,
                                            SimplexirArgumentInfo *info) {
  return guarded([&]() -> Status {
    if (!kernel || !info)
      return invalid("kernel or info is null");
    if (info->structSize < sizeof(SimplexirArgumentInfo))
      return invalid("structSize of SimplexirArgumentInfo is too small");
    const Kernel &signature = *kernel->signature;
    if (index >= signature.arguments.size())
      return {SIMPLEXIR_ERROR_NOT_FOUND,
              format("there is no argument %llu: kernel '%s' has %llu",
                     ull(index), signature.name.c_str(),
                     ull(signature.arguments.size()))};
    const Argument &argument = signature.arguments[index];
    SimplexirArgumentInfo result = {};
    result.structSize = info->structSize;
    result.name = argument.name.c_str();
    result.kind = argument.kind == Argument::Kind::Index ? SIMPLEXIR_INDEX
                                                         : SIMPLEXIR_TENSOR;
    result.dtype = static_cast<int32_t>(argument.dtype);
    result.rank = static_cast<int32_t>(argument.dims.size());
    result.isOutput = argument.isOutput;
    result.innermostContiguous = argument.innermostContiguous;
    result.alignment = argument.alignment;
    for (size_t i = 0; i < argument.dims.size(); ++i) {
      Extent extent = argument.dims[i];
      result.extents[i] = extent.named ? -1 : extent.value;
      if (extent.named)
        result.dimNames[i] =
            signature.dimNames[static_cast<size_t>(extent.value)].c_str();
    }
    std::memcpy(info, &result, sizeof(result));
    return {};
  });
}

SimplexirStatus simplexirSetNumThreads(int32_t numThreads) {
  return guarded([&]() -> Status {
    if (numThreads < 0 || numThreads > maxThreads)
      return invalid(format("the number of threads is %d, expected 0 to %d",
                            numThreads, maxThreads));
    // The pool's lock may have been held by a thread that is gone.
    if (Status status = checkNotForked(); !status.ok())
      return status;
    noteRuntimeUsed();
    ThreadPool::get().setNumThreads(numThreads);
    return {};
  });
}

int32_t simplexirGetNumThreads(void) {
  return checkNotForked().ok() ? ThreadPool::get().numThreads() : 1;
}

SimplexirStatus simplexirKernelPrepare(SimplexirKernel *kernel,
                                       const SimplexirLaunchOptions *from) {
  return guarded([&]() -> Status {
    SimplexirLaunchOptions options;
    SimplexirExecutor executor;
    if (Status status = checkPointer(kernel, "kernel"); !status.ok())
      return status;
    if (Status status = checkNotForked(); !status.ok())
      return status;
    if (Status status = checkOptions(from, options, executor); !status.ok())
      return status;
    if (options.deviceType == SIMPLEXIR_CPU) {
      const CpuCode *code = nullptr;
      return prepareCpu(*kernel, code);
    }
    ContextScope scope;
    const GpuCode *code = nullptr;
    Status status = scope.enter(options.deviceId, options.stream);
    return status.ok() ? prepareGpu(*kernel, scope, code) : std::move(status);
  });
}

SimplexirStatus simplexirKernelWorkspaceSize(SimplexirKernel *kernel,
                                             const SimplexirLaunchOptions *from,
                                             uint64_t *bytes) {
  return guarded([&]() -> Status {
    SimplexirLaunchOptions options;
    SimplexirExecutor executor;
    if (!kernel || !bytes)
      return invalid("kernel or bytes is null");
    *bytes = 0;
    if (Status status = checkNotForked(); !status.ok())
      return status;
    if (Status status = checkOptions(from, options, executor); !status.ok())
      return status;
    if (options.deviceType == SIMPLEXIR_CUDA)
      return {};
    const CpuCode *code = nullptr;
    if (Status status = prepareCpu(*kernel, code); !status.ok())
      return status;
    if (!launchWorkspaceSize(options, code->use->workspacePerThread, *bytes))
      return {SIMPLEXIR_ERROR_OUT_OF_MEMORY, "the workspace overflows 64 bits"};
    return {};
  });
}

SimplexirStatus simplexirKernelLaunch(SimplexirKernel *kernel,
                                      const SimplexirArgument *arguments,
                                      size_t numArguments,
                                      const SimplexirLaunchOptions *from) {
  return guarded([&]() -> Status {
    SimplexirLaunchOptions options;
    SimplexirExecutor executor;
    if (Status status = checkPointer(kernel, "kernel"); !status.ok())
      return status;
    if (Status status = checkOptions(from, options, executor); !status.ok())
      return status;
    return launch(*kernel, arguments, numArguments, options);
  });
}
