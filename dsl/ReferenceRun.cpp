// ReferenceRun.cpp - statements: ranges, `let`, `var`, loops, `assume`.
#include "dsl/Numeric.h"
#include "dsl/ReferenceEval.h"
#include <algorithm>
#include <fmt/format.h>

namespace fc::dsl {

using ops::Kind;

/// The value of an integer expression without axes.
int64_t Evaluator::scalarInt(const Expr *e) {
  ValueRef value = eval(e);
  if (!value->poison.empty() && value->poison[0])
    failAt(value->poison[0]);
  return value->i[0];
}

Evaluator::Range Evaluator::rangeOf(const Axis *axis) {
  Range range;
  range.lo = axis->lo ? scalarInt(axis->lo) : 0;
  range.hi = scalarInt(axis->hi);
  if (axis->upto)
    range.hi = std::min(range.hi, ops::add(range.lo, scalarInt(axis->upto)));
  range.hi = std::max(range.lo, range.hi);
  return range;
}

void Evaluator::run(const std::vector<Stmt> &stmts) {
  for (const Stmt &stmt : stmts)
    run(stmt);
}

void Evaluator::run(const Stmt &stmt) {
  switch (stmt.kind) {
  case Stmt::DeclareAxis: {
    Range range = rangeOf(stmt.axis);
    setRange(stmt.axis, range.lo, range.hi);
    break;
  }
  case Stmt::DeclareLet: {
    if (!plan.isUsed(stmt.let))
      break;
    // Evaluated here even if nothing can change it, so that chains of `let`s are no deep recursion;
    // a fault counts only once the value is used.
    ValueRef value = eval(stmt.let->value);
    if (!plan.isKept(stmt.let))
      break;
    std::vector<ValueRef> conditions;
    for (const Exclusion &exclusion : plan.info(stmt.let->value).exclusions)
      conditions.push_back(condition(exclusion));
    SlotState &state = states[plan.slot(stmt.let)];
    state.value = value;
    state.conditions = std::move(conditions);
    state.changed = ++now;
    break;
  }
  case Stmt::DeclareVar:
    assign(stmt.var, stmt.var->init);
    break;
  case Stmt::Set:
    assign(stmt.var, stmt.value);
    break;
  case Stmt::Store:
    store(stmt);
    break;
  case Stmt::For:
    loop(stmt);
    break;
  case Stmt::Assume:
    check(stmt);
    break;
  }
}

void Evaluator::assign(const Var *var, const Expr *e) {
  ValueRef value = broadcast(eval(e), var->axes, extentsOf(var->axes));
  Kind kind = ops::kindOf(var->elem);
  if (kind != value->kind || (kind == Kind::Int && var->elem != Elem::I64)) {
    Value out = makeValue(kind, value->axes, value->dims);
    out.poison = value->poison;
    if (kind == Kind::Int)
      mapValue<int64_t, int64_t>(out, *value, [&](int64_t x) { return wrapToElem(var->elem, x); });
    else
      mapValue<double, int64_t>(out, *value, [](int64_t x) { return double(x); });
    value = std::make_shared<const Value>(std::move(out));
  }
  SlotState &state = states[plan.slot(var)];
  state.value = value;
  state.changed = ++now;
}

void Evaluator::loop(const Stmt &stmt) {
  const Axis *axis = stmt.axis;
  Range range = rangeOf(axis);
  int64_t step = 1;
  if (axis->tile) {
    // Two cuts of a free loop (rule A5): in three turns, the last one shorter if that does not
    // divide; and in one, which is the meaning of the text without any cut.
    int64_t size = range.hi - range.lo;
    step = axis->by ? scalarInt(axis->by) : cut == 0 ? size : (size + 2) / 3;
    if (step <= 0) {
      if (size == 0)
        return;
      throw Failure{{axis->loc, fmt::format("`by` of `{}` is {}; a tile has at least one point",
                                            axis->name, step)}};
    }
  }
  for (int64_t at = range.lo; at < range.hi;) {
    int64_t next = range.hi - at > step ? at + step : range.hi;
    setRange(axis, at, next);
    run(stmt.body);
    at = next;
  }
}

//===-- facts
//-------------------------------------------------------------------------------------===//

/// " at b = 0, j = 5": the point number `at` of a value of the expression.
std::string Evaluator::pointText(const Expr *e, const Value &value, int64_t at) const {
  const std::vector<Slot> &slots = plan.info(e).slots;
  std::string text;
  auto add = [&](const Axis *axis, int64_t point) {
    text += fmt::format("{} {} = {}", text.empty() ? " at" : ",", axis->name, point);
  };
  for (const Axis *axis : launch.kernel.axes)
    if (axis->isPoint() && std::binary_search(slots.begin(), slots.end(), plan.slot(axis)))
      add(axis, states[plan.slot(axis)].range.lo);
  std::vector<int64_t> indices(value.axes.size());
  for (size_t n = value.axes.size(); n-- > 0; at /= value.dims[n])
    indices[n] = at % value.dims[n];
  for (size_t n = 0; n < value.axes.size(); ++n)
    add(value.axes[n], states[plan.slot(value.axes[n])].range.lo + indices[n]);
  return text;
}

void Evaluator::check(const Stmt &stmt) {
  ValueRef holds = eval(stmt.value);
  for (int64_t n = 0, size = holds->size(); n < size; ++n) {
    if (!holds->poison.empty() && holds->poison[n])
      failAt(holds->poison[n]);
    if (!holds->b[n])
      throw Failure{{stmt.loc, fmt::format("`assume {}` does not hold{}", stmt.text,
                                           pointText(stmt.value, *holds, n))}};
  }
}

} // namespace fc::dsl
