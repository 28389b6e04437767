// DEFINE: %{front} = --simplex-bufferize
// DEFINE: %{tile} = --simplex-outline-kernels --canonicalize --cse
// RUN: simplex-opt %s %{front} --simplex-select-schedule="target=gpu" %{tile} --simplex-tile-attention=pad=16 \
// RUN:   | FileCheck %s --check-prefixes=CHECK,GPU
// RUN: simplex-opt %s %{front} --simplex-select-schedule %{tile} --simplex-tile-attention="widen dot-bf16" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,CPU
// A CPU ignores wgmma, whoever asks for it.
// RUN: sed 's/windows .4, 4, 4, 64./& {schedule = #simplex.schedule<rows = 16, keys = 64, warps = 4, wgmma = true>}/' %s \
// RUN:   | simplex-opt %{front} --simplex-select-schedule %{tile} --simplex-tile-attention="widen dot-bf16" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,CPU
// RUN: simplex-opt %s %{front} --simplex-select-schedule="target=gpu wgmma" %{tile} --simplex-tile-attention=pad=16 \
// RUN:   | FileCheck %s --check-prefix=WGMMA
// RUN: simplex-opt %s --simplex-nvptx-pipeline="chip=sm_80 emit=mlir" | FileCheck %s --check-prefix=MMA

!q = tensor<?x?x4x16xbf16>
!k = tensor<?x?x1x16xbf16>
!lse = tensor<?x4x?xf32>

// Of four keys a combined tile keeps f32, and so does a CPU's last key.
// CHECK-LABEL: func.func private @five_kernel
// CHECK: %[[C:.*]] = simplex.combine {{.*}} -> !simplex.tile<{{[0-9]+}}x16xf32>
// GPU: simplex.contract %[[C]], %{{.*}} transposed : <{{[0-9]+}}x16xf32>, !simplex.tile<{{[0-9]+}}x16xbf16>
// CPU: simplex.contract %[[C]], %{{.*}} transposed : <{{[0-9]+}}x16xf32>, !simplex.tile<{{[0-9]+}}x16xf32>
// GPU and CPU multiply values in bf16.
// CHECK: simplex.contract %{{.*}} : <{{[0-9]+}}x{{[0-9]+}}xbf16>, !simplex.tile<{{[0-9]+}}x16xbf16>
// A warpgroup product's left operand has the right one's type.
// WGMMA-LABEL: func.func private @five_kernel
// WGMMA: simplex.combine {{.*}} -> !simplex.tile<{{[0-9]+}}x16xbf16>
// MMA-LABEL: gpu.func @five_kernel
// MMA: nvvm.mma.sync {{.*}}tf32
func.func @five(%q: !q, %k: !k) -> (!q, !lse) {
  %out, %lse = simplex.attention query(%q) keys(%k, %k, %k, %k) values(%k, %k, %k, %k)
      form multilinear windows [4, 4, 4, 64] : (!q, !k, !k, !k, !k, !k, !k, !k, !k) -> (!q, !lse)
  return %out, %lse : !q, !lse
}

// Of three it is bf16.
// CHECK-LABEL: func.func private @four_kernel
// CHECK: simplex.combine {{.*}} -> !simplex.tile<{{[0-9]+}}x16xbf16>
// MMA-LABEL: gpu.func @four_kernel
// MMA-NOT: tf32
func.func @four(%q: !q, %k: !k) -> (!q, !lse) {
  %out, %lse = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k)
      form multilinear windows [4, 4, 64] : (!q, !k, !k, !k, !k, !k, !k) -> (!q, !lse)
  return %out, %lse : !q, !lse
}
