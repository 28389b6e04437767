//===- Instructions.h - NVVM instructions that fragments use ----*- C++ -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The NVVM dialect's header costs a compiler 20 seconds: only one file reads
// it.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_LIB_CODEGEN_GPU_INSTRUCTIONS_H
#define SIMPLEXIR_LIB_CODEGEN_GPU_INSTRUCTIONS_H

#include "Fragments.h"

namespace simplexir {

/// accumulator + A B for one 16 x 8 fragment (a vector<2x2xf32>): m16n8k16 of
/// bf16 or f16, or m16n8k8 of tf32 for `element` f32. A and B are 32-bit
/// registers as mma.sync takes them.
mlir::Value emitMma(FragmentBuilder &b, llvm::ArrayRef<mlir::Value> lhs,
                    llvm::ArrayRef<mlir::Value> rhs, mlir::Value accumulator,
                    mlir::Type element);
/// The same for 8 x 8 numbers (a vector<2xf64>) and m8n8k4 of f64.
mlir::Value emitMmaF64(FragmentBuilder &b, mlir::Value lhs, mlir::Value rhs,
                       mlir::Value accumulator);

/// A constant.
mlir::Value emitI32(FragmentBuilder &b, int64_t value);

/// The same in all threads of a warp, and ptxas is told so: it keeps what it
/// would else compute again from the thread's number, or move to uniform
/// registers, before each use.
mlir::Value emitUniform(FragmentBuilder &b, mlir::Value i32);

/// Waits for the asynchronous copies that this thread has started.
void emitCopyWait(FragmentBuilder &b);

/// Makes them a group; waits for all groups but the last `leaving` ones.
void emitCopyCommit(FragmentBuilder &b);
void emitCopyGroupWait(FragmentBuilder &b, int64_t leaving);

/// Makes what this thread stored to shared memory visible to warpgroup
/// products, once a barrier has been passed.
void emitProxyFence(FragmentBuilder &b);

/// Waits at, or only announces arrival at, barrier `id` (an i32) of `threads`
/// threads.
void emitBarrier(FragmentBuilder &b, mlir::Value id, int64_t threads);
void emitArrive(FragmentBuilder &b, mlir::Value id, int64_t threads);

/// A barrier of the warps that `b.layout` is about.
void emitRoleBarrier(FragmentBuilder &b);

/// Waits until a slot of a channel, in this phase, is empty.
void emitAcquire(FragmentBuilder &b, mlir::Value channel, mlir::Value slot,
                 mlir::Value phase);

/// The address in shared memory (an i32) of the barrier that says if a slot of
/// a channel is full.
mlir::Value emitFullBarrier(FragmentBuilder &b, mlir::Value channel,
                            mlir::Value slot);

/// Inline PTX; null if it has no result. `pure` may be moved, merged and
/// dropped.
mlir::Value emitPtx(FragmentBuilder &b, llvm::StringRef code,
                    mlir::ValueRange operands, llvm::StringRef constraints,
                    mlir::Type result = {}, bool pure = false);

/// Inline PTX with `count` results in f32, as a struct. Those of `tied` numbers
/// are where these went in; after the results come the `operands`, and all that
/// the `constraints` have beside (`,r,~{memory}`).
mlir::Value emitPtxOfFloats(FragmentBuilder &b, llvm::StringRef code,
                            int64_t count, mlir::ValueRange tied,
                            mlir::ValueRange operands,
                            llvm::StringRef constraints, bool pure = false);

/// `count` of its fields from `first` on, as a vector of that `type`.
mlir::Value extractFields(FragmentBuilder &b, mlir::Value fields, int64_t first,
                          mlir::VectorType type);

/// Keeps an i32 in the thread's local memory, and reads it there: what few
/// iterations of a loop ask for takes no registers of the others.
mlir::Value emitStash(FragmentBuilder &b, mlir::Value i32);
mlir::Value emitStashed(FragmentBuilder &b, mlir::Value place);

/// From here on the warps of this branch have so many registers a thread:
/// fewer than at launch (`less`), or more.
void emitSetRegisters(FragmentBuilder &b, int64_t count, bool less);

/// Is `condition` true in any thread of the warps that `b.layout` is about? A
/// barrier of these.
mlir::Value emitAny(FragmentBuilder &b, mlir::Value condition);

/// Is `condition` true in any thread of the warp?
mlir::Value emitVoteAny(FragmentBuilder &b, mlir::Value condition);

/// exp2 and log2 of an f32, with results below the smallest normal number
/// flushed to 0.
mlir::Value emitExp2(FragmentBuilder &b, mlir::Value scalar);
mlir::Value emitLog2(FragmentBuilder &b, mlir::Value scalar);

/// Coordinates of `b` are computed here: LLVM would compute the addresses that
/// depend on them ahead of all loops, and hold them in registers.
void hideThread(FragmentBuilder &b);

/// Blocks that a multiprocessor shall hold at a time.
void setMinBlocks(mlir::gpu::GPUFuncOp function, int64_t blocks);

/// Registers that a thread of the kernel begins with, and may use.
void setMaxRegisters(mlir::gpu::GPUFuncOp function, int64_t count);

/// The dialects of these operations.
void insertInstructionDialects(mlir::DialectRegistry &registry);

} // namespace simplexir

#endif // SIMPLEXIR_LIB_CODEGEN_GPU_INSTRUCTIONS_H
