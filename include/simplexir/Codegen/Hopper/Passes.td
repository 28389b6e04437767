//===- Passes.td - Schedules for warpgroup products --------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rewrites of the staged tile loops of a kernel whose schedule has `wgmma`.
// Others are left alone: `convert-simplex-to-gpu` takes both.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_HOPPER_PASSES_TD
#define SIMPLEXIR_CODEGEN_HOPPER_PASSES_TD

include "mlir/Pass/PassBase.td"
include "simplexir/Codegen/Hopper/CopyPasses.td"

def CoalesceKeys : Pass<"simplex-coalesce-keys", "::mlir::func::FuncOp"> {
  let summary = "Visit all tuples of outer keys in one loop";
  let description = [{
    Four operands and more have a nest of loops over outer keys, the inner one
    often short. One loop over all pairs has one rotation to fill and to drain.
    Where windows have bounds, so that 32 bits count all tuples; shares of a
    split take every n-th pair.

    ```mlir
    scf.for %i = %a to %b { scf.for %j = %c + %share to %d step 2 { ... } }
    // ==>
    scf.for %t = %share to (%b - %a) * (%d - %c) step 2 : i32 {
      %i = %a + %t / (%d - %c);  %j = %c + %t mod (%d - %c)
      ... }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def MultiplyRows : Pass<"simplex-multiply-rows", "::mlir::func::FuncOp"> {
  let summary = "Multiply rows of two outer keys once, before the loops";
  let description = [{
    In a loop over pairs of outer keys (`--simplex-coalesce-keys`) whose rows lie
    in shared memory, the product of a pair's rows is the same for every tile of
    last keys and every row of the query. They are made once a work item, in
    bf16: then an attention over four operands has the loop of one over three.
    Likewise the rows of values, of which a step reads half later
    (`simplex.read_late`): it has few registers left. Where the table has at most
    `max-rows` rows and a block has room for it.

    ```mlir
    scf.for %t { %i = %t / %n; %j = %t mod %n
      simplex.combine #simplex.multilinear %q, (simplex.load_row %a[%i]), (simplex.load_row %b[%j]) }
    // ==>
    simplex.multiply_rows %a, %b extent %n to %product
    scf.for %t { simplex.combine #simplex.multilinear %q, (simplex.load_row %product[%t]) }
    ```
  }];
  let options = [
    Option<"maxRows", "max-rows", "int64_t", "64",
           "Most rows that a table of products may have">,
    Option<"sharedPerBlock", "shared-per-block", "int64_t", "232448",
           "Bytes of shared memory a thread block may use">,
  ];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::simplexir::SimplexDialect"];
}

def CountKeys : Pass<"simplex-count-keys", "::mlir::func::FuncOp"> {
  let summary = "Count outer keys in 32 bits, from the first row of their buffer";
  let description = [{
    A loop whose counter addresses the rows of a buffer visits no more keys than
    the buffer has rows: 32 bits hold the counter, and two registers of each
    thread are free. The key's position is computed where something asks for it.

    ```mlir
    scf.for %j = %begin to %end step %c2 { simplex.load_row %rows[%j - %first] }
    // ==>
    scf.for %r = (%begin - %first) to (%end - %first) step 2 : i32 { simplex.load_row %rows[%r] }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def DeferRowSums : Pass<"simplex-defer-row-sums", "::mlir::func::FuncOp"> {
  let summary = "Sum over the threads of a row once, after the loops";
  let description = [{
    A sum that loops carry need not be complete before they end.

    ```mlir
    %l = scf.for ... iter_args(%sum) { simplex.row_sum %p, %sum }
    // ==>
    %part = scf.for ... iter_args(%sum) { simplex.row_partial %p, %sum }
    %l = simplex.row_reduce %part
    ```
  }];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def SpeculateMaximum : Pass<"simplex-speculate-maximum", "::mlir::func::FuncOp"> {
  let summary = "Leave running maxima out of the inner loop, and check afterwards";
  let description = [{
    exp2(s - m) is as exact for any m near the maximum as for the maximum. Sums
    then begin at m = 0, which only the first outer key of each tile raises, or of
    the first tile of each pair (`--simplex-pair-tiles`); in the rotated loop and
    for second tiles row maxima and rescaling are skipped. If in the end the sum
    of some row is not within 2^-64 and 2^64, the work item is done again with
    running maxima (or all items of a block, `--simplex-loop-work-items`).
    Probabilities of f16 end earlier, which shows in the accumulator (see
    `simplex.out_of_range`).

    ```mlir
    %m2 = simplex.row_max %s, %m;  %acc2 = simplex.rescale %acc from %m to %m2
    // ==>
    scf.while (%safe = false) {
      %m2, %acc2 = scf.if %safe { simplex.row_max; simplex.rescale }
      ...
      %again = simplex.vote (simplex.out_of_range %l)
      scf.condition(%again and not %safe)
    } do { scf.yield true }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def DropRows : Pass<"simplex-drop-rows", "::mlir::func::FuncOp"> {
  let summary = "Drop rows, not elements, where only an outer window ends";
  let description = [{
    Where neighbouring queries share a tile (with a skew, each 64 rows of it), a
    mask at an edge of an outer window drops whole rows. Without a running
    maximum to protect (`--simplex-speculate-maximum`), one number makes the
    exponentials of a row 0, so that elements are masked only in tiles of last
    keys at an edge of their window, and in a safe round.

    ```mlir
    %l = scf.if %edge { simplex.mask %s outer(%j) } else { %s }
    %m2 = scf.if %safe { simplex.row_max %l, %m } else { %m }
    simplex.exp %l, %m2
    // ==>
    %l, %d = scf.if %edge {
      scf.if (%column_edge or %safe) { simplex.mask %s outer(%j); %m }
      else { %s; simplex.drop_rows %m outer(%j) range(%begin, %end) }
    } else { %s; %m }
    %m2, %e = scf.if %safe { simplex.row_max %l, %m } else { %m; %d }
    simplex.exp %l, %e
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def PairTiles : Pass<"simplex-pair-tiles", "::mlir::func::FuncOp"> {
  let summary = "Let two tiles of last keys share what is done for an outer key";
  let description = [{
    For schedules with `pairs`, whose tiles `--simplex-stage-tiles` keeps two at
    a time. The combined tile of an outer key multiplies both tiles of the last
    key, and both products of values are added up before they are folded: half
    as many combined tiles and folds. Where the second tile of a pair is past
    the end, its part is left out; if it is the shorter one, the last product is
    then one of zeros, and the first tile's comes before it. An error if the
    schedule has `pairs` and no loop over outer keys has such tiles.

    ```mlir
    scf.for %j { %c = combine(%j); %p = softmax(%c * %k0); fold(%p * %v0) }
    // ==>
    scf.for %j {
      %c = combine(%j); %p = softmax(%c * %k0)
      %p2, %pv = scf.if %two { %p * %v0; softmax(%c * %k1) } else { %p; 0 }
      fold(%pv + %p2 * (%two ? %v1 : %v0))
    }
    // with a shorter second tile
    %p2, %pv = scf.if %two { ... } else { 0; %p * %v0 }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::simplexir::SimplexDialect"];
}

def RotateKeys : Pass<"simplex-rotate-keys", "::mlir::func::FuncOp"> {
  let summary = "Begin each outer key's logits before the last key's values end";
  let description = [{
    Rotates the innermost loop over outer keys: the probabilities of a key are
    carried into the next iteration, which multiplies them with the values,
    then computes the logits and probabilities of its own key. So the two
    matrix products of an iteration follow each other, and its softmax follows
    both. The second tile of a pair (`--simplex-pair-tiles`) goes with the values:
    what is carried are the combined tile and the first tile's probabilities.
    Numbers that the values need of the last key, such as its row, are computed
    again from the counter less a step: carried, they would take registers.

    ```mlir
    scf.for %j { %p = softmax(logits(%j)); fold(values(%p)) }
    // ==>
    if (begin < end) {
      %p = softmax(logits(begin))
      scf.for %j = begin + step to end iter_args(%p) {
        values(%p); combine(%j); logits(%j); fold; softmax
      }
      fold(values(%p))
    }
    // with pairs of tiles
    scf.for %j = begin + step to end iter_args(%c, %p) {
      %p2, %pv = scf.if %two { values(%p); softmax(%c * %k1) }
      values(%p2); combine(%j); logits(%j); fold; softmax
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def RotateTiles : Pass<"simplex-rotate-tiles", "::mlir::func::FuncOp"> {
  let summary = "Begin each tile's logits before the last tile's values";
  let description = [{
    Dot-product attention has no outer keys to rotate over: here the loop over
    tiles of the key is rotated. A tile's logits are multiplied, then the last
    tile's values; its softmax runs under that second product, and only then
    gives its probabilities the registers of the last tile's. The first
    iteration multiplies probabilities of 0 with the values that are there.

    ```mlir
    scf.for %t { simplex.copy_wait; %p = softmax(logits(%t)); fold(values(%t, %p)) }
    // ==>
    scf.for %t iter_args(%p = 0, %last = first) {
      simplex.copy_wait; logits(%t); values(%last, %p); softmax; fold
    }
    if (begin < end) { fold(values(%last, %p)) }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def OverlapContracts : Pass<"simplex-overlap-contracts", "::mlir::func::FuncOp"> {
  let summary = "Compute while matrix products run";
  let description = [{
    In a rotated loop, splits each `simplex.contract` into `simplex.
    start_contract` and `simplex.await`. A product is awaited before its first
    use or the start of the next one: the next combined tile is built while the
    values are multiplied, and the product of values is folded while the logits
    are. Where a mask under a condition is the first user, both branches await.
    For a pair of tiles (`--simplex-pair-tiles`) also in the branch of the second
    one. A product that is only added to what is known when it starts is added by
    the matrix unit (`onto`), that of a pair's last tile behind the loop, too.

    ```mlir
    %o = simplex.contract %p, %v;  %c = simplex.combine ...
    %s = simplex.contract %c, %k;  simplex.fold %acc, %o;  simplex.exp %s
    // ==>
    %1 = simplex.start_contract %p, %v;  %c = simplex.combine ...
    %o = simplex.await %1;  %2 = simplex.start_contract %c, %k
    simplex.fold %acc, %o;  %s = simplex.await %2;  simplex.exp %s
    ```
  }];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def TakeTurns : Pass<"simplex-take-turns", "::mlir::func::FuncOp"> {
  let summary = "Let two groups of warps use the matrix unit in turns";
  let description = [{
    Around the products of a rotated loop: `simplex.take_turn` before the first
    one starts, `simplex.pass_turn` after the last one has. The products of a
    pair's second tile (`--simplex-pair-tiles`) have a turn of their own. Groups
    may run an unequal number of iterations (shares of a split): one that runs
    fewer goes on taking and passing its turns after its loop. (What a turn may
    wait for: `--simplex-rotate-items`.)

    ```mlir
    scf.for %j = ... {
      %pv = simplex.start_contract %p, %v
      %s = simplex.start_contract %c, %k transposed
      simplex.await %pv
    }
    // ==>
    scf.for %j = ... {
      simplex.take_turn
      %pv = simplex.start_contract %p, %v
      %s = simplex.start_contract %c, %k transposed
      simplex.pass_turn
      simplex.await %pv
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

#endif // SIMPLEXIR_CODEGEN_HOPPER_PASSES_TD
