// REQUIRES: ptxas
// Every form assembles for every generation, and nothing spills.
//
// RUN: for chip in sm_80 sm_89 sm_90a sm_100a; do \
// RUN:   simplex-compile %S/../../Transforms/Inputs/trilinear.mlir --chip=$chip --emit=cubin -o %t.$chip.cubin 2>&1 \
// RUN:   || exit 1; done | FileCheck %s --allow-empty
// CHECK-NOT: spill
