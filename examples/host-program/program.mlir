// Two attentions among other operations: a projection, a scale, a residual sum,
// an activation. Everything becomes host code with kernels inside:
//
//   simplex-opt program.mlir --simplex-host-pipeline="chips=native hooks=true"
func.func @program(%x: tensor<1x?x2x8xf32>, %w: tensor<8x8xf32>,
                   %k: tensor<1x?x1x8xf32>, %v: tensor<1x?x1x8xf32>)
    -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>) {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %half = arith.constant dense<0.5> : tensor<8x8xf32>
  %length = tensor.dim %x, %c1 : tensor<1x?x2x8xf32>

  // Queries: x times half of w.
  %scaled = arith.mulf %w, %half : tensor<8x8xf32>
  %rows = tensor.collapse_shape %x [[0, 1, 2], [3]]
      : tensor<1x?x2x8xf32> into tensor<?x8xf32>
  %c2 = arith.constant 2 : index
  %count = arith.muli %length, %c2 : index
  %empty = tensor.empty(%count) : tensor<?x8xf32>
  %clear = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%rows, %scaled : tensor<?x8xf32>, tensor<8x8xf32>)
                           outs(%clear : tensor<?x8xf32>) -> tensor<?x8xf32>
  %q = tensor.expand_shape %product [[0, 1, 2], [3]] output_shape [1, %length, 2, 8]
      : tensor<?x8xf32> into tensor<1x?x2x8xf32>

  %a, %lse1 = simplex.attention query(%q) keys(%k) values(%v) form multilinear windows [4]
      : (tensor<1x?x2x8xf32>, tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>)
      -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)
  %sum = arith.addf %a, %x : tensor<1x?x2x8xf32>
  %b, %lse2 = simplex.attention query(%sum) keys(%k, %v) values(%v, %k)
      form multilinear windows [3, 0]
      : (tensor<1x?x2x8xf32>, tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>,
         tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>)
      -> (tensor<1x?x2x8xf32>, tensor<1x2x?xf32>)

  // b / (1 + exp(-b))
  %target = tensor.empty(%length) : tensor<1x?x2x8xf32>
  %out = linalg.generic {
      indexing_maps = [affine_map<(b, i, h, d) -> (b, i, h, d)>,
                       affine_map<(b, i, h, d) -> (b, i, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%b : tensor<1x?x2x8xf32>) outs(%target : tensor<1x?x2x8xf32>) {
  ^bb0(%in: f32, %old: f32):
    %minus = arith.negf %in : f32
    %power = math.exp %minus : f32
    %below = arith.addf %one, %power : f32
    %quotient = arith.divf %in, %below : f32
    linalg.yield %quotient : f32
  } -> tensor<1x?x2x8xf32>
  %lse = arith.addf %lse1, %lse2 : tensor<1x2x?xf32>
  return %out, %lse : tensor<1x?x2x8xf32>, tensor<1x2x?xf32>
}
