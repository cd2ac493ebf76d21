// Tree.cpp - expressions that the text implies
#include "compiler/Import/Tree.h"
#include "llvm/ADT/DenseSet.h"
#include <algorithm>

namespace fc {

using dsl::Axis;
using dsl::Elem;
using dsl::Expr;
using dsl::Op;

const Expr *Tree::make(Op op, Elem elem, Operands operands, dsl::Loc loc) {
  Expr expr;
  expr.op = op;
  expr.elem = elem;
  expr.loc = loc;
  for (const Expr *operand : operands) {
    std::vector<const Axis *> merged;
    std::ranges::set_union(expr.axes, operand->axes, std::back_inserter(merged), {}, &Axis::id,
                           &Axis::id);
    expr.axes = std::move(merged);
  }
  expr.operands = std::move(operands);
  return &store.emplace_back(std::move(expr));
}

const Expr *Tree::reduction(Op op, const Expr *x, const Expr &source) {
  auto *expr = const_cast<Expr *>(make(op, Elem::F32, {x}, source.loc)); // ours, just made
  expr->reduced = source.reduced;
  std::erase_if(expr->axes, [&](const Axis *axis) {
    return std::ranges::find(source.reduced, axis) != source.reduced.end();
  });
  return expr;
}

const Tree::Normaliser &Tree::normaliser(const Expr &source) {
  const Expr *x = cast(resolve(source.operands[0]), Elem::F32);
  std::vector<const Axis *> reduced = source.reduced;
  std::ranges::sort(reduced, {}, &Axis::id);
  auto [it, inserted] = normalisers.try_emplace({x, std::move(reduced)});
  if (inserted) {
    const Expr *top = reduction(Op::MaxOf, x, source);
    const Expr *shifted = make(Op::Sub, Elem::F32, {x, top}, source.loc);
    const Expr *weights = make(Op::Exp, Elem::F32, {shifted}, source.loc);
    it->second = {top, weights, reduction(Op::Sum, weights, source)};
  }
  return it->second;
}

const Expr *Tree::resolve(const Expr *expr) {
  expr = fc::resolve(expr);
  if (expr->op != Op::Softmax && expr->op != Op::LogSumExp)
    return expr;
  auto [it, inserted] = written.try_emplace(expr);
  if (inserted) {
    const Normaliser &n = normaliser(*expr);
    if (expr->op == Op::Softmax) {
      it->second = make(Op::Div, Elem::F32, {n.weights, n.total}, expr->loc);
    } else {
      const Expr *log = make(Op::Log, Elem::F32, {n.total}, expr->loc);
      it->second = make(Op::Add, Elem::F32, {n.top, log}, expr->loc);
    }
  }
  return it->second;
}

const Expr *Tree::cast(const Expr *expr, Elem elem) {
  if (expr->elem == elem)
    return expr;
  auto [it, inserted] = casts.try_emplace({expr, elem});
  if (inserted)
    it->second = make(Op::Cast, elem, {expr}, expr->loc);
  return it->second;
}

const Expr *Tree::end(const Axis *axis) {
  if (!axis->upto)
    return axis->hi;
  auto [it, inserted] = ends.try_emplace(axis);
  if (inserted) {
    const Expr *most = constantOf(axis->lo) == 0
                           ? axis->upto
                           : make(Op::Add, Elem::I64, {axis->lo, axis->upto}, axis->loc);
    it->second = make(Op::Min, Elem::I64, {axis->hi, most}, axis->loc);
  }
  return it->second;
}

static bool knownAtLaunch(const Expr *expr, llvm::DenseSet<const Expr *> &seen) {
  expr = resolve(expr);
  if (!seen.insert(expr).second)
    return true; // counted where it was met first
  switch (expr->op) {
  case Op::PointRef:
  case Op::AxisRef:
  case Op::VarRef:
  case Op::Read:
    return false;
  default:
    return std::ranges::all_of(expr->operands,
                               [&](const Expr *operand) { return knownAtLaunch(operand, seen); });
  }
}

bool knownAtLaunch(const Expr *expr) {
  llvm::DenseSet<const Expr *> seen;
  return knownAtLaunch(expr, seen);
}

const Expr *Tree::extent(const Axis *axis, Intervals &intervals) {
  auto [it, inserted] = extents.try_emplace(axis);
  if (!inserted)
    return it->second;
  const Expr *extent = axis->upto;
  if (knownAtLaunch(axis->lo) && knownAtLaunch(axis->hi)) {
    extent = end(axis);
    if (constantOf(axis->lo) != 0)
      extent = make(Op::Sub, Elem::I64, {extent, axis->lo}, axis->loc);
  }
  if (!intervals.of(extent).nonNegative()) {
    Expr zero;
    zero.op = Op::Const;
    zero.elem = Elem::I64;
    zero.loc = axis->loc;
    extent = make(Op::Max, Elem::I64, {extent, &store.emplace_back(zero)}, axis->loc);
  }
  return it->second = extent;
}

} // namespace fc
