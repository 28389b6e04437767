// The assembly of simplex.attention: pretty, generic and bytecode forms all
// carry every clause.

// RUN: simplex-opt %s | simplex-opt | FileCheck %s
// RUN: simplex-opt %s --mlir-print-op-generic | simplex-opt | FileCheck %s
// RUN: simplex-opt %s --emit-bytecode | simplex-opt | FileCheck %s
// RUN: simplex-opt %s --verify-roundtrip -o /dev/null

// n = 3, no optional clause.
// CHECK-LABEL: func @trilinear
// CHECK: %[[OUT:[a-z0-9_]+]], %[[LSE:[a-z0-9_]+]] = simplex.attention query(%{{.*}}) keys(%{{.*}}, %{{.*}}) values(%{{.*}}, %{{.*}}) form multilinear windows [512, 32] :
// CHECK-SAME: (tensor<1x?x64x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
// CHECK-SAME: -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>)
// CHECK-NEXT: return %[[OUT]], %[[LSE]]
func.func @trilinear(%q: tensor<1x?x64x128xbf16>, %k1: tensor<1x?x1x128xbf16>,
                     %k2: tensor<1x?x1x128xbf16>, %v1: tensor<1x?x1x128xbf16>,
                     %v2: tensor<1x?x1x128xbf16>)
    -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [512, 32]
      : (tensor<1x?x64x128xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>,
         tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
      -> (tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>)
  return %out, %lse : tensor<1x?x64x128xbf16>, tensor<1x64x?xf32>
}

// Every clause at once, in the order of the contract.
// CHECK-LABEL: func @all_clauses
// CHECK: simplex.attention query(%[[Q:[a-z0-9_]+]]) keys(%[[K:[a-z0-9_]+]], %[[K]]) values(%[[V:[a-z0-9_]+]], %[[V]])
// CHECK-SAME: positions(%[[I0:[a-z0-9_]+]], %[[I1:[a-z0-9_]+]]) key_range(%[[I2:[a-z0-9_]+]], %[[I3:[a-z0-9_]+]])
// CHECK-SAME: form multilinear windows [512, 0] bidirectional scale 1.250000e-01
// CHECK-SAME: key_biases [0.000000e+00, 7.812500e-03] value_biases [0.000000e+00, 1.000000e+00]
// CHECK-SAME: {note = "kept", schedule = #simplex.schedule<rows = 16, keys = 64, splits = 2>} :
func.func @all_clauses(%q: tensor<2x5x4x16xf32>, %k: tensor<2x7x2x16xf32>,
                       %v: tensor<2x7x2x8xf32>, %q0: index, %k0: index,
                       %lo: index, %hi: index) -> tensor<2x5x4x8xf32> {
  %out, %lse = simplex.attention query(%q) keys(%k, %k) values(%v, %v)
      positions(%q0, %k0) key_range(%lo, %hi)
      form multilinear windows [512, 0] bidirectional scale 0.125
      key_biases [0.0, 0.0078125] value_biases [0.0, 1.0]
      {note = "kept", schedule = #simplex.schedule<rows = 16, keys = 64, splits = 2>}
      : (tensor<2x5x4x16xf32>, tensor<2x7x2x16xf32>, tensor<2x7x2x16xf32>,
         tensor<2x7x2x8xf32>, tensor<2x7x2x8xf32>)
      -> (tensor<2x5x4x8xf32>, tensor<2x4x5xf32>)
  return %out : tensor<2x5x4x8xf32>
}

// The attributes may as well stand in the dictionary.
// CHECK-LABEL: func @dictionary
// CHECK: windows [3] bidirectional scale -2.000000e+00 value_biases [1.000000e+00] :
func.func @dictionary(%q: tensor<2x5x4x16xf32>, %k: tensor<2x7x2x16xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [3]
      {bidirectional, scale = -2.0 : f64, value_biases = array<f64: 1.0>}
      : (tensor<2x5x4x16xf32>, tensor<2x7x2x16xf32>, tensor<2x7x2x16xf32>)
      -> (tensor<2x5x4x16xf32>, tensor<2x4x5xf32>)
  return
}

// Scale 0, a negative one, the smallest and the largest survive.
// CHECK-LABEL: func @scales
// CHECK: scale 0.000000e+00
// CHECK: scale 4.940660e-324
// CHECK: scale -1.7976931348623157E+308
func.func @scales(%q: tensor<2x5x4x16xf64>, %k: tensor<2x7x2x16xf64>) {
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [0] scale 0.0
      : (tensor<2x5x4x16xf64>, tensor<2x7x2x16xf64>, tensor<2x7x2x16xf64>)
      -> (tensor<2x5x4x16xf64>, tensor<2x4x5xf64>)
  %o1, %l1 = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [0] scale 4.9406564584124654e-324
      : (tensor<2x5x4x16xf64>, tensor<2x7x2x16xf64>, tensor<2x7x2x16xf64>)
      -> (tensor<2x5x4x16xf64>, tensor<2x4x5xf64>)
  %o2, %l2 = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [0] scale -1.7976931348623157e+308
      : (tensor<2x5x4x16xf64>, tensor<2x7x2x16xf64>, tensor<2x7x2x16xf64>)
      -> (tensor<2x5x4x16xf64>, tensor<2x4x5xf64>)
  return
}

// n = 2, f16.
// CHECK-LABEL: func @order2
// CHECK: keys(%{{[a-z0-9]*}}) values(%{{[a-z0-9]*}}) form multilinear windows [0] :
func.func @order2(%q: tensor<?x?x8x64xf16>, %k: tensor<?x?x8x64xf16>) {
  %out, %lse = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [0]
      : (tensor<?x?x8x64xf16>, tensor<?x?x8x64xf16>, tensor<?x?x8x64xf16>)
      -> (tensor<?x?x8x64xf16>, tensor<?x8x?xf32>)
  return
}

// n = 4 and 5.
// CHECK-LABEL: func @orders4and5
// CHECK: form multilinear windows [2, 3, 4] :
// CHECK: form multilinear windows [2, 3, 4, 5] :
func.func @orders4and5(%q: tensor<1x6x2x8xf32>, %k: tensor<1x6x2x8xf32>) {
  %o4, %l4 = simplex.attention query(%q) keys(%k, %k, %k) values(%k, %k, %k)
      form multilinear windows [2, 3, 4]
      : (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
         tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  %o5, %l5 = simplex.attention query(%q) keys(%k, %k, %k, %k) values(%k, %k, %k, %k)
      form multilinear windows [2, 3, 4, 5]
      : (tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
         tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>, tensor<1x6x2x8xf32>,
         tensor<1x6x2x8xf32>)
      -> (tensor<1x6x2x8xf32>, tensor<1x2x6xf32>)
  return
}

// Forms: the short name, the full attribute, the attribute with parameters.
// D = 7 leaves a tail of one dimension.
// CHECK-LABEL: func @forms
// CHECK: form determinant windows
// CHECK: form determinant windows
// CHECK: form #simplex.determinant<reversed = true> windows
// CHECK: form multilinear windows
func.func @forms(%q: tensor<1x6x2x7xf32>, %k: tensor<1x6x2x7xf32>) {
  %o0, %l0 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form determinant windows [2, 3]
      : (tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>,
         tensor<1x6x2x7xf32>) -> (tensor<1x6x2x7xf32>, tensor<1x2x6xf32>)
  %o1, %l1 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form #simplex.determinant windows [2, 3]
      : (tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>,
         tensor<1x6x2x7xf32>) -> (tensor<1x6x2x7xf32>, tensor<1x2x6xf32>)
  %o2, %l2 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form #simplex.determinant<reversed = true> windows [2, 3]
      : (tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>,
         tensor<1x6x2x7xf32>) -> (tensor<1x6x2x7xf32>, tensor<1x2x6xf32>)
  %o3, %l3 = simplex.attention query(%q) keys(%k, %k) values(%k, %k)
      form #simplex.multilinear windows [2, 3]
      : (tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>, tensor<1x6x2x7xf32>,
         tensor<1x6x2x7xf32>) -> (tensor<1x6x2x7xf32>, tensor<1x2x6xf32>)
  return
}

// Extents of 0, and results that are more or less dynamic than inferred.
// CHECK-LABEL: func @extents
// CHECK: -> (tensor<0x0x2x8xf32>, tensor<0x2x0xf32>)
// CHECK: -> (tensor<?x6x2x8xf32>, tensor<1x2x?xf32>)
func.func @extents(%q: tensor<0x0x2x8xf32>, %k: tensor<0x0x1x8xf32>,
                   %q2: tensor<1x?x2x8xf32>, %k2: tensor<?x9x1x8xf32>) {
  %o0, %l0 = simplex.attention query(%q) keys(%k) values(%k)
      form multilinear windows [0]
      : (tensor<0x0x2x8xf32>, tensor<0x0x1x8xf32>, tensor<0x0x1x8xf32>)
      -> (tensor<0x0x2x8xf32>, tensor<0x2x0xf32>)
  %o1, %l1 = simplex.attention query(%q2) keys(%k2) values(%k2)
      form multilinear windows [0]
      : (tensor<1x?x2x8xf32>, tensor<?x9x1x8xf32>, tensor<?x9x1x8xf32>)
      -> (tensor<?x6x2x8xf32>, tensor<1x2x?xf32>)
  return
}

// On buffers: results become outs; strides are free but for the innermost.
// CHECK-LABEL: func @buffers
// CHECK: simplex.attention query(%{{.*}}) keys(%{{.*}}) values(%{{.*}}) key_range(%{{.*}}, %{{.*}}) outs(%{{.*}}, %{{.*}}) form multilinear windows [4] :
// CHECK-SAME: (memref<1x?x4x8xf32, strided<[?, ?, ?, 1], offset: ?>>, memref<1x?x2x8xf32>, memref<1x?x2x8xf32>, memref<1x?x4x8xf32>, memref<1x4x?xf32>) -> ()
func.func @buffers(%q: memref<1x?x4x8xf32, strided<[?, ?, ?, 1], offset: ?>>,
                   %k: memref<1x?x2x8xf32>, %lo: index, %hi: index,
                   %out: memref<1x?x4x8xf32>, %lse: memref<1x4x?xf32>) {
  simplex.attention query(%q) keys(%k) values(%k) key_range(%lo, %hi) outs(%out, %lse)
      form multilinear windows [4]
      : (memref<1x?x4x8xf32, strided<[?, ?, ?, 1], offset: ?>>, memref<1x?x2x8xf32>,
         memref<1x?x2x8xf32>, memref<1x?x4x8xf32>, memref<1x4x?xf32>) -> ()
  return
}
