//===- CopyPasses.td - Who copies, when, and by what -------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Work items, roles of warps, and tensor copies; Passes.td includes this.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_HOPPER_COPYPASSES_TD
#define SIMPLEXIR_CODEGEN_HOPPER_COPYPASSES_TD

include "mlir/Pass/PassBase.td"

def LoopWorkItems : Pass<"simplex-loop-work-items", "::mlir::func::FuncOp"> {
  let summary = "Let blocks stay, and take several work items";
  let description = [{
    A block's first copies, and what it does after its last product, take as
    long as several tiles. Blocks that take one work item after the other can
    fetch the next one's tiles meanwhile (`--simplex-specialize-copies`, for
    whose kernels this is). The attribute `simplex.resident_blocks` says that
    there are as many blocks as fit, one for each multiprocessor; each takes the
    same number of items, give or take one, and neighbouring blocks neighbouring
    items. It is done where these are short, and of about equal length: where the
    last key's window is at most 1024, both sides together.

    If the sums of any work item are out of range, a block does all of its work
    items again with running maxima; so it is not done for f16, whose range is
    small. Whether an item takes running maxima, and so its last bits, then
    depends on the others of its block and on the number of multiprocessors.

    ```mlir
    scf.while (%safe = false) {
      %item = simplex.work_item
      ...
      %again = simplex.vote (simplex.out_of_range %l)
    }
    // ==>
    scf.while (%safe = false) {
      %block = gpu.block_id x
      %any = scf.for %i = 0 to ceildiv((items) - %block, (blocks)) iter_args(%wrong = false) {
        %item = %i * (blocks) + %block
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
    the item before it: the last product of values and the first one of logits
    run one behind the other, and the sum is stored under the second one. What
    these logits do not read is computed meanwhile, such as the query's position,
    which masks ask for. The sum's registers are free before the next item has
    probabilities. The first tile no longer multiplies probabilities of 0. Beside
    the last item's end its beginning is computed once more; the warps that copy
    bring its query and first tile again.

    Both products are one turn (`--simplex-take-turns`), which is held while a
    group waits for the next item's query and first tile. Nobody waits for ever:
    that query's copy needs the last one released, which each group did turns
    ago; tile n of the key needs tile n - 2 released, and of the value n - 3, as
    the other group did before it asked for this turn.

    ```mlir
    scf.for %i { query(%i); scf.for %t { logits(%t); values(%t - 1); softmax }; values; store }
    // ==>
    query(0); logits(0); softmax
    scf.for %i {
      scf.for %t from the second one { logits(%t); values(%t - 1); softmax }
      values; query(%i + 1); logits(0); store; softmax
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
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::simplexir::SimplexDialect"];
}

def FetchPairs : Pass<"simplex-fetch-pairs", "::mlir::func::FuncOp"> {
  let summary = "Let tensor copies bring pairs of tiles";
  let description = [{
    What `--simplex-copy-by-maps` does for a role that copies, where all warps
    compute (outer keys) and tiles come by pairs (`--simplex-pair-tiles`). The
    first pair is asked for before the loop, the next one when all have left the
    one before; logits of the first outer key wait for the first tile of the key
    alone, what follows them for the rest. With copies all wait for the whole
    pair. The phase of the channel is the number of pairs that are left, odd or
    even, and a round that begins again (`--simplex-speculate-maximum`) goes on
    with it.

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
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

#endif // SIMPLEXIR_CODEGEN_HOPPER_COPYPASSES_TD
