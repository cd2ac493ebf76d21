// MachineFacts.cpp - the schedule and its alternatives, places, shared memory
#include "compiler/Explain/CollectorState.h"
#include "compiler/IR/KernelAxes.h"
#include "compiler/IR/SharedLayout.h"
#include "compiler/Target/ResourceModel.h"
#include "dsl/DumpAst.h"

using namespace mlir;

namespace fc::explain {

//===-- Names of tiles ---------------------------------------------------------------===//

static std::string tensorName(KernelOp kernel, Value tensor) {
  auto argument = dyn_cast<BlockArgument>(tensor);
  return argument ? cast<StringAttr>(kernel.getParams()[argument.getArgNumber()]).str() : "?";
}

/// An operand of a product in a word or two.
static std::string brief(const dsl::Expr *expr) {
  while (expr->op == dsl::Op::Cast)
    expr = expr->operands[0];
  if (expr->op == dsl::Op::Read)
    return expr->tensor->name;
  std::string text = dsl::formula(*expr);
  return text.size() <= 32 ? text : "..";
}

/// `dot[d](q, k)`.
static std::string productName(const Names &names, DotOp dot) {
  const dsl::Expr *expr = names.exprAt(dot.getLoc());
  if (!expr || expr->op != dsl::Op::Dot)
    return "a product";
  std::string axes;
  for (const dsl::Axis *axis : expr->reduced)
    axes += (axes.empty() ? "" : ", ") + axis->name;
  return "dot[" + axes + "](" + brief(expr->operands[0]) + ", " + brief(expr->operands[1]) + ")";
}

/// `i: 4 warps x 8 lanes x 2 values`.
static std::string layoutText(TileType type, const fc::Place &place) {
  std::string text;
  for (auto &[axis, size] : type.axisSizes()) {
    std::string parts;
    for (auto [unit, word] :
         {std::pair(Unit::Warp, "warps"), {Unit::Lane, "lanes"}, {Unit::Value, "values"}}) {
      int64_t count = 1;
      for (const Digit &digit : place.digits)
        if (digit.unit == unit && digit.axis == axis.getValue())
          count *= digit.size;
      if (count > 1)
        parts += (parts.empty() ? "" : " x ") + std::to_string(count) + " " + word;
    }
    text +=
        (text.empty() ? "" : "; ") + axis.str() + ": " + (parts.empty() ? "each has all" : parts);
  }
  return text;
}

static std::string typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << elementOf(type);
  return text;
}

static Place inRegisters(std::string what, Quote from, TileType type) {
  Place place;
  place.what = std::move(what);
  place.from = std::move(from);
  place.shape = shapeText(type);
  place.type = typeText(type);
  place.where = "registers";
  if (PlaceAttr attribute = type.registers()) {
    place.layout = layoutText(type, attribute.place());
    // Two halves share a register.
    int64_t bits = std::max(16u, type.getElement().getIntOrFloatBitWidth());
    place.amount = (attribute.place().count(Unit::Value) * bits + 31) / 32;
  }
  return place;
}

//===-- Registers --------------------------------------------------------------------===//

void Collector::readPlaces(KernelOp kernel, PerKernel &state) {
  Kernel &facts = *state.facts;
  auto add = [&](Place place) {
    for (const Place &known : facts.places)
      if (known.what == place.what && known.shape == place.shape)
        return;
    facts.places.push_back(std::move(place));
  };
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto fold = dyn_cast<FoldOp>(op); fold && fold->getParentOp() == kernel.program()) {
      unsigned number = 0;
      for (FoldOp each : foldsOf(kernel)) {
        if (each == fold)
          break;
        ++number;
      }
      const Walk &walk = facts.walks[number];
      for (auto [i, argument] : llvm::enumerate(fold.state()))
        if (auto type = dyn_cast<TileType>(argument.getType()))
          add(inRegisters(i < walk.carried.size() && !walk.carried[i].name.empty()
                              ? walk.carried[i].name
                              : "state " + std::to_string(i + 1),
                          state.names.quote(argument.getLoc(), " "), type));
    } else if (auto convert = dyn_cast<ConvertOp>(op)) {
      auto read = convert->getOperand(0).getDefiningOp<ReadOp>();
      auto type = dyn_cast<TileType>(convert->getResult(0).getType());
      if (read && type && type.registers())
        add(inRegisters(tensorName(kernel, read.getTensor()), state.names.quote(read.getLoc()),
                        type));
    } else if (auto dot = dyn_cast<DotOp>(op)) {
      if (auto type = dyn_cast<TileType>(dot.getOut().getType());
          type && type.registers() && !dot.getAcc())
        add(inRegisters(productName(state.names, dot), state.names.quote(dot.getLoc()), type));
      if (!dot->getParentOfType<FoldOp>() ||
          dot->getParentRegion() == &dot->getParentOfType<FoldOp>().getBody())
        facts.machine.products.push_back(state.names.quote(
            dot.getLoc(), productName(state.names, dot) + " by " +
                              (dot.getBy() ? dot.getBy()->str() : std::string("fma"))));
    }
  });
  facts.machine.threads = int(kernel.threads());
  readSchedule(kernel, state);
}

//===-- The schedule -----------------------------------------------------------------===//

namespace {
std::string scheduleText(ArrayRef<StringAttr> axes, const ScheduleChoice &choice) {
  std::string text;
  for (StringAttr axis : axes)
    text += axis.str() + " = " + std::to_string(choice.sizes.lookup(axis)) + ", ";
  return text + "warps = " + std::to_string(choice.warps) +
         ", stages = " + std::to_string(choice.stages);
}

std::string amounts(int64_t needed, int64_t limit, StringRef unit, const Usage &usage) {
  std::string text =
      "needs " + std::to_string(needed) + " " + unit.str() + " of " + std::to_string(limit);
  if (const Usage::Item *largest = usage.largest())
    text += ", most of it " + largest->what;
  return text;
}
} // namespace

void Collector::readSchedule(KernelOp kernel, PerKernel &state) {
  auto attribute = kernel.getSchedule();
  Kernel &facts = *state.facts;
  if (!attribute)
    return;
  KernelOp online = *state.online->getOps<KernelOp>().begin();
  FailureOr<KernelAxes> axes = KernelAxes::of(online);
  if (failed(axes))
    return;
  ScheduleChoice choice;
  choice.sizes = axes->fixed;
  SmallVector<StringAttr> names(attribute->getAxes());
  for (auto [axis, size] : llvm::zip(attribute->getAxes(), attribute->getSizes()))
    choice.sizes[axis] = size;
  choice.warps = attribute->getWarps();
  choice.stages = attribute->getStages();
  kernel.walk(
      [&](DotOp dot) { choice.matrices |= dot.getBy() && dot.getBy()->starts_with("mma"); });
  ResourceModel model(online, target);
  Usage shared = model.shared(choice), registers = model.registers(choice);
  Machine &machine = facts.machine;
  machine.registers.clear();
  machine.shared.clear();
  for (const Usage::Item &item : registers.items)
    machine.registers.push_back({item.what, item.amount});
  for (const Usage::Item &item : shared.items)
    machine.shared.push_back({item.what, item.amount});
  machine.registerTotal = registers.total();
  machine.registerLimit = model.registerLimit(choice);
  machine.sharedTotal = shared.total();
  machine.sharedLimit = model.sharedLimit();

  Schedule &schedule = facts.schedule;
  schedule = {};
  schedule.text = scheduleText(names, choice);
  schedule.reasons = reasons;
  for (const dsl::Schedule &own : state.kernel.schedules) {
    std::string items;
    for (const dsl::ScheduleItem &item : own.items)
      items += (items.empty() ? "" : ", ") + item.key + (item.axis.empty() ? "" : " " + item.axis) +
               " = " + std::to_string(item.value);
    if (own.target.empty() || own.target == target.name)
      schedule.reasons.push_back("the text asks for " + items);
  }
  // What stands next to it.
  auto tryOut = [&](const ScheduleChoice &other) {
    Alternative alternative;
    alternative.schedule = scheduleText(names, other);
    Usage shared = model.shared(other), registers = model.registers(other);
    if (shared.total() > model.sharedLimit())
      alternative.verdict =
          amounts(shared.total(), model.sharedLimit(), "bytes of shared memory", shared);
    else if (registers.total() > model.registerLimit(other))
      alternative.verdict = amounts(registers.total(), model.registerLimit(other),
                                    "registers a thread for its tiles", registers);
    else
      alternative.fits = true;
    if (alternative.fits)
      alternative.verdict = "fits: " + std::to_string(registers.total()) +
                            " registers a thread for tiles, " + std::to_string(shared.total()) +
                            " bytes of shared memory";
    schedule.alternatives.push_back(alternative);
  };
  tryOut(choice);
  schedule.alternatives.back().chosen = true;
  for (StringAttr axis : names)
    for (bool more : {true, false}) {
      ScheduleChoice other = choice;
      int64_t size = choice.sizes.lookup(axis);
      int64_t next = more ? size * 2 : size / 2;
      if (next < 1 || !KernelAxes::isTileSize(next) || size == 1)
        continue;
      other.sizes[axis] = next;
      tryOut(other);
    }
  if (choice.warps * 2 <= target.warpsPerCta) {
    ScheduleChoice other = choice;
    other.warps *= 2;
    tryOut(other);
  }
}

/// The text of an attribute that holds a condition, if there is one.
static std::string conditionText(Operation *op, StringRef name) {
  Attribute attribute = op->getAttr(name);
  if (auto text = dyn_cast_or_null<StringAttr>(attribute))
    return text.str();
  std::string text;
  if (attribute)
    llvm::raw_string_ostream(text) << attribute;
  return text;
}

void Collector::readForm(KernelOp kernel, StringRef name, PerKernel &state) {
  Form form;
  form.name = name.str();
  if (auto schedule = kernel.getSchedule()) {
    for (auto [axis, size] : llvm::zip(schedule->getAxes(), schedule->getSizes()))
      form.schedule += axis.str() + " = " + std::to_string(size) + ", ";
    form.schedule += "warps = " + std::to_string(schedule->getWarps()) +
                     ", stages = " + std::to_string(schedule->getStages());
  }
  form.condition = conditionText(kernel, "fc.condition");
  state.facts->schedule.forms.push_back(form);
}

//===-- Shared memory ----------------------------------------------------------------===//

void Collector::readShared(KernelOp kernel, PerKernel &state) {
  Machine &machine = state.facts->machine;
  kernel.walk([&](Operation *op) {
    if (op->getName().getStringRef() != RingOp::getOperationName())
      return;
    auto ring = cast<RingOp>(op);
    auto type = cast<RingType>(ring.getRing().getType());
    TileType tile = type.getTile();
    Place place;
    place.where = "shared memory";
    place.shape = shapeText(tile);
    place.type = typeText(tile);
    place.slots = type.getSlots();
    SharedLayout layout = SharedLayout::of(tile);
    place.amount = layout.slotStride() * type.getSlots();
    if (tile.shared())
      place.layout = std::to_string(layout.rows) + " rows of " + std::to_string(layout.columns) +
                     " along " + tile.shared().getMinor().str() +
                     (layout.mask() ? ", " + std::to_string(layout.width()) + "-byte swizzle" : "");
    for (Operation *user : ring.getRing().getUsers())
      for (Value slot : user->getResults())
        for (Operation *use : slot.getUsers())
          if (auto copy = dyn_cast<CopyOp>(use); copy && copy.getSlot() == slot) {
            place.what = tensorName(kernel, copy.getTensor());
            place.via = copy.getVia().str();
            place.from = state.names.quote(copy.getLoc());
          }
    if (place.what.empty())
      place.what = "an exchange between threads";
    state.facts->places.push_back(place);
  });
  if (strategy == "auto") { // what it came to
    bool matrices = false, ahead = false;
    kernel.walk([&](DotOp dot) { matrices |= dot.getBy() && dot.getBy()->starts_with("mma"); });
    kernel.walk([&](CopyOp copy) { ahead |= copy.getVia() == "cp_async"; });
    machine.strategy = ahead ? "pipelined" : matrices ? "tensor" : "scalar";
  }
  if (auto bytes = kernel->getAttrOfType<IntegerAttr>("fc.shared_bytes"))
    machine.sharedTotal = bytes.getInt();
  int64_t most = target.ctasPerSm;
  if (machine.threads > 0)
    most = std::min<int64_t>(most, target.warpsPerSm / (machine.threads / 32));
  most = std::min(most, target.sharedPerSm / (machine.sharedTotal + target.sharedReservedPerCta));
  machine.ctasPerSm = int(most);
}

} // namespace fc::explain
