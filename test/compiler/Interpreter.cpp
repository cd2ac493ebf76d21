// Interpreter.cpp - operations on tiles, memory, and folds
#include "test/compiler/Interpreter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "test/compiler/InterpreterScalars.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <limits>

using namespace mlir;

namespace fc::test {
namespace {

bool isFloat(Type type) { return isa<FloatType>(type); }

int64_t volume(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

/// For each of `axes`, how far apart its points lie in `tile`; 0 if the tile does not vary along
/// it.
SmallVector<int64_t> strides(const Tile &tile, ArrayRef<std::string> axes) {
  SmallVector<int64_t> result(axes.size(), 0);
  int64_t stride = 1;
  for (size_t i = tile.axes.size(); i-- > 0; stride *= tile.sizes[i])
    for (size_t k = 0; k < axes.size(); ++k)
      if (axes[k] == tile.axes[i])
        result[k] = stride;
  return result;
}

/// The axes of several tiles together.
struct Space {
  SmallVector<std::string, 3> axes;
  SmallVector<int64_t, 3> sizes;

  /// False if sizes disagree.
  bool add(const Tile &tile) {
    for (size_t i = 0; i < tile.axes.size(); ++i) {
      auto it = llvm::lower_bound(axes, tile.axes[i]);
      size_t at = it - axes.begin();
      if (it != axes.end() && *it == tile.axes[i]) {
        if (sizes[at] != tile.sizes[i])
          return false;
        continue;
      }
      axes.insert(it, tile.axes[i]);
      sizes.insert(sizes.begin() + at, tile.sizes[i]);
    }
    return true;
  }
  int64_t volume() const { return fc::test::volume(sizes); }

  /// Calls `visit` with the offset of each point in each of `tiles`.
  void forEach(ArrayRef<const Tile *> tiles,
               llvm::function_ref<void(ArrayRef<int64_t>)> visit) const {
    SmallVector<SmallVector<int64_t>> steps;
    for (const Tile *tile : tiles)
      steps.push_back(strides(*tile, axes));
    SmallVector<int64_t> point(axes.size(), 0), offsets(tiles.size(), 0);
    for (int64_t left = volume(); left > 0; --left) {
      visit(offsets);
      for (size_t k = axes.size(); k-- > 0;) {
        ++point[k];
        for (size_t t = 0; t < tiles.size(); ++t)
          offsets[t] += steps[t][k];
        if (point[k] < sizes[k])
          break;
        for (size_t t = 0; t < tiles.size(); ++t)
          offsets[t] -= steps[t][k] * sizes[k];
        point[k] = 0;
      }
    }
  }
};

Tile scalarTile(Type type, Number value) { return {type, {}, {}, {value}}; }

class Machine {
public:
  Machine(KernelOp kernel, Launch &launch, const Options &options)
      : kernel(kernel), launch(launch), options(options) {}

  std::string run();

private:
  bool fail(Operation *op, const Twine &message);
  bool runBlock(Block &block);
  bool runOp(Operation *op);
  bool elementwise(Operation *op);
  bool map(MapOp op);
  bool reduce(ReduceOp op);
  bool dot(DotOp op);
  bool read(ReadOp op);
  bool write(WriteOp op);
  bool fold(FoldOp op);
  bool program(ProgramOp op);

  /// The points at which a memory operation is active, and its element there.
  template <typename Op>
  bool access(Op op, Space &space,
              llvm::function_ref<void(ArrayRef<int64_t> offsets, int64_t element)> visit,
              const Tile *value);

  const Tile &at(Value value) { return values[value]; }
  /// By value: an insertion moves the others.
  void set(Value value, Tile tile) { values[value] = std::move(tile); }
  int64_t integer(Value value) { return at(value).data[0].n; }
  void setInteger(Value value, int64_t n) {
    values[value] = scalarTile(value.getType(), Number{.n = n});
  }
  /// `base` + the points of a tile along the axis of `type`.
  Tile points(TileType type, int64_t base, int64_t size);
  Tile broadcast(const Tile &tile, const Space &space);
  int64_t cut(StringRef axis, int64_t left) {
    return options.cut ? std::clamp<int64_t>(options.cut(axis, left), 1, left) : left;
  }

  KernelOp kernel;
  Launch &launch;
  const Options &options;
  std::string error;
  bool probing = false;
  llvm::DenseMap<Value, Tile> values;
  std::map<std::string, int64_t> extents; ///< of the tile of an axis whose type has no size
  std::map<std::string, std::vector<uint8_t>> written;
  llvm::DenseMap<Value, std::string> names;
};

bool Machine::fail(Operation *op, const Twine &message) {
  if (error.empty()) {
    llvm::raw_string_ostream os(error);
    os << message << "\n  at ";
    op->print(os, OpPrintingFlags().skipRegions());
  }
  return false;
}

//===-- Values -----------------------------------------------------------------===//

Tile Machine::points(TileType type, int64_t base, int64_t size) {
  Tile tile{type.getElement(), {type.getAxes()[0].str()}, {size}, {}};
  for (int64_t i = 0; i < size; ++i)
    tile.data.push_back(Number{.n = base + i});
  return tile;
}

Tile Machine::broadcast(const Tile &tile, const Space &space) {
  Tile result{tile.element, space.axes, space.sizes, {}};
  result.data.reserve(space.volume());
  space.forEach({&tile}, [&](ArrayRef<int64_t> at) { result.data.push_back(tile.data[at[0]]); });
  return result;
}

bool Machine::elementwise(Operation *op) {
  ScalarFunction function = scalarFunction(op);
  if (!function)
    return fail(op, "the interpreter does not know `" + op->getName().getStringRef() + "`");
  SmallVector<Tile> operands;
  SmallVector<const Tile *> pointers;
  Space space;
  for (Value operand : op->getOperands())
    operands.push_back(at(operand));
  for (Tile &tile : operands) {
    pointers.push_back(&tile);
    if (!space.add(tile))
      return fail(op, "operands have different sizes along one axis");
  }
  Tile result{op->getResult(0).getType(), space.axes, space.sizes, {}};
  result.data.reserve(space.volume());
  SmallVector<Number> in(operands.size());
  bool good = true;
  space.forEach(pointers, [&](ArrayRef<int64_t> offsets) {
    bool nan = false;
    for (size_t i = 0; i < operands.size(); ++i) {
      in[i] = operands[i].data[offsets[i]];
      nan |= isFloat(operands[i].element) && std::isnan(in[i].f);
    }
    Number out = function(in);
    if (!nan && isFloat(result.element) && std::isnan(out.f) && assumesNoNaN(op))
      good = fail(op, "makes a NaN of numbers, but is marked `nnan`");
    result.data.push_back(out);
  });
  values[op->getResult(0)] = std::move(result);
  return good;
}

bool Machine::map(MapOp op) {
  Space space;
  for (auto [operand, argument] : llvm::zip(op.getIns(), op.block()->getArguments())) {
    set(argument, at(operand));
    if (!space.add(at(operand)))
      return fail(op, "operands have different sizes along one axis");
  }
  for (Operation &inner : op.block()->without_terminator())
    if (!elementwise(&inner))
      return false;
  for (auto [result, yielded] : llvm::zip(op.getResults(), op.yield().getOperands()))
    set(result, broadcast(at(yielded), space));
  return true;
}

bool Machine::reduce(ReduceOp op) {
  Tile in = at(op.getIn());
  Space kept;
  for (size_t i = 0; i < in.axes.size(); ++i)
    if (llvm::none_of(op.getAxes().getAsRange<StringAttr>(),
                      [&](StringAttr axis) { return axis.getValue() == in.axes[i]; })) {
      kept.axes.push_back(in.axes[i]);
      kept.sizes.push_back(in.sizes[i]);
    }
  Tile out{in.element, kept.axes, kept.sizes,
           std::vector<Number>(kept.volume(), identityNumber(op.getKind(), in.element))};
  Space all;
  all.add(in);
  all.forEach({&in, &out}, [&](ArrayRef<int64_t> at) {
    out.data[at[1]] = combineNumbers(op.getKind(), in.element, out.data[at[1]], in.data[at[0]]);
  });
  values[op.getOut()] = std::move(out);
  return true;
}

bool Machine::dot(DotOp op) {
  Tile a = at(op.getA()), b = at(op.getB());
  Space all, kept;
  if (!all.add(a) || !all.add(b))
    return fail(op, "operands have different sizes along one axis");
  for (size_t i = 0; i < all.axes.size(); ++i)
    if (llvm::none_of(op.getAxes().getAsRange<StringAttr>(),
                      [&](StringAttr axis) { return axis.getValue() == all.axes[i]; })) {
      kept.axes.push_back(all.axes[i]);
      kept.sizes.push_back(all.sizes[i]);
    }
  Type element = elementOf(op.getOut().getType());
  Number zero = isFloat(element) ? Number{.f = 0} : Number{.n = 0};
  Tile out{element, kept.axes, kept.sizes, std::vector<Number>(kept.volume(), zero)};
  if (op.getAcc())
    out.data = broadcast(at(op.getAcc()), kept).data;
  all.forEach({&a, &b, &out}, [&](ArrayRef<int64_t> at) {
    if (isFloat(element))
      out.data[at[2]].f += a.data[at[0]].f * b.data[at[1]].f;
    else
      out.data[at[2]].n += a.data[at[0]].n * b.data[at[1]].n;
  });
  values[op.getOut()] = std::move(out);
  return true;
}

//===-- Memory -----------------------------------------------------------------===//

template <typename Op>
bool Machine::access(Op op, Space &space,
                     llvm::function_ref<void(ArrayRef<int64_t>, int64_t)> visit,
                     const Tile *value) {
  auto array = launch.tensors.find(names.lookup(op.getTensor()));
  if (array == launch.tensors.end())
    return fail(op, "the launch lacks this tensor");
  ArrayRef<int64_t> shape = array->second.shape;
  SmallVector<Tile> tiles;
  if (value)
    tiles.push_back(*value);
  size_t indices = tiles.size();
  for (Value index : op.getIndices())
    tiles.push_back(at(index));
  size_t bounded = tiles.size();
  for (Value index : op.getBounded())
    tiles.push_back(at(index));
  size_t where = tiles.size();
  for (Value predicate : op.getWhere())
    tiles.push_back(at(predicate));
  SmallVector<const Tile *> pointers;
  for (Tile &tile : tiles) {
    pointers.push_back(&tile);
    if (!space.add(tile))
      return fail(op, "operands have different sizes along one axis");
  }
  if (op.getIndices().size() != shape.size())
    return fail(op, "the tensor has another rank");
  bool good = true;
  auto type = cast<TensorType>(op.getTensor().getType());
  space.forEach(pointers, [&](ArrayRef<int64_t> offsets) {
    auto number = [&](size_t i) { return tiles[i].data[offsets[i]].n; };
    for (size_t i = bounded; i < where; ++i)
      if (number(i) >= integer(op.getLimits()[i - bounded]))
        return visit(offsets, -1);
    for (size_t i = where; i < tiles.size(); ++i)
      if (!number(i))
        return visit(offsets, -1);
    int64_t element = 0;
    for (size_t d = 0; d < shape.size(); ++d) {
      int64_t index = number(indices + d);
      if (type.orOne(d) && shape[d] == 1)
        index = 0;
      if (index < 0 || index >= shape[d]) {
        good = fail(op, "index " + Twine(index) + " of dimension " + Twine(d) +
                            " is outside 0 .. " + Twine(shape[d]));
        return visit(offsets, -1);
      }
      element = element * shape[d] + index;
    }
    visit(offsets, element);
  });
  return good;
}

bool Machine::read(ReadOp op) {
  Space space;
  const dsl::Array &array = launch.tensors[names.lookup(op.getTensor())];
  Type element = elementOf(op.getOut().getType());
  std::vector<Number> data;
  if (!access(
          op, space,
          [&](ArrayRef<int64_t>, int64_t at) {
            Number number = isFloat(element) ? Number{.f = 0} : Number{.n = 0};
            if (at >= 0 && isFloat(element))
              number.f = array.f[at];
            else if (at >= 0)
              number.n = array.i[at];
            data.push_back(number);
          },
          nullptr))
    return false;
  values[op.getOut()] = {element, space.axes, space.sizes, std::move(data)};
  return true;
}

bool Machine::write(WriteOp op) {
  if (probing)
    return true;
  std::string name = names.lookup(op.getTensor());
  dsl::Array &array = launch.tensors[name];
  auto &count = written[name];
  count.resize(array.size());
  Tile value = at(op.getValue());
  Space space;
  bool good = true;
  return access(
             op, space,
             [&](ArrayRef<int64_t> offsets, int64_t at) {
               if (at < 0)
                 return;
               if (count[at]++)
                 good = fail(op, "element " + Twine(at) + " is written twice");
               if (isFloat(value.element))
                 array.f[at] = value.data[offsets[0]].f;
               else
                 array.i[at] = value.data[offsets[0]].n;
             },
             &value) &&
         good;
}

//===-- Control ----------------------------------------------------------------===//

bool Machine::fold(FoldOp op) {
  size_t axes = op.getAxes().size();
  SmallVector<std::string> axisNames;
  FoldView view{op, {}, {}, {}, {}, {}};
  for (size_t i = 0; i < axes; ++i) {
    axisNames.push_back(cast<StringAttr>(op.getAxes()[i]).str());
    view.lo.push_back(integer(op.getLo()[i]));
    view.hi.push_back(integer(op.getHi()[i]));
  }
  for (Value value : op.getInit())
    view.init.push_back(at(value));
  auto yielded = [&](Block &block) {
    State state;
    for (Value value : block.getTerminator()->getOperands())
      state.push_back(at(value));
    return state;
  };
  bool good = true;
  view.step = [&](const State &state, std::vector<int64_t> starts, std::vector<int64_t> sizes) {
    Block &body = op.getBody().front();
    auto saved = extents;
    for (size_t i = 0; i < axes; ++i) {
      setInteger(body.getArgument(i), starts[i]);
      extents[axisNames[i]] = sizes[i];
    }
    for (size_t i = 0; i < state.size(); ++i)
      values[body.getArgument(axes + i)] = state[i];
    good = good && runBlock(body);
    extents = saved;
    return good ? yielded(body) : state;
  };
  if (op.derived())
    view.combine = [&](const State &a, const State &b) {
      Block &block = op.getCombine().front();
      for (size_t i = 0; i < a.size(); ++i) {
        values[block.getArgument(i)] = a[i];
        values[block.getArgument(a.size() + i)] = b[i];
      }
      good = good && runBlock(block);
      return good ? yielded(block) : a;
    };
  if (options.onFold) {
    probing = true; // what the test makes the body do is not written
    options.onFold(view);
    probing = false;
  }

  // The tiles of the walk: the last axis runs fastest.
  std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> tiles{{{}, {}}};
  for (size_t i = 0; i < axes; ++i) {
    decltype(tiles) longer;
    for (auto &[starts, sizes] : tiles)
      for (int64_t start = view.lo[i]; start < view.hi[i];) {
        int64_t left = view.hi[i] - start;
        int64_t size = op.getStep() ? (*op.getStep())[i] : cut(axisNames[i], left);
        longer.push_back({starts, sizes});
        longer.back().first.push_back(start);
        longer.back().second.push_back(size);
        start += size;
      }
    tiles = std::move(longer);
  }
  State state = view.init;
  if (options.split && view.combine) {
    std::vector<State> parts{view.init};
    for (auto &[starts, sizes] : tiles) {
      if ((*options.split)() % 2)
        parts.push_back(view.init);
      parts.back() = view.step(parts.back(), starts, sizes);
    }
    while (parts.size() > 1) {
      size_t i = (*options.split)() % (parts.size() - 1);
      parts[i] = view.combine(parts[i], parts[i + 1]);
      parts.erase(parts.begin() + i + 1);
    }
    state = parts[0];
  } else {
    for (auto &[starts, sizes] : tiles)
      state = view.step(state, starts, sizes);
  }
  for (size_t i = 0; i < state.size(); ++i)
    values[op.getResult(i)] = state[i];
  return good;
}

bool Machine::program(ProgramOp op) {
  // Points of the grid, one axis after the other.
  std::function<bool(size_t)> descend = [&](size_t i) {
    if (i == op.getExtents().size())
      return runBlock(op.getBody().front());
    std::string axis = cast<StringAttr>(op.getAxes()[i]).str();
    int64_t extent = integer(op.getExtents()[i]);
    for (int64_t at = 0; at < extent;) {
      int64_t size = 1;
      if (op.getTiles()[i]) {
        int64_t chosen = kernel.getSchedule() ? kernel.getSchedule()->size(axis) : -1;
        size = chosen > 0 ? chosen : cut(axis, extent - at);
      }
      setInteger(op.getBody().getArgument(i), at);
      extents[axis] = size;
      if (!descend(i + 1))
        return false;
      at += size;
    }
    return true;
  };
  return descend(0);
}

bool Machine::runOp(Operation *op) {
  if (auto mapOp = dyn_cast<MapOp>(op))
    return map(mapOp);
  if (auto reduceOp = dyn_cast<ReduceOp>(op))
    return reduce(reduceOp);
  if (auto dotOp = dyn_cast<DotOp>(op))
    return dot(dotOp);
  if (auto readOp = dyn_cast<ReadOp>(op))
    return read(readOp);
  if (auto writeOp = dyn_cast<WriteOp>(op))
    return write(writeOp);
  if (auto foldOp = dyn_cast<FoldOp>(op))
    return fold(foldOp);
  if (auto programOp = dyn_cast<ProgramOp>(op))
    return program(programOp);
  if (auto dim = dyn_cast<DimOp>(op)) {
    auto it = launch.dims.find(dim.getName().str());
    if (it == launch.dims.end())
      return fail(op, "the launch lacks this dimension");
    setInteger(dim.getValue(), it->second);
    return true;
  }
  if (auto axis = dyn_cast<AxisOp>(op)) {
    int64_t lo = integer(axis.getLo()), hi = integer(axis.getHi());
    if (axis.getSize() && hi - lo > int64_t(*axis.getSize()))
      return fail(op, "the axis is longer than its size");
    values[axis.getOut()] = points(axis.getOut().getType(), lo, std::max<int64_t>(hi - lo, 0));
    return true;
  }
  if (auto iota = dyn_cast<IotaOp>(op)) {
    TileType type = iota.getOut().getType();
    int64_t size = type.getSizes()[0];
    if (size == TileType::kUnsized) {
      auto it = extents.find(type.getAxes()[0].str());
      if (it == extents.end())
        return fail(op, "no tile of this axis is walked here");
      size = it->second;
    }
    values[iota.getOut()] = points(type, integer(iota.getBase()), size);
    return true;
  }
  if (auto convert = dyn_cast<ConvertOp>(op)) {
    set(convert.getOut(), at(convert.getIn()));
    return true;
  }
  if (op->getNumResults() == 1 && isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return elementwise(op);
  return fail(op, "the interpreter does not know `" + op->getName().getStringRef() + "`");
}

bool Machine::runBlock(Block &block) {
  for (Operation &op : block) {
    if (isa<YieldOp>(op))
      break;
    if (!runOp(&op))
      return false;
  }
  return true;
}

std::string Machine::run() {
  Block &body = kernel.getBody().front();
  for (auto [argument, nameAttr] : llvm::zip(body.getArguments(), kernel.getParams())) {
    std::string name = cast<StringAttr>(nameAttr).str();
    names[argument] = name;
    if (isa<TensorType>(argument.getType()))
      continue;
    auto it = launch.scalars.find(name);
    if (it == launch.scalars.end())
      return "the launch lacks scalar `" + name + "`";
    values[argument] =
        scalarTile(argument.getType(), isFloat(argument.getType()) ? Number{.f = it->second.f}
                                                                   : Number{.n = it->second.i});
  }
  runBlock(body);
  return error;
}

} // namespace

std::string interpret(KernelOp kernel, Launch &launch, const Options &options) {
  return Machine(kernel, launch, options).run();
}

} // namespace fc::test
