// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize --cse | FileCheck %s
// RUN: simplex-opt %s --convert-simplex-to-gpu --canonicalize --cse | FileCheck %s --check-prefix=COUNT
// RUN: sed s/f32/bf16/g %s | not simplex-opt --convert-simplex-to-gpu 2>&1 | FileCheck %s --check-prefix=BF16

// A warp's 16 rows of 144 columns: 36 elements of each of a thread's two rows,
// a word for 32 of them and one for the others. A bit is tested for each, all
// of a word in one statement of PTX, and nothing else is compared but what
// tells whether the rest of a row is cut.
func.func private @k(%p: index, %c: index, %j: index, %lo: index, %hi: index,
                     %out: memref<1x64x1x144xf32>, %max: memref<1x1x64xf32>)
    attributes {simplex.grid = #simplex.grid<[0, 0], 1, [0, 1]>, simplex.kernel,
                simplex.schedule = #simplex.schedule<rows = 64, keys = 144, warps = 4>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %s = simplex.fill 1.0 : !simplex.tile<64x144xf32>
  %m = simplex.mask %s rows(%p) columns(%c) outer(%j) range(%lo, %hi) windows [32, 512] heads 16
     : !simplex.tile<64x144xf32>
  %zero = simplex.fill 0.0 : !simplex.tile<64xf32>
  %d = simplex.drop_rows %zero rows(%p) outer(%j) range(%lo, %hi) windows [32] heads 16 : !simplex.tile<64xf32>
  simplex.store %m, %out[%c0, %c0, %c0] valid(%c0, %c64, %c1) heads 1 : !simplex.tile<64x144xf32>, memref<1x64x1x144xf32>
  simplex.store %d, %max[%c0, %c0, %c0] valid(%c0, %c64, %c1) heads 1 : !simplex.tile<64xf32>, memref<1x1x64xf32>
  return
}

// CHECK: gpu.func @k
// CHECK-DAG: %[[OUT:.*]] = arith.constant 0x7F800000 : f32
// A row that may not use the outer key has no columns.
// CHECK: %[[KEEP:.*]] = arith.cmpi ult, %{{.*}}, %c32_i32 : i32
// CHECK: %[[WORD:.*]] = arith.select %[[KEEP]], %{{.*}}, %c0_i32
// CHECK: %[[REST:.*]] = arith.select %[[KEEP]], %{{.*}}, %c0_i32
// CHECK: llvm.inline_asm asm_dialect = att "{{.*}}and.b32 bit, $16, 1;{{.*}}setp.eq.b32 out, bit, 0;{{.*}}selp.f32 $0, 0fFF800000, $0, out;
// CHECK-SAME: "=&f,{{.*}},0,{{.*}},7,r" {{.*}}, %[[WORD]] :
// The left edges of four queries are in the first fragments.
// CHECK: %[[CUT:.*]] = arith.cmpi ne, %{{.*}}, %c-1_i32
// CHECK: scf.if %[[CUT]]
// CHECK: llvm.inline_asm asm_dialect = att "{{.*}}and.b32 bit, $48, 256;{{.*}}and.b32 bit, $48, 2147483648;
// CHECK-SAME: %[[WORD]] :
// CHECK: llvm.inline_asm asm_dialect = att "{{.*}}and.b32 bit, $8, 1;
// CHECK-SAME: %[[REST]] :
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[OUT]]

// Two rows: the fragments of the edge; where more is cut, the rest of the first
// word, and the second.
// COUNT: gpu.func @k
// COUNT-NOT: arith.cmpi ne, {{.*}} : i32
// COUNT-COUNT-2: llvm.inline_asm
// COUNT-NOT: {{arith.cmpi ne, .* : i32|llvm.inline_asm}}
// COUNT: arith.cmpi ne, {{.*}} : i32
// COUNT-NOT: {{arith.cmpi ne, .* : i32|llvm.inline_asm}}
// COUNT: scf.if
// COUNT-COUNT-4: llvm.inline_asm
// COUNT-NOT: {{arith.cmpi ne, .* : i32|llvm.inline_asm}}
// COUNT: gpu.return

// BF16: error: 'simplex.mask' op masks logits of f32 on a GPU, found 'bf16'

// Which query a row belongs to, where a group's size is no power of two: not by a division, which ptxas gets wrong.
// RUN: sed -e s/x8x/x3x/g %S/../../Transforms/Inputs/trilinear.mlir | simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=ptx" \
// RUN:   --mlir-print-ir-after=simplex-assign-shared-memory -o /dev/null 2>&1 | FileCheck %s --check-prefix=THIRDS
// THIRDS: gpu.func
// THIRDS: arith.muli %{{.*}}, %c1398102_i32
// THIRDS: arith.shrui %{{.*}}, %c22_i32
// THIRDS-NOT: arith.divui {{.*}} : i32
// RUN: sed -e s/x8x/x3x/g %S/../../Transforms/Inputs/trilinear.mlir | simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=ptx" \
// RUN:   | FileCheck %s --check-prefix=PTX --implicit-check-not=mul.hi.u32
// PTX: mul.lo.s32 {{.*}}, 1398102;

// Outer keys, one query: a tile's bits are known before the loop over them, one word for all rows of a thread, and kept in
// local memory: registers would be held through the loop for what few tiles need.
// RUN: sed -e s/x8x64xbf16/x64x64xbf16/g -e s/x8x/x64x/g %S/../../Transforms/Inputs/quadrilinear.mlir \
// RUN:   | simplex-opt --simplex-nvptx-pipeline="chip=sm_90a emit=mlir" | FileCheck %s --check-prefix=HIDE
// HIDE: gpu.func
// HIDE: %[[PLACE:.*]] = llvm.alloca
// HIDE: llvm.store volatile %{{.*}}, %[[PLACE]] {{.*}} : i32
// HIDE: scf.for
// HIDE: %[[WORD:.*]] = llvm.load volatile %[[PLACE]]
// HIDE-NOT: llvm.load
// HIDE: llvm.inline_asm {{.*}} %[[WORD]]
// HIDE: llvm.inline_asm {{.*}} %[[WORD]]
