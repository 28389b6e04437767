//===- Oracle.h - A second, naive attention ---------------------*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_REFERENCE_ORACLE_H
#define SIMPLEXIR_REFERENCE_ORACLE_H

#include "simplexir/Reference/Attention.h"

namespace simplexir::reference {

/// The forms the oracle knows by name, each by its textbook formula.
enum class OracleForm { Multilinear, Determinant };

/// The definition of the operation, tuple by tuple: no combiner, no key ranges,
/// no FormSpec. It shares no code with attention(), so that the two check each
/// other; `spec.form` is not looked at. Operands must pass verify().
void oracle(OracleForm form, const AttentionSpec &spec, const Tensor &query,
            const std::vector<Tensor> &keys, const std::vector<Tensor> &values,
            Tensor &out, std::vector<double> &lse);

} // namespace simplexir::reference

#endif // SIMPLEXIR_REFERENCE_ORACLE_H
