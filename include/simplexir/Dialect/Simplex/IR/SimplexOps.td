//===- SimplexOps.td - simplex.attention -------------------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_OPS_TD
#define SIMPLEXIR_OPS_TD

include "simplexir/Dialect/Simplex/IR/SimplexAttributes.td"
include "simplexir/Dialect/Simplex/IR/SimplexTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Simplex_Op<string mnemonic, list<Trait> traits = []>
    : Op<Simplex_Dialect, mnemonic, traits>;

def Simplex_AttentionOp : Simplex_Op<"attention", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "n-linear windowed attention";
  let description = [{
    Softmax attention of order n >= 2 over m = n - 1 keys (Clift et al. 2019,
    arXiv 1909.00668; Roy et al. 2025, arXiv 2507.02754):

        logit[b,h,i; j1..jm] = scale * F(q[b,i,h,:], k1[b,j1,g,:], ..., km[b,jm,g,:])
        p = softmax over all allowed tuples (j1..jm) of one (b,h,i) together
        out[b,i,h,:] = sum over tuples of p * (v1[b,j1,g,:] * ... * vm[b,jm,g,:])
        lse[b,h,i]   = ln(sum over tuples of exp(logit)),        g = h / (H / Hk)

    Query i stands at q0 + i and key j at k0 + j (`positions`; by default k0 =
    0 and the queries are the last ones). Keys exist in [lo, hi) (`key_range`).
    A key at p is allowed for a query at P if P - w < p <= P, or |P - p| < w
    where `bidirectional`; w = 0 is unlimited. A row with no allowed tuple
    gives out 0 and lse -inf.

    On tensors the operation has upstream's tiling interface over (batch, key
    head, query): a tile is the operation with positions.

    Constraints (the verifier and its tests use these labels):

    - C1: 1 to 4 keys and as many values (n = 2 to 5).
    - C2: query, keys, values have rank 4: [batch, sequence, heads, dim].
    - C3: one element type: bf16, f16, f32 or f64.
    - C4: batch extents agree.  C5: keys and values have one length Sk.
      (Static ones here, dynamic ones when the program runs.)
    - C6: keys and values have one head count Hk, and it divides H.
    - C7: keys have the query's head dim D.  C8: values have one head dim Dv.
    - C9: heads and head dims are static and positive.
    - C10: one window a key, none negative.
    - C11: scale is finite.  C12: biases are finite, one a key (value).
    - C13: the form accepts this arity and head dim.
    - C14: results are out [B, Sq, H, Dv] and lse [B, H, Sq] (f32; f64 for f64).
    - C15: every extent is below 2^31.
    - C16: all operands are tensors, or all are memrefs (then results become
      the `outs` operands) with a contiguous innermost dimension.

    ```mlir
    func.func @trilinear(%q: tensor<1x?x64x128xbf16>, %k1: tensor<1x?x1x128xbf16>,
                         %k2: tensor<1x?x1x128xbf16>, %v1: tensor<1x?x1x128xbf16>,
                         %v2: tensor<1x?x1x128xbf16>)
        -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>) {
      %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
          form multilinear windows [512, 32]
          : (tensor<1x?x64x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>,
             tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
          -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>)
      return %out, %lse : tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>
    }
    ```
  }];
  let arguments = (ins
    AnyType:$query, Variadic<AnyType>:$keys, Variadic<AnyType>:$values,
    Optional<Index>:$query_position, Optional<Index>:$key_position,
    Optional<Index>:$range_begin, Optional<Index>:$range_end,
    Variadic<AnyType>:$outputs,
    Simplex_FormAttrInterface:$form, DenseI64ArrayAttr:$windows,
    UnitAttr:$bidirectional, OptionalAttr<F64Attr>:$scale,
    OptionalAttr<DenseF64ArrayAttr>:$key_biases,
    OptionalAttr<DenseF64ArrayAttr>:$value_biases,
    OptionalAttr<Simplex_ScheduleAttr>:$schedule);
  let results = (outs Variadic<AnyType>:$results);
  let hasCustomAssemblyFormat = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::ShapedType getQueryType() {
      return ::llvm::cast<::mlir::ShapedType>(getQuery().getType());
    }
    ::mlir::ShapedType getKeyType() {
      return ::llvm::cast<::mlir::ShapedType>(getKeys().front().getType());
    }
    ::mlir::ShapedType getValueType() {
      return ::llvm::cast<::mlir::ShapedType>(getValues().front().getType());
    }
    /// Operands of the form: the query and its keys.
    int64_t getArity() { return getKeys().size() + 1; }
    int64_t getHeadDim() { return getQueryType().getDimSize(3); }
    int64_t getValueDim() { return getValueType().getDimSize(3); }
    int64_t getHeads() { return getQueryType().getDimSize(2); }
    int64_t getKeyHeads() { return getKeyType().getDimSize(2); }
    /// Query heads that share one key head.
    int64_t getGroupSize() { return getHeads() / getKeyHeads(); }
    ::mlir::Type getElementType() { return getQueryType().getElementType(); }
    /// The type of softmax, accumulation and lse: f32, or f64 for f64.
    ::mlir::Type getAccumulatorType();
    /// The type that logits are computed in, and then rounded to the
    /// accumulator's: the terms of a form that subtracts may be far larger than
    /// their sum, so those of f32 numbers are added in f64.
    ::mlir::Type getLogitType();
    /// The scale, or its default 1/sqrt(D).
    double getEffectiveScale();
    double getKeyBias(int64_t key);
    double getValueBias(int64_t value);
    bool isOnBuffers() { return ::llvm::isa<::mlir::BaseMemRefType>(getQuery().getType()); }
    /// The types that out and lse have by the operands' types.
    ::llvm::SmallVector<::mlir::Type, 2> inferResultTypes();
  }];
}

include "simplexir/Dialect/Simplex/IR/SimplexChannelOps.td"
include "simplexir/Dialect/Simplex/IR/SimplexTileOps.td"
include "simplexir/Dialect/Simplex/IR/SimplexSoftmaxOps.td"
include "simplexir/Dialect/Simplex/IR/SimplexWarpgroupOps.td"

#endif // SIMPLEXIR_OPS_TD
