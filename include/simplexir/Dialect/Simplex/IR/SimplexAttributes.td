//===- SimplexAttributes.td - Forms and schedules ----------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_ATTRIBUTES_TD
#define SIMPLEXIR_ATTRIBUTES_TD

include "simplexir/Dialect/Simplex/IR/SimplexDialect.td"
include "simplexir/Dialect/Simplex/IR/SimplexInterfaces.td"
include "mlir/IR/AttrTypeBase.td"

class Simplex_Form<string name, string mnem>
    : AttrDef<Simplex_Dialect, name,
              [DeclareAttrInterfaceMethods<Simplex_FormAttrInterface>]> {
  let mnemonic = mnem;
}

def Simplex_MultilinearAttr : Simplex_Form<"Multilinear", "multilinear"> {
  let summary = "sum over d of x0_d * x1_d * ... * xm_d";
  let description = [{
    n = 2 is dot-product attention, n = 3 the trilinear form of Roy et al.
    2025 (arXiv 2507.02754, eq. 5), n = 4 and 5 the next orders.
  }];
}

def Simplex_DeterminantAttr : Simplex_Form<"Determinant", "determinant"> {
  let summary = "sum over 3-chunks of det[q; k1; k2] (n = 3)";
  let description = [{
    The rotation-invariant form of Roy et al. 2025 (eq. 8-9). Its combiner is
    the cross product q x k1 of each chunk; the D mod 3 dimensions left over
    add their plain products. `reversed` negates the determinants (not the
    tail): the same form with its keys swapped.
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$reversed);
  let assemblyFormat = "(`<` struct($reversed)^ `>`)?";
}

def Simplex_ScheduleAttr : AttrDef<Simplex_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "How one attention is cut into tiles and mapped to a machine";
  let description = [{
    The numeric half fixes the order of arithmetic, and with the chip and the
    inputs the bits of the result:

    - `rows`: rows of a tile; a row is one (query, head of the group). Heads
      come first, then neighbouring queries fill up.
    - `keys`: last keys of a tile.
    - `splits`: the innermost loop over outer keys (over key tiles at n = 2)
      is dealt to so many independent softmax states, merged at the end.

    The target half: `warps` of a thread block and `stages` of the ring of key
    tiles in shared memory; both are 1 on the CPU. With `wgmma`, groups of four
    warps multiply 64 rows together (sm_90a). With `pairs`, two tiles of last
    keys at a time stay in shared memory, and an outer key's combined tile and
    fold serve both (`--simplex-pair-tiles`; n > 2, with `wgmma`). The second
    one has `second_keys` columns, as many as `keys` where it does not say. With
    `skew`, each group of four warps sees the keys from its own first query's
    window on: column c of its tiles, and its outer keys, are as many keys
    further as its query is (n = 2 and 3, with `wgmma`, finite windows, 64 / m
    heads in a tile). These change bits as well.

    ```mlir
    #simplex.schedule<rows = 64, keys = 64, splits = 4, warps = 8, stages = 2>
    ```
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$keys,
                        DefaultValuedParameter<"int64_t", "1">:$splits,
                        DefaultValuedParameter<"int64_t", "1">:$warps,
                        DefaultValuedParameter<"int64_t", "1">:$stages,
                        DefaultValuedParameter<"bool", "false">:$wgmma,
                        DefaultValuedParameter<"bool", "false">:$pairs,
                        DefaultValuedParameter<"int64_t", "0">:$second_keys,
                        DefaultValuedParameter<"bool", "false">:$skew);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Rows that a group of four warps multiplies.
    static constexpr int64_t kGroupRows = 64;
    /// Queries of a tile whose windows' union is visited, where it has as many
    /// `heads` in a row: its own, or with `skew` those of `kGroupRows` rows.
    int64_t getQueriesTogether(int64_t heads) const {
      return (getSkew() ? kGroupRows : getRows()) / heads;
    }
    /// Columns of the second tile of a pair.
    int64_t getSecondColumns() const {
      return getSecondKeys() ? getSecondKeys() : getKeys();
    }
    /// Columns of the tiles that `length` last keys take, by pairs of `keys` and
    /// `second` columns; an odd tile is alone.
    static int64_t coverLastKeys(int64_t length, int64_t keys, int64_t second);
    /// Columns of a pair of which as many as of `keys` and `keys` columns cover
    /// `length` last keys: the fewest.
    static int64_t fitPair(int64_t length, int64_t keys);
    /// Can warps that only copy come beside such ones
    /// (`--simplex-specialize-copies`, without outer keys)?
    static bool allowsCopyWarps(int64_t warps, int64_t splits, bool wgmma) {
      return wgmma && warps == 8 && splits == 1;
    }
  }];
}

def Simplex_GridAttr : AttrDef<Simplex_Dialect, "Grid"> {
  let mnemonic = "grid";
  let summary = "How many work items a kernel has";
  let description = [{
    The product of its factors: constants, and extents of the kernel's
    arguments, `[argument, dimension]`, in parts of so many where it says
    `ceildiv`.

    ```mlir
    // The batch, 4 heads, and tiles of 16 queries.
    #simplex.grid<[0, 0], 4, [0, 1] ceildiv 16>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::simplexir::GridPart">:$parts);
  let assemblyFormat = "`<` custom<GridParts>($parts) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Fails, saying why, where an extent is none of these arguments'.
    ::llvm::LogicalResult verifyArguments(
        ::llvm::function_ref<::mlir::InFlightDiagnostic()> emitError,
        ::mlir::TypeRange arguments) const;
  }];
}

def Simplex_ChunkedAttr : AttrDef<Simplex_Dialect, "Chunked"> {
  let mnemonic = "chunked";
  let summary = "An order of head dims that keeps the components of a chunk apart";
  let description = [{
    The columns of one operand of a form, such that the combiner
    (`FormAttrInterface`) moves no data between the threads that hold fragments
    of 8 columns. A sum over columns does not care for their order.

    - **Half blocks.** Eight whole chunks fill `chunk` fragments: component k of
      chunk 8 h + s lies in column 8 * (chunk * h + k) + s. A thread that holds
      a column holds every component of its chunk, so a rotation by n takes the
      fragment of component (k + n) mod `chunk`.
    - **The rest**, fewer than eight chunks and the dims left over, has a copy
      for each of the operand's `rotations` (one a term), of as many whole
      fragments as it needs. Column r of copy t holds the dim that term t
      multiplies into dim r of the rest. A dim left over stands for itself in
      the first copy, and is missing from the others: the first term alone
      yields the plain product.

    The last key's rotation is 0 in every term, so `rotations = [0]`: one copy,
    in its order, serves all terms. Columns that hold no dim are zero; they also
    fill up the row to a multiple of 16, the depth of a matrix instruction.

    ```mlir
    // A query of 32 dims, a half block and a rest of two chunks and two dims:
    // 0 3 .. 21 | 1 4 .. 22 | 2 5 .. 23 | 25 26 24 28 29 27 30 31 | 26 24 25 29 27 28 - - | -
    #simplex.chunked<chunk = 3, head_dim = 32, rotations = [1, 2]>
    // The last key:
    // 0 3 .. 21 | 1 4 .. 22 | 2 5 .. 23 | 24 25 26 27 28 29 30 31
    #simplex.chunked<chunk = 3, head_dim = 32, rotations = [0]>
    ```
  }];
  let parameters = (ins "int64_t":$chunk, "int64_t":$head_dim,
                        "::mlir::DenseI64ArrayAttr":$rotations);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Columns of a fragment, and chunks of a half block.
    static constexpr int64_t kFragment = 8;

    /// The layout of operand `operand` (the query is 0) of a form.
    static ChunkedAttr get(FormAttrInterface form, int64_t arity,
                           int64_t headDim, int64_t operand);

    int64_t getHalfBlockColumns() const { return kFragment * getChunk(); }
    int64_t getHalfBlocks() const {
      return getHeadDim() / getHalfBlockColumns();
    }
    /// The first column, and the first dim, of the rest.
    int64_t getRestBegin() const {
      return getHalfBlocks() * getHalfBlockColumns();
    }
    /// Columns of one copy of the rest.
    int64_t getRestColumns() const {
      return ::llvm::alignTo(getHeadDim() - getRestBegin(), kFragment);
    }
    /// The first dim that belongs to no whole chunk.
    int64_t getLeftOverBegin() const {
      return getHeadDim() / getChunk() * getChunk();
    }
    int64_t getColumns() const {
      return ::llvm::alignTo(
          getRestBegin() + getRotations().size() * getRestColumns(), 16);
    }
    /// The dim that lies in a column, if any.
    ::std::optional<int64_t> getDim(int64_t column) const;

    /// The copy of the rest that a term reads.
    int64_t getCopy(int64_t term) const {
      return ::std::min<int64_t>(term, getRotations().size() - 1);
    }
    /// The fragment that a term multiplies into fragment `fragment` of the last
    /// key.
    int64_t getFragment(int64_t term, int64_t fragment) const;
    /// The column behind the last one of a copy of the rest that holds a dim.
    int64_t getCopyEnd(int64_t copy) const {
      return copy * getRestColumns() +
             (copy == 0 ? getHeadDim() : getLeftOverBegin());
    }
  }];
}

#endif // SIMPLEXIR_ATTRIBUTES_TD
