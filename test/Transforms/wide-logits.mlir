// Terms of a determinant may be far larger than their sum, so logits of f32 are computed in f64.
// RUN: simplex-opt %s --simplex-bufferize --simplex-select-schedule --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=widen --canonicalize --cse > %t.cpu
// RUN: FileCheck %s --input-file=%t.cpu
// On a GPU operands stay f32, as they lie in shared memory.
// RUN: simplex-opt %s --simplex-bufferize --simplex-select-schedule="target=gpu" --simplex-outline-kernels \
// RUN:   --simplex-tile-attention=pad=16 --canonicalize --cse > %t.gpu
// RUN: FileCheck %s --check-prefix=GPU --input-file=%t.gpu
// The last key's bias is a row constant in f64 too.
// RUN: simplex-opt %t.cpu --simplex-fuse-online-softmax --simplex-fold-biases --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefix=BIAS
// No other form, and no other type.
// RUN: sed 's/determinant/multilinear/' %s | simplex-opt --simplex-bufferize --simplex-select-schedule \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=widen --canonicalize | FileCheck %s --check-prefix=NARROW
// RUN: sed 's/x6xf32/x6xbf16/g' %s | simplex-opt --simplex-bufferize --simplex-select-schedule \
// RUN:   --simplex-outline-kernels --simplex-tile-attention=widen --canonicalize | FileCheck %s --check-prefix=NARROW

// CHECK: %[[Q:.+]] = simplex.load {{.*}}xf32, {{.*}} -> <{{.*}}x6xf64>
// CHECK: %[[K2:.+]] = simplex.load {{.*}} -> <{{.*}}x6xf64>
// CHECK: %[[K1:.+]] = simplex.load {{.*}} -> <1x6xf64>
// CHECK: %[[C:[^ ]+]] = simplex.combine #simplex.determinant %[[Q]], %[[K1]] biases [1.000000e-01] {{.*}} -> !simplex.tile<{{.*}}x6xf64>
// The last one shows that biases are rounded to f32 as ever.
// CHECK: %[[S:.+]] = simplex.contract %[[C]], %[[K2]] transposed {bias = 0.20000000298023224 : f64} : {{.*}} -> <{{.*}}xf64>
// CHECK: %[[R:.+]] = simplex.convert %[[S]] : <{{.*}}xf64> -> <{{.*}}xf32>
// CHECK: simplex.mask %[[R]]
// Values are multiplied in f32.
// CHECK: %[[V:.+]] = simplex.load {{.*}} -> <{{.*}}x6xf32>
// CHECK: simplex.contract %{{.+}}, %[[V]] {{.*}}xf32>, {{.*}}xf32> -> <{{.*}}xf32>

// GPU: %[[Q:.+]] = simplex.load {{.*}} -> <{{.*}}x16xf32>
// GPU: %[[C:[^ ]+]] = simplex.combine #simplex.determinant %[[Q]]{{.*}}xf32>, !simplex.tile<1x16xf32> -> !simplex.tile<{{.*}}x16xf64>
// GPU: simplex.contract %[[C]], {{.*}}xf64>, !simplex.tile<{{.*}}xf32> -> <{{.*}}xf64>
// GPU: simplex.convert {{.*}}xf64> -> <{{.*}}xf32>

// BIAS: simplex.row_sum %{{.+}}, %{{.+}} {factor = 0.20000000298023224 : f64} : <{{.*}}xf64>, <{{.*}}xf64>
// BIAS-NEXT: simplex.contract {{.*}} init {{.*}} -> <{{.*}}xf64>

// NARROW: simplex.combine
// NARROW-NOT: xf64>
func.func @f(%q: tensor<1x?x2x6xf32>, %k: tensor<1x?x1x6xf32>) -> tensor<1x?x2x6xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form determinant windows [4, 32] key_biases [0.1, 0.2]
      : (tensor<1x?x2x6xf32>, tensor<1x?x1x6xf32>, tensor<1x?x1x6xf32>, tensor<1x?x1x6xf32>, tensor<1x?x1x6xf32>)
      -> (tensor<1x?x2x6xf32>, tensor<1x2x?xf32>)
  return %out : tensor<1x?x2x6xf32>
}
