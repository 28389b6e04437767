//===- Select.cpp - Which image fits a device -----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Select.h"

#include <tuple>

using namespace simplexir;

std::string simplexir::listImages(const Artifact &artifact,
                                  const Kernel &kernel) {
  std::string list;
  for (const KernelImage &use : kernel.images) {
    const Image &image = artifact.images[use.image];
    list += (list.empty() ? "" : ", ") + std::string(nameOf(image.kind)) + " " +
            image.chip;
  }
  return list;
}

unsigned simplexir::hostCpuLevel() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The features are those of the psABI that code for a level relies on; the
  // rest (CMPXCHG16B, LAHF, XSAVE) came with the same CPUs.
  bool v2 = __builtin_cpu_supports("sse3") && __builtin_cpu_supports("ssse3") &&
            __builtin_cpu_supports("sse4.1") &&
            __builtin_cpu_supports("sse4.2") &&
            __builtin_cpu_supports("popcnt");
  bool v3 = v2 && __builtin_cpu_supports("avx") &&
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
            __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("f16c") && __builtin_cpu_supports("lzcnt");
  bool v4 = v3 && __builtin_cpu_supports("avx512f") &&
            __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") &&
            __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
  bool bf16 = v4 && __builtin_cpu_supports("avx512bf16");
  return bf16 ? 5 : v4 ? 4 : v3 ? 3 : v2 ? 2 : 1;
#else
  return 0;
#endif
}

static std::string nameOfLevel(unsigned level) {
  return level == 0   ? "no x86-64 CPU"
         : level == 1 ? "x86-64"
         : level == 5 ? "x86-64-v4-bf16"
                      : format("x86-64-v%u", level);
}

Status simplexir::selectCpuImage(const Artifact &artifact, const Kernel &kernel,
                                 unsigned level, const KernelImage *&image) {
  image = nullptr;
  unsigned best = 0;
  for (const KernelImage &use : kernel.images) {
    const Image &candidate = artifact.images[use.image];
    unsigned needs = parseChip(candidate.chip).number;
    if (candidate.kind == ImageKind::X86Object && needs <= level &&
        needs > best) {
      best = needs;
      image = &use;
    }
  }
  if (image)
    return {};
  return {SIMPLEXIR_ERROR_NO_IMAGE,
          "kernel '" + kernel.name + "' has no code for this CPU (" +
              nameOfLevel(level) + "); found " + listImages(artifact, kernel) +
              "; compile with --chip=" + nameOfLevel(level ? level : 1)};
}

/// Whether code for `chip` runs on a GPU of `capability`.
static bool fits(ImageKind kind, const ChipName &chip, unsigned capability) {
  if (!chip.isGpu || chip.number > capability)
    return false;
  if (chip.suffix == 'a')
    return chip.number == capability;
  // Cubins run within their major version; PTX is compiled for any later GPU.
  if (kind == ImageKind::Cubin || chip.suffix == 'f')
    return chip.number / 10 == capability / 10;
  return true;
}

Status simplexir::selectGpuImage(const Artifact &artifact, const Kernel &kernel,
                                 unsigned capability, unsigned driver,
                                 const KernelImage *&image) {
  image = nullptr;
  std::tuple<bool, unsigned, int> best;
  unsigned driverNeeded = 0;
  for (const KernelImage &use : kernel.images) {
    const Image &candidate = artifact.images[use.image];
    ChipName chip = parseChip(candidate.chip);
    if (!fits(candidate.kind, chip, capability))
      continue;
    if (candidate.minDriver > driver) {
      if (driverNeeded == 0 || candidate.minDriver < driverNeeded)
        driverNeeded = candidate.minDriver;
      continue;
    }
    int specific = chip.suffix == 'a' ? 2 : chip.suffix == 'f' ? 1 : 0;
    std::tuple<bool, unsigned, int> score{candidate.kind == ImageKind::Cubin,
                                          chip.number, specific};
    if (!image || score > best) {
      best = score;
      image = &use;
    }
  }
  if (image)
    return {};
  std::string where = format("sm_%u", capability);
  if (driverNeeded != 0)
    return {SIMPLEXIR_ERROR_DRIVER_TOO_OLD,
            format("kernel '%s' on %s needs a driver for CUDA %u.%u or newer, "
                   "found one for CUDA %u.%u: update the NVIDIA driver",
                   kernel.name.c_str(), where.c_str(), driverNeeded / 1000,
                   driverNeeded % 1000 / 10, driver / 1000,
                   driver % 1000 / 10)};
  return {SIMPLEXIR_ERROR_NO_IMAGE,
          "kernel '" + kernel.name + "' has no code for this GPU (" + where +
              "); found " + listImages(artifact, kernel) +
              "; compile with --chip=" + where +
              (capability < 80 ? " (the oldest supported is sm_80)" : "")};
}
