// Usage.cpp - one walk over a kernel: counts, and the conditions around reads
#include "compiler/Import/Usage.h"
#include <algorithm>

namespace fc {

using dsl::Axis;
using dsl::Expr;
using dsl::Op;
using dsl::Stmt;

//===-- Indices that stay inside -----------------------------------------------===//

/// Whether 0 <= index < extent follows from the text.
static bool isInside(const Expr *index, const Expr *extent, Intervals &intervals) {
  index = resolve(index);
  extent = resolve(extent);
  Interval points = intervals.of(index);
  if (index->op == Op::Clamp) { // to 0 .. extent - 1; an extent of 0 has no element to be asked for
    const Expr *hi = resolve(index->operands[2]);
    if (hi->op == Op::Sub && same(hi->operands[0], extent) && constantOf(hi->operands[1]) >= 1)
      return intervals.of(index->operands[1]).nonNegative();
  }
  if (!points.nonNegative())
    return false;
  if (points.hi < intervals.of(extent).lo)
    return true;
  auto constant = constantOf(extent);
  switch (index->op) {
  case Op::AxisRef:
  case Op::PointRef: {
    const Expr *hi = resolve(index->axis->hi);
    if (same(hi, extent))
      return true;
    if (hi->op == Op::Min)
      return same(hi->operands[0], extent) || same(hi->operands[1], extent);
    return constant && intervals.of(hi).hi <= *constant;
  }
  case Op::Mod:
    return same(index->operands[1], extent);
  case Op::Div: {
    // h / (H / G) < G for h < H: heads in groups.
    const Expr *group = resolve(index->operands[1]);
    return group->op == Op::Div && same(group->operands[1], extent) &&
           isInside(index->operands[0], group->operands[0], intervals);
  }
  case Op::Add: {
    // g * (H / G) + r < H for g < G, r < H / G: the same from the other side.
    const Expr *group = resolve(index->operands[0]);
    if (group->op != Op::Mul)
      return false;
    const Expr *size = resolve(group->operands[1]);
    return size->op == Op::Div && same(size->operands[0], extent) &&
           isInside(group->operands[0], size->operands[1], intervals) &&
           isInside(index->operands[1], size, intervals);
  }
  default:
    return false;
  }
}

bool staysInside(const Expr *read, Intervals &intervals) {
  for (size_t i = 0; i < read->operands.size(); ++i) {
    const dsl::Tensor::Extent &extent = read->tensor->shape[i];
    if (!isInside(read->operands[i], extent.size, intervals))
      return false;
  }
  return true;
}

//===-- The walk ---------------------------------------------------------------===//

Usage::Usage(const dsl::Kernel &kernel, Tree &tree, Intervals &intervals)
    : tree(tree), intervals(intervals) {
  for (const Axis *axis : kernel.grid) {
    visitAxis(axis);
    root(tree.extent(axis, intervals));
  }
  visit(kernel.body);
  for (const auto &[read, alternatives] : contexts)
    settle(read, alternatives);
}

void Usage::visitAxis(const Axis *axis) {
  root(axis->lo);
  root(tree.end(axis));
}

void Usage::visit(const std::vector<Stmt> &body) {
  for (const Stmt &stmt : body) {
    switch (stmt.kind) {
    case Stmt::DeclareAxis:
      visitAxis(stmt.axis);
      break;
    case Stmt::DeclareLet: // counted where it is used
    case Stmt::Assume:
      break;
    case Stmt::DeclareVar:
      root(tree.cast(stmt.var->init, stmt.var->elem));
      break;
    case Stmt::Set:
      root(tree.cast(stmt.value, stmt.var->elem));
      ofVars.insert(stmt.var->axes.begin(), stmt.var->axes.end());
      break;
    case Stmt::Store:
      for (const Expr *index : stmt.indices) {
        root(index);
        stored.insert(index->axes.begin(), index->axes.end());
      }
      minor.insert(stmt.indices.back()->axes.begin(), stmt.indices.back()->axes.end());
      root(tree.cast(stmt.value, stmt.tensor->elem));
      break;
    case Stmt::For:
      visitAxis(stmt.axis);
      visit(stmt.body);
      break;
    }
  }
}

void Usage::root(const Expr *expr) {
  count(expr);
  walk(expr, {}, Identity::None);
}

void Usage::count(const Expr *expr) {
  expr = tree.resolve(expr);
  if (++counts[expr] > 1)
    return;
  order[expr] = order.size();
  if (expr->op == Op::Read && !expr->operands.empty()) {
    const auto &axes = expr->operands.back()->axes;
    minor.insert(axes.begin(), axes.end());
  }
  if (expr->op == Op::Dot)
    for (const Axis *axis : expr->axes)
      if (!llvm::all_of(expr->operands, [&](const Expr *operand) {
            return llvm::is_contained(operand->axes, axis);
          }))
        contractedBeside[axis].insert(expr->reduced.begin(), expr->reduced.end());
  for (const Expr *operand : expr->operands)
    count(operand);
}

bool Usage::isCarried(const Axis *axis, llvm::function_ref<bool(const Axis *)> isWalked) const {
  auto it = contractedBeside.find(axis);
  return ofVars.contains(axis) || (stored.contains(axis) && it != contractedBeside.end() &&
                                   llvm::any_of(it->second, isWalked));
}

bool Usage::mayLeave(const Expr *expr) {
  expr = tree.resolve(expr);
  if (auto it = leaving.find(expr); it != leaving.end())
    return it->second;
  bool result = expr->op == Op::Read && !staysInside(expr, intervals);
  for (const Expr *operand : expr->operands)
    result |= mayLeave(operand);
  return leaving[expr] = result;
}

//===-- Conditions -------------------------------------------------------------===//

static void insert(Guards &into, const Guard &guard) {
  auto it = std::ranges::lower_bound(into, guard);
  if (it == into.end() || *it != guard)
    into.insert(it, guard);
}

static void insert(Guards &into, const Guards &guards) {
  for (const Guard &guard : guards)
    insert(into, guard);
}

const Guards &Usage::conjuncts(const Expr *condition, bool holds) {
  condition = tree.resolve(condition);
  auto [it, inserted] = conjunctsOf.try_emplace({condition, holds});
  if (!inserted)
    return it->second;
  Guards result;
  if (condition->op == Op::Not)
    result = conjuncts(condition->operands[0], !holds);
  else if (condition->op == (holds ? Op::And : Op::Or))
    for (const Expr *side : condition->operands)
      insert(result, conjuncts(side, holds));
  else
    result = {{condition, holds, /*reduced=*/false, /*excludes=*/false}};
  return conjunctsOf[{condition, holds}] = std::move(result);
}

static bool isConstant(const Expr *expr, double value) {
  return expr->op == Op::Const &&
         (isFloat(expr->elem) ? expr->floatValue == value : double(expr->intValue) == value);
}

const Guards &Usage::exclusions(const Expr *expr, Identity identity) {
  expr = tree.resolve(expr);
  auto [it, inserted] = exclusionsOf.try_emplace({expr, identity});
  if (!inserted)
    return it->second;
  Guards result;
  bool zero = identity == Identity::Zero;
  auto add = [&](size_t operand, Identity wanted) {
    insert(result, exclusions(expr->operands[operand], wanted));
  };
  auto isIdentity = [&](const Expr *side) {
    return zero ? isConstant(tree.resolve(side), 0) : isNegativeInfinity(side);
  };
  switch (expr->op) {
  case Op::Where:
    for (size_t side : {1, 2}) {
      if (!isIdentity(expr->operands[3 - side]))
        continue;
      // What excludes a term does so below the reduction that takes the term.
      for (Guard guard : conjuncts(expr->operands[0], side == 1)) {
        guard.reduced = guard.excludes = true;
        insert(result, guard);
      }
      add(side, identity);
    }
    break;
  case Op::Cast:
    add(0, identity);
    break;
  case Op::Neg:
  case Op::Div:
    if (zero)
      add(0, identity);
    break;
  case Op::Sub:
    if (!zero)
      add(0, identity);
    break;
  case Op::Mul:
  case Op::Add:
    if (zero == (expr->op == Op::Mul)) {
      add(0, identity);
      add(1, identity);
    }
    break;
  case Op::Exp:
  case Op::Exp2:
  case Op::Sigmoid:
    if (zero)
      add(0, Identity::NegInf);
    break;
  case Op::Max: // max(x, 0)
    for (size_t side : {0, 1})
      if (zero && isConstant(tree.resolve(expr->operands[1 - side]), 0))
        add(side, Identity::NegInf);
    break;
  default:
    break;
  }
  return exclusionsOf[{expr, identity}] = std::move(result);
}

//===-- The walk ---------------------------------------------------------------===//

void Usage::walk(const Expr *expr, const Guards &guards, Identity identity) {
  expr = tree.resolve(expr);
  if (!mayLeave(expr) || gaveUp() || !walked.insert({expr, guards, identity}).second)
    return;
  const auto &in = expr->operands;
  bool zero = identity == Identity::Zero, negInf = identity == Identity::NegInf;

  // Operand `i`, at points where operand `other` is not the identity.
  auto walkBeside = [&](size_t i, size_t other, const Guards &base, Identity excluded,
                        Identity next) {
    Guards inner = base;
    insert(inner, exclusions(in[other], excluded));
    walk(in[i], inner, next);
  };
  auto walkUnder = [&](size_t i, bool holds, size_t condition) {
    Guards inner = guards;
    insert(inner, conjuncts(in[condition], holds));
    walk(in[i], inner, identity);
  };
  // A condition is evaluated before what it guards: nothing that follows from it holds yet.
  auto walkCondition = [&](size_t i) {
    Guards before = guards;
    std::erase_if(before, [](const Guard &guard) { return guard.excludes; });
    walk(in[i], before, Identity::None);
  };
  auto reduced = [&] {
    Guards inner;
    for (Guard guard : guards) {
      guard.reduced = true;
      insert(inner, guard);
    }
    return inner;
  };

  switch (expr->op) {
  case Op::Read:
    if (!staysInside(expr, intervals))
      contexts[expr].insert(guards);
    break;
  case Op::Where:
    walkCondition(0);
    walkUnder(1, true, 0);
    walkUnder(2, false, 0);
    return;
  case Op::And:
  case Op::Or:
    walkCondition(0);
    walkUnder(1, expr->op == Op::And, 0);
    return;
  case Op::Dot:
    walkBeside(0, 1, reduced(), Identity::Zero, Identity::Zero);
    walkBeside(1, 0, reduced(), Identity::Zero, Identity::Zero);
    return;
  case Op::Sum:
    return walk(in[0], reduced(), Identity::Zero);
  case Op::MaxOf:
    return walk(in[0], reduced(), Identity::NegInf);
  case Op::MinOf:
  case Op::Any:
  case Op::All:
  case Op::CumSum:
    return walk(in[0], reduced(), Identity::None);
  case Op::Cast:
    return walk(in[0], guards, identity);
  case Op::Neg:
    return walk(in[0], guards, zero ? identity : Identity::None);
  case Op::Exp:
  case Op::Exp2:
  case Op::Sigmoid:
    return walk(in[0], guards, zero ? Identity::NegInf : Identity::None);
  case Op::Mul:
    if (!zero)
      break;
    walkBeside(0, 1, guards, identity, identity);
    walkBeside(1, 0, guards, identity, identity);
    return;
  case Op::Div:
    if (!zero)
      break;
    walk(in[0], guards, identity);
    walkBeside(1, 0, guards, identity, Identity::None);
    return;
  case Op::Add:
    if (!negInf)
      break;
    walkBeside(0, 1, guards, identity, identity);
    walkBeside(1, 0, guards, identity, identity);
    return;
  case Op::Sub:
    if (!negInf)
      break;
    walk(in[0], guards, identity);
    walkBeside(1, 0, guards, identity, Identity::None);
    return;
  default:
    break;
  }
  for (const Expr *operand : in)
    walk(operand, guards, Identity::None);
}

//===-- What a read takes ------------------------------------------------------===//

void Usage::settle(const Expr *read, const std::set<Guards> &contexts) {
  std::set<Guards> alternatives;
  for (const Guards &context : contexts) {
    Guards kept;
    for (const Guard &guard : context) {
      bool overRead =
          std::ranges::includes(read->axes, guard.condition->axes, {}, &Axis::id, &Axis::id);
      if (overRead || !guard.reduced)
        insert(kept, {guard.condition, guard.holds, false, false});
    }
    alternatives.insert(std::move(kept));
  }
  // An alternative that asks for more than another adds nothing.
  std::vector<Guards> &result = settled[read];
  for (const Guards &one : alternatives)
    if (std::ranges::none_of(alternatives, [&](const Guards &other) {
          return other.size() < one.size() && std::ranges::includes(one, other);
        }))
      result.push_back(one);
  if (result.size() == 1 && result[0].empty())
    result.clear();
  // In the order of the walk: sets of pointers have none that is the same in every run.
  auto place = [&](const Guard &guard) {
    return std::pair(order.lookup(guard.condition), guard.holds);
  };
  for (Guards &alternative : result)
    std::ranges::sort(alternative, {}, place);
  std::ranges::sort(result, [&](const Guards &a, const Guards &b) {
    return std::ranges::lexicographical_compare(a, b, {}, place, place);
  });
  for (const Guards &alternative : result)
    for (const Guard &guard : alternative)
      ++counts[guard.condition];
}

const std::vector<Guards> &Usage::guards(const Expr *read) const {
  static const std::vector<Guards> always;
  auto it = settled.find(read);
  return it == settled.end() ? always : it->second;
}

} // namespace fc
