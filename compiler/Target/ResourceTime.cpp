// ResourceTime.cpp - how long an SM takes for a kernel under a schedule
//
// A throughput, from the target's rates: what the units of an SM have to do for a tile, how far
// they work side by side, and what a turn of a walk waits for.
#include "compiler/Target/ResourceModel.h"
#include "compiler/Target/ResourceRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <array>
#include <numeric>

using namespace mlir;

namespace fc {

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

} // namespace fc
