// ResourceModel.cpp - what a kernel needs of a machine under a schedule
#include "compiler/Target/ResourceModel.h"
#include "compiler/IR/PlaceRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <numeric>

using namespace mlir;

namespace fc {

int64_t Usage::total() const {
  int64_t sum = 0;
  for (const Item &item : items)
    sum += item.amount;
  return sum;
}

const Usage::Item *Usage::largest() const {
  auto it =
      llvm::max_element(items, [](const Item &a, const Item &b) { return a.amount < b.amount; });
  return it == items.end() ? nullptr : it;
}

namespace {

SmallVector<TileType::AxisSize> sizedAxes(Type type, const AxisSizes &sizes) {
  SmallVector<TileType::AxisSize> axes = axesOf(type);
  for (auto &[axis, size] : axes)
    if (size == TileType::kUnsized)
      size = sizes.lookup(axis);
  return axes;
}

/// The axes as a thread's warps have them: of a tile that is cut, one part.
SmallVector<TileType::AxisSize> axesOfPart(Type type, const ScheduleChoice &choice) {
  SmallVector<TileType::AxisSize> axes = sizedAxes(type, choice.sizes);
  for (auto &[axis, size] : axes)
    if (axis == choice.splitAxis)
      size /= choice.parts;
  return axes;
}

/// `f16 over [d: 64, j: 64]`.
std::string describe(Type type, const AxisSizes &sizes) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << elementOf(type) << " over [";
  llvm::interleaveComma(sizedAxes(type, sizes), stream, [&](auto &axis) {
    stream << axis.first.getValue() << ": " << axis.second;
  });
  stream << "]";
  return text;
}

/// The name of the parameter that a read reads.
StringRef parameterName(KernelOp kernel, Value tensor) {
  auto argument = dyn_cast<BlockArgument>(tensor);
  return argument ? cast<StringAttr>(kernel.getParams()[argument.getArgNumber()]).getValue() : "?";
}

/// What a value is made of, the nearest product or sum, by reductions before what they come from.
Operation *originOf(Value value) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  Operation *found = nullptr;
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    auto reduce = dyn_cast<ReduceOp>(op);
    if (isa<DotOp>(op))
      return op;
    if (reduce && (!found || reduce.getKind() == ReduceKind::Sum))
      found = op;
    if (isa<MapOp>(op))
      work.append(op->operand_begin(), op->operand_end());
  }
  return found;
}

/// `dot[d](q, k)`; an operand that is computed is `..`.
std::string productName(KernelOp kernel, DotOp dot) {
  std::string text = "dot[";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(dot.getAxes().getAsRange<StringAttr>(), stream,
                        [&](StringAttr axis) { stream << axis.getValue(); });
  auto brief = [&](Value operand) {
    auto read = operand.getDefiningOp<ReadOp>();
    return read ? parameterName(kernel, read.getTensor()) : "..";
  };
  stream << "](" << brief(dot.getA()) << ", " << brief(dot.getB()) << ")";
  return text;
}

/// The name of what a fold carries, as the derivation of online forms has it.
std::string carriedName(FoldOp fold, unsigned number) {
  if (!fold.derived())
    return "what the walk carries";
  Operation *origin = originOf(fold.yield().getValues()[number]);
  auto reduce = dyn_cast_or_null<ReduceOp>(origin);
  return !origin                               ? "what the walk carries"
         : !reduce                             ? "`acc`, what the walk carries"
         : reduce.getKind() == ReduceKind::Sum ? "`l`, what the walk carries"
         : reduce.getKind() == ReduceKind::Max ? "`m`, what the walk carries"
                                               : "`r`, what the walk carries";
}

/// What the text would call the value.
std::string nameOf(KernelOp kernel, Value value) {
  Operation *op = value.getDefiningOp();
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto fold = dyn_cast<FoldOp>(argument.getOwner()->getParentOp()))
      for (auto [number, state] : llvm::enumerate(fold.state()))
        if (state == value)
          return carriedName(fold, number);
  if (auto fold = dyn_cast_or_null<FoldOp>(op))
    return carriedName(fold, cast<OpResult>(value).getResultNumber());
  if (auto dot = dyn_cast_or_null<DotOp>(op))
    return "`" + productName(kernel, dot) + "`";
  if (auto read = dyn_cast_or_null<ReadOp>(op))
    return "`" + parameterName(kernel, read.getTensor()).str() + "`";
  if (auto dot = dyn_cast_or_null<DotOp>(originOf(value)))
    return "made of `" + productName(kernel, dot) + "`";
  return "a value";
}

/// The rules that will place the tiles of `choice`, which they refer to.
PlaceRules rulesOf(KernelOp kernel, const ScheduleChoice &choice) {
  return {kernel, choice.warps, choice.parts, [&](Type type) { return axesOfPart(type, choice); },
          choice.matrices};
}

/// Whether the schedule has the product by `mma`, by the rules of fc-map-wmma.
bool isByMatrices(DotOp dot, const ScheduleChoice &choice, const PlaceRules &rules) {
  auto a = dyn_cast<TileType>(dot.getA().getType()), b = dyn_cast<TileType>(dot.getB().getType());
  if (!choice.matrices || !a || !b || dot.getAxes().size() != 1 || a.getAxes().size() != 2 ||
      b.getAxes().size() != 2 || !isa<Float16Type, BFloat16Type>(a.getElement()))
    return false;
  auto axes = rules.ranked(sizedAxes(dot.getOut().getType(), choice.sizes));
  int64_t contracted = choice.sizes.lookup(cast<StringAttr>(dot.getAxes()[0]));
  return axes.size() == 2 && axes[0].second % 16 == 0 && axes[1].second % 8 == 0 &&
         contracted % 8 == 0;
}

/// Whether products by `mma` in a loop keep the tile, a read that the loop leaves unchanged and
/// that gives their rows, in registers.
bool isHeld(Value value, const ScheduleChoice &choice, const PlaceRules &rules) {
  auto type = dyn_cast<TileType>(value.getType());
  if (!type || !PlaceRules::isSharedRead(value))
    return false;
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    auto dot = dyn_cast<DotOp>(user);
    if (!dot || user->getBlock() == value.getParentBlock() || !isByMatrices(dot, choice, rules))
      return false;
    auto row = rules.ranked(sizedAxes(dot.getOut().getType(), choice.sizes))[0];
    auto contracted = cast<StringAttr>(dot.getAxes()[0]);
    return type.has(row.first.getValue()) &&
           PlaceRules::canHold(rules.fragment(row, {contracted, choice.sizes.lookup(contracted)}));
  });
}

/// Around walks no copies are under way, and no scores: that many registers less go beside tiles.
constexpr int64_t kAroundWalks = 24;

/// Walks the kernel backwards with the set of live register tiles.
class Pressure {
public:
  Pressure(KernelOp kernel, const ScheduleChoice &choice)
      : choice(choice), rules(rulesOf(kernel, choice)) {
    Block &block = kernel.program().getBody().front();
    visit(block, {}, /*walks=*/block.getOps<FoldOp>().empty());
  }

  int64_t peak = 0; ///< of tiles in a walk, or of as many as take no more around one
  llvm::SetVector<Value> widest;

  int64_t total() {
    int64_t sum = 0;
    for (Value value : widest)
      sum += registersOf(value);
    return sum;
  }

  int64_t registersOf(Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type)
      return 0;
    bool inserted = known.insert({value, 0}).second;
    int64_t registers = 0;
    if (inserted && (!isFree(value) || isHeld(value, choice, rules))) {
      int64_t values = rules.placeOf(axesOfPart(type, choice)).count(Unit::Value);
      int64_t bits = type.getElement().getIntOrFloatBitWidth();
      registers = bits > 32                       ? 2 * values
                  : bits == 16 && choice.matrices ? (values + 1) / 2
                                                  : values;
      known[value] = registers;
    }
    return known[value];
  }

private:
  using Live = llvm::SetVector<Value>;

  /// Whether no register is held for the tile between its uses.
  static bool isFree(Value value) {
    return PlaceRules::isSharedRead(value) || PlaceRules::isForCopies(value) ||
           (PlaceRules::isCheap(value) && !value.getDefiningOp<ReadOp>());
  }

  void note(const Live &live, bool walks) {
    int64_t sum = walks ? 0 : -kAroundWalks;
    for (Value value : live)
      sum += registersOf(value);
    if (sum <= peak)
      return;
    peak = sum;
    widest = live;
  }

  void visit(Block &block, Live live, bool walks) {
    for (Operation &op : llvm::reverse(block)) {
      Live after = live;
      after.insert(op.result_begin(), op.result_end());
      note(after, walks);
      live.remove_if([&](Value value) { return value.getDefiningOp() == &op; });
      if (auto fold = dyn_cast<FoldOp>(op)) {
        // What the body uses from outside lives through all turns.
        Live around = live;
        getUsedValuesDefinedAbove(fold.getBody(), around);
        visit(fold.getBody().front(), around, /*walks=*/true);
        live = around;
      }
      for (Value operand : op.getOperands())
        if (isa<TileType>(operand.getType()))
          live.insert(operand);
      note(live, walks);
    }
  }

  const ScheduleChoice &choice;
  PlaceRules rules;
  llvm::DenseMap<Value, int64_t> known;
};

int64_t elementsOf(Type type, const AxisSizes &sizes) {
  int64_t count = 1;
  for (auto &[axis, size] : sizedAxes(type, sizes))
    count *= size;
  return count;
}

int64_t bytesOf(Type type, const AxisSizes &sizes) {
  return elementsOf(type, sizes) *
         std::max<int64_t>(elementOf(type).getIntOrFloatBitWidth() / 8, 1);
}

} // namespace

Usage ResourceModel::shared(const ScheduleChoice &choice) const {
  Usage usage;
  llvm::SetVector<Value> operands;
  PlaceRules rules = rulesOf(kernel, choice);
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    bool byMatrices = isByMatrices(dot, choice, rules);
    auto axes = rules.ranked(sizedAxes(dot.getOut().getType(), choice.sizes));
    for (Value operand : {dot.getA(), dot.getB()}) {
      // What is computed and has the rows is multiplied from registers.
      auto type = dyn_cast<TileType>(operand.getType());
      if (byMatrices && type && type.has(axes[0].first.getValue()) &&
          !PlaceRules::isSharedRead(operand))
        continue;
      operands.insert(operand);
    }
  });
  // What registers hold lies in shared memory on its way there only. The rest takes its bytes over;
  // where copies run ahead, all but what the same products read, which is on its way too: of
  // several slots the first turns' tiles all are.
  Usage atFirst;
  for (Value value : operands) {
    if (!isa<TileType>(value.getType()))
      continue;
    int64_t bytes = bytesOf(value.getType(), choice.sizes);
    std::string what = nameOf(kernel, value) + ", ";
    if (value.getDefiningOp<ReadOp>() &&
        value.getParentRegion() != &const_cast<KernelOp &>(kernel).program().getBody())
      bytes *= choice.stages;
    Usage::Item item{what + describe(value.getType(), choice.sizes), bytes};
    bool only = isHeld(value, choice, rules);
    auto fold = value.getParentRegion()->getParentOfType<FoldOp>();
    bool inSlots = choice.stages > 1 && fold && takesSlots(fold);
    bool beside = choice.asynchronous &&
                  (inSlots || llvm::any_of(value.getUsers(), [&](Operation *user) {
                     return llvm::any_of(user->getOperands(),
                                         [&](Value other) { return isHeld(other, choice, rules); });
                   }));
    if (only || beside)
      atFirst.items.push_back(item);
    if (!only)
      usage.items.push_back(item);
  }
  Usage merge = merged(choice, rules);
  for (Usage *other : {&atFirst, &merge})
    if (other->total() > usage.total())
      usage = *other;
  return usage;
}

Usage ResourceModel::merged(const ScheduleChoice &choice, const PlaceRules &rules) const {
  Usage usage;
  if (choice.parts == 1)
    return usage;
  const_cast<KernelOp &>(kernel).walk([&](FoldOp fold) {
    if (!llvm::is_contained(fold.getAxes(), choice.splitAxis))
      return;
    for (Value state : fold.getResults()) {
      // Of several axes, what the warps of other parts keep; else each thread's own values.
      Type type = state.getType();
      int64_t bytes = bytesOf(type, choice.sizes) * (choice.parts - 1);
      if (axesOf(type).size() < 2)
        bytes = rules.placeOf(sizedAxes(type, choice.sizes)).count(Unit::Value) * choice.warps *
                32 * std::max<int64_t>(elementOf(type).getIntOrFloatBitWidth() / 8, 1);
      usage.items.push_back({"what parts exchange, " + describe(type, choice.sizes), bytes});
    }
  });
  return usage;
}

Usage ResourceModel::registers(const ScheduleChoice &choice) const {
  Pressure pressure(kernel, choice);
  Usage usage;
  for (Value value : pressure.widest)
    if (int64_t amount = pressure.registersOf(value))
      usage.items.push_back(
          {nameOf(kernel, value) + ", " + describe(value.getType(), choice.sizes), amount});
  return usage;
}

//===-- Fitting ------------------------------------------------------------------===//

/// Pointers, loop counters, predicates, the operands of a few steps of a product: what a thread has
/// beside its tiles. Fitted to what `ptxas -v` says of kernels_src/ under many schedules
/// (docs/kernels.md); more of it where copies are under way.
static constexpr int64_t kScalar = 76, kPlain = 48, kAsynchronous = 76, kWithoutProducts = 40;
/// Of fewer scores than so many less is under way, one for one.
static constexpr int64_t kManyScores = 32;
/// With more sums than so many a product by FMAs has the operands of the next steps under way, too.
static constexpr int64_t kManySums = 64, kNextSteps = 16;
/// So much more than a thread may have was not seen to spill where copies are asynchronous, as
/// addresses can be computed again, or products by FMAs; so much less was, where copies are plain.
static constexpr int64_t kSqueezed = 6, kSqueezedScalar = 4;
/// And with so few beside its tiles it makes do, where CTAs have to share an SM; beyond some tiles
/// with one more for each five of theirs, or three where copies test their addresses.
static constexpr int64_t kHeldDown = 56, kFewSteps = 11, kFewTiles = 72;
/// On sm_100a ptxas spills a few words where it does not on the others; on sm_90 where copies test
/// their addresses.
static constexpr int64_t kMoreOnSm100 = 8, kMoreOnSm90 = 4;
/// Below this a kernel spills for certain.
static constexpr int64_t kLeast = 40;
/// Loops by hand keep the guards of S1 in every turn.
static constexpr int64_t kGuards = 16;

/// What is computed of scores is under way for many values at once: on top of those, the integers
/// over one axis that a mask compares, and truth values, which take registers when they are many.
static int64_t underWay(FoldOp fold, MapOp map, const ScheduleChoice &choice,
                        const PlaceRules &rules) {
  auto type = dyn_cast<TileType>(map.getResult(0).getType());
  if (!type || type.getAxes().size() < 2 || !llvm::any_of(fold.getAxes(), [&](Attribute axis) {
        return type.has(cast<StringAttr>(axis).getValue());
      }))
    return 0;
  int64_t values = rules.placeOf(axesOfPart(type, choice)).count(Unit::Value);
  int64_t steps = 0, compares = 0, logic = 0, integers = 0;
  for (Operation &step : map.block()->without_terminator()) {
    steps += !isa<arith::ConstantOp>(step);
    compares += isa<arith::CmpIOp>(step);
    logic += isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(step);
  }
  for (Value operand : map->getOperands()) {
    auto tile = dyn_cast<TileType>(operand.getType());
    if (!tile || tile.getAxes().size() != 1 || !isa<IntegerType>(tile.getElement()))
      continue;
    compares += tile.getElement().isInteger(1);
    integers +=
        rules.placeOf(axesOfPart(tile, choice)).count(Unit::Value) *
        (tile.getElement().getIntOrFloatBitWidth() > 32 ? 4 : 1); // and of sums and differences
  }
  if (compares == 0)
    return choice.asynchronous ? values * 2 / 5 : values / 4;
  // What is looked up for each score has an address of its own.
  int64_t addresses = 0;
  for (Value operand : map->getOperands())
    if (auto read = operand.getDefiningOp<ReadOp>();
        read && axesOf(operand.getType()).size() > 1 && read->getParentRegion() == &fold.getBody())
      addresses += values / 2;
  int64_t truths = values * std::max<int64_t>(logic - 2, 0) / 3 + addresses;
  return truths + (choice.asynchronous ? values / 4 + integers / 3 + steps
                                       : integers * 7 / 10 + steps * 5 / 2 - values / 5);
}

int64_t ResourceModel::overhead(const ScheduleChoice &choice) const {
  PlaceRules rules = rulesOf(kernel, choice);
  bool byHand = false;
  int64_t most = 0;
  const_cast<KernelOp &>(kernel).walk([&](FoldOp fold) {
    byHand |= !fold.derived() && fold.getNumResults() > 0;
    for (MapOp map : fold.getBody().getOps<MapOp>())
      if (map.getNumResults() > 0)
        most = std::max(most, underWay(fold, map, choice, rules));
  });
  // Plain copies have what they load in registers, up to eight chunks of 16 bytes.
  int64_t loaded = 0, sums = 0;
  bool products = false;
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    products = true;
    if (isa<TileType>(dot.getOut().getType()))
      sums = std::max<int64_t>(
          sums, rules.placeOf(axesOfPart(dot.getOut().getType(), choice)).count(Unit::Value));
    for (Value operand : {dot.getA(), dot.getB()})
      if (PlaceRules::isSharedRead(operand))
        loaded = std::max(loaded, bytesOf(operand.getType(), choice.sizes) / (choice.warps * 128));
  });
  int64_t base = !products              ? kWithoutProducts
                 : !choice.matrices     ? kScalar + (sums > kManySums ? kNextSteps : 0)
                 : !choice.asynchronous ? kPlain + std::min<int64_t>(loaded, 32)
                                        : kAsynchronous;
  return base + (byHand ? kGuards : 0) + (choice.matrices ? most : most / 2);
}

int64_t ResourceModel::fewScores(const ScheduleChoice &choice) const {
  int64_t few = 0;
  PlaceRules rules = rulesOf(kernel, choice);
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    auto fold = dot->getParentOfType<FoldOp>();
    auto type = dyn_cast<TileType>(dot.getOut().getType());
    if (fold && type && choice.asynchronous && llvm::any_of(fold.getAxes(), [&](Attribute axis) {
          return type.has(cast<StringAttr>(axis).getValue());
        }))
      few = std::max<int64_t>(few, kManyScores -
                                       rules.placeOf(axesOfPart(type, choice)).count(Unit::Value));
  });
  return few;
}

/// Whether indices are divided or taken apart, bit by bit.
static bool divides(Block &steps) {
  return llvm::any_of(steps, [](Operation &step) {
    return isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp, arith::CeilDivSIOp,
               arith::RemSIOp, arith::RemUIOp, arith::ShRUIOp, arith::ShRSIOp>(step);
  });
}

int64_t ResourceModel::heldDown(const ScheduleChoice &choice, int64_t tiles) const {
  // ptxas has less under way at once, but for indices that are divided and masks of many steps, and
  // beside large tiles.
  int64_t more = std::max<int64_t>(tiles - kFewTiles, 0) / (choice.unaligned ? 3 : 5);
  bool byHand = false;
  PlaceRules rules = rulesOf(kernel, choice);
  const_cast<KernelOp &>(kernel).walk([&](FoldOp fold) {
    byHand |= !fold.derived() && fold.getNumResults() > 0;
    for (MapOp map : fold.getBody().getOps<MapOp>()) {
      if (map.getNumResults() == 0)
        continue;
      Type type = map.getResult(0).getType();
      if (axesOf(type).size() > 1 && divides(*map.block()))
        more = std::max<int64_t>(
            more, 3 * rules.placeOf(axesOfPart(type, choice)).count(Unit::Value) / 2);
      more = std::max(more, 4 * (underWay(fold, map, choice, rules) - kFewSteps));
    }
  });
  return kHeldDown + (byHand ? 2 * kGuards : 0) + more;
}

int64_t ResourceModel::registersFor(const TargetInfo &target, int64_t warps, int64_t ctas) {
  // Warps are dealt out to four schedulers, each with a quarter of the registers, and get theirs in
  // units: of 256, which is 8 a lane.
  int64_t onScheduler = (warps * std::max<int64_t>(ctas, 1) + 3) / 4;
  int64_t perThread = target.registersPerSm / 4 / (onScheduler * 32);
  int64_t unit = target.registerUnit / 32;
  return std::min<int64_t>(target.registersPerThread, perThread / unit * unit);
}

int64_t ResourceModel::ctasPerSm(const TargetInfo &target, int64_t warps, int64_t registers,
                                 int64_t shared) {
  int64_t ctas = std::min<int64_t>(target.ctasPerSm, target.warpsPerSm / warps);
  ctas = std::min(ctas, target.sharedPerSm / (shared + target.sharedReservedPerCta));
  while (ctas > 0 && registersFor(target, warps, ctas) < registers)
    --ctas;
  return ctas;
}

int64_t ResourceModel::registerLimit(const ScheduleChoice &choice) const {
  return registersFor(target, choice.warps, choice.ctas) - kLeast;
}

bool ResourceModel::fits(const ScheduleChoice &choice) const {
  return shared(choice).total() <= sharedLimit() &&
         registers(choice).total() <= registerLimit(choice);
}

//===-- Time ---------------------------------------------------------------------===//

namespace {

/// What the units of an SM have to do for one tile.
struct Work {
  double tensorOps = 0, fmas = 0, alu = 0, mufu = 0, sharedBytes = 0, globalBytes = 0;

  void add(const Work &other, double weight) {
    tensorOps += weight * other.tensorOps;
    fmas += weight * other.fmas;
    alu += weight * other.alu;
    mufu += weight * other.mufu;
    sharedBytes += weight * other.sharedBytes;
    globalBytes += weight * other.globalBytes;
  }

  /// Cycles of each unit of an SM.
  std::array<double, 6> units(const TargetInfo &target) const {
    // Of the peak of shared memory. With half of it 128 rows on 8 warps come out a sixth slower
    // than on 4, which is what FlashAttention-2's authors measured for heads of 64 on A100.
    constexpr double kSharedShare = 0.5;
    double instructions = tensorOps / 4096 + sharedBytes / 512 + (fmas + alu + mufu) / 32;
    return {tensorOps / target.tensorOps, (fmas + alu) / target.fmaLanes,
            mufu / target.mufuLanes,      sharedBytes / (kSharedShare * target.sharedBytes),
            globalBytes / target.l2Bytes, instructions / 4};
  }
  double oneByOne(const TargetInfo &target) const {
    double sum = 0;
    for (double unit : units(target))
      sum += unit;
    return sum;
  }
  /// Cycles of an SM on which so many warps do such work.
  double cycles(const TargetInfo &target, int64_t warps) const {
    // One warp a scheduler does one thing after the other; a second fills its gaps, more do little.
    // Fewer than four leave schedulers, and what is theirs of the units, idle.
    double each = double(warps) / 4;
    double overlap = std::clamp(each, 1.0, 2.0) + 0.3 * std::max(each - 2, 0.0);
    std::array<double, 6> list = units(target);
    double most = *llvm::max_element(list);
    return (most + (oneByOne(target) - most) / overlap) / std::min(each, 1.0);
  }
};

/// How many warps have each element of a tile that is computed: those that its rows leave over, but
/// for columns that warps share out.
double copiesOf(Type type, const ScheduleChoice &choice, const PlaceRules &rules) {
  SmallVector<TileType::AxisSize> axes = axesOfPart(type, choice);
  if (!choice.matrices || axes.size() < 2)
    return 1;
  return double(choice.warps / choice.parts) / rules.placeOf(axes).count(Unit::Warp);
}

Work workOf(Operation *op, const ScheduleChoice &choice, const PlaceRules &rules) {
  Work work;
  if (auto dot = dyn_cast<DotOp>(op)) {
    double steps = double(elementsOf(dot.getOut().getType(), choice.sizes));
    for (auto axis : dot.getAxes().getAsRange<StringAttr>())
      steps *= double(choice.sizes.lookup(axis));
    if (!isByMatrices(dot, choice, rules)) {
      work.fmas = steps;
      work.sharedBytes = steps; // each operand is used for some rows and columns at once
      return work;
    }
    double copies = copiesOf(dot.getOut().getType(), choice, rules);
    work.tensorOps = 2 * steps * copies;
    auto row = rules.ranked(sizedAxes(dot.getOut().getType(), choice.sizes))[0];
    // Each warp reads all of its part of B for its rows.
    for (Value operand : {dot.getA(), dot.getB()})
      if (!cast<TileType>(operand.getType()).has(row.first.getValue()))
        work.sharedBytes += double(bytesOf(operand.getType(), choice.sizes)) * copies *
                            std::gcd<int64_t>(row.second / 16, choice.warps / choice.parts);
  } else if (auto map = dyn_cast<MapOp>(op)) {
    if (map.getNumResults() == 0 || PlaceRules::isCheap(map.getResult(0)))
      return work;
    Type type = map.getResult(0).getType();
    double count = double(elementsOf(type, choice.sizes)) * copiesOf(type, choice, rules);
    for (Operation &step : map.block()->without_terminator()) {
      bool special = isa<math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::TanhOp,
                         math::SqrtOp, math::RsqrtOp, arith::DivFOp>(step);
      (special ? work.mufu : work.alu) += count;
    }
  } else if (auto reduce = dyn_cast<ReduceOp>(op)) {
    Type type = reduce.getIn().getType();
    work.alu = double(elementsOf(type, choice.sizes)) * copiesOf(type, choice, rules);
  } else if (auto read = dyn_cast<ReadOp>(op)) {
    work.globalBytes = double(bytesOf(read.getOut().getType(), choice.sizes));
  } else if (auto write = dyn_cast<WriteOp>(op)) {
    work.globalBytes = double(bytesOf(write.getValue().getType(), choice.sizes));
  }
  return work;
}

/// Cycles of a turn that are nobody's work: steps that depend on each other, each barrier.
constexpr double kSteps = 220, kBarrier = 40;
/// From the address of a copy to its bytes. They are in L2: programs of other rows, and those of
/// other heads of a group, read the same.
constexpr double kLatency = 300;

/// What a turn of a walk has of these, where `ctas` share an SM: copies that run ahead show with
/// what the work meanwhile does not hide (fc-stage-copies says when each begins).
double waitsOf(FoldOp fold, const ScheduleChoice &choice, const PlaceRules &rules,
               const TargetInfo &target, int64_t ctas) {
  Block &body = fold.getBody().front();
  SmallVector<ReadOp> reads;
  for (ReadOp read : body.getOps<ReadOp>())
    if (PlaceRules::isSharedRead(read.getOut()))
      reads.push_back(read);
  if (!choice.asynchronous || reads.empty() || !body.getOps<FoldOp>().empty())
    return kSteps + 2 * kBarrier;
  // How far into its work a turn is behind each operation.
  Work turn;
  llvm::DenseMap<Operation *, double> behind;
  double all = 0;
  for (Operation &op : body) {
    Work work = workOf(&op, choice, rules);
    turn.add(work, 1);
    behind[&op] = all += isa<ReadOp>(op) ? 0 : work.oneByOne(target);
  }
  double cycles = turn.cycles(target, ctas * choice.warps) * double(ctas);
  auto timeOf = [&](double part) { return all > 0 ? part / all * cycles : 0; };
  auto copy = [&](ReadOp read) {
    return double(bytesOf(read.getOut().getType(), choice.sizes) * ctas) / target.l2Bytes;
  };
  auto lastUse = [&](ReadOp read) {
    double last = 0;
    for (Operation *user : read.getOut().getUsers())
      last = std::max(last, behind.lookup(body.findAncestorOpInBlock(*user)));
    return last;
  };
  llvm::stable_sort(reads, [&](ReadOp a, ReadOp b) { return lastUse(a) < lastUse(b); });
  if (ResourceModel::takesSlots(fold) && choice.stages > 1) {
    // All tiles of a turn, from behind a first product to the top of a later turn.
    double bytes = 0;
    for (ReadOp read : reads)
      bytes += copy(read);
    double hidden = double(choice.stages - 1) * cycles - timeOf(lastUse(reads[0]));
    return kSteps + kBarrier + std::max(kLatency + bytes - hidden, 0.0);
  }
  // Each tile while the one before is used; the first of the next turn from when the last is there.
  double waits = kSteps + double(std::max<size_t>(reads.size(), 2)) * kBarrier;
  double from = 0;
  for (size_t i = 1; i < reads.size(); ++i) {
    double until = lastUse(reads[i - 1]);
    waits += std::max(kLatency + copy(reads[i]) - timeOf(until - from), 0.0);
    from = until;
  }
  double last = reads.size() > 1 ? timeOf(all - from) : 0;
  return waits + std::max(kLatency + copy(reads[0]) - last, 0.0);
}

} // namespace

bool ResourceModel::takesSlots(FoldOp fold) {
  return fold.getAxes().size() == 1 && !fold->getParentOfType<FoldOp>();
}

double ResourceModel::cycles(const ScheduleChoice &choice, int64_t ctas) const {
  constexpr double kReference = 4096; // points of a walked axis: entry and exit are a share of it
  // A loop whose body stands several times is more code, to compile and to hold in the caches of
  // instructions: a slot has to be worth a twentieth.
  constexpr double kCode = 0.05;
  PlaceRules rules = rulesOf(kernel, choice);
  // The work of a tile of rows for one point of the walked axes.
  Work work;
  double waits = 0;
  const_cast<KernelOp &>(kernel).walk([&](Operation *op) {
    auto fold = isa<FoldOp>(op) ? cast<FoldOp>(op) : op->getParentOfType<FoldOp>();
    double points = 1;
    if (fold)
      for (auto axis : fold.getAxes().getAsRange<StringAttr>())
        points *= double(choice.sizes.lookup(axis));
    if (op->getParentOfType<MapOp>())
      return;
    // Each part of a split walk has a state of its own to correct.
    double parts = 1;
    if (fold && isa<MapOp>(op) && op->getNumResults() &&
        llvm::is_contained(fold.getAxes(), choice.splitAxis) &&
        !over(op->getResult(0), choice.splitAxis.getValue()))
      parts = double(choice.parts);
    work.add(workOf(op, choice, rules), parts / (fold ? points : kReference));
    if (isa<FoldOp>(op))
      waits += waitsOf(fold, choice, rules, target, ctas) / points;
  });
  double rows = 1;
  ProgramOp program = const_cast<KernelOp &>(kernel).program();
  for (auto [axis, tile] :
       llvm::zip(program.getAxes().getAsRange<StringAttr>(), program.getTiles()))
    if (tile)
      rows *= double(choice.sizes.lookup(axis));
  double time = work.cycles(target, ctas * choice.warps) + waits / double(ctas);
  return time * (1 + kCode * double(choice.stages - 1)) * 1024 / rows;
}

ScheduleEstimate ResourceModel::estimate(const ScheduleChoice &choice, int64_t atOnce) const {
  ScheduleEstimate estimate;
  Pressure pressure(kernel, choice);
  estimate.tiles = pressure.total();
  estimate.shared = shared(choice).total();
  estimate.wanted = pressure.peak + overhead(choice);
  estimate.limit = registersFor(target, choice.warps, choice.ctas);
  int64_t expected = estimate.wanted - fewScores(choice);
  if (choice.ctas > 1) {
    int64_t least = estimate.tiles + heldDown(choice, estimate.tiles);
    expected = std::min(expected, least);
    least += target.name == "sm_100a"                      ? kMoreOnSm100
             : target.capability == 90 && choice.unaligned ? kMoreOnSm90
                                                           : 0;
    estimate.tight = least > estimate.limit;
  } else {
    int64_t squeezed = choice.asynchronous ? kSqueezed
                       : choice.matrices   ? -kSqueezed
                                           : kSqueezedScalar;
    estimate.tight = estimate.wanted > estimate.limit + squeezed;
  }
  estimate.registers = estimate.tiles <= registerLimit(choice) ? std::min(expected, estimate.limit)
                                                               : estimate.wanted;
  estimate.ctasPerSm = ctasPerSm(target, choice.warps, estimate.registers, estimate.shared);
  if (estimate.ctasPerSm > 0)
    estimate.cycles = cycles(choice, std::min(estimate.ctasPerSm, atOnce));
  return estimate;
}

} // namespace fc
