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
    simplex.attention ... windows [512, 32]
    // ==>
    simplex.attention ... windows [32, 512] {schedule = #simplex.schedule<rows = 8, keys = 128>}
    ```

    Remarks (`--remarks-filter=simplex`): the schedule and why it was taken;
    why warpgroup products (`wgmma`) are not used where the chip has them.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "cpu or gpu">,
    Option<"rows", "rows", "int64_t", "0", "Rows of a tile (0: choose)">,
    Option<"keys", "keys", "int64_t", "0", "Last keys of a tile (0: choose)">,
    Option<"splits", "splits", "int64_t", "0", "Softmax states (0: choose)">,
    Option<"warps", "warps", "int64_t", "0", "Warps of a block (0: choose)">,
    Option<"stages", "stages", "int64_t", "0", "Key tiles in flight (0: choose)">,
    Option<"wgmma", "wgmma", "bool", "false",
           "The chip has warpgroup products: use them where they pay">,
  ];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def Bufferize : Pass<"simplex-bufferize", "::mlir::ModuleOp"> {
  let summary = "One-shot bufferization with contiguous rows at the boundary";
  let description = [{
    Upstream's one-shot bufferization of a module with its functions.
    Arguments become memrefs with dynamic strides except for the innermost
    dimension, which is contiguous: `strided<[?, ?, ?, 1], offset: ?>`;
    results are returned as plain memrefs.
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
    (what the CPU wants).
  }];
  let options = [
    Option<"widen", "widen", "bool", "false", "Tiles hold the accumulator type">,
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
    %m = scf.for ... { simplex.row_max }
    %l, %acc = scf.for ... { simplex.exp %s, %m ... }
    // ==>
    %m, %l, %acc = scf.for ... { simplex.row_max; simplex.rescale; simplex.exp ... }
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::simplexir::SimplexDialect"];
}

def FoldBiases : Pass<"simplex-fold-biases"> {
  let summary = "Turn the last operand's bias into a row constant";
  let description = [{
    q.(k + b) = q.k + b * sum(C), and P(V + c) = PV + c * rowsum(P): no operand
    is rewritten.

    ```mlir
    %s = simplex.contract %c, %k transposed {bias = 0.5 : f64}
    // ==>
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
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::simplexir::SimplexDialect"];
}

#endif // SIMPLEXIR_TRANSFORMS_PASSES_TD
