// Matrices.cpp - products by mma.sync, fragments by ldmatrix
//
// Fragments are those of the PTX ISA, "Matrix Fragments for mma.m16n8k16": lane 4g + t holds rows g
// and g + 8, and columns 2t, 2t + 1 of every group of eight. A register is two neighbours along the
// contracted axis. ldmatrix gives a lane just that of each 8x8 matrix whose rows are contiguous
// along the contracted axis; `.trans` of one whose rows are contiguous across it. Each lane
// supplies the address of one row; up to four matrices come at once.
#include "compiler/Transforms/Threads/Fragments.h"
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc {

namespace {

using Values = SmallVector<Value>;

/// Fetches 8x8 matrices from a slot.
class MatrixLoader {
public:
  /// `ownPart`: where the warp's part starts along the operand's own axis. `partOf` gives the
  /// warp's coordinate along an axis that is neither that nor the contracted one.
  MatrixLoader(Emitter &emit, Value base, TileType tile, StringRef ownAxis,
               StringRef contractedAxis, Value ownPart, llvm::function_ref<Value(StringRef)> partOf)
      : emit(emit), base(base), tile(tile), ownPart(ownPart),
        transposed(tile.shared().getMinor() != contractedAxis), own(tile.number(ownAxis)),
        contracted(tile.number(contractedAxis)), parts(tile.getAxes().size()) {
    for (auto [number, axis] : llvm::enumerate(tile.getAxes()))
      if (int(number) != own && int(number) != contracted)
        parts[number] = partOf(axis.getValue());
  }

  /// The first `count` (1, 2, 4) matrices of a pattern whose corner is at (own, contracted): a
  /// register each.
  Values load(const Pattern &pattern, int ownAt, int contractedAt, int count) {
    SmallVector<int> offsets(parts.size(), 0);
    offsets[own] = ownAt;
    offsets[contracted] = contractedAt;
    Value from = pointerFor(pattern).at(offsets);
    SmallVector<Type> words(count, emit.i32);
    Type result = count == 1
                      ? emit.i32
                      : Type(LLVM::LLVMStructType::getLiteral(emit.builder.getContext(), words));
    std::string name = "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x" + std::to_string(count) +
                       (transposed ? ".trans" : "") + ".b16.p3";
    Value loaded = emit.intrinsic(name, result, from);
    if (count == 1)
      return {loaded};
    Values list;
    for (int i = 0; i < count; ++i)
      list.push_back(LLVM::ExtractValueOp::create(emit.builder, emit.loc, loaded, i));
    return list;
  }

private:
  SlotPointer &pointerFor(const Pattern &pattern) {
    for (auto &[known, pointer] : pointers)
      if (known == pattern)
        return *pointer;
    auto part = [&](const int steps[2], bool row, Value start) {
      return emit.once([&] {
        Value sum = start ? start : emit.constant(0);
        for (int bit : {0, 1})
          if (steps[bit])
            sum = emit.addPoint(
                sum, emit.mul(emit.urem(emit.udiv(emit.lane(), 8 << bit), 2), steps[bit]));
        return row ? emit.addPoint(sum, emit.urem(emit.lane(), 8)) : sum;
      });
    };
    Values dynamic = parts;
    dynamic[own] = part(pattern.own, !transposed, ownPart);
    dynamic[contracted] = part(pattern.contracted, transposed, {});
    // Offsets along the minor axis are whole patterns, so that they say the page.
    const int *minor = transposed ? pattern.own : pattern.contracted;
    bool free = transposed && ownPart && !emit.known(ownPart);
    int64_t columns = free ? 0 : 8 + minor[0] + minor[1];
    pointers.push_back(
        {pattern, std::make_unique<SlotPointer>(emit, base, tile, dynamic, columns)});
    return *pointers.back().second;
  }

  Emitter &emit;
  Value base;
  TileType tile;
  Value ownPart;
  bool transposed;
  int own, contracted; ///< the numbers of the operand's own axis and of the contracted one
  Values parts;        ///< the warp's coordinates along the others
  SmallVector<std::pair<Pattern, std::unique_ptr<SlotPointer>>> pointers;
};

/// Two elements as one register; what was just rounded from f32 is rounded in pairs.
Value packPair(Emitter &emit, Value low, Value high) {
  auto wide = [](Value value) -> Value {
    auto cut = value.getDefiningOp<LLVM::FPTruncOp>();
    return cut && cut.getArg().getType().isF32() ? cut.getArg() : Value();
  };
  Type element = low.getType();
  Value pair;
  if (wide(low) && wide(high))
    pair = emit.intrinsic(element.isBF16() ? "llvm.nvvm.ff2bf16x2.rn" : "llvm.nvvm.ff2f16x2.rn",
                          VectorType::get({2}, element), {wide(high), wide(low)});
  else
    pair = emit.pack({low, high});
  return emit.bitcast(emit.i32, pair);
}

/// d = a * b + c. Half a step has two registers of A and one of B.
Values multiply(Emitter &emit, Type element, ArrayRef<Value> a, ArrayRef<Value> b,
                ArrayRef<Value> c) {
  bool half = a.size() == 2, brain = element.isBF16();
  std::string name = std::string("llvm.nvvm.mma.m16n8k") + (half ? "8" : "16") + ".row.col." +
                     (brain ? "bf16" : "f32.f32");
  Values operands;
  for (ArrayRef<Value> list : {a, b})
    for (Value word : list)
      operands.push_back(brain ? word : emit.bitcast(VectorType::get({2}, element), word));
  operands.append(c.begin(), c.end());
  Type result =
      LLVM::LLVMStructType::getLiteral(emit.builder.getContext(), SmallVector<Type>(4, emit.f32));
  Value sums = emit.intrinsic(name, result, operands);
  Values list;
  for (int i = 0; i < 4; ++i)
    list.push_back(LLVM::ExtractValueOp::create(emit.builder, emit.loc, sums, i));
  return list;
}

/// The value that a thread holds at offsets along the two axes of a layout.
std::map<std::pair<int, int>, int> valuesAt(const Layout &layout, int first, int second) {
  std::map<std::pair<int, int>, int> result;
  for (int value = 0; value < layout.values; ++value)
    result[{layout.offsets[first][value], layout.offsets[second][value]}] = value;
  return result;
}

/// The axes of a layout that are no parts: two, or none is given.
std::optional<std::pair<int, int>> wholeAxes(const Layout &layout) {
  SmallVector<int> list;
  for (int axis = 0; axis < layout.rank(); ++axis)
    if (!isParts(layout.axes[axis]))
      list.push_back(axis);
  if (list.size() != 2)
    return std::nullopt;
  return std::pair(list[0], list[1]);
}

/// Whether the axes of a layout lie as the rows and columns of fragments; an accumulator's columns
/// may be `shared` out to warps.
bool isFragment(const Layout &layout, int row, int column, bool shared = false) {
  auto onLanes = [&](int axis) {
    SmallVector<ThreadDigit> list;
    for (const ThreadDigit &digit : layout.threads[axis])
      if (digit.unit == Unit::Lane)
        list.push_back(digit);
    return list;
  };
  SmallVector<ThreadDigit> rows = onLanes(row), columns = onLanes(column);
  if (rows.size() != 1 || !(rows[0] == ThreadDigit{Unit::Lane, 4, 8, 1}) || columns.size() != 1 ||
      !(columns[0] == ThreadDigit{Unit::Lane, 1, 4, 2}) ||
      (!shared && layout.threads[column].size() != columns.size()) || layout.ghosts(row) ||
      layout.ghosts(column))
    return false;
  auto held = valuesAt(layout, row, column);
  return llvm::all_of(held, [&](auto &entry) {
    auto [i, j] = entry.first;
    return i % 8 == 0 && (j % 8 == 0 || j % 8 == 1) && held.count({i - i % 16, j - j % 8}) &&
           held.count({i - i % 16 + 8, j - j % 8 + 1});
  });
}

/// Where the warp starts along an axis.
Value warpPart(Emitter &emit, const Layout &layout, int axis) {
  return emit.once([&] {
    Value sum = emit.constant(0);
    for (const ThreadDigit &digit : layout.threads[axis])
      if (digit.unit == Unit::Warp)
        sum = emit.addPoint(
            sum, emit.mul(emit.urem(emit.udiv(emit.warp(), digit.div), digit.size), digit.stride));
    return sum;
  });
}

} // namespace

bool Lowering::loadFragment(LoadOp op) {
  TileType tile = op.getSlot().getType().getTile();
  const Layout &layout = layoutOf(op.getOut().getType());
  Type element = tile.getElement();
  auto axes = wholeAxes(layout);
  if (!axes || (!element.isF16() && !element.isBF16()))
    return false;
  auto [row, column] = *axes;
  if (!isFragment(layout, row, column))
    std::swap(row, column);
  if (!isFragment(layout, row, column))
    return false;
  auto partOf = [&](StringRef axis) { return warpPart(emit, layout, layout.find(axis)); };
  MatrixLoader loader(emit, scalar(op.getSlot()), tile, layout.axes[row], layout.axes[column],
                      warpPart(emit, layout, row), partOf);
  auto held = valuesAt(layout, row, column);
  Values out(layout.values);
  for (auto [at, value] : held) {
    auto [i, j] = at;
    if (i % 16 || j % 16)
      continue;
    bool half = !held.count({i, j + 8});
    Values words = loader.load(kRowsThenColumns, i, j, half ? 2 : 4);
    for (auto [number, word] : llvm::enumerate(words)) {
      Values pair = emit.unpack(emit.bitcast(VectorType::get({2}, element), word));
      for (int side : {0, 1})
        out[held[{i + int(number) % 2 * 8, j + int(number) / 2 * 8 + side}]] = pair[side];
    }
  }
  values[op.getOut()] = out;
  return true;
}

LogicalResult Lowering::lowerMatrixDot(DotOp op) {
  auto slot = dyn_cast<SlotType>(op.getB().getType());
  if (!slot)
    return op.emitError(
        "has operand B in registers; a product by `mma` reads it from shared memory");
  StringRef contracted = cast<StringAttr>(op.getAxes()[0]).getValue();
  auto ownAxis = [&](TileType tile) {
    for (auto [axis, size] : wholeAxesOf(tile))
      if (axis.getValue() != contracted)
        return axis.getValue();
    return StringRef();
  };
  const Layout &result = layoutOf(op.getOut().getType());
  auto slotA = dyn_cast<SlotType>(op.getA().getType());
  TileType tileA = slotA ? slotA.getTile() : cast<TileType>(op.getA().getType());
  TileType tileB = slot.getTile();
  Type element = tileB.getElement();
  int row = result.find(ownAxis(tileA)), column = result.find(ownAxis(tileB));
  if (!wholeAxes(result) || row < 0 || column < 0 ||
      !isFragment(result, row, column, /*shared=*/true))
    return op.emitError("gives a place that is no accumulator of `mma`: ") << op.getOut().getType();

  Values sums(result.values, emit.real(emit.f32, 0));
  if (Value acc = op.getAcc())
    for (int value = 0; value < result.values; ++value)
      if (!(sums[value] = elementAt(acc, result, value, op)))
        return failure();

  auto partOf = [&](StringRef axis) { return warpPart(emit, result, result.find(axis)); };
  std::optional<MatrixLoader> loaderA;
  std::map<std::pair<int, int>, int> heldA;
  Values valuesA;
  if (slotA) {
    loaderA.emplace(emit, scalar(op.getA()), tileA, ownAxis(tileA), contracted,
                    warpPart(emit, result, row), partOf);
  } else {
    const Layout &layout = layoutOf(tileA);
    int own = layout.find(ownAxis(tileA)), inner = layout.find(contracted);
    if (!isFragment(layout, own, inner) || layout.threads[own] != result.threads[row])
      return op.emitError("has an operand A in a place that is no fragment of `mma`: ") << tileA;
    heldA = valuesAt(layout, own, inner);
    valuesA = values.find(op.getA())->second;
  }
  // Of columns that warps share out each takes whole pages (PlaceRules), so that constants say the
  // page from the warp's first one on.
  Value baseB = scalar(op.getB()), partB;
  if (llvm::any_of(result.threads[column],
                   [](const ThreadDigit &digit) { return digit.unit == Unit::Warp; })) {
    partB = warpPart(emit, result, column);
    SharedLayout layout = SharedLayout::of(tileB);
    if (tileB.shared().getMinor() == ownAxis(tileB)) {
      Value pages = emit.udiv(partB, layout.page);
      baseB = emit.offset(baseB, emit.i8, emit.mul(pages, layout.rows * layout.width()));
      partB = {};
    }
  }
  MatrixLoader loaderB(emit, baseB, tileB, ownAxis(tileB), contracted, partB, partOf);

  auto at = valuesAt(result, row, column);
  SmallVector<int> rows, columns; // where the tiles of the result start
  for (auto [offset, value] : at)
    if (offset.first % 16 == 0 && offset.second == 0)
      rows.push_back(offset.first);
  for (auto [offset, value] : at)
    if (offset.first == 0 && offset.second % 8 == 0)
      columns.push_back(offset.second);

  int size = int(tileB.size(contracted));
  for (int k = 0; k < size; k += 16) {
    bool half = k + 8 == size;
    SmallVector<Values> a;
    for (int i : rows) {
      if (loaderA) {
        a.push_back(loaderA->load(kRowsThenColumns, i, k, half ? 2 : 4));
        continue;
      }
      Values &words = a.emplace_back();
      for (int number = 0; number < (half ? 2 : 4); ++number) {
        int x = i + number % 2 * 8, y = k + number / 2 * 8;
        words.push_back(packPair(emit, valuesA[heldA[{x, y}]], valuesA[heldA[{x, y + 1}]]));
      }
    }
    // As many columns at a time as ldmatrix brings.
    for (size_t next = 0; next < columns.size();) {
      size_t most = half ? 4 : 2, group = most;
      while (group > columns.size() - next)
        group /= 2;
      Values words = loaderB.load(half ? kRows : kColumnsThenRows, columns[next], k,
                                  int(half ? group : 2 * group));
      for (size_t n = 0; n < group; ++n) {
        ArrayRef<Value> b = ArrayRef(words).slice(half ? n : 2 * n, half ? 1 : 2);
        for (auto [number, i] : llvm::enumerate(rows)) {
          int j = columns[next + n];
          int places[4] = {at[{i, j}], at[{i, j + 1}], at[{i + 8, j}], at[{i + 8, j + 1}]};
          Values c;
          for (int place : places)
            c.push_back(sums[place]);
          for (auto [place, sum] : llvm::zip(places, multiply(emit, element, a[number], b, c)))
            sums[place] = sum;
        }
      }
      next += group;
    }
  }
  values[op.getOut()] = sums;
  return success();
}

} // namespace fc
