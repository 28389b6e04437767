// RUN: simplex-opt %s --simplex-bufferize --simplex-select-schedule=target=gpu --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-separate-chunks --canonicalize --cse | FileCheck %s
// RUN: simplex-opt %s --simplex-bufferize --simplex-select-schedule=target=gpu --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --simplex-separate-chunks --canonicalize --cse --loop-invariant-code-motion --simplex-stage-tiles | FileCheck %s --check-prefix=STAGED
// RUN: not simplex-opt %s --simplex-bufferize --simplex-select-schedule=target=gpu --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// RUN:   --loop-invariant-code-motion --simplex-stage-tiles --convert-simplex-to-gpu 2>&1 | FileCheck %s --check-prefix=ORDER

// D = 64: two half blocks of eight chunks, and a rest of five chunks and a dim
// left over, which the last key holds as it is, the others once for each term.
// CHECK-LABEL: func.func private @determinant_kernel
// CHECK: %[[Q:.*]] = simplex.load %arg0{{.*}} {layout = #simplex.chunked<chunk = 3, head_dim = 64, rotations = [1, 2]>} {{.*}} -> <64x80xbf16>
// CHECK: scf.for
// CHECK: %[[K2:.*]] = simplex.load %arg2{{.*}} {layout = #simplex.chunked<chunk = 3, head_dim = 64, rotations = [0]>} {{.*}} -> <64x64xbf16>
// CHECK: simplex.load %arg4{{.*}} heads 1 : {{.*}} -> <64x64xbf16>
// CHECK: %[[K1:.*]] = simplex.load %arg1{{.*}} {layout = #simplex.chunked<chunk = 3, head_dim = 64, rotations = [2, 1]>} {{.*}} -> <1x80xbf16>
// CHECK: %[[C:.*]] = simplex.combine #simplex.determinant %[[Q]], %[[K1]] {{.*}} head_dim 64 separated : {{.*}} -> !simplex.tile<64x64xbf16>
// CHECK: simplex.contract %[[C]], %[[K2]] transposed

// Arranged once they have arrived.
// STAGED-LABEL: func.func private @determinant_kernel
// STAGED: simplex.copy %arg0
// STAGED: simplex.copy_wait
// STAGED-NEXT: simplex.arrange <chunk = 3, head_dim = 64, rotations = [1, 2]>
// STAGED-NEXT: gpu.barrier
// STAGED: scf.for
// STAGED: simplex.copy_wait
// STAGED: scf.if
// STAGED: simplex.arrange <chunk = 3, head_dim = 64, rotations = [0]>
// STAGED: gpu.barrier
// STAGED: scf.for

// ORDER: error: 'simplex.combine' op mixes columns of several threads: run --simplex-separate-chunks first
func.func @determinant(%q: tensor<1x?x64x64xbf16>, %k1: tensor<1x?x1x64xbf16>, %k2: tensor<1x?x1x64xbf16>,
                       %v1: tensor<1x?x1x64xbf16>, %v2: tensor<1x?x1x64xbf16>) -> tensor<1x?x64x64xbf16> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) form determinant windows [4, 32]
      : (tensor<1x?x64x64xbf16>, tensor<1x?x1x64xbf16>, tensor<1x?x1x64xbf16>,
         tensor<1x?x1x64xbf16>, tensor<1x?x1x64xbf16>) -> (tensor<1x?x64x64xbf16>, tensor<1x64x?xf32>)
  return %out : tensor<1x?x64x64xbf16>
}
