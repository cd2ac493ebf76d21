// NormalForm.cpp - rules of the normal form, and of the facts it asks for
#include "compiler/Transforms/Online/NormalForm.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace fc::online {

/// Products of sums grow; what has more terms than this is not a formula anyone wrote on purpose.
static constexpr size_t kMaxTerms = 64;

//===-- Polynomials ------------------------------------------------------------===//

bool MonomialLess::operator()(const Monomial &a, const Monomial &b) const {
  auto key = [](auto &entry) { return std::pair(entry.first->id, entry.second); };
  auto less = [&](auto &x, auto &y) { return key(x) < key(y); };
  if (std::lexicographical_compare(a.atoms.begin(), a.atoms.end(), b.atoms.begin(), b.atoms.end(),
                                   less))
    return true;
  if (std::lexicographical_compare(b.atoms.begin(), b.atoms.end(), a.atoms.begin(), a.atoms.end(),
                                   less))
    return false;
  return std::lexicographical_compare(a.exponent.begin(), a.exponent.end(), b.exponent.begin(),
                                      b.exponent.end(), less);
}

template <typename List, typename Amount>
static void accumulate(List &list, const Node *node, Amount amount) {
  auto it = llvm::lower_bound(list, node->id,
                              [](auto &entry, unsigned id) { return entry.first->id < id; });
  if (it == list.end() || it->first != node)
    list.insert(it, {node, amount});
  else if ((it->second += amount) == 0)
    list.erase(it);
}

static Polynomial one(double coefficient = 1) { return {{Monomial{}, coefficient}}; }

static Polynomial atom(const Node *node, int64_t power = 1) {
  Monomial monomial;
  monomial.atoms.push_back({node, power});
  return {{monomial, 1.0}};
}

static Polynomial exponential(const Node *exponent, double coefficient) {
  Monomial monomial;
  monomial.exponent.push_back({exponent, coefficient});
  return {{monomial, 1.0}};
}

static void addTo(Polynomial &sum, const Polynomial &other, double factor = 1) {
  for (auto &[monomial, coefficient] : other) {
    double &total = sum[monomial];
    total += factor * coefficient;
    if (total == 0)
      sum.erase(monomial);
  }
}

std::optional<Polynomial> NormalForm::times(const Polynomial &a, const Polynomial &b,
                                            const Node *at) {
  Polynomial result;
  for (auto &[x, c] : a)
    for (auto &[y, d] : b) {
      Monomial monomial = x;
      for (auto &[node, power] : y.atoms)
        // A condition twice is the condition once.
        if (!(node->kind == Kind::Guard || node->kind == Kind::Equal) ||
            llvm::none_of(monomial.atoms, [&](auto &entry) { return entry.first == node; }))
          accumulate(monomial.atoms, node, power);
      for (auto &[node, coefficient] : y.exponent)
        accumulate(monomial.exponent, node, coefficient);
      result[monomial] += c * d;
    }
  if (result.size() > kMaxTerms)
    return refuse(at, "the product expands to more than " + Twine(kMaxTerms) + " terms");
  return result;
}

//===-- Back to nodes ----------------------------------------------------------===//

const Node *NormalForm::product(ArrayRef<std::pair<const Node *, int64_t>> atoms) {
  const Node *result = graph.constant(1);
  for (auto &[node, power] : atoms)
    result = graph.mul(result, graph.power(node, power));
  return result;
}

const Node *NormalForm::sum(ArrayRef<std::pair<const Node *, double>> addends) {
  const Node *result = graph.constant(0);
  for (auto &[node, coefficient] : addends)
    result = graph.add(result, graph.mul(graph.constant(coefficient), node));
  return result;
}

void NormalForm::addends(const Node *node, double coefficient,
                         SmallVectorImpl<std::pair<const Node *, double>> &list) {
  if (node->kind == Kind::Add) {
    addends(node->operands[0], coefficient, list);
    addends(node->operands[1], coefficient, list);
  } else if (node->kind == Kind::Mul && node->operands[0]->kind == Kind::Constant) {
    addends(node->operands[1], coefficient * node->operands[0]->constant, list);
  } else {
    list.push_back({node, coefficient});
  }
}

//===-- The form ---------------------------------------------------------------===//

std::optional<Polynomial> NormalForm::refuse(const Node *at, const Twine &why) {
  if (!refused.at)
    refused = {at, why.str()};
  return std::nullopt;
}

std::optional<Polynomial> NormalForm::of(const Node *node) {
  Class cls = view.classOf(node);
  switch (node->kind) {
  case Kind::Constant:
    return node->constant == 0 ? Polynomial{} : one(node->constant);
  case Kind::Cast:
    if (cls != Class::Along)
      return of(node->operands[0]);
    return atom(node);
  case Kind::Mul: {
    if (cls == Class::Along && !llvm::any_of(node->operands, [](const Node *operand) {
          return operand->kind == Kind::Exp || operand->kind == Kind::Select ||
                 operand->kind == Kind::Mul;
        }))
      return atom(node);
    auto a = of(node->operands[0]), b = of(node->operands[1]);
    if (!a || !b)
      return std::nullopt;
    return times(*a, *b, node);
  }
  case Kind::Exp:
    if (auto branches = asSelect(node->operands[0])) {
      auto branch = [&](const Node *exponent) {
        return isNegativeInfinity(exponent) ? graph.constant(0) : graph.unary(Kind::Exp, exponent);
      };
      return ofSelect(branches->condition, branch(branches->a), branch(branches->b));
    }
    return ofExp(node->operands[0]);
  case Kind::Power:
    return ofPower(node);
  default:
    break;
  }
  // A mask on a factor is a mask on the product: `where(c, x, 0) * y` adds nothing where c is
  // false.
  bool masked = node->kind == Kind::Select && view.along(node->operands[0]) &&
                (node->operands[1]->is(0) || node->operands[2]->is(0));
  if (cls != Class::Mixed && !masked)
    return atom(node);
  switch (node->kind) {
  case Kind::Add:
    return ofAdd(node);
  case Kind::Log:
    return ofLog(node);
  case Kind::Select:
    return ofSelect(node->operands[0], node->operands[1], node->operands[2]);
  case Kind::Shift:
  case Kind::Guard:
  case Kind::Equal:
    return atom(node);
  case Kind::Max:
  case Kind::Min:
    return refuse(
        node, "the kink of `" + Twine(node->kind == Kind::Max ? "max" : "min") +
                  "` lies at an earlier reduction over the walk; when that moves, terms already "
                  "summed would cross it, and a sum cannot take them back");
  case Kind::Value:
    return refuse(
        node, "a value along the walk is computed from an earlier reduction by an operation that "
              "does not separate the two");
  default:
    return refuse(node,
                  "this function of a value along the walk and an earlier reduction is neither "
                  "additive nor an exponential, so the reduction does not factor out");
  }
}

std::optional<Polynomial> NormalForm::ofAdd(const Node *node) {
  SmallVector<std::pair<const Node *, double>> all, along, moved;
  addends(node, 1, all);
  Polynomial result;
  for (auto &[term, coefficient] : all) {
    switch (view.classOf(term)) {
    case Class::Mixed: {
      auto part = of(term);
      if (!part)
        return std::nullopt;
      addTo(result, *part, coefficient);
      break;
    }
    case Class::Moved:
      moved.push_back({term, coefficient});
      break;
    case Class::Plain:
    case Class::Along:
      along.push_back({term, coefficient});
      break;
    }
  }
  bool varies = llvm::any_of(along, [&](auto &entry) { return view.along(entry.first); });
  if (varies && !moved.empty()) {
    // Sorted, so that x - m and -m + x are one difference.
    auto byId = [](auto &a, auto &b) { return a.first->id < b.first->id; };
    llvm::sort(along, byId);
    llvm::sort(moved, byId);
    addTo(result, atom(graph.shift(sum(along), sum(moved), node->location)));
    return result;
  }
  for (auto *list : {&along, &moved})
    for (auto &[term, coefficient] : *list) {
      auto part = of(term);
      if (!part)
        return std::nullopt;
      addTo(result, *part, coefficient);
    }
  return result;
}

std::optional<Polynomial> NormalForm::ofPower(const Node *node) {
  const Node *base = node->operands[0];
  bool mixed = view.classOf(node) == Class::Mixed;
  if (node->number > 0 && mixed) {
    auto factor = of(base);
    Polynomial result = one();
    for (int64_t i = 0; factor && i < node->number; ++i) {
      auto next = times(result, *factor, node);
      if (!next)
        return std::nullopt;
      result = *next;
    }
    return factor ? std::optional(result) : std::nullopt;
  }
  bool product = base->kind == Kind::Mul || base->kind == Kind::Exp || base->kind == Kind::Power;
  if (!mixed && !product)
    return atom(base, node->number);
  auto form = of(base);
  if (!form)
    return std::nullopt;
  if (form->size() == 1) {
    Monomial monomial = form->begin()->first;
    double coefficient = form->begin()->second;
    if (llvm::none_of(monomial.atoms, [](auto &entry) {
          return entry.first->kind == Kind::Shift || entry.first->kind == Kind::Guard ||
                 entry.first->kind == Kind::Equal;
        })) {
      for (auto &entry : monomial.atoms)
        entry.second *= node->number;
      for (auto &entry : monomial.exponent)
        entry.second *= double(node->number);
      return Polynomial{{monomial, std::pow(coefficient, double(node->number))}};
    }
  }
  if (!mixed)
    return atom(base, node->number);
  return refuse(node, "this divides by a value that mixes the walk with an earlier reduction");
}

std::optional<Polynomial> NormalForm::ofExp(const Node *exponent) {
  SmallVector<std::pair<const Node *, double>> all;
  addends(exponent, 1, all);
  Polynomial result = one();
  auto multiply = [&](const Polynomial &factor) {
    auto next = times(result, factor, exponent);
    if (next)
      result = *next;
    return bool(next);
  };
  for (auto &[term, coefficient] : all) {
    Class cls = view.classOf(term);
    // exp(k log z) is z^k: a log-sum-exp in an exponent is a maximum and a division that leaves the
    // sum.
    if (term->kind == Kind::Log && (cls == Class::Plain || cls == Class::Moved) &&
        coefficient == std::round(coefficient) && std::abs(coefficient) <= 16) {
      auto factor = of(graph.power(term->operands[0], int64_t(coefficient)));
      if (!factor || !multiply(*factor))
        return std::nullopt;
      continue;
    }
    if (term->kind == Kind::Constant) {
      if (!multiply(one(std::exp(coefficient * term->constant))))
        return std::nullopt;
      continue;
    }
    if (cls != Class::Mixed) {
      if (!multiply(exponential(term, coefficient)))
        return std::nullopt;
      continue;
    }
    auto form = of(term);
    if (!form)
      return std::nullopt;
    for (auto &[monomial, weight] : *form) {
      if (!monomial.exponent.empty())
        return refuse(
            exponent,
            "this is an exponential of an exponential that depends on an earlier reduction");
      // Mixed differences come apart here: exp(x + y) = exp x exp y.
      std::vector<std::pair<Monomial, double>> parts{{Monomial{}, weight}};
      for (auto &[node, power] : monomial.atoms) {
        SmallVector<std::pair<const Node *, double>> options{{node, 1.0}};
        if (node->kind == Kind::Guard || node->kind == Kind::Equal)
          return refuse(exponent, "a condition inside the exponent does not come out of it");
        if (node->kind == Kind::Shift) {
          if (power != 1)
            return refuse(exponent, "this is the exponential of a power of a mixed difference");
          options.clear();
          addends(node->operands[0], 1, options);
          addends(node->operands[1], 1, options);
        }
        std::vector<std::pair<Monomial, double>> longer;
        for (auto &[part, c] : parts)
          for (auto &[option, d] : options) {
            Monomial next = part;
            accumulate(next.atoms, option, option == node ? power : int64_t(1));
            longer.push_back({next, c * d});
          }
        parts = std::move(longer);
      }
      for (auto &[part, c] : parts) {
        bool along = false, moved = false;
        for (auto &[node, power] : part.atoms) {
          along |= view.along(node);
          moved |= view.moved(node);
        }
        if (along && moved)
          return refuse(
              exponent,
              "the exponent is a product of a value along the walk and an earlier reduction, "
              "and exp(a * b) has no factor that depends on b alone");
        SmallVector<std::pair<const Node *, double>> pieces;
        addends(product(part.atoms), c, pieces);
        for (auto &[piece, d] : pieces)
          if (!multiply(piece->kind == Kind::Constant ? one(std::exp(d * piece->constant))
                                                      : exponential(piece, d)))
            return std::nullopt;
      }
    }
  }
  return result;
}

std::optional<Polynomial> NormalForm::ofLog(const Node *node) {
  auto form = of(node->operands[0]);
  if (!form)
    return std::nullopt;
  if (form->size() == 1) {
    auto &[monomial, coefficient] = *form->begin();
    if (coefficient > 0 &&
        llvm::all_of(monomial.atoms, [&](auto &entry) { return isPositive(graph, entry.first); })) {
      Polynomial result;
      if (coefficient != 1)
        addTo(result, one(std::log(coefficient)));
      for (auto &[factor, power] : monomial.atoms)
        addTo(result, atom(graph.unary(Kind::Log, factor)), double(power));
      SmallVector<std::pair<const Node *, double>> along, moved;
      for (auto &entry : monomial.exponent)
        (view.along(entry.first) ? along : moved).push_back(entry);
      if (!along.empty() && !moved.empty())
        addTo(result, atom(graph.shift(sum(along), sum(moved), node->location)));
      else if (!monomial.exponent.empty())
        addTo(result, atom(sum(monomial.exponent)));
      return result;
    }
  }
  return refuse(
      node,
      "this is the logarithm of a sum, or of a value that may be negative, which mixes the walk "
      "with an earlier reduction");
}

std::optional<Polynomial> NormalForm::ofSelect(const Node *condition, const Node *a,
                                               const Node *b) {
  Polynomial result;
  for (auto [branch, holds] : {std::pair(a, true), std::pair(b, false)}) {
    if (branch->is(0))
      continue;
    auto factor = indicator(condition, holds);
    auto value = factor ? of(branch) : std::nullopt;
    auto term = value ? times(*factor, *value, branch) : std::nullopt;
    if (!term)
      return std::nullopt;
    addTo(result, *term);
  }
  return result;
}

std::optional<Polynomial> NormalForm::indicator(const Node *condition, bool holds) {
  if (view.classOf(condition) != Class::Mixed) {
    if (view.along(condition))
      return atom(graph.guard(condition, holds));
    // Free of the walk: a factor that leaves the sum.
    const Node *yes = graph.constant(1), *no = graph.constant(0);
    return atom(holds ? graph.select(condition, yes, no) : graph.select(condition, no, yes));
  }
  if (isScalar(condition, holds ? "arith.andi" : "arith.ori")) {
    auto a = indicator(condition->operands[0], holds);
    auto b = a ? indicator(condition->operands[1], holds) : std::nullopt;
    return b ? times(*a, *b, condition) : std::nullopt;
  }
  // p > 0 where p is an exponential times positive factors: its exponent is not -inf.
  if (auto comparison = asComparison(condition);
      comparison && holds && !comparison->orEqual && comparison->smaller->is(0)) {
    auto form = of(comparison->greater);
    if (form && form->size() == 1) {
      auto &[monomial, coefficient] = *form->begin();
      SmallVector<std::pair<const Node *, double>> along;
      for (auto &entry : monomial.exponent)
        if (view.along(entry.first))
          along.push_back(entry);
      bool positive = coefficient > 0;
      Polynomial result = one();
      for (auto &[node, power] : monomial.atoms)
        if (node->kind == Kind::Guard || node->kind == Kind::Equal)
          result = *times(result, atom(node), condition);
        else
          positive &= isPositive(graph, node);
      if (positive && !along.empty()) {
        // Compared in the text's own operation, with -inf for 0.
        const Node *infinity = graph.constant(-std::numeric_limits<double>::infinity());
        const Node *exponent = sum(along);
        bool swapped = condition->operands[0]->is(0);
        const Node *seen = swapped ? graph.like(condition, {infinity, exponent})
                                   : graph.like(condition, {exponent, infinity});
        return times(result, atom(graph.guard(seen, true)), condition);
      }
    }
    refused = {};
  }
  if (auto sides = asEquality(condition); sides && holds)
    for (auto [x, maximum] : {*sides, std::pair(sides->second, sides->first)})
      if (!view.along(maximum) && view.classOf(x) == Class::Along &&
          dominates(graph, view, maximum, x))
        return atom(graph.equal(x, maximum));
  return refuse(
      condition,
      "the condition compares a value along the walk with an earlier reduction; when that "
      "moves, a value already counted would have to be taken back");
}

std::optional<NormalForm::Branches> NormalForm::asSelect(const Node *node) {
  if (node->kind == Kind::Select && view.classOf(node) == Class::Mixed)
    return Branches{node->operands[0], node->operands[1], node->operands[2]};
  if (node->kind == Kind::Add)
    for (unsigned i : {0, 1})
      if (auto inner = asSelect(node->operands[i])) {
        const Node *other = node->operands[1 - i];
        return Branches{inner->condition, graph.add(inner->a, other), graph.add(inner->b, other)};
      }
  if (node->kind == Kind::Mul && view.classOf(node->operands[0]) == Class::Plain)
    if (auto inner = asSelect(node->operands[1])) {
      const Node *factor = node->operands[0];
      return Branches{inner->condition, graph.mul(factor, inner->a), graph.mul(factor, inner->b)};
    }
  return std::nullopt;
}

bool NormalForm::isNegativeInfinity(const Node *node) {
  SmallVector<std::pair<const Node *, double>> all;
  addends(node, 1, all);
  return llvm::any_of(all, [](auto &entry) {
    return entry.first->kind == Kind::Constant &&
           entry.first->constant * entry.second == -std::numeric_limits<double>::infinity();
  });
}

//===-- Facts ------------------------------------------------------------------===//

bool isPositive(const Graph &graph, const Node *node) {
  auto operand = [&](unsigned i) { return isPositive(graph, node->operands[i]); };
  switch (node->kind) {
  case Kind::Constant:
    return node->constant > 0;
  case Kind::Exp:
    return true;
  case Kind::Mul:
  case Kind::Add:
    return operand(0) && operand(1);
  case Kind::Power:
  case Kind::Cast:
    return operand(0);
  case Kind::Max:
    return operand(0) || operand(1);
  case Kind::Min:
    return operand(0) && operand(1);
  case Kind::Reduce: {
    const Reduction &reduction = graph.reductions()[node->number];
    return reduction.kind == ReduceKind::Sum &&
           llvm::all_of(node->operands, [&](const Node *body) { return isPositive(graph, body); });
  }
  case Kind::Scalar:
    return isScalar(node, "math.sqrt") && operand(0);
  default:
    return false;
  }
}

bool isBoundedByOne(const Node *node) {
  switch (node->kind) {
  case Kind::Constant:
    return std::abs(node->constant) <= 1;
  case Kind::Guard:
  case Kind::Equal:
    return true;
  case Kind::Cast:
    return isBoundedByOne(node->operands[0]);
  case Kind::Select:
    return isBoundedByOne(node->operands[1]) && isBoundedByOne(node->operands[2]);
  case Kind::Mul:
    return isBoundedByOne(node->operands[0]) && isBoundedByOne(node->operands[1]);
  case Kind::Power: {
    if (node->number > 0)
      return isBoundedByOne(node->operands[0]);
    // 1 / (1 + exp x)
    const Node *base = node->operands[0];
    return base->kind == Kind::Add &&
           ((base->operands[0]->kind == Kind::Constant && base->operands[0]->constant >= 1 &&
             base->operands[1]->kind == Kind::Exp) ||
            (base->operands[1]->kind == Kind::Constant && base->operands[1]->constant >= 1 &&
             base->operands[0]->kind == Kind::Exp));
  }
  case Kind::Scalar:
    return isScalar(node, "math.tanh");
  default:
    return false;
  }
}

bool isNeverBelow(const Node *b, const Node *x) {
  if (b == x || x->is(-std::numeric_limits<double>::infinity()))
    return true;
  if (x->kind == Kind::Select)
    return isNeverBelow(b, x->operands[1]) && isNeverBelow(b, x->operands[2]);
  return x->kind == Kind::Min &&
         llvm::any_of(x->operands, [&](const Node *operand) { return isNeverBelow(b, operand); });
}

bool dominates(const Graph &graph, const View &view, const Node *maximum, const Node *x) {
  switch (maximum->kind) {
  case Kind::Reduce:
    return graph.reductions()[maximum->number].kind == ReduceKind::Max && view.moved(maximum) &&
           isNeverBelow(maximum->operands[0], x);
  case Kind::Max:
    return llvm::any_of(maximum->operands,
                        [&](const Node *part) {
                          return view.moved(part) && dominates(graph, view, part, x);
                        }) &&
           llvm::all_of(maximum->operands, [&](const Node *part) {
             // The other part must not fall: known before the walk, or a maximum itself.
             return !view.along(part) &&
                    (!view.moved(part) ||
                     (part->kind == Kind::Reduce &&
                      graph.reductions()[part->number].kind == ReduceKind::Max));
           });
  case Kind::Mul:
    if (x->kind != Kind::Mul)
      return false;
    for (unsigned i : {0, 1})
      for (unsigned k : {0, 1})
        if (maximum->operands[i] == x->operands[k] && !view.moved(maximum->operands[i]) &&
            isPositive(graph, maximum->operands[i]) &&
            dominates(graph, view, maximum->operands[1 - i], x->operands[1 - k]))
          return true;
    return false;
  default:
    return false;
  }
}

} // namespace fc::online
