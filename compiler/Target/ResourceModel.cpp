// ResourceModel.cpp - what a kernel needs of a machine under a schedule
#include "compiler/Target/ResourceModel.h"
#include "compiler/Target/ResourceRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/raw_ostream.h"

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
/// Of fewer scores than so many less is under way, one for one, beside an operand that is held.
static constexpr int64_t kManyScores = 32;
/// With more sums than so many a product by FMAs has the operands of the next steps under way, too.
static constexpr int64_t kManySums = 64, kNextSteps = 16;
/// So much more than a thread may have was not seen to spill where copies are asynchronous, as
/// addresses can be computed again, or products by FMAs; so much less was, where copies are plain.
/// Nothing more is squeezed in where a walk looks values up, whose addresses are not made anew, nor
/// by FMAs on the machines from sm_100a on.
static constexpr int64_t kSqueezed = 6, kSqueezedPlain = -6, kSqueezedScalar = 4;
/// Exponentials take the registers of their scores: of scores beyond `kManyScores` so many more are
/// squeezed in, fewer where copies test addresses in the loop. Not on sm_120a, and not where copies
/// are of more chunks of 16 bytes a tensor and thread, which have addresses of their own.
static constexpr int64_t kOfScores = 26, kOfScoresUnaligned = 14, kFewChunks = 4;
/// And with so few beside its tiles it makes do, where CTAs have to share an SM; beyond some tiles
/// with one more for each five of theirs, or three where copies test their addresses.
static constexpr int64_t kHeldDown = 56, kFewSteps = 11, kFewTiles = 72;
/// Between plain copies ptxas reads the operands of a product ahead; where both are read, for many
/// scores more: a register for so many of them beyond `kManyScores`.
static constexpr int64_t kReadAhead = 8;
/// On sm_100a ptxas spills a few words where it does not on the others; on sm_90 and sm_120a where
/// copies test their addresses.
static constexpr int64_t kMoreOnSm100 = 8, kMoreWhereTested = 4;
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

int64_t ResourceModel::lookedUp(const ScheduleChoice &choice) const {
  // An address of 64 bits for each of a thread's rows: a sum of indices times strides, which is not
  // made anew in each turn.
  int64_t most = 0;
  PlaceRules rules = rulesOf(kernel, choice);
  const_cast<KernelOp &>(kernel).walk([&](FoldOp fold) {
    int64_t registers = 0;
    for (ReadOp read : fold.getBody().getOps<ReadOp>()) {
      Type type = read.getOut().getType();
      if (axesOf(type).empty() || PlaceRules::isSharedRead(read.getOut()))
        continue;
      SmallVector<TileType::AxisSize> rows = axesOfPart(type, choice);
      llvm::erase_if(rows, [&](auto &axis) {
        return llvm::is_contained(fold.getAxes(), Attribute(axis.first));
      });
      registers += 2 * rules.placeOf(rows).count(Unit::Value);
    }
    most = std::max(most, registers);
  });
  return most;
}

int64_t ResourceModel::wordsCopied(const ScheduleChoice &choice, bool inWalks) const {
  int64_t most = 0;
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    for (Value operand : {dot.getA(), dot.getB()})
      if (PlaceRules::isSharedRead(operand) &&
          (!inWalks || operand.getDefiningOp()->getParentOfType<FoldOp>()))
        most = std::max(most, bytesOf(operand.getType(), choice.sizes) / (choice.warps * 128));
  });
  return most;
}

int64_t ResourceModel::overhead(const ScheduleChoice &choice) const {
  PlaceRules rules = rulesOf(kernel, choice);
  bool byHand = false, dividesByInt = false;
  int64_t most = 0;
  const_cast<KernelOp &>(kernel).walk([&](FoldOp fold) {
    byHand |= !fold.derived() && fold.getNumResults() > 0;
    fold.walk(
        [&](arith::FloorDivSIOp division) { dividesByInt |= division.getType().isInteger(64); });
    for (MapOp map : fold.getBody().getOps<MapOp>())
      if (map.getNumResults() > 0)
        most = std::max(most, underWay(fold, map, choice, rules));
  });
  // Plain copies have what they load in registers, up to eight chunks of 16 bytes.
  int64_t sums = 0;
  bool products = false;
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    products = true;
    if (isa<TileType>(dot.getOut().getType()))
      sums = std::max<int64_t>(
          sums, rules.placeOf(axesOfPart(dot.getOut().getType(), choice)).count(Unit::Value));
  });
  int64_t base = !products              ? kWithoutProducts
                 : !choice.matrices     ? kScalar + (sums > kManySums ? kNextSteps : 0)
                 : !choice.asynchronous ? kPlain + std::min<int64_t>(wordsCopied(choice, false), 32)
                                        : kAsynchronous;
  // Where fragments of both operands are read in each turn, quotients by a divisor of any sign are
  // under way beside them, one for each score as far as few scores leave room.
  int64_t read = scores(choice).second;
  if (choice.asynchronous && dividesByInt)
    base += std::clamp<int64_t>(kManyScores - read, 0, read);
  return base + lookedUp(choice) + (byHand ? kGuards : 0) + (choice.matrices ? most : most / 2);
}

std::pair<int64_t, int64_t> ResourceModel::scores(const ScheduleChoice &choice) const {
  int64_t fewest = INT64_MAX, most = 0;
  PlaceRules rules = rulesOf(kernel, choice);
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    auto fold = dot->getParentOfType<FoldOp>();
    auto type = dyn_cast<TileType>(dot.getOut().getType());
    if (!fold || !type || llvm::none_of(fold.getAxes(), [&](Attribute axis) {
          return type.has(cast<StringAttr>(axis).getValue());
        }))
      return;
    int64_t count = rules.placeOf(axesOfPart(type, choice)).count(Unit::Value);
    fewest = std::min(fewest, count);
    if (!isHeld(dot.getA(), choice, rules) && !isHeld(dot.getB(), choice, rules))
      most = std::max(most, count);
  });
  return {fewest, most};
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
  if (choice.matrices && !choice.asynchronous)
    more += std::max<int64_t>(scores(choice).second - kManyScores, 0) / kReadAhead;
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

ScheduleEstimate ResourceModel::estimate(const ScheduleChoice &choice, int64_t atOnce) const {
  ScheduleEstimate estimate;
  Pressure pressure(kernel, choice);
  estimate.tiles = pressure.total();
  estimate.shared = shared(choice).total();
  estimate.wanted = pressure.peak + overhead(choice);
  estimate.limit = registersFor(target, choice.warps, choice.ctas);
  // Where fragments of both operands are read in each turn, ptxas takes no less for few scores.
  auto [fewest, read] = scores(choice);
  int64_t few = choice.asynchronous && read == 0 ? std::max<int64_t>(kManyScores - fewest, 0) : 0;
  int64_t expected = estimate.wanted - few;
  if (choice.ctas > 1) {
    int64_t least = estimate.tiles + heldDown(choice, estimate.tiles);
    expected = std::min(expected, least);
    bool tested = choice.unaligned && (target.capability == 90 || target.capability == 120);
    least += target.name == "sm_100a" ? kMoreOnSm100 : tested ? kMoreWhereTested : 0;
    estimate.tight = least > estimate.limit;
  } else {
    int64_t squeezed = choice.asynchronous ? kSqueezed
                       : choice.matrices   ? kSqueezedPlain
                                           : kSqueezedScalar;
    if (choice.asynchronous && target.capability < 120 && fewest != INT64_MAX &&
        wordsCopied(choice, true) <= 4 * kFewChunks)
      squeezed += std::clamp<int64_t>(fewest - kManyScores, 0,
                                      choice.unaligned ? kOfScoresUnaligned : kOfScores);
    if (lookedUp(choice) > 0 || (!choice.matrices && target.capability >= 100))
      squeezed = std::min<int64_t>(squeezed, 0);
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
