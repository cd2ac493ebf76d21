// ReferenceEval.cpp - elementwise expressions, at all points of their axes.
#include "dsl/ReferenceEval.h"
#include "dsl/Numeric.h"
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fc::dsl {

using ops::Kind;
using ops::kindOf;

namespace {
/// More elements than this in one value is a mistake of the program or of its inputs (2 GiB of
/// float64).
constexpr int64_t kMostElements = int64_t(1) << 28;
/// Faults kept apart; later ones are reported as the last of these.
constexpr size_t kMostFaults = size_t(1) << 20;
} // namespace

Evaluator::Evaluator(const Launch &launch, const Plan &plan, int cut)
    : launch(launch), plan(plan), cut(cut), states(plan.slotCount()), memo(plan.exprCount()) {}

void Evaluator::setRange(const Axis *axis, int64_t lo, int64_t hi) {
  SlotState &state = states[plan.slot(axis)];
  if (state.changed && state.range.lo == lo && state.range.hi == hi)
    return;
  state.range = {lo, hi};
  state.largest = std::max(state.largest, hi - lo);
  state.changed = ++now;
}

std::optional<int64_t> Evaluator::largestValue(const std::vector<const Axis *> &tiles,
                                               const std::vector<int64_t> &rows) const {
  int64_t most = 1;
  for (const Expr *e : plan.exprs()) {
    int64_t size = 1;
    for (const Axis *axis : e->axes) {
      auto it = std::find(tiles.begin(), tiles.end(), axis);
      int64_t extent =
          it != tiles.end() ? rows[it - tiles.begin()] : states[plan.slot(axis)].largest;
      if (extent < 0)
        return std::nullopt;
      size = std::min(size * std::max<int64_t>(extent, 1), kMostElements);
    }
    most = std::max(most, size);
  }
  return most;
}

//===-- values that are not there
//-----------------------------------------------------------------===//

uint32_t Evaluator::addFault(const Expr *e, std::vector<int64_t> numbers) {
  if (faults.size() < kMostFaults)
    faults.push_back({e, std::move(numbers)});
  return uint32_t(faults.size());
}

std::string Evaluator::describe(const Fault &fault) const {
  if (fault.expr->op != Op::Read)
    return fmt::format("`{}` of {} by zero", name(fault.expr->op), fault.numbers[0]);
  const Tensor *tensor = fault.expr->tensor;
  return fmt::format("`{}[{}]` is outside of `{}`, whose shape is [{}]", tensor->name,
                     fmt::join(fault.numbers, ", "), tensor->name,
                     fmt::join(launch.inputs.at(tensor)->shape, ", "));
}

void Evaluator::failAt(uint32_t poison) {
  const Fault &fault = faults[poison - 1];
  throw Failure{{fault.expr->loc, describe(fault)}};
}

/// A point of an elementwise result is as bad as the first bad operand.
void Evaluator::spreadPoison(Value &out, const std::vector<ValueRef> &operands) {
  for (const ValueRef &operand : operands) {
    if (operand->poison.empty())
      continue;
    std::vector<uint32_t> more = arrange(*operand, out.axes, out.dims).poison;
    if (out.poison.empty()) {
      out.poison = std::move(more);
      continue;
    }
    for (size_t n = 0; n < more.size(); ++n)
      if (!out.poison[n])
        out.poison[n] = more[n];
  }
}

//===-- evaluation
//--------------------------------------------------------------------------------===//

std::vector<int64_t> Evaluator::extentsOf(const std::vector<const Axis *> &axes) const {
  std::vector<int64_t> extents;
  for (const Axis *axis : axes) {
    const Range &range = states[plan.slot(axis)].range;
    extents.push_back(range.hi - range.lo);
  }
  return extents;
}

Value Evaluator::emptyResult(const Expr *e) {
  std::vector<int64_t> extents = extentsOf(e->axes);
  int64_t size = 1;
  for (int64_t extent : extents) {
    if (extent && size > kMostElements / extent)
      throw Failure{{e->loc, fmt::format("a value of {} elements is more than the reference holds",
                                         fmt::join(extents, " * "))}};
    size *= extent;
  }
  return makeValue(kindOf(e->elem), e->axes, extents);
}

ValueRef Evaluator::eval(const Expr *e) {
  if (e->op == Op::LetRef)
    return plan.isKept(e->let) ? states[plan.slot(e->let)].value : eval(e->let->value);
  if (e->op == Op::VarRef)
    return states[plan.slot(e->var)].value;

  const ExprInfo &info = plan.info(e);
  Remembered &known = memo[info.id];
  if (known.value) {
    bool good = true;
    for (Slot slot : info.slots)
      good &= states[slot].changed <= known.time;
    if (good)
      return known.value;
  }
  uint64_t start = now;
  ValueRef value = compute(e);
  memo[info.id] = {value, start};
  return value;
}

ValueRef Evaluator::compute(const Expr *e) {
  auto own = [](Value value) { return std::make_shared<const Value>(std::move(value)); };
  switch (e->op) {
  case Op::Const:
  case Op::DimRef:
  case Op::ScalarRef:
  case Op::PointRef:
  case Op::AxisRef:
    return own(leaf(e));
  case Op::LetRef:
  case Op::VarRef:
    return eval(e);
  case Op::Read:
    return own(read(e));
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Div:
  case Op::Mod:
  case Op::Min:
  case Op::Max:
    return own(binary(e));
  case Op::Lt:
  case Op::Le:
  case Op::Gt:
  case Op::Ge:
  case Op::Eq:
  case Op::Ne:
    return own(compare(e));
  case Op::And:
  case Op::Or:
    return own(logic(e));
  case Op::Where:
    return own(select(e));
  case Op::Cast:
    return cast(e);
  case Op::Random:
    return own(random(e));
  case Op::Dot:
    return own(dot(e));
  case Op::Sum:
  case Op::MaxOf:
  case Op::MinOf:
  case Op::Any:
  case Op::All:
    return own(reduce(e));
  case Op::Softmax:
  case Op::LogSumExp:
    return own(normalise(e));
  case Op::CumSum:
    return own(cumulate(e));
  default:
    return own(unary(e));
  }
}

Value Evaluator::leaf(const Expr *e) {
  Value out = emptyResult(e);
  auto setInt = [&](int64_t x) {
    if (out.kind == Kind::Bool)
      out.b[0] = x != 0;
    else
      out.i[0] = x;
  };
  switch (e->op) {
  case Op::Const:
    if (out.kind == Kind::Float)
      out.f[0] = e->floatValue;
    else
      setInt(e->intValue);
    break;
  case Op::DimRef:
    setInt(launch.dims.at(e->dim->name));
    break;
  case Op::ScalarRef: {
    const ScalarValue &value = launch.scalars.at(e->scalar->name);
    if (out.kind == Kind::Float)
      out.f[0] = value.f;
    else
      setInt(value.i);
    break;
  }
  case Op::PointRef:
    setInt(states[plan.slot(e->axis)].range.lo);
    break;
  default: { // AxisRef
    int64_t at = states[plan.slot(e->axis)].range.lo;
    for (int64_t &element : out.i)
      element = at++;
  }
  }
  return out;
}

Value Evaluator::unary(const Expr *e) {
  std::vector<ValueRef> operands;
  for (const Expr *operand : e->operands)
    operands.push_back(eval(operand));
  const Value &x = *operands[0];
  Value out = emptyResult(e);
  auto floats = [&](auto fn) { mapValue<double, double>(out, x, fn); };
  switch (e->op) {
  case Op::Neg:
    if (out.kind == Kind::Float)
      floats([](double x) { return -x; });
    else
      mapValue<int64_t, int64_t>(out, x, [](int64_t x) { return ops::sub(int64_t(0), x); });
    break;
  case Op::Abs:
    if (out.kind == Kind::Float)
      floats([](double x) { return std::fabs(x); });
    else
      mapValue<int64_t, int64_t>(out, x, [](int64_t x) { return ops::abs(x); });
    break;
  case Op::Clamp: { // clamp(x, lo, hi) = min(max(x, lo), hi)
    Value raised = out;
    if (out.kind == Kind::Float) {
      zipValues<double, double, double>(raised, x, *operands[1],
                                        [](double x, double y) { return ops::max(x, y); });
      zipValues<double, double, double>(out, raised, *operands[2],
                                        [](double x, double y) { return ops::min(x, y); });
    } else {
      zipValues<int64_t, int64_t, int64_t>(raised, x, *operands[1],
                                           [](int64_t x, int64_t y) { return ops::max(x, y); });
      zipValues<int64_t, int64_t, int64_t>(out, raised, *operands[2],
                                           [](int64_t x, int64_t y) { return ops::min(x, y); });
    }
    break;
  }
  case Op::Exp:
    floats([](double x) { return std::exp(x); });
    break;
  case Op::Exp2:
    floats([](double x) { return std::exp2(x); });
    break;
  case Op::Log:
    floats([](double x) { return std::log(x); });
    break;
  case Op::Log2:
    floats([](double x) { return std::log2(x); });
    break;
  case Op::Tanh:
    floats([](double x) { return std::tanh(x); });
    break;
  case Op::Sigmoid:
    floats([](double x) { return ops::sigmoid(x); });
    break;
  case Op::Sqrt:
    floats([](double x) { return std::sqrt(x); });
    break;
  case Op::Rsqrt:
    floats([](double x) { return 1 / std::sqrt(x); });
    break;
  case Op::Floor:
    floats([](double x) { return std::floor(x); });
    break;
  case Op::Not:
    mapValue<uint8_t, uint8_t>(out, x, [](uint8_t x) { return uint8_t(!x); });
    break;
  case Op::Bit:
    zipValues<uint8_t, int64_t, int64_t>(
        out, x, *operands[1], [](int64_t x, int64_t n) { return uint8_t(ops::bit(x, n)); });
    break;
  default:
    throw Failure{{e->loc, fmt::format("the reference does not know `{}`", name(e->op))}};
  }
  spreadPoison(out, operands);
  return out;
}

Value Evaluator::binary(const Expr *e) {
  ValueRef x = eval(e->operands[0]), y = eval(e->operands[1]);
  if (kindOf(e->elem) == Kind::Int && (e->op == Op::Div || e->op == Op::Mod))
    return divideInts(e, x, y);
  Value out = emptyResult(e);
  auto apply = [&](auto fn) {
    if (out.kind == Kind::Float)
      zipValues<double, double, double>(out, *x, *y, fn);
    else
      zipValues<int64_t, int64_t, int64_t>(out, *x, *y, fn);
  };
  switch (e->op) {
  case Op::Add:
    apply([](auto x, auto y) { return ops::add(x, y); });
    break;
  case Op::Sub:
    apply([](auto x, auto y) { return ops::sub(x, y); });
    break;
  case Op::Mul:
    apply([](auto x, auto y) { return ops::mul(x, y); });
    break;
  case Op::Div:
    zipValues<double, double, double>(out, *x, *y,
                                      [](double x, double y) { return ops::div(x, y); });
    break;
  case Op::Mod:
    zipValues<double, double, double>(out, *x, *y,
                                      [](double x, double y) { return ops::mod(x, y); });
    break;
  case Op::Min:
    apply([](auto x, auto y) { return ops::min(x, y); });
    break;
  default:
    apply([](auto x, auto y) { return ops::max(x, y); });
    break;
  }
  spreadPoison(out, {x, y});
  return out;
}

Value Evaluator::divideInts(const Expr *e, ValueRef dividends, ValueRef divisors) {
  const Value &x = *dividends, &y = *divisors;
  Value out = emptyResult(e);
  bool quotient = e->op == Op::Div;
  bool byZero = std::find(y.i.begin(), y.i.end(), 0) != y.i.end();
  zipValues<int64_t, int64_t, int64_t>(out, x, y, [&](int64_t x, int64_t y) {
    return y == 0 ? 0 : quotient ? ops::div(x, y) : ops::mod(x, y);
  });
  spreadPoison(out, {dividends, divisors});
  if (!byZero)
    return out;
  Value dividend = arrange(x, out.axes, out.dims), divisor = arrange(y, out.axes, out.dims);
  out.poison.resize(out.size());
  for (int64_t n = 0, size = out.size(); n < size; ++n)
    if (divisor.i[n] == 0 && !out.poison[n])
      out.poison[n] = addFault(e, {dividend.i[n]});
  return out;
}

Value Evaluator::compare(const Expr *e) {
  ValueRef x = eval(e->operands[0]), y = eval(e->operands[1]);
  Value out = emptyResult(e);
  auto apply = [&](auto fn) {
    switch (x->kind) {
    case Kind::Float:
      return zipValues<uint8_t, double, double>(out, *x, *y, fn);
    case Kind::Int:
      return zipValues<uint8_t, int64_t, int64_t>(out, *x, *y, fn);
    case Kind::Bool:
      return zipValues<uint8_t, uint8_t, uint8_t>(out, *x, *y, fn);
    }
  };
  switch (e->op) {
  case Op::Lt:
    apply([](auto x, auto y) { return uint8_t(x < y); });
    break;
  case Op::Le:
    apply([](auto x, auto y) { return uint8_t(x <= y); });
    break;
  case Op::Gt:
    apply([](auto x, auto y) { return uint8_t(x > y); });
    break;
  case Op::Ge:
    apply([](auto x, auto y) { return uint8_t(x >= y); });
    break;
  case Op::Eq:
    apply([](auto x, auto y) { return uint8_t(x == y); });
    break;
  default:
    apply([](auto x, auto y) { return uint8_t(x != y); });
    break;
  }
  spreadPoison(out, {x, y});
  return out;
}

/// `and`, `or`: the right side counts only where the left one has not decided (rule S3).
Value Evaluator::logic(const Expr *e) {
  ValueRef x = eval(e->operands[0]), y = eval(e->operands[1]);
  Value out = emptyResult(e);
  bool isAnd = e->op == Op::And;
  zipValues<uint8_t, uint8_t, uint8_t>(
      out, *x, *y, [&](uint8_t x, uint8_t y) { return uint8_t(isAnd ? x & y : x | y); });
  if (x->poison.empty() && y->poison.empty())
    return out;
  Value left = arrange(*x, out.axes, out.dims), right = arrange(*y, out.axes, out.dims);
  out.poison.resize(out.size());
  for (int64_t n = 0, size = out.size(); n < size; ++n) {
    uint32_t leftPoison = left.poison.empty() ? 0 : left.poison[n];
    if (leftPoison)
      out.poison[n] = leftPoison;
    else if (bool(left.b[n]) != isAnd)
      out.b[n] = left.b[n]; // decided
    else if (!right.poison.empty())
      out.poison[n] = right.poison[n];
  }
  return out;
}

namespace {

template <class T> void selectInto(Value &out, const Value &c, const Value &x, const Value &y) {
  T *to = out.data<T>().data();
  const T *left = x.data<T>().data(), *right = y.data<T>().data();
  std::array<std::vector<int64_t>, 3> strides = {stridesOver(c, out.axes), stridesOver(x, out.axes),
                                                 stridesOver(y, out.axes)};
  std::array<int64_t, 3> step{};
  if (!out.axes.empty())
    step = {strides[0].back(), strides[1].back(), strides[2].back()};
  walk<3>(out.dims, strides, [&](int64_t at, const std::array<int64_t, 3> &offsets, int64_t n) {
    const uint8_t *cond = c.b.data() + offsets[0];
    const T *a = left + offsets[1], *b = right + offsets[2];
    for (int64_t k = 0; k < n; ++k)
      to[at + k] = cond[k * step[0]] ? a[k * step[1]] : b[k * step[2]];
  });
}

} // namespace

/// `where`: the untaken side does not count.
Value Evaluator::select(const Expr *e) {
  ValueRef c = eval(e->operands[0]), x = eval(e->operands[1]), y = eval(e->operands[2]);
  Value out = emptyResult(e);
  switch (out.kind) {
  case Kind::Float:
    selectInto<double>(out, *c, *x, *y);
    break;
  case Kind::Int:
    selectInto<int64_t>(out, *c, *x, *y);
    break;
  case Kind::Bool:
    selectInto<uint8_t>(out, *c, *x, *y);
    break;
  }
  if (c->poison.empty() && x->poison.empty() && y->poison.empty())
    return out;
  Value cond = arrange(*c, out.axes, out.dims);
  std::array<std::vector<uint32_t>, 2> sides = {arrange(*y, out.axes, out.dims).poison,
                                                arrange(*x, out.axes, out.dims).poison};
  out.poison.resize(out.size());
  for (int64_t n = 0, size = out.size(); n < size; ++n) {
    const std::vector<uint32_t> &side = sides[cond.b[n] ? 1 : 0];
    if (!cond.poison.empty() && cond.poison[n])
      out.poison[n] = cond.poison[n];
    else if (!side.empty())
      out.poison[n] = side[n];
  }
  return out;
}

ValueRef Evaluator::cast(const Expr *e) {
  ValueRef x = eval(e->operands[0]);
  Elem to = e->elem;
  Kind kind = kindOf(to);
  // Between floats nothing is rounded (rule T4); every integer is in `int`.
  if (kind == x->kind && (kind != Kind::Int || to == Elem::I64))
    return x;
  Value out = emptyResult(e);
  if (kind == Kind::Int && x->kind == Kind::Float)
    mapValue<int64_t, double>(out, *x, [to](double x) { return saturateToElem(to, x); });
  else if (kind == Kind::Int && x->kind == Kind::Int)
    mapValue<int64_t, int64_t>(out, *x, [to](int64_t x) { return wrapToElem(to, x); });
  else if (kind == Kind::Int)
    mapValue<int64_t, uint8_t>(out, *x, [](uint8_t x) { return int64_t(x); });
  else if (kind == Kind::Float && x->kind == Kind::Int)
    mapValue<double, int64_t>(out, *x, [](int64_t x) { return double(x); });
  else if (kind == Kind::Float)
    mapValue<double, uint8_t>(out, *x, [](uint8_t x) { return double(x); });
  else if (x->kind == Kind::Int)
    mapValue<uint8_t, int64_t>(out, *x, [](int64_t x) { return uint8_t(x != 0); });
  else
    mapValue<uint8_t, double>(out, *x, [](double x) { return uint8_t(x != 0); });
  spreadPoison(out, {x});
  return std::make_shared<const Value>(std::move(out));
}

Value Evaluator::random(const Expr *e) {
  Value out = emptyResult(e);
  std::vector<ValueRef> operands;
  std::vector<Value> counters;
  for (const Expr *operand : e->operands) {
    operands.push_back(eval(operand));
    counters.push_back(arrange(*operands.back(), out.axes, out.dims));
  }
  for (int64_t n = 0, size = out.size(); n < size; ++n)
    out.f[n] = philoxUniform(counters[0].i[n], counters[1].i[n], counters[2].i[n], counters[3].i[n],
                             counters[4].i[n]);
  spreadPoison(out, operands);
  return out;
}

} // namespace fc::dsl
