//===- Passes.td - Tiles on GPUs ---------------------------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_GPU_PASSES_TD
#define SIMPLEXIR_CODEGEN_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def SeparateChunks : Pass<"simplex-separate-chunks", "::mlir::func::FuncOp"> {
  let summary = "Keep the components of a form's chunks in separate columns";
  let description = [{
    For a form that mixes the dims of a chunk (the determinant), the query, its
    keys and the combined tile get the column order of `#simplex.chunked`, so
    that the combiner needs no data of another thread. Products of the combined
    tile sum over its columns and do not care. Rows of the query and of outer
    keys may become longer, for the dims that fill no half block of eight chunks
    come once for each term; the last key's rows do not.

    ```mlir
    %q = simplex.load ... -> <64x128xbf16>
    %k1 = simplex.load ... -> <1x128xbf16>
    %k2 = simplex.load ... -> <64x128xbf16>
    %c = simplex.combine #simplex.determinant %q, %k1 ... -> <64x128xbf16>
    simplex.contract %c, %k2 transposed
    // ==>
    %q = simplex.load ... {layout = #simplex.chunked<chunk = 3, head_dim = 128, rotations = [1, 2]>} -> <64x144xbf16>
    %k1 = simplex.load ... {layout = #simplex.chunked<chunk = 3, head_dim = 128, rotations = [2, 1]>} -> <1x144xbf16>
    %k2 = simplex.load ... {layout = #simplex.chunked<chunk = 3, head_dim = 128, rotations = [0]>} -> <64x128xbf16>
    %c = simplex.combine #simplex.determinant %q, %k1 ... separated -> <64x128xbf16>
    simplex.contract %c, %k2 transposed
    ```
  }];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def StageTiles : Pass<"simplex-stage-tiles", "::mlir::func::FuncOp"> {
  let summary = "Bring tiles that matrix products share into shared memory";
  let description = [{
    In a tiled kernel, the query rows are copied to shared memory once, and the
    last key's and value's tiles come through a ring of `stages` buffers: the
    copy of the next tile starts before the arithmetic of this one. A tile that
    is loaded with a layout is arranged after it has arrived.

    ```mlir
    scf.for %c ... { %k = simplex.load ...; simplex.contract %s, %k }
    // ==>
    simplex.copy ... to %ring[0]
    scf.for %c ... iter_args(%slot) {
      simplex.copy_wait
      simplex.copy (next) to %ring[1 - %slot]
      simplex.contract %s, %ring[%slot]
    }
    ```

    With `pairs` in the schedule, a step brings two tiles and multiplies with
    the first: `--simplex-pair-tiles` must follow. A second tile of fewer columns
    (`second_keys`) takes the first rows of its buffer. An error without outer
    keys.

    ```mlir
    scf.for %c = ... step keys + second {
      simplex.copy_wait
      simplex.copy (%c) to %ring[0]
      scf.if (%c + keys < end) { simplex.copy (%c + keys) to %ring[1] }
      simplex.copy_wait
      simplex.contract %s, %ring[0]
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::gpu::GPUDialect", "::mlir::scf::SCFDialect"];
}

def StageRows : Pass<"simplex-stage-rows", "::mlir::func::FuncOp"> {
  let summary = "Keep the rows of outer keys and values in shared memory";
  let description = [{
    All rows that the loop over an outer key visits are copied before the loops
    over last-key tiles, which read them again and again, and then need not ask
    whether the operand's strides keep pairs of elements aligned. Needs a
    window, not more rows than `max-rows`, and shared memory that does not cost
    the multiprocessor a block; other loads stay as they are. (With `skew`, a row
    for each 64 rows of a tile, they have no lowering.) Skewed rows of values are
    read late: their loops have few registers left.

    ```mlir
    scf.for %j = %begin ... { simplex.load %k1[%b, %j, %h] -> <1x128xbf16> }
    // ==>
    simplex.copy %k1[%b, %begin, %h] ... to %rows
    scf.for %j = %begin ... { simplex.load_row %rows[%j - %begin] }
    ```
  }];
  let options = [
    Option<"maxRows", "max-rows", "int64_t", "64",
           "The most rows of one operand to keep">,
    Option<"sharedPerBlock", "shared-per-block", "int64_t", "232448",
           "Shared memory that a block may have, in bytes">,
    Option<"sharedPerProcessor", "shared-per-processor", "int64_t", "233472",
           "Shared memory of a multiprocessor, in bytes">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::memref::MemRefDialect", "::simplexir::SimplexDialect"];
}

def TrimMasks : Pass<"simplex-trim-masks", "::mlir::func::FuncOp"> {
  let summary = "Mask a tile of one query by its last window only";
  let description = [{
    With one query a tile, the loops over outer keys visit allowed keys only, so
    that a mask need not know them. The position of one outer key is at hand;
    those of several, in one loop over tuples (`--simplex-coalesce-keys`), are
    quotients and remainders that the loop would compute and carry for masks
    only. Runs when no pass asks masks for the windows of outer keys any more.

    ```mlir
    simplex.mask %s rows(%i) columns(%j) outer(%j1, %j2) ... windows [4, 8, 512] heads 64 : <64x128xf32>
    // ==>
    simplex.mask %s rows(%i) columns(%j) ... windows [512] heads 64 : <64x128xf32>
    ```
  }];
}

def ConvertSimplexToGPU : Pass<"convert-simplex-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Spread tiles over the registers of warps";
  let description = [{
    Turns every staged kernel function into a `gpu.func`. A tile becomes the
    fragments that one thread holds in the layout of `mma.sync`: for each 16
    rows and 8 columns a `vector<2x2>`, rows lane / 4 and lane / 4 + 8, columns
    2 (lane mod 4) and the next. A logit tile rounded to the element type is,
    without a move, the left operand of the next product.

    Where the schedule has `wgmma`, products read boxes in shared memory by
    `wgmma.mma_async`, in inline PTX; one warp's rows keep the same layout.

    ```mlir
    %s = simplex.contract %c, %k transposed
         : !simplex.tile<16x16xbf16>, memref<8x16xbf16, 3> -> !simplex.tile<16x8xf32>
    // ==>
    %b = nvgpu.ldmatrix %k[...]
    %s = nvgpu.mma.sync (%c, %b, %zero) {mmaShape = [16, 8, 16]}
    ```
  }];
  let options = [
    Option<"wgmma", "wgmma", "bool", "true", "The chip has warpgroup products">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::nvgpu::NVGPUDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def SinkFragments : Pass<"simplex-sink-fragments"> {
  let summary = "Move matrix fragments next to their use";
  let description = [{
    Sinks pure operations and shared-memory fragment loads of a block to just
    before their first user, so that few fragments are alive at a time: the
    combiner next to the product that reads it, a product of values next to the
    fold that adds it.

    ```mlir
    %a = nvgpu.ldmatrix %x[...]
    %b = nvgpu.ldmatrix %y[...]
    use(%a)
    use(%b)
    // ==>
    %a = nvgpu.ldmatrix %x[...]
    use(%a)
    %b = nvgpu.ldmatrix %y[...]
    use(%b)
    ```
  }];
}

def AssignSharedMemory : Pass<"simplex-assign-shared-memory", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Place shared buffers in the dynamic shared memory of a block";
  let description = [{
    Replaces `memref.alloc` in workgroup memory by views of
    `gpu.dynamic_shared_memory`, one after the other, and records the size as
    `simplex.shared_memory`. A buffer marked `simplex.reuse` takes the place of
    the rings, which are dead by then. Barriers (of `i64`) come behind all that:
    a round that begins again goes on with them.

    ```mlir
    module {
      gpu.module @kernels {
        gpu.func @f(%x: f32, %i: index) kernel {
          %rows = memref.alloc() : memref<64xf32, #gpu.address_space<workgroup>>
          memref.store %x, %rows[%i] : memref<64xf32, #gpu.address_space<workgroup>>
          gpu.return
        }
      }
    }
    // ==>
    gpu.func @f() kernel {
      %memory = gpu.dynamic_shared_memory
      %rows = memref.view %memory
      memref.store
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::memref::MemRefDialect"];
}

def ExpandMetadata : Pass<"simplex-expand-metadata"> {
  let summary = "Expand views of memory to arithmetic on offsets and strides";
  let description = [{
    What upstream's `expand-strided-metadata` does, to operations of memref
    alone: that pass also folds all others and simplifies their regions, a
    tenth of the time down to the LLVM dialect.

    ```mlir
    func.func @row(%x: memref<4x64xf32>, %i: index) -> memref<64xf32, strided<[1], offset: ?>> {
      %row = memref.subview %x[%i, 0] [1, 64] [1, 1]
          : memref<4x64xf32> to memref<64xf32, strided<[1], offset: ?>>
      return %row : memref<64xf32, strided<[1], offset: ?>>
    }
    // ==>
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %x
    %first = affine.apply affine_map<()[s0] -> (s0 * 64)>()[%i]
    %row = memref.reinterpret_cast %base to offset: [%first], sizes: [64], strides: [1]
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def PassMapsByValue : Pass<"simplex-pass-maps-by-value", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Make tensor maps parameters of 128 bytes";
  let description = [{
    The maps of a kernel with `simplex.maps` lie in its parameters, where the
    hardware reads them: the last pointers of the function become those. A
    `gpu.func` could not say so.

    ```mlir
    module {
      gpu.module @kernels {
        llvm.func @f(%has_maps: i64, %map: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel, simplex.maps = array<i64: 1, 64, 128>} {
          llvm.return
        }
      }
    }
    // ==>
    llvm.func @f(%has_maps: i64, %map: !llvm.ptr {llvm.align = 64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant})
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // SIMPLEXIR_CODEGEN_GPU_PASSES_TD
