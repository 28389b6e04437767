// RUN: simplex-opt %s --split-input-file --simplex-assign-scratch --convert-simplex-to-vector --verify-diagnostics

func.func @origin(%a: !simplex.tile<8x16xbf16>, %b: !simplex.tile<16x16xbf16>) attributes {simplex.kernel} {
  // expected-error@+1 {{'simplex.contract' op expects the right side of a product of pairs to be a simplex.load}}
  %s = simplex.contract %a, %b : !simplex.tile<8x16xbf16>, !simplex.tile<16x16xbf16> -> !simplex.tile<8x16xf32>
  return
}
