// f64 is for the CPU alone.

// RUN: simplex-opt %s --simplex-bufferize --simplex-select-schedule=target=cpu | FileCheck %s
// RUN: simplex-opt %s --verify-diagnostics --simplex-bufferize --simplex-select-schedule=target=gpu

// CHECK: #simplex.schedule<
func.func @f(%q: tensor<1x8x4x16xf64>, %k: tensor<1x8x1x16xf64>) -> tensor<1x8x4x16xf64> {
  // expected-error @+1 {{'simplex.attention' op has elements of type 'f64', expected bf16, f16 or f32 on a GPU}}
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k) form multilinear windows [8]
      : (tensor<1x8x4x16xf64>, tensor<1x8x1x16xf64>, tensor<1x8x1x16xf64>)
      -> (tensor<1x8x4x16xf64>, tensor<1x4x8xf64>)
  return %out : tensor<1x8x4x16xf64>
}
