//===- Entry.cpp - The function that a tool runs --------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entry.h"

#include "Execution.h"

#include "simplexir/Codegen/Chips.h"

using namespace llvm;
using namespace simplexir;
using namespace simplexir::run;

Expected<mlir::func::FuncOp> run::findEntry(mlir::ModuleOp module,
                                            StringRef file, StringRef name) {
  SmallVector<mlir::func::FuncOp> functions;
  std::string names;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (function.isExternal() || !function.isPublic())
      continue;
    if (function.getName() == name)
      return function;
    functions.push_back(function);
    names += (names.empty() ? "" : ", ") + function.getName().str();
  }
  if (functions.empty())
    return createStringError("'" + file +
                             "' has no public function with a body");
  if (!name.empty())
    return createStringError("'" + file + "' has no public function '" + name +
                             "'; it has " + names);
  if (functions.size() > 1)
    return createStringError("'" + file + "' has several functions (" + names +
                             "): choose one with --entry=NAME");
  return functions[0];
}

Expected<Signature> run::getSignature(mlir::func::FuncOp function) {
  Signature signature;
  for (auto [i, type] : enumerate(function.getArgumentTypes())) {
    auto parameter = getParameter(type, "argument " + std::to_string(i + 1));
    if (!parameter)
      return parameter.takeError();
    signature.parameters.push_back(std::move(*parameter));
  }
  for (auto [i, type] : enumerate(function.getResultTypes())) {
    std::string what = "result " + std::to_string(i + 1);
    auto result = getParameter(type, what);
    if (!result)
      return result.takeError();
    if (result->isIndex)
      return createStringError(what +
                               " is an index; only tensors can be returned");
    signature.results.push_back(std::move(*result));
  }
  return signature;
}

Expected<std::string> run::chooseChip(StringRef name, bool gpu, int device) {
  if (name.empty())
    return findChip(gpu, device);
  if (isGpuChipName(name) != gpu)
    return createStringError("--chip=" + name + " is no " +
                             (gpu ? "GPU" : "CPU") + ", but --target is " +
                             (gpu ? "gpu" : "cpu"));
  if (gpu) {
    if (Expected<GpuChip> chip = lookupGpuChip(name); !chip)
      return chip.takeError();
  } else if (Expected<CpuChip> chip = lookupCpuChip(name); !chip) {
    return chip.takeError();
  }
  return name.str();
}
