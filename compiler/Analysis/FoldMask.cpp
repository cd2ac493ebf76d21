// FoldMask.cpp - the predicate of a fold, read off its body
#include "compiler/Analysis/FoldMask.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace fc {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
} // namespace

FoldTerms::FoldTerms(Terms &terms, FoldOp fold) : terms(terms), fold(fold) {
  start = of(fold.getBody().getArgument(0));
}

bool FoldTerms::isOutside(Value value) {
  return !fold->isProperAncestor(value.getParentBlock()->getParentOp()) &&
         value.getParentBlock()->getParentOp() != fold.getOperation();
}

//===-- Integers and booleans -------------------------------------------------------===//

TermRef FoldTerms::of(Value value) {
  auto it = known.find(value);
  if (it != known.end())
    return it->second;
  TermRef term = compute(value);
  // What is the same at all points may be taken as it is.
  if (term->kind == TermKind::Unknown)
    term = symbol(value);
  return known[value] = term;
}

TermRef FoldTerms::compute(Value value) {
  if (!elementOf(value.getType()).isIntOrIndex())
    return terms.unknown();
  if (auto argument = dyn_cast<BlockArgument>(value))
    return ofArgument(argument);
  Operation *op = value.getDefiningOp();
  if (auto iota = dyn_cast<IotaOp>(op))
    return ofIota(iota);
  if (auto map = dyn_cast<MapOp>(op))
    return of(map.yield().getOperand(cast<OpResult>(value).getResultNumber()));
  auto type = cast<IntegerType>(elementOf(value.getType()));
  if (isa<DimOp>(op)) {
    symbols.push_back(value);
    return terms.symbol(symbols.size() - 1, 0, kMaxExtent - 1);
  }
  if (isa<ReadOp>(op) && isa<TileType>(value.getType()) && type.getWidth() > 1 &&
      type.getWidth() <= 32) {
    elements.push_back(value);
    int64_t half = int64_t(1) << (type.getWidth() - 1);
    return terms.element(elements.size() - 1, -half, half - 1);
  }
  return ofOperation(op);
}

TermRef FoldTerms::ofArgument(BlockArgument argument) {
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto map = dyn_cast<MapOp>(parent))
    return of(map.getIns()[argument.getArgNumber()]);
  bool isPoint = isa<ProgramOp>(parent);
  if (auto outer = dyn_cast<FoldOp>(parent))
    isPoint = argument.getArgNumber() < outer.getAxes().size();
  if (!isPoint)
    return terms.unknown();
  int64_t least = 0;
  if (auto outer = dyn_cast<FoldOp>(parent)) {
    TermRef lo = of(outer.getLo()[argument.getArgNumber()]);
    least = lo->kind == TermKind::Unknown ? -kMaxExtent : std::max(lo->low, -kMaxExtent);
  }
  symbols.push_back(argument);
  return terms.symbol(symbols.size() - 1, least, kMaxExtent - 1);
}

/// A point: of the fold's own tile, of a tile of the grid (whose rows past the end do not matter),
/// or of a held axis.
TermRef FoldTerms::ofIota(IotaOp iota) {
  TermRef first = of(iota.getBase());
  if (first->kind == TermKind::Unknown)
    return first;
  int64_t size = iota.getOut().getType().getSizes()[0];
  TermRef last = terms.plus(first, size - 1);
  TermRef &point = points[{iota.getBase(), iota.getOut().getType()}];
  if (point)
    return point;
  auto base = dyn_cast<BlockArgument>(iota.getBase());
  if (auto program = base ? dyn_cast<ProgramOp>(base.getOwner()->getParentOp()) : ProgramOp();
      program && program.getTiles()[base.getArgNumber()])
    last = terms.min(last, terms.plus(of(program.getExtents()[base.getArgNumber()]), -1));
  symbols.push_back(iota);
  point = terms.point(symbols.size() - 1, first->low, first->high + size - 1);
  ranges.push_back({point, first, last});
  return point;
}

/// What the text assumes of a parameter.
static std::pair<int64_t, int64_t> assumedRange(Value value) {
  std::pair<int64_t, int64_t> range{INT64_MIN, INT64_MAX};
  auto argument = dyn_cast<BlockArgument>(value);
  auto kernel = argument ? dyn_cast<KernelOp>(argument.getOwner()->getParentOp()) : KernelOp();
  auto ranges = kernel ? kernel->getAttrOfType<DictionaryAttr>(kRangesAttr) : DictionaryAttr();
  if (!ranges)
    return range;
  auto name = cast<StringAttr>(kernel.getParams()[argument.getArgNumber()]);
  if (auto limits = ranges.getAs<DenseI64ArrayAttr>(name); limits && limits.size() == 2)
    range = {limits[0], limits[1]};
  return range;
}

/// Scalars that nothing above understood, if they can be used in front of the fold.
TermRef FoldTerms::symbol(Value value) {
  auto type = dyn_cast<IntegerType>(value.getType());
  if (!type || !isOutside(value) || isa<MapOp>(value.getParentBlock()->getParentOp()))
    return terms.unknown();
  symbols.push_back(value);
  int64_t id = symbols.size() - 1;
  if (type.getWidth() == 1)
    return terms.flag(id);
  auto [low, high] = assumedRange(value);
  if (type.getWidth() <= 32)
    return terms.symbol(id, std::max(low, -(int64_t(1) << (type.getWidth() - 1))),
                        std::min(high, (int64_t(1) << (type.getWidth() - 1)) - 1));
  if (low < -kFar || high > kFar)
    guarded.push_back(value);
  return terms.symbol(id, std::max(low, -kFar), std::min(high, kFar));
}

TermRef FoldTerms::ofComparison(arith::CmpIOp op) {
  TermRef a = of(op.getLhs()), b = of(op.getRhs());
  if (op.getLhs().getType().isInteger(1)) {
    bool equal = op.getPredicate() == arith::CmpIPredicate::eq;
    if (!equal && op.getPredicate() != arith::CmpIPredicate::ne)
      return terms.unknown();
    TermRef same = terms.either(terms.both(a, b), terms.both(terms.negate(a), terms.negate(b)));
    return equal ? same : terms.negate(same);
  }
  bool bothPositive = a->low >= 0 && b->low >= 0;
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return terms.equal(a, b);
  case arith::CmpIPredicate::ne:
    return terms.negate(terms.equal(a, b));
  case arith::CmpIPredicate::ult:
    return bothPositive ? terms.less(a, b) : terms.unknown();
  case arith::CmpIPredicate::slt:
    return terms.less(a, b);
  case arith::CmpIPredicate::ule:
    return bothPositive ? terms.lessEqual(a, b) : terms.unknown();
  case arith::CmpIPredicate::sle:
    return terms.lessEqual(a, b);
  case arith::CmpIPredicate::ugt:
    return bothPositive ? terms.less(b, a) : terms.unknown();
  case arith::CmpIPredicate::sgt:
    return terms.less(b, a);
  case arith::CmpIPredicate::uge:
    return bothPositive ? terms.lessEqual(b, a) : terms.unknown();
  case arith::CmpIPredicate::sge:
    return terms.lessEqual(b, a);
  }
  return terms.unknown();
}

/// The divisor of a remainder as import writes it, a - floor(a / b) * b; null for another
/// difference. As a product it would leave the ranges.
static Value remainderBy(arith::SubIOp op) {
  auto product = op.getRhs().getDefiningOp<arith::MulIOp>();
  auto quotient =
      product ? product.getLhs().getDefiningOp<arith::FloorDivSIOp>() : arith::FloorDivSIOp();
  return quotient && quotient.getLhs() == op.getLhs() && quotient.getRhs() == product.getRhs()
             ? product.getRhs()
             : Value();
}

TermRef FoldTerms::ofOperation(Operation *op) {
  if (op->getNumResults() != 1)
    return terms.unknown();
  APInt constant;
  bool isFlag = op->getResult(0).getType().isInteger(1);
  if (matchPattern(op->getResult(0), m_ConstantInt(&constant)))
    return isFlag ? terms.truth(constant.getBoolValue())
                  : (constant.getSignificantBits() <= 58 ? terms.constant(constant.getSExtValue())
                                                         : terms.unknown());
  auto a = [&] { return of(op->getOperand(0)); };
  auto b = [&] { return of(op->getOperand(1)); };
  auto c = [&] { return of(op->getOperand(2)); };
  auto fits = [&](TermRef term, unsigned width) {
    return width >= 64 ||
           (term->low >= -(int64_t(1) << (width - 1)) && term->high < (int64_t(1) << (width - 1)));
  };
  return llvm::TypeSwitch<Operation *, TermRef>(op)
      .Case([&](arith::AddIOp) { return isFlag ? terms.unknown() : terms.add(a(), b()); })
      .Case([&](arith::SubIOp difference) {
        if (Value divisor = remainderBy(difference); divisor && !isFlag)
          return terms.modulo(a(), of(divisor));
        return isFlag ? terms.unknown() : terms.subtract(a(), b());
      })
      .Case([&](arith::MulIOp) { return isFlag ? terms.unknown() : terms.multiply(a(), b()); })
      .Case([&](arith::FloorDivSIOp) { return terms.divide(a(), b()); })
      .Case<arith::DivUIOp, arith::DivSIOp>([&](auto) {
        return a()->low >= 0 && b()->low >= 0 ? terms.divide(a(), b()) : terms.unknown();
      })
      .Case<arith::RemUIOp, arith::RemSIOp>([&](auto) {
        return a()->low >= 0 && b()->low >= 0 ? terms.modulo(a(), b()) : terms.unknown();
      })
      .Case([&](arith::MinSIOp) { return terms.min(a(), b()); })
      .Case([&](arith::MaxSIOp) { return terms.max(a(), b()); })
      .Case([&](math::AbsIOp) { return terms.max(a(), terms.scale(a(), -1)); })
      .Case([&](arith::ExtSIOp) {
        return isa<IntegerType>(op->getOperand(0).getType()) &&
                       op->getOperand(0).getType().isInteger(1)
                   ? terms.unknown()
                   : a();
      })
      .Case([&](arith::ExtUIOp) {
        if (op->getOperand(0).getType().isInteger(1))
          return terms.choose(a(), terms.constant(1), terms.constant(0));
        return a()->low >= 0 ? a() : terms.unknown();
      })
      .Case([&](arith::TruncIOp trunc) {
        return !isFlag && fits(a(), trunc.getType().getIntOrFloatBitWidth()) ? a()
                                                                             : terms.unknown();
      })
      .Case([&](arith::CmpIOp compare) { return ofComparison(compare); })
      .Case([&](arith::AndIOp) { return isFlag ? terms.both(a(), b()) : terms.unknown(); })
      .Case([&](arith::OrIOp) { return isFlag ? terms.either(a(), b()) : terms.unknown(); })
      .Case([&](arith::XOrIOp) {
        if (!isFlag)
          return terms.unknown();
        return terms.either(terms.both(a(), terms.negate(b())), terms.both(terms.negate(a()), b()));
      })
      .Case([&](arith::SelectOp) {
        if (!isFlag)
          return terms.choose(a(), b(), c());
        return terms.either(terms.both(a(), b()), terms.both(terms.negate(a()), c()));
      })
      .Default([&](Operation *) { return terms.unknown(); });
}

//===-- Where a value is a constant ---------------------------------------------------===//

TermRef FoldTerms::isConstant(Value value, double constant) {
  if (constant == 0)
    constant = 0; // one zero
  auto [it, isNew] = constants.try_emplace({value.getAsOpaquePointer(), constant}, nullptr);
  if (!isNew)
    return it->second;
  TermRef term = computeIsConstant(value, constant);
  constants[{value.getAsOpaquePointer(), constant}] = term;
  return term;
}

static std::optional<double> floatConstant(Value value) {
  FloatAttr attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  APFloat number = attribute.getValue();
  bool exact;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &exact);
  return number.convertToDouble();
}

TermRef FoldTerms::computeIsConstant(Value value, double constant) {
  TermRef never = terms.truth(false);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto map = dyn_cast<MapOp>(argument.getOwner()->getParentOp());
    return map ? isConstant(map.getIns()[argument.getArgNumber()], constant) : never;
  }
  Operation *op = value.getDefiningOp();
  if (auto number = floatConstant(value))
    return terms.truth(*number == constant);
  if (auto map = dyn_cast<MapOp>(op))
    return isConstant(map.yield().getOperand(cast<OpResult>(value).getResultNumber()), constant);
  if (auto read = dyn_cast<ReadOp>(op)) { // what is not read is 0
    TermRef unread = never;
    if (constant != 0)
      return never;
    for (auto [index, limit] : llvm::zip(read.getBounded(), read.getLimits()))
      unread = terms.either(unread, terms.lessEqual(of(limit), of(index)));
    for (Value where : read.getWhere())
      unread = terms.either(unread, terms.negate(of(where)));
    return unread;
  }
  auto is = [&](unsigned operand, double other) {
    return isConstant(op->getOperand(operand), other);
  };
  bool infinite = std::isinf(constant);
  /// c * x, c > 0 constant, keeps infinities; c < 0 swaps them.
  auto scaled = [&](unsigned x, unsigned factor) {
    auto number = floatConstant(op->getOperand(factor));
    return number && *number != 0 ? is(x, *number > 0 ? constant : -constant) : never;
  };
  return llvm::TypeSwitch<Operation *, TermRef>(op)
      .Case([&](arith::SelectOp select) {
        TermRef condition = of(select.getCondition()), then = is(1, constant),
                otherwise = is(2, constant);
        bool excludesThen = then->kind == TermKind::True,
             excludesOtherwise = otherwise->kind == TermKind::True;
        if (excludesThen != excludesOtherwise && !llvm::is_contained(selects, select))
          selects.push_back(select);
        return terms.either(terms.both(condition, then),
                            terms.both(terms.negate(condition), otherwise));
      })
      .Case([&](arith::AddFOp) {
        return infinite ? terms.either(is(0, constant), is(1, constant)) : never;
      })
      .Case([&](arith::SubFOp) {
        return infinite ? terms.either(is(0, constant), is(1, -constant)) : never;
      })
      .Case([&](arith::MulFOp) {
        if (constant == 0)
          return terms.either(is(0, 0), is(1, 0));
        return infinite ? terms.either(scaled(0, 1), scaled(1, 0)) : never;
      })
      .Case([&](arith::DivFOp) {
        if (constant == 0)
          return terms.either(is(0, 0), terms.either(is(1, kInfinity), is(1, -kInfinity)));
        return infinite ? scaled(0, 1) : never;
      })
      .Case([&](arith::NegFOp) { return is(0, -constant); })
      .Case<math::ExpOp, math::Exp2Op>([&](auto) {
        return constant == 0 ? is(0, -kInfinity) : constant == kInfinity ? is(0, constant) : never;
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return is(0, constant); })
      .Case<arith::MaxNumFOp, arith::MinNumFOp>([&](auto) {
        double neutral = isa<arith::MaxNumFOp>(op) ? -kInfinity : kInfinity;
        return terms.either(
            terms.both(is(0, constant), terms.either(is(1, constant), is(1, neutral))),
            terms.both(is(1, constant), terms.either(is(0, constant), is(0, neutral))));
      })
      .Default([&](Operation *) { return never; });
}

//===-- The predicate -----------------------------------------------------------------===//

namespace {

/// What a value of the body is when every reduction over the fold's axis is over nothing: a
/// constant, or some other value.
class OverNothing {
public:
  OverNothing(FoldOp fold, StringRef axis) : fold(fold), axis(axis) {}

  struct Result {
    Attribute constant;
    Value same;
    bool operator==(const Result &) const = default;
  };

  Result of(Value value) {
    auto it = known.find(value);
    if (it != known.end())
      return it->second;
    Result result = compute(value);
    known[value] = result;
    return result;
  }

private:
  static bool isOver(ArrayAttr axes, StringRef axis) {
    return llvm::any_of(axes.getAsRange<StringAttr>(),
                        [&](StringAttr each) { return each.getValue() == axis; });
  }

  Result compute(Value value) {
    Result itself{{}, value};
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto map = dyn_cast<MapOp>(argument.getOwner()->getParentOp());
      return map ? of(map.getIns()[argument.getArgNumber()]) : itself;
    }
    Operation *op = value.getDefiningOp();
    Type element = elementOf(value.getType());
    if (auto map = dyn_cast<MapOp>(op))
      return of(map.yield().getOperand(cast<OpResult>(value).getResultNumber()));
    if (auto dot = dyn_cast<DotOp>(op); dot && isOver(dot.getAxes(), axis))
      return dot.getAcc() ? of(dot.getAcc()) : Result{Builder(op).getZeroAttr(element), {}};
    if (auto reduce = dyn_cast<ReduceOp>(op); reduce && isOver(reduce.getAxes(), axis))
      return identity(reduce.getKind(), element, itself);
    Attribute constant;
    if (matchPattern(value, m_Constant(&constant)))
      return {constant, {}};
    if (!isa<MapOp>(op->getParentOp()) || op->getNumResults() != 1)
      return itself;
    return ofScalar(op, itself);
  }

  static Result identity(ReduceKind kind, Type element, Result itself) {
    Builder builder(element.getContext());
    auto type = dyn_cast<FloatType>(element);
    switch (kind) {
    case ReduceKind::Sum:
    case ReduceKind::Any:
      return {builder.getZeroAttr(element), {}};
    case ReduceKind::All:
      return {builder.getBoolAttr(true), {}};
    case ReduceKind::Max:
    case ReduceKind::Min:
      if (type)
        return {builder.getFloatAttr(
                    type, APFloat::getInf(type.getFloatSemantics(), kind == ReduceKind::Max)),
                {}};
    }
    return itself;
  }

  static bool isNumber(const Result &result, double number) {
    auto attribute = dyn_cast_or_null<FloatAttr>(result.constant);
    return attribute && attribute.getValueAsDouble() == number;
  }

  Result ofScalar(Operation *op, Result itself) {
    SmallVector<Result> operands;
    for (Value operand : op->getOperands())
      operands.push_back(of(operand));
    auto neutral = [&](double number) -> std::optional<Result> {
      if (isNumber(operands[0], number))
        return operands[1];
      if (isNumber(operands[1], number))
        return operands[0];
      return std::nullopt;
    };
    std::optional<Result> simple;
    if (isa<arith::MaxNumFOp>(op))
      simple = operands[0] == operands[1] ? operands[0] : neutral(-kInfinity);
    else if (isa<arith::MinNumFOp>(op))
      simple = operands[0] == operands[1] ? operands[0] : neutral(kInfinity);
    else if (isa<arith::AddFOp>(op))
      simple = neutral(0);
    else if (isa<arith::MulFOp>(op))
      simple = neutral(1);
    else if (isa<arith::DivFOp>(op) && isNumber(operands[1], 1))
      simple = operands[0];
    else if (isa<arith::SelectOp>(op) && operands[1] == operands[2])
      simple = operands[1];
    else if (auto difference = dyn_cast<arith::SubFOp>(op)) {
      // Carried anchors are finite, which is what nnan says.
      bool finite = bitEnumContainsAll(difference.getFastmath(), arith::FastMathFlags::nnan);
      if (isNumber(operands[1], 0))
        simple = operands[0];
      else if (finite && operands[0].same && operands[0] == operands[1])
        simple = Result{Builder(op).getZeroAttr(op->getResult(0).getType()), {}};
    }
    if (simple)
      return *simple;
    SmallVector<Attribute> constants;
    for (const Result &operand : operands)
      constants.push_back(operand.constant);
    if (llvm::is_contained(constants, Attribute()))
      return itself;
    Operation *copy = op->clone(); // folding may change an operation in place
    SmallVector<OpFoldResult> folded;
    Attribute constant;
    if (succeeded(copy->fold(constants, folded)) && folded.size() == 1)
      constant = dyn_cast<Attribute>(folded[0]);
    copy->destroy();
    return constant ? Result{constant, {}} : itself;
  }

  FoldOp fold;
  StringRef axis;
  llvm::DenseMap<Value, Result> known;
};

} // namespace

FoldMask maskOf(Terms &terms, FoldTerms &values, FoldOp fold) {
  if (fold.getAxes().size() != 1 || !fold.getStep())
    return {nullptr, "it walks several axes at once"};
  StringRef axis = cast<StringAttr>(fold.getAxes()[0]).getValue();
  TermRef live = terms.truth(false);
  for (Operation &op : fold.getBody().front()) {
    auto reduces = [&](ArrayAttr axes) {
      return llvm::any_of(axes.getAsRange<StringAttr>(),
                          [&](StringAttr each) { return each.getValue() == axis; });
    };
    TermRef excluded = nullptr;
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      if (!reduces(reduce.getAxes()))
        continue;
      Value in = reduce.getIn();
      bool isFloat = isa<FloatType>(elementOf(in.getType()));
      switch (reduce.getKind()) {
      case ReduceKind::Any:
        excluded = terms.negate(values.of(in));
        break;
      case ReduceKind::All:
        excluded = values.of(in);
        break;
      case ReduceKind::Sum:
        excluded =
            isFloat ? values.isConstant(in, 0) : terms.equal(values.of(in), terms.constant(0));
        break;
      case ReduceKind::Max:
      case ReduceKind::Min:
        excluded =
            values.isConstant(in, reduce.getKind() == ReduceKind::Max ? -kInfinity : kInfinity);
        break;
      }
    } else if (auto dot = dyn_cast<DotOp>(op)) {
      if (!reduces(dot.getAxes()))
        continue;
      excluded = terms.either(values.isConstant(dot.getA(), 0), values.isConstant(dot.getB(), 0));
    } else if (op.getNumRegions() > 0 && !isa<MapOp>(op)) {
      return {nullptr, "its body holds a loop"};
    } else if (isa<WriteOp>(op)) {
      return {nullptr, "its body writes"};
    }
    if (excluded)
      live = terms.either(live, terms.negate(excluded));
  }
  if (live->kind == TermKind::Unknown || live->kind == TermKind::True)
    return {nullptr, "it takes every point"};
  OverNothing nothing(fold, axis);
  for (auto [argument, value] : llvm::zip(fold.state(), fold.yield().getValues()))
    if (nothing.of(value) != OverNothing::Result{{}, argument})
      return {nullptr, "a tile without keys may change its state"};
  return {live, ""};
}

std::string FoldTerms::nameOf(const Term &leaf) {
  return textOf(leaf.kind == TermKind::Element ? elements[leaf.number] : symbols[leaf.number]);
}

std::string FoldTerms::textOf(Value value) {
  auto parameter = [&](BlockArgument argument) {
    return cast<StringAttr>(fold->getParentOfType<KernelOp>().getParams()[argument.getArgNumber()])
        .str();
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (isa<KernelOp>(parent))
      return parameter(argument);
    ArrayAttr axes;
    bool tile = true;
    if (auto program = dyn_cast<ProgramOp>(parent)) {
      axes = program.getAxes();
      tile = program.getTiles()[argument.getArgNumber()];
    } else if (auto outer = dyn_cast<FoldOp>(parent)) {
      axes = outer.getAxes();
    }
    if (axes && argument.getArgNumber() < axes.size())
      return cast<StringAttr>(axes[argument.getArgNumber()]).str() + (tile ? "0" : "");
    return "?";
  }
  Operation *op = value.getDefiningOp();
  if (auto iota = dyn_cast<IotaOp>(op))
    return iota.axis().str();
  if (auto dim = dyn_cast<DimOp>(op))
    return dim.getName().str();
  if (isa<arith::TruncIOp, arith::ExtSIOp>(op)) // of a parameter
    return textOf(op->getOperand(0));
  if (auto read = dyn_cast<ReadOp>(op)) {
    std::string text;
    for (Value index : read.getIndices()) {
      text += text.empty() ? "" : ", ";
      text += print(of(index), [&](const Term &leaf) { return nameOf(leaf); });
    }
    if (auto tensor = dyn_cast<BlockArgument>(read.getTensor()))
      return parameter(tensor) + "[" + text + "]";
  }
  return "a value of the launch";
}

} // namespace fc
