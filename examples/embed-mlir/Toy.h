//===- Toy.h - A dialect of one operation ---------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TOY_H
#define TOY_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/PatternMatch.h"

namespace toy {

class ToyDialect : public mlir::Dialect {
public:
  explicit ToyDialect(mlir::MLIRContext *context);
  static llvm::StringRef getDialectNamespace() { return "toy"; }
};

/// `toy.attend`(query, keys..., values...) {look_back}: each query attends to
/// pairs, triples, ... of the tokens before it.
class AttendOp
    : public mlir::Op<AttendOp, mlir::OpTrait::VariadicOperands,
                      mlir::OpTrait::OneResult, mlir::OpTrait::ZeroRegions,
                      mlir::OpTrait::ZeroSuccessors> {
public:
  using Op::Op;
  static llvm::StringRef getOperationName() { return "toy.attend"; }
  static llvm::ArrayRef<llvm::StringRef> getAttributeNames() { return {}; }

  /// How many tokens back each key may be; as many keys as entries.
  llvm::ArrayRef<int64_t> getLookBack();
  llvm::LogicalResult verify();
};

/// toy.attend becomes simplex.attention.
void populateAttendToSimplex(mlir::RewritePatternSet &patterns);

} // namespace toy

#endif // TOY_H
