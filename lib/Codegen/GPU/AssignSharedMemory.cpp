//===- AssignSharedMemory.cpp - Place buffers in shared memory ------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/GPU/Passes.h"
#include "simplexir/Codegen/SharedMemory.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace simplexir {
#define GEN_PASS_DEF_ASSIGNSHAREDMEMORY
#include "simplexir/Codegen/GPU/Passes.h.inc"
} // namespace simplexir

using namespace mlir;
using namespace simplexir;

namespace {
struct AssignSharedMemoryPass
    : simplexir::impl::AssignSharedMemoryBase<AssignSharedMemoryPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<gpu::GPUFuncOp>())
      assign(function);
  }

  static void assign(gpu::GPUFuncOp function) {
    SmallVector<memref::AllocOp> fresh, reusing, barriers;
    function.walk([&](memref::AllocOp op) {
      bool isBarrier = op.getType().getElementType().isInteger(64);
      (op->hasAttr(kReuseAttrName) ? reusing
       : isBarrier                 ? barriers
                                   : fresh)
          .push_back(op);
    });
    auto b = ImplicitLocOpBuilder::atBlockBegin(function.getLoc(),
                                                &function.getBody().front());
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                                 MemRefLayoutAttrInterface(), space);
    Value memory = gpu::DynamicSharedMemoryOp::create(b, bytes);
    int64_t end = 0, size = 0;
    auto place = [&](memref::AllocOp op) {
      MemRefType type = op.getType();
      end = llvm::alignTo(end, op.getAlignment().value_or(kSharedAlignment));
      Value offset = arith::ConstantIndexOp::create(b, end);
      op.replaceAllUsesWith(
          memref::ViewOp::create(b, type, memory, offset, ValueRange())
              .getResult());
      op.erase();
      int64_t length =
          type.getNumElements() * type.getElementTypeBitWidth() / 8;
      end += length;
      size = std::max(size, end);
    };
    for (memref::AllocOp op : fresh)
      place(op);
    end = 0;
    for (memref::AllocOp op : reusing)
      place(op);
    // Barriers live as long as the block does.
    end = size;
    for (memref::AllocOp op : barriers)
      place(op);
    function->setAttr(kSharedMemoryAttrName, b.getI64IntegerAttr(size));
  }
};
} // namespace
