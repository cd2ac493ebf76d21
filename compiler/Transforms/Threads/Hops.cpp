// Hops.cpp - the next tile of a walk, and what it asks of a tile's ids; the same in every thread
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc {

/// By halves: of the `count` starts from `low` on, the one looked for is among the first `count`,
/// or just behind them.
LogicalResult Lowering::lowerMonotoneHop(HopOp op) {
  bool ok = true;
  Block &block = op.getBody().front();
  Value from = scalar(op.getFrom()), zero = emit.constant(0);
  Value room = emit.sub(scalar(op.getTo()), from);
  int64_t step = op.getStep();
  Value count = emit.udiv(
      emit.add(emit.select(emit.less(room, zero), zero, room), emit.constant(step - 1)), step);
  Values found = emit.loopWhile(
      [&](ValueRange state) { return emit.less(zero, state[1]); }, {from, count},
      [&](ValueRange state) -> Values {
        Value half = emit.shr(state[1], 1), middle = emit.add(state[0], emit.mul(half, step));
        values[block.getArgument(0)] = {middle};
        ok = succeeded(lower(block));
        if (!ok)
          return {state[0], state[1]};
        Value reached = scalar(block.getTerminator()->getOperand(1));
        Value rest = emit.sub(emit.sub(state[1], half), emit.constant(1));
        return {emit.select(reached, state[0], emit.add(middle, emit.constant(step))),
                emit.select(reached, half, rest)};
      });
  values[op.getStart()] = {found[0]};
  return success(ok);
}

LogicalResult Lowering::lowerHop(HopOp op) {
  if (op.getMonotone())
    return lowerMonotoneHop(op);
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
