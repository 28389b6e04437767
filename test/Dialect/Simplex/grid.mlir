// The grid of a kernel: its forms, and what it refuses.

// RUN: simplex-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: sed '/^[/][/] -----$/,$d' %s > %t
// RUN: simplex-opt %t --mlir-print-op-generic | simplex-opt | FileCheck %s
// RUN: simplex-opt %t --emit-bytecode | simplex-opt | FileCheck %s
// RUN: simplex-opt %t --verify-roundtrip -o /dev/null

// CHECK: func.func private @product{{.*}}simplex.grid = #simplex.grid<[0, 0], 4, [0, 1] ceildiv 16>
func.func private @product(memref<?x?x4x8xf32>) attributes {simplex.grid = #simplex.grid<[0, 0], 4, [0, 1] ceildiv 16>}
// CHECK: func.func private @one{{.*}}simplex.grid = #simplex.grid<1>
func.func private @one() attributes {simplex.grid = #simplex.grid<1 ceildiv 1>}
// CHECK: func.func private @constant{{.*}}simplex.grid = #simplex.grid<7 ceildiv 2, [1, 3]>
func.func private @constant() attributes {simplex.grid = #simplex.grid<7 ceildiv 2, [1, 3] ceildiv 1>}

// -----

// expected-error @+1 {{'simplex.grid' must be a #simplex.grid<...>, found array<i64: 0, 0, 1>}}
func.func private @triples() attributes {simplex.grid = array<i64: 0, 0, 1>}

// -----

// expected-error @+1 {{grid: a divisor must be positive, found 0}}
func.func private @divisor() attributes {simplex.grid = #simplex.grid<[0, 0] ceildiv 0>}

// -----

// expected-error @+1 {{grid: a constant must be positive, found 0}}
func.func private @constant() attributes {simplex.grid = #simplex.grid<4, 0>}

// -----

// expected-error @+1 {{grid: numbers of arguments and dimensions must not be negative, found [-1, 1]}}
func.func private @argument() attributes {simplex.grid = #simplex.grid<[-1, 1]>}

// -----

// expected-error @+1 {{grid: numbers of arguments and dimensions must not be negative, found [0, -1]}}
func.func private @dimension() attributes {simplex.grid = #simplex.grid<[0, -1]>}

// -----

// expected-error @+1 {{expected integer value}}
func.func private @nothing() attributes {simplex.grid = #simplex.grid<>}

// -----

// expected-error @+1 {{expected ']'}}
func.func private @pair() attributes {simplex.grid = #simplex.grid<[0, 1, 2]>}

// -----

// expected-error @+1 {{integer value too large}}
func.func private @large() attributes {simplex.grid = #simplex.grid<99999999999999999999>}
