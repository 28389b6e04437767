// RUN: simplex-opt %s --simplex-select-schedule=dot-bf16 | FileCheck %s --check-prefix=SCHEDULE
// RUN: simplex-opt %s --simplex-select-schedule | FileCheck %s --check-prefix=WIDE
// RUN: simplex-opt %s --simplex-select-schedule=dot-bf16 --simplex-tile-attention="widen dot-bf16" | FileCheck %s
// RUN: simplex-opt %s --simplex-select-schedule --simplex-tile-attention="widen" | FileCheck %s --check-prefix=NONE
// RUN: sed "s/bf16/f16/g" %s | simplex-opt --simplex-select-schedule=dot-bf16 --simplex-tile-attention="widen dot-bf16" | FileCheck %s --check-prefix=NONE

!rows = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1], offset: ?>>
!key = memref<?x?x1x128xbf16, strided<[?, ?, ?, 1], offset: ?>>
!lse = memref<?x8x?xf32, strided<[?, ?, 1], offset: ?>>

// Tiles of two bytes an element: twice the keys fit the cache.
// SCHEDULE: schedule = #simplex.schedule<rows = 8, keys = 64
// WIDE: schedule = #simplex.schedule<rows = 8, keys = 32

// Only the operands of products are bf16: rows of outer keys and values, the
// query and all that is summed are not.
// CHECK-LABEL: func.func private @f
// CHECK: simplex.load %arg0{{.*}} -> <8x128xf32>
// CHECK: %[[K:.*]] = simplex.load %arg2{{.*}} -> <64x128xbf16>
// CHECK: simplex.load %arg1{{.*}} -> <1x128xf32>
// CHECK: %[[C:.*]] = simplex.combine {{.*}} -> !simplex.tile<8x128xbf16>
// CHECK: simplex.contract %[[C]], %[[K]] transposed {{.*}} -> <8x64xf32>
// CHECK: simplex.load %arg4{{.*}} -> <64x128xbf16>
// CHECK: %[[E:.*]] = simplex.exp {{.*}} <8x64xf32>
// CHECK: simplex.row_sum %[[E]]
// CHECK: %[[P:.*]] = simplex.convert %[[E]] {{.*}} -> <8x64xbf16>
// CHECK: simplex.contract %[[P]], {{.*}} -> <8x128xf32>
// CHECK: simplex.fold {{.*}}!simplex.tile<1x128xf32>
// NONE-NOT: tile<{{.*}}xbf16>
// NONE-NOT: -> <{{.*}}xbf16>
func.func private @f(%q: !rows, %k1: !key, %k2: !key, %v1: !key, %v2: !key, %out: !rows, %lse: !lse)
    attributes {simplex.kernel} {
  simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2) outs(%out, %lse)
      form multilinear windows [32, 512] : (!rows, !key, !key, !key, !key, !rows, !lse) -> ()
  return
}
