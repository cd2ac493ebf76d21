// CheckFold.cpp - constants: what operations on them amount to (which is what makes a condition
// "compile-time", D3), and the axes that a dropped side of `where` had.
#include "dsl/KernelChecker.h"
#include <algorithm>
#include <cmath>

namespace fc::dsl {

//===-- Folding -----------------------------------------------------------===//

static bool isConst(const Expr *expr) { return expr->op == Op::Const; }

static std::optional<int64_t> foldInt(Op op, int64_t a, int64_t b) {
  int64_t r = 0;
  switch (op) {
  case Op::Add:
    return __builtin_add_overflow(a, b, &r) ? std::nullopt : std::optional(r);
  case Op::Sub:
    return __builtin_sub_overflow(a, b, &r) ? std::nullopt : std::optional(r);
  case Op::Mul:
    return __builtin_mul_overflow(a, b, &r) ? std::nullopt : std::optional(r);
  case Op::Div:
  case Op::Mod: {
    if (b == 0 || (a == INT64_MIN && b == -1))
      return std::nullopt;
    int64_t quotient = a / b, rest = a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) { // towards minus infinity
      --quotient;
      rest += b;
    }
    return op == Op::Div ? quotient : rest;
  }
  case Op::Min:
    return std::min(a, b);
  case Op::Max:
    return std::max(a, b);
  default:
    return std::nullopt;
  }
}

/// Only where no rule of S1 is involved: finite operands, finite result.
static std::optional<double> foldFloat(Op op, double a, double b) {
  double r = NAN;
  switch (op) {
  case Op::Add:
    r = a + b;
    break;
  case Op::Sub:
    r = a - b;
    break;
  case Op::Mul:
    r = a * b;
    break;
  case Op::Div:
    r = b == 0 ? NAN : a / b;
    break;
  case Op::Min:
    r = std::min(a, b);
    break;
  case Op::Max:
    r = std::max(a, b);
    break;
  case Op::Exp:
    r = std::exp(a);
    break;
  case Op::Exp2:
    r = std::exp2(a);
    break;
  case Op::Log:
    r = std::log(a);
    break;
  case Op::Log2:
    r = std::log2(a);
    break;
  case Op::Sqrt:
    r = std::sqrt(a);
    break;
  case Op::Rsqrt:
    r = 1 / std::sqrt(a);
    break;
  case Op::Floor:
    r = std::floor(a);
    break;
  case Op::Abs:
    r = std::fabs(a);
    break;
  default:
    break;
  }
  if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(r))
    return std::nullopt;
  return r;
}

template <typename T> static bool compareConst(Op op, T a, T b) {
  switch (op) {
  case Op::Lt:
    return a < b;
  case Op::Le:
    return a <= b;
  case Op::Gt:
    return a > b;
  case Op::Ge:
    return a >= b;
  case Op::Eq:
    return a == b;
  default:
    return a != b;
  }
}

/// The constant (or the operand) that the operation amounts to, or null.
const Expr *KernelChecker::fold(const Expr &expr) {
  const auto &in = expr.operands;
  switch (expr.op) {
  case Op::And:
  case Op::Or: {
    bool decides = expr.op == Op::Or;
    for (int side : {0, 1})
      if (isConst(in[size_t(side)]))
        return bool(in[size_t(side)]->intValue) == decides ? boolean(decides, expr.loc)
                                                           : in[size_t(1 - side)];
    return nullptr;
  }
  case Op::Where:
    return isConst(in[0]) ? in[in[0]->intValue ? 1 : 2] : nullptr;
  default:
    break;
  }
  if (in.empty() || in.size() > 2 || !std::ranges::all_of(in, isConst))
    return nullptr;
  Value a = in[0], b = in.size() == 2 ? in[1] : in[0];
  switch (expr.op) {
  case Op::Not:
    return boolean(!a->intValue, expr.loc);
  case Op::Lt:
  case Op::Le:
  case Op::Gt:
  case Op::Ge:
  case Op::Eq:
  case Op::Ne:
    return boolean(isFloat(a->elem) ? compareConst(expr.op, a->floatValue, b->floatValue)
                                    : compareConst(expr.op, a->intValue, b->intValue),
                   expr.loc);
  case Op::Bit:
    return b->intValue < 0 || b->intValue > 63
               ? nullptr
               : boolean((a->intValue >> b->intValue) & 1, expr.loc);
  case Op::Cast: // only those to the wide types; a narrow one marks a rounding (T4)
    if (expr.elem == Elem::F32)
      return constant(isFloat(a->elem) ? a->floatValue : double(a->intValue), expr.loc);
    if (expr.elem == Elem::I64 && isInteger(a->elem))
      return constant(a->intValue, expr.loc);
    if (expr.elem == Elem::I64 && isFloat(a->elem)) {
      double rounded = std::nearbyint(a->floatValue);
      if (std::isnan(rounded))
        return nullptr;
      return constant(rounded >= 0x1p63    ? INT64_MAX
                      : rounded <= -0x1p63 ? INT64_MIN
                                           : int64_t(rounded),
                      expr.loc);
    }
    return nullptr;
  case Op::Neg:
    if (expr.elem == Elem::F32)
      return constant(-a->floatValue, expr.loc);
    return a->intValue == INT64_MIN ? nullptr : constant(-a->intValue, expr.loc);
  case Op::Abs:
    if (expr.elem == Elem::I64)
      return a->intValue == INT64_MIN ? nullptr : constant(std::abs(a->intValue), expr.loc);
    break;
  default:
    break;
  }
  if (expr.elem == Elem::I64) {
    auto result = foldInt(expr.op, a->intValue, b->intValue);
    if (!result)
      return nullptr;
    Value folded = constant(*result, expr.loc);
    if (expr.op == Op::Div && a->intValue % b->intValue != 0)
      roundedDivisions.insert(folded);
    return folded;
  }
  if (expr.elem == Elem::F32)
    if (auto result = foldFloat(expr.op, a->floatValue, b->floatValue))
      return constant(*result, expr.loc);
  return nullptr;
}

//===-- Axes that folding loses -------------------------------------------===//
//
// By A2 `where(F, x[j], 0)` is over j whatever the compile-time F is, so `sum[j]` of it is no
// mistake. With F false only the 0 is kept (D3), which is over nothing: its lost axes are
// remembered, through all that is made of it, and given back where a reduction needs them.

/// The constant or the operand that the operation amounts to, else the operation itself.
const Expr *KernelChecker::foldOrMake(Expr &&expr) {
  Value folded = fold(expr);
  if (!folded)
    return make(std::move(expr));
  Axes whole = expr.axes;
  for (Value operand : expr.operands)
    if (auto lost = lostAxes.find(operand); lost != lostAxes.end())
      mergeAxes(whole, lost->second);
  return withLostAxes(folded, whole);
}

/// `kept`, which stands for something over `axes`.
const Expr *KernelChecker::withLostAxes(Value kept, const Axes &axes) {
  Axes lost;
  std::ranges::set_difference(axes, kept->axes, std::back_inserter(lost), {}, &Axis::id, &Axis::id);
  if (lost.empty())
    return kept;
  // A node of its own: the same one may be used elsewhere, where nothing was lost.
  Expr copy = *kept;
  Value result = make(std::move(copy));
  if (result)
    lostAxes[result] = std::move(lost);
  return result;
}

/// The operand of a reduction over `axis`, as a value over it: `where(axis == axis, x, x)`, if the
/// axis was lost; null if it never had it.
const Expr *KernelChecker::withAxisBack(Value value, const Axis *axis) {
  auto lost = lostAxes.find(value);
  if (lost == lostAxes.end() || std::ranges::find(lost->second, axis) == lost->second.end())
    return nullptr;
  Value point =
      make({.op = Op::AxisRef, .elem = Elem::I64, .axis = axis, .axes = {axis}, .loc = value->loc});
  Value always = operation(Op::Eq, Elem::Bool, {point, point}, value->loc);
  return operation(Op::Where, value->elem, {always, value, value}, value->loc);
}

/// What is made of a value that lost axes has lost them too.
void KernelChecker::inheritLostAxes(Value made) {
  Axes lost;
  auto from = [&](Value part) {
    if (auto known = lostAxes.find(part); known != lostAxes.end())
      mergeAxes(lost, known->second);
  };
  std::ranges::for_each(made->operands, from);
  if (made->let)
    from(made->let->value);
  std::erase_if(lost, [&](const Axis *axis) {
    return std::ranges::find(made->axes, axis) != made->axes.end() ||
           std::ranges::find(made->reduced, axis) != made->reduced.end();
  });
  if (!lost.empty())
    lostAxes[made] = std::move(lost);
}

} // namespace fc::dsl
