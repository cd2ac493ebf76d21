// ScalarValues.cpp - integers of the IR, computed as the kernel computes them
#include "compiler/Explain/ScalarValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fc::explain {

void ScalarValues::set(Value value, int64_t number) {
  given[value] = number;
  known.clear();
}

std::optional<int64_t> ScalarValues::refuse(const Twine &message) {
  if (reason.empty())
    reason = message.str();
  return std::nullopt;
}

std::optional<int64_t> ScalarValues::of(Value value) { return at(value, nullptr); }

std::optional<int64_t> ScalarValues::nextTile(FoldOp fold, int64_t from, int64_t to) {
  if (fold.getHop().empty())
    return from;
  auto found = search(fold.getHop().front(), from, to, fold.getStep()->back());
  return found ? std::optional(std::min(*found, to)) : std::nullopt;
}

std::optional<int64_t> ScalarValues::search(Block &hop, int64_t from, int64_t to, int64_t step) {
  auto yield = cast<YieldOp>(hop.getTerminator());
  int64_t start = from;
  while (start < to) {
    set(hop.getArgument(0), start);
    auto next = of(yield.getValues()[0]), walked = of(yield.getValues()[1]);
    if (!next || !walked)
      return std::nullopt;
    if (*walked)
      return next;
    start = std::max(*next, start) + step;
  }
  return start;
}

/// The least or greatest element of a tile, of its first `count`.
std::optional<int64_t> ScalarValues::ofExtreme(ExtremeOp extreme) {
  auto type = cast<TileType>(extreme.getIn().getType());
  auto [axis, size] = type.axisSizes()[0];
  std::optional<int64_t> best, count = size;
  if (extreme.getCount() && !(count = of(extreme.getCount())))
    return std::nullopt;
  for (int64_t i = 0; i < std::min(size, std::max<int64_t>(*count, 1)); ++i) {
    Coord coord{{axis, i}};
    std::optional<int64_t> element = at(extreme.getIn(), &coord);
    if (!element)
      return std::nullopt;
    bool isMax = extreme.getKind() == ReduceKind::Max;
    best = !best ? *element : isMax ? std::max(*best, *element) : std::min(*best, *element);
  }
  return best;
}

std::optional<int64_t> ScalarValues::at(Value value, const Coord *coord) {
  if (auto it = given.find(value); it != given.end())
    return it->second;
  // Elements of tiles are many, and few are asked for twice.
  bool keeps = !coord || (!isa<TileType>(value.getType()) &&
                          !isa<MapOp>(value.getParentBlock()->getParentOp()));
  if (auto it = known.find(value); keeps && it != known.end())
    return it->second;
  std::optional<int64_t> number = compute(value, coord);
  if (auto type = dyn_cast<IntegerType>(elementOf(value.getType()));
      number && type && type.getWidth() < 64) {
    // As the register holds it; a boolean is 0 or 1.
    unsigned width = type.getWidth();
    number = width == 1 ? *number & 1 : llvm::SignExtend64(uint64_t(*number), width);
  }
  if (keeps)
    known[value] = number;
  return number;
}

std::optional<int64_t> ScalarValues::ofRead(ReadOp read, const Coord *coord) {
  auto argument = dyn_cast<BlockArgument>(read.getTensor());
  if (!argument)
    return refuse("a read of no parameter");
  StringRef name = cast<StringAttr>(kernel.getParams()[argument.getArgNumber()]).getValue();
  const dsl::Array *array = launch.tensor(name, reason);
  if (!array)
    return std::nullopt;
  for (Value where : read.getWhere()) {
    std::optional<int64_t> holds = at(where, coord);
    if (!holds)
      return std::nullopt;
    if (!*holds)
      return 0;
  }
  for (auto [index, limit] : llvm::zip(read.getBounded(), read.getLimits())) {
    auto i = at(index, coord), end = at(limit, coord);
    if (!i || !end)
      return std::nullopt;
    if (*i >= *end)
      return 0; // past a bound: not read
  }
  int64_t offset = 0;
  for (auto [index, extent] : llvm::zip(read.getIndices(), array->shape)) {
    std::optional<int64_t> i = at(index, coord);
    if (!i)
      return std::nullopt;
    if (extent == 1 && *i != 0)
      i = 0; // `X?`
    if (*i < 0 || *i >= extent)
      return refuse("an element outside of `" + name + "`");
    offset = offset * extent + *i;
  }
  return dsl::isFloat(array->elem) ? int64_t(array->f[offset]) : array->i[offset];
}

std::optional<int64_t> ScalarValues::compute(Value value, const Coord *coord) {
  if (isa<TileType>(value.getType()) && !coord)
    return refuse("a value that differs within the tile");
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto map = dyn_cast<MapOp>(argument.getOwner()->getParentOp()))
      return at(map.getIns()[argument.getArgNumber()], coord);
    if (!isa<KernelOp>(argument.getOwner()->getParentOp()))
      return refuse("a value that only a run has");
    StringRef name = cast<StringAttr>(kernel.getParams()[argument.getArgNumber()]).getValue();
    auto it = launch.scalars.find(name.str());
    if (it == launch.scalars.end() || !argument.getType().isIntOrIndex())
      return refuse("the value of `" + name + "`");
    return it->second.i;
  }
  Operation *op = value.getDefiningOp();
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getBitWidth() == 1 ? int64_t(constant.getBoolValue()) : constant.getSExtValue();
  if (auto dim = dyn_cast<DimOp>(op)) {
    auto it = launch.dims.find(dim.getName().str());
    if (it == launch.dims.end())
      return refuse("the dimension `" + dim.getName() + "`");
    return it->second;
  }
  if (auto read = dyn_cast<ReadOp>(op))
    return ofRead(read, coord);
  if (auto extreme = dyn_cast<ExtremeOp>(op))
    return ofExtreme(extreme);
  if (auto hop = dyn_cast<HopOp>(op)) {
    auto from = of(hop.getFrom()), to = of(hop.getTo());
    return from && to ? search(hop.getBody().front(), *from, *to, hop.getStep()) : std::nullopt;
  }
  if (auto map = dyn_cast<MapOp>(op))
    return at(map.yield().getOperand(cast<OpResult>(value).getResultNumber()), coord);
  if (auto iota = dyn_cast<IotaOp>(op)) {
    std::optional<int64_t> base = of(iota.getBase());
    auto it = coord->find(iota.getOut().getType().getAxes()[0]);
    return base && it != coord->end() ? std::optional(*base + it->second) : std::nullopt;
  }
  SmallVector<int64_t> in;
  for (Value operand : op->getOperands()) {
    std::optional<int64_t> number = at(operand, coord);
    if (!number)
      return std::nullopt;
    in.push_back(*number);
  }
  auto floorDivide = [&]() -> std::optional<int64_t> {
    if (in[1] == 0)
      return refuse("a division by 0");
    int64_t quotient = in[0] / in[1];
    return quotient - (in[0] % in[1] != 0 && (in[0] < 0) != (in[1] < 0));
  };
  auto truncating = [&](bool remainder) -> std::optional<int64_t> {
    if (in[1] == 0)
      return refuse("a division by 0");
    return remainder ? in[0] % in[1] : in[0] / in[1];
  };
  return llvm::TypeSwitch<Operation *, std::optional<int64_t>>(op)
      .Case([&](arith::AddIOp) { return int64_t(uint64_t(in[0]) + uint64_t(in[1])); })
      .Case([&](arith::SubIOp) { return int64_t(uint64_t(in[0]) - uint64_t(in[1])); })
      .Case([&](arith::MulIOp) { return int64_t(uint64_t(in[0]) * uint64_t(in[1])); })
      .Case([&](arith::FloorDivSIOp) { return floorDivide(); })
      .Case<arith::DivSIOp, arith::DivUIOp>([&](auto) { return truncating(false); })
      .Case<arith::RemSIOp, arith::RemUIOp>([&](auto) { return truncating(true); })
      .Case([&](arith::CeilDivSIOp) -> std::optional<int64_t> {
        in[0] = -in[0];
        auto quotient = floorDivide();
        return quotient ? std::optional(-*quotient) : std::nullopt;
      })
      .Case<arith::MinSIOp, arith::MinUIOp>([&](auto) { return std::min(in[0], in[1]); })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([&](auto) { return std::max(in[0], in[1]); })
      .Case([&](math::AbsIOp) { return std::abs(in[0]); })
      .Case([&](arith::AndIOp) { return in[0] & in[1]; })
      .Case([&](arith::OrIOp) { return in[0] | in[1]; })
      .Case([&](arith::XOrIOp) { return in[0] ^ in[1]; })
      .Case([&](arith::SelectOp) { return in[0] ? in[1] : in[2]; })
      .Case<arith::ExtSIOp>(
          [&](auto) { return op->getOperand(0).getType().isInteger(1) ? -in[0] : in[0]; })
      .Case<arith::TruncIOp, arith::IndexCastOp>([&](auto) { return in[0]; })
      .Case([&](arith::ExtUIOp) {
        unsigned width = op->getOperand(0).getType().getIntOrFloatBitWidth();
        return width >= 64 ? in[0] : int64_t(uint64_t(in[0]) & ((uint64_t(1) << width) - 1));
      })
      .Case([&](arith::CmpIOp compare) -> int64_t {
        auto type = cast<IntegerType>(elementOf(compare.getLhs().getType()));
        APInt a(type.getWidth(), uint64_t(in[0]), /*isSigned=*/true, /*implicitTrunc=*/true),
            b(type.getWidth(), uint64_t(in[1]), /*isSigned=*/true, /*implicitTrunc=*/true);
        return arith::applyCmpPredicate(compare.getPredicate(), a, b);
      })
      .Default([&](Operation *) { return refuse("`" + op->getName().getStringRef() + "`"); });
}

} // namespace fc::explain
