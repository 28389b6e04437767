// RUN: simplex-opt %s --simplex-lower-launch --split-input-file | FileCheck %s

// CHECK-LABEL: module {
// CHECK: llvm.mlir.global internal constant @simplexir_name_kernel("kernel\00")
// CHECK: llvm.func @simplexirHostLaunch(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr, i64, i32, !llvm.ptr) -> i32
// CHECK: llvm.mlir.global internal constant @simplexir_artifact("SMPX{{.*}}") {{{.*}}alignment = 64 : i64
module attributes {simplex.artifact = "SMPX1234"} {
  // CHECK-NOT: @kernel
  func.func private @kernel(%m: memref<?x4xf32, strided<[?, 1], offset: ?>>, %i: index)
      attributes {simplex.kernel} {
    return
  }
  // CHECK-LABEL: func.func @step
  // CHECK-SAME: %[[M:.*]]: memref<?x4xf32, strided<[?, 1], offset: ?>>, %[[I:.*]]: index, %[[CALL:.*]]: !llvm.ptr)
  // CHECK-SAME: llvm.emit_c_interface
  // CHECK: %[[WORDS:.*]] = llvm.alloca %{{.*}} x i64
  // CHECK: %[[STATUS:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i32
  // CHECK: %[[FINE:.*]] = arith.cmpi eq, %[[STATUS]]
  // CHECK: scf.if %[[FINE]] {
  // CHECK-DAG: memref.extract_aligned_pointer_as_index %[[M]]
  // CHECK-DAG: %{{.*}}, %[[OFFSET:.*]], %[[SIZES:.*]]:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[M]]
  // CHECK-COUNT-8: llvm.store %{{.*}} : i64, !llvm.ptr
  // CHECK: %[[RESULT:.*]] = llvm.call @simplexirHostLaunch({{.*}}, %[[WORDS]],
  // CHECK: llvm.store %[[RESULT]], %[[CALL]]
  func.func @step(%m: memref<?x4xf32, strided<[?, 1], offset: ?>>, %i: index) {
    simplex.launch @kernel(%m, %i) : memref<?x4xf32, strided<[?, 1], offset: ?>>, index
    return
  }
  // Calls pass the context on.
  // CHECK-LABEL: func.func private @loop
  // CHECK-SAME: %[[OUTER:[a-z0-9]*]]: !llvm.ptr)
  // CHECK: func.call @step(%{{.*}}, %{{.*}}, %[[OUTER]])
  func.func private @loop(%m: memref<?x4xf32, strided<[?, 1], offset: ?>>, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      func.call @step(%m, %i) : (memref<?x4xf32, strided<[?, 1], offset: ?>>, index) -> ()
    }
    return
  }
}

// -----

// Without bytes, the artifact is defined elsewhere.
// CHECK-DAG: llvm.mlir.global external constant @simplexir_artifact_size()
// CHECK-DAG: llvm.mlir.global external constant @simplexir_artifact()
func.func private @kernel(%i: index) attributes {simplex.kernel} {
  return
}
func.func @step(%i: index) {
  simplex.launch @kernel(%i) : index
  return
}
