// RUN: simplex-opt %s --simplex-trim-masks | FileCheck %s

// CHECK-LABEL: @one_query
// CHECK: simplex.mask %{{.*}} rows(%{{.*}}) columns(%{{.*}}) range(%{{.*}}, %{{.*}}) windows [512] heads 16
func.func @one_query(%s: !simplex.tile<16x32xf32>, %i: index, %j1: index, %j2: index, %j: index,
                     %begin: index, %end: index) -> !simplex.tile<16x32xf32> {
  %m = simplex.mask %s rows(%i) columns(%j) outer(%j1, %j2) range(%begin, %end)
       windows [4, 8, 512] heads 16 : !simplex.tile<16x32xf32>
  return %m : !simplex.tile<16x32xf32>
}

// CHECK-LABEL: @one_outer_key
// CHECK: simplex.mask {{.*}} outer(%{{.*}}) {{.*}} windows [8, 512] heads 16
func.func @one_outer_key(%s: !simplex.tile<16x32xf32>, %i: index, %j1: index, %j: index,
                         %begin: index, %end: index) -> !simplex.tile<16x32xf32> {
  %m = simplex.mask %s rows(%i) columns(%j) outer(%j1) range(%begin, %end)
       windows [8, 512] heads 16 : !simplex.tile<16x32xf32>
  return %m : !simplex.tile<16x32xf32>
}

// CHECK-LABEL: @two_queries
// CHECK: simplex.mask {{.*}} outer(%{{.*}}, %{{.*}}) {{.*}} windows [4, 8, 512] heads 8
func.func @two_queries(%s: !simplex.tile<16x32xf32>, %i: index, %j1: index, %j2: index, %j: index,
                       %begin: index, %end: index) -> !simplex.tile<16x32xf32> {
  %m = simplex.mask %s rows(%i) columns(%j) outer(%j1, %j2) range(%begin, %end)
       windows [4, 8, 512] heads 8 : !simplex.tile<16x32xf32>
  return %m : !simplex.tile<16x32xf32>
}
