// ExactMask.cpp - the conditions of a mask, gathered from the plan of the evaluator and evaluated
#include "dsl/ExactMask.h"
#include "dsl/ReferenceEval.h"
#include <algorithm>
#include <fmt/format.h>
#include <new>

namespace fc::dsl {

struct ExactMask::State {
  State(const Kernel &kernel, Dims dims, Scalars scalars)
      : launch{kernel, std::move(dims), std::move(scalars), {}, {}}, plan(kernel, launch.scalars) {}
  Launch launch;
  Plan plan;
  std::optional<Evaluator> evaluator;
  Window window;
};

namespace {

template <class Fn> std::optional<ReferenceError> guarded(Fn fn) {
  try {
    fn();
  } catch (const Failure &failure) {
    return failure.error;
  } catch (const std::bad_alloc &) {
    return ReferenceError{{}, "the mask is out of memory"};
  }
  return std::nullopt;
}

/// What a reduction takes where it sees nothing.
std::optional<Absorbed> identityOf(Op op) {
  switch (op) {
  case Op::Softmax:
  case Op::LogSumExp:
  case Op::MaxOf:
    return Absorbed::NegInf;
  case Op::MinOf:
    return Absorbed::PosInf;
  case Op::Sum:
  case Op::Dot:
    return Absorbed::Zero;
  case Op::Any:
    return Absorbed::False;
  case Op::All:
    return Absorbed::True;
  default:
    return std::nullopt;
  }
}

} // namespace

ExactMask::ExactMask(const Kernel &kernel, const Axis *rows, const Axis *keys, Dims dims,
                     Scalars scalars)
    : kernel(kernel), rows(rows), keys(keys),
      state(std::make_unique<State>(kernel, std::move(dims), std::move(scalars))) {
  collect(kernel.body);
  for (const Parts &parts : reductions)
    for (const MaskCondition &part : parts)
      if (std::find(all.begin(), all.end(), part) == all.end())
        all.push_back(part);
  for (const Axis *axis : kernel.grid)
    addReads(axis);
  addReads(keys);
  for (const MaskCondition &part : all)
    addReads(part.condition);
  for (const Stmt &stmt : kernel.body)
    if (stmt.kind == Stmt::Assume)
      addReads(stmt.value);
}

ExactMask::~ExactMask() = default;

/// The reductions over the keys, wherever they stand.
void ExactMask::collect(const std::vector<Stmt> &stmts) {
  for (const Stmt &stmt : stmts) {
    if (stmt.let)
      collect(stmt.let->value);
    for (const Expr *index : stmt.indices)
      collect(index);
    if (stmt.value)
      collect(stmt.value);
    collect(stmt.body);
  }
}

void ExactMask::collect(const Expr *expr) {
  if (!seen.insert(expr).second)
    return;
  for (const Expr *operand : expr->operands)
    collect(operand);
  if (expr->let)
    collect(expr->let->value);
  std::optional<Absorbed> identity = identityOf(expr->op);
  if (!identity ||
      std::find(expr->reduced.begin(), expr->reduced.end(), keys) == expr->reduced.end())
    return;
  Parts parts;
  for (const Expr *operand : expr->operands)
    for (const Exclusion &exclusion : state->plan.info(operand).exclusions) {
      MaskCondition part{exclusion.condition, exclusion.deadWhen};
      if (exclusion.value != *identity ||
          std::find(parts.begin(), parts.end(), part) != parts.end())
        continue;
      if (state->plan.info(part.condition).usesVar)
        why = "the mask depends on a `var`, whose value only a run has";
      parts.push_back(part);
    }
  if (std::find(reductions.begin(), reductions.end(), parts) == reductions.end())
    reductions.push_back(parts);
}

void ExactMask::addReads(const Axis *axis) {
  if (!used.insert(axis).second)
    return;
  for (const Expr *bound : {axis->lo, axis->hi, axis->upto, axis->by})
    if (bound)
      addReads(bound);
  if (axis->kind == Axis::Loop && axis != keys)
    why = fmt::format("the mask depends on the loop over `{}`", axis->name);
}

void ExactMask::addReads(const Expr *expr) {
  if (!used.insert(expr).second)
    return;
  if (expr->op == Op::Read)
    tensors.insert(expr->tensor);
  for (const Expr *operand : expr->operands)
    addReads(operand);
  if (expr->let)
    addReads(expr->let->value);
  if (expr->axis)
    addReads(expr->axis);
  for (const Axis *axis : expr->reduced)
    addReads(axis);
}

std::optional<ReferenceError> ExactMask::enter(const std::map<std::string, Array> &given,
                                               const Dims &offsets, Window &window) {
  Launch &launch = state->launch;
  launch.inputs.clear();
  for (const Tensor *tensor : kernel.inputs)
    if (auto it = given.find(tensor->name); it != given.end())
      launch.inputs[tensor] = &it->second;
  for (const Tensor *tensor : tensors)
    if (!launch.inputs.count(tensor))
      return ReferenceError{tensor->loc,
                            fmt::format("`{}` is null, but the mask reads it", tensor->name)};
  return guarded([&] {
    state->evaluator.emplace(launch, state->plan, 0);
    Evaluator &evaluator = *state->evaluator;
    window = {};
    for (const Axis *axis : kernel.grid) {
      Evaluator::Range range = evaluator.rangeOf(axis);
      if (axis == rows) {
        window.rowBegin = range.lo;
        window.rowEnd = range.hi;
      }
      if (!axis->isPoint()) {
        evaluator.setRange(axis, range.lo, range.hi);
        continue;
      }
      auto it = offsets.find(axis->name);
      int64_t at = range.lo + (it == offsets.end() ? 0 : it->second);
      if (at < range.lo || at >= range.hi)
        throw Failure{{axis->loc, fmt::format("`{}` has {} points; {} is none of them", axis->name,
                                              range.hi - range.lo, at - range.lo)}};
      evaluator.setPoint(axis, at);
    }
    for (const Stmt &stmt : kernel.body)
      if (stmt.kind == Stmt::DeclareAxis && used.count(stmt.axis)) {
        Evaluator::Range range = evaluator.rangeOf(stmt.axis);
        evaluator.setRange(stmt.axis, range.lo, range.hi);
      }
    Evaluator::Range range = evaluator.rangeOf(keys);
    window.keyBegin = range.lo;
    window.keyEnd = range.hi;
    evaluator.setRange(keys, range.lo, range.hi);
    for (const Stmt &stmt : kernel.body)
      if (stmt.kind == Stmt::Assume)
        evaluator.run(std::vector<Stmt>{stmt});
    state->window = window;
  });
}

std::optional<ReferenceError> ExactMask::evaluate(int64_t begin, int64_t end,
                                                  std::vector<uint8_t> &live) {
  return guarded([&] {
    Evaluator &evaluator = *state->evaluator;
    std::vector<const Axis *> axes{keys};
    std::vector<int64_t> extents{state->window.keyEnd - state->window.keyBegin};
    if (rows) {
      evaluator.setRange(rows, begin, end);
      axes.insert(axes.begin(), rows);
      extents.insert(extents.begin(), end - begin);
    }
    live.assign(size_t(extents.front()) * (rows ? size_t(extents.back()) : 1), 0);
    for (const Parts &parts : reductions) {
      std::vector<uint8_t> kept(live.size(), 1);
      for (const MaskCondition &part : parts) {
        ValueRef value = broadcast(evaluator.valueOf(part.condition), axes, extents);
        for (size_t n = 0; n < kept.size(); ++n)
          kept[n] &= uint8_t(bool(value->b[n]) != part.deadWhen);
      }
      for (size_t n = 0; n < live.size(); ++n)
        live[n] |= kept[n];
    }
  });
}

} // namespace fc::dsl
