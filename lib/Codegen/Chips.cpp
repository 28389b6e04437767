//===- Chips.cpp - Facts about the chips ----------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Chips.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Errc.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace simplexir;

// Sources: CUDA C++ programming guide 13.0, tables of compute capabilities and
// (exponentials) of arithmetic throughput; PTX ISA 9.0, release notes. sm_90a
// takes PTX 8.6 for `.shared::cta` as the destination of a bulk tensor copy.
//
// Tensor FLOPs: rates of the data sheets by multiprocessors and boost clock,
// dense, 16 bits with f32 accumulators. A100: 312 T = 108 * 1.41 G * 2048; A40:
// 149.7 T = 84 * 1.74 G * 1024; AGX Orin: 42.5 T = 16 * 1.3 G * 2048; RTX 6000
// Ada: 364 T = 142 * 2.505 G * 1024; H100 SXM: 989 T = 132 * 1.83 G * 4096; RTX
// PRO 6000 Blackwell: 504 T = 188 * 2.617 G * 1024. GeForce boards of sm_86,
// sm_89 and sm_120 have half. That of sm_90 is wgmma's: mma.sync has 0.629 of
// it (Luo et al., Dissecting the NVIDIA Hopper Architecture through
// Microbenchmarking, arXiv:2501.12084). Those of sm_100, sm_103 and sm_110 are
// tcgen05's, and what mma.sync has there is not published: A100's is assumed,
// as sm_120's is for sm_121. sm_103 has twice the exponentials of sm_100
// (NVIDIA, Making Softmax More Efficient with NVIDIA Blackwell Ultra).
static constexpr int64_t kib = 1024;
static constexpr GpuChip gpuChips[] = {
    // name, capability, PTX, shared per block and processor, threads, tensor
    // FLOPs of mma.sync and wgmma, exponentials, wgmma, tma
    {"sm_80", 80, 70, 163 * kib, 164 * kib, 2048, 2048, 0, 16, false, false},
    {"sm_86", 86, 71, 99 * kib, 100 * kib, 1536, 1024, 0, 16, false, false},
    {"sm_87", 87, 74, 163 * kib, 164 * kib, 1536, 2048, 0, 16, false, false},
    {"sm_89", 89, 78, 99 * kib, 100 * kib, 1536, 1024, 0, 16, false, false},
    {"sm_90", 90, 78, 227 * kib, 228 * kib, 2048, 2576, 0, 16, false, false},
    {"sm_90a", 90, 86, 227 * kib, 228 * kib, 2048, 2576, 4096, 16, true, true},
    {"sm_100", 100, 86, 227 * kib, 228 * kib, 2048, 2048, 0, 16, false, false},
    {"sm_100a", 100, 86, 227 * kib, 228 * kib, 2048, 2048, 0, 16, false, true},
    {"sm_103", 103, 88, 227 * kib, 228 * kib, 2048, 2048, 0, 32, false, false},
    {"sm_103a", 103, 88, 227 * kib, 228 * kib, 2048, 2048, 0, 32, false, true},
    {"sm_110", 110, 90, 227 * kib, 228 * kib, 1536, 2048, 0, 16, false, false},
    {"sm_110a", 110, 90, 227 * kib, 228 * kib, 1536, 2048, 0, 16, false, true},
    {"sm_120", 120, 87, 99 * kib, 100 * kib, 1536, 1024, 0, 16, false, false},
    {"sm_120a", 120, 87, 99 * kib, 100 * kib, 1536, 1024, 0, 16, false, true},
    {"sm_121", 121, 88, 99 * kib, 100 * kib, 1536, 1024, 0, 16, false, false},
    {"sm_121a", 121, 88, 99 * kib, 100 * kib, 1536, 1024, 0, 16, false, true},
};

static constexpr CpuChip cpuChips[] = {
    {"x86-64-v2", 128, false, false},
    {"x86-64-v3", 256, true, false},
    {"x86-64-v4", 512, true, false},
    {"x86-64-v4-bf16", 512, true, true},
};

ArrayRef<GpuChip> simplexir::getGpuChips() { return gpuChips; }
ArrayRef<CpuChip> simplexir::getCpuChips() { return cpuChips; }

std::string GpuChip::getFeatures() const {
  return "+ptx" + std::to_string(ptxVersion);
}

int GpuChip::getMinDriverForPtx() const {
  return simplexir::getMinDriverForPtx(ptxVersion);
}

int simplexir::getMinDriverForPtx(int ptxVersion) {
  // PTX 7.n came with CUDA 11.n up to 7.8, 8.n with 12.n up to 8.5; 12.6 has
  // 8.5 too, then one behind: 8.6 with 12.7, 8.7 with 12.8, 8.8 with 12.9.
  int major = ptxVersion / 10, minor = ptxVersion % 10;
  int cudaMinor = major == 8 && minor >= 6 ? minor + 1 : minor;
  return (major + 4) * 1000 + cudaMinor * 10;
}

int simplexir::getMinDriverForCubin(const GpuChip &chip, int release) {
  int sameMajor = release / 10 * 1000;
  // The PTX version of a plain chip is the one that introduced it.
  for (const GpuChip &plain : gpuChips)
    if (plain.capability == chip.capability && !plain.isExact())
      return std::max(sameMajor,
                      simplexir::getMinDriverForPtx(plain.ptxVersion));
  return sameMajor;
}

std::string simplexir::listKnownChips() {
  std::string list;
  for (const GpuChip &chip : gpuChips)
    list += std::string(chip.name) + ", ";
  for (const CpuChip &chip : cpuChips)
    list += std::string(chip.name) + ", ";
  return list + "native";
}

static Error unknownChip(StringRef name) {
  return createStringError(errc::invalid_argument,
                           "unknown chip '" + name +
                               "'; known chips: " + listKnownChips());
}

Expected<GpuChip> simplexir::lookupGpuChip(StringRef name) {
  for (const GpuChip &chip : gpuChips)
    if (name == chip.name)
      return chip;
  return unknownChip(name);
}

Expected<CpuChip> simplexir::lookupCpuChip(StringRef name) {
  for (const CpuChip &chip : cpuChips)
    if (name == chip.name)
      return chip;
  if (name != "native")
    return unknownChip(name);
  StringMap<bool> features = sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<StringRef> names) {
    return all_of(names, [&](StringRef f) { return features.lookup(f); });
  };
  if (has({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}))
    return cpuChips[features.lookup("avx512bf16") ? 3 : 2];
  if (has({"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}))
    return cpuChips[1];
  if (has({"sse4.2", "popcnt", "ssse3"}))
    return cpuChips[0];
  return createStringError(errc::not_supported,
                           "this machine's processor (%s) is below x86-64-v2",
                           sys::getHostCPUName().str().c_str());
}
