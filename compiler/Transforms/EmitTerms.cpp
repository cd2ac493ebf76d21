// EmitTerms.cpp - uniform terms of a plan as scalar operations
#include "compiler/Transforms/EmitTerms.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {

static bool fits32(int64_t low, int64_t high) { return low >= INT32_MIN && high <= INT32_MAX; }

TermEmitter::TermEmitter(FoldPlan &plan, OpBuilder inside, Value start, Operation *before)
    : plan(plan), outside(before ? before : plan.fold), inside(inside), start(start),
      loc(plan.fold.getLoc()) {}

Value TermEmitter::emit(TermRef term) {
  if (Value known = written.lookup(term))
    return known;
  Value value = write(term);
  return written[term] = value;
}

Value TermEmitter::emit32(TermRef term) { return as(at(term), outside.getI32Type(), emit(term)); }

Value TermEmitter::constant(OpBuilder &builder, Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
}

Value TermEmitter::as(OpBuilder &builder, Type type, Value value) {
  if (value.getType() == type)
    return value;
  if (type.getIntOrFloatBitWidth() > value.getType().getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(builder, loc, type, value);
  return arith::TruncIOp::create(builder, loc, type, value);
}

Value TermEmitter::write(TermRef term) {
  if (term == plan.values.start)
    return start;
  OpBuilder &builder = at(term);
  bool narrow = fits32(term->low, term->high);
  for (TermRef operand : term->operands)
    narrow &= operand->isBool() || fits32(operand->low, operand->high);
  Type type = narrow ? builder.getI32Type() : builder.getI64Type();
  auto x = [&](size_t i) { return as(builder, type, emit(term->operands[i])); };
  switch (term->kind) {
  case TermKind::Linear:
    return writeSum(builder, term);
  case TermKind::Symbol: {
    Value value = plan.values.symbols[term->number];
    return value.getType().getIntOrFloatBitWidth() >= 32 ? value
                                                         : as(builder, builder.getI32Type(), value);
  }
  case TermKind::Lookup:
    return writeLookup(term);
  case TermKind::Flag:
    return plan.values.symbols[term->number];
  case TermKind::Multiply:
    return arith::MulIOp::create(builder, loc, x(0), x(1));
  case TermKind::Divide:
    return arith::FloorDivSIOp::create(builder, loc, x(0), nonZero(builder, type, term, x(1)));
  case TermKind::Modulo: {
    Value a = x(0), b = nonZero(builder, type, term, x(1));
    Value quotient = arith::FloorDivSIOp::create(builder, loc, a, b);
    return arith::SubIOp::create(builder, loc, a, arith::MulIOp::create(builder, loc, quotient, b));
  }
  case TermKind::Min:
    return arith::MinSIOp::create(builder, loc, x(0), x(1));
  case TermKind::Max:
    return arith::MaxSIOp::create(builder, loc, x(0), x(1));
  case TermKind::Choose:
    return arith::SelectOp::create(builder, loc, emit(term->operands[0]), x(1), x(2));
  case TermKind::True:
  case TermKind::False:
    return constant(builder, builder.getI1Type(), term->kind == TermKind::True);
  case TermKind::NotPositive:
    return writeRelation(builder, term->operands[0], arith::CmpIPredicate::sle);
  case TermKind::Zero:
    return writeRelation(builder, term->operands[0], arith::CmpIPredicate::eq);
  case TermKind::And:
  case TermKind::Or:
    return writeJunction(term);
  case TermKind::Not:
    return arith::XOrIOp::create(builder, loc, emit(term->operands[0]),
                                 constant(builder, builder.getI1Type(), 1));
  case TermKind::Point:
  case TermKind::Element:
  case TermKind::Unknown:
    break;
  }
  llvm_unreachable("a uniform term has no points");
}

/// What does not vary along the walk first, in front of it.
Value TermEmitter::writeJunction(TermRef term) {
  Value fixed, varying;
  auto join = [&](OpBuilder &builder, Value a, Value b) -> Value {
    if (term->kind == TermKind::And)
      return arith::AndIOp::create(builder, loc, a, b);
    return arith::OrIOp::create(builder, loc, a, b);
  };
  for (TermRef operand : term->operands) {
    Value &sum = varies(operand) ? varying : fixed;
    Value value = emit(operand);
    sum = sum ? join(at(operand), sum, value) : value;
  }
  if (!fixed || !varying)
    return fixed ? fixed : varying;
  return join(inside, fixed, varying);
}

/// The least or greatest element of a tile.
Value TermEmitter::writeLookup(TermRef term) {
  const ElementRange &range = plan.elementRanges[term->number];
  OpBuilder &builder = at(term);
  Value tile = remake(builder, range.tile);
  StringAttr axis = axesOf(range.tile.getType())[0].first;
  Value first = start, end = plan.hi;
  bool cut = plan.tailIsDead;
  if (!range.ofKeys) { // rows past the end do not matter
    auto program = plan.fold->getParentOfType<ProgramOp>();
    for (auto [i, each] : llvm::enumerate(program.getAxes()))
      if (each == axis) {
        first = program.getBody().getArgument(i);
        end = program.getExtents()[i];
      }
    cut = true;
  }
  Value count = cut ? Value(arith::SubIOp::create(builder, loc, end, first)) : Value();
  return ExtremeOp::create(builder, loc, builder.getI32Type(),
                           range.greatest ? ReduceKind::Max : ReduceKind::Min, tile, count,
                           range.sorted);
}

Value TermEmitter::remake(OpBuilder &builder, Value value) {
  if (value == plan.fold.getBody().getArgument(0))
    return start;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &plan.fold.getBody().front())
    return value;
  if (Value known = remade.lookup(value))
    return known;
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, remake(builder, operand));
  Value made = builder.clone(*op, mapping)->getResult(cast<OpResult>(value).getResultNumber());
  return remade[value] = made;
}

Value TermEmitter::nonZero(OpBuilder &builder, Type type, TermRef term, Value divisor) {
  TermRef b = term->operands[1];
  if (b->low > 0 || b->high < 0)
    return divisor;
  Value zero = constant(builder, type, 0), one = constant(builder, type, 1);
  Value isZero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, divisor, zero);
  return arith::SelectOp::create(builder, loc, isZero, one, divisor);
}

//===-- Sums ---------------------------------------------------------------------------===//

Value TermEmitter::writePart(ArrayRef<std::pair<TermRef, int64_t>> parts, int64_t number,
                             Type type) {
  Value fixed, varying;
  for (auto [operand, by] : parts) {
    OpBuilder &where = at(operand);
    Value &sum = varies(operand) ? varying : fixed;
    Value value = as(where, type, emit(operand));
    if (by != 1 && by != -1)
      value = arith::MulIOp::create(where, loc, value, constant(where, type, std::abs(by)));
    if (!sum && by > 0)
      sum = value;
    else if (by > 0)
      sum = arith::AddIOp::create(where, loc, sum, value);
    else
      sum = arith::SubIOp::create(where, loc, sum ? sum : constant(where, type, 0), value);
  }
  if (number != 0 || (!fixed && !varying)) {
    Value value = constant(outside, type, number);
    fixed = fixed ? arith::AddIOp::create(outside, loc, fixed, value) : value;
  }
  if (!fixed || !varying)
    return fixed ? fixed : varying;
  return arith::AddIOp::create(inside, loc, varying, fixed);
}

/// Whether all partial sums fit an i32.
static bool isNarrow(ArrayRef<std::pair<TermRef, int64_t>> parts, int64_t number) {
  __int128 most = std::abs(number);
  for (auto [operand, by] : parts)
    most += __int128(std::abs(by)) * std::max(std::abs(operand->low), std::abs(operand->high));
  return most <= INT32_MAX;
}

static void positiveFirst(SmallVectorImpl<std::pair<TermRef, int64_t>> &parts) {
  llvm::stable_sort(parts, [](auto a, auto b) { return a.second > 0 && b.second < 0; });
}

Value TermEmitter::writeSum(OpBuilder &builder, TermRef sum) {
  Parts parts;
  for (auto [operand, by] : llvm::zip(sum->operands, sum->coefficients))
    parts.push_back({operand, by});
  bool narrow = isNarrow(parts, sum->number);
  positiveFirst(parts);
  Value value = writePart(parts, sum->number, narrow ? outside.getI32Type() : outside.getI64Type());
  return fits32(sum->low, sum->high) ? as(builder, builder.getI32Type(), value) : value;
}

Value TermEmitter::writeRelation(OpBuilder &builder, TermRef sum, arith::CmpIPredicate predicate) {
  if (sum->kind != TermKind::Linear) {
    Value value = emit(sum);
    return arith::CmpIOp::create(builder, loc, predicate, value,
                                 constant(builder, value.getType(), 0));
  }
  Parts left, right;
  for (auto [operand, by] : llvm::zip(sum->operands, sum->coefficients))
    if (varies(operand))
      left.push_back({operand, by});
    else
      right.push_back({operand, -by});
  auto negateAll = [](Parts &parts) {
    for (auto &part : parts)
      part.second = -part.second;
  };
  if (left.empty()) {
    left = std::move(right);
    right.clear();
    negateAll(left);
  }
  int64_t number = -sum->number;
  if (llvm::all_of(left, [](auto part) { return part.second < 0; })) { // -x <= y: x >= -y
    negateAll(left);
    negateAll(right);
    number = -number;
    if (predicate == arith::CmpIPredicate::sle)
      predicate = arith::CmpIPredicate::sge;
  }
  positiveFirst(left);
  positiveFirst(right);
  bool narrow = isNarrow(left, 0) && isNarrow(right, number);
  Type type = narrow ? outside.getI32Type() : outside.getI64Type();
  Value a = writePart(left, 0, type), b = writePart(right, number, type);
  return arith::CmpIOp::create(builder, loc, predicate, a, b);
}

} // namespace fc
