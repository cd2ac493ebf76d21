// MachineFacts.cpp - what lives where, and what it takes of the machine
#include "compiler/Explain/CollectorState.h"
#include "compiler/IR/SharedLayout.h"
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

/// `i: 4 warps x 8 lanes x 2 values`. Of a tile that is cut into parts, which warps take, these are
/// warps of the axis; what has one value a part is there once for each.
static std::string layoutText(const dsl::Kernel &kernel, TileType type, const fc::Place &place) {
  auto axes = type.axisSizes();
  std::string text, apart;
  for (auto &[axis, size] : axes) {
    std::string name = axis.str(), parts;
    if (isParts(axis)) {
      auto whole =
          llvm::find_if(axes, [&, part = axis](auto &each) { return isPartsOf(part, each.first); });
      if (whole == axes.end())
        apart += "; one for each of " + std::to_string(size) + " parts of the walk";
      continue;
    }
    if (const dsl::Axis *summed = axisOfTerms(kernel, axis)) {
      apart += "; " + std::to_string(size) + " lanes sum over " + summed->name +
               " apart, until the walk ends";
      continue;
    }
    for (auto [unit, word] :
         {std::pair(Unit::Warp, "warps"), {Unit::Lane, "lanes"}, {Unit::Value, "values"}}) {
      int64_t count = 1;
      for (const Digit &digit : place.digits)
        if (digit.unit == unit && (digit.axis == name || isPartsOf(digit.axis, name)))
          count *= digit.size;
      if (count > 1)
        parts += (parts.empty() ? "" : " x ") + std::to_string(count) + " " + word;
    }
    text += (text.empty() ? "" : "; ") + name + ": " + (parts.empty() ? "each has all" : parts);
  }
  return text + apart;
}

static std::string typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << elementOf(type);
  return text;
}

static Place inRegisters(const dsl::Kernel &kernel, std::string what, Quote from, TileType type) {
  Place place;
  place.what = std::move(what);
  place.from = std::move(from);
  place.shape = shapeText(kernel, type);
  place.type = typeText(type);
  place.where = "registers";
  if (PlaceAttr attribute = type.registers()) {
    place.layout = layoutText(kernel, type, attribute.place());
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
          add(inRegisters(state.kernel,
                          i < walk.carried.size() && !walk.carried[i].name.empty()
                              ? walk.carried[i].name
                              : "state " + std::to_string(i + 1),
                          state.names.quote(argument.getLoc(), " "), type));
    } else if (auto convert = dyn_cast<ConvertOp>(op)) {
      auto read = convert->getOperand(0).getDefiningOp<ReadOp>();
      auto type = dyn_cast<TileType>(convert->getResult(0).getType());
      if (read && type && type.registers())
        add(inRegisters(state.kernel, tensorName(kernel, read.getTensor()),
                        state.names.quote(read.getLoc()), type));
    } else if (auto dot = dyn_cast<DotOp>(op)) {
      if (auto type = dyn_cast<TileType>(dot.getOut().getType());
          type && type.registers() && !dot.getAcc())
        add(inRegisters(state.kernel, productName(state.names, dot),
                        state.names.quote(dot.getLoc()), type));
      if (!dot->getParentOfType<FoldOp>() ||
          dot->getParentRegion() == &dot->getParentOfType<FoldOp>().getBody())
        facts.machine.products.push_back(state.names.quote(
            dot.getLoc(), productName(state.names, dot) + " by " +
                              (dot.getBy() ? dot.getBy()->str() : std::string("fma"))));
    }
  });
  facts.machine.threads = int(kernel.threads());
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
    place.shape = shapeText(state.kernel, tile);
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
  if (asked.strategy == "auto") { // what it came to
    bool matrices = false, ahead = false;
    kernel.walk([&](DotOp dot) { matrices |= dot.getBy() && dot.getBy()->starts_with("mma"); });
    kernel.walk([&](CopyOp copy) { ahead |= copy.getVia() == "cp_async"; });
    machine.strategy = ahead ? "pipelined" : matrices ? "tensor" : "scalar";
  }
  if (auto bytes = kernel->getAttrOfType<IntegerAttr>("fc.shared_bytes"))
    machine.sharedTotal = bytes.getInt();
}

} // namespace fc::explain
