//===- Verify.cpp - Constraints of the operands ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Attention.h"

#include <cmath>

using namespace simplexir::reference;

static std::string print(const std::array<int64_t, 4> &shape) {
  std::string text = "[";
  for (int64_t extent : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

static std::string verifyShape(const std::string &name, const Tensor &tensor,
                               std::array<int64_t, 4> expected) {
  if (tensor.shape != expected)
    return name + " has shape " + print(tensor.shape) + ", expected " +
           print(expected);
  uint64_t count = 1;
  bool zero = false;
  for (int64_t extent : tensor.shape) {
    if (extent < 0 || extent >= (int64_t(1) << 31))
      return name + " has shape " + print(tensor.shape) +
             ", expected extents in [0, 2^31)";
    zero |= extent == 0;
  }
  // An extent is below 2^31, so a product that passes this test stays in range.
  for (int64_t extent : tensor.shape) {
    count = zero ? 0 : count * static_cast<uint64_t>(extent);
    if (count > (uint64_t(1) << 32) && count > tensor.data.size())
      break;
  }
  if (count != tensor.data.size())
    return name + " of shape " + print(tensor.shape) + " holds " +
           std::to_string(tensor.data.size()) + " elements";
  return {};
}

static std::string verifyBiases(const char *name,
                                const std::vector<double> &biases,
                                size_t count) {
  if (!biases.empty() && biases.size() != count)
    return std::string(name) + " has " + std::to_string(biases.size()) +
           " elements, expected " + std::to_string(count);
  for (double bias : biases)
    if (!std::isfinite(bias))
      return std::string(name) + " is not finite";
  return {};
}

std::string simplexir::reference::verify(const AttentionSpec &spec,
                                         const Tensor &query,
                                         const std::vector<Tensor> &keys,
                                         const std::vector<Tensor> &values) {
  const size_t count = keys.size();
  if (count < 1 || count > 4)
    return "expected 1 to 4 keys, found " + std::to_string(count);
  if (values.size() != count)
    return "expected as many values as keys, found " +
           std::to_string(values.size()) + " and " + std::to_string(count);
  const auto &[batches, queries, heads, dim] = query.shape;
  const int64_t keyCount = keys[0].shape[1], kvHeads = keys[0].shape[2],
                valueDim = values[0].shape[3];
  if (heads < 1 || dim < 1 || kvHeads < 1 || valueDim < 1)
    return "heads and head dims must be positive, found query " +
           print(query.shape) + ", key " + print(keys[0].shape) + ", value " +
           print(values[0].shape);
  if (heads % kvHeads != 0)
    return "the " + std::to_string(kvHeads) + " KV heads must divide the " +
           std::to_string(heads) + " query heads";
  if (std::string error =
          verifyShape("query", query, {batches, queries, heads, dim});
      !error.empty())
    return error;
  for (size_t t = 0; t < count; ++t) {
    const std::string number = std::to_string(t + 1);
    if (std::string error = verifyShape("key " + number, keys[t],
                                        {batches, keyCount, kvHeads, dim});
        !error.empty())
      return error;
    if (std::string error = verifyShape("value " + number, values[t],
                                        {batches, keyCount, kvHeads, valueDim});
        !error.empty())
      return error;
  }

  if (std::string error = spec.form.verify(static_cast<int>(count), dim);
      !error.empty())
    return error;
  if (spec.windows.size() != count)
    return "expected " + std::to_string(count) + " windows, found " +
           std::to_string(spec.windows.size());
  for (int64_t window : spec.windows)
    if (window < 0)
      return "windows must not be negative, found " + std::to_string(window);
  if (!std::isfinite(spec.scale))
    return "scale is not finite";
  if (std::string error = verifyBiases("key_biases", spec.keyBiases, count);
      !error.empty())
    return error;
  return verifyBiases("value_biases", spec.valueBiases, count);
}
