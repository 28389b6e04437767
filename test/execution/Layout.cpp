//===- Layout.cpp - How the arrays of a launch lie in memory -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <algorithm>

using namespace llvm;
using namespace simplexir;
using namespace simplexir::sweep;

Placement::Placement(ArrayRef<int64_t> extents, const Layout &layout)
    : shape(extents), strides(extents.size(), 1) {
  // [B, S, H, D], or lse's [B, H, S], which has no row of its own.
  bool isLse = extents.size() == 3;
  int64_t step = 1;
  for (size_t i = extents.size(); i-- > 0;) {
    strides[i] = step;
    step *= std::max<int64_t>(extents[i], 1);
    if (i + 1 == extents.size())
      step += layout.rowGap;
    else if (i == 2)
      step += layout.positionGap;
  }
  size = layout.offset + step;
  first = layout.offset;
  if (layout.backwards && !isLse && extents[1] > 0) {
    first += (extents[1] - 1) * strides[1];
    strides[1] = -strides[1];
  }
}

/// Calls `visit(element of the array, element of the buffer)`.
static void forEach(const Placement &placement,
                    function_ref<void(int64_t, int64_t)> visit) {
  int64_t count = 1;
  for (int64_t extent : placement.shape)
    count *= extent;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, at = placement.first;
    for (size_t d = placement.shape.size(); d-- > 0;) {
      at += rest % placement.shape[d] * placement.strides[d];
      rest /= placement.shape[d];
    }
    visit(i, at);
  }
}

std::vector<uint8_t> sweep::scatter(const run::Value &value,
                                    const Placement &placement) {
  size_t size = run::getElementSize(value.parameter.element);
  std::vector<uint8_t> bytes(placement.size * size, 0xff);
  forEach(placement, [&](int64_t from, int64_t to) {
    std::copy_n(value.bytes.data() + from * size, size,
                bytes.data() + to * size);
  });
  return bytes;
}

bool sweep::gather(ArrayRef<uint8_t> bytes, const Placement &placement,
                   run::Value &value) {
  size_t size = run::getElementSize(value.parameter.element);
  std::vector<uint8_t> gaps(bytes);
  int64_t count = 0;
  forEach(placement, [&](int64_t, int64_t) { ++count; });
  value.bytes.resize(count * size);
  forEach(placement, [&](int64_t to, int64_t from) {
    std::copy_n(bytes.data() + from * size, size,
                value.bytes.data() + to * size);
    std::fill_n(gaps.data() + from * size, size, 0xff);
  });
  return all_of(gaps, [](uint8_t byte) { return byte == 0xff; });
}

Layout sweep::chooseLayout(size_t index) {
  static const Layout layouts[kNumLayouts] = {
      {0, 0, 0, false}, {8, 8, 16, false}, {1, 0, 0, false}, {0, 1, 0, false},
      {0, 0, 3, false}, {0, 0, 0, true},   {4, 8, 0, true},  {3, 5, 7, true}};
  return layouts[index % kNumLayouts];
}
