//===- SimplexSoftmaxOps.td - The softmax of tiles ---------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A softmax state is a row maximum, a row sum and an accumulator, in base 2:
// the probability of a logit S is exp2(scale * S - max), log2(e) being part of
// the scale. SimplexTileOps.td shows where these operations stand.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_SOFTMAX_OPS_TD
#define SIMPLEXIR_SOFTMAX_OPS_TD

include "simplexir/Dialect/Simplex/IR/SimplexTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Simplex_MaskOp : Simplex_Op<"mask", [Pure, AllTypesMatch<["logits", "result"]>]> {
  let summary = "Set logits outside the windows to -inf";
  let description = [{
    Row r belongs to the query at position `position + r div heads`, column c
    to the last key at `column + c`; the outer keys' positions are given. All
    positions are relative to key 0. A logit stays if every key is within its
    window of the query (`windows`, the last for the columns; 0 is unlimited)
    and the last key is in [begin, end); outer keys are in range and in some row's window.
    With `skew`, columns and outer keys of row r are `skew * (r div 64)` keys
    further on than said, and an outer key may be out of [begin, end).

    ```mlir
    func.func @mask(%s: !simplex.tile<16x32xf32>, %i: index, %j1: index, %j: index,
                    %begin: index, %end: index) -> !simplex.tile<16x32xf32> {
      %m = simplex.mask %s rows(%i) columns(%j) outer(%j1) range(%begin, %end)
           windows [32, 512] heads 4 : !simplex.tile<16x32xf32>
      return %m : !simplex.tile<16x32xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$logits, Index:$position, Index:$column,
                       Variadic<Index>:$outer, Index:$begin, Index:$end,
                       DenseI64ArrayAttr:$windows, UnitAttr:$bidirectional,
                       I64Attr:$heads,
                       DefaultValuedAttr<I64Attr, "0">:$skew);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $logits `rows` `(` $position `)` `columns` `(` $column `)`
    (`outer` `(` $outer^ `)`)? `range` `(` $begin `,` $end `)` `windows` $windows
    (`bidirectional` $bidirectional^)? `heads` $heads attr-dict `:` type($logits)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$logits, "::mlir::Value":$position,
      "::mlir::Value":$column, "::mlir::ValueRange":$outer, "::mlir::Value":$begin,
      "::mlir::Value":$end, "::llvm::ArrayRef<int64_t>":$windows,
      "bool":$bidirectional, "int64_t":$heads,
      CArg<"int64_t", "0">:$skew)>];
  let hasVerifier = 1;
}

def Simplex_RowMaxOp : Simplex_Op<"row_max", [Pure, AllTypesMatch<["running", "result"]>]> {
  let summary = "max(running, scale * multiplier * row maximum of the logits)";
  let description = [{
    `scale` is positive and holds log2(e): maxima are in base 2.

    ```mlir
    func.func @max(%s: !simplex.tile<16x32xf32>, %old: !simplex.tile<16xf32>) -> !simplex.tile<16xf32> {
      %new = simplex.row_max %s, %old scale 0.18 : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
      return %new : !simplex.tile<16xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$logits, Simplex_Column:$running,
                       Optional<F32>:$multiplier, F64Attr:$scale);
  let results = (outs Simplex_Column:$result);
  let assemblyFormat = [{
    $logits `,` $running `scale` $scale (`times` $multiplier^)? attr-dict
    `:` type($logits) `,` type($running)
  }];
  let hasVerifier = 1;
}

def Simplex_ExpOp : Simplex_Op<"exp", [Pure, AllTypesMatch<["logits", "result"]>]> {
  let summary = "exp2(scale * multiplier * logits - maximum), 0 where a logit is -inf";
  let description = [{
    Also 0 in rows whose maximum is -inf: they have no allowed tuple yet.

    ```mlir
    func.func @exp(%s: !simplex.tile<16x32xf32>, %max: !simplex.tile<16xf32>) -> !simplex.tile<16x32xf32> {
      %p = simplex.exp %s, %max scale 0.18 : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
      return %p : !simplex.tile<16x32xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$logits, Simplex_Column:$maximum,
                       Optional<F32>:$multiplier, F64Attr:$scale);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $logits `,` $maximum `scale` $scale (`times` $multiplier^)? attr-dict
    `:` type($logits) `,` type($maximum)
  }];
  let hasVerifier = 1;
}

def Simplex_RowSumOp : Simplex_Op<"row_sum", [Pure, AllTypesMatch<["running", "result"]>]> {
  let summary = "running + factor * row sum of the tile";
  let description = [{
    The sum of probabilities, and with a factor a bias as a row constant.

    ```mlir
    func.func @sum(%p: !simplex.tile<16x32xf32>, %old: !simplex.tile<16xf32>) -> !simplex.tile<16xf32> {
      %new = simplex.row_sum %p, %old : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
      return %new : !simplex.tile<16xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$tile, Simplex_Column:$running,
                       DefaultValuedAttr<F64Attr, "1.0">:$factor);
  let results = (outs Simplex_Column:$result);
  let assemblyFormat = [{
    $tile `,` $running attr-dict `:` type($tile) `,` type($running)
  }];
  let hasVerifier = 1;
}

def Simplex_RescaleOp : Simplex_Op<"rescale", [Pure, AllTypesMatch<["tile", "result"]>,
                                        AllTypesMatch<["from", "to"]>]> {
  let summary = "tile * exp2(from - to), row by row";
  let description = [{
    Moves a sum of exponentials from one reference maximum to a larger one.
    Rows whose `from` is -inf hold only zeros and stay so.

    ```mlir
    func.func @rescale(%acc: !simplex.tile<16x64xf32>, %old: !simplex.tile<16xf32>,
                       %new: !simplex.tile<16xf32>) -> !simplex.tile<16x64xf32> {
      %moved = simplex.rescale %acc from %old to %new : !simplex.tile<16x64xf32>, !simplex.tile<16xf32>
      return %moved : !simplex.tile<16x64xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_TileType:$tile, Simplex_Column:$from, Simplex_Column:$to);
  let results = (outs Simplex_TileType:$result);
  let assemblyFormat = "$tile `from` $from `to` $to attr-dict `:` type($tile) `,` type($from)";
  let hasVerifier = 1;
}

def Simplex_SplitOp : Simplex_Op<"split", [
    SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects]> {
  let summary = "Independent softmax states over a share each, merged";
  let description = [{
    Runs the body for every split index in [0, count) and merges the yielded
    states (max, sum, accumulator) in the order of the index:

        m = max(m1, m2); l = l1 2^(m1-m) + l2 2^(m2-m); acc likewise

    On a GPU the splits are warps of one block, on the CPU a loop.

    ```mlir
    func.func @split(%max: !simplex.tile<4xf32>, %sum: !simplex.tile<4xf32>, %acc: !simplex.tile<4x8xf32>) {
      %m, %l, %a = simplex.split 2 : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32> {
      ^bb0(%index: index):
        // The keys of share %index.
        simplex.yield %max, %sum, %acc : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32>
      }
      return
    }
    ```
  }];
  let arguments = (ins I64Attr:$count);
  let results = (outs Simplex_Column:$maximum, Simplex_Column:$sum,
                      Simplex_Matrix:$accumulator);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $count attr-dict `:` type($maximum) `,` type($sum) `,` type($accumulator) $body
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "int64_t":$count, "::mlir::TypeRange":$types)>];
  let hasRegionVerifier = 1;
  let hasVerifier = 1;
}

def Simplex_YieldOp : Simplex_Op<"yield", [Pure, Terminator, ReturnLike,
                                           HasParent<"SplitOp">]> {
  let summary = "Ends the body of simplex.split";
  let description = [{
    Yields the state of one split.

    ```mlir
    simplex.yield %max, %sum, %acc
        : !simplex.tile<4xf32>, !simplex.tile<4xf32>, !simplex.tile<4x8xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def Simplex_MergeOp : Simplex_Op<"merge", [
    AllTypesMatch<["maximum", "sum", "mergedMaximum", "mergedSum"]>,
    AllTypesMatch<["accumulator", "mergedAccumulator"]>]> {
  let summary = "Merge the softmax states of a block's splits";
  let description = [{
    What `simplex.split` does at its end, where the splits are warps that hold
    a state each: the warps of split 0 get the merged one.

    ```mlir
    func.func @merge(%max: !simplex.tile<4xf32>, %sum: !simplex.tile<4xf32>, %acc: !simplex.tile<4x8xf32>) {
      %m, %l, %a = simplex.merge %max, %sum, %acc : !simplex.tile<4xf32>, !simplex.tile<4x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Column:$maximum, Simplex_Column:$sum,
                       Simplex_Matrix:$accumulator);
  let results = (outs Simplex_Column:$mergedMaximum, Simplex_Column:$mergedSum,
                      Simplex_Matrix:$mergedAccumulator);
  let assemblyFormat = [{
    $maximum `,` $sum `,` $accumulator attr-dict `:` type($maximum) `,` type($accumulator)
  }];
}

def Simplex_FinalizeOp : Simplex_Op<"finalize", [Pure,
    AllTypesMatch<["maximum", "sum"]>]> {
  let summary = "out = accumulator / sum; lse = ln 2 * (maximum + log2 sum)";
  let description = [{
    A row whose sum is 0 had no allowed tuple: out 0 and lse -inf.

    ```mlir
    func.func @finalize(%max: !simplex.tile<4xf32>, %sum: !simplex.tile<4xf32>,
                        %acc: !simplex.tile<4x8xf32>) -> (!simplex.tile<4x8xbf16>, !simplex.tile<4xf32>) {
      %out, %lse = simplex.finalize %max, %sum, %acc
          : !simplex.tile<4xf32>, !simplex.tile<4x8xf32> -> !simplex.tile<4x8xbf16>, !simplex.tile<4xf32>
      return %out, %lse : !simplex.tile<4x8xbf16>, !simplex.tile<4xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Column:$maximum, Simplex_Column:$sum,
                       Simplex_Matrix:$accumulator);
  let results = (outs Simplex_Matrix:$out, Simplex_Column:$lse);
  let assemblyFormat = [{
    $maximum `,` $sum `,` $accumulator attr-dict
    `:` type($maximum) `,` type($accumulator) `->` type($out) `,` type($lse)
  }];
  let hasVerifier = 1;
}

#endif // SIMPLEXIR_SOFTMAX_OPS_TD
