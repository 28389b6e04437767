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
    Likewise the rows of values. Where the table has at most `max-rows` rows and
    a block has room for it.

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
    Where neighbouring queries share a tile, a mask at an edge of an outer
    window drops whole rows. Without a running maximum to protect
    (`--simplex-speculate-maximum`), one number makes the exponentials of a row
    0, so that elements are masked only in tiles of last keys at an edge of
    their window, and in a safe round.

    ```mlir
    %l = scf.if %edge { simplex.mask %s outer(%j) } else { %s }
    %m2 = scf.if %safe { simplex.row_max %l, %m } else { %m }
    simplex.exp %l, %m2
    // ==>
    %l, %d = scf.if %edge {
      scf.if (%column_edge or %safe) { simplex.mask %s outer(%j); %m }
      else { %s; simplex.drop_rows %m outer(%j) }
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

def LoopWorkItems : Pass<"simplex-loop-work-items", "::mlir::func::FuncOp"> {
  let summary = "Let blocks stay, and take several work items";
  let description = [{
    A block's first copies, and what it does after its last product, take as
    long as several tiles. Blocks that take one work item after the other can
    fetch the next one's tiles meanwhile (`--simplex-specialize-copies`, for
    whose kernels this is). The attribute `simplex.resident_blocks` says that
    there are as many blocks as fit, one for each multiprocessor; each takes the
    same number of neighbouring items, give or take one. It is done where these
    are short, and of about equal length: where the last key's window is at most
    1024, both sides together.

    If the sums of any work item are out of range, a block does all of its work
    items again with running maxima; so it is not done for f16, whose range is
    small. Whether an item takes running maxima, and so its last bits, then
    depends on its neighbours and on the number of multiprocessors.

    ```mlir
    scf.while (%safe = false) {
      %item = simplex.work_item
      ...
      %again = simplex.vote (simplex.out_of_range %l)
    }
    // ==>
    scf.while (%safe = false) {
      %block = gpu.block_id x
      %any = scf.for %item = %block * (items) / (blocks) to (%block + 1) * (items) / (blocks)
          iter_args(%wrong = false) {
        ...
        scf.yield %wrong or (there is a tile and simplex.out_of_range %l)
      }
      %again = simplex.vote %any
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def SpecializeCopies : Pass<"simplex-specialize-copies", "::mlir::func::FuncOp"> {
  let summary = "Let warps of their own copy tiles";
  let description = [{
    Without outer keys a tile serves one product only, so that starting its
    copies and the barrier after them cost a third of an iteration. Here four
    more warps run a loop over the same tiles that only copies, and the rings
    become channels: no barrier of the block is left in the loop. Where the loop
    was rotated (`--simplex-rotate-tiles`).

    ```mlir
    simplex.copy %k, %v ... to %rings[0]
    scf.for %t iter_args(%slot, %last) {
      simplex.copy_wait
      %s = simplex.start_contract %c, %k_ring[%slot] transposed
      simplex.copy (next) to %rings[%slot + 1]
      %o = simplex.start_contract %p, %v_ring[%last]
      simplex.await %s;  simplex.await %o
    }
    // ==>
    simplex.open_channel %k_channel, %v_channel;  gpu.barrier
    simplex.specialize copy {
      scf.for %t iter_args(%slot, %phase) {
        simplex.acquire %k_channel[%slot];  simplex.copy;  simplex.commit
        simplex.announce %v_channel[%slot - 1] leaving 1
        simplex.acquire %v_channel[%slot];  simplex.copy;  simplex.commit
        simplex.announce %k_channel[%slot] leaving 1
      }
      simplex.announce %v_channel[%slot - 1]
    } compute {
      scf.for %t iter_args(%slot, %last, %phase, %last_phase) {
        simplex.receive %k_channel[%slot];  %s = simplex.start_contract
        simplex.receive %v_channel[%last];  %o = simplex.start_contract
        simplex.await %s;  simplex.release %k_channel[%slot]
        simplex.await %o;  simplex.release %v_channel[%last] if (%t is not the first)
      }
    }
    ```

    Why nobody waits for ever, and nobody reads what is not there:

    - Both loops have the same bounds, of arguments and the work item only. If
      they are empty, nobody waits.
    - Use u of slot s, counted from 0, has phase u mod 2 on both sides. `full` of
      a slot completes once a use, when each thread that copies has announced it;
      `empty` once a use, when one thread of each warp that computes (of the query,
      each thread) has released it. So neither can be two phases ahead of the other.
    - Who copies acquires use u of a slot when use u - 1 has been released. Of
      the key, tile t waits for tile t - 2, of the value for tile t - 3: both are
      released in iteration t - 2. That iteration and those before it need the
      key's tiles up to t - 2 and the value's up to t - 3, which have all been
      announced by then, for a group of copies is announced when the next one
      has been started, and the last one after the loop.
    - The first iteration multiplies probabilities of 0 with the first tile of
      values: it waits for that tile, and leaves its release to the second
      iteration. What follows the loop waits for the last tile, and releases it
      only where another work item may follow: nobody else waits for that.
    - Blocks that take several work items (`--simplex-loop-work-items`) go on
      with slots and phases where the last item left them. The query is a
      channel too, of one slot. Who copies acquires it when each thread that
      computes has released the last item's, before that one's first tile; then
      it announces the last item's last tile of values. A query itself is
      announced when its first tile of keys has been started, which waits for
      tiles of the last item only; or at once, if there is no tile.
    - Work that is done again with running maxima (`--simplex-speculate-maximum`)
      uses channels of its own, which are still as they were opened. Who copies
      learns of it from an answer, given once those that compute have met at
      their vote: their reads are over by then, and so are the copies, all of
      which they have waited for.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def RotateItems : Pass<"simplex-rotate-items", "::mlir::func::FuncOp"> {
  let summary = "Begin each work item before the last one ends";
  let description = [{
    In the loop over work items of the warps that compute
    (`--simplex-loop-work-items`, `--simplex-specialize-copies`), an item's
    query and its first tile, up to the probabilities, come before the end of
    the item before it: the first product of logits and the last product of
    values run one behind the other, and a softmax runs under the second one, as
    in the loop over tiles. The first tile no longer multiplies probabilities of
    0. Beside the last item's end its beginning is computed once more; the warps
    that copy bring its query and first tile again.

    ```mlir
    scf.for %i { query(%i); scf.for %t { logits(%t); values(%t - 1); softmax }; values; store }
    // ==>
    query(0); logits(0); softmax
    scf.for %i {
      scf.for %t from the second one { logits(%t); values(%t - 1); softmax }
      query(%i + 1); logits(0); values; softmax; store
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

def CopyByMaps : Pass<"simplex-copy-by-maps", "::mlir::func::FuncOp"> {
  let summary = "Let tensor copies bring the tiles";
  let description = [{
    Warps that only copy (`--simplex-specialize-copies`) spend an instruction on
    each 16 bytes of a tile, and say themselves when it is there. A tensor copy
    takes one for each box: one thread asks for it, the channel's barrier counts
    its bytes. It needs a tensor map of the operand, which a launch makes, where
    the operand's address and strides are whole 16 bytes: else, and where a
    shorter key range hides rows that the map would read, the same kernel copies
    as before. The remark `tensor-maps` says if the pass did it.

    ```mlir
    simplex.open_channel %k_channel
    simplex.specialize copy {
      scf.for %t iter_args(%slot, %phase) {
        simplex.acquire %k_channel[%slot];  simplex.copy %k;  simplex.commit
        simplex.announce %v_channel[%slot - 1] leaving 1
      }
    }
    // ==>
    %maps = simplex.has_maps
    simplex.open_channel %k_channel by_maps %maps
    simplex.specialize copy {
      scf.for %t iter_args(%slot, %phase) {
        scf.if %maps { simplex.fetch %k to %k_ring[%slot], %k_channel[%slot] phase %phase }
        else { simplex.acquire %k_channel[%slot] phase %phase;  simplex.copy %k }
        simplex.commit
        scf.if not %maps { simplex.announce %v_channel[%slot - 1] leaving 1 }
      }
    }
    ```

    Nobody waits for ever: the one thread acquires slots in the order in which
    all did before, and a fetch announces its slot no later than copies do. The
    other threads that copy do not wait for slots, which could be filled and
    emptied twice without them. They run ahead to the next work item's query at
    most, which they still copy with the one: it is announced by all of them, so
    that nobody can be two phases behind. The groups of copies that follow its
    own are empty then.

    Slots are read by products only, which like tensor copies go past the path
    of loads and stores: a release orders the two.

    Where all warps compute (outer keys), tensor copies bring pairs of tiles
    (`--simplex-pair-tiles`). The first pair is asked for before the loop, the
    next one when all have left the one before; logits of the first outer key
    wait for the first tile of the key alone, what follows them for the rest.
    With copies all wait for the whole pair. The phase of the channel is the number of
    pairs that are left, odd or even, and a round that begins again
    (`--simplex-speculate-maximum`) goes on with it.

    ```mlir
    scf.for %c = %begin to %end step 2 * keys {
      simplex.copy_wait;  simplex.copy %k, %v;  simplex.copy_wait
      %p = ... simplex.contract %s, %k0 ...
      scf.for %j { ... %k0, %v0, %k1, %v1 ... }
    }
    // ==>
    scf.if %maps and %begin < %end { simplex.fetch %k[%begin], %v[%begin] }
    scf.for %c = %begin to %end step 2 * keys {
      simplex.copy_wait
      scf.if %maps { simplex.receive %channel[0] }
      else { simplex.copy %k, %v;  simplex.copy_wait }
      %p = ... simplex.contract %s, %k0 ...
      scf.if %maps { simplex.receive %channel[1] }
      scf.for %j { ... %k0, %v0, %k1, %v1 ... }
      %next = %c + 2 * keys
      scf.if %maps and %next < %end { simplex.copy_wait;  simplex.fetch %k[%next], %v[%next] }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::simplexir::SimplexDialect"];
}

def TakeTurns : Pass<"simplex-take-turns", "::mlir::func::FuncOp"> {
  let summary = "Let two groups of warps use the matrix unit in turns";
  let description = [{
    Around the products of a rotated loop: `simplex.take_turn` before the first
    one starts, `simplex.pass_turn` after the last one has. The products of a
    pair's second tile (`--simplex-pair-tiles`) have a turn of their own. Groups
    may run an unequal number of iterations (shares of a split): one that runs
    fewer goes on taking and passing its turns after its loop.

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
