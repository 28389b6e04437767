// RUN: not simplex-opt %s --transform-interpreter --split-input-file 2>&1 | FileCheck %s

// 3 key heads by 2: the last tile would have another number of heads.
module attributes {transform.with_named_sequence} {
  func.func @heads(%q: tensor<1x24x6x8xf32>, %k: tensor<1x40x3x8xf32>) -> tensor<1x24x6x8xf32> {
    // CHECK: [[@LINE+1]]:{{[0-9]+}}: error: 'simplex.attention' op cannot be tiled by a number of key heads that is not constant: expected a tile size that divides 3
    %o, %l = simplex.attention query(%q) keys(%k) values(%k)
        form multilinear windows [7]
        : (tensor<1x24x6x8xf32>, tensor<1x40x3x8xf32>, tensor<1x40x3x8xf32>)
        -> (tensor<1x24x6x8xf32>, tensor<1x6x24xf32>)
    return %o : tensor<1x24x6x8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["simplex.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 2, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  func.func @buffers(%q: memref<1x24x6x8xf32>, %k: memref<1x40x3x8xf32>, %o: memref<1x24x6x8xf32>,
                     %l: memref<1x6x24xf32>) {
    // CHECK: [[@LINE+1]]:{{[0-9]+}}: error: 'simplex.attention' op cannot be tiled on memrefs, expected tensors
    simplex.attention query(%q) keys(%k) values(%k) outs(%o, %l)
        form multilinear windows [7]
        : (memref<1x24x6x8xf32>, memref<1x40x3x8xf32>, memref<1x40x3x8xf32>, memref<1x24x6x8xf32>,
           memref<1x6x24xf32>) -> ()
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["simplex.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 0, 8]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
