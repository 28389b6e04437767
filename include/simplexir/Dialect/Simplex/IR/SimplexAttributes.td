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
    warps multiply 64 rows together (sm_90a).

    ```mlir
    #simplex.schedule<rows = 64, keys = 64, splits = 4, warps = 8, stages = 2>
    ```
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$keys,
                        DefaultValuedParameter<"int64_t", "1">:$splits,
                        DefaultValuedParameter<"int64_t", "1">:$warps,
                        DefaultValuedParameter<"int64_t", "1">:$stages,
                        DefaultValuedParameter<"bool", "false">:$wgmma);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Simplex_ChunkedAttr : AttrDef<Simplex_Dialect, "Chunked"> {
  let mnemonic = "chunked";
  let summary = "An order of head dims that keeps the components of a chunk apart";
  let description = [{
    The columns of a tile in blocks of 16 * `chunk`: component c of slot s of a
    block lies in column 16 * c + s. A thread that holds one column of an
    m16n8k16 fragment then holds every component of its chunk, so rotating
    inside chunks (`FormAttrInterface`) moves no data between threads. A sum
    over columns does not care for their order.

    Slots are the whole chunks of `head_dim`, then one slot for each dimension
    left over, which lies in component `tail` (an operand's own: the rotation
    that one term has for it, so that this term alone yields the plain product
    and the others 0), then empty slots up to a multiple of 16. Empty columns
    read as zero.

    ```mlir
    // 0 3 6 ... 45 | 1 4 7 ... 46 | 2 5 8 ... 47 | 48 51 ...
    #simplex.chunked<chunk = 3, head_dim = 96, tail = 0>
    ```
  }];
  let parameters = (ins "int64_t":$chunk, "int64_t":$head_dim, "int64_t":$tail);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Slots of a block: the depth of one matrix instruction.
    static constexpr int64_t kBlock = 16;
    /// The layout of operand `operand` (the query is 0) of a form.
    static ChunkedAttr get(FormAttrInterface form, int64_t arity,
                           int64_t headDim, int64_t operand);
    int64_t getChunks() const { return getHeadDim() / getChunk(); }
    /// Whole chunks, and the dimensions left over.
    int64_t getSlots() const {
      return getChunks() + getHeadDim() % getChunk();
    }
    int64_t getBlocks() const {
      return ::llvm::divideCeil(getSlots(), kBlock);
    }
    int64_t getColumns() const { return getBlocks() * kBlock * getChunk(); }
  }];
}

#endif // SIMPLEXIR_ATTRIBUTES_TD
