// Reductions.cpp - within the thread, then across lanes by butterflies, so that every lane has the
// result
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc {

Value Lowering::identity(ReduceKind kind, Type type) {
  bool top = kind == ReduceKind::Min || kind == ReduceKind::All;
  if (auto real = dyn_cast<FloatType>(type)) {
    double infinity = std::numeric_limits<double>::infinity();
    return emit.real(real, kind == ReduceKind::Sum ? 0 : top ? infinity : -infinity);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (width == 1)
    return emit.constant(type, top);
  if (kind == ReduceKind::Sum)
    return emit.constant(type, 0);
  return emit.constant(type, top ? llvm::maxIntN(width) : llvm::minIntN(width));
}

Value Lowering::combine(ReduceKind kind, Value a, Value b) {
  OpBuilder &builder = emit.builder;
  bool real = isa<FloatType>(a.getType());
  switch (kind) {
  case ReduceKind::Sum:
    return real ? Value(LLVM::FAddOp::create(builder, emit.loc, a, b)) : emit.add(a, b);
  case ReduceKind::Max:
    return real ? Value(LLVM::MaxNumOp::create(builder, emit.loc, a, b))
                : Value(LLVM::SMaxOp::create(builder, emit.loc, a, b));
  case ReduceKind::Min:
    return real ? Value(LLVM::MinNumOp::create(builder, emit.loc, a, b))
                : Value(LLVM::SMinOp::create(builder, emit.loc, a, b));
  case ReduceKind::Any:
    return emit.bitOr(a, b);
  case ReduceKind::All:
    return emit.bitAnd(a, b);
  }
  llvm_unreachable("every kind combines");
}

/// The value of the lane whose number differs in the bits of `lanes`.
Value Lowering::shuffle(Value value, int lanes) {
  Type type = value.getType();
  unsigned width = type.getIntOrFloatBitWidth();
  auto exchange = [&](Value word) {
    return emit.intrinsic("llvm.nvvm.shfl.sync.bfly.i32", emit.i32,
                          {emit.constant(-1), word, emit.constant(lanes), emit.constant(31)});
  };
  if (type.isF32())
    return emit.intrinsic("llvm.nvvm.shfl.sync.bfly.f32", emit.f32,
                          {emit.constant(-1), value, emit.constant(lanes), emit.constant(31)});
  if (width == 32)
    return emit.bitcast(type, exchange(emit.bitcast(emit.i32, value)));
  if (width == 64) {
    Values words = emit.unpack(emit.bitcast(VectorType::get({2}, emit.i32), value));
    return emit.bitcast(type, emit.pack({exchange(words[0]), exchange(words[1])}));
  }
  Type narrow = IntegerType::get(type.getContext(), width);
  Value word = LLVM::ZExtOp::create(emit.builder, emit.loc, emit.i32, emit.bitcast(narrow, value));
  return emit.bitcast(type, emit.toInteger(narrow, exchange(word)));
}

/// Pairs of pairs: a sum of many rounds less than one after the other.
Value Lowering::combineAll(ReduceKind kind, Values list) {
  while (list.size() > 1) {
    Values half;
    for (size_t i = 0; i + 1 < list.size(); i += 2)
      half.push_back(combine(kind, list[i], list[i + 1]));
    if (list.size() % 2)
      half.push_back(list.back());
    list = half;
  }
  return list[0];
}

/// Result r of warp w, lane l is left at ((r * warps + w) * 32 + l).
LogicalResult Lowering::crossWarps(ReduceOp op, const WarpExchange &exchange,
                                   std::map<SmallVector<int>, Value> &results) {
  auto offset = op->getAttrOfType<IntegerAttr>("fc.exchange");
  if (!offset)
    return op.emitError("crosses warps, but `fc-allocate-shared` made no room for that");
  Value base = sharedAt(offset.getInt());
  Type type = results.begin()->second.getType(), memory = memoryType(type);
  int64_t bytes = memory.getIntOrFloatBitWidth() / 8;
  Value mine = emit.offset(base, memory, emit.thread());
  int64_t number = 0;
  for (auto &[key, x] : results) {
    Value stored = x;
    if (type != memory)
      stored = LLVM::ZExtOp::create(emit.builder, emit.loc, memory, x);
    emit.store(stored, emit.offset(mine, memory, emit.constant(number++ * warps * 32)), bytes);
  }
  emit.barrier();
  Value first = emit.warp(); // of those that hold parts of the same results
  for (const ThreadDigit &digit : exchange.digits) {
    Value x = emit.urem(emit.udiv(emit.warp(), digit.div), digit.size);
    first = emit.sub(first, emit.mul(x, digit.div));
  }
  Value from = emit.offset(base, memory, emit.add(emit.mul(first, 32), emit.lane()));
  SmallVector<int> partners{0};
  for (const ThreadDigit &digit : exchange.digits) {
    SmallVector<int> more;
    for (int x = 0; x < digit.size; ++x)
      for (int partner : partners)
        more.push_back(partner + x * digit.div);
    partners = more;
  }
  number = 0;
  for (auto &[key, x] : results) {
    Values parts;
    for (int partner : partners)
      parts.push_back(
          loadAs(type, emit.offset(from, memory, emit.constant((number * warps + partner) * 32))));
    ++number;
    x = combineAll(op.getKind(), parts);
  }
  return success();
}

LogicalResult Lowering::lowerReduce(ReduceOp op) {
  const Layout &from = layoutOf(op.getIn().getType()), &to = layoutOf(op.getOut().getType());
  Values in = values.find(op.getIn())->second;
  Type type = in[0].getType();
  SmallVector<int> kept;
  SmallVector<ThreadDigit> digits;
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (to.find(from.axes[axis]) >= 0)
      kept.push_back(axis);
    else
      llvm::append_range(digits, from.threads[axis]);
  }
  // Within the thread: pairs of pairs, so that sums of many elements round less than one after the
  // other.
  std::map<SmallVector<int>, Values> groups;
  for (int value = 0; value < from.values; ++value) {
    SmallVector<int> key;
    for (int axis : kept)
      key.push_back(from.offsets[axis][value]);
    Value x = in[value];
    if (Value real = isReal(from, value))
      x = emit.select(real, x, identity(op.getKind(), type));
    groups[key].push_back(x);
  }
  std::map<SmallVector<int>, Value> results;
  for (auto &[key, list] : groups) {
    results[key] = combineAll(op.getKind(), list);
  }
  // With a rest, each lane keeps its part.
  bool apart = op.getInto().has_value();
  for (const ThreadDigit &digit : digits) {
    if (digit.unit == Unit::Warp || apart)
      continue;
    if (!llvm::isPowerOf2_32(digit.size) || !llvm::isPowerOf2_32(digit.div))
      return op.emitError("reduces over ")
             << digit.size << " lanes; a power of two can be exchanged";
    for (int lanes = digit.div; lanes < digit.div * digit.size; lanes *= 2)
      for (auto &[key, x] : results)
        x = combine(op.getKind(), x, shuffle(x, lanes));
  }
  WarpExchange exchange = WarpExchange::of(op, warps);
  if (!exchange.digits.empty() && failed(crossWarps(op, exchange, results)))
    return failure();
  Values out;
  for (int value = 0; value < to.values; ++value) {
    SmallVector<int> key;
    for (int axis : kept) {
      int at = to.find(from.axes[axis]);
      if (to.threads[at] != from.threads[axis])
        return op.emitError("gives a place that is not that of its operand without the axis");
      key.push_back(to.offsets[at][value]);
    }
    auto it = results.find(key);
    if (it == results.end())
      return op.emitError("gives a place that is not that of its operand without the axis");
    out.push_back(it->second);
  }
  values[op.getOut()] = out;
  return success();
}

} // namespace fc
