// Merges.cpp - states that the parts of a CTA's warps have carried, combined through shared memory
//
// Threads at the same place in their parts hold the same elements of different states. Each leaves
// in shared memory what the threads of the other parts keep, all meet at a barrier, each fetches
// the others' values of what it keeps itself, and combines them in the order of the parts, so that
// all get the same. Vector r of thread t lies at (r * threads + t): no bank has two.
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc {

namespace {

using Values = SmallVector<Value>;

class Exchange {
public:
  Exchange(Emitter &emit, const MergeExchange &plan, Value base, int threads)
      : emit(emit), plan(plan), base(base), threads(threads), parts(plan.part.size) {
    part = emit.urem(emit.udiv(emit.warp(), plan.part.div), parts);
    for (int number = 0; number < parts; ++number) {
      is.push_back(emit.equal(part, emit.constant(number)));
      isAfter.push_back(emit.less(emit.constant(number), part));
    }
  }

  /// Leaves what the others keep: for the k-th of them, in region k; what all keep, in one.
  void leave(const MergeExchange::State &state, ArrayRef<Value> values) {
    if (!state.shared)
      return store(state, emit.constant(0), pick(values, state.from[0]));
    for (int k = 0; k + 1 < parts; ++k)
      store(state, emit.constant(k),
            select(isAfter[k], pick(values, state.from[k]), pick(values, state.from[k + 1])));
  }

  /// The values that this thread keeps, of every part's state.
  SmallVector<Values> fetch(const MergeExchange::State &state, ArrayRef<Value> values) {
    Values own = pick(values, state.from[0]);
    if (state.shared)
      for (int number = 1; number < parts; ++number)
        own = select(is[number], pick(values, state.from[number]), own);
    SmallVector<Values> others;
    for (int k = 0; k + 1 < parts; ++k) {
      // The k-th other part is k, or from this one on k + 1; of its others this is one less, or
      // not.
      Value after = isAfter[k];
      Value other = emit.select(after, emit.constant(k), emit.constant(k + 1));
      Value region = emit.select(after, emit.sub(part, emit.constant(1)), part);
      Value thread =
          emit.add(emit.thread(), emit.mul(emit.sub(other, part), int64_t(plan.part.div) * 32));
      others.push_back(load(state, state.shared ? region : emit.constant(0), thread,
                            own[0].getType(), own.size()));
    }
    SmallVector<Values> all;
    for (int number = 0; number < parts; ++number) {
      Values theirs = number + 1 < parts ? others[number] : others[number - 1];
      if (number > 0 && number + 1 < parts) // one further if this part comes before
        theirs = select(emit.less(part, emit.constant(number)), others[number - 1], theirs);
      all.push_back(select(is[number], own, theirs));
    }
    return all;
  }

private:
  static Values pick(ArrayRef<Value> values, ArrayRef<int> which) {
    Values list;
    for (int value : which)
      list.push_back(values[value]);
    return list;
  }
  Values select(Value condition, const Values &a, const Values &b) {
    Values list;
    for (auto [x, y] : llvm::zip(a, b))
      list.push_back(emit.select(condition, x, y));
    return list;
  }

  /// The pointer to vector `number` of a region.
  Value at(const MergeExchange::State &state, Value region, Value thread, int64_t count,
           int64_t number) {
    int64_t vector = state.width * state.bytes;
    Value first = emit.add(emit.mul(thread, vector),
                           emit.mul(region, count / state.width * threads * vector));
    Value start = emit.offset(base, emit.i8, first);
    return emit.offset(start, emit.i8, emit.constant(state.offset + number * threads * vector));
  }

  void store(const MergeExchange::State &state, Value region, const Values &values) {
    Type memory = memoryType(values[0].getType());
    for (size_t i = 0; i < values.size(); i += state.width) {
      Values elements;
      for (Value x : ArrayRef(values).slice(i, state.width))
        elements.push_back(
            x.getType() == memory ? x : LLVM::ZExtOp::create(emit.builder, emit.loc, memory, x));
      emit.storeElements(elements,
                         at(state, region, emit.thread(), values.size(), i / state.width));
    }
  }

  Values load(const MergeExchange::State &state, Value region, Value thread, Type type,
              int64_t count) {
    Type memory = memoryType(type);
    Values values;
    for (int64_t i = 0; i < count; i += state.width)
      for (Value x : emit.loadElements(memory, state.width,
                                       at(state, region, thread, count, i / state.width)))
        values.push_back(type == memory ? x
                                        : emit.cmp(LLVM::ICmpPredicate::ne, x, emit.zero(memory)));
    return values;
  }

  Emitter &emit;
  const MergeExchange &plan;
  Value base;
  int64_t threads;
  int parts;
  Value part;         ///< of this warp
  Values is, isAfter; ///< by number: whether the part is it, comes after it
};

} // namespace

LogicalResult Lowering::lowerMerge(MergeOp op) {
  FailureOr<MergeExchange> plan = MergeExchange::of(op, warps);
  auto offset = op->getAttrOfType<IntegerAttr>("fc.exchange");
  if (failed(plan))
    return failure();
  if (!offset)
    return op.emitError("crosses warps, but `fc-allocate-shared` made no room for that");
  Exchange exchange(emit, *plan, sharedAt(offset.getInt()), warps * 32);
  for (auto [state, value] : llvm::zip(plan->states, op.getStates()))
    exchange.leave(state, values.find(value)->second);
  emit.barrier();
  SmallVector<SmallVector<Values>> all; // [state][part]
  for (auto [state, value] : llvm::zip(plan->states, op.getStates()))
    all.push_back(exchange.fetch(state, values.find(value)->second));

  Block &combine = op.getCombine().front();
  size_t count = all.size();
  SmallVector<Values> merged;
  for (auto &state : all)
    merged.push_back(state[0]);
  for (int part = 1; part < plan->part.size; ++part) {
    for (size_t i = 0; i < count; ++i) {
      values[combine.getArgument(i)] = merged[i];
      values[combine.getArgument(count + i)] = all[i][part];
    }
    if (failed(lower(combine)))
      return failure();
    for (auto [value, into] : llvm::zip(op.yield().getValues(), merged))
      into = values.find(value)->second;
  }
  for (auto [result, list] : llvm::zip(op.getResults(), merged))
    values[result] = list;
  return success();
}

} // namespace fc
