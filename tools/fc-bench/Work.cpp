// Work.cpp - counting products and the share that masks let through; see Work.h.
#include "tools/fc-bench/Work.h"
#include "runtime/Elem.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

namespace fc::bench {
namespace {

using dsl::Axis;
using dsl::Expr;
using dsl::Op;
using dsl::Stmt;
using run::HostTensor;

/// Points a side that a condition is asked at.
constexpr int64_t pointsOfAxis = 256, pointsOfGrid = 4;
constexpr double aboutHalf = 0.005;

/// The value of an expression at one point; nothing where it depends on more than inputs.
class PointEvaluator {
public:
  explicit PointEvaluator(const Given &given) : given(given) {}
  std::map<const Axis *, int64_t> at;

  std::optional<double> value(const Expr &expr) {
    auto operand = [&](size_t i) { return value(*expr.operands[i]); };
    switch (expr.op) {
    case Op::Const:
      return dsl::isFloat(expr.elem) ? expr.floatValue : static_cast<double>(expr.intValue);
    case Op::DimRef: {
      const auto found = given.dims.find(expr.dim->name);
      return found == given.dims.end() ? std::nullopt
                                       : std::optional(static_cast<double>(found->second));
    }
    case Op::ScalarRef: {
      const auto found = given.scalars.find(expr.scalar->name);
      if (found != given.scalars.end())
        return found->second.asDouble();
      return expr.scalar->init ? value(*expr.scalar->init) : std::nullopt;
    }
    case Op::PointRef:
    case Op::AxisRef: {
      const auto found = at.find(expr.axis);
      return found == at.end() ? std::nullopt : std::optional(static_cast<double>(found->second));
    }
    case Op::LetRef:
      return value(*expr.let->value);
    case Op::Read:
      return read(expr);
    case Op::Cast:
      return operand(0);
    case Op::Not: {
      const auto x = operand(0);
      return x ? std::optional(*x == 0 ? 1.0 : 0.0) : std::nullopt;
    }
    case Op::Where: {
      const auto condition = operand(0);
      return condition ? operand(*condition != 0 ? 1 : 2) : std::nullopt;
    }
    default:
      return combine(expr);
    }
  }

private:
  /// Operations whose operands are all evaluated first.
  std::optional<double> combine(const Expr &expr) {
    std::vector<double> x;
    for (const Expr *each : expr.operands) {
      const auto one = value(*each);
      if (!one)
        return std::nullopt;
      x.push_back(*one);
    }
    const bool whole = dsl::isInteger(expr.elem);
    switch (expr.op) {
    case Op::Neg:
      return -x[0];
    case Op::Add:
      return x[0] + x[1];
    case Op::Sub:
      return x[0] - x[1];
    case Op::Mul:
      return x[0] * x[1];
    case Op::Div:
      if (x[1] == 0)
        return std::nullopt;
      return whole ? std::floor(x[0] / x[1]) : x[0] / x[1];
    case Op::Mod:
      if (x[1] == 0)
        return std::nullopt;
      return x[0] - x[1] * std::floor(x[0] / x[1]);
    case Op::Min:
      return std::min(x[0], x[1]);
    case Op::Max:
      return std::max(x[0], x[1]);
    case Op::Clamp:
      return std::min(std::max(x[0], x[1]), x[2]);
    case Op::Abs:
      return std::fabs(x[0]);
    case Op::Lt:
      return x[0] < x[1];
    case Op::Le:
      return x[0] <= x[1];
    case Op::Gt:
      return x[0] > x[1];
    case Op::Ge:
      return x[0] >= x[1];
    case Op::Eq:
      return x[0] == x[1];
    case Op::Ne:
      return x[0] != x[1];
    case Op::And:
      return x[0] != 0 && x[1] != 0;
    case Op::Or:
      return x[0] != 0 || x[1] != 0;
    case Op::Bit:
      return static_cast<double>(static_cast<int64_t>(x[0]) >> static_cast<int64_t>(x[1]) & 1);
    default:
      return std::nullopt;
    }
  }

  std::optional<double> read(const Expr &expr) {
    const auto found = given.inputs.find(expr.tensor->name);
    if (found == given.inputs.end())
      return std::nullopt;
    const HostTensor &tensor = found->second;
    size_t flat = 0;
    for (size_t i = 0; i < expr.operands.size(); ++i) {
      const auto index = value(*expr.operands[i]);
      if (!index)
        return std::nullopt;
      // An optional extent (`H?`) of 1 is the same everywhere; out of bounds is nobody's truth.
      const int64_t extent = tensor.shape[i];
      const int64_t point = extent == 1 ? 0 : static_cast<int64_t>(*index);
      if (point < 0 || point >= extent)
        return std::nullopt;
      flat = flat * static_cast<size_t>(extent) + static_cast<size_t>(point);
    }
    return rt::load(tensor.elem, tensor.bits.data(), flat);
  }

  const Given &given;
};

/// Walks what a kernel's stores need, once each.
class Counter {
public:
  Counter(const dsl::Kernel &kernel, const Given &given) : kernel(kernel), evaluator(given) {}

  Work count() {
    walk(kernel.body);
    Work work;
    double outer = 1; // programs, but for tiles: those are in the axes of values
    for (const Axis *axis : kernel.grid)
      if (axis->isPoint())
        outer *= extent(*axis);
    const double share = shareOfMasks();
    for (const auto &[dot, loops] : dots) {
      std::set<const Axis *> axes(dot->axes.begin(), dot->axes.end());
      axes.insert(dot->reduced.begin(), dot->reduced.end());
      double terms = 2 * outer;
      for (const Axis *axis : loops)
        if (axis->isPoint())
          terms *= extent(*axis);
      for (const Axis *axis : axes)
        terms *= extent(*axis);
      work.dense += terms;
      work.flops += terms * (masksCover(axes) ? share : 1);
    }
    work.note = note;
    return work;
  }

private:
  void walk(const std::vector<Stmt> &body) {
    for (const Stmt &stmt : body) {
      if (stmt.value)
        visit(*stmt.value);
      if (stmt.var && stmt.var->init)
        visit(*stmt.var->init);
      if (stmt.kind == Stmt::For) {
        loops.push_back(stmt.axis);
        walk(stmt.body);
        loops.pop_back();
      }
    }
  }

  void visit(const Expr &expr) {
    if (!seen.insert(&expr).second)
      return;
    if (expr.op == Op::Dot)
      dots.emplace_back(&expr, loops);
    if (expr.op == Op::LetRef)
      visit(*expr.let->value);
    if (expr.op == Op::Where) {
      // What is left out of a softmax, or of a product.
      auto leaves = [](const Expr &side) {
        return side.op == Op::Const && dsl::isFloat(side.elem) &&
               side.floatValue == -std::numeric_limits<double>::infinity();
      };
      if (leaves(*expr.operands[2]))
        masks.push_back({expr.operands[0], true});
      else if (leaves(*expr.operands[1]))
        masks.push_back({expr.operands[0], false});
    }
    for (const Expr *operand : expr.operands)
      visit(*operand);
  }

  double extent(const Axis &axis) {
    const auto lo = axis.lo ? evaluator.value(*axis.lo) : std::optional(0.0);
    auto hi = axis.hi ? evaluator.value(*axis.hi) : std::nullopt;
    if (!lo || !hi) {
      note = fmt::format("the extent of axis `{}` depends on data", axis.name);
      return 1;
    }
    return std::max(*hi - *lo, 0.0);
  }

  struct Mask {
    const Expr *condition;
    bool keeps; ///< where it is true
  };

  /// The axes that all masks together speak of.
  std::set<const Axis *> maskedAxes() const {
    std::set<const Axis *> axes;
    for (const Mask &mask : masks)
      axes.insert(mask.condition->axes.begin(), mask.condition->axes.end());
    return axes;
  }
  bool masksCover(const std::set<const Axis *> &axes) const {
    const auto masked = maskedAxes();
    return !masks.empty() && std::ranges::includes(axes, masked);
  }

  /// The share of all points that every mask lets through.
  double shareOfMasks() {
    if (masks.empty())
      return 1;
    std::vector<const Axis *> axes;
    std::vector<int64_t> low, points, size;
    auto add = [&](const Axis *axis, int64_t most) {
      const auto whole = static_cast<int64_t>(extent(*axis));
      axes.push_back(axis);
      low.push_back(axis->lo ? static_cast<int64_t>(evaluator.value(*axis->lo).value_or(0)) : 0);
      size.push_back(whole);
      points.push_back(std::min(whole, most));
    };
    for (const Axis *axis : kernel.grid)
      if (axis->isPoint())
        add(axis, pointsOfGrid);
    for (const Axis *axis : maskedAxes())
      add(axis, pointsOfAxis);
    int64_t asked = 0, kept = 0;
    std::vector<int64_t> index(axes.size(), 0);
    if (std::ranges::find(points, 0) != points.end())
      return 1;
    for (bool more = true; more;) {
      // The middle of each part of an axis.
      for (size_t a = 0; a < axes.size(); ++a)
        evaluator.at[axes[a]] = low[a] + (2 * index[a] + 1) * size[a] / (2 * points[a]);
      bool through = true;
      for (const Mask &mask : masks) {
        const auto holds = evaluator.value(*mask.condition);
        if (!holds) {
          note = "the mask depends on what is computed, so all of it is counted";
          return 1;
        }
        through &= (*holds != 0) == mask.keeps;
      }
      ++asked;
      kept += through;
      more = false;
      for (size_t a = axes.size(); a-- > 0 && !more;) {
        more = ++index[a] < points[a];
        if (!more)
          index[a] = 0;
      }
    }
    const double share = static_cast<double>(kept) / static_cast<double>(asked);
    return std::fabs(share - 0.5) < aboutHalf ? 0.5 : share;
  }

  const dsl::Kernel &kernel;
  PointEvaluator evaluator;
  std::vector<const Axis *> loops;
  std::set<const Expr *> seen;
  std::vector<std::pair<const Expr *, std::vector<const Axis *>>> dots;
  std::vector<Mask> masks;
  std::string note;
};

} // namespace

Work workOf(const dsl::Kernel &kernel, const Given &given) {
  return Counter(kernel, given).count();
}

Work workOf(const dsl::Program &program, const run::Session &session) {
  Work work;
  for (const rt::KernelSpec *spec : session.kernels()) {
    const dsl::Kernel *kernel = program.kernel(spec->name);
    if (!kernel)
      continue;
    const Work own = workOf(*kernel, {session.dims, session.scalars, session.inputs});
    work.flops += own.flops;
    work.dense += own.dense;
    if (!own.note.empty())
      work.note = own.note;
  }
  return work;
}

} // namespace fc::bench
