// RUN: simplex-opt %s --simplex-assign-shared-memory | FileCheck %s

// What reuses memory lies over the rings, but not over barriers, which live on: they are behind the longer of both.
// CHECK: gpu.func @f
// CHECK-SAME: simplex.shared_memory = 528
// CHECK: %[[MEMORY:.*]] = gpu.dynamic_shared_memory
// CHECK-DAG: %[[RING:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[BARRIERS:.*]] = arith.constant 512 : index
// CHECK-DAG: memref.view %[[MEMORY]][%{{c0.*}}][] : {{.*}} to memref<64xf32
// CHECK-DAG: memref.view %[[MEMORY]][%{{c0.*}}][] : {{.*}} to memref<128xf32
// CHECK-DAG: memref.view %[[MEMORY]][%[[BARRIERS]]][] : {{.*}} to memref<2x1xi64
module {
  gpu.module @kernels {
    gpu.func @f(%x: f32, %n: i64, %i: index) kernel {
      %c0 = arith.constant 0 : index
      %barriers = memref.alloc() : memref<2x1xi64, #gpu.address_space<workgroup>>
      memref.store %n, %barriers[%i, %c0] : memref<2x1xi64, #gpu.address_space<workgroup>>
      %ring = memref.alloc() : memref<64xf32, #gpu.address_space<workgroup>>
      memref.store %x, %ring[%i] : memref<64xf32, #gpu.address_space<workgroup>>
      %shares = memref.alloc() {simplex.reuse} : memref<128xf32, #gpu.address_space<workgroup>>
      memref.store %x, %shares[%i] : memref<128xf32, #gpu.address_space<workgroup>>
      gpu.return
    }
  }
}
