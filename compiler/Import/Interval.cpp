// Interval.cpp - interval arithmetic over the checked tree
#include "compiler/Import/Interval.h"
#include "compiler/IR/Fc.h"
#include <algorithm>
#include <cmath>

namespace fc {

using dsl::Elem;
using dsl::Expr;
using dsl::Op;

namespace {

using Wide = __int128;

/// Bounds past 64 bits mean that the value may wrap: nothing is known then.
Interval fromWide(Wide lo, Wide hi) {
  if (lo < std::numeric_limits<int64_t>::min() || hi > std::numeric_limits<int64_t>::max())
    return Interval::full();
  return {int64_t(lo), int64_t(hi)};
}

int64_t floorDiv(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

/// A divisor is never 0, so one that is not negative is at least 1.
Interval asDivisor(Interval b) { return b.lo == 0 ? Interval{1, std::max<int64_t>(b.hi, 1)} : b; }

Interval divide(Interval a, Interval b) {
  b = asDivisor(b);
  if (b.lo < 1) { // of unknown sign: no larger than the dividend
    Wide most = std::max(-Wide(a.lo), Wide(a.hi));
    return fromWide(-most, most);
  }
  return {floorDiv(a.lo, a.lo < 0 ? b.lo : b.hi), floorDiv(a.hi, a.hi < 0 ? b.hi : b.lo)};
}

Interval remainder(Interval a, Interval b) {
  b = asDivisor(b);
  if (b.lo < 1) {
    Wide most = std::max(-Wide(b.lo), Wide(b.hi));
    return fromWide(-most, most);
  }
  return {0, a.nonNegative() ? std::min(a.hi, b.hi - 1) : b.hi - 1};
}

Interval multiply(Interval a, Interval b) {
  Wide corners[] = {Wide(a.lo) * b.lo, Wide(a.lo) * b.hi, Wide(a.hi) * b.lo, Wide(a.hi) * b.hi};
  auto [lo, hi] = std::minmax_element(std::begin(corners), std::end(corners));
  return fromWide(*lo, *hi);
}

} // namespace

Interval rangeOf(Elem elem) {
  switch (elem) {
  case Elem::I8:
    return {INT8_MIN, INT8_MAX};
  case Elem::U8:
    return {0, UINT8_MAX};
  case Elem::I16:
    return {INT16_MIN, INT16_MAX};
  case Elem::I32:
    return {INT32_MIN, INT32_MAX};
  case Elem::U32:
    return {0, UINT32_MAX};
  default:
    return Interval::full();
  }
}

const Expr *resolve(const Expr *expr) {
  while (expr->op == Op::LetRef)
    expr = expr->let->value;
  return expr;
}

std::optional<int64_t> constantOf(const Expr *expr) {
  if (!expr)
    return std::nullopt;
  expr = resolve(expr);
  if (expr->op != Op::Const || !isInteger(expr->elem))
    return std::nullopt;
  return expr->intValue;
}

bool isNegativeInfinity(const Expr *expr) {
  expr = resolve(expr);
  if (expr->op == Op::Neg) {
    expr = resolve(expr->operands[0]);
    return expr->op == Op::Const && isFloat(expr->elem) && std::isinf(expr->floatValue) &&
           expr->floatValue > 0;
  }
  return expr->op == Op::Const && isFloat(expr->elem) && std::isinf(expr->floatValue) &&
         expr->floatValue < 0;
}

/// `budget`: how many nodes to look at; a shared node may be met by many ways.
static bool same(const Expr *a, const Expr *b, int &budget) {
  a = resolve(a);
  b = resolve(b);
  if (a == b)
    return true;
  if (--budget < 0 || a->op != b->op || a->elem != b->elem || a->intValue != b->intValue ||
      a->floatValue != b->floatValue || a->dim != b->dim || a->scalar != b->scalar ||
      a->axis != b->axis || a->tensor != b->tensor || a->var || b->var || a->reduced != b->reduced)
    return false; // a `var` has a value for each place
  return std::ranges::equal(a->operands, b->operands,
                            [&](const Expr *x, const Expr *y) { return same(x, y, budget); });
}

bool same(const Expr *a, const Expr *b) {
  int budget = 200;
  return same(a, b, budget);
}

Intervals::Intervals(const dsl::Kernel &kernel) {
  for (const dsl::Stmt &stmt : kernel.body)
    if (stmt.kind == dsl::Stmt::Assume)
      assume(stmt.value);
}

void Intervals::assume(const Expr *fact) {
  fact = resolve(fact);
  if (fact->op == Op::And) {
    for (const Expr *part : fact->operands)
      assume(part);
    return;
  }
  if (fact->op != Op::Lt && fact->op != Op::Le && fact->op != Op::Gt && fact->op != Op::Ge)
    return;
  bool isLess = fact->op == Op::Lt || fact->op == Op::Le;
  int64_t strict = fact->op == Op::Lt || fact->op == Op::Gt;
  for (int side : {0, 1}) {
    const Expr *scalar = resolve(fact->operands[side]);
    auto limit = constantOf(fact->operands[1 - side]);
    if (scalar->op != Op::ScalarRef || !isInteger(scalar->elem) || !limit)
      continue;
    Interval &range = scalars[scalar->scalar];
    if (isLess == (side == 0))
      range.hi = std::min(range.hi, *limit - strict);
    else
      range.lo = std::max(range.lo, *limit + strict);
  }
}

Interval Intervals::points(const dsl::Axis *axis) {
  constexpr int64_t most = kMaxExtent - 1;
  Interval lo = of(axis->lo), hi = of(axis->hi);
  Interval result{lo.lo, hi.hi == std::numeric_limits<int64_t>::min() ? hi.hi : hi.hi - 1};
  if (axis->upto) {
    Interval end = of(axis->upto);
    Wide last = Wide(lo.hi) + end.hi - 1;
    if (last < result.hi)
      result.hi = int64_t(last);
  }
  // A bound that the text does not give is the promise: points index tensors.
  if (result.lo < -most)
    result.lo = 0;
  result.hi = std::clamp(result.hi, result.lo, std::max(most, result.lo));
  return result;
}

std::optional<int64_t> Intervals::constantExtent(const dsl::Axis *axis) {
  std::optional<int64_t> extent;
  Interval lo = of(axis->lo), hi = of(axis->hi);
  const Expr *end = resolve(axis->hi);
  if (lo.lo == lo.hi && hi.lo == hi.hi)
    extent = hi.hi - lo.lo;
  else if (end->op == Op::Add && same(end->operands[0], axis->lo))
    extent = constantOf(end->operands[1]);
  if (axis->upto) {
    if (auto upto = constantOf(axis->upto))
      extent = extent ? std::min(*extent, *upto) : *upto;
  }
  return extent;
}

Interval Intervals::of(const Expr *expr) {
  expr = resolve(expr);
  if (auto it = known.find(expr); it != known.end())
    return it->second;
  Interval result = compute(*expr);
  known[expr] = result;
  return result;
}

Interval Intervals::compute(const Expr &expr) {
  if (!isInteger(expr.elem))
    return Interval::full();
  auto in = [&](size_t i) { return of(expr.operands[i]); };
  auto join = [](Interval a, Interval b) {
    return Interval{std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
  };
  auto most = [&](Interval a, Interval b) {
    return Interval{std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
  };
  auto least = [&](Interval a, Interval b) {
    return Interval{std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
  };
  switch (expr.op) {
  case Op::Const:
    return Interval::exactly(expr.intValue);
  case Op::DimRef:
    return {0, kMaxExtent - 1};
  case Op::ScalarRef:
    return scalars.lookup(expr.scalar);
  case Op::PointRef:
  case Op::AxisRef:
    return points(expr.axis);
  case Op::Read:
    return rangeOf(expr.elem);
  case Op::Neg: {
    Interval a = in(0);
    return fromWide(-Wide(a.hi), -Wide(a.lo));
  }
  case Op::Add:
    return fromWide(Wide(in(0).lo) + in(1).lo, Wide(in(0).hi) + in(1).hi);
  case Op::Sub:
    return fromWide(Wide(in(0).lo) - in(1).hi, Wide(in(0).hi) - in(1).lo);
  case Op::Mul:
    return multiply(in(0), in(1));
  case Op::Div:
    return divide(in(0), in(1));
  case Op::Mod:
    return remainder(in(0), in(1));
  case Op::Min:
    return least(in(0), in(1));
  case Op::Max:
    return most(in(0), in(1));
  case Op::Clamp:
    return least(most(in(0), in(1)), in(2));
  case Op::Abs: {
    Interval a = in(0);
    if (a.nonNegative())
      return a;
    return fromWide(a.hi < 0 ? -Wide(a.hi) : 0, std::max(-Wide(a.lo), Wide(a.hi)));
  }
  case Op::Where:
    return join(in(1), in(2));
  case Op::Cast: {
    const Expr *from = resolve(expr.operands[0]);
    Interval range = rangeOf(expr.elem);
    return isInteger(from->elem) && of(from).within(range) ? of(from) : range;
  }
  case Op::MaxOf:
  case Op::MinOf:
    // Over nothing it is the identity, which lies anywhere.
    return rangeOf(expr.elem);
  case Op::Sum:
  case Op::Dot: {
    Interval term = in(0);
    if (expr.op == Op::Dot)
      term = multiply(term, in(1));
    Interval count{0, 1};
    for (const dsl::Axis *axis : expr.reduced)
      count = multiply(count, {0, constantExtent(axis).value_or(kMaxExtent)});
    return multiply(term, count);
  }
  default:
    return Interval::full();
  }
}

} // namespace fc
