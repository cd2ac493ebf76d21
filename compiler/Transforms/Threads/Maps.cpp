// Maps.cpp - iotas, maps, conversions and loops; any value at any point
#include "compiler/IR/TestMap.h"
#include "compiler/IR/Turns.h"
#include "compiler/Transforms/HopLoops.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fc {

Value Point::at(StringRef axis) const {
  for (auto &[name, value] : coordinates)
    if (name == axis)
      return value;
  return {};
}

//===-- Coordinates ----------------------------------------------------------------===//

const Layout &Lowering::layoutOf(Type type) {
  auto &layout = layouts[type];
  if (!layout)
    layout = std::make_unique<Layout>(Layout::of(type, warps));
  return *layout;
}

Value Lowering::threadPart(const Layout &layout, int axis) {
  const auto &digits = layout.threads[axis];
  if (digits.empty())
    return emit.constant(0);
  for (auto &[known, value] : threadParts)
    if (known == digits)
      return value;
  Value sum = emit.once([&] {
    Value sum = emit.constant(0);
    for (const ThreadDigit &digit : digits) {
      Value unit = digit.unit == Unit::Lane ? emit.lane() : emit.warp();
      int all = digit.unit == Unit::Lane ? 32 : warps;
      Value x = emit.udiv(unit, digit.div);
      if (digit.div * digit.size < all)
        x = emit.urem(x, digit.size);
      sum = emit.addPoint(sum, emit.mul(x, digit.stride));
    }
    return sum;
  });
  threadParts.push_back({digits, sum});
  return sum;
}

Value Lowering::coordinate(const Layout &layout, int axis, int value) {
  return emit.addPoint(threadPart(layout, axis), emit.constant(layout.offsets[axis][value]));
}

Point Lowering::pointOf(const Layout &layout, int value) {
  Point point;
  for (int axis = 0; axis < layout.rank(); ++axis)
    point.coordinates.push_back({layout.axes[axis], coordinate(layout, axis, value)});
  return point;
}

Value Lowering::isReal(const Layout &layout, int value) {
  Value real;
  for (auto [axis, first] : llvm::enumerate(layout.ghostRun(value)))
    if (layout.ghosts(axis))
      real =
          emit.both(real, emit.less(emit.addPoint(threadPart(layout, axis), emit.constant(first)),
                                    emit.constant(layout.sizes[axis])));
  return real;
}

Value Lowering::isFirstReplica(const Layout &layout) {
  if (layout.replicas.empty())
    return {};
  for (auto &[known, value] : replicaTests)
    if (known == layout.replicas)
      return value;
  Value first = emit.once([&] {
    Value first;
    for (const ThreadDigit &digit : layout.replicas) {
      Value unit = digit.unit == Unit::Lane ? emit.lane() : emit.warp();
      int all = digit.unit == Unit::Lane ? 32 : warps;
      Value x = emit.udiv(unit, digit.div);
      if (digit.div * digit.size < all)
        x = emit.urem(x, digit.size);
      first = emit.both(first, emit.equal(x, emit.constant(0)));
    }
    return first;
  });
  replicaTests.push_back({layout.replicas, first});
  return first;
}

//===-- Elements -------------------------------------------------------------------===//

Value Lowering::elementAt(Value operand, const Layout &layout, int value, Operation *user) {
  auto tile = dyn_cast<TileType>(operand.getType());
  if (!tile)
    return scalar(operand);
  const Layout &own = layoutOf(tile);
  auto [entry, isNew] = maps.try_emplace({&layout, &own});
  if (isNew)
    entry->second = layout.mapTo(own);
  auto held = values.find(operand);
  if (entry->second && held != values.end())
    return held->second[(*entry->second)[value]];
  Point point = pointOf(layout, value);
  return evaluate(operand, point, user);
}

Value Lowering::evaluate(Value operand, Point &point, Operation *user) {
  if (!isa<TileType>(operand.getType()))
    return scalar(operand);
  if (Value known = point.known.lookup(operand))
    return known;
  Value result;
  Operation *op = operand.getDefiningOp();
  if (auto iota = dyn_cast_or_null<IotaOp>(op)) {
    TileType type = iota.getOut().getType();
    result = scalar(iota.getBase());
    int64_t stride = 1; // of the axis, then of its parts
    for (auto [axis, size] : type.axisSizes()) {
      result = emit.addPoint(result, emit.mul(point.at(axis.getValue()), stride));
      stride *= size;
    }
  } else if (auto map = dyn_cast_or_null<MapOp>(op)) {
    Values arguments;
    for (Value in : map.getIns()) {
      Value element = evaluate(in, point, user);
      if (!element)
        return {};
      arguments.push_back(element);
    }
    Values yielded = inlineMap(map, arguments);
    if (yielded.empty())
      return {};
    result = yielded[cast<OpResult>(operand).getResultNumber()];
  } else if (auto convertOp = dyn_cast_or_null<ConvertOp>(op)) {
    result = evaluate(convertOp.getIn(), point, user);
  } else if (auto read = dyn_cast_or_null<ReadOp>(op)) {
    Values indices;
    for (Value index : read.getIndices())
      if (!indices.emplace_back(evaluate(index, point, user)))
        return {};
    Value allowed;
    for (auto [index, limit] : llvm::zip(read.getBounded(), read.getLimits())) {
      Value x = evaluate(index, point, user);
      if (!x)
        return {};
      allowed = emit.both(allowed, emit.less(x, emit.toInteger(x.getType(), scalar(limit))));
    }
    for (Value where : read.getWhere()) {
      Value x = evaluate(where, point, user);
      if (!x)
        return {};
      allowed = emit.both(allowed, x);
    }
    Type element = elementOf(operand.getType());
    result = emit.ifThen(
        allowed, [&] { return Values{loadAs(element, pointerTo(read.getTensor(), indices))}; },
        [&] { return Values{emit.zero(scalarType(element))}; })[0];
  } else {
    InFlightDiagnostic error = user->emitError(
        "needs a value in other threads than hold it, and it cannot be computed anew");
    error.attachNote(operand.getLoc()) << "the value is " << operand.getType();
    return {};
  }
  if (result)
    point.known[operand] = result;
  return result;
}

//===-- Operations -----------------------------------------------------------------===//

bool Lowering::needed(Operation *op) {
  auto [entry, isNew] = neededOps.try_emplace(op, false);
  if (!isNew)
    return entry->second;
  bool result = llvm::any_of(op->getUsers(), [&](Operation *user) {
    if (isa<CopyOp, ExtremeOp>(user))
      return false;
    return !isa<IotaOp, MapOp, ReadOp, ConvertOp>(user) || needed(user);
  });
  return neededOps[op] = result;
}

void Lowering::lowerIota(IotaOp op) {
  const Layout &layout = layoutOf(op.getOut().getType());
  Value start = scalar(op.getBase());
  SmallVector<int> offsets(layout.values, 0);
  int64_t stride = 1; // of the axis, then of its parts
  for (int axis = 0; axis < layout.rank(); ++axis) {
    start = emit.addPoint(start, emit.mul(threadPart(layout, axis), stride));
    for (auto [sum, offset] : llvm::zip(offsets, layout.offsets[axis]))
      sum += offset * stride;
    stride *= layout.sizes[axis];
  }
  Values &out = values[op.getOut()];
  out.clear();
  for (int offset : offsets)
    out.push_back(emit.addPoint(start, emit.constant(offset)));
}

Lowering::Values Lowering::inlineMap(MapOp op, ArrayRef<Value> arguments) {
  llvm::SmallDenseMap<Value, Value, 32> scope;
  for (auto [argument, value] : llvm::zip(op.getBody().getArguments(), arguments))
    scope[argument] = value;
  for (Operation &inner : op.block()->without_terminator()) {
    Values operands;
    for (Value operand : inner.getOperands())
      operands.push_back(scope.lookup(operand));
    emit.at(inner.getLoc());
    Value result = lowerScalar(emit, &inner, operands);
    if (!result) {
      inner.emitError("`") << inner.getName() << "` on " << inner.getOperandTypes()
                           << " has no code for one thread";
      return {};
    }
    scope[inner.getResult(0)] = result;
  }
  Values yielded;
  for (Value value : op.yield().getValues())
    yielded.push_back(scope.lookup(value));
  return yielded;
}

/// The map that gives what a rare map takes unless it has to run, and nothing else does: it is
/// computed where that is known, so that its results may take its operands' registers.
static MapOp otherwiseOf(MapOp rare) {
  auto other = rare->hasAttr(kRareAttr) ? rare.getIns()[1].getDefiningOp<MapOp>() : MapOp();
  bool isItsAlone = other && other->hasOneUse() && other->getBlock() == rare->getBlock() &&
                    rare.block()->getArgument(1).use_empty();
  return isItsAlone ? other : MapOp();
}

LogicalResult Lowering::lowerMap(MapOp op) {
  auto user = op->hasOneUse() ? dyn_cast<MapOp>(*op->user_begin()) : MapOp();
  if (op.getOuts().empty() || (user && otherwiseOf(user) == op))
    return success();
  return computeMap(op);
}

LogicalResult Lowering::computeMap(MapOp op) {
  const Layout &layout = layoutOf(op.getOuts()[0].getType());
  Values untested; // of a test of a mask: what it gives where no test is needed
  bool isRare = op->hasAttr(kRareAttr), isTest = isRare || op->hasAttr(kTestAttr), ok = true;
  auto takeUntested = [&] {
    for (int value = 0; ok && value < layout.values; ++value)
      ok &= bool(untested.emplace_back(elementAt(op.getIns()[1], layout, value, op)));
    return untested;
  };
  MapOp other = otherwiseOf(op);
  if (isTest && !other && (takeUntested(), !ok))
    return failure();
  // Whether the region must run: of a rare map, if any of the thread's points asks for it.
  Value flag = isTest && !isRare ? scalar(op.getIns()[0]) : Value();
  llvm::SmallSetVector<Value, 8> flags;
  for (int value = 0; isRare && value < layout.values; ++value) {
    flags.insert(elementAt(op.getIns()[0], layout, value, op));
    if (!flags.back())
      return failure();
  }
  for (Value each : flags)
    flag = flag ? emit.bitOr(flag, each) : each;
  /// The results of value 0, then those of value 1, and so on.
  auto compute = [&]() -> Values {
    Values flat;
    for (int value = 0; value < layout.values; ++value) {
      Values arguments;
      for (Value in : op.getIns())
        ok &= bool(arguments.emplace_back(
            other && in == op.getIns()[1] ? flag : elementAt(in, layout, value, op)));
      Values yielded = ok ? inlineMap(op, arguments) : Values();
      ok &= !yielded.empty();
      if (!ok)
        return untested;
      llvm::append_range(flat, yielded);
    }
    return flat;
  };
  Values flat;
  if (other)
    flat = emit.ifThen(
        emit.bitXor(flag, emit.constant(flag.getType(), 1)),
        [&] {
          ok &= succeeded(computeMap(other));
          return takeUntested();
        },
        compute);
  else
    flat = isTest ? emit.ifThen(flag, compute, [&] { return untested; }) : compute();
  if (!ok)
    return failure();
  unsigned count = op.getNumResults();
  for (auto [number, result] : llvm::enumerate(op.getOuts())) {
    Values &out = values[result];
    out.clear();
    for (int value = 0; value < layout.values; ++value)
      out.push_back(flat[value * count + number]);
  }
  return success();
}

LogicalResult Lowering::lowerConvert(ConvertOp op) {
  const Layout &layout = layoutOf(op.getOut().getType());
  Values out;
  for (int value = 0; value < layout.values; ++value)
    if (!out.emplace_back(elementAt(op.getIn(), layout, value, op)))
      return failure();
  values[op.getOut()] = out;
  return success();
}

LogicalResult Lowering::lowerLoop(scf::ForOp op) {
  Values init;
  for (Value value : op.getInitArgs())
    llvm::append_range(init, values.find(value)->second);
  bool ok = true;
  auto bind = [&](Value tile, ValueRange &rest) {
    size_t count = layoutOf(tile.getType()).values;
    values[tile] = Values(rest.take_front(count));
    rest = rest.drop_front(count);
  };
  Location loc = op.getLoc();
  Value next = nextStart(op);
  auto following = [&] { return scalar(ok ? next : op.getUpperBound()); };
  auto unroll = op->getAttrOfType<IntegerAttr>(kUnrollAttr);
  Values results = emit.loop(
      scalar(op.getLowerBound()), scalar(op.getUpperBound()), scalar(op.getStep()), init,
      [&](Value index, ValueRange carried) {
        values[op.getInductionVar()] = {index};
        for (Value argument : op.getRegionIterArgs())
          bind(argument, carried);
        ok = succeeded(lower(*op.getBody()));
        Values carriedOn;
        if (ok)
          for (Value value : op.getBody()->getTerminator()->getOperands())
            llvm::append_range(carriedOn, values.find(value)->second);
        else
          carriedOn = init;
        emit.at(loc);
        return carriedOn;
      },
      unroll ? int(unroll.getInt()) : 1, next ? llvm::function_ref<Value()>(following) : nullptr);
  ValueRange rest = results;
  for (Value result : op.getResults())
    bind(result, rest);
  return success(ok);
}

void Lowering::lowerWait(WaitOp op) {
  if (op->hasAttr(kCoveredAttr))
    return;
  if (auto pending = op->getAttrOfType<IntegerAttr>(kPendingAttr); pending && pending.getInt() > 0)
    emit.call("llvm.nvvm.cp.async.wait.group", emit.constant(pending.getInt()));
  else
    emit.call("llvm.nvvm.cp.async.wait.all", {});
}

LogicalResult Lowering::lower(Block &block) {
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      continue;
    emit.at(op.getLoc());
    if (failed(lower(&op)))
      return failure();
  }
  return success();
}

LogicalResult Lowering::lower(Operation *op) {
  if (isa<IotaOp, MapOp, ReadOp, ConvertOp>(op) && !needed(op))
    return success();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](IotaOp iota) { return lowerIota(iota), success(); })
      .Case([&](MapOp map) { return lowerMap(map); })
      .Case([&](ConvertOp convertOp) { return lowerConvert(convertOp); })
      .Case([&](ReadOp read) { return lowerRead(read); })
      .Case([&](WriteOp write) { return lowerWrite(write); })
      .Case([&](CopyOp copy) { return lowerCopy(copy); })
      .Case([&](LoadOp load) { return lowerLoad(load); })
      .Case([&](StoreOp store) { return lowerStore(store); })
      .Case([&](DotOp dot) { return lowerDot(dot); })
      .Case([&](ReduceOp reduce) { return lowerReduce(reduce); })
      .Case([&](MergeOp merge) { return lowerMerge(merge); })
      .Case([&](scf::ForOp loop) { return lowerLoop(loop); })
      .Case([&](HopOp hop) { return lowerHop(hop); })
      .Case([&](ExtremeOp extreme) { return lowerExtreme(extreme); })
      .Case<AcquireOp, WaitOp>([&](auto slot) {
        if (failed(lowerSlot(slot, slot.getRing(), slot.getTurn(), slot.getSlot())))
          return failure();
        if (auto wait = dyn_cast<WaitOp>(op); wait && isAsynchronous(slot.getRing()))
          lowerWait(wait);
        return success();
      })
      .Case([&](PublishOp publish) {
        if (publish->hasAttr(kGroupAttr))
          emit.call("llvm.nvvm.cp.async.commit.group", {});
        return success();
      })
      // What orders the copies of all threads are the barriers.
      .Case<RingOp, ReleaseOp>([](auto) { return success(); })
      .Case([&](gpu::BarrierOp) { return emit.barrier(), success(); })
      .Case([&](DimOp dim) {
        values[dim.getValue()] = {dims.lookup(dim.getName())};
        return success();
      })
      .Default([&](Operation *other) -> LogicalResult {
        Values operands;
        for (Value operand : other->getOperands())
          operands.push_back(scalar(operand));
        Value result = other->getNumResults() == 1 ? lowerScalar(emit, other, operands) : Value();
        if (!result)
          return other->emitError("`") << other->getName() << "` has no code for one thread";
        values[other->getResult(0)] = {result};
        return success();
      });
}

} // namespace fc
