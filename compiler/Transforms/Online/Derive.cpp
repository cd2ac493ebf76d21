// Derive.cpp - hoisting, anchors, peeling, and the order of the accumulators
#include "compiler/Transforms/Online/Derive.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include <limits>

using namespace mlir;

namespace fc::online {

AxisMask Side::axes() const {
  AxisMask mask = exponent ? exponent->axes : 0;
  for (auto &[node, power] : atoms)
    mask |= node->axes;
  for (const Node *guard : guards)
    mask |= guard->axes;
  return mask;
}

SmallVector<ShiftAtom> shiftAtoms(const Accumulator &accumulator) {
  SmallVector<ShiftAtom> result;
  for (auto [i, side] : llvm::enumerate(accumulator.sides))
    for (auto &[node, power] : side.atoms)
      if (node->kind == Kind::Shift)
        result.push_back({unsigned(i), node, power});
  return result;
}

//===-- Accumulators -----------------------------------------------------------===//

/// The sides with other powers of the shift atoms.
static SmallVector<Side, 2> loweredSides(const Accumulator &accumulator, ArrayRef<int64_t> powers) {
  SmallVector<Side, 2> sides = accumulator.sides;
  for (auto [atom, power] : llvm::zip(shiftAtoms(accumulator), powers)) {
    auto &atoms = sides[atom.side].atoms;
    auto it = llvm::find_if(atoms, [&](auto &entry) { return entry.first == atom.shift; });
    it->second = power;
    if (power == 0)
      atoms.erase(it);
  }
  // A side that was the shift alone is 1 everywhere: what is left is a plain sum of the other side.
  if (sides.size() == 2)
    for (unsigned i : {0, 1})
      if (sides[i].empty()) {
        Side other = sides[1 - i];
        other.type = nullptr;
        return {other};
      }
  return sides;
}

const Node *Derivation::accumulate(ReduceKind kind, AxisMask reduced, ArrayRef<Side> sides,
                                   Location location, Type type) {
  for (Accumulator &known : list)
    if (known.kind == kind && known.reduced == reduced && known.type() == type &&
        ArrayRef<Side>(known.sides) == sides)
      return known.node;
  AxisMask axes = 0;
  for (const Side &side : sides)
    axes |= side.axes();
  Accumulator made{kind, reduced, SmallVector<Side, 2>(sides), nullptr, location};
  made.node = graph.accumulator(axes & ~reduced, walk, type);
  list.push_back(made);
  // Closure under shifts: (w + d)^n needs every lower power of w.
  SmallVector<ShiftAtom> shifts = shiftAtoms(made);
  SmallVector<int64_t> powers;
  for (ShiftAtom atom : shifts)
    powers.push_back(atom.power);
  for (int64_t &power : powers) {
    --power;
    accumulate(kind, reduced, loweredSides(made, powers), location, type);
    ++power;
  }
  return made.node;
}

const Accumulator &Derivation::lowered(const Accumulator &accumulator,
                                       ArrayRef<int64_t> powers) const {
  SmallVector<Side, 2> sides = loweredSides(accumulator, powers);
  return *llvm::find_if(list, [&](const Accumulator &known) {
    return known.kind == accumulator.kind && known.reduced == accumulator.reduced &&
           known.type() == accumulator.type() && known.sides == sides;
  });
}

/// The reductions of the walk that `node` is made of, through the values of others.
static void forEachReduction(const Node *node, llvm::SmallPtrSetImpl<const Node *> &seen,
                             llvm::function_ref<void(const Node *)> visit) {
  if (!seen.insert(node).second)
    return;
  if (node->kind == Kind::Reduce || node->kind == Kind::Accumulator)
    return visit(node);
  for (const Node *operand : node->operands)
    forEachReduction(operand, seen, visit);
  if (node->kind == Kind::Value)
    for (const Node *source : node->sources)
      forEachReduction(source, seen, visit);
}

void Derivation::sort() {
  SmallVector<Accumulator> sorted;
  llvm::SmallPtrSet<const Node *, 8> placed;
  std::function<void(const Node *)> place;
  auto placeAllIn = [&](const Node *node) {
    llvm::SmallPtrSet<const Node *, 8> seen;
    SmallVector<const Node *> found;
    forEachReduction(node, seen, [&](const Node *leaf) { found.push_back(leaf); });
    for (const Node *leaf : found)
      place(leaf);
  };
  place = [&](const Node *node) {
    if (node->kind == Kind::Reduce) {
      if (const Node *value = values.lookup(unsigned(node->number)))
        if (placed.insert(node).second)
          placeAllIn(value);
      return;
    }
    if (!placed.insert(node).second)
      return;
    const Accumulator &accumulator =
        *llvm::find_if(list, [&](const Accumulator &known) { return known.node == node; });
    for (const Side &side : accumulator.sides) {
      for (auto &[atom, power] : side.atoms)
        placeAllIn(atom);
      for (const Node *guard : side.guards)
        placeAllIn(guard);
      if (side.exponent)
        placeAllIn(side.exponent);
    }
    sorted.push_back(accumulator);
  };
  for (const Accumulator &accumulator : list)
    place(accumulator.node);
  list = std::move(sorted);
}

//===-- Reductions -------------------------------------------------------------===//

std::optional<Refusal> Derivation::add(unsigned index) {
  const Reduction &reduction = graph.reductions()[index];
  ReductionMask earlier = walk;
  walk |= ReductionMask(1) << index;
  size_t before = list.size();
  std::optional<Refusal> refusal;
  if (reduction.kind == ReduceKind::Sum) {
    refusal = addSum(reduction, {reduction.axes, earlier});
  } else {
    Refusal why;
    const Node *body = reduction.node->operands[0];
    if (const Node *value = peel(reduction.kind, body, {reduction.axes, earlier}, reduction, why))
      values[index] = value;
    else
      refusal = why;
  }
  if (refusal) {
    list.truncate(before);
    walk = earlier;
  }
  return refusal;
}

/// Whether a factor is a number for every row, or divides so that 0 / 0 is 0 (language S1).
static bool isSafe(const Node *factor, const View &view) {
  if (!view.moved(factor) || factor->kind == Kind::Reduce)
    return !view.moved(factor);
  if (factor->kind == Kind::Mul)
    return isSafe(factor->operands[0], view) && isSafe(factor->operands[1], view);
  return factor->kind == Kind::Power && factor->number < 0;
}

/// The sum times what left it. A row without points has sum 0, whatever the factor is there: 0 *
/// log 0 is 0.
const Node *Derivation::scaled(const Node *sum, const Node *factor, const View &view) {
  const Node *product = graph.mul(factor, sum);
  if (isSafe(factor, view))
    return product;
  return graph.select(graph.isEqual(sum, graph.constant(0)), graph.constant(0), product);
}

std::optional<Refusal> Derivation::addSum(const Reduction &reduction, const View &view) {
  ArrayRef<const Node *> bodies = reduction.node->operands;
  Type type = elementOf(reduction.op->getResult(0).getType());
  // Floats are summed in f32, whatever they are stored as.
  Type carried = isa<FloatType>(type) ? Type(Float32Type::get(type.getContext())) : type;

  // Nothing moves under the sum: the bodies stay as they are written.
  if (llvm::none_of(bodies, [&](const Node *body) { return view.moved(body); })) {
    SmallVector<Side, 2> sides;
    for (const Node *body : bodies) {
      Side side;
      side.atoms.push_back({body, 1});
      if (reduction.isDot())
        side.type = body->type;
      sides.push_back(side);
    }
    values[reduction.node->number] =
        accumulate(ReduceKind::Sum, reduction.axes, sides, reduction.op->getLoc(), carried);
    return std::nullopt;
  }
  if (!isa<FloatType>(type))
    return Refusal{bodies[0], "it sums integers that depend on an earlier reduction over the walk"};

  NormalForm form(graph, view);
  SmallVector<Polynomial, 2> forms;
  for (const Node *body : bodies) {
    auto normal = form.of(body);
    if (!normal)
      return form.refusal();
    forms.push_back(*normal);
  }
  // Both sides of a product: every term of the one with every term of the other.
  if (forms.size() == 1)
    forms.push_back({{Monomial{}, 1.0}});
  const Node *value = graph.constant(0);
  for (auto &[first, c] : forms[0])
    for (auto &[second, d] : forms[1]) {
      Side sides[2];
      const Node *hoisted = graph.constant(c * d);
      for (auto [side, monomial, i] : {std::tuple(&sides[0], &first, 0), {&sides[1], &second, 1}}) {
        if (reduction.isDot()) {
          side->type = bodies[i]->type;
        }
        if (auto refusal = split(*monomial, form, view, *side, hoisted))
          return refusal;
      }
      SmallVector<Side, 2> kept;
      for (unsigned i = 0; i < bodies.size(); ++i)
        if (!sides[i].empty())
          kept.push_back(sides[i]);
      if (kept.size() == 2) {
        for (unsigned i = 0; i < 2; ++i)
          if (auto refusal = checkCast(sides[i], sides[i].type, reduction, view.moved(bodies[i])))
            return refusal;
      } else {
        // Nothing of one side is left inside: a plain sum of the other. Of neither: the number of
        // points.
        if (kept.empty())
          kept.emplace_back();
        kept[0].type = nullptr;
      }
      const Node *sum =
          accumulate(ReduceKind::Sum, reduction.axes, kept, reduction.op->getLoc(), carried);
      value = graph.add(value, scaled(sum, hoisted, view));
    }
  values[reduction.node->number] = value;
  return std::nullopt;
}

std::optional<Refusal> Derivation::checkCast(const Side &side, Type type,
                                             const Reduction &reduction, bool mixed) {
  if (!mixed || !isa<FloatType>(type) || type.isF32() || type.isBF16())
    return std::nullopt;
  for (auto &[node, power] : side.atoms)
    if (node->kind == Kind::Shift || power < 0 || !isBoundedByOne(node)) {
      std::string name;
      llvm::raw_string_ostream(name) << type;
      return Refusal{
          node, "what is cast to " + name +
                    " is not bounded by 1 before the walk ends, so it may overflow; bf16 and f32 "
                    "have the range"};
    }
  return std::nullopt;
}

std::optional<Refusal> Derivation::split(const Monomial &monomial, NormalForm &form,
                                         const View &view, Side &side, const Node *&hoisted) {
  for (auto &[node, power] : monomial.atoms) {
    if (node->kind == Kind::Guard || node->kind == Kind::Equal) {
      side.guards.push_back(node);
    } else if (node->kind == Kind::Shift) {
      if (power < 0)
        return Refusal{node,
                       "this divides by a difference between the walk and an earlier reduction"};
      side.atoms.push_back({node, power});
    } else if (view.along(node)) {
      if (view.moved(node))
        return Refusal{
            node, "a value along the walk is computed from an earlier reduction by an operation "
                  "that does not separate the two"};
      side.atoms.push_back({node, power});
    } else {
      hoisted = graph.mul(hoisted, graph.power(node, power));
    }
  }
  return anchor(side, hoisted, form, view, monomial.exponent);
}

std::optional<Refusal> Derivation::anchor(Side &side, const Node *&hoisted, NormalForm &form,
                                          const View &view,
                                          ArrayRef<std::pair<const Node *, double>> exponent) {
  SmallVector<std::pair<const Node *, double>> along, rest;
  for (auto &entry : exponent)
    (view.along(entry.first) ? along : rest).push_back(entry);
  if (along.empty()) {
    if (!rest.empty())
      hoisted = graph.mul(hoisted, graph.unary(Kind::Exp, form.sum(rest)));
    return std::nullopt;
  }
  const Node *x = form.sum(along), *y = form.sum(rest);
  if (llvm::none_of(rest, [&](auto &entry) { return view.moved(entry.first); })) {
    SmallVector<std::pair<const Node *, double>> all(exponent);
    side.exponent = form.sum(all);
    return std::nullopt;
  }
  const Node *infinity = graph.constant(-std::numeric_limits<double>::infinity());
  // exp(x + y) is 0 where x is -inf, so a guard that says x > -inf says nothing new.
  llvm::erase_if(side.guards, [&](const Node *guard) {
    if (guard->kind != Kind::Guard || !guard->number)
      return false;
    auto comparison = asComparison(guard->operands[0]);
    return comparison && !comparison->orEqual && comparison->greater == x &&
           comparison->smaller == infinity;
  });
  bool proved = rest.size() == 1 && dominates(graph, view, graph.negate(y), x);
  if (!proved && llvm::any_of(side.guards, [](const Node *g) { return g->kind == Kind::Guard; })) {
    // The bound may hold only where the guards do: a mask written inside exp must reach the
    // maximum, or a huge score that is masked out would set the anchor.
    llvm::erase_if(side.guards, [&](const Node *guard) {
      if (guard->kind != Kind::Guard)
        return false;
      x = guard->number ? graph.select(guard->operands[0], x, infinity)
                        : graph.select(guard->operands[0], infinity, x);
      return true;
    });
    proved = rest.size() == 1 && dominates(graph, view, graph.negate(y), x);
  }
  if (proved) {
    side.exponent = graph.shift(x, y, x->location);
    return std::nullopt;
  }
  // No proof that x + y is bounded: a maximum of x made for it, and the difference leaves the sum.
  Side body;
  body.atoms.push_back({x, 1});
  const Node *top = accumulate(ReduceKind::Max, view.reduced, {body}, x->location, x->type);
  side.exponent = graph.shift(x, graph.negate(top), x->location);
  hoisted = graph.mul(hoisted, graph.unary(Kind::Exp, graph.add(top, y)));
  return std::nullopt;
}

//===-- max, min, any, all -----------------------------------------------------===//

static ReduceKind opposite(ReduceKind kind) {
  return kind == ReduceKind::Max ? ReduceKind::Min : ReduceKind::Max;
}

const Node *Derivation::peel(ReduceKind kind, const Node *body, const View &view,
                             const Reduction &reduction, Refusal &refusal) {
  auto carry = [&](const Side &side) {
    Type type = side.atoms[0].first->type;
    if (isa<FloatType>(type))
      type = Float32Type::get(type.getContext());
    return accumulate(kind, view.reduced, {side}, reduction.op->getLoc(), type);
  };
  auto refuse = [&](const Node *at, const Twine &why) -> const Node * {
    if (!refusal.at)
      refusal = {at, why.str()};
    return nullptr;
  };
  Class cls = view.classOf(body);
  // A constant is still reduced over points that may not be there.
  if (cls == Class::Along || cls == Class::Plain) {
    Side side;
    side.atoms.push_back({body, 1});
    return carry(side);
  }
  bool extremum = kind == ReduceKind::Max || kind == ReduceKind::Min;
  auto inner = [&](const Node *operand, ReduceKind which) {
    return view.along(operand) ? peel(which, operand, view, reduction, refusal) : operand;
  };
  if (cls == Class::Moved)
    return body;
  ArrayRef<const Node *> in = body->operands;
  if (extremum) {
    switch (body->kind) {
    case Kind::Add: {
      NormalForm form(graph, view);
      SmallVector<std::pair<const Node *, double>> all, along, moved, mixed;
      form.addends(body, 1, all);
      for (auto &entry : all)
        switch (view.classOf(entry.first)) {
        case Class::Mixed:
          mixed.push_back(entry);
          break;
        case Class::Along:
          along.push_back(entry);
          break;
        default:
          moved.push_back(entry);
        }
      if (mixed.size() + !along.empty() != 1)
        break;
      const Node *part = inner(form.sum(mixed.empty() ? along : mixed), kind);
      return part ? graph.add(part, form.sum(moved)) : nullptr;
    }
    case Kind::Mul: {
      if (view.along(in[0]) && view.along(in[1]))
        break;
      const Node *factor = view.along(in[0]) ? in[1] : in[0];
      const Node *rest = view.along(in[0]) ? in[0] : in[1];
      bool positive = isPositive(graph, factor);
      if (positive || factor->kind == Kind::Constant) {
        const Node *part = inner(rest, positive ? kind : opposite(kind));
        return part ? graph.mul(factor, part) : nullptr;
      }
      // Of unknown sign: both ends are carried, and the sign decides after the walk.
      const Node *same = inner(rest, kind), *other = same ? inner(rest, opposite(kind)) : nullptr;
      return other ? graph.select(graph.isGreater(factor, graph.constant(0)),
                                  graph.mul(factor, same), graph.mul(factor, other))
                   : nullptr;
    }
    case Kind::Exp:
    case Kind::Log: {
      const Node *part = inner(in[0], kind);
      return part ? graph.unary(body->kind, part) : nullptr;
    }
    case Kind::Cast: {
      // Rounding is monotone; it is permitted, not asked for.
      return inner(in[0], kind);
    }
    case Kind::Scalar: {
      if (!isScalar(body, "math.tanh") && !isScalar(body, "math.sqrt"))
        break;
      const Node *part = inner(in[0], kind);
      return part ? graph.like(body, {part}) : nullptr;
    }
    case Kind::Max:
    case Kind::Min: {
      bool same = (body->kind == Kind::Max) == (kind == ReduceKind::Max);
      if (!same && view.along(in[0]) && view.along(in[1]))
        break;
      const Node *a = inner(in[0], kind), *b = a ? inner(in[1], kind) : nullptr;
      return b ? graph.extremum(body->kind, a, b) : nullptr;
    }
    case Kind::Select: {
      // Among the points that attain a maximum: an equality carries the accumulator or drops it.
      double neutral = kind == ReduceKind::Max ? -std::numeric_limits<double>::infinity()
                                               : std::numeric_limits<double>::infinity();
      auto sides = asEquality(in[0]);
      if (!sides || !in[2]->is(neutral) || view.classOf(in[1]) != Class::Along)
        break;
      for (auto [x, maximum] : {*sides, std::pair(sides->second, sides->first)})
        if (!view.along(maximum) && view.classOf(x) == Class::Along &&
            dominates(graph, view, maximum, x)) {
          Side side;
          side.atoms.push_back({in[1], 1});
          side.guards.push_back(graph.equal(x, maximum));
          return carry(side);
        }
      break;
    }
    default:
      break;
    }
  } else if (auto comparison = asComparison(body)) {
    // any(u > F) = max u > F;  all(u > F) = min u > F.
    const Node *u = comparison->greater, *f = comparison->smaller;
    if (!view.along(u) || !view.along(f)) {
      bool upper = view.along(u);
      bool top = (kind == ReduceKind::Any) == upper;
      const Node *part =
          peel(top ? ReduceKind::Max : ReduceKind::Min, upper ? u : f, view, reduction, refusal);
      if (!part)
        return nullptr;
      SmallVector<const Node *> operands;
      for (const Node *operand : in)
        operands.push_back(view.along(operand) ? part : operand);
      return graph.like(body, operands);
    }
  }
  return refuse(
      body,
      "`" + stringifyReduceKind(kind) +
          "` takes a value that mixes the walk with an earlier reduction in a way that is not "
          "monotone in one separate part");
}

} // namespace fc::online
