// Dots.cpp - products by FMAs: both operands in slots, the result in registers
//
// A loop over the contracted axes, the innermost cut into steps of up to 16 bytes of an operand. An
// operand whose contiguous axis is that one is loaded along it, one vector an element of the
// result's rows (or columns); the other way round it is loaded along the result's axis, for each
// step. The operand with fewer elements is held, the other streams by.
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc {

namespace {

/// One operand of a dot, as this thread needs it.
struct DotOperand {
  TileType tile;
  Type element;
  Value base;
  bool along;             ///< contiguous along the innermost contracted axis
  int inner;              ///< the number of that axis in the tile
  SmallVector<int> which; ///< for each value of the result, the element that it needs
  int count = 0;          ///< the number of different elements
  Layout::Runs runs;      ///< of the elements, along the tile's contiguous axis (if not `along`)
  Layout elements;        ///< the elements as a layout over the tile's axes (contracted ones at 0)
};

class DotLowering {
public:
  DotLowering(Emitter &emit, DotOp op, const Layout &result,
              llvm::function_ref<Value(int axis)> threadPart)
      : emit(emit), op(op), result(result), threadPart(threadPart) {}

  using Values = SmallVector<Value>;

  Values lower(Value a, Value b, Values sums) {
    chooseInner();
    operands[0] = describe(op.getA(), a);
    operands[1] = describe(op.getB(), b);
    chooseStep();
    SmallVector<std::pair<StringRef, int64_t>> outer;
    for (StringRef axis : op.getAxes().getAsValueRange<StringAttr>())
      if (axis != inner)
        outer.push_back({axis, tileOf(op.getA()).size(axis)});
    return loopOver(outer, sums);
  }

private:
  static TileType tileOf(Value operand) { return cast<SlotType>(operand.getType()).getTile(); }

  void chooseInner() {
    auto axes = llvm::to_vector(op.getAxes().getAsValueRange<StringAttr>());
    inner = axes.back();
    for (Value operand : {op.getB(), op.getA()})
      if (StringRef minor = tileOf(operand).shared().getMinor(); llvm::is_contained(axes, minor))
        inner = minor;
    size = tileOf(op.getA()).size(inner);
  }

  DotOperand describe(Value value, Value base) {
    DotOperand operand;
    operand.tile = tileOf(value);
    operand.element = operand.tile.getElement();
    operand.base = base;
    operand.along = operand.tile.shared().getMinor() == inner;
    Layout &elements = operand.elements;
    llvm::MapVector<SmallVector<int>, int> seen;
    for (auto [number, axis] : llvm::enumerate(operand.tile.axisSizes())) {
      StringRef name = axis.first.getValue();
      if (name == inner)
        operand.inner = number;
      int at = result.find(name);
      elements.axes.push_back(name);
      elements.sizes.push_back(axis.second);
      elements.extents.push_back(at < 0 ? axis.second : result.extents[at]);
      elements.threads.push_back(at < 0 ? SmallVector<ThreadDigit>() : result.threads[at]);
    }
    elements.offsets.resize(elements.rank());
    std::map<SmallVector<int>, int> numbers;
    for (int v = 0; v < result.values; ++v) {
      SmallVector<int> offsets;
      for (StringRef axis : elements.axes) {
        int at = result.find(axis);
        offsets.push_back(at < 0 ? 0 : result.offsets[at][v]);
      }
      auto [it, isNew] = numbers.try_emplace(offsets, operand.count);
      if (isNew) {
        ++operand.count;
        for (auto [list, offset] : llvm::zip(elements.offsets, offsets))
          list.push_back(offset);
      }
      operand.which.push_back(it->second);
    }
    elements.values = operand.count;
    int minor = elements.find(operand.tile.shared().getMinor());
    SharedLayout shape = SharedLayout::of(operand.tile);
    int64_t most = 16 / shape.bytes;
    while (most > 1 && shape.page % most)
      most /= 2;
    operand.runs = elements.runs(
        minor, result.find(elements.axes[minor]) < 0 || elements.ghosts(minor) ? 1 : most);
    return operand;
  }

  /// Up to 16 bytes of an operand that is contiguous along the axis, and not so many that the code
  /// grows long.
  void chooseStep() {
    step = 8;
    for (DotOperand &operand : operands)
      if (operand.along) {
        SharedLayout shape = SharedLayout::of(operand.tile);
        step = std::min(step, 16 / shape.bytes);
        while (shape.page % step)
          step /= 2;
      }
    while (size % step || (step > 1 && step * result.values > 1024))
      step /= 2;
  }

  Values loopOver(ArrayRef<std::pair<StringRef, int64_t>> outer, Values sums) {
    if (outer.empty()) {
      if (step == size)
        return contract(emit.constant(0), sums);
      return emit.loop(emit.constant(0), emit.constant(size), emit.constant(step), sums,
                       [&](Value at, ValueRange carried) { return contract(at, Values(carried)); });
    }
    auto [axis, extent] = outer.front();
    return emit.loop(emit.constant(0), emit.constant(extent), emit.constant(1), sums,
                     [&, axis = axis](Value at, ValueRange carried) {
                       position[axis] = at;
                       return loopOver(outer.drop_front(), Values(carried));
                     });
  }

  /// The slot's pointers with the contracted axes at their loops' positions.
  SlotPointer pointers(const DotOperand &operand, Value at) {
    Values dynamic;
    for (StringRef axis : operand.elements.axes) {
      int inResult = result.find(axis);
      if (axis == inner)
        dynamic.push_back(at);
      else if (inResult >= 0)
        dynamic.push_back(threadPart(inResult));
      else
        dynamic.push_back(position.lookup(axis));
    }
    return SlotPointer(emit, operand.base, operand.tile, dynamic);
  }

  Value widen(Value x, Type element) {
    if (sumType == x.getType())
      return x;
    if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() == 8)
      return widenFloat8(emit, element, x);
    if (isa<FloatType>(element))
      return LLVM::FPExtOp::create(emit.builder, emit.loc, sumType, x);
    if (element.isInteger(1))
      return LLVM::ZExtOp::create(emit.builder, emit.loc, sumType, x);
    return emit.toInteger(sumType, x);
  }

  Value multiplyAdd(Value a, Value b, Value sum) {
    if (isa<FloatType>(sumType))
      return LLVM::FMAOp::create(emit.builder, emit.loc, a, b, sum);
    return emit.add(emit.mul(a, b), sum);
  }

  /// Elements of a run, at one step (count 1) or along all of them. Ghosts are not read: they give
  /// 0.
  Values load(DotOperand &operand, SlotPointer &pointer, ArrayRef<int> run, int offset, int count) {
    SmallVector<int> offsets = operand.elements.at(run[0]);
    offsets[operand.inner] += offset;
    Type memory = memoryType(operand.element);
    Value from = pointer.at(offsets);
    Value real;
    for (int axis = 0; axis < operand.elements.rank(); ++axis)
      if (operand.elements.ghosts(axis)) {
        Value part = threadPart(result.find(operand.elements.axes[axis]));
        Value at = emit.addPoint(part, emit.constant(operand.elements.offsets[axis][run[0]]));
        real = emit.both(real, emit.less(at, emit.constant(operand.elements.sizes[axis])));
      }
    Values elements = emit.ifThen(
        real, [&] { return Values(emit.loadElements(memory, count, from)); },
        [&] { return Values(count, emit.zero(memory)); });
    for (Value &x : elements)
      x = widen(x, operand.element);
    return elements;
  }

  Values contract(Value at, Values sums) {
    sumType = sums[0].getType();
    bool swap = operands[0].count > operands[1].count;
    DotOperand &held = operands[swap], &stream = operands[!swap];
    SlotPointer heldPointer = pointers(held, at), streamPointer = pointers(stream, at);
    SmallVector<Values> heldAt(step, Values(held.count)); // [step][element]
    auto loadAll = [&](DotOperand &operand, SlotPointer &pointer, ArrayRef<int> run, int first,
                       int last, SmallVector<Values> &into) {
      if (operand.along) {
        for (auto [i, x] : llvm::enumerate(load(operand, pointer, run, 0, step)))
          into[i][run[0]] = x;
        return;
      }
      for (int i = first; i < last; ++i)
        for (auto [element, x] : llvm::zip(run, load(operand, pointer, run, i, run.size())))
          into[i][element] = x;
    };
    auto runsOf = [&](DotOperand &operand) {
      if (!operand.along)
        return operand.runs.values;
      SmallVector<SmallVector<int>> single;
      for (int i = 0; i < operand.count; ++i)
        single.push_back({i});
      return single;
    };
    auto heldRuns = runsOf(held), streamRuns = runsOf(stream);
    auto multiply = [&](ArrayRef<int> run, int first, int last, SmallVector<Values> &streamAt) {
      for (int i = first; i < last; ++i)
        for (int v = 0; v < result.values; ++v)
          if (llvm::is_contained(run, stream.which[v])) {
            Value x = heldAt[i][held.which[v]], y = streamAt[i][stream.which[v]];
            sums[v] = multiplyAdd(x, y, sums[v]);
          }
    };
    for (auto &run : heldRuns)
      loadAll(held, heldPointer, run, 0, step, heldAt);
    SmallVector<Values> streamAt(step, Values(stream.count));
    if (stream.along) {
      for (auto &run : streamRuns) {
        loadAll(stream, streamPointer, run, 0, step, streamAt);
        multiply(run, 0, step, streamAt);
      }
    } else {
      for (int i = 0; i < step; ++i)
        for (auto &run : streamRuns) {
          loadAll(stream, streamPointer, run, i, i + 1, streamAt);
          multiply(run, i, i + 1, streamAt);
        }
    }
    return sums;
  }

  Emitter &emit;
  DotOp op;
  const Layout &result;
  llvm::function_ref<Value(int axis)> threadPart;
  DotOperand operands[2];
  StringRef inner;                 ///< the innermost contracted axis
  int64_t size = 0, step = 1;      ///< its size, and how much of it one turn takes
  llvm::StringMap<Value> position; ///< of the other contracted axes
  Type sumType;
};

} // namespace

LogicalResult Lowering::lowerDot(DotOp op) {
  if (op.getBy() && op.getBy()->starts_with("mma."))
    return lowerMatrixDot(op);
  if (!isa<SlotType>(op.getA().getType()) || !isa<SlotType>(op.getB().getType()))
    return op.emitError(
        "has an operand in registers; a product by FMAs reads both from shared memory");
  if (op.getBy() && *op.getBy() != "fma")
    return op.emitError("is by `") << *op.getBy() << "`; this target's products are by `fma`";
  Type element = cast<SlotType>(op.getA().getType()).getTile().getElement();
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() == 8 &&
      !isa<Float8E4M3FNType, Float8E5M2Type>(element))
    return op.emitError("multiplies ") << element << "; of 8-bit floats there are e4m3fn and e5m2";
  const Layout &layout = layoutOf(op.getOut().getType());
  Type type = elementOf(op.getOut().getType());
  Values sums(layout.values, emit.zero(type));
  if (Value acc = op.getAcc())
    for (int value = 0; value < layout.values; ++value)
      if (!(sums[value] = elementAt(acc, layout, value, op)))
        return failure();
  auto part = [&](int axis) { return threadPart(layout, axis); };
  values[op.getOut()] =
      DotLowering(emit, op, layout, part).lower(scalar(op.getA()), scalar(op.getB()), sums);
  return success();
}

} // namespace fc
