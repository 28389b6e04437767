// RUN: simplex-opt %s --simplex-select-schedule --split-input-file | FileCheck %s --check-prefixes=CHECK,CPU
// RUN: simplex-opt %s --simplex-select-schedule=target=gpu --split-input-file | FileCheck %s --check-prefixes=CHECK,GPU
// RUN: simplex-opt %s --simplex-select-schedule="rows=4 keys=32" --split-input-file | FileCheck %s --check-prefix=FORCED
// RUN: simplex-opt %s --simplex-select-schedule --split-input-file --remarks-filter=simplex --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not simplex-opt %s --simplex-select-schedule=target=tpu --split-input-file 2>&1 | FileCheck %s --check-prefix=TARGET

// TARGET: simplex-select-schedule: target is 'tpu', expected cpu or gpu

// The largest window goes last, with its key, value and biases.
// CHECK-LABEL: func.func @reorder
// CHECK-SAME: %{{[^:]+}}: tensor<1x64x8x64xf32>, %[[K1:[^:]+]]: tensor<1x64x1x64xf32>, %[[K2:[^:]+]]: tensor<1x64x1x64xf32>
// CHECK: keys(%[[K2]], %[[K1]])
// CHECK-SAME: form multilinear windows [16, 128] key_biases [2.000000e+00, 1.000000e+00]
// CPU-SAME: schedule = #simplex.schedule<rows = 8, keys = 64
// GPU-SAME: schedule = #simplex.schedule<rows = 16, keys = 64, splits = 4, warps = 4, stages = 2>
// FORCED: schedule = #simplex.schedule<rows = 4, keys = 32
// REMARK: remark: {{.*}}rows 8, keys 64
func.func @reorder(%q: tensor<1x64x8x64xf32>, %k1: tensor<1x64x1x64xf32>, %k2: tensor<1x64x1x64xf32>)
    -> tensor<1x64x8x64xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%k1, %k2)
      form multilinear windows [128, 16] key_biases [1.0, 2.0]
      : (tensor<1x64x8x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>,
         tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>)
      -> (tensor<1x64x8x64xf32>, tensor<1x8x64xf32>)
  return %out : tensor<1x64x8x64xf32>
}

// -----

// Swapped keys of a determinant: the form says so, the tail keeps its sign.
// CHECK-LABEL: func.func @determinant
// CHECK: form #simplex.determinant<reversed = true> windows [16, 128]
func.func @determinant(%q: tensor<1x64x8x64xf32>, %k1: tensor<1x64x1x64xf32>, %k2: tensor<1x64x1x64xf32>)
    -> tensor<1x64x8x64xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%k1, %k2)
      form determinant windows [128, 16]
      : (tensor<1x64x8x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>,
         tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>)
      -> (tensor<1x64x8x64xf32>, tensor<1x8x64xf32>)
  return %out : tensor<1x64x8x64xf32>
}

// -----

// An attribute overrides the choice.
// CHECK-LABEL: func.func @given
// CHECK: windows [128, 16] {schedule = #simplex.schedule<rows = 8, keys = 16
func.func @given(%q: tensor<1x64x8x64xf32>, %k1: tensor<1x64x1x64xf32>, %k2: tensor<1x64x1x64xf32>)
    -> tensor<1x64x8x64xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%k1, %k2)
      form multilinear windows [128, 16] {schedule = #simplex.schedule<rows = 8, keys = 16>}
      : (tensor<1x64x8x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>,
         tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>)
      -> (tensor<1x64x8x64xf32>, tensor<1x8x64xf32>)
  return %out : tensor<1x64x8x64xf32>
}

// -----

// An unlimited window is the largest one.
// CHECK-LABEL: func.func @unlimited
// CHECK-SAME: %{{[^:]+}}: tensor<1x64x8x64xf32>, %[[K1:[^:]+]]: tensor<1x64x1x64xf32>, %[[K2:[^:]+]]: tensor<1x64x1x64xf32>, %[[K3:[^:]+]]: tensor
// CHECK: keys(%[[K2]], %[[K3]], %[[K1]])
// CHECK-SAME: windows [2000000000, 9223372036854775807, 0]
func.func @unlimited(%q: tensor<1x64x8x64xf32>, %k1: tensor<1x64x1x64xf32>, %k2: tensor<1x64x1x64xf32>, %k3: tensor<1x64x1x64xf32>)
    -> tensor<1x64x8x64xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2, %k3) values(%k1, %k2, %k3)
      form multilinear windows [0, 2000000000, 9223372036854775807]
      : (tensor<1x64x8x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>,
         tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>, tensor<1x64x1x64xf32>)
      -> (tensor<1x64x8x64xf32>, tensor<1x8x64xf32>)
  return %out : tensor<1x64x8x64xf32>
}
