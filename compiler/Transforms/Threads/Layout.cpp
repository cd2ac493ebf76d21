// Layout.cpp - layouts from places, and how they relate
#include "compiler/Transforms/Threads/Layout.h"
#include "llvm/Support/MathExtras.h"
#include <map>
#include <numeric>
#include <set>

using namespace llvm;

namespace fc {

Layout Layout::of(const Place &given, ArrayRef<TileType::AxisSize> axes, int warps) {
  Place place = given.normal();
  Layout layout;
  for (auto [axis, size] : axes) {
    layout.axes.push_back(axis.getValue());
    layout.sizes.push_back(size);
    layout.extents.push_back(place.extent(axis.getValue()));
  }
  layout.values = place.count(Unit::Value);
  layout.offsets.assign(axes.size(), SmallVector<int>(layout.values, 0));
  layout.threads.resize(axes.size());
  int divs[3] = {1, 1, 1};
  for (const Digit &digit : place.digits) {
    int &div = divs[int(digit.unit)];
    int axis = digit.axis.empty() ? -1 : layout.find(digit.axis);
    if (digit.unit != Unit::Value) {
      ThreadDigit thread{digit.unit, div, digit.size, axis < 0 ? 0 : digit.stride};
      (axis < 0 ? layout.replicas : layout.threads[axis]).push_back(thread);
    } else if (axis >= 0) {
      for (int value = 0; value < layout.values; ++value)
        layout.offsets[axis][value] += value / div % digit.size * digit.stride;
    }
    div *= digit.size;
  }
  // An index past a unit's digits replicates.
  for (auto [unit, all] : {std::pair(Unit::Lane, 32), std::pair(Unit::Warp, warps)})
    if (int div = divs[int(unit)]; div < all)
      layout.replicas.push_back({unit, div, (all + div - 1) / div, 0});
  return layout;
}

Layout Layout::of(mlir::Type type, int warps) {
  auto tile = mlir::dyn_cast<TileType>(type);
  if (!tile)
    return of(Place(), {}, warps);
  return of(tile.registers().place(), tile.axisSizes(), warps);
}

int Layout::find(StringRef axis) const {
  for (int i = 0; i < rank(); ++i)
    if (axes[i] == axis)
      return i;
  return -1;
}

SmallVector<int> Layout::at(int value) const {
  SmallVector<int> result;
  for (int axis = 0; axis < rank(); ++axis)
    result.push_back(offsets[axis][value]);
  return result;
}

SmallVector<int> Layout::ghostRun(int value) const {
  SmallVector<int> result(rank(), 0);
  for (int axis = 0; axis < rank(); ++axis) {
    if (!ghosts(axis))
      continue;
    int64_t run = sizes[axis]; // whatever divides it and the threads' parts
    for (const ThreadDigit &digit : threads[axis])
      run = std::gcd(run, int64_t(digit.stride));
    result[axis] = int(offsets[axis][value] / run * run);
  }
  return result;
}

std::optional<SmallVector<int>> Layout::mapTo(const Layout &other) const {
  SmallVector<int> mine; // the number here of each axis of `other`
  for (int axis = 0; axis < other.rank(); ++axis) {
    int here = find(other.axes[axis]);
    if (here < 0 || threads[here] != other.threads[axis])
      return std::nullopt;
    mine.push_back(here);
  }
  std::map<SmallVector<int>, int> held;
  for (int value = 0; value < other.values; ++value)
    held.try_emplace(other.at(value), value);
  SmallVector<int> result;
  for (int value = 0; value < values; ++value) {
    SmallVector<int> wanted;
    for (int axis : mine)
      wanted.push_back(offsets[axis][value]);
    auto it = held.find(wanted);
    if (it == held.end())
      return std::nullopt;
    result.push_back(it->second);
  }
  return result;
}

Layout::Runs Layout::runs(int axis, int most) const {
  auto cut = [&](int width) -> std::optional<Runs> {
    for (const ThreadDigit &digit : threads[axis])
      if (digit.stride % width)
        return std::nullopt;
    if (sizes[axis] % width)
      return std::nullopt;
    std::map<SmallVector<int>, SmallVector<int>> groups; // by the first element of the run
    for (int value = 0; value < values; ++value) {
      SmallVector<int> start = at(value);
      start[axis] -= start[axis] % width;
      groups[start].push_back(value);
    }
    Runs result{width, {}};
    for (auto &[start, group] : groups) {
      llvm::sort(group, [&](int a, int b) { return offsets[axis][a] < offsets[axis][b]; });
      if (int(group.size()) != width)
        return std::nullopt;
      for (int i = 0; i < width; ++i)
        if (offsets[axis][group[i]] != start[axis] + i)
          return std::nullopt;
      result.values.push_back(group);
    }
    return result;
  };
  for (int width = most; width > 1; width /= 2)
    if (auto result = cut(width))
      return *result;
  Runs single{1, {}};
  for (int value = 0; value < values; ++value)
    single.values.push_back({value});
  return single;
}

bool isAsynchronous(mlir::Value ring) {
  for (mlir::Operation *user : ring.getUsers())
    for (mlir::Value slot : user->getResults())
      for (mlir::Operation *access : slot.getUsers())
        if (auto copy = mlir::dyn_cast<CopyOp>(access); copy && copy.getVia() != "plain")
          return true;
  return false;
}

WarpExchange WarpExchange::of(ReduceOp op, int warps) {
  Layout from = Layout::of(op.getIn().getType(), warps);
  WarpExchange exchange;
  std::set<SmallVector<int>> results;
  SmallVector<int> kept;
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (!is_contained(op.getAxes().getAsValueRange<mlir::StringAttr>(), from.axes[axis]))
      kept.push_back(axis);
    else
      for (const ThreadDigit &digit : from.threads[axis])
        if (digit.unit == Unit::Warp)
          exchange.digits.push_back(digit);
  }
  for (int value = 0; value < from.values; ++value) {
    SmallVector<int> key;
    for (int axis : kept)
      key.push_back(from.offsets[axis][value]);
    results.insert(key);
  }
  int64_t bits = op.getIn().getType().getElement().getIntOrFloatBitWidth();
  if (!exchange.digits.empty())
    exchange.bytes = int64_t(results.size()) * warps * 32 * std::max<int64_t>(bits / 8, 1);
  return exchange;
}

FailureOr<MergeExchange> MergeExchange::of(MergeOp op, int warps) {
  MergeExchange exchange;
  for (auto [state, result] : zip(op.getStates(), op.getResults())) {
    Layout from = Layout::of(state.getType(), warps), to = Layout::of(result.getType(), warps);
    int parts = from.find(op.getAxis());
    if (from.threads[parts].size() != 1 || from.threads[parts][0].unit != Unit::Warp ||
        from.threads[parts][0].size != from.sizes[parts])
      return op.emitError("merges parts that are not on warps: ") << state.getType();
    exchange.part = from.threads[parts][0];
    std::map<SmallVector<int>, int> held; // by offsets along the result's axes
    for (int value = 0; value < from.values; ++value) {
      SmallVector<int> at = from.at(value);
      at.erase(at.begin() + parts);
      held.try_emplace(at, value);
    }
    int count = int(from.sizes[parts]);
    State &entry = exchange.states.emplace_back();
    entry.from.assign(count, SmallVector<int>(to.values));
    for (int part = 0; part < count; ++part)
      for (int value = 0; value < to.values; ++value) {
        SmallVector<int> at = to.at(value);
        for (int axis = 0; axis < to.rank(); ++axis)
          for (const ThreadDigit &digit : to.threads[axis])
            if (digit.unit == Unit::Warp && digit.div == exchange.part.div)
              at[axis] += part * digit.stride;
        auto it = held.find(at);
        if (it == held.end())
          return op.emitError("gives ") << result.getType() << " of " << state.getType()
                                        << ", which is not that state's merged place";
        entry.from[part][value] = it->second;
      }
    entry.shared = !all_equal(entry.from);
    int64_t bits = mlir::cast<TileType>(state.getType()).getElement().getIntOrFloatBitWidth();
    entry.bytes = std::max<int64_t>(bits / 8, 1);
    entry.width = int(16 / entry.bytes);
    while (to.values % entry.width)
      entry.width /= 2;
    entry.offset = exchange.bytes;
    int64_t regions = entry.shared ? count - 1 : 1;
    exchange.bytes += alignTo(regions * to.values * warps * 32 * entry.bytes, 16);
  }
  return exchange;
}

int64_t exchangeBytes(mlir::Operation *op, int warps) {
  if (auto reduce = mlir::dyn_cast<ReduceOp>(op))
    return WarpExchange::of(reduce, warps).bytes;
  if (auto merge = mlir::dyn_cast<MergeOp>(op))
    if (auto exchange = MergeExchange::of(merge, warps); mlir::succeeded(exchange))
      return exchange->bytes;
  return 0;
}

} // namespace fc
