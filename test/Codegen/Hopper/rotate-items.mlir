// DEFINE: %{stage} = --simplex-bufferize --simplex-select-schedule="target=gpu wgmma" \
// DEFINE:   --simplex-outline-kernels --simplex-tile-attention=pad=16 --canonicalize --cse --simplex-fuse-online-softmax \
// DEFINE:   --simplex-fold-biases --simplex-guard-masks --canonicalize --cse --simplex-stage-tiles --canonicalize --cse --simplex-defer-row-sums
// DEFINE: %{overlap} = --simplex-rotate-keys --simplex-rotate-tiles --canonicalize --simplex-overlap-contracts
// RUN: sed 's/windows .0./windows [512]/' %S/../../Transforms/Inputs/dot-product.mlir > %t.mlir
// RUN: simplex-opt %t.mlir %{stage} %{overlap} --simplex-speculate-maximum --canonicalize --cse \
// RUN:   --simplex-loop-work-items --simplex-specialize-copies --canonicalize --cse -o %t.before
// RUN: simplex-opt %t.before --simplex-rotate-items --canonicalize --cse -o %t.after
// RUN: FileCheck %s --input-file=%t.before --check-prefix=BEFORE
// RUN: FileCheck %s --input-file=%t.after
// RUN: sed 's/windows .512./& value_biases [0.5]/' %t.mlir > %t.biases.mlir
// RUN: simplex-opt %t.biases.mlir %{stage} %{overlap} --simplex-speculate-maximum --canonicalize --cse \
// RUN:   --simplex-loop-work-items --simplex-specialize-copies --simplex-rotate-items --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefix=BIASES
// RUN: simplex-opt %t.after --simplex-take-turns | FileCheck %s --check-prefix=TURNS
// RUN: simplex-opt %t.after --simplex-rotate-items --remarks-filter=simplex --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=TWICE

// A loop of another form stays as it is, and a remark says so.
// TWICE: rotate-items
// TWICE-SAME: without overlap

// An item's first product waits for its query, and the last one for the first tile's softmax.
// BEFORE: } compute {
// BEFORE: scf.for %[[ITEM:.*]] = %c0 to %[[END:.*]] step %c1
// BEFORE: simplex.receive
// BEFORE: simplex.combine
// BEFORE: scf.for
// BEFORE: simplex.start_contract {{.*}} transposed
// BEFORE: simplex.start_contract {{.*}} onto
// BEFORE: simplex.contract
// BEFORE: simplex.finalize

// The warps that copy bring the last item's query and first tile of keys once more.
// CHECK: simplex.specialize copy {
// CHECK: %[[SOME:.*]] = arith.cmpi sgt, %[[END:.*]], %c0 : index
// CHECK: %[[MORE:.*]] = arith.index_castui %[[SOME]]
// CHECK: %[[PAST:.*]] = arith.addi %[[END]], %[[MORE]]
// CHECK: scf.for %[[COPIED:.*]] = %c0 to %[[PAST]] step %c1
// CHECK: %[[NUMBER:.*]] = arith.minsi %[[COPIED]], %
// CHECK: %[[AHEAD:.*]] = arith.muli %[[NUMBER]], %grid_dim_x
// CHECK: %[[COPY:.*]] = arith.addi %[[AHEAD]], %block_id_x
// CHECK: arith.remui %[[COPY]],
// CHECK: %[[EXTRA:.*]] = arith.cmpi eq, %[[COPIED]], %[[END]]
// CHECK: %[[HIGH:.*]] = arith.select %[[EXTRA]],
// CHECK-NEXT: scf.for %{{.*}} = %{{.*}} to %[[HIGH]] step %c112
// CHECK: simplex.acquire
// CHECK: simplex.copy %arg1
// CHECK: %[[WANTED:.*]] = arith.cmpi ne, %[[COPIED]], %[[END]]
// CHECK-NEXT: scf.if %[[WANTED]] {
// CHECK-NEXT: simplex.acquire
// CHECK-NEXT: memref.subview
// CHECK-NEXT: simplex.copy %arg2{{.*}}
// CHECK-NEXT: {{^ *}}}
// CHECK-NEXT: simplex.commit

// The first item's front: only its logits are in flight.
// CHECK: } compute {
// CHECK: scf.if
// CHECK: simplex.receive %[[QUERY:.*]][%{{.*}}] phase
// CHECK: %[[Q:.*]] = simplex.combine
// CHECK: simplex.release %[[QUERY]][{{.*}}] by_threads
// CHECK: simplex.receive %[[KEYS:.*]][%{{.*}}] phase
// CHECK: %[[S:.*]] = simplex.start_contract %[[Q]], %{{.*}} transposed
// CHECK-NOT: start_contract
// CHECK: simplex.await %[[S]] :
// CHECK: simplex.row_max
// CHECK: %[[P:.*]] = simplex.convert

// The tiles from the second one on: no maximum but in a safe round.
// CHECK: scf.for %[[ITEM:.*]] = %{{.*}} to %{{.*}} step %c1 iter_args({{.*}} = %[[Q]], {{.*}} = %[[P]],
// CHECK: %[[TILES:.*]]:{{.*}} = scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c112
// CHECK: simplex.start_contract %{{.*}} transposed
// CHECK: simplex.start_contract %{{.*}} onto
// CHECK: scf.if %arg
// CHECK-NEXT: simplex.row_max
// CHECK: scf.yield

// This item's last values, then the next item's query and logits: which item that is does not matter yet.
// CHECK: simplex.receive %[[VALUES:.*]][%
// CHECK: %[[LAST:.*]] = simplex.start_contract %[[TILES]]#{{.*}} onto %[[TILES]]#
// CHECK-NOT: arith.remui
// CHECK: simplex.receive %[[QUERY]]
// CHECK: %[[Q2:.*]] = simplex.combine
// CHECK: simplex.release %[[QUERY]]
// CHECK: simplex.receive %[[KEYS]]
// CHECK: %[[S2:.*]] = simplex.start_contract %[[Q2]], %{{.*}} transposed
// The sum is stored beside the logits' product.
// CHECK: %[[OUT:.*]] = simplex.await %[[LAST]] leaving 1
// CHECK: simplex.release %[[VALUES]]
// CHECK: simplex.finalize %{{.*}}, %{{.*}}, %[[OUT]]
// CHECK: simplex.store
// CHECK: simplex.store
// CHECK: simplex.out_of_range
// CHECK: arith.remui
// CHECK: simplex.await %[[S2]] :
// CHECK: simplex.release %[[KEYS]]
// CHECK: simplex.row_max
// CHECK: %[[E2:.*]] = simplex.exp
// CHECK: simplex.convert %[[E2]]
// CHECK: scf.yield

// Both products are those of one turn; the first item's is before there are any.
// TURNS: } compute {
// TURNS: simplex.open_turns
// TURNS-NOT: simplex.take_turn
// TURNS: simplex.start_contract
// TURNS-NOT: simplex.take_turn
// TURNS: scf.for
// TURNS: scf.for
// TURNS: simplex.take_turn
// TURNS-NEXT: simplex.start_contract {{.*}} transposed
// TURNS-NOT: simplex.pass_turn
// TURNS: simplex.start_contract {{.*}} onto
// TURNS-NEXT: simplex.pass_turn
// TURNS: scf.yield
// TURNS: simplex.take_turn
// TURNS-NEXT: simplex.start_contract {{.*}} onto
// TURNS-NOT: simplex.pass_turn
// TURNS: simplex.start_contract {{.*}} transposed
// TURNS-NEXT: simplex.pass_turn
// TURNS: simplex.finalize

// What a bias of the values adds to a row comes with the last product, too.
// BIASES: } compute {
// BIASES: %[[TILES:.*]]:{{.*}} = scf.for %{{.*}} step %c112
// BIASES: %[[LAST:.*]] = simplex.start_contract %[[TILES]]#{{.*}} onto
// BIASES: simplex.await %[[LAST]] init %[[TILES]]#
// BIASES: simplex.finalize
