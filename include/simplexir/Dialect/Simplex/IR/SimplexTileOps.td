//===- SimplexTileOps.td - Tiles in memory and in products ---*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One attention tile, as `--simplex-tile-attention` writes it, reads
//
//   Q = load;  for last-key tiles { K, V = load; for outer keys j {
//     C = combine(Q, k_j); S = contract(C, K); mask; softmax step;
//     acc = fold(acc, contract(P, V), v_j) } };  finalize; store
//
// Logits are kept in base 2: exp2(scale * S - max) with scale * log2(e) folded.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TILE_OPS_TD
#define SIMPLEXIR_TILE_OPS_TD

include "simplexir/Dialect/Simplex/IR/SimplexAttributes.td"
include "simplexir/Dialect/Simplex/IR/SimplexTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

def Simplex_WorkItemOp : Simplex_Op<"work_item", [Pure]> {
  let summary = "Which tile of the grid this invocation computes";
  let description = [{
    The linear index of the work item, in [0, grid). The grid function of the
    CPU loops over it; on a GPU it is the block index, or what a block loops over
    (`--simplex-loop-work-items`).

    ```mlir
    func.func private @kernel() attributes {simplex.kernel} {
      %item = simplex.work_item
      return
    }
    ```
  }];
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Simplex_LaunchOp : Simplex_Op<"launch", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run every work item of a kernel";
  let description = [{
    Calls the kernel function (a `func.func` with the attribute
    `simplex.kernel`) for its whole grid. Lowered to a call of the runtime's
    launch function, which checks the operands against the signature first.

    ```mlir
    func.func private @kernel(memref<?x?x4x16xf32>, index) attributes {simplex.kernel}
    func.func @host(%m: memref<?x?x4x16xf32>, %position: index) {
      simplex.launch @kernel(%m, %position) : memref<?x?x4x16xf32>, index
      return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$operands);
  let assemblyFormat = "$kernel `(` $operands `)` attr-dict (`:` type($operands)^)?";
}

def Simplex_FillOp : Simplex_Op<"fill", [Pure]> {
  let summary = "A tile of one value";
  let description = [{
    The initial states of softmax: a maximum of -inf, a sum and an accumulator
    of 0.

    ```mlir
    func.func @fill() -> !simplex.tile<8xf32> {
      %max = simplex.fill 0xFFF0000000000000 : !simplex.tile<8xf32> // -inf
      return %max : !simplex.tile<8xf32>
    }
    ```
  }];
  let arguments = (ins F64Attr:$value);
  let results = (outs Simplex_TileType:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}

def Simplex_LoadOp : Simplex_Op<"load",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Read rows of an operand into a tile";
  let description = [{
    Row r is source[batch, sequence + r div heads, head + r mod heads, :] (the
    first `columns` of it, zero beyond the source's dim). A row whose sequence
    index is outside [begin, end), or whose head index is at or beyond
    `head_end`, reads as zero and is not touched in memory. The element type
    may widen. With a `layout`, the columns come in its order. With `skew`, row
    r of a single head is that at `sequence + skew * r`.

    ```mlir
    func.func @load(%query: memref<1x?x8x64xbf16>, %b: index, %i: index, %h: index,
                    %begin: index, %end: index, %head_end: index) -> !simplex.tile<16x64xbf16> {
      %q = simplex.load %query[%b, %i, %h] valid(%begin, %end, %head_end) heads 4
           : memref<1x?x8x64xbf16> -> !simplex.tile<16x64xbf16>
      return %q : !simplex.tile<16x64xbf16>
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$batch, Index:$sequence,
                       Index:$head, Index:$begin, Index:$end, Index:$head_end,
                       I64Attr:$heads,
                       OptionalAttr<Simplex_ChunkedAttr>:$layout,
                       DefaultValuedAttr<I64Attr, "0">:$skew);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $source `[` $batch `,` $sequence `,` $head `]`
    `valid` `(` $begin `,` $end `,` $head_end `)` `heads` $heads
    attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Simplex_StoreOp : Simplex_Op<"store",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Write the valid rows of a tile";
  let description = [{
    The reverse of `simplex.load`; rows that are not valid are left alone. A
    rank-1 tile is written to a rank-3 destination [batch, head, sequence].

    ```mlir
    func.func @store(%tile: !simplex.tile<16xf32>, %lse: memref<1x8x?xf32>, %b: index, %i: index,
                     %h: index, %begin: index, %end: index, %head_end: index) {
      simplex.store %tile, %lse[%b, %i, %h] valid(%begin, %end, %head_end) heads 4
          : !simplex.tile<16xf32>, memref<1x8x?xf32>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_TileType:$tile, AnyMemRef:$destination,
                       Index:$batch, Index:$sequence, Index:$head,
                       Index:$begin, Index:$end, Index:$head_end,
                       I64Attr:$heads);
  let assemblyFormat = [{
    $tile `,` $destination `[` $batch `,` $sequence `,` $head `]`
    `valid` `(` $begin `,` $end `,` $head_end `)` `heads` $heads
    attr-dict `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

def Simplex_CopyOp : Simplex_Op<"copy",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Start an asynchronous copy of rows to shared memory";
  let description = [{
    The rows that `simplex.load` would read, written to a rank-2 destination in
    shared memory by the whole thread block together. Complete only after
    `simplex.copy_wait` in every thread and a barrier.

    A destination of rank 3 holds boxes of 128-byte rows for warpgroup products,
    [columns / n, row, n]: of row r, the 16 bytes at place c of a box lie at
    place c xor (r mod 8).

    ```mlir
    func.func @copy(%key: memref<1x?x8x64xbf16>, %b: index, %j: index, %g: index, %begin: index,
                    %end: index, %head_end: index, %stage: memref<32x64xbf16, 3>) {
      simplex.copy %key[%b, %j, %g] valid(%begin, %end, %head_end) heads 1 to %stage
          : memref<1x?x8x64xbf16> to memref<32x64xbf16, 3>
      simplex.copy_wait
      return
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$batch, Index:$sequence,
                       Index:$head, Index:$begin, Index:$end, Index:$head_end,
                       AnyMemRef:$destination, I64Attr:$heads);
  let assemblyFormat = [{
    $source `[` $batch `,` $sequence `,` $head `]`
    `valid` `(` $begin `,` $end `,` $head_end `)` `heads` $heads
    `to` $destination attr-dict `:` type($source) `to` type($destination)
  }];
  let hasVerifier = 1;
}

def Simplex_ArrangeOp : Simplex_Op<"arrange",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Bring the columns of rows in shared memory into another order";
  let description = [{
    In place, by the whole thread block together: before, a row holds head
    dims in their order and zeros beyond them, afterwards the columns of
    `layout`. Rows and their boxes begin at multiples of 16 bytes. Complete only
    after a barrier.

    ```mlir
    func.func @arrange(%tile: memref<64x96xbf16, strided<[104, 1]>, #gpu.address_space<workgroup>>) {
      simplex.arrange #simplex.chunked<chunk = 3, head_dim = 96, rotations = [1, 2]> %tile
          : memref<64x96xbf16, strided<[104, 1]>, #gpu.address_space<workgroup>>
      return
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$buffer, Simplex_ChunkedAttr:$layout);
  // The attribute first: `%tile #simplex` would be a result number.
  let assemblyFormat = "$layout $buffer attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Simplex_CopyWaitOp : Simplex_Op<"copy_wait"> {
  let summary = "Wait for this thread's copies, then for the whole block";
  let description = [{
    After it, what `simplex.copy` began in any thread of the block can be
    read by all of them.

    ```mlir
    func.func @wait() {
      simplex.copy_wait
      return
    }
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Simplex_MagnitudeOp : Simplex_Op<"magnitude", [Pure]> {
  let summary = "The largest absolute value in a tile";
  let description = [{
    What `simplex.combine` needs to keep products of f16 numbers in range.

    ```mlir
    func.func @magnitude(%q: !simplex.tile<16x64xf16>) -> f32 {
      %m = simplex.magnitude %q : !simplex.tile<16x64xf16>
      return %m : f32
    }
    ```
  }];
  let arguments = (ins AnyTypeOf<[Simplex_Matrix, AnyMemRef]>:$tile);
  let results = (outs F32:$result);
  let assemblyFormat = "$tile attr-dict `:` type($tile)";
}

def Simplex_CombineOp : Simplex_Op<"combine", [AttrSizedOperandSegments,
    AlwaysSpeculatable, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "C(q, k1 .. k(m-1)): the form without its last key";
  let description = [{
    Multiplies a tile of query rows with one row of each outer key (or one for
    each 64 rows of the tile) by the form's terms, after adding `biases[o]` to key o. `factor` (-1, 0, or 1)
    carries the sign of the scale. The query may lie in shared memory. The
    result's elements may be narrower, or f64 of f32 (then the product with the
    last key is in f64 too). With
    `separated`, all tiles have the columns of `#simplex.chunked`, each operand
    its own; the result has the last key's.

    Products of f16 numbers can leave the range of f16. With the `magnitude` of
    the query, the result is divided by the least power of two that makes it
    safe, usually 1, which is returned as the `multiplier` of the logits.

    ```mlir
    func.func @combine(%q: !simplex.tile<16x64xbf16>, %k1: !simplex.tile<1x64xbf16>)
        -> !simplex.tile<16x64xbf16> {
      %c = simplex.combine #simplex.multilinear %q, %k1 biases [0.0] factor 1 head_dim 64
           : !simplex.tile<16x64xbf16>, !simplex.tile<1x64xbf16> -> !simplex.tile<16x64xbf16>
      return %c : !simplex.tile<16x64xbf16>
    }
    ```
  }];
  let arguments = (ins Simplex_FormAttrInterface:$form,
                       AnyTypeOf<[Simplex_Matrix, AnyMemRef]>:$query,
                       Variadic<Simplex_Matrix>:$keys,
                       Optional<F32>:$magnitude,
                       DenseF64ArrayAttr:$biases, I64Attr:$factor,
                       I64Attr:$head_dim, UnitAttr:$separated);
  let results = (outs Simplex_Matrix:$result, Optional<F32>:$multiplier);
  let assemblyFormat = [{
    $form $query (`,` $keys^)? (`magnitude` $magnitude^)? `biases` $biases
    `factor` $factor `head_dim` $head_dim (`separated` $separated^)? attr-dict
    `:` type($query) (`,` type($keys)^)? `->` type(results)
  }];
  let hasVerifier = 1;
}

def Simplex_ContractOp : Simplex_Op<"contract", [AlwaysSpeculatable,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "The matrix product of a tile";
  let description = [{
    result[r, c] = sum over k of lhs[r, k] * (rhs[k, c] + bias) [+ init[r]],
    with rhs[c, k] where `transposed`; the rhs may lie in shared memory, of rank
    3 if in boxes (see `simplex.copy`). `--simplex-fold-biases` replaces the bias
    by a row constant: bias * sum over k of lhs[r, k].

    With `skew`, rows of the rhs count from `skew * (r div 64)` on, so that it
    has as many more as the last 64 rows of the lhs need (or more, unread).

    ```mlir
    func.func @logits(%c: !simplex.tile<16x64xbf16>, %k: !simplex.tile<32x64xbf16>)
        -> !simplex.tile<16x32xf32> {
      %s = simplex.contract %c, %k transposed
           : !simplex.tile<16x64xbf16>, !simplex.tile<32x64xbf16> -> !simplex.tile<16x32xf32>
      return %s : !simplex.tile<16x32xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$lhs,
                       AnyTypeOf<[Simplex_Matrix, AnyMemRef]>:$rhs,
                       Optional<Simplex_Column>:$init, UnitAttr:$transposed,
                       DefaultValuedAttr<F64Attr, "0.0">:$bias,
                       DefaultValuedAttr<I64Attr, "0">:$skew);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`init` $init^)? (`transposed` $transposed^)? attr-dict
    `:` type($lhs) `,` type($rhs) (`,` type($init)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Simplex_ConvertOp : Simplex_Op<"convert", [Pure]> {
  let summary = "The same tile in another element type";
  let description = [{
    Rounds to nearest even. To its own type it is a copy: it folds away, but
    for one that `--simplex-assign-scratch` has given a place.

    ```mlir
    func.func @convert(%p: !simplex.tile<16x32xf32>) -> !simplex.tile<16x32xbf16> {
      %r = simplex.convert %p : !simplex.tile<16x32xf32> -> !simplex.tile<16x32xbf16>
      return %r : !simplex.tile<16x32xbf16>
    }
    ```
  }];
  let arguments = (ins Simplex_TileType:$tile);
  let results = (outs Simplex_TileType:$result);
  let assemblyFormat = "$tile attr-dict `:` type($tile) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Simplex_FoldOp : Simplex_Op<"fold", [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "accumulator + product * (v1 + b1) * ... of the outer values";
  let description = [{
    The elementwise combination of values: adds P V of the last value, times
    one row of each outer value (or one for each 64 rows) with its bias added.

    ```mlir
    func.func @fold(%acc: !simplex.tile<16x64xf32>, %pv: !simplex.tile<16x64xf32>,
                    %v1: !simplex.tile<1x64xbf16>) -> !simplex.tile<16x64xf32> {
      %sum = simplex.fold %acc, %pv values(%v1) biases [1.0]
             : !simplex.tile<16x64xf32>, !simplex.tile<16x64xf32>, !simplex.tile<1x64xbf16>
      return %sum : !simplex.tile<16x64xf32>
    }
    ```
  }];
  let arguments = (ins Simplex_Matrix:$accumulator, Simplex_Matrix:$product,
                       Variadic<Simplex_Matrix>:$values, DenseF64ArrayAttr:$biases);
  let results = (outs Simplex_Matrix:$result);
  let assemblyFormat = [{
    $accumulator `,` $product (`values` `(` $values^ `)`)? `biases` $biases attr-dict
    `:` type($accumulator) `,` type($product) (`,` type($values)^)?
  }];
  let hasVerifier = 1;
}

#endif // SIMPLEXIR_TILE_OPS_TD
