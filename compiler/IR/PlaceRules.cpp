// PlaceRules.cpp - which place each tile of a kernel takes, when products are FMAs
#include "compiler/IR/PlaceRules.h"
#include <array>
#include <numeric>

using namespace mlir;

namespace fc {

PlaceRules::PlaceRules(KernelOp kernel, int64_t warps,
                       llvm::function_ref<SmallVector<AxisSize>(Type)> sizedAxes)
    : warps(warps) {
  auto addRank = [&](StringAttr axis) { rank.insert({axis, int(rank.size())}); };
  ProgramOp program = kernel.program();
  for (auto [axis, tile] :
       llvm::zip(program.getAxes().getAsRange<StringAttr>(), program.getTiles()))
    if (tile)
      addRank(axis);
  kernel.walk<WalkOrder::PreOrder>([&](FoldOp fold) {
    for (auto axis : fold.getAxes().getAsRange<StringAttr>())
      addRank(axis);
  });

  llvm::DenseMap<StringAttr, std::array<int, 3>> votes;
  kernel.walk([&](Operation *op) {
    for (Value value : op->getResults()) {
      if (!isa<TileType>(value.getType()) || isSharedRead(value))
        continue;
      SmallVector<AxisSize> axes = ranked(sizedAxes(value.getType()));
      if (axes.size() < 2)
        continue;
      for (auto [i, axis] : llvm::enumerate(axes))
        ++votes[axis.first][std::min<size_t>(i, Values)];
    }
  });
  for (auto &[axis, counts] : votes)
    roles[axis] = Role(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

SmallVector<PlaceRules::AxisSize> PlaceRules::ranked(ArrayRef<AxisSize> axes) const {
  SmallVector<AxisSize> list;
  for (AxisSize axis : axes)
    if (axis.second > 1)
      list.push_back(axis);
  auto key = [&](const AxisSize &axis) {
    auto it = rank.find(axis.first);
    return std::pair(it == rank.end() ? int(rank.size()) : it->second, axis.first.getValue());
  };
  llvm::sort(list, [&](const AxisSize &a, const AxisSize &b) { return key(a) < key(b); });
  return list;
}

/// Adds the digits of one axis. Rows come after columns, so that columns have the lowest lanes.
void PlaceRules::add(Place &place, AxisSize axis, Role role) const {
  std::string name = axis.first.str();
  int size = int(axis.second);
  auto digit = [&](Unit unit, int count, int stride) {
    place.digits.push_back({unit, name, count, stride});
  };
  auto replicate = [&](int count) {
    if (count > 1)
      place.digits.push_back({Unit::Lane, "", count, 0});
  };
  switch (role) {
  case Row: {
    int lanes = std::min(size, 8), blocks = size / lanes;
    int onWarps = std::gcd(blocks, int(warps)), values = blocks / onWarps;
    digit(Unit::Value, values, lanes);
    replicate(4 / place.count(Unit::Lane));
    digit(Unit::Lane, lanes, 1);
    digit(Unit::Warp, onWarps, lanes * values);
    return;
  }
  case Column: {
    int lanes = std::min(size, 4), run = 8;
    while (size / lanes % run)
      run /= 2;
    digit(Unit::Value, run, 1);
    digit(Unit::Value, size / lanes / run, run * lanes);
    digit(Unit::Lane, lanes, run);
    return;
  }
  case Values:
    digit(Unit::Value, size, 1);
    return;
  }
}

Place PlaceRules::placeOf(ArrayRef<AxisSize> axes) const {
  SmallVector<AxisSize> list = ranked(axes);
  Place place;
  if (list.size() == 1) {
    auto it = roles.find(list[0].first);
    if (it != roles.end()) {
      add(place, list[0], it->second);
      return place.normal();
    }
    // Alone: over all threads.
    int size = int(list[0].second);
    int lanes = std::gcd(size, 32), onWarps = std::gcd(size / lanes, int(warps));
    std::string name = list[0].first.str();
    place.digits = {{Unit::Value, name, size / lanes / onWarps, lanes * onWarps},
                    {Unit::Lane, name, lanes, 1},
                    {Unit::Warp, name, onWarps, lanes}};
    return place.normal();
  }
  if (list.size() > 1) {
    add(place, list[1], Column);
    add(place, list[0], Row);
    for (AxisSize axis : ArrayRef(list).drop_front(2))
      add(place, axis, Values);
  }
  return place.normal();
}

bool PlaceRules::isSharedRead(Value value) {
  return value.getDefiningOp<ReadOp>() && isa<TileType>(value.getType()) && !value.use_empty() &&
         llvm::all_of(value.getUses(), [](OpOperand &use) {
           auto dot = dyn_cast<DotOp>(use.getOwner());
           return dot && use.get() != dot.getAcc();
         });
}

StringAttr PlaceRules::minorAxis(Value value) {
  auto type = cast<TileType>(value.getType());
  if (auto read = value.getDefiningOp<ReadOp>())
    for (Value index : llvm::reverse(read.getIndices()))
      if (auto axes = axesOf(index.getType()); !axes.empty())
        return axes.back().first;
  for (Operation *user : value.getUsers())
    if (auto dot = dyn_cast<DotOp>(user))
      return cast<StringAttr>(dot.getAxes()[0]);
  return type.getAxes().back();
}

bool PlaceRules::isCheap(Value value) {
  auto type = dyn_cast<TileType>(value.getType());
  if (!type)
    return true; // a scalar is the same everywhere
  if (value.getDefiningOp<IotaOp>())
    return true;
  auto map = value.getDefiningOp<MapOp>();
  constexpr size_t kShort = 8;
  return map && type.getAxes().size() == 1 && map.block()->getOperations().size() <= kShort &&
         llvm::all_of(map.getIns(), isCheap);
}

} // namespace fc
