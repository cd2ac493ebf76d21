// Shared.cpp - slots of rings in shared memory: addresses, loads, stores
#include "compiler/IR/Turns.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fc {

//===-- Addresses ------------------------------------------------------------------===//

SlotPointer::SlotPointer(Emitter &emit, Value base, TileType tile, ArrayRef<Value> dynamic,
                         int64_t columns)
    : emit(emit), layout(SharedLayout::of(tile)) {
  std::tie(this->base, displacement) = emit.parts(base);
  rowStrides.assign(tile.getAxes().size(), 0);
  minor = tile.number(tile.shared().getMinor());
  int64_t stride = 1;
  for (StringRef axis : llvm::reverse(SharedLayout::rowAxes(tile))) {
    rowStrides[tile.number(axis)] = stride;
    stride *= tile.size(axis);
  }
  row = emit.constant(0);
  for (auto [part, rowStride] : llvm::zip(dynamic, rowStrides))
    if (part)
      row = emit.add(row, emit.mul(part, rowStride));
  column = dynamic[minor] ? dynamic[minor] : emit.constant(0);
  withinPage = layout.page == layout.columns || (columns && layout.page % columns == 0);
}

/// The swizzle moves bits 4 to 6 by bits 7 to 9: what is a multiple of 1024 passes through it
/// unchanged, and is added last, as the constant of the access.
Value SlotPointer::at(ArrayRef<int> offsets) {
  int64_t rowOffset = 0;
  for (auto [offset, stride] : llvm::zip(offsets, rowStrides))
    rowOffset += offset * stride;
  Value linear;
  int64_t plus = rowOffset * layout.width(), columnOffset = offsets[minor];
  if (withinPage || emit.known(column) || columnOffset % layout.page == 0) {
    int64_t fixed = emit.known(column).value_or(0) + columnOffset;
    plus += fixed / layout.page * layout.rows * layout.width() + fixed % layout.page * layout.bytes;
    columnOffset = 0;
  }
  int64_t low = layout.mask() ? plus % 1024 : 0, high = plus - low;
  Value &start = known[{low, columnOffset}];
  if (!start) {
    linear = emit.mul(row, layout.width());
    if (!emit.known(column)) {
      if (withinPage) {
        linear = emit.add(linear, emit.mul(column, layout.bytes));
      } else {
        Value x = emit.add(column, emit.constant(columnOffset));
        linear =
            emit.add(linear, emit.mul(emit.udiv(x, layout.page), layout.rows * layout.width()));
        linear = emit.add(linear, emit.mul(emit.urem(x, layout.page), layout.bytes));
      }
    }
    linear = emit.add(linear, emit.constant(low));
    if (layout.mask())
      linear = emit.bitXor(linear, emit.bitAnd(emit.shr(linear, 3), emit.constant(layout.mask())));
    start = emit.offset(base, emit.i8, linear);
  }
  return emit.offset(start, emit.i8, emit.constant(high + displacement));
}

Value Lowering::sharedAt(int64_t offset) {
  Value &base = sharedPointers[0];
  if (!base)
    base = emit.once(
        [&]() -> Value { return LLVM::AddressOfOp::create(emit.builder, emit.loc, shared); });
  if (offset == 0)
    return base;
  Value start = base;
  Value &pointer = sharedPointers[offset];
  if (!pointer)
    pointer = emit.once([&] { return emit.displaced(start, offset); });
  return pointer;
}

/// The turn of a ring, as far as the copy of an unrolled loop says which it is.
std::optional<int64_t> Lowering::turnOf(Value turn) {
  APInt number;
  if (matchPattern(turn, m_ConstantInt(&number)))
    return number.getSExtValue();
  Operation *op = turn.getDefiningOp();
  if (op && op->hasAttr(kTurnAttr))
    return emit.copy();
  if (auto sum = dyn_cast_or_null<arith::AddIOp>(op))
    if (auto a = turnOf(sum.getLhs()), b = turnOf(sum.getRhs()); a && b)
      return *a + *b;
  return std::nullopt;
}

LogicalResult Lowering::lowerSlot(Operation *op, Value ring, Value turn, Value slot) {
  auto ringOp = ring.getDefiningOp<RingOp>();
  if (!ringOp.getOffset())
    return op->emitError("is of a ring without an offset; `fc-allocate-shared` gives it one");
  RingType type = ringOp.getRing().getType();
  int64_t stride = SharedLayout::of(type.getTile()).slotStride();
  if (auto number = turnOf(turn)) {
    values[slot] = {sharedAt(*ringOp.getOffset() + *number % type.getSlots() * stride)};
    return success();
  }
  Value base = sharedAt(*ringOp.getOffset());
  if (type.getSlots() > 1) {
    Value index = emit.urem(scalar(turn), type.getSlots());
    base = emit.offset(base, emit.i8, emit.mul(index, stride));
  }
  values[slot] = {base};
  return success();
}

//===-- Registers to and from slots ----------------------------------------------===//

/// The widest run of elements that moves at once.
static Layout::Runs slotRuns(const Layout &layout, TileType tile) {
  SharedLayout shape = SharedLayout::of(tile);
  int64_t most = 16 / shape.bytes;
  while (most > 1 && shape.page % most)
    most /= 2;
  return layout.runs(layout.find(tile.shared().getMinor()), most);
}

LogicalResult Lowering::lowerStore(StoreOp op) {
  const Layout &layout = layoutOf(op.getValue().getType());
  TileType tile = op.getSlot().getType().getTile();
  Type memory = memoryType(tile.getElement());
  SmallVector<Value> dynamic;
  for (int axis = 0; axis < layout.rank(); ++axis)
    dynamic.push_back(threadPart(layout, axis));
  Values stored = values.find(op.getValue())->second;
  Layout::Runs runs = slotRuns(layout, tile);
  emit.ifThen(isFirstReplica(layout), [&] {
    SlotPointer pointer(emit, scalar(op.getSlot()), tile, dynamic);
    for (auto &run : runs.values) {
      Values elements;
      for (int value : run) {
        Value x = stored[value];
        if (x.getType() != memory)
          x = LLVM::ZExtOp::create(emit.builder, emit.loc, memory, x);
        elements.push_back(x);
      }
      Value to = pointer.at(layout.at(run[0]));
      emit.ifThen(isReal(layout, run[0]), [&] { emit.storeElements(elements, to); });
    }
  });
  return success();
}

LogicalResult Lowering::lowerLoad(LoadOp op) {
  if (loadFragment(op))
    return success();
  const Layout &layout = layoutOf(op.getOut().getType());
  TileType tile = op.getSlot().getType().getTile();
  Type element = tile.getElement(), memory = memoryType(element);
  SmallVector<Value> dynamic;
  for (int axis = 0; axis < layout.rank(); ++axis)
    dynamic.push_back(threadPart(layout, axis));
  SlotPointer pointer(emit, scalar(op.getSlot()), tile, dynamic);
  Layout::Runs runs = slotRuns(layout, tile);
  Values out(layout.values);
  for (auto &run : runs.values) {
    Value from = pointer.at(layout.at(run[0]));
    Values elements = emit.ifThen(
        isReal(layout, run[0]), [&] { return Values(emit.loadElements(memory, runs.width, from)); },
        [&] { return Values(runs.width, emit.zero(memory)); });
    for (auto [value, x] : llvm::zip(run, elements))
      out[value] =
          element.isInteger(1) ? emit.cmp(LLVM::ICmpPredicate::ne, x, emit.zero(memory)) : x;
  }
  values[op.getOut()] = out;
  return success();
}

} // namespace fc
