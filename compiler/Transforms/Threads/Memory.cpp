// Memory.cpp - tensors in global memory: reads and writes
//
// An address is base + sum of index * stride in 64 bits; indices are i32 or i64. Elements whose
// bounds or predicates fail are neither read nor written. Elements that share a predicate share a
// branch.
#include "compiler/IR/MemoryAccess.h"
#include "compiler/Transforms/Schedules.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {

Value Lowering::pointerTo(Value tensor, ArrayRef<Value> indices) {
  Tensor &t = tensorOf(tensor);
  Type element = memoryType(cast<TensorType>(tensor.getType()).getElement());
  Value sum = emit.constant(emit.i64, 0);
  for (auto [index, stride] : llvm::zip(indices, t.strides)) {
    Value wide = emit.toInteger(emit.i64, index);
    sum = emit.add(sum, stride ? emit.mul(wide, stride) : wide);
  }
  return emit.offset(t.base, element, sum);
}

Value Lowering::isAligned(Value tensor, int64_t bytes) {
  // Some variants of a kernel are launched only where it is.
  if (auto given = kernel->getAttrOfType<ArrayAttr>(kAlignedAttr); given && 16 % bytes == 0)
    if (auto argument = dyn_cast<BlockArgument>(tensor);
        argument && llvm::is_contained(given, kernel.getParams()[argument.getArgNumber()]))
      return emit.constant(emit.i1, 1);
  Tensor &t = tensorOf(tensor);
  Value &known = t.aligned[bytes];
  if (!known)
    known = emit.once([&] {
      int64_t size =
          memoryType(cast<TensorType>(tensor.getType()).getElement()).getIntOrFloatBitWidth() / 8;
      Value bits = LLVM::PtrToIntOp::create(emit.builder, emit.loc, emit.i64, t.base);
      for (Value stride : t.strides)
        if (stride)
          bits = emit.bitOr(bits, emit.mul(stride, size));
      Value low = emit.bitAnd(bits, emit.constant(emit.i64, bytes - 1));
      return emit.equal(low, emit.constant(emit.i64, 0));
    });
  return known;
}

/// Whether `width` elements from a multiple of `width` along the tensor's last dimension are
/// aligned together; `last` is that dimension's index, an iota.
Value Lowering::isAlignedFrom(Value tensor, Value last, int64_t width) {
  int64_t bytes =
      memoryType(cast<TensorType>(tensor.getType()).getElement()).getIntOrFloatBitWidth() / 8;
  Value aligned = isAligned(tensor, width * bytes);
  Value start = scalar(last.getDefiningOp<IotaOp>().getBase());
  if (auto known = emit.known(start); known && *known % width == 0)
    return aligned;
  return emit.both(aligned, emit.equal(emit.urem(start, width), emit.constant(0)));
}

Layout::Runs Lowering::contiguousRuns(ValueRange indices, const Layout &layout, int64_t most) {
  StringRef axis = contiguousAxis(indices);
  return layout.runs(axis.empty() ? 0 : layout.find(axis), axis.empty() ? 1 : most);
}

/// An element at a pointer; a boolean is a byte.
Value Lowering::loadAs(Type element, Value pointer) {
  Type type = memoryType(element);
  Value value = emit.load(type, pointer, type.getIntOrFloatBitWidth() / 8);
  if (element.isInteger(1))
    return emit.cmp(LLVM::ICmpPredicate::ne, value, emit.constant(emit.i8, 0));
  return value;
}

namespace {

/// Conjunctions of predicates and comparisons, each made once: equal predicates are one value.
class Predicates {
public:
  explicit Predicates(Emitter &emit) : emit(emit) {}
  Value both(Value a, Value b) {
    if (!a || !b || a == b)
      return a ? a : b;
    Value &known = pairs[{a, b}];
    return known ? known : known = emit.both(a, b);
  }
  Value less(Value a, Value b) {
    Value &known = comparisons[{a, b}];
    return known ? known : known = emit.less(a, emit.toInteger(a.getType(), b));
  }

private:
  Emitter &emit;
  llvm::DenseMap<std::pair<Value, Value>, Value> pairs, comparisons;
};

/// The runs that a group of values has whole, and its values that are in none.
std::pair<SmallVector<SmallVector<int>>, SmallVector<int>> runsOf(ArrayRef<int> group,
                                                                  const Layout::Runs &runs) {
  SmallVector<SmallVector<int>> whole;
  SmallVector<int> rest;
  if (runs.values.empty())
    return {whole, SmallVector<int>(group)};
  for (auto &run : runs.values) {
    bool all = runs.width > 1 &&
               llvm::all_of(run, [&](int value) { return llvm::is_contained(group, value); });
    if (all)
      whole.push_back(run);
    for (int value : run)
      if (!all && llvm::is_contained(group, value))
        rest.push_back(value);
  }
  return {whole, rest};
}

} // namespace

LogicalResult Lowering::lowerRead(ReadOp op) {
  const Layout &layout = layoutOf(op.getOut().getType());
  Type element = elementOf(op.getOut().getType());
  Predicates predicates(emit);
  SmallVector<Values> indices(layout.values);
  llvm::MapVector<Value, SmallVector<int>> groups; // by predicate; null: always
  for (int value = 0; value < layout.values; ++value) {
    for (Value index : op.getIndices())
      if (!indices[value].emplace_back(elementAt(index, layout, value, op)))
        return failure();
    Value allowed = isReal(layout, value);
    for (auto [index, limit] : llvm::zip(op.getBounded(), op.getLimits())) {
      Value x = elementAt(index, layout, value, op);
      if (!x)
        return failure();
      allowed = predicates.both(allowed, predicates.less(x, scalar(limit)));
    }
    for (Value where : op.getWhere()) {
      Value x = elementAt(where, layout, value, op);
      if (!x)
        return failure();
      allowed = predicates.both(allowed, x);
    }
    groups[allowed].push_back(value);
  }
  // Around loops a tile is large, and is kept as words until it is used.
  Layout::Runs runs{1, {}};
  if (layout.rank() > 1 && !op->getParentOfType<scf::ForOp>() && memoryType(element) == element)
    runs = contiguousRuns(op.getIndices(), layout, 16 * 8 / element.getIntOrFloatBitWidth());
  Values out(layout.values);
  for (auto &[allowed, group] : groups) {
    auto [whole, rest] = runsOf(group, runs);
    Values loaded = emit.ifThen(
        allowed,
        [&] {
          auto load = [&](int value) {
            return loadAs(element, pointerTo(op.getTensor(), indices[value]));
          };
          Values loaded;
          if (!whole.empty())
            loaded = emit.ifThen(
                isAlignedFrom(op.getTensor(), op.getIndices().back(), runs.width),
                [&] {
                  Values words;
                  for (auto &run : whole)
                    words.push_back(emit.loadTogether(element, runs.width,
                                                      pointerTo(op.getTensor(), indices[run[0]])));
                  return words;
                },
                [&] {
                  Values words;
                  for (auto &run : whole)
                    words.push_back(emit.together(llvm::map_to_vector(run, load)));
                  return words;
                });
          llvm::append_range(loaded, llvm::map_range(rest, load));
          return loaded;
        },
        [&] {
          Values zeros;
          Values run(runs.width, emit.zero(scalarType(element)));
          for (size_t i = 0; i < whole.size(); ++i)
            zeros.push_back(emit.together(run));
          zeros.append(rest.size(), run[0]);
          return zeros;
        });
    auto next = loaded.begin();
    for (auto &run : whole)
      for (auto [value, x] : llvm::zip(
               run, emit.unpack(emit.bitcast(VectorType::get({runs.width}, element), *next++))))
        out[value] = x;
    for (int value : rest)
      out[value] = *next++;
  }
  values[op.getOut()] = out;
  return success();
}

LogicalResult Lowering::lowerWrite(WriteOp op) {
  // The threads and values that cover all the points: those of the widest operand, and what it
  // lacks as values.
  SmallVector<Value> operands(op.getIndices());
  llvm::append_range(operands, op.getWhere());
  operands.push_back(op.getValue());
  auto axes = *unionOfAxes(ValueRange(operands).getTypes(), [&] { return op.emitOpError(); });
  Place place;
  SmallVector<TileType::AxisSize> covered;
  if (isa<TileType>(op.getValue().getType()))
    std::rotate(operands.begin(), operands.end() - 1, operands.end());
  for (Value operand : operands)
    if (auto tile = dyn_cast<TileType>(operand.getType());
        tile && tile.getAxes().size() > covered.size()) {
      place = tile.registers().place();
      covered = tile.axisSizes();
    }
  for (auto &axis : axes)
    if (!llvm::is_contained(covered, axis))
      place = place.repeat(axis.first.getValue(), axis.second, Unit::Value);
  writeLayouts.push_back(std::make_unique<Layout>(Layout::of(place, axes, warps)));
  const Layout &layout = *writeLayouts.back();

  Predicates predicates(emit);
  Value first = predicates.both(tensorOf(op.getTensor()).present, isFirstReplica(layout));
  SmallVector<Values> indices(layout.values);
  Values stored;
  llvm::MapVector<Value, SmallVector<int>> groups;
  std::map<SmallVector<int>, Value> real; // by run of ghosts
  for (int value = 0; value < layout.values; ++value) {
    for (Value index : op.getIndices())
      if (!indices[value].emplace_back(elementAt(index, layout, value, op)))
        return failure();
    auto [known, isNew] = real.try_emplace(layout.ghostRun(value));
    if (isNew)
      known->second = isReal(layout, value);
    Value allowed = known->second;
    for (auto [index, limit] : llvm::zip(op.getBounded(), op.getLimits())) {
      Value x = elementAt(index, layout, value, op);
      if (!x)
        return failure();
      allowed = predicates.both(allowed, predicates.less(x, scalar(limit)));
    }
    for (Value where : op.getWhere()) {
      Value x = elementAt(where, layout, value, op);
      if (!x)
        return failure();
      allowed = predicates.both(allowed, x);
    }
    if (!stored.emplace_back(elementAt(op.getValue(), layout, value, op)))
      return failure();
    groups[predicates.both(first, allowed)].push_back(value);
  }
  Type memory = memoryType(elementOf(op.getValue().getType()));
  int64_t bytes = memory.getIntOrFloatBitWidth() / 8;
  for (Value &x : stored)
    if (x.getType() != memory)
      x = LLVM::ZExtOp::create(emit.builder, emit.loc, memory, x);
  Layout::Runs runs = contiguousRuns(op.getIndices(), layout, 16 / bytes);
  auto storeSingly = [&](ArrayRef<int> group) {
    for (int value : group)
      emit.store(stored[value], pointerTo(op.getTensor(), indices[value]), bytes);
  };
  for (auto &[allowed, group] : groups) {
    // Runs that the predicate takes whole go out at once where the tensor is aligned.
    auto [whole, rest] = runsOf(group, runs);
    SmallVector<int> inRuns;
    for (auto &run : whole)
      llvm::append_range(inRuns, run);
    emit.ifThen(allowed, [&] {
      storeSingly(rest);
      if (whole.empty())
        return;
      Value aligned = isAlignedFrom(op.getTensor(), op.getIndices().back(), runs.width);
      emit.ifThen(
          aligned,
          [&] {
            for (auto &run : whole) {
              Values elements;
              for (int value : run)
                elements.push_back(stored[value]);
              emit.storeElements(elements, pointerTo(op.getTensor(), indices[run[0]]));
            }
            return Values();
          },
          [&] { return storeSingly(inRuns), Values(); });
    });
  }
  return success();
}

} // namespace fc
