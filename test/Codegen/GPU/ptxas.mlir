// REQUIRES: ptxas
// Both forms at the usual head dims assemble for every generation, and the portable kernels spill no register.
// (sm_90a has warpgroup kernels of its own: test/Codegen/Hopper/ptxas.mlir.)

// RUN: for dim in 64 96 128; do for form in multilinear determinant; do \
// RUN:   sed -e "s/DIM/$dim/g" -e "s/FORM/$form/" %s > %t.mlir; for chip in sm_80 sm_89 sm_90 sm_100a; do \
// RUN:     echo "$chip $form $dim"; simplex-compile %t.mlir --chip=$chip --emit=ptx -o %t.ptx || exit 1; \
// RUN:     %ptxas -v -arch=$chip %t.ptx -o %t.cubin || exit 1; \
// RUN:   done; done; done 2>&1 | FileCheck %s
// RUN: for dim in 64 96 128; do sed -e "s/DIM/$dim/g" -e "s/FORM/determinant/" %s > %t.mlir; \
// RUN:   simplex-compile %t.mlir --chip=sm_90a --emit=cubin -o %t.cubin || exit 1; done

// CHECK-COUNT-24: 0 bytes spill stores, 0 bytes spill loads
// CHECK-NOT: bytes spill stores

func.func @attend(%q: tensor<?x?x64xDIMxbf16>, %k1: tensor<?x?x1xDIMxbf16>, %k2: tensor<?x?x1xDIMxbf16>,
                  %v1: tensor<?x?x1xDIMxbf16>, %v2: tensor<?x?x1xDIMxbf16>)
    -> (tensor<?x?x64xDIMxbf16>, tensor<?x64x?xf32>) {
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form FORM windows [32, 512]
      : (tensor<?x?x64xDIMxbf16>, tensor<?x?x1xDIMxbf16>, tensor<?x?x1xDIMxbf16>,
         tensor<?x?x1xDIMxbf16>, tensor<?x?x1xDIMxbf16>)
      -> (tensor<?x?x64xDIMxbf16>, tensor<?x64x?xf32>)
  return %out, %lse : tensor<?x?x64xDIMxbf16>, tensor<?x64x?xf32>
}
