//===- SimplexInterfaces.td - Interfaces of the dialect ----*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_INTERFACES_TD
#define SIMPLEXIR_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Simplex_FormAttrInterface : AttrInterface<"FormAttrInterface"> {
  let cppNamespace = "::simplexir";
  let description = [{
    An n-linear form F(x0, x1, ..., xm) of a query x0 and m keys, as data:

        F = sum over chunks l, terms t, components c of
              coefficient[t] * prod over operands o of
                x_o[chunk * l + (c + rotation[t][o]) mod chunk]

    The `D mod chunk` dimensions left over (the tail) add their plain
    products. The last operand has rotation 0 in every term, so every form
    factors as <C(x0 .. x(m-1)), xm>: one matrix product a tile serves all.
    Everything that depends on the form (reference, combiner, biases, cost)
    derives from these methods: a new form is one attribute.
  }];
  let methods = [
    InterfaceMethod<"Components of a chunk that terms may mix.", "int64_t",
                    "getChunk">,
    InterfaceMethod<"The terms for `arity` operands (a query and its keys).",
                    "::llvm::SmallVector<::simplexir::FormTerm>", "getTerms",
                    (ins "int64_t":$arity)>,
    InterfaceMethod<[{
        The form of the permuted keys that has the same value, or null if
        there is none. `permutation[i]` is the old index of the new key i.
      }], "::mlir::Attribute", "permuteKeys",
      (ins "::llvm::ArrayRef<int64_t>":$permutation)>,
    InterfaceMethod<[{
        Fails, saying what was expected, where the form has no meaning at this
        arity (number of operands) or head dim.
      }], "::llvm::LogicalResult", "verifyForm",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError,
           "int64_t":$arity, "int64_t":$headDim)>,
  ];
}

#endif // SIMPLEXIR_INTERFACES_TD
