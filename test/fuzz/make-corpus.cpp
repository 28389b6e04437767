//===- make-corpus.cpp - Inputs to start the fuzzer with ------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"
#include "TestArtifact.h"

#include <cstdio>
#include <fstream>

using namespace simplexir;
using namespace simplexir::test;

static bool write(const std::string &path, char kind,
                  const std::string &bytes) {
  std::ofstream file(path, std::ios::binary);
  file << kind << bytes;
  return static_cast<bool>(file.flush());
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 1;
  }
  std::string folder = std::string(argv[1]) + "/";
  Artifact fat = cpuArtifact();
  fat.images.push_back({ImageKind::Cubin, "sm_90a", 12000, "cubin"});
  KernelImage image;
  image.image = 1;
  image.symbol = "scale";
  image.blockSize = 384;
  image.sharedMemory = 1024;
  image.residentBlocks = 2;
  image.grid = {{Extent::dim(1), 128}, {Extent::constant(2), 1}};
  fat.kernels[0].images.push_back(image);
  Artifact small = fat;
  small.images[0].data = "object";
  bool ok = true;
  int number = 0;
  for (const Artifact &artifact :
       {cpuArtifact(), gpuArtifact(), mapArtifact(), fat, small}) {
    std::string name = folder + std::to_string(number++);
    ok &= write(name + "-file", 0, serialize(artifact));
    ok &= write(name + "-manifest", 1, encodeManifest(artifact));
    ok &= write(name + "-repaired", 3, serialize(artifact));
  }
  const std::string &old = versionOneBytes();
  std::string name = folder + std::to_string(number++);
  ok &= write(name + "-version1-file", 0, old);
  ok &= write(name + "-version1-repaired", 3, old);
  // Section 0: see the header of the file.
  ok &= write(name + "-version1-manifest", 4, old.substr(128, 0x15e));
  // One kernel image without maps: version 3 ends with their number.
  std::string two = encodeManifest(gpuArtifact());
  ok &= write(folder + std::to_string(number++) + "-version2-manifest", 5,
              two.substr(0, two.size() - 4));
  for (Object object :
       {Object::Good, Object::Absolute, Object::Symbol, Object::ThreadLocal,
        Object::Constructor, Object::Common})
    ok &= write(folder + std::to_string(number++) + "-object", 2,
                objectBytes(object));
  if (!ok)
    std::fprintf(stderr, "cannot write to '%s'\n", argv[1]);
  return ok ? 0 : 1;
}
