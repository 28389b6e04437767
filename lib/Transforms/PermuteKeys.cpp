//===- PermuteKeys.cpp - The order of an attention's keys -----------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Transforms/PermuteKeys.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace simplexir;

LogicalResult simplexir::permuteKeys(AttentionOp op, ArrayRef<int64_t> order) {
  auto form =
      dyn_cast_or_null<FormAttrInterface>(op.getForm().permuteKeys(order));
  if (!form)
    return failure();
  auto permute = [&](auto list) {
    SmallVector<std::decay_t<decltype(list[0])>> result;
    for (int64_t from : order)
      result.push_back(list[from]);
    return result;
  };
  Builder builder(op.getContext());
  SmallVector<Value> keys(op.getKeys()), values(op.getValues());
  op.setFormAttr(form);
  op.setWindows(permute(SmallVector<int64_t>(op.getWindows())));
  op.getKeysMutable().assign(permute(keys));
  op.getValuesMutable().assign(permute(values));
  if (auto biases = op.getKeyBiases())
    op.setKeyBiasesAttr(
        builder.getDenseF64ArrayAttr(permute(SmallVector<double>(*biases))));
  if (auto biases = op.getValueBiases())
    op.setValueBiasesAttr(
        builder.getDenseF64ArrayAttr(permute(SmallVector<double>(*biases))));
  return success();
}
