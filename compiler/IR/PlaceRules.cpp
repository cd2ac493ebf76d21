// PlaceRules.cpp - which place each tile of a kernel takes
#include "compiler/IR/PlaceRules.h"
#include "compiler/IR/SharedLayout.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <numeric>

using namespace mlir;

namespace fc {

PlaceRules::PlaceRules(KernelOp kernel, int64_t warps, int64_t parts,
                       llvm::function_ref<SmallVector<AxisSize>(Type)> sizedAxes, bool fragments)
    : warps(warps / parts), fragments(fragments) {
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
  // Of the rest, those that lie contiguous in some tensor come last: columns, if anything.
  auto addLast = [&](ValueRange indices) {
    if (!indices.empty())
      for (auto [axis, size] : wholeAxesOf(indices.back().getType()))
        contiguous.insert(axis);
  };
  kernel.walk([&](Operation *op) {
    if (auto read = dyn_cast<ReadOp>(op))
      addLast(read.getIndices());
    else if (auto write = dyn_cast<WriteOp>(op))
      addLast(write.getIndices());
  });

  // By axis and role: how many tiles, and the axes of the first.
  struct Votes {
    int count[3] = {};
    SmallVector<AxisSize> first[3];
  };
  llvm::DenseMap<StringAttr, Votes> votes;
  kernel.walk([&](Operation *op) {
    for (Value value : op->getResults()) {
      if (!isa<TileType>(value.getType()) || isSharedRead(value))
        continue;
      SmallVector<AxisSize> axes = ranked(sizedAxes(value.getType()));
      if (axes.size() < 2)
        continue;
      for (auto [i, axis] : llvm::enumerate(axes)) {
        size_t role = std::min<size_t>(i, 2);
        if (votes[axis.first].count[role]++ == 0)
          votes[axis.first].first[role] = axes;
      }
    }
  });
  for (auto &[axis, cast] : votes)
    meets[axis] = cast.first[llvm::max_element(cast.count) - cast.count];
}

SmallVector<PlaceRules::AxisSize> PlaceRules::ranked(ArrayRef<AxisSize> axes) const {
  SmallVector<AxisSize> list;
  for (AxisSize axis : axes)
    if (axis.second > 1 && !isParts(axis.first))
      list.push_back(axis);
  auto key = [&](const AxisSize &axis) {
    auto it = rank.find(axis.first);
    int last = int(rank.size()) + contiguous.contains(axis.first);
    return std::pair(it == rank.end() ? last : it->second, axis.first.getValue());
  };
  llvm::sort(list, [&](const AxisSize &a, const AxisSize &b) { return key(a) < key(b); });
  return list;
}

Place PlaceRules::overAllThreads(AxisSize axis) const {
  std::string name = axis.first.str();
  int size = int(axis.second);
  int lanes = std::gcd(size, 32), onWarps = std::gcd(size / lanes, int(warps));
  return Place{{{Unit::Value, name, size / lanes / onWarps, lanes * onWarps},
                {Unit::Lane, name, lanes, 1},
                {Unit::Warp, name, onWarps, lanes}}}
      .normal();
}

/// How many warps share the columns of an accumulator: of those that the rows leave over, as many
/// as take whole pages of a tile in shared memory. What a walk or the grid cuts stays in one: it is
/// contracted next, or its statistics are wanted.
int PlaceRules::columnWarps(AxisSize row, AxisSize column) const {
  if (rank.contains(column.first))
    return 1;
  int rowWarps = std::gcd(int(row.second) / 16, int(warps));
  int64_t page = SharedLayout::choosePage(column.second, /*bytes=*/2);
  return std::gcd(int(column.second / page), int(warps) / rowWarps);
}

Place PlaceRules::fragment(AxisSize row, AxisSize column, int columnWarps) const {
  std::string i = row.first.str(), j = column.first.str();
  int rows = int(row.second), columns = int(column.second);
  int rowWarps = std::gcd(rows / 16, int(warps)), rowValues = rows / 8 / rowWarps;
  return Place{{{Unit::Value, j, 2, 1},
                {Unit::Value, i, 2, 8},
                {Unit::Value, j, columns / 8 / columnWarps, 8},
                {Unit::Value, i, rowValues / 2, 16},
                {Unit::Lane, j, 4, 2},
                {Unit::Lane, i, 8, 1},
                {Unit::Warp, i, rowWarps, 8 * rowValues},
                {Unit::Warp, j, columnWarps, columns / columnWarps}}}
      .normal();
}

Place PlaceRules::withParts(Place place, ArrayRef<AxisSize> axes) const {
  for (AxisSize axis : axes)
    if (isParts(axis.first)) {
      if (int used = place.count(Unit::Warp); used < warps)
        place.digits.push_back({Unit::Warp, "", int(warps) / used, 0});
      place.digits.push_back({Unit::Warp, axis.first.str(), int(axis.second), 1});
    }
  return place;
}

Place PlaceRules::merged(const Place &place, ArrayRef<AxisSize> axes, StringRef parts) const {
  SmallVector<AxisSize> list = ranked(axes);
  Place result = place;
  int count = place.extent(parts);
  Digit *shared = nullptr;
  for (Digit &digit : result.digits)
    if (list.size() > 1 && digit.unit == Unit::Value && !digit.axis.empty() &&
        digit.axis != list[0].first.getValue() && digit.size % count == 0 &&
        (!shared || digit.size > shared->size))
      shared = &digit;
  for (Digit &digit : result.digits)
    if (digit.axis == parts)
      digit = shared ? Digit{Unit::Warp, shared->axis, count, shared->stride * shared->size / count}
                     : Digit{Unit::Warp, "", count, 0};
  if (shared)
    shared->size /= count;
  return result.normal();
}

Place PlaceRules::placeOf(ArrayRef<AxisSize> axes) const {
  SmallVector<AxisSize> whole(axes);
  llvm::erase_if(whole, [](AxisSize &axis) { return isParts(axis.first); });
  if (whole.size() < axes.size())
    return withParts(placeOf(whole), axes).normal();
  SmallVector<AxisSize> list = ranked(axes);
  if (list.empty())
    return {};
  if (list.size() == 1) {
    auto it = meets.find(list[0].first);
    if (it == meets.end())
      return overAllThreads(list[0]);
    // Of a walk that is split, whole tiles and parts of them have the axis.
    SmallVector<AxisSize> beside = it->second;
    for (AxisSize &axis : beside)
      if (axis.first == list[0].first)
        axis = list[0];
    return placeOf(beside).sliceTo(list[0].first.getValue());
  }
  std::string row = list[0].first.str(), column = list[1].first.str();
  int rows = int(list[0].second), columns = int(list[1].second);
  bool asFragment = fragments && rows % 16 == 0;
  if (asFragment && columns % 8 == 0) {
    Place place = fragment(list[0], list[1], columnWarps(list[0], list[1]));
    for (AxisSize axis : ArrayRef(list).drop_front(2))
      place.digits.push_back({Unit::Value, axis.first.str(), int(axis.second), 1});
    return place.normal();
  }
  // Lanes come in powers of two, so that a reduction is a butterfly of shuffles; what a size leaves
  // over of its lanes and values are ghosts.
  int rowLanes = int(llvm::PowerOf2Ceil(std::min(rows, 8)));
  int rowGroups = int(llvm::divideCeil(rows, rowLanes));
  int rowWarps = std::gcd(asFragment ? rows / 16 : rowGroups, int(warps));
  int rowValues = rowGroups / rowWarps;
  // Warps that the rows leave over share the columns.
  int columnLanes = int(llvm::PowerOf2Ceil(std::min(columns, 4)));
  int columnGroups = int(llvm::divideCeil(columns, columnLanes));
  int columnWarps = asFragment ? 1 : std::gcd(columnGroups, int(warps) / rowWarps);
  int columnValues = columnGroups / columnWarps, run = 8;
  while (columnValues % run)
    run /= 2;
  Place place{{{Unit::Value, column, run, 1},
               {Unit::Value, column, columnValues / run, run * columnLanes},
               {Unit::Value, row, rowValues, rowLanes},
               {Unit::Lane, column, columnLanes, run},
               {Unit::Lane, "", 4 / columnLanes, 0},
               {Unit::Lane, row, rowLanes, 1},
               {Unit::Warp, row, rowWarps, rowLanes * rowValues},
               {Unit::Warp, column, columnWarps, columnLanes * columnValues}}};
  for (AxisSize axis : ArrayRef(list).drop_front(2))
    place.digits.push_back({Unit::Value, axis.first.str(), int(axis.second), 1});
  return place.normal();
}

/// Whether a map of one tile and scalars is an operand A of `mma`, and nothing else.
static bool isOperandMap(MapOp map) {
  auto isTile = [](Value in) { return isa<TileType>(in.getType()); };
  return map && map.getNumResults() == 1 && llvm::count_if(map.getIns(), isTile) == 1 &&
         llvm::all_of(map->getUses(), [](OpOperand &use) {
           auto dot = dyn_cast<DotOp>(use.getOwner());
           return dot && use.getOperandNumber() == 0 &&
                  dot.getBy().value_or("").starts_with("mma.");
         });
}

bool PlaceRules::isSharedRead(Value value) {
  auto type = dyn_cast<TileType>(value.getType());
  return type && value.getDefiningOp<ReadOp>() && !value.use_empty() &&
         llvm::all_of(value.getUses(), [](OpOperand &use) {
           auto dot = dyn_cast<DotOp>(use.getOwner());
           if (dot)
             return use.get() != dot.getAcc();
           return isOperandMap(dyn_cast<MapOp>(use.getOwner()));
         });
}

StringAttr PlaceRules::minorAxis(Value value) {
  auto type = cast<TileType>(value.getType());
  if (auto read = value.getDefiningOp<ReadOp>())
    for (Value index : llvm::reverse(read.getIndices()))
      if (auto axes = wholeAxesOf(index.getType()); !axes.empty())
        return axes.back().first;
  for (Operation *user : value.getUsers())
    if (auto dot = dyn_cast<DotOp>(user))
      return cast<StringAttr>(dot.getAxes()[0]);
  return wholeAxesOf(type).back().first;
}

bool PlaceRules::isCheap(Value value) {
  auto type = dyn_cast<TileType>(value.getType());
  if (!type)
    return true; // a scalar is the same everywhere
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<IotaOp, AxisOp>(op))
    return true;
  if (!isa_and_nonnull<MapOp, ReadOp>(op) || wholeAxesOf(type).size() > 1 || isSharedRead(value))
    return false;
  constexpr size_t kShort = 8;
  auto map = dyn_cast<MapOp>(op);
  return (!map || map.block()->getOperations().size() <= kShort) &&
         llvm::all_of(op->getOperands(), isCheap);
}

bool PlaceRules::isForCopies(Value value) {
  return !value.use_empty() && llvm::all_of(value.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto read = dyn_cast<ReadOp>(user))
      return isSharedRead(read.getOut()) || isForCopies(read.getOut());
    return isa<MapOp>(user) && llvm::all_of(user->getResults(), isForCopies);
  });
}

} // namespace fc
