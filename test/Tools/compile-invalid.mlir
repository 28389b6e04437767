// REQUIRES: simplex-compile
// RUN: not simplex-compile %s --chip=x86-64-v3 -o %t 2>&1 | FileCheck %s
// RUN: echo 'func.func @f() { return }' | not simplex-compile - --chip=x86-64-v3 -o %t 2>&1 | FileCheck %s --check-prefix=NONE

// NONE: error: '-' has no function with a simplex.attention

func.func @computed(%q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>)
    -> tensor<1x8x2x4xf32> {
  %k2 = tensor.empty() : tensor<1x8x2x4xf32>
  // CHECK: compile-invalid.mlir:[[#@LINE+1]]:{{.*}}: error: 'simplex.attention' op operand 2 is not an argument of the function
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k2)
      form multilinear windows [0]
      : (tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>)
      -> (tensor<1x8x2x4xf32>, tensor<1x2x8xf32>)
  return %out : tensor<1x8x2x4xf32>
}
