// ResourceModel.cpp - what a kernel needs of a machine under a schedule
#include "compiler/Target/ResourceModel.h"
#include "compiler/IR/PlaceRules.h"
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

StringRef kindOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<FoldOp>(op))
    return "the state";
  return isa<DotOp>(op) ? "a product" : isa<ReadOp>(op) ? "a read" : "a value";
}

/// Walks the kernel backwards with the set of live register tiles.
class Pressure {
public:
  Pressure(KernelOp kernel, const ScheduleChoice &choice)
      : choice(choice), rules(
                            kernel, choice.warps, choice.parts,
                            [&](Type type) { return axesOfPart(type, choice); }, choice.matrices) {
    visit(kernel.program().getBody().front(), {});
  }

  int64_t peak = 0;
  llvm::SetVector<Value> widest;

  int64_t registersOf(Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type)
      return 0;
    auto [it, inserted] = known.insert({value, 0});
    if (inserted && !isFree(value)) {
      int64_t each = type.getElement().getIntOrFloatBitWidth() > 32 ? 2 : 1;
      it->second = each * rules.placeOf(axesOfPart(type, choice)).count(Unit::Value);
    }
    return it->second;
  }

private:
  using Live = llvm::SetVector<Value>;

  /// Whether no register is held for the tile between its uses.
  static bool isFree(Value value) {
    return PlaceRules::isSharedRead(value) || PlaceRules::isForCopies(value) ||
           (PlaceRules::isCheap(value) && !value.getDefiningOp<ReadOp>());
  }

  void note(const Live &live) {
    int64_t sum = 0;
    for (Value value : live)
      sum += registersOf(value);
    if (sum <= peak)
      return;
    peak = sum;
    widest = live;
  }

  void visit(Block &block, Live live) {
    for (Operation &op : llvm::reverse(block)) {
      Live after = live;
      after.insert(op.result_begin(), op.result_end());
      note(after);
      live.remove_if([&](Value value) { return value.getDefiningOp() == &op; });
      if (auto fold = dyn_cast<FoldOp>(op)) {
        // What the body uses from outside lives through all turns.
        Live around = live;
        getUsedValuesDefinedAbove(fold.getBody(), around);
        visit(fold.getBody().front(), around);
        live = around;
      }
      for (Value operand : op.getOperands())
        if (isa<TileType>(operand.getType()))
          live.insert(operand);
      note(live);
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
  PlaceRules rules(
      kernel, choice.warps, choice.parts, [&](Type type) { return axesOfPart(type, choice); },
      choice.matrices);
  const_cast<KernelOp &>(kernel).walk([&](DotOp dot) {
    auto axes = rules.ranked(sizedAxes(dot.getOut().getType(), choice.sizes));
    bool byMatrices = choice.matrices && axes.size() == 2 && axes[0].second % 16 == 0 &&
                      isa<Float16Type, BFloat16Type>(elementOf(dot.getA().getType()));
    for (Value operand : {dot.getA(), dot.getB()}) {
      // What is computed and has the rows is multiplied from registers.
      auto type = dyn_cast<TileType>(operand.getType());
      if (byMatrices && type && type.has(axes[0].first.getValue()) &&
          !PlaceRules::isSharedRead(operand))
        continue;
      operands.insert(operand);
    }
  });
  for (Value value : operands) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type)
      continue;
    int64_t bytes = std::max<int64_t>(type.getElement().getIntOrFloatBitWidth() / 8, 1);
    for (auto &[axis, size] : sizedAxes(type, choice.sizes))
      bytes *= size;
    std::string what;
    if (auto read = value.getDefiningOp<ReadOp>())
      what = "`" + parameterName(kernel, read.getTensor()).str() + "`, ";
    else
      what = "a computed operand, ";
    if (value.getDefiningOp<ReadOp>() &&
        value.getParentRegion() != &const_cast<KernelOp &>(kernel).program().getBody())
      bytes *= choice.stages;
    usage.items.push_back({what + describe(type, choice.sizes), bytes});
  }
  return usage;
}

Usage ResourceModel::registers(const ScheduleChoice &choice) const {
  Pressure pressure(kernel, choice);
  Usage usage;
  for (Value value : pressure.widest)
    if (int64_t amount = pressure.registersOf(value))
      usage.items.push_back(
          {kindOf(value).str() + ", " + describe(value.getType(), choice.sizes), amount});
  return usage;
}

int64_t ResourceModel::registerLimit(const ScheduleChoice &choice) const {
  constexpr int64_t kAddresses =
      40; // pointers, loop counters, the operands of one step of a product
  int64_t byFile = target.registersPerSm / (choice.warps * 32) / 8 * 8;
  return std::min<int64_t>(target.registersPerThread, byFile) - kAddresses;
}

} // namespace fc
