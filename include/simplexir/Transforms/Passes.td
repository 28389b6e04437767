//===- Passes.td - Passes of SimplexIR ---------------------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TRANSFORMS_PASSES_TD
#define SIMPLEXIR_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectSchedule : Pass<"simplex-select-schedule"> {
  let summary = "Choose key order, tile shapes and mapping of each attention";
  let description = [{
    Gives each `simplex.attention` a `#simplex.schedule`, unless it has one
    (the attribute overrides the choice), and reorders the keys, where the form
    allows it, so that the largest window is the last, tiled one.

    ```mlir
    func.func @f(%q: tensor<1x?x8x64xf32>, %k1: tensor<1x?x1x64xf32>, %k2: tensor<1x?x1x64xf32>)
        -> tensor<1x?x8x64xf32> {
      %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%k1, %k2)
          form multilinear windows [512, 32]
          : (tensor<1x?x8x64xf32>, tensor<1x?x1x64xf32>, tensor<1x?x1x64xf32>,
             tensor<1x?x1x64xf32>, tensor<1x?x1x64xf32>)
          -> (tensor<1x?x8x64xf32>, tensor<1x8x?xf32>)
      return %out : tensor<1x?x8x64xf32>
    }
    // ==>
    simplex.attention ... windows [32, 512] {schedule = #simplex.schedule<rows = 32, keys = 112>}
    ```

    On a GPU, rows, splits and warpgroup products are those of the least
    predicted time of one row with one tuple that it needs: the work of each
    unit of a multiprocessor (tensor cores, exponentials, shared memory) in a
    step, of which the longest counts, times the tuples that a tile visits
    beyond its rows' windows. The tensor cores of warpgroup products are taken
    to be 1.3 times as slow as their rate, as measured at D 128. The rates are
    options; the pipelines fill them in from the table of chips. With warpgroup
    products and outer keys, tiles come by pairs where the last window, of all
    queries of a tile, is longer than one; head dims above 96 with biases of
    values, or several outer keys, leave no registers for that. Pairs have tiles
    of two sizes where they then end with the window and visit fewer keys: 515
    keys are five tiles of 112, or three pairs of 96 and 80. Each 64 rows get
    keys of their own (`skew`) where their windows together are more: two
    queries with windows of 512 keys then visit four tiles of 128, not five of
    112. With an outer key that takes a window of which, for all queries of a
    tile, 64 rows and a block's shared memory hold the keys.

    Remarks (`--remarks-filter=simplex --remark-format=emitRemark`), also for a
    schedule that was given: on a GPU these cycles, the unit that is the limit,
    what is masked or beyond windows, shared memory, registers and blocks a
    multiprocessor (docs/tuning.md says how to read them); on a CPU how many
    more keys a tile visits than one query needs; why warpgroup products
    (`wgmma`) are not used where the chip has them.

    Errors: a target other than cpu or gpu; figures of a chip that are not
    positive; f64 on a GPU; an option outside the schedule's limits; a block
    that needs more shared memory than the chip has, also by a schedule that the
    operation came with.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "cpu or gpu">,
    Option<"rows", "rows", "int64_t", "0", "Rows of a tile (0: choose)">,
    Option<"keys", "keys", "int64_t", "0", "Last keys of a tile (0: choose)">,
    Option<"splits", "splits", "int64_t", "0", "Softmax states (0: choose)">,
    Option<"warps", "warps", "int64_t", "0", "Warps of a block (0: choose)">,
    Option<"stages", "stages", "int64_t", "0", "Key tiles in flight (0: choose)">,
    Option<"pairs", "pairs", "int64_t", "-1",
           "1: pairs of tiles, which need warpgroup products; 0: none (-1: choose)">,
    Option<"wgmma", "wgmma", "bool", "false",
           "The chip has warpgroup products: use them where they pay">,
    Option<"dotBF16", "dot-bf16", "bool", "false",
           "The CPU multiplies bf16 numbers: their tiles are not widened">,
    Option<"sharedMemory", "shared-memory", "int64_t", "232448",
           "Shared memory that a block of the GPU may have, in bytes">,
    Option<"processorSharedMemory", "processor-shared-memory", "int64_t", "233472",
           "Shared memory that a multiprocessor has for all its blocks">,
    Option<"mmaFlops", "mma-flops", "int64_t", "2576",
           "16-bit tensor FLOPs of a multiprocessor in a cycle, by mma.sync">,
    Option<"wgmmaFlops", "wgmma-flops", "int64_t", "4096",
           "16-bit tensor FLOPs of a multiprocessor in a cycle, by wgmma">,
    Option<"exponentials", "exponentials", "int64_t", "16",
           "Exponentials of a multiprocessor in a cycle">,
  ];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def Bufferize : Pass<"simplex-bufferize", "::mlir::ModuleOp"> {
  let summary = "One-shot bufferization with contiguous rows at the boundary";
  let description = [{
    Upstream's one-shot bufferization of a module with its functions.
    Arguments become memrefs with dynamic strides except for the innermost
    dimension, which is contiguous: `strided<[?, ?, ?, 1], offset: ?>`;
    results are returned as plain memrefs. An operand that is a view across its
    innermost dimension is copied.

    ```mlir
    func.func @f(%q: tensor<1x?x2x8xf32>) -> tensor<1x?x2x8xf32> {
      %out, %lse = simplex.attention query(%q) keys(%q) values(%q) form multilinear windows [4]
          : (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>)
          -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
      return %out : tensor<1x?x2x8xf32>
    }
    // ==>
    memref.alloc
    memref.alloc
    simplex.attention query(%q) keys(%q) values(%q) outs(%out, %lse)
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OutlineKernels : Pass<"simplex-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move each attention on buffers into a kernel function";
  let description = [{
    Each `simplex.attention` on memrefs becomes a `simplex.launch` of a new
    private function with the attribute `simplex.kernel`, whose arguments are
    the operands: memrefs with dynamic strides (innermost contiguous) and
    index values, in the order query, keys, values, positions, range, outs.

    ```mlir
    func.func @f(%q: memref<1x9x2x8xf32>, %out: memref<1x9x2x8xf32>, %lse: memref<1x2x9xf32>) {
      simplex.attention query(%q) keys(%q) values(%q) outs(%out, %lse) form multilinear windows [4]
          : (memref<1x9x2x8xf32>, memref<1x9x2x8xf32>, memref<1x9x2x8xf32>,
             memref<1x9x2x8xf32>, memref<1x2x9xf32>) -> ()
      return
    }
    // ==>
    func.func private @f_kernel(...) attributes {simplex.kernel} { simplex.attention }
    func.func @f { memref.cast; simplex.launch @f_kernel(%q, %q, %q, %out, %lse) }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect",
                           "::simplexir::SimplexDialect"];
}

def TileAttention : Pass<"simplex-tile-attention", "::mlir::func::FuncOp"> {
  let summary = "Cut an attention into loops over tiles, with a two-pass softmax";
  let description = [{
    Inside a kernel function, replaces `simplex.attention` (on memrefs, with a
    schedule) by the work of one work item: a tile of query rows, loops over
    last-key tiles and outer keys bounded by the windows, so that tiles outside
    every row's window are never visited. The softmax is in two passes: a loop
    nest finds the row maxima, a second one sums. Sets `simplex.grid`.

    With `widen`, tiles hold the accumulator type instead of the element type
    (what the CPU wants). With `dot-bf16` as well, the operands of matrix
    products of a bf16 attention stay bf16: the last key and value, the combined
    tile and the probabilities (for chips that multiply pairs of bf16 numbers).

    From four keys on (n = 5) the combined tile of a bf16 attention is f32, but
    where the schedule has warpgroup products; on a CPU the last key is, too.

    Where f32 terms may cancel (a form with a negative coefficient), the combined
    tile and the logits are f64, rounded to f32 by a `simplex.convert`; with
    `widen` the query and the keys are f64 too.

    ```mlir
    func.func private @kernel(%q: memref<?x?x2x8xf32>, %k: memref<?x?x2x8xf32>, %v: memref<?x?x2x8xf32>,
                              %out: memref<?x?x2x8xf32>, %lse: memref<?x2x?xf32>)
        attributes {simplex.kernel} {
      simplex.attention query(%q) keys(%k) values(%v) outs(%out, %lse) form multilinear windows [4]
          {schedule = #simplex.schedule<rows = 8, keys = 16>}
          : (memref<?x?x2x8xf32>, memref<?x?x2x8xf32>, memref<?x?x2x8xf32>,
             memref<?x?x2x8xf32>, memref<?x2x?xf32>) -> ()
      return
    }
    // ==>
    simplex.work_item
    simplex.load                                   // the query rows
    scf.for { simplex.load; simplex.combine; simplex.contract; simplex.mask; simplex.row_max }
    scf.for { simplex.contract; simplex.mask; simplex.exp; simplex.row_sum; simplex.fold }
    simplex.finalize
    simplex.store
    simplex.store
    ```

    Errors: an attention without a schedule.
  }];
  let options = [
    Option<"widen", "widen", "bool", "false", "Tiles hold the accumulator type">,
    Option<"dotBF16", "dot-bf16", "bool", "false",
           "Operands of matrix products stay bf16">,
    Option<"pad", "pad", "int64_t", "1", "Pad head dims of tiles to a multiple">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::simplexir::SimplexDialect"];
}

def FuseOnlineSoftmax : Pass<"simplex-fuse-online-softmax"> {
  let summary = "Turn the two-pass softmax into one pass with a running maximum";
  let description = [{
    Finds a loop nest that only computes row maxima and the nest after it that
    uses them, over the same bounds, and merges both: the maximum is carried
    with sum and accumulator, which `simplex.rescale` moves to each new one.

    ```mlir
    func.func @f(%s: !simplex.tile<16x16xf32>, %begin: index, %end: index, %step: index)
        -> !simplex.tile<16xf32> {
      %low = simplex.fill 0xFFF0000000000000 : !simplex.tile<16xf32>
      %zero = simplex.fill 0.0 : !simplex.tile<16xf32>
      %max = scf.for %i = %begin to %end step %step iter_args(%m = %low) -> !simplex.tile<16xf32> {
        %new = simplex.row_max %s, %m scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
        scf.yield %new : !simplex.tile<16xf32>
      }
      %sum = scf.for %i = %begin to %end step %step iter_args(%l = %zero) -> !simplex.tile<16xf32> {
        %p = simplex.exp %s, %max scale 1.0 : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
        %new = simplex.row_sum %p, %l : !simplex.tile<16x16xf32>, !simplex.tile<16xf32>
        scf.yield %new : !simplex.tile<16xf32>
      }
      return %sum : !simplex.tile<16xf32>
    }
    // ==>
    scf.for { simplex.row_max; simplex.rescale; simplex.exp; simplex.row_sum }
    ```

    Nests that do not match, and maxima with other users, stay as they are.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::simplexir::SimplexDialect"];
}

def FoldBiases : Pass<"simplex-fold-biases"> {
  let summary = "Turn the last operand's bias into a row constant";
  let description = [{
    q.(k + b) = q.k + b * sum(C), and P(V + c) = PV + c * rowsum(P): no operand
    is rewritten.

    ```mlir
    func.func @f(%c: !simplex.tile<16x32xf32>, %k: !simplex.tile<8x32xf32>) -> !simplex.tile<16x8xf32> {
      %s = simplex.contract %c, %k transposed {bias = 0.5 : f64}
           : !simplex.tile<16x32xf32>, !simplex.tile<8x32xf32> -> !simplex.tile<16x8xf32>
      return %s : !simplex.tile<16x8xf32>
    }
    // ==>
    %zero = simplex.fill 0.0
    %r = simplex.row_sum %c, %zero {factor = 0.5 : f64}
    %s = simplex.contract %c, %k init %r transposed
    ```
  }];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def GuardMasks : Pass<"simplex-guard-masks"> {
  let summary = "Mask only tiles that a window's edge crosses";
  let description = [{
    Puts each `simplex.mask` under a condition that is false for tiles inside
    every row's windows.

    ```mlir
    func.func @f(%s: !simplex.tile<16x32xf32>, %i: index, %j: index, %begin: index, %end: index)
        -> !simplex.tile<16x32xf32> {
      %m = simplex.mask %s rows(%i) columns(%j) range(%begin, %end) windows [64] heads 8
           : !simplex.tile<16x32xf32>
      return %m : !simplex.tile<16x32xf32>
    }
    // ==>
    %edge = arith.cmpi; arith.ori
    scf.if %edge { simplex.mask } else { %s }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

#endif // SIMPLEXIR_TRANSFORMS_PASSES_TD
