//===- SimplexWarpgroupOps.td - Asynchrony on tiles --------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a schedule needs to say where matrix units run beside the other units
// of a processor: products that are started and awaited, turns of the groups
// of warps that share the matrix unit, sums that stay spread over threads.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_WARPGROUP_OPS_TD
#define SIMPLEXIR_WARPGROUP_OPS_TD

include "simplexir/Dialect/Simplex/IR/SimplexAttributes.td"
include "simplexir/Dialect/Simplex/IR/SimplexTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Simplex_StartContractOp : Simplex_Op<"start_contract",
    [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Start the matrix product of a tile";
  let description = [{
    As `simplex.contract` (without an init, which `simplex.await` adds), but
    the result is in flight: only `simplex.await` may use it, in the same block.
    The lhs must not change until then. With `onto`, the product is added to a
    tile.

    ```mlir
    %flight = simplex.start_contract %c, %k transposed
        : !simplex.tile<64x128xbf16>, memref<2x128x64xbf16> -> !simplex.tile<64x128xf32>
    %s = simplex.await %flight : !simplex.tile<64x128xf32>
    ```
  }];
  let arguments = (ins Simplex_Matrix:$lhs, AnyMemRef:$rhs,
                       Optional<Simplex_Matrix>:$accumulator,
                       UnitAttr:$transposed,
                       DefaultValuedAttr<I64Attr, "0">:$skew);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`onto` $accumulator^ `:` type($accumulator))?
    (`transposed` $transposed^)? attr-dict
    `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Simplex_AwaitOp : Simplex_Op<"await",
    [MemoryEffects<[MemRead, MemWrite]>, AllTypesMatch<["flight", "result"]>]> {
  let summary = "Wait for products that were started";
  let description = [{
    The result of the product `flight`, which `simplex.start_contract` began,
    with `init[r]` added to row r. Every product that was started before is
    complete, too; the last `leaving` ones may go on.

    ```mlir
    %flight = simplex.start_contract %c, %k transposed
        : !simplex.tile<64x128xbf16>, memref<2x128x64xbf16> -> !simplex.tile<64x128xf32>
    %s = simplex.await %flight : !simplex.tile<64x128xf32>
    ```
  }];
  let arguments = (ins Simplex_Matrix:$flight, Optional<Simplex_Column>:$init,
                       DefaultValuedAttr<I64Attr, "0">:$leaving);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $flight (`init` $init^)? (`leaving` $leaving^)? attr-dict `:` type($flight) (`,` type($init)^)?
  }];
  let hasVerifier = 1;
}

def Simplex_TakeTurnOp : Simplex_Op<"take_turn",
    [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Wait until it is this group of warps' turn to multiply";
  let description = [{
    Two groups of four warps share a matrix unit in turns, so that one
    multiplies while the other computes a softmax. Each `simplex.take_turn` of
    a group needs one `simplex.pass_turn` of the other, or `simplex.open_turns`.

    ```mlir
    simplex.open_turns
    scf.for %j = %begin to %end step %c1 {
      simplex.take_turn
      %flight = simplex.start_contract %c, %k transposed : ...
      simplex.pass_turn
      %s = simplex.await %flight : !simplex.tile<64x128xf32>
    }
    simplex.close_turns
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Simplex_PassTurnOp : Simplex_Op<"pass_turn",
    [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Let the other group of warps multiply";
  let description = [{
    ```mlir
    simplex.open_turns
    scf.for %j = %begin to %end step %c1 {
      simplex.take_turn
      %flight = simplex.start_contract %c, %k transposed : ...
      simplex.pass_turn
      %s = simplex.await %flight : !simplex.tile<64x128xf32>
    }
    simplex.close_turns
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Simplex_OpenTurnsOp : Simplex_Op<"open_turns",
    [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Give the first turn to group 0";
  let description = [{
    ```mlir
    simplex.open_turns
    scf.for %j = %begin to %end step %c1 {
      simplex.take_turn
      %flight = simplex.start_contract %c, %k transposed : ...
      simplex.pass_turn
      %s = simplex.await %flight : !simplex.tile<64x128xf32>
    }
    simplex.close_turns
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Simplex_CloseTurnsOp : Simplex_Op<"close_turns",
    [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Take back the turn that is left when both groups are done";
  let description = [{
    ```mlir
    simplex.open_turns
    scf.for %j = %begin to %end step %c1 {
      simplex.take_turn
      %flight = simplex.start_contract %c, %k transposed : ...
      simplex.pass_turn
      %s = simplex.await %flight : !simplex.tile<64x128xf32>
    }
    simplex.close_turns
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Simplex_LoadRowOp : Simplex_Op<"load_row", [MemoryEffects<[MemRead]>]> {
  let summary = "Read a row of a buffer in shared memory";
  let description = [{
    All of it at once; with the attribute `simplex.read_late`, half of it when
    some of the other half has been folded, where the loop around it has few
    registers left (`--simplex-multiply-rows`). With `skew`, a tile of several
    rows has row r of the buffer's `row + skew * r`: each 64 rows of what they
    are multiplied with have their own.

    ```mlir
    func.func @row(%rows: memref<32x128xbf16, 3>, %j: index) -> !simplex.tile<1x128xbf16> {
      %k1 = simplex.load_row %rows[%j] : memref<32x128xbf16, 3> -> !simplex.tile<1x128xbf16>
      return %k1 : !simplex.tile<1x128xbf16>
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$buffer, Index:$row,
                       DefaultValuedAttr<I64Attr, "0">:$skew);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = "$buffer `[` $row `]` attr-dict `:` type($buffer) `->` type($result)";
  let hasVerifier = 1;
}

def Simplex_MultiplyRowsOp : Simplex_Op<"multiply_rows",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "The products of all pairs of rows";
  let description = [{
    product[i * extent + j, c] = (a[i, c] + biases[0]) * (b[j, c] + biases[1])
    for all rows i of `a` and the first `extent` rows j of `b`, rounded once, by
    the whole thread block together. Complete only after a barrier.

    ```mlir
    func.func @pairs(%a: memref<4x64xbf16, 3>, %b: memref<8x64xbf16, 3>, %n: index,
                     %product: memref<32x64xbf16, 3>) {
      simplex.multiply_rows %a, %b extent %n biases [0.0, 0.0] to %product
          : memref<4x64xbf16, 3>, memref<8x64xbf16, 3> to memref<32x64xbf16, 3>
      return
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$lhs, AnyMemRef:$rhs, Index:$extent,
                       DenseF64ArrayAttr:$biases, AnyMemRef:$product);
  let assemblyFormat = [{
    $lhs `,` $rhs `extent` $extent `biases` $biases `to` $product attr-dict
    `:` type($lhs) `,` type($rhs) `to` type($product)
  }];
  let hasVerifier = 1;
}

def Simplex_OutOfRangeOp : Simplex_Op<"out_of_range", [Pure]> {
  let summary = "Can the sum of some row of a thread not be trusted?";
  let description = [{
    True in a thread that has a row whose sum is below 2^-64, above 2^64, or no
    number. `simplex.vote` tells the others.

    With the accumulator of products whose probabilities were f16 a sum below
    2^-4 is wrong too (they have lost bits), and so is a row of it that is not
    finite. One probability of more than 65,504 makes all columns of its row so,
    for it counts as infinite, and infinity times 0 is no number.

    ```mlir
    func.func @check(%sum: !simplex.tile<64xf32>, %acc: !simplex.tile<64x128xf32>) -> i1 {
      %wrong = simplex.out_of_range %sum : !simplex.tile<64xf32>
      %again = simplex.out_of_range %sum finite %acc : !simplex.tile<64xf32>, !simplex.tile<64x128xf32>
      %either = arith.ori %wrong, %again : i1
      return %either : i1
    }
    ```
  }];
  let arguments = (ins Simplex_Column:$sum,
                       Optional<Simplex_Matrix>:$accumulator);
  let results = (outs I1:$result);
  let assemblyFormat = [{
    $sum (`finite` $accumulator^)? attr-dict `:` type($sum) (`,` type($accumulator)^)?
  }];
  let hasVerifier = 1;
}

def Simplex_VoteOp : Simplex_Op<"vote", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Does a condition hold for any thread of the block?";
  let description = [{
    All threads of the block wait for each other, and get the same answer. In a
    region of `simplex.specialize` it is among the warps of that role.

    ```mlir
    func.func @vote(%wrong: i1) -> i1 {
      %again = simplex.vote %wrong
      return %again : i1
    }
    ```
  }];
  let arguments = (ins I1:$condition);
  let results = (outs I1:$result);
  let assemblyFormat = "$condition attr-dict";
}

def Simplex_RowPartialOp : Simplex_Op<"row_partial",
    [Pure, AllTypesMatch<["running", "result"]>]> {
  let summary = "running + the part of a row sum that a thread can see";
  let description = [{
    As `simplex.row_sum` with factor 1, but the sum over the threads that share
    a row is left to `simplex.row_reduce`.

    ```mlir
    func.func @partial(%p: !simplex.tile<64x128xf32>, %l: !simplex.tile<64xf32>) -> !simplex.tile<64xf32> {
      %r = simplex.row_partial %p, %l : !simplex.tile<64x128xf32>, !simplex.tile<64xf32>
      return %r : !simplex.tile<64xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$tile, Simplex_Column:$running);
  let results = (outs Simplex_Column:$result);
  let assemblyFormat = "$tile `,` $running attr-dict `:` type($tile) `,` type($running)";
}

def Simplex_RowReduceOp : Simplex_Op<"row_reduce",
    [Pure, AllTypesMatch<["partial", "result"]>]> {
  let summary = "The sum of a column's parts over the threads that share a row";
  let description = [{
    ```mlir
    func.func @reduce(%l: !simplex.tile<64xf32>) -> !simplex.tile<64xf32> {
      %r = simplex.row_reduce %l : !simplex.tile<64xf32>
      return %r : !simplex.tile<64xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Column:$partial);
  let results = (outs Simplex_Column:$result);
  let assemblyFormat = "$partial attr-dict `:` type($partial)";
}

def Simplex_DropRowsOp : Simplex_Op<"drop_rows",
    [Pure, AllTypesMatch<["maximum", "result"]>]> {
  let summary = "A maximum for simplex.exp that leaves rows out";
  let description = [{
    +inf in the rows whose query may not use the outer keys (operands as in
    `simplex.mask`): `simplex.exp` gives 0 there, if the logits are finite. The
    maximum in the others. A condition on whole rows costs nothing
    for each logit.

    ```mlir
    func.func @drop(%s: !simplex.tile<16x32xf32>, %max: !simplex.tile<16xf32>, %i: index, %j1: index,
                    %begin: index, %end: index) -> !simplex.tile<16x32xf32> {
      %m = simplex.drop_rows %max rows(%i) outer(%j1) range(%begin, %end) windows [32] heads 4
           : !simplex.tile<16xf32>
      %p = simplex.exp %s, %m scale 0.18 : !simplex.tile<16x32xf32>, !simplex.tile<16xf32>
      return %p : !simplex.tile<16x32xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Column:$maximum, Index:$position,
                       Variadic<Index>:$outer, Index:$begin, Index:$end,
                       DenseI64ArrayAttr:$windows, UnitAttr:$bidirectional,
                       I64Attr:$heads, DefaultValuedAttr<I64Attr, "0">:$skew);
  let results = (outs Simplex_Column:$result);
  let assemblyFormat = [{
    $maximum `rows` `(` $position `)` `outer` `(` $outer `)` `range` `(` $begin `,` $end `)`
    `windows` $windows (`bidirectional` $bidirectional^)? `heads` $heads attr-dict
    `:` type($maximum)
  }];
  let hasVerifier = 1;
}

#endif // SIMPLEXIR_WARPGROUP_OPS_TD
