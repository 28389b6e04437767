//===- Passes.td - Passes of the code generators --------- -*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CODEGEN_PASSES_TD
#define SIMPLEXIR_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignScratch : Pass<"simplex-assign-scratch", "::mlir::func::FuncOp"> {
  let summary = "Give every tile of a CPU kernel a place in its workspace";
  let description = [{
    Register allocation for tiles. Each value of tile type gets an offset in
    one workspace, which becomes the kernel's last argument; tiles whose lives
    do not meet share memory. A running state is updated in place: the init,
    the iteration argument, the yielded value and the result of a loop have one
    place, and an operation that works element by element writes over the
    operand that dies in it (`simplex.in_place`). Where that is not legal (the
    old maximum is still read after the new one is known), a `simplex.convert`
    to the same type copies. The values stay SSA values: offsets are the
    attribute `simplex.scratch` of the operation that defines them.

    Rows are padded to 16 elements, so that vectors need no mask, and buffers
    are aligned to 64 bytes. A tile that a `simplex.contract` reads transposed
    is stored transposed by its load (`simplex.transposed`), the right side of a
    product of bf16 tiles in pairs along the depth, as the instruction takes it
    (`simplex.paired`). The function gets
    `simplex.workspace`, the bytes one thread needs.

    ```mlir
    func.func private @f(%m: memref<?x?x1x16xf32>, %n: index, %lse: memref<?x1x?xf32>)
        attributes {simplex.kernel} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %l0 = simplex.fill 0.0 : !simplex.tile<8xf32>
      %l = scf.for %i = %c0 to %n step %c1 iter_args(%x = %l0) -> !simplex.tile<8xf32> {
        %p = simplex.load %m[%c0, %i, %c0] valid(%c0, %n, %c1) heads 1
             : memref<?x?x1x16xf32> -> !simplex.tile<8x16xf32>
        %y = simplex.row_sum %p, %x : !simplex.tile<8x16xf32>, !simplex.tile<8xf32>
        scf.yield %y : !simplex.tile<8xf32>
      }
      simplex.store %l, %lse[%c0, %c0, %c0] valid(%c0, %n, %c1) heads 1
          : !simplex.tile<8xf32>, memref<?x1x?xf32>
      return
    }
    // ==>
    func.func private @f(..., %workspace: memref<?xi8>) attributes {simplex.workspace = 704} {
      %l0 = simplex.fill 0.0 {simplex.scratch = array<i64: 576>}
      %l = scf.for ... iter_args(%x = %l0) {
        %p = simplex.load {simplex.scratch = array<i64: 64>}
        %y = simplex.row_sum %p, %x {simplex.scratch = array<i64: 576>} } }
    ```
  }];
  let dependentDialects = ["::simplexir::SimplexDialect"];
}

def ConvertSimplexToVector : Pass<"convert-simplex-to-vector", "::mlir::func::FuncOp"> {
  let summary = "Lower tile operations to loops of vector operations";
  let description = [{
    One pattern an operation, after `--simplex-assign-scratch`. Tiles become
    `memref<?xf32>` views of the workspace. A contraction is a loop nest around
    a micro kernel that keeps a block of the result in `registers` vector
    registers; `simplex.exp` and the like use math.exp2 on vectors
    (`--simplex-expand-math`). Multiplications and additions are marked
    `contract`: the target fuses them where it has FMA. Of bf16 tiles a
    contraction multiplies pairs (`x86vector.avx512.dot`).

    ```mlir
    %s = simplex.contract %c, %k transposed {simplex.scratch = array<i64: 4096>} : ...
    // ==>
    scf.for %col ... { scf.for %row ... {
      %acc:24 = scf.for %d ... iter_args(...) { 3 loads of %k, 8 of %c, 24 fma }
      24 x vector.store } }
    ```
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "int64_t", "32",
           "Width of a vector register">,
    Option<"registers", "registers", "int64_t", "16", "Vector registers">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::x86vector::X86VectorDialect"];
}

def ExpandMath : Pass<"simplex-expand-math"> {
  let summary = "Expand exp2 and log2 to arithmetic";
  let description = [{
    Generated code is loaded without a math library. `math.exp2` and
    `math.log2` of f32 and f64, scalars or vectors, become polynomials (f32
    within 2 ulp, f64 within 1e-14 relative; results below the smallest normal
    number are flushed to 0), and conversions between f32 and bf16 become
    integer arithmetic that rounds to nearest even; with
    `half`, f16 too (for chips without F16C).

    ```mlir
    func.func @f(%x: vector<16xf32>) -> vector<16xf32> {
      %y = math.exp2 %x : vector<16xf32>
      return %y : vector<16xf32>
    }
    // ==>
    %t = arith.addf %x, %magic       // round to an integer n, in the low bits
    ...                              // polynomial in x - n
    %e = arith.shli %bits, %c23      // 2^n
    %y = arith.addi %p, %e
    ```
  }];
  let options = [
    Option<"half", "half", "bool", "false", "Expand conversions of f16 too">,
    Option<"roundBF16", "round-bf16", "bool", "true",
           "Expand roundings to bf16">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def CastMaskedAccess : Pass<"simplex-cast-masked-access"> {
  let summary = "Make masked accesses of 16-bit floats accesses of integers";
  let description = [{
    Where a chip has no masked access of 16-bit elements, LLVM cuts one into
    elements, and moves a bf16 element by conversions (`__truncsfbf2`) that
    generated code, loaded without a library, does not have. Integers are moved
    as they are.

    ```mlir
    llvm.intr.masked.store %x, %p, %mask : vector<8xbf16>, ...
    // ==>
    %bits = llvm.bitcast %x : vector<8xbf16> to vector<8xi16>
    llvm.intr.masked.store %bits, %p, %mask : vector<8xi16>, ...
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerGridFunction : Pass<"simplex-lower-grid-function", "::mlir::ModuleOp"> {
  let summary = "Give CPU kernels the runtime's calling convention";
  let description = [{
    A kernel becomes an `llvm.func` that runs the work items first .. last. Its
    first argument points to 64-bit words: each memref's descriptor (allocated
    and aligned pointer, offset, sizes, strides) and each index, in the order
    of the kernel's arguments.

    ```mlir
    func.func private @k(%x: memref<?xf32, strided<[1], offset: ?>>, %ws: memref<?xi8>)
        attributes {simplex.kernel, simplex.workspace = 256 : i64} {
      %item = simplex.work_item
      %v = memref.load %x[%item] : memref<?xf32, strided<[1], offset: ?>>
      memref.store %v, %x[%item] : memref<?xf32, strided<[1], offset: ?>>
      return
    }
    // ==>
    llvm.func @k(%words: !llvm.ptr, %first: i64, %last: i64, %workspace: !llvm.ptr)
    scf.for %item = %first to %last { memref.load; memref.store }
    llvm.return
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def EmitNVPTX : Pass<"simplex-emit-nvptx", "::mlir::ModuleOp"> {
  let summary = "Compile each gpu.module to PTX or a cubin";
  let description = [{
    Replaces every `gpu.module` (in the LLVM and NVVM dialects) by a
    `gpu.binary` of the same name that holds its PTX or cubin. A cubin's kernel
    table says what ptxas reports of each kernel: registers, spills, shared
    memory. ptxas is looked for in PATH and CUDA_HOME.

    ```mlir
    module attributes {gpu.container_module} {
      gpu.module @kernels {
        llvm.func @f() attributes {nvvm.kernel} {
          llvm.return
        }
      }
    }
    // ==>
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "...">]
    ```

    Errors: an unknown chip (the message lists the known ones); a cubin without
    ptxas; what ptxas prints.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "The GPU to compile for">,
    Option<"emit", "emit", "std::string", "\"ptx\"", "ptx or cubin">,
    Option<"ptxas", "ptxas", "std::string", "\"\"", "The path of ptxas">,
  ];
}

def LowerLaunch : Pass<"simplex-lower-launch", "::mlir::ModuleOp"> {
  let summary = "Turn simplex.launch into calls of the runtime";
  let description = [{
    Every function that is defined and is no kernel gets one more argument, a
    pointer to the call's context, which calls between functions pass on. Public
    ones get a C interface (`_mlir_ciface_NAME`).

    ```c
    struct SimplexirHostContext {
      int32_t status; // in: 0; out: the first error's SimplexirStatus
      int32_t target; // 0 is the CPU, 1 the GPU
      void *stream;   // GPU: the stream to launch on
    };
    ```

    A launch stores its operands as 64-bit words (docs/artifact.md) and calls
    `simplexirHostLaunch`, unless an earlier launch has failed. Kernels are
    erased: their code is in the artifact, the bytes of the module's attribute
    `simplex.artifact`, which become a constant. Without that attribute the
    module refers to `simplexir_artifact` and `simplexir_artifact_size`, to be
    defined elsewhere.

    ```mlir
    func.func private @kernel(%m: memref<?xf32>, %i: index) attributes {simplex.kernel} {
      return
    }
    func.func @f(%m: memref<?xf32>, %i: index) {
      simplex.launch @kernel(%m, %i) : memref<?xf32>, index
      return
    }
    // ==>
    %status = llvm.load %context : !llvm.ptr -> i32
    scf.if (%status == 0) {
      llvm.store %pointer, %words[0] ...
      %s = llvm.call @simplexirHostLaunch(%artifact, %size, %name, %words, %n, %target, %stream)
      llvm.store %s, %context }
    ```
  }];
  let options = [Option<"keepKernels", "keep-kernels", "bool", "false",
                        "Leave the kernel functions in the module">];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

#endif // SIMPLEXIR_CODEGEN_PASSES_TD
