//===- TestArtifact.cpp - Artifacts for the tests -------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"

#include "gtest/gtest.h"

using namespace simplexir;
using namespace simplexir::test;

#define OBJECT(name)                                                           \
  extern "C" const char object_##name[];                                       \
  extern "C" const char object_##name##_end[];
OBJECT(good)
OBJECT(absolute)
OBJECT(symbol)
OBJECT(thread_local)
OBJECT(constructor)
OBJECT(common)
#undef OBJECT

std::string simplexir::test::objectBytes(Object which) {
  switch (which) {
  case Object::Good:
    return {object_good, object_good_end};
  case Object::Absolute:
    return {object_absolute, object_absolute_end};
  case Object::Symbol:
    return {object_symbol, object_symbol_end};
  case Object::ThreadLocal:
    return {object_thread_local, object_thread_local_end};
  case Object::Constructor:
    return {object_constructor, object_constructor_end};
  case Object::Common:
    return {object_common, object_common_end};
  }
  return {};
}

static Argument tensor(std::string name, DType dtype, std::vector<Extent> dims,
                       uint32_t alignment, bool isOutput) {
  Argument argument;
  argument.name = std::move(name);
  argument.dtype = dtype;
  argument.dims = std::move(dims);
  argument.alignment = alignment;
  argument.isOutput = isOutput;
  return argument;
}

Artifact simplexir::test::cpuArtifact(Object which) {
  Artifact artifact;
  artifact.images.push_back(
      {ImageKind::X86Object, "x86-64", 0, objectBytes(which)});

  Kernel scale;
  scale.name = "scale";
  scale.dimNames = {"rows", "cols"};
  std::vector<Extent> dims{Extent::dim(0), Extent::dim(1)};
  scale.arguments.push_back(tensor("input", DType::F32, dims, 4, false));
  scale.arguments.push_back(tensor("output", DType::F32, dims, 4, true));
  Argument power;
  power.kind = Argument::Kind::Index;
  power.name = "power";
  scale.arguments.push_back(power);
  KernelImage use;
  use.symbol = "scale";
  use.grid = {{Extent::dim(0), 4}};
  use.workspacePerThread = 1000; // columns up to 250
  scale.images = {use};
  artifact.kernels.push_back(scale);

  Kernel count;
  count.name = "count";
  count.dimNames = {"items"};
  count.arguments = {tensor("counts", DType::F64, {Extent::dim(0)}, 8, true)};
  use.symbol = "count";
  use.grid = {{Extent::dim(0), 1}};
  use.workspacePerThread = 0;
  count.images = {use};
  artifact.kernels.push_back(count);
  return artifact;
}

// One thread an element, 128 a block; the parameters are the ten words.
static const char twicePtx[] = R"(.version 7.0
.target sm_80
.address_size 64
.visible .entry twice(
  .param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3,
  .param .u64 p4, .param .u64 p5, .param .u64 p6, .param .u64 p7,
  .param .u64 p8, .param .u64 p9)
{
  .reg .pred %p;
  .reg .b32 %r<4>;
  .reg .b64 %d<8>;
  .reg .f32 %f<2>;
  mov.u32 %r0, %ctaid.x;
  mov.u32 %r1, %tid.x;
  mad.lo.u32 %r2, %r0, 128, %r1;
  cvt.u64.u32 %d0, %r2;
  ld.param.u64 %d1, [p3];
  setp.ge.u64 %p, %d0, %d1;
  @%p ret;
  ld.param.u64 %d2, [p1];
  ld.param.u64 %d3, [p6];
  cvta.to.global.u64 %d2, %d2;
  cvta.to.global.u64 %d3, %d3;
  shl.b64 %d4, %d0, 2;
  add.u64 %d5, %d2, %d4;
  add.u64 %d6, %d3, %d4;
  ld.global.f32 %f0, [%d5];
  add.f32 %f1, %f0, %f0;
  st.global.f32 [%d6], %f1;
  ret;
}
)";

Artifact simplexir::test::gpuArtifact() {
  Artifact artifact;
  artifact.images.push_back({ImageKind::PTX, "sm_80", 11000, twicePtx});
  Kernel twice;
  twice.name = "twice";
  twice.dimNames = {"n"};
  twice.arguments = {tensor("x", DType::F32, {Extent::dim(0)}, 16, false),
                     tensor("y", DType::F32, {Extent::dim(0)}, 16, true)};
  KernelImage use;
  use.symbol = "twice";
  use.grid = {{Extent::dim(0), 128}};
  use.blockSize = 128;
  twice.images = {use};
  artifact.kernels.push_back(twice);
  return artifact;
}

Artifact simplexir::test::mapArtifact() {
  Artifact artifact;
  artifact.images.push_back({ImageKind::PTX, "sm_80", 11000, "// no code"});
  Kernel mapped;
  mapped.name = "mapped";
  mapped.dimNames = {"b", "n"};
  std::vector<Extent> dims{Extent::dim(0), Extent::dim(1), Extent::constant(2),
                           Extent::constant(128)};
  mapped.arguments = {tensor("k", DType::BF16, dims, 2, false),
                      tensor("v", DType::BF16, dims, 2, false),
                      tensor("out", DType::F32, {Extent::dim(0)}, 4, true)};
  KernelImage use;
  use.symbol = "mapped";
  use.grid = {{Extent::dim(0), 1}};
  use.blockSize = 128;
  for (uint32_t argument : {0, 1})
    use.maps.push_back({argument, 64, 128, Swizzle::Bytes128});
  mapped.images = {use};
  artifact.kernels.push_back(mapped);
  return artifact;
}

ArtifactHandle simplexir::test::load(const Artifact &artifact) {
  std::string error;
  EXPECT_TRUE(validate(artifact, error)) << error;
  std::string bytes = serialize(artifact);
  SimplexirArtifact *loaded = nullptr;
  EXPECT_OK(simplexirArtifactLoadMemory(bytes.data(), bytes.size(), &loaded));
  return ArtifactHandle(loaded);
}

SimplexirKernel *simplexir::test::kernelOf(const ArtifactHandle &artifact,
                                           const char *name) {
  SimplexirKernel *kernel = nullptr;
  EXPECT_OK(simplexirArtifactGetKernel(artifact.get(), name, &kernel));
  return kernel;
}

Array::Array(std::vector<int64_t> shape) : shape(std::move(shape)) {
  int64_t size = 1;
  strides.resize(this->shape.size());
  for (size_t i = this->shape.size(); i-- > 0;) {
    strides[i] = size;
    size *= this->shape[i];
  }
  data.resize(static_cast<size_t>(size));
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<float>(i);
}

SimplexirArgument Array::argument() {
  SimplexirArgument argument = {};
  argument.structSize = sizeof(argument);
  argument.kind = SIMPLEXIR_TENSOR;
  argument.tensor.data = data.data();
  argument.tensor.shape = shape.data();
  argument.tensor.strides = strides.data();
  argument.tensor.rank = static_cast<int32_t>(shape.size());
  argument.tensor.dtype = SIMPLEXIR_F32;
  argument.tensor.deviceType = SIMPLEXIR_CPU;
  return argument;
}

SimplexirArgument simplexir::test::indexArgument(int64_t value) {
  SimplexirArgument argument = {};
  argument.structSize = sizeof(argument);
  argument.kind = SIMPLEXIR_INDEX;
  argument.index = value;
  return argument;
}

SimplexirLaunchOptions simplexir::test::cpuOptions() {
  SimplexirLaunchOptions options = {};
  options.structSize = sizeof(options);
  options.deviceType = SIMPLEXIR_CPU;
  return options;
}

SimplexirLaunchOptions simplexir::test::gpuOptions(void *stream,
                                                   int32_t device) {
  SimplexirLaunchOptions options = cpuOptions();
  options.deviceType = SIMPLEXIR_CUDA;
  options.deviceId = device;
  options.stream = stream;
  return options;
}
