//===- ChannelOps.cpp - Operations on channels ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Dialect/Simplex/IR/SimplexDialect.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace simplexir;

/// Barriers of shared memory: two, or two rows of them.
static LogicalResult verifyPairs(Operation *op, StringRef name, MemRefType type,
                                 StringRef expected) {
  if (type.hasStaticShape() && type.getDimSize(0) == 2)
    return success();
  return op->emitOpError() << name << " is " << type << ", expected "
                           << expected;
}

template <typename OpT>
static LogicalResult verifyChannel(OpT op) {
  return verifyPairs(op, "channel", op.getChannel().getType(),
                     "memref<2xnxi64>: two barriers for each of n slots");
}

LogicalResult OpenChannelOp::verify() {
  if (failed(verifyChannel(*this)))
    return failure();
  int64_t slots = getChannel().getType().getDimSize(1);
  if (getFetches() &&
      (!getByMaps() || static_cast<int64_t>(getFetches()->size()) != slots ||
       llvm::any_of(*getFetches(), [](int64_t count) { return count < 1; })))
    return emitOpError() << "'fetches' must be a positive number for each of "
                         << slots << " slots, with 'by_maps', found ["
                         << *getFetches() << "]";
  return success();
}
LogicalResult AcquireOp::verify() { return verifyChannel(*this); }
LogicalResult ReceiveOp::verify() { return verifyChannel(*this); }
LogicalResult ReleaseOp::verify() { return verifyChannel(*this); }

LogicalResult AnnounceOp::verify() {
  if (static_cast<int64_t>(getLeaving()) < 0)
    return emitOpError() << "'leaving' must not be negative, found "
                         << static_cast<int64_t>(getLeaving());
  return verifyChannel(*this);
}

LogicalResult FetchOp::verify() {
  auto source = cast<MemRefType>(getSource().getType());
  auto boxes = cast<MemRefType>(getDestination().getType());
  if (source.getRank() != 4)
    return emitOpError() << "source must have rank 4, found rank "
                         << source.getRank();
  // What a tensor map can say, and the period of the boxes' banks.
  constexpr int64_t bits = 128 * 8, most = 256, period = 8;
  if (boxes.getRank() != 3 || !boxes.hasStaticShape() ||
      boxes.getDimSize(2) * boxes.getElementTypeBitWidth() != bits ||
      boxes.getDimSize(1) > most || boxes.getDimSize(1) % period != 0 ||
      boxes.getElementType() != source.getElementType())
    return emitOpError() << "destination is " << boxes
                         << ", expected boxes of at most 256 rows, a multiple "
                            "of 8, of 128 bytes each, of the source's elements";
  return verifyChannel(*this);
}

template <typename OpT>
static LogicalResult verifyAnswer(OpT op) {
  return verifyPairs(op, "answer", op.getAnswer().getType(),
                     "memref<2xi64>: a barrier for no and one for yes");
}

LogicalResult OpenAnswerOp::verify() { return verifyAnswer(*this); }
LogicalResult GiveAnswerOp::verify() { return verifyAnswer(*this); }
LogicalResult AwaitAnswerOp::verify() { return verifyAnswer(*this); }
