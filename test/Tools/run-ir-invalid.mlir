// REQUIRES: simplex-run
// RUN: split-file %s %t
// RUN: not simplex-run %t/syntax.mlir 2>&1 | FileCheck %s --check-prefix=SYNTAX
// RUN: not simplex-run %t/empty.mlir 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not simplex-run %t/two.mlir 2>&1 | FileCheck %s --check-prefix=TWO
// RUN: not simplex-run %t/type.mlir 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not simplex-run %t/none.mlir --random-inputs=1 --extent=4 --verify 2>&1 | FileCheck %s --check-prefix=NONE

// SYNTAX: syntax.mlir:2:3: error:
//--- syntax.mlir
func.func @f(%q: tensor<1x2x3x4xf32>) {
  nonsense
}
// EMPTY: error: '{{.*}}empty.mlir' has no public function with a body
//--- empty.mlir
func.func private @f()
// TWO: error: '{{.*}}two.mlir' has several functions (f, g): choose one with --entry=NAME
//--- two.mlir
func.func @f() {
  return
}
func.func @g() {
  return
}
// TYPE: error: argument 1 has type tensor<4xi32>, expected an index or a ranked tensor of bf16, f16, f32 or f64
//--- type.mlir
func.func @f(%x: tensor<4xi32>) {
  return
}
// NONE: error: function 'f' has 0 attentions; to check and time it, it must have one
//--- none.mlir
func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
