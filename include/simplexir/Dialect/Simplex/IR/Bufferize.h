//===- Bufferize.h - simplex.attention on buffers ---------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_DIALECT_SIMPLEX_IR_BUFFERIZE_H
#define SIMPLEXIR_DIALECT_SIMPLEX_IR_BUFFERIZE_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace simplexir {
/// Lets upstream's one-shot bufferization turn the results of
/// simplex.attention into `outs` buffers.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);
} // namespace simplexir

#endif // SIMPLEXIR_DIALECT_SIMPLEX_IR_BUFFERIZE_H
