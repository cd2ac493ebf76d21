// Hops.cpp - the next tile of a walk, and what it asks of a tile's ids; the same in every thread
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc {

LogicalResult Lowering::lowerHop(HopOp op) {
  bool ok = true;
  Block &block = op.getBody().front();
  Value to = scalar(op.getTo()), step = emit.constant(op.getStep());
  Value start = emit.search(scalar(op.getFrom()), [&](Value from) -> Emitter::Turn {
    values[block.getArgument(0)] = {from};
    ok = succeeded(lower(block));
    if (!ok)
      return {from, emit.constant(emit.i1, 1), from};
    Operation *yield = block.getTerminator();
    Value at = scalar(yield->getOperand(0)), walked = scalar(yield->getOperand(1));
    Value ends = emit.bitOr(emit.cmp(LLVM::ICmpPredicate::sge, at, to), walked);
    return {at, ends, emit.add(at, step)};
  });
  values[op.getStart()] = {start};
  return success(ok);
}

/// Lane l takes the elements l, l + 32, ..; a butterfly makes it the warp's.
LogicalResult Lowering::lowerExtreme(ExtremeOp op) {
  TileType tile = op.getIn().getType();
  int64_t size = tile.getSizes()[0];
  Value last = emit.constant(size - 1);
  if (Value count = op.getCount()) {
    Value most = emit.sub(scalar(count), emit.constant(1));
    most = emit.select(emit.less(most, last), most, last);
    last = emit.select(emit.less(most, emit.constant(0)), emit.constant(0), most);
  }
  auto elementAt = [&](Value coordinate) -> Value {
    Point point;
    point.coordinates.push_back({tile.getAxes()[0].getValue(), coordinate});
    Value element = evaluate(op.getIn(), point, op);
    return element ? emit.toInteger(emit.i32, element) : Value();
  };
  Value result;
  if (op.getSorted()) {
    result = elementAt(op.getKind() == ReduceKind::Max ? last : emit.constant(0));
    if (!result)
      return failure();
  } else {
    for (int64_t first = 0; first < size; first += 32) {
      Value at = emit.addPoint(emit.lane(), emit.constant(first));
      Value element = elementAt(emit.select(emit.less(last, at), last, at));
      if (!element)
        return failure();
      result = result ? combine(op.getKind(), result, element) : element;
    }
    for (int lanes = 1; lanes < 32; lanes *= 2)
      result = combine(op.getKind(), result, shuffle(result, lanes));
  }
  values[op.getOut()] = {result};
  return success();
}

} // namespace fc
