// CheckOps.cpp - rules T1-T5 and A4 on operations: conversions, element types, axis sets, and the
// folding of constants, which is what makes a condition "compile-time" (D3).
#include "dsl/KernelChecker.h"
#include <algorithm>
#include <bit>
#include <cmath>

namespace fc::dsl {

//===-- Nodes -------------------------------------------------------------===//

void mergeAxes(std::vector<const Axis *> &into, const std::vector<const Axis *> &from) {
  if (from.empty() || into == from)
    return;
  std::vector<const Axis *> merged;
  std::ranges::set_union(into, from, std::back_inserter(merged), {}, &Axis::id, &Axis::id);
  into = std::move(merged);
}

const Expr *KernelChecker::make(Expr &&expr) {
  unsigned depth = 1;
  for (Value operand : expr.operands)
    depth = std::max(depth, depths[operand] + 1);
  if (expr.let && expr.let->value)
    depth = depths[expr.let->value] + 1;
  if (depth > kMaxExprDepth) {
    error(Diag::TooDeep, expr.loc, kMaxExprDepth);
    return nullptr;
  }
  if (frame && ++expanded > kMaxExpansion) {
    if (!gaveUp)
      error(Diag::ExpansionTooLarge, expr.loc, kMaxExpansion);
    gaveUp = true;
    return nullptr;
  }
  Value stored = &program.exprs.emplace_back(std::move(expr));
  depths[stored] = depth;
  if (!lostAxes.empty())
    inheritLostAxes(stored);
  return stored;
}

const Expr *KernelChecker::constant(int64_t value, Loc loc) {
  return make({.op = Op::Const, .elem = Elem::I64, .intValue = value, .loc = loc});
}
const Expr *KernelChecker::constant(double value, Loc loc) {
  return make({.op = Op::Const, .elem = Elem::F32, .floatValue = value, .loc = loc});
}
const Expr *KernelChecker::boolean(bool value, Loc loc) {
  return make({.op = Op::Const, .elem = Elem::Bool, .intValue = value, .loc = loc});
}

const Expr *KernelChecker::operation(Op op, Elem elem, std::vector<Value> operands, Loc loc) {
  Expr expr{.op = op, .elem = elem, .loc = loc};
  for (Value operand : operands) {
    if (!operand)
      return nullptr;
    mergeAxes(expr.axes, operand->axes);
  }
  expr.operands = std::move(operands);
  return foldOrMake(std::move(expr));
}

//===-- Conversions -------------------------------------------------------===//

const Expr *KernelChecker::toF32(Operand operand) {
  Value value = operand.value;
  if (!value || value->elem == Elem::F32)
    return value;
  bool fromInteger = isInteger(value->elem);
  if (fromInteger && operand.syntax && (value->op == Op::Div || roundedDivisions.contains(value))) {
    // T2: `1 / D` is 0 for every D > 1, and seldom what was meant.
    const ast::Expr *division = operand.syntax;
    bool literal =
        division->kind == ast::Expr::Binary && division->args[0]->kind == ast::Expr::Integer;
    std::string better;
    if (literal)
      better = fmt::format("write `{}.0 / {}` for the quotient", division->args[0]->intValue,
                           snippet(*division->args[1]));
    else if (division->kind == ast::Expr::Binary)
      better = fmt::format("write `({} as f32) / {}` for the quotient", snippet(*division->args[0]),
                           snippet(*division->args[1]));
    auto handle = error(Diag::IntegerDivision, value->loc, snippet(*division));
    if (!better.empty())
      handle.fix(better +
                 fmt::format(", or `({} as f32)` if the rounding is meant", snippet(*division)));
  }
  Expr cast{.op = Op::Cast,
            .elem = Elem::F32,
            .implicit = true,
            .operands = {value},
            .axes = value->axes,
            .loc = value->loc};
  return foldOrMake(std::move(cast));
}

const Expr *KernelChecker::toInt(Operand operand, std::string_view what) {
  Value value = operand.value;
  if (!value || value->elem == Elem::I64)
    return value;
  if (!isInteger(value->elem)) {
    auto handle =
        error(Diag::NotInteger, value->loc, what, snippet(*operand.syntax), name(value->elem));
    if (operand.syntax->kind == ast::Expr::Float)
      return nullptr;
    if (isFloat(value->elem))
      handle.fix(fmt::format("`({} as int)` rounds to the nearest, `(floor({}) as int)` down",
                             snippet(*operand.syntax), snippet(*operand.syntax)));
    else
      handle.fix(fmt::format("write `where({}, 1, 0)`", snippet(*operand.syntax)));
    return nullptr;
  }
  if (value->op == Op::Const)
    return constant(value->intValue, value->loc);
  return make({.op = Op::Cast,
               .elem = Elem::I64,
               .implicit = true,
               .operands = {value},
               .axes = value->axes,
               .loc = value->loc});
}

bool KernelChecker::isNumber(Operand operand, std::string_view where) {
  if (!operand.value)
    return false;
  if (operand.value->elem != Elem::Bool)
    return true;
  error(Diag::BoolIsNoNumber, operand.value->loc, where, snippet(*operand.syntax))
      .fix(fmt::format("write `where({}, 1, 0)`", snippet(*operand.syntax)));
  return false;
}

const Expr *KernelChecker::toNumber(Operand operand) {
  if (!operand.value)
    return nullptr;
  return isFloat(operand.value->elem) ? toF32(operand) : toInt(operand, "this");
}

const Expr *KernelChecker::toBool(Operand operand, std::string_view what) {
  if (!operand.value || operand.value->elem == Elem::Bool)
    return operand.value;
  error(Diag::NumberIsNoBool, operand.value->loc, what, snippet(*operand.syntax),
        spelled(operand.value->elem))
      .fix(fmt::format("compare it: `{} != 0`", snippet(*operand.syntax)));
  return nullptr;
}

bool KernelChecker::unify(Operand &a, Operand &b) {
  if (!a.value || !b.value)
    return false;
  bool floats = isFloat(a.value->elem) || isFloat(b.value->elem);
  a.value = floats ? toF32(a) : toNumber(a);
  b.value = floats ? toF32(b) : toNumber(b);
  return a.value && b.value;
}

/// A constant as a value of a narrower type, if it is exactly one; else null.
const Expr *KernelChecker::narrowed(Value value, Elem elem) {
  if (value->op != Op::Const || value->elem == Elem::Bool || bits(elem) >= bits(value->elem))
    return nullptr;
  double number = isFloat(value->elem) ? value->floatValue : double(value->intValue);
  if (isInteger(elem)) {
    if (!isInteger(value->elem))
      return nullptr;
    bool isUnsigned = elem == Elem::U8 || elem == Elem::U32;
    double low = isUnsigned ? 0 : -std::ldexp(1, bits(elem) - 1);
    double high = std::ldexp(1, isUnsigned ? bits(elem) : bits(elem) - 1);
    if (number < low || number >= high)
      return nullptr;
  } else {
    struct Format {
      int precision, minExponent;
      double largest;
      bool hasInf;
    };
    static constexpr Format formats[] = {{24, -126, 0x1.fffffep127, true},
                                         {11, -14, 65504, true},
                                         {8, -126, 0x1.fep127, true},
                                         {4, -6, 448, false},
                                         {3, -14, 57344, true}};
    const Format &format = formats[size_t(elem)];
    if (std::isinf(number)) {
      if (!format.hasInf)
        return nullptr;
    } else if (number != 0) {
      int exponent = std::max(std::ilogb(number), format.minExponent);
      double scaled = std::ldexp(number, format.precision - 1 - exponent);
      if (scaled != std::floor(scaled) || std::fabs(number) > format.largest)
        return nullptr;
    }
  }
  Value narrow = make({.op = Op::Const,
                       .elem = elem,
                       .intValue = isInteger(elem) ? value->intValue : 0,
                       .floatValue = isInteger(elem) ? 0 : number,
                       .loc = value->loc});
  if (auto lost = lostAxes.find(value); narrow && lost != lostAxes.end())
    lostAxes[narrow] = Axes(lost->second);
  return narrow;
}

//===-- Arithmetic --------------------------------------------------------===//

const Expr *KernelChecker::arithmetic(Op op, Operand a, Operand b, Loc loc) {
  bool ok = isNumber(a, name(op));
  if (!isNumber(b, name(op)) || !ok || !unify(a, b))
    return nullptr;
  return operation(op, a.value->elem, {a.value, b.value}, loc);
}

const Expr *KernelChecker::negate(Operand a, Loc loc) {
  if (!isNumber(a, "-"))
    return nullptr;
  Value value = toNumber(a);
  return value ? operation(Op::Neg, value->elem, {value}, loc) : nullptr;
}

const Expr *KernelChecker::comparison(Op op, Operand a, Operand b, Loc loc) {
  if (!a.value || !b.value)
    return nullptr;
  bool boolA = a.value->elem == Elem::Bool, boolB = b.value->elem == Elem::Bool;
  if (boolA != boolB) {
    error(Diag::CompareKinds, loc, name(op), snippet(*a.syntax), spelled(a.value->elem),
          snippet(*b.syntax), spelled(b.value->elem));
    return nullptr;
  }
  if (boolA && op != Op::Eq && op != Op::Ne) {
    error(Diag::CompareBools, loc, name(op), snippet(*a.syntax));
    return nullptr;
  }
  if (!boolA && !unify(a, b))
    return nullptr;
  return operation(op, Elem::Bool, {a.value, b.value}, loc);
}

const Expr *KernelChecker::where(const ast::Expr &expr, std::vector<Operand> &in) {
  Value condition = toBool(in[0], "the condition of `where`");
  Operand a = in[1], b = in[2];
  if (!a.value || !b.value)
    return nullptr;
  if ((a.value->elem == Elem::Bool) != (b.value->elem == Elem::Bool)) {
    error(Diag::WhereKinds, expr.loc, snippet(*a.syntax), spelled(a.value->elem),
          snippet(*b.syntax), spelled(b.value->elem));
    return nullptr;
  }
  // A common element type is kept, and a constant takes the type of the other side if it has that
  // value there: `where(c, p as f16, 0)` is f16, as `dot` wants it.
  if (a.value->elem != b.value->elem) {
    if (Value narrow = narrowed(b.value, a.value->elem))
      b.value = narrow;
    else if (Value narrow = narrowed(a.value, b.value->elem))
      a.value = narrow;
    if (a.value->elem != b.value->elem && !unify(a, b))
      return nullptr;
  }
  return condition ? operation(Op::Where, a.value->elem, {condition, a.value, b.value}, expr.loc)
                   : nullptr;
}

const Expr *KernelChecker::random(const ast::Expr &expr, std::vector<Operand> &in) {
  std::vector<Value> operands;
  for (size_t i = 0; i < in.size(); ++i)
    operands.push_back(toInt(in[i], i == 0 ? "the seed of `random`" : "a counter of `random`"));
  // T5: missing counters come first and are 0.
  while (operands.size() < 5)
    operands.insert(operands.begin() + 1, constant(int64_t(0), expr.loc));
  return operation(Op::Random, Elem::F32, std::move(operands), expr.loc);
}

const Expr *KernelChecker::elementwise(const ast::Expr &expr, const Builtin &builtin,
                                       std::vector<Operand> &in) {
  if (builtin.op == Op::Where)
    return where(expr, in);
  if (builtin.op == Op::Random)
    return random(expr, in);
  if (builtin.op == Op::Bit) {
    Value x = toInt(in[0], "the first operand of `bit`"), n = toInt(in[1], "the bit's number");
    return operation(Op::Bit, Elem::Bool, {x, n}, expr.loc);
  }
  bool ok = true;
  for (Operand operand : in)
    ok &= isNumber(operand, builtin.name);
  if (!ok)
    return nullptr;
  bool keepsInt = builtin.op == Op::Min || builtin.op == Op::Max || builtin.op == Op::Clamp ||
                  builtin.op == Op::Abs;
  bool floats =
      !keepsInt || std::ranges::any_of(in, [](auto &o) { return isFloat(o.value->elem); });
  std::vector<Value> operands;
  for (Operand operand : in)
    operands.push_back(floats ? toF32(operand) : toNumber(operand));
  return operation(builtin.op, floats ? Elem::F32 : Elem::I64, std::move(operands), expr.loc);
}

//===-- Reductions --------------------------------------------------------===//

const Expr *KernelChecker::reduction(const ast::Expr &expr, const Builtin &builtin,
                                     std::vector<Operand> &in) {
  Axes reduced;
  bool ok = resolveAxes(expr.axes, builtin.name, reduced);
  ok = ok && reducible(expr, reduced);
  for (Operand operand : in) // an operand that is wrong has been reported
    ok &= operand.value != nullptr;
  if (!ok || !checkOver(expr, reduced, in))
    return nullptr;

  Elem elem = Elem::F32;
  std::vector<Value> operands;
  switch (builtin.op) {
  case Op::Dot: {
    ok = isNumber(in[0], "dot");
    if (!isNumber(in[1], "dot") || !ok)
      return nullptr;
    Elem a = in[0].value->elem, b = in[1].value->elem;
    if (a != b) {
      // The cast goes to the narrower float, else to the wider integer.
      bool second = isFloat(a) && (!isFloat(b) || bits(a) < bits(b));
      if (!isFloat(a) && !isFloat(b))
        second = bits(a) > bits(b);
      Operand from = in[second ? 1 : 0], to = in[second ? 0 : 1];
      std::string type(spelled(to.value->elem));
      if (to.value->op == Op::Read)
        if (const Symbol *symbol = find(to.value->tensor->name);
            symbol && !symbol->typeText.empty())
          type = symbol->typeText;
      error(Diag::DotTypes, expr.loc, snippet(*in[0].syntax), spelled(a), snippet(*in[1].syntax),
            spelled(b))
          .fix(from.syntax->kind == ast::Expr::Cast
                   ? fmt::format("write `({}) as {}`", snippet(*from.syntax), type)
                   : fmt::format("write `{} as {}`", snippet(*from.syntax), type));
      return nullptr;
    }
    elem = isFloat(a) ? Elem::F32 : Elem::I64;
    operands = {in[0].value, in[1].value};
    break;
  }
  case Op::Any:
  case Op::All:
    elem = Elem::Bool;
    operands = {toBool(in[0], fmt::format("`{}`", builtin.name))};
    break;
  case Op::Softmax:
  case Op::LogSumExp:
    if (isNumber(in[0], builtin.name))
      operands = {toF32(in[0])};
    break;
  default: // Sum, MaxOf, MinOf, CumSum
    if (isNumber(in[0], builtin.name))
      operands = {toNumber(in[0])};
    break;
  }
  if (operands.empty() || !operands[0])
    return nullptr;
  if (builtin.op != Op::Dot && elem != Elem::Bool)
    elem = operands[0]->elem;

  Expr result{.op = builtin.op, .elem = elem, .operands = operands, .loc = expr.loc};
  for (Value operand : operands)
    mergeAxes(result.axes, operand->axes);
  if (builtin.op != Op::Softmax && builtin.op != Op::CumSum)
    std::erase_if(result.axes, [&](const Axis *axis) {
      return std::ranges::find(reduced, axis) != reduced.end();
    });
  result.reduced = std::move(reduced);
  return make(std::move(result));
}

//===-- Structure ---------------------------------------------------------===//

uint64_t KernelChecker::structure(const Expr *expr) {
  if (auto known = structures.find(expr); known != structures.end())
    return known->second;
  auto mix = [](uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
  };
  uint64_t hash = mix(0x51ED270B, uint64_t(expr->op));
  if (expr->op == Op::LetRef)
    return structures[expr] = structure(expr->let->value);
  hash = mix(hash, uint64_t(expr->elem));
  hash = mix(hash, uint64_t(expr->intValue));
  hash = mix(hash, std::bit_cast<uint64_t>(expr->floatValue));
  if (expr->dim)
    hash = mix(hash, std::hash<std::string>()(expr->dim->name));
  for (const void *part : {(const void *)expr->scalar, (const void *)expr->axis,
                           (const void *)expr->var, (const void *)expr->tensor})
    hash = mix(hash, uint64_t(reinterpret_cast<uintptr_t>(part)));
  for (const Axis *axis : expr->reduced)
    hash = mix(hash, uint64_t(reinterpret_cast<uintptr_t>(axis)));
  for (Value operand : expr->operands)
    hash = mix(hash, structure(operand));
  return structures[expr] = hash;
}

} // namespace fc::dsl
