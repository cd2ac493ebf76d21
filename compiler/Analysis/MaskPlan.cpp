// MaskPlan.cpp - three-valued evaluation over tiles
#include "compiler/Analysis/MaskPlan.h"
#include "llvm/ADT/STLExtras.h"

namespace fc {

//===-- Linear forms ---------------------------------------------------------------===//

namespace {
/// A linear term as `form` (points only, first coefficient positive) times `sign`, plus the rest.
struct Split {
  TermRef form = nullptr; ///< null: no points
  int sign = 1;
  TermRef rest;
};
} // namespace

static Split splitPoints(Terms &terms, TermRef term) {
  Split split;
  TermRef zero = terms.constant(0), form = zero;
  if (term->kind == TermKind::Point)
    return {term, 1, zero};
  if (term->kind != TermKind::Linear)
    return {nullptr, 1, term};
  split.rest = terms.constant(term->number);
  for (auto [operand, by] : llvm::zip(term->operands, term->coefficients)) {
    TermRef &part = operand->kind == TermKind::Point ? form : split.rest;
    if (operand->kind == TermKind::Point && form == zero)
      split.sign = by < 0 ? -1 : 1;
    part = terms.add(part,
                     terms.scale(operand, operand->kind == TermKind::Point ? by * split.sign : by));
  }
  if (form != zero)
    split.form = form;
  return split;
}

TermRef expandRelation(Terms &terms, TermRef sum, llvm::function_ref<bool(TermRef)> expands) {
  if (sum->kind == TermKind::Unknown)
    return sum;
  Term single{TermKind::Linear, 0, {sum}, {1}};
  const Term &linear = sum->kind == TermKind::Linear ? *sum : single;
  for (auto [operand, by] : llvm::zip(linear.operands, linear.coefficients)) {
    bool isMin = operand->kind == TermKind::Min, isChoice = operand->kind == TermKind::Choose;
    if ((!isMin && !isChoice && operand->kind != TermKind::Max) || !expands(operand))
      continue;
    TermRef rest = terms.subtract(sum, terms.scale(operand, by));
    auto with = [&](TermRef part) {
      return expandRelation(terms, terms.add(rest, terms.scale(part, by)), expands);
    };
    if (isChoice) {
      TermRef condition = operand->operands[0];
      return terms.either(terms.both(condition, with(operand->operands[1])),
                          terms.both(terms.negate(condition), with(operand->operands[2])));
    }
    TermRef a = with(operand->operands[0]), b = with(operand->operands[1]);
    return isMin == (by < 0) ? terms.both(a, b) : terms.either(a, b);
  }
  return terms.notPositive(sum);
}

//===-- Facts ----------------------------------------------------------------------===//

TileTests::TileTests(Terms &terms, llvm::ArrayRef<TileRange> ranges) : terms(terms) {
  for (const TileRange &range : ranges)
    tiles[range.point] = {range.first, range.last};
}

/// Takes `sum <= 0` into the facts, if it bounds a form of points by something uniform.
bool TileTests::addBound(TermRef sum, Facts &facts) {
  Split split = splitPoints(terms, sum);
  if (!split.form || !split.rest->uniform)
    return false;
  TermRef form = split.form, rest = split.rest;
  if (form->kind == TermKind::Linear && form->operands.size() == 1) {
    // One point, some times: c * p + rest <= 0.
    TermRef by = terms.constant(form->coefficients[0]);
    form = form->operands[0];
    // p <= floor(-rest / c), or p >= -floor(-rest / c).
    rest = terms.scale(terms.divide(terms.scale(rest, -1), by), -1);
  }
  if (rest->kind == TermKind::Unknown)
    return false;
  if (split.sign > 0)
    facts[form].highs.push_back(terms.scale(rest, -1));
  else
    facts[form].lows.push_back(rest);
  return true;
}

bool TileTests::addFact(TermRef part, Facts &facts) {
  if (part->kind == TermKind::NotPositive)
    return addBound(part->operands[0], facts);
  if (part->kind == TermKind::Zero)
    return addBound(part->operands[0], facts) &&
           addBound(terms.scale(part->operands[0], -1), facts);
  return false;
}

TileTests::Known TileTests::rangeOfForm(TermRef form, const Facts &facts) {
  Known known;
  if (form->kind == TermKind::Point) {
    auto tile = tiles.find(form);
    known.lows.push_back(tile == tiles.end() ? terms.constant(form->low) : tile->second.low);
    known.highs.push_back(tile == tiles.end() ? terms.constant(form->high) : tile->second.high);
  } else {
    TermRef low = terms.constant(0), high = low;
    for (auto [point, by] : llvm::zip(form->operands, form->coefficients)) {
      Bounds bounds = boundsOf(point, facts);
      low = terms.add(low, terms.scale(by > 0 ? bounds.low : bounds.high, by));
      high = terms.add(high, terms.scale(by > 0 ? bounds.high : bounds.low, by));
    }
    known.lows.push_back(low);
    known.highs.push_back(high);
  }
  auto fact = facts.find(form);
  if (fact != facts.end()) {
    known.lows.append(fact->second.lows);
    known.highs.append(fact->second.highs);
  }
  return known;
}

//===-- Intervals ------------------------------------------------------------------===//

TileTests::Bounds TileTests::unionOf(Bounds a, Bounds b) {
  return {a.low && b.low ? terms.min(a.low, b.low) : nullptr,
          a.high && b.high ? terms.max(a.high, b.high) : nullptr};
}

TileTests::Bounds TileTests::boundsOf(TermRef term, const Facts &facts) {
  if (term->kind == TermKind::Unknown)
    return {};
  if (term->uniform)
    return {term, term};
  auto clean = [&](Bounds bounds) -> Bounds { // a bound that may leave the ranges is none
    if (bounds.low && bounds.low->kind == TermKind::Unknown)
      bounds.low = nullptr;
    if (bounds.high && bounds.high->kind == TermKind::Unknown)
      bounds.high = nullptr;
    return bounds;
  };
  switch (term->kind) {
  case TermKind::Linear:
    return clean(boundsOfLinear(term, facts));
  case TermKind::Point: {
    Known known = rangeOfForm(term, facts);
    Bounds bounds{known.lows[0], known.highs[0]};
    for (TermRef low : known.lows)
      bounds.low = terms.max(bounds.low, low);
    for (TermRef high : known.highs)
      bounds.high = terms.min(bounds.high, high);
    return clean(bounds);
  }
  case TermKind::Element: {
    auto known = elements.find(term);
    if (known != elements.end())
      return known->second;
    return {terms.constant(term->low), terms.constant(term->high)};
  }
  case TermKind::Multiply:
    return clean(
        boundsOfProduct(boundsOf(term->operands[0], facts), boundsOf(term->operands[1], facts)));
  case TermKind::Divide:
    return clean(boundsOfQuotient(term, facts));
  case TermKind::Modulo:
    return clean(boundsOfRemainder(term, facts));
  case TermKind::Min:
  case TermKind::Max: {
    Bounds a = boundsOf(term->operands[0], facts), b = boundsOf(term->operands[1], facts);
    bool isMin = term->kind == TermKind::Min;
    auto pick = [&](TermRef p, TermRef q, bool oneIsEnough) -> TermRef {
      if (!p || !q)
        return oneIsEnough ? (p ? p : q) : nullptr;
      return isMin ? terms.min(p, q) : terms.max(p, q);
    };
    return clean({pick(a.low, b.low, !isMin), pick(a.high, b.high, isMin)});
  }
  case TermKind::Choose:
    return clean(boundsOfChoice(term, facts));
  default:
    return {};
  }
}

TileTests::Bounds TileTests::boundsOfLinear(TermRef term, const Facts &facts) {
  Split split = splitPoints(terms, term);
  Bounds sum{terms.constant(0), terms.constant(0)};
  auto addScaled = [&](Bounds part, int64_t by) {
    TermRef low = by > 0 ? part.low : part.high, high = by > 0 ? part.high : part.low;
    sum.low = sum.low && low ? terms.add(sum.low, terms.scale(low, by)) : nullptr;
    sum.high = sum.high && high ? terms.add(sum.high, terms.scale(high, by)) : nullptr;
  };
  if (split.form) {
    Known known = rangeOfForm(split.form, facts);
    Bounds bounds{known.lows[0], known.highs[0]};
    for (TermRef low : known.lows)
      bounds.low = terms.max(bounds.low, low);
    for (TermRef high : known.highs)
      bounds.high = terms.min(bounds.high, high);
    addScaled(bounds, split.sign);
  }
  if (split.rest->kind == TermKind::Linear) {
    TermRef number = terms.constant(split.rest->number);
    addScaled({number, number}, 1);
    for (auto [operand, by] : llvm::zip(split.rest->operands, split.rest->coefficients))
      addScaled(boundsOf(operand, facts), by);
  } else {
    addScaled(boundsOf(split.rest, facts), 1);
  }
  return sum;
}

TileTests::Bounds TileTests::boundsOfProduct(Bounds a, Bounds b) {
  if (!a.low || !a.high || !b.low || !b.high)
    return {};
  if (b.low == b.high)
    std::swap(a, b);
  if (a.low == a.high && a.low->low >= 0)
    return {terms.multiply(a.low, b.low), terms.multiply(a.low, b.high)};
  if (a.low == a.high && a.low->high <= 0)
    return {terms.multiply(a.low, b.high), terms.multiply(a.low, b.low)};
  if (a.low->low >= 0 && b.low->low >= 0)
    return {terms.multiply(a.low, b.low), terms.multiply(a.high, b.high)};
  TermRef first = terms.multiply(a.low, b.low);
  Bounds bounds{first, first};
  for (auto [x, y] : {std::pair(a.low, b.high), {a.high, b.low}, {a.high, b.high}}) {
    TermRef corner = terms.multiply(x, y);
    bounds = unionOf(bounds, {corner, corner});
  }
  return bounds;
}

TileTests::Bounds TileTests::boundsOfQuotient(TermRef term, const Facts &facts) {
  Bounds a = boundsOf(term->operands[0], facts);
  TermRef divisor = term->operands[1];
  if (!divisor->uniform || !a.low || !a.high)
    return {terms.constant(term->low), terms.constant(term->high)};
  TermRef low = terms.divide(a.low, divisor), high = terms.divide(a.high, divisor);
  if (divisor->low >= 0)
    return {low, high};
  if (divisor->high <= 0)
    return {high, low};
  return {terms.min(low, high), terms.max(low, high)};
}

/// Within one multiple of the divisor the remainder is the dividend less a constant.
TileTests::Bounds TileTests::boundsOfRemainder(TermRef term, const Facts &facts) {
  Bounds a = boundsOf(term->operands[0], facts);
  TermRef divisor = term->operands[1], zero = terms.constant(0);
  if (!divisor->uniform)
    return {terms.constant(term->low), terms.constant(term->high)};
  Bounds whole{divisor->low > 0 ? zero : terms.min(zero, terms.plus(divisor, 1)),
               terms.max(zero, terms.plus(divisor, -1))};
  if (!a.low || !a.high)
    return whole;
  TermRef same = terms.equal(terms.divide(a.low, divisor), terms.divide(a.high, divisor));
  return {terms.choose(same, terms.modulo(a.low, divisor), whole.low),
          terms.choose(same, terms.modulo(a.high, divisor), whole.high)};
}

TileTests::Bounds TileTests::boundsOfChoice(TermRef term, const Facts &facts) {
  TermRef condition = term->operands[0];
  Bounds a = boundsOf(term->operands[1], facts), b = boundsOf(term->operands[2], facts);
  TermRef some = possible(condition, facts),
          all = terms.negate(possible(terms.negate(condition), facts));
  Bounds any = unionOf(a, b);
  auto pick = [&](TermRef inA, TermRef inB, TermRef inAny) -> TermRef {
    if (!inAny)
      return nullptr;
    return terms.choose(all, inA, terms.choose(some, inAny, inB));
  };
  return {pick(a.low, b.low, any.low), pick(a.high, b.high, any.high)};
}

//===-- Predicates -----------------------------------------------------------------===//

TermRef TileTests::possible(TermRef predicate) { return possible(predicate, {}); }

TermRef TileTests::possible(TermRef predicate, const Facts &facts) {
  if (predicate->kind == TermKind::Unknown)
    return terms.truth(true);
  switch (predicate->kind) {
  case TermKind::NotPositive:
  case TermKind::Zero:
  case TermKind::And:
    // Uniform ones too: they may tell of terms what facts need.
    return predicate->uniform ? predicate : possibleConjunction({predicate}, facts);
  case TermKind::Or: {
    TermRef result = terms.truth(false);
    for (TermRef part : predicate->operands)
      result = terms.either(result, possible(part, facts));
    return result;
  }
  case TermKind::Not: {
    if (predicate->uniform)
      return predicate;
    TermRef inner = predicate->operands[0];
    if (inner->kind != TermKind::Zero)
      return terms.truth(true);
    Bounds bounds = boundsOf(inner->operands[0], facts);
    if (!bounds.low || !bounds.high)
      return terms.truth(true);
    return terms.negate(terms.both(terms.isZero(bounds.low), terms.isZero(bounds.high)));
  }
  default:
    return predicate->uniform ? predicate : terms.truth(true);
  }
}

TermRef TileTests::possibleConjunction(llvm::ArrayRef<TermRef> parts, Facts facts) {
  // First what bounds forms of points, for it sharpens all the rest.
  llvm::SmallVector<TermRef> work(parts.begin(), parts.end()), others;
  for (size_t i = 0; i < work.size(); ++i) {
    TermRef part = work[i];
    if (part->kind == TermKind::And) {
      work.append(part->operands.begin(), part->operands.end());
      continue;
    }
    if (part->kind == TermKind::NotPositive && !part->uniform) {
      // Uniform ones stay, so that the relation can become a fact.
      TermRef expanded =
          expandRelation(terms, part->operands[0], [](TermRef term) { return !term->uniform; });
      if (expanded != part) {
        work.push_back(expanded);
        continue;
      }
    }
    if (part->uniform || !addFact(part, facts))
      others.push_back(part);
  }
  TermRef result = terms.truth(true);
  for (auto &[form, fact] : facts) {
    Known known = rangeOfForm(form, facts);
    for (auto [i, low] : llvm::enumerate(known.lows))
      for (auto [j, high] : llvm::enumerate(known.highs)) {
        if (i == 0 && j == 0)
          continue; // the tile itself
        TermRef test = terms.lessEqual(low, high);
        if (test->kind != TermKind::Unknown)
          result = terms.both(result, test);
      }
  }
  for (TermRef part : others) {
    TermRef test = part;
    if (part->kind == TermKind::Zero && !part->uniform) {
      test = possibleZero(part->operands[0], facts);
    } else if (part->kind == TermKind::NotPositive && !part->uniform) {
      Bounds bounds = boundsOf(part->operands[0], facts);
      test = bounds.low ? terms.notPositive(bounds.low) : terms.truth(true);
    } else {
      test = possible(part, facts);
    }
    if (test->kind != TermKind::Unknown)
      result = terms.both(result, test);
  }
  return result;
}

TermRef TileTests::possibleZero(TermRef sum, const Facts &facts) {
  Bounds bounds = boundsOf(sum, facts);
  TermRef zero = terms.constant(0), result = terms.truth(true);
  if (bounds.low)
    result = terms.both(result, terms.lessEqual(bounds.low, zero));
  if (bounds.high)
    result = terms.both(result, terms.lessEqual(zero, bounds.high));
  // x % d + rest == 0, the rest uniform: is there a multiple of d between x.low + rest and x.high +
  // rest?
  Term single{TermKind::Linear, 0, {sum}, {1}};
  const Term &linear = sum->kind == TermKind::Linear ? *sum : single;
  for (auto [operand, by] : llvm::zip(linear.operands, linear.coefficients)) {
    if (operand->kind != TermKind::Modulo || (by != 1 && by != -1) ||
        !operand->operands[1]->uniform)
      continue;
    TermRef rest = terms.scale(terms.subtract(sum, terms.scale(operand, by)), by);
    if (!rest->uniform || rest->kind == TermKind::Unknown)
      continue;
    Bounds inside = boundsOf(operand->operands[0], facts);
    if (!inside.low || !inside.high)
      continue;
    TermRef divisor = operand->operands[1];
    TermRef most = terms.multiply(terms.divide(terms.add(inside.high, rest), divisor), divisor);
    TermRef test = terms.either(terms.notPositive(divisor),
                                terms.lessEqual(terms.add(inside.low, rest), most));
    if (most->kind != TermKind::Unknown && test->kind != TermKind::Unknown)
      result = terms.both(result, test);
  }
  return result;
}

//===-- Spans ----------------------------------------------------------------------===//

namespace {
class Solver {
public:
  Solver(Terms &terms, TermRef variable)
      : terms(terms), variable(variable), least(terms.constant(-kFar)), most(terms.constant(kFar)) {
  }

  Span solve(TermRef condition) {
    if (!terms.contains(condition, variable))
      return {terms.choose(condition, least, most), terms.choose(condition, most, least), true};
    switch (condition->kind) {
    case TermKind::NotPositive: {
      TermRef expanded = expandRelation(terms, condition->operands[0], [&](TermRef term) {
        return terms.contains(term, variable);
      });
      if (expanded != condition)
        return solve(expanded);
      return solveRelation(condition->operands[0]);
    }
    case TermKind::And: {
      Span all{least, most, true};
      for (TermRef part : condition->operands) {
        Span span = solve(part);
        all = {terms.max(all.low, span.low), terms.min(all.high, span.high),
               all.exact && span.exact};
      }
      return all;
    }
    case TermKind::Or: {
      std::optional<Span> all;
      int bound = 0; // parts so far that bound the variable
      for (TermRef part : condition->operands) {
        Span span = solve(part);
        bool free = !terms.contains(part, variable);
        if (all) {
          bool halves =
              (all->low == least && span.low == least) || (all->high == most && span.high == most);
          // All or nothing joins any span without a gap.
          all = {terms.min(all->low, span.low), terms.max(all->high, span.high),
                 all->exact && span.exact && (halves || free || bound == 0)};
        } else {
          all = span;
        }
        bound += !free;
      }
      return *all;
    }
    default:
      return {least, most, false};
    }
  }

private:
  Span solveRelation(TermRef sum) {
    Span none{least, most, false};
    Term single{TermKind::Linear, 0, {sum}, {1}};
    const Term &linear = sum->kind == TermKind::Linear ? *sum : single;
    TermRef holder = nullptr;
    int64_t by = 0;
    for (auto [operand, coefficient] : llvm::zip(linear.operands, linear.coefficients))
      if (terms.contains(operand, variable)) {
        if (holder)
          return none;
        holder = operand;
        by = coefficient;
      }
    TermRef rest = terms.subtract(sum, terms.scale(holder, by));
    // holder <= limit, or holder >= limit.
    TermRef limit = by > 0
                        ? terms.divide(terms.scale(rest, -1), terms.constant(by))
                        : terms.scale(terms.divide(terms.scale(rest, -1), terms.constant(-by)), -1);
    if (limit->kind == TermKind::Unknown)
      return none;
    if (holder == variable)
      return by > 0 ? Span{least, limit, true} : Span{limit, most, true};
    if (holder->kind != TermKind::Divide || terms.contains(holder->operands[1], variable))
      return none;
    TermRef divisor = holder->operands[1];
    TermRef product = terms.multiply(limit, divisor);
    TermRef inner =
        by > 0 ? terms.lessEqual(holder->operands[0],
                                 terms.plus(terms.add(product, divisor), -1)) // floor(x/d) <= q
               : terms.lessEqual(product, holder->operands[0]);               // floor(x/d) >= q
    if (inner->kind == TermKind::Unknown)
      return none;
    Span span = solve(terms.either(terms.notPositive(divisor), inner));
    span.exact &= divisor->low > 0;
    return span;
  }

  Terms &terms;
  TermRef variable, least, most;
};
} // namespace

Span solve(Terms &terms, TermRef condition, TermRef variable) {
  return Solver(terms, variable).solve(condition);
}

llvm::SmallVector<Span> solveApart(Terms &terms, TermRef condition, TermRef variable) {
  using Spans = llvm::SmallVector<Span>;
  if (!terms.contains(condition, variable) ||
      (condition->kind != TermKind::Or && condition->kind != TermKind::And))
    return {solve(terms, condition, variable)};
  Spans all;
  for (TermRef part : condition->operands) {
    Spans spans = solveApart(terms, part, variable);
    if (condition->kind == TermKind::Or && all.size() + spans.size() <= kMostSpans) {
      all.append(spans);
    } else if (condition->kind == TermKind::And && all.empty()) {
      all = spans;
    } else if (condition->kind == TermKind::And && all.size() * spans.size() <= kMostSpans) {
      Spans products;
      for (Span a : all)
        for (Span b : spans)
          products.push_back(
              {terms.max(a.low, b.low), terms.min(a.high, b.high), a.exact && b.exact});
      all = products;
    } else {
      return {solve(terms, condition, variable)};
    }
  }
  return all;
}

} // namespace fc
