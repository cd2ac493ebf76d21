// ReferencePlan.cpp - dependences and masks of a kernel's expressions.
//
// Exclusions follow the list of rule S2, upwards from each `where(c, x, z)` with a constant z. c is
// taken apart into conjuncts, since one that is false decides alone, and which axes it is over
// matters:
//
//   where(j < n and j <= i, s, -inf)        dead where j < n fails: -inf;  where j <= i fails: -inf
//   exp(. - m)                              both become 0
//   dot[j](. , v)                           0 * v; and v does not count at all where j < n fails
#include "dsl/ReferencePlan.h"
#include <algorithm>
#include <cmath>
#include <optional>

namespace fc::dsl {

Plan::Plan(const Kernel &kernel, const Scalars &scalars) : scalars(scalars) {
  for (const Axis *axis : kernel.axes)
    slotOf(axis);
  for (const Axis *axis : kernel.grid)
    visit(axis);
  visit(kernel.body);
}

void Plan::visit(const Axis *axis) {
  slotOf(axis);
  for (const Expr *bound : {axis->lo, axis->hi, axis->upto, axis->by})
    if (bound)
      visit(bound);
}

void Plan::visit(const std::vector<Stmt> &stmts) {
  for (const Stmt &stmt : stmts) {
    if (stmt.axis)
      visit(stmt.axis);
    if (stmt.let)
      visit(stmt.let->value);
    if (stmt.var) {
      slotOf(stmt.var);
      if (stmt.kind == Stmt::DeclareVar)
        visit(stmt.var->init);
    }
    for (const Expr *index : stmt.indices)
      visit(index);
    if (stmt.value)
      visit(stmt.value);
    if (stmt.kind == Stmt::For) {
      if (stmt.axis->tile && !stmt.axis->by && !tileLoop)
        tileLoop = &stmt;
      visit(stmt.body);
    }
  }
}

void Plan::visit(const Expr *e) {
  if (infos.count(e))
    return;
  for (const Expr *operand : e->operands)
    visit(operand);
  if (e->let) {
    visit(e->let->value);
    usedLets.insert(e->let);
  }
  ExprInfo info;
  info.id = int(order.size());
  addSlots(e, info);
  addExclusions(e, info);
  order.push_back(e);
  infos.emplace(e, std::move(info));
}

void Plan::addSlots(const Expr *e, ExprInfo &info) {
  auto add = [&](const ExprInfo &part) {
    info.slots.insert(info.slots.end(), part.slots.begin(), part.slots.end());
    info.usesVar |= part.usesVar;
  };
  for (const Expr *operand : e->operands)
    add(infos.at(operand));
  for (const Axis *axis : e->reduced)
    info.slots.push_back(slotOf(axis));
  if (e->axis)
    info.slots.push_back(slotOf(e->axis));
  if (e->var) {
    info.slots.push_back(slotOf(e->var));
    info.usesVar = true;
  }
  if (e->let) {
    const ExprInfo &value = infos.at(e->let->value);
    if (value.usesVar) {
      info.slots.push_back(slotOf(e->let)); // set where the `let` stands, and nowhere else
      info.usesVar = true;
    } else {
      add(value);
    }
  }
  std::sort(info.slots.begin(), info.slots.end());
  info.slots.erase(std::unique(info.slots.begin(), info.slots.end()), info.slots.end());
}

//===-- exclusions (S2)
//---------------------------------------------------------------------------===//

namespace {

/// The constant that an expression is, if a mask could be made of it.
std::optional<Absorbed> absorbedConstant(const Expr *e, bool negated = false) {
  switch (e->op) {
  case Op::Const:
    if (e->elem == Elem::Bool)
      return e->intValue ? Absorbed::True : Absorbed::False;
    if (isFloat(e->elem) ? e->floatValue == 0 : e->intValue == 0)
      return Absorbed::Zero;
    if (isFloat(e->elem) && std::isinf(e->floatValue))
      return (e->floatValue < 0) != negated ? Absorbed::NegInf : Absorbed::PosInf;
    return std::nullopt;
  case Op::Neg:
    return absorbedConstant(e->operands[0], !negated);
  case Op::Cast:
    return absorbedConstant(e->operands[0], negated);
  case Op::LetRef:
    return absorbedConstant(e->let->value, negated);
  default:
    return std::nullopt;
  }
}

void addOnce(ExprInfo &info, const Exclusion &exclusion) {
  for (const Exclusion &other : info.exclusions)
    if (other.condition == exclusion.condition && other.deadWhen == exclusion.deadWhen &&
        other.value == exclusion.value && other.via == exclusion.via)
      return;
  info.exclusions.push_back(exclusion);
}

} // namespace

/// The points where `condition` is `deadWhen` have `value`: one exclusion for each part that
/// decides alone.
void Plan::addConjuncts(const Expr *condition, bool deadWhen, Absorbed value,
                        ExprInfo &info) const {
  switch (condition->op) {
  case Op::Const:
    return;
  case Op::Not:
    return addConjuncts(condition->operands[0], !deadWhen, value, info);
  case Op::And:
  case Op::Or:
    if ((condition->op == Op::Or) != deadWhen)
      break;
    addConjuncts(condition->operands[0], deadWhen, value, info);
    addConjuncts(condition->operands[1], deadWhen, value, info);
    return;
  case Op::LetRef:
    if (!isKept(condition->let))
      return addConjuncts(condition->let->value, deadWhen, value, info);
    break;
  default:
    break;
  }
  addOnce(info, {condition, deadWhen, value, nullptr, 0});
}

/// What `from` has where it is excluded with `seen`, `info`'s expression has too, as `becomes`.
void Plan::pass(const Expr *from, Absorbed seen, Absorbed becomes, ExprInfo &info) const {
  for (Exclusion exclusion : infos.at(from).exclusions)
    if (exclusion.value == seen) {
      exclusion.value = becomes;
      addOnce(info, exclusion);
    }
}

bool Plan::isPositive(const Expr *e, int depth) const {
  if (depth > 16) // a DAG of sums may have exponentially many paths
    return false;
  auto operand = [&](int n) { return isPositive(e->operands[n], depth + 1); };
  switch (e->op) {
  case Op::Const:
    return isFloat(e->elem) ? e->floatValue > 0 : e->intValue > 0;
  case Op::ScalarRef: {
    auto it = scalars.find(e->scalar->name);
    return it != scalars.end() && (isFloat(e->elem) ? it->second.f > 0 : it->second.i > 0);
  }
  case Op::LetRef:
    return isPositive(e->let->value, depth + 1);
  case Op::Exp:
  case Op::Exp2:
  case Op::Sigmoid:
    return true;
  case Op::Sqrt:
  case Op::Rsqrt:
    return operand(0);
  case Op::Cast:
    return isFloat(e->elem) && operand(0);
  case Op::Add:
  case Op::Mul:
  case Op::Div:
    return isFloat(e->elem) && operand(0) && operand(1);
  default:
    return false;
  }
}

void Plan::addExclusions(const Expr *e, ExprInfo &info) const {
  auto keep = [&](const Expr *from, Absorbed value) { pass(from, value, value, info); };
  auto operand = [&](int n) { return e->operands[n]; };
  switch (e->op) {
  case Op::LetRef: {
    const std::vector<Exclusion> &inner = infos.at(e->let->value).exclusions;
    for (size_t n = 0; n < inner.size(); ++n) {
      Exclusion exclusion = inner[n];
      if (isKept(e->let)) {
        exclusion.via = e->let;
        exclusion.index = n;
      }
      info.exclusions.push_back(exclusion);
    }
    return;
  }
  case Op::Where:
    if (std::optional<Absorbed> other = absorbedConstant(operand(2))) {
      addConjuncts(operand(0), false, *other, info);
      keep(operand(1), *other); // where(a, where(b, s, -inf), -inf)
    }
    return;
  case Op::And:
    addConjuncts(operand(0), false, Absorbed::False, info);
    addConjuncts(operand(1), false, Absorbed::False, info);
    return;
  case Op::Or:
    addConjuncts(operand(0), true, Absorbed::True, info);
    addConjuncts(operand(1), true, Absorbed::True, info);
    return;
  case Op::Cast:
    keep(operand(0), Absorbed::Zero);
    if (isFloat(e->elem)) {
      keep(operand(0), Absorbed::NegInf);
      keep(operand(0), Absorbed::PosInf);
    }
    return;
  case Op::Neg:
    keep(operand(0), Absorbed::Zero);
    pass(operand(0), Absorbed::NegInf, Absorbed::PosInf, info);
    pass(operand(0), Absorbed::PosInf, Absorbed::NegInf, info);
    return;
  case Op::Add:
    keep(operand(0), Absorbed::NegInf);
    keep(operand(1), Absorbed::NegInf);
    return;
  case Op::Sub:
    keep(operand(0), Absorbed::NegInf);
    return;
  case Op::Mul:
  case Op::Div:
    keep(operand(0), Absorbed::Zero);
    if (isPositive(operand(1)))
      keep(operand(0), Absorbed::NegInf);
    if (e->op == Op::Mul) {
      keep(operand(1), Absorbed::Zero);
      if (isPositive(operand(0)))
        keep(operand(1), Absorbed::NegInf);
    }
    return;
  case Op::Exp:
  case Op::Exp2:
  case Op::Sigmoid:
  case Op::Softmax:
    pass(operand(0), Absorbed::NegInf, Absorbed::Zero, info);
    return;
  case Op::Max: // max(-inf, 0)
    for (int n : {0, 1})
      if (absorbedConstant(operand(1 - n)) == Absorbed::Zero)
        pass(operand(n), Absorbed::NegInf, Absorbed::Zero, info);
    return;
  default:
    return; // a reduction's result is over other axes; nothing else is on the list
  }
}

} // namespace fc::dsl
