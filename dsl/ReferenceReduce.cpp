// ReferenceReduce.cpp - contractions, reductions and normalisers.
//
// Points that a mask excludes (rule S2) do not exist here: before a reduction its operand is set to
// the identity wherever an exclusion says so, whatever NaN or fault stands there. In `dot`, points
// excluded by a condition over the contracted axes (and axes that both operands have, which are as
// a scalar to the contraction) take no part at all, so that the other operand does not reach the
// result either; a condition that varies along the other axes leaves 0 * v.
#include "dsl/ReferenceEval.h"
#include <algorithm>
#include <cmath>

namespace fc::dsl {

using ops::Kind;
using ops::kInf;

//===-- masks
//-------------------------------------------------------------------------------------===//

ValueRef Evaluator::condition(const Exclusion &exclusion) {
  if (exclusion.via)
    return states[plan.slot(exclusion.via)].conditions[exclusion.index];
  return eval(exclusion.condition);
}

namespace {

/// Calls fn(point of x, whether it is excluded by `condition` being `deadWhen`); the condition's
/// axes are among those of x. A condition that is itself not there excludes nothing.
template <class Fn> void eachDead(const Value &x, const Value &condition, bool deadWhen, Fn fn) {
  std::array<std::vector<int64_t>, 1> strides = {stridesOver(condition, x.axes)};
  int64_t step = x.axes.empty() ? 0 : strides[0].back();
  walk<1>(x.dims, strides, [&](int64_t at, const std::array<int64_t, 1> &offsets, int64_t n) {
    for (int64_t k = 0; k < n; ++k) {
      int64_t c = offsets[0] + k * step;
      if (bool(condition.b[c]) == deadWhen && (condition.poison.empty() || !condition.poison[c]))
        fn(at + k);
    }
  });
}

template <class T> ValueRef setDead(ValueRef x, const Value &condition, bool deadWhen, T identity) {
  bool changes = false;
  const std::vector<T> &data = x->data<T>();
  eachDead(*x, condition, deadWhen, [&](int64_t at) {
    changes |= data[at] != identity || (!x->poison.empty() && x->poison[at]);
  });
  if (!changes)
    return x;
  Value out = *x;
  eachDead(*x, condition, deadWhen, [&](int64_t at) {
    out.data<T>()[at] = identity;
    if (!out.poison.empty())
      out.poison[at] = 0;
  });
  return std::make_shared<const Value>(std::move(out));
}

} // namespace

/// The operand's value, with the identity at excluded points.
ValueRef Evaluator::withoutExcluded(const Expr *operand, Absorbed identity) {
  ValueRef x = eval(operand);
  for (const Exclusion &exclusion : plan.info(operand).exclusions) {
    if (exclusion.value != identity)
      continue;
    ValueRef c = condition(exclusion);
    switch (x->kind) {
    case Kind::Float:
      x = setDead<double>(x, *c, exclusion.deadWhen,
                          identity == Absorbed::NegInf   ? -kInf
                          : identity == Absorbed::PosInf ? kInf
                                                         : 0.0);
      break;
    case Kind::Int:
      x = setDead<int64_t>(x, *c, exclusion.deadWhen, 0);
      break;
    case Kind::Bool:
      x = setDead<uint8_t>(x, *c, exclusion.deadWhen, identity == Absorbed::True);
      break;
    }
  }
  return x;
}

/// The points of a contraction that take no part in it, as a Bool value; null if there are none.
ValueRef Evaluator::deadPoints(const Expr *e) {
  auto over = [](const std::vector<const Axis *> &axes, const Axis *axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  };
  const Expr *x = e->operands[0], *y = e->operands[1];
  Value dead = makeValue(Kind::Bool, {}, {});
  bool any = false;
  for (const Expr *operand : {x, y})
    for (const Exclusion &exclusion : plan.info(operand).exclusions) {
      if (exclusion.value != Absorbed::Zero)
        continue;
      const std::vector<const Axis *> &axes = exclusion.condition->axes;
      bool shared = std::all_of(axes.begin(), axes.end(), [&](const Axis *axis) {
        return over(x->axes, axis) && over(y->axes, axis);
      });
      if (!shared)
        continue;
      ValueRef c = condition(exclusion);
      std::vector<const Axis *> both = dead.axes;
      for (const Axis *axis : c->axes)
        if (!over(both, axis))
          both.push_back(axis);
      std::sort(both.begin(), both.end(),
                [](const Axis *a, const Axis *b) { return a->id < b->id; });
      dead = arrange(dead, both, extentsOf(both));
      eachDead(dead, *c, exclusion.deadWhen, [&](int64_t at) {
        dead.b[at] = 1;
        any = true;
      });
    }
  return any ? std::make_shared<const Value>(std::move(dead)) : nullptr;
}

//===-- reductions
//--------------------------------------------------------------------------------===//

Value Evaluator::dot(const Expr *e) {
  ValueRef x = withoutExcluded(e->operands[0], Absorbed::Zero);
  ValueRef y = withoutExcluded(e->operands[1], Absorbed::Zero);
  ValueRef dead = deadPoints(e);
  Value out = emptyResult(e);
  contract(out, *x, *y, e->reduced, dead.get());
  return out;
}

/// An operand as a matrix: a row for each point of the axes that stay, a column for each reduced
/// one.
struct Evaluator::Rows {
  ValueRef value;
  std::vector<const Axis *>
      axes; ///< of the value: those that stay, then the reduced ones as written
  std::vector<const Axis *> kept;
  int64_t rows = 1, columns = 1;
  /// The first poison of a row, 0 without.
  uint32_t poisonOf(int64_t row) const {
    if (!value->poison.empty())
      for (int64_t at = row * columns; at < (row + 1) * columns; ++at)
        if (value->poison[at])
          return value->poison[at];
    return 0;
  }
};

Evaluator::Rows Evaluator::rowsOf(const Expr *e, Absorbed identity) {
  Rows rows;
  ValueRef x = withoutExcluded(e->operands[0], identity);
  for (const Axis *axis : x->axes)
    if (std::find(e->reduced.begin(), e->reduced.end(), axis) == e->reduced.end())
      rows.kept.push_back(axis);
  rows.axes = rows.kept;
  rows.axes.insert(rows.axes.end(), e->reduced.begin(), e->reduced.end());
  for (int64_t extent : extentsOf(rows.kept))
    rows.rows *= extent;
  for (int64_t extent : extentsOf(e->reduced))
    rows.columns *= extent;
  rows.value = broadcast(x, rows.axes, extentsOf(rows.axes));
  return rows;
}

namespace {

/// The greatest of the values that count as seen; -inf if none does (rule S1).
double seenMax(const double *x, int64_t n) {
  double most = -kInf;
  for (int64_t k = 0; k < n; ++k) {
    if (std::isnan(x[k]))
      return x[k];
    if (x[k] > most && x[k] >= ops::kUnseen)
      most = x[k];
  }
  return most;
}

double reduceFloats(Op op, const double *x, int64_t n) {
  if (op == Op::MaxOf)
    return seenMax(x, n);
  double result = op == Op::MinOf ? kInf : 0;
  for (int64_t k = 0; k < n; ++k)
    result = op == Op::MinOf ? ops::min(result, x[k]) : result + x[k];
  return result;
}

int64_t reduceInts(Op op, const int64_t *x, int64_t n) {
  int64_t result = op == Op::MaxOf   ? std::numeric_limits<int64_t>::min()
                   : op == Op::MinOf ? std::numeric_limits<int64_t>::max()
                                     : 0;
  for (int64_t k = 0; k < n; ++k)
    result = op == Op::MaxOf   ? ops::max(result, x[k])
             : op == Op::MinOf ? ops::min(result, x[k])
                               : ops::add(result, x[k]);
  return result;
}

Absorbed identityOf(Op op) {
  switch (op) {
  case Op::MaxOf:
  case Op::Softmax:
  case Op::LogSumExp:
    return Absorbed::NegInf;
  case Op::MinOf:
    return Absorbed::PosInf;
  case Op::Any:
    return Absorbed::False;
  case Op::All:
    return Absorbed::True;
  default:
    return Absorbed::Zero;
  }
}

} // namespace

Value Evaluator::reduce(const Expr *e) {
  Rows x = rowsOf(e, identityOf(e->op));
  Value out = emptyResult(e);
  bool poisoned = !x.value->poison.empty();
  if (poisoned)
    out.poison.resize(out.size());
  for (int64_t row = 0; row < x.rows; ++row) {
    int64_t at = row * x.columns;
    switch (out.kind) {
    case Kind::Float:
      out.f[row] = reduceFloats(e->op, x.value->f.data() + at, x.columns);
      break;
    case Kind::Int:
      out.i[row] = reduceInts(e->op, x.value->i.data() + at, x.columns);
      break;
    case Kind::Bool: {
      const uint8_t *first = x.value->b.data() + at, *last = first + x.columns;
      out.b[row] =
          e->op == Op::Any ? std::find(first, last, 1) != last : std::find(first, last, 0) == last;
      break;
    }
    }
    if (poisoned)
      out.poison[row] = x.poisonOf(row);
  }
  return out;
}

/// `softmax`, `logsumexp`: a row that sees nothing gives 0 and -inf.
Value Evaluator::normalise(const Expr *e) {
  Rows x = rowsOf(e, Absorbed::NegInf);
  bool keeps = e->op == Op::Softmax;
  Value out = makeValue(Kind::Float, keeps ? x.axes : x.kept, extentsOf(keeps ? x.axes : x.kept));
  if (!x.value->poison.empty())
    out.poison.resize(out.size());
  std::vector<double> weights(x.columns);
  for (int64_t row = 0; row < x.rows; ++row) {
    const double *score = x.value->f.data() + row * x.columns;
    double *weight = keeps ? out.f.data() + row * x.columns : weights.data();
    double most = seenMax(score, x.columns), sum = 0;
    for (int64_t k = 0; k < x.columns; ++k) {
      weight[k] = std::exp(ops::sub(score[k], most));
      sum += weight[k];
    }
    if (keeps)
      for (int64_t k = 0; k < x.columns; ++k)
        weight[k] = ops::div(weight[k], sum);
    else
      out.f[row] = most == -kInf ? -kInf : most + std::log(sum);
    if (out.poison.empty())
      continue;
    uint32_t poison = x.poisonOf(row);
    if (keeps)
      std::fill_n(out.poison.begin() + row * x.columns, x.columns, poison);
    else
      out.poison[row] = poison;
  }
  return arrange(out, e->axes, extentsOf(e->axes));
}

Value Evaluator::cumulate(const Expr *e) {
  Rows x = rowsOf(e, Absorbed::Zero);
  Value out = *x.value;
  for (int64_t row = 0; row < x.rows; ++row)
    for (int64_t at = row * x.columns + 1; at < (row + 1) * x.columns; ++at) {
      if (out.kind == Kind::Float)
        out.f[at] += out.f[at - 1];
      else
        out.i[at] = ops::add(out.i[at], out.i[at - 1]);
      if (!out.poison.empty() && !out.poison[at])
        out.poison[at] = out.poison[at - 1];
    }
  return arrange(out, e->axes, extentsOf(e->axes));
}

} // namespace fc::dsl
