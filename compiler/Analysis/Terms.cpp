// Terms.cpp - making terms in normal form
#include "compiler/Analysis/Terms.h"
#include <algorithm>
#include <cassert>
#include <numeric>

namespace fc {

using Wide = __int128;

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

//===-- Leaves ---------------------------------------------------------------------===//

TermRef Terms::make(Term term) {
  Key key{term.kind, term.number, term.operands, term.coefficients};
  auto [it, isNew] = known.try_emplace(std::move(key), nullptr);
  if (isNew) {
    term.serial = all.size();
    all.push_back(std::move(term));
    it->second = &all.back();
  }
  return it->second;
}

TermRef Terms::ranged(Term term, Wide low, Wide high) {
  if (low < -kMostTerm || high > kMostTerm)
    return unknown();
  term.low = int64_t(low);
  term.high = int64_t(high);
  return make(std::move(term));
}

static bool allUniform(llvm::ArrayRef<TermRef> terms) {
  return std::all_of(terms.begin(), terms.end(), [](TermRef term) { return term->uniform; });
}

TermRef Terms::constant(int64_t value) {
  return ranged({TermKind::Linear, value, {}, {}, 0, 0, true}, value, value);
}
TermRef Terms::symbol(int64_t id, int64_t low, int64_t high) {
  return ranged({TermKind::Symbol, id, {}, {}, 0, 0, true}, low, high);
}
TermRef Terms::lookup(int64_t id, llvm::ArrayRef<TermRef> operands, int64_t low, int64_t high) {
  return ranged({TermKind::Lookup, id, operands.vec(), {}, 0, 0, allUniform(operands)}, low, high);
}
TermRef Terms::point(int64_t axis, int64_t low, int64_t high) {
  return ranged({TermKind::Point, axis, {}, {}, 0, 0, false}, low, high);
}
TermRef Terms::element(int64_t id, int64_t low, int64_t high) {
  return ranged({TermKind::Element, id, {}, {}, 0, 0, false}, low, high);
}
TermRef Terms::flag(int64_t id) { return make({TermKind::Flag, id, {}, {}, 0, 1, true}); }
TermRef Terms::truth(bool value) {
  return make({value ? TermKind::True : TermKind::False, 0, {}, {}, 0, 1, true});
}
TermRef Terms::unknown() {
  return make({TermKind::Unknown, unknowns++, {}, {}, INT64_MIN, INT64_MAX, false});
}

//===-- Integers -------------------------------------------------------------------===//

TermRef Terms::combine(TermRef a, int64_t factor, TermRef b) {
  if (a->kind == TermKind::Unknown || b->kind == TermKind::Unknown)
    return unknown();
  Wide number = 0;
  std::map<int, std::pair<TermRef, Wide>> parts; // by serial: one order for equal sums
  auto gather = [&](TermRef term, Wide by) {
    if (term->kind != TermKind::Linear) {
      auto &part = parts.try_emplace(term->serial, term, 0).first->second;
      part.second += by;
      return;
    }
    number += by * term->number;
    for (size_t i = 0; i < term->operands.size(); ++i) {
      auto &part = parts.try_emplace(term->operands[i]->serial, term->operands[i], 0).first->second;
      part.second += by * term->coefficients[i];
    }
  };
  gather(a, 1);
  gather(b, factor);
  Term sum{TermKind::Linear, 0, {}, {}, 0, 0, true};
  Wide low = number, high = number;
  for (auto &[serial, part] : parts) {
    auto [term, by] = part;
    if (by == 0)
      continue;
    if (by < -kMostTerm || by > kMostTerm)
      return unknown();
    sum.operands.push_back(term);
    sum.coefficients.push_back(int64_t(by));
    low += by * (by > 0 ? term->low : term->high);
    high += by * (by > 0 ? term->high : term->low);
  }
  if (number < -kMostTerm || number > kMostTerm)
    return unknown();
  sum.number = int64_t(number);
  sum.uniform = allUniform(sum.operands);
  if (sum.number == 0 && sum.operands.size() == 1 && sum.coefficients[0] == 1)
    return sum.operands[0];
  return ranged(std::move(sum), low, high);
}

/// The remainder as import writes it, a - b * floor(a / b).
static bool isQuotientTimes(TermRef term, TermRef a, TermRef &divisor) {
  TermRef quotient = nullptr;
  if (term->kind == TermKind::Linear && term->operands.size() == 1 && term->number == 0) {
    quotient = term->operands[0];
    if (quotient->kind != TermKind::Divide)
      return false;
    divisor = quotient->operands[1];
    return quotient->operands[0] == a && divisor->constant() == term->coefficients[0];
  }
  if (term->kind != TermKind::Multiply)
    return false;
  for (int i : {0, 1}) {
    quotient = term->operands[i];
    divisor = term->operands[1 - i];
    if (quotient->kind == TermKind::Divide && quotient->operands[0] == a &&
        quotient->operands[1] == divisor)
      return true;
  }
  return false;
}

TermRef Terms::subtract(TermRef a, TermRef b) {
  TermRef divisor;
  if (isQuotientTimes(b, a, divisor))
    return modulo(a, divisor);
  return combine(a, -1, b);
}

TermRef Terms::multiply(TermRef a, TermRef b) {
  if (a->kind == TermKind::Unknown || b->kind == TermKind::Unknown)
    return unknown();
  if (auto x = a->constant())
    return scale(b, *x);
  if (auto y = b->constant())
    return scale(a, *y);
  if (a->serial > b->serial)
    std::swap(a, b);
  Wide corners[] = {Wide(a->low) * b->low, Wide(a->low) * b->high, Wide(a->high) * b->low,
                    Wide(a->high) * b->high};
  return ranged({TermKind::Multiply, 0, {a, b}, {}, 0, 0, a->uniform && b->uniform},
                *std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4));
}

TermRef Terms::divide(TermRef a, TermRef b) {
  if (a->kind == TermKind::Unknown || b->kind == TermKind::Unknown)
    return unknown();
  auto x = a->constant(), y = b->constant();
  if (y && *y == 0)
    return unknown();
  if (y && *y == 1)
    return a;
  if (x && y)
    return constant(floorDivide(*x, *y));
  Term quotient{TermKind::Divide, 0, {a, b}, {}, 0, 0, a->uniform && b->uniform};
  if (b->low > 0) {
    return ranged(std::move(quotient), floorDivide(a->low, a->low < 0 ? b->low : b->high),
                  floorDivide(a->high, a->high < 0 ? b->high : b->low));
  }
  Wide most = std::max(-Wide(a->low), Wide(a->high)) + 1;
  return ranged(std::move(quotient), -most, most);
}

TermRef Terms::modulo(TermRef a, TermRef b) {
  if (a->kind == TermKind::Unknown || b->kind == TermKind::Unknown)
    return unknown();
  auto x = a->constant(), y = b->constant();
  if (y && *y == 0)
    return unknown();
  if (x && y)
    return constant(*x - *y * floorDivide(*x, *y));
  if (b->low > 0 && a->low >= 0 && a->high < b->low)
    return a;
  Term rest{TermKind::Modulo, 0, {a, b}, {}, 0, 0, a->uniform && b->uniform};
  return ranged(std::move(rest), std::min<Wide>(0, Wide(b->low) + 1),
                std::max<Wide>(0, Wide(b->high) - 1));
}

TermRef Terms::extreme(TermKind kind, TermRef a, TermRef b) {
  if (a->kind == TermKind::Unknown || b->kind == TermKind::Unknown)
    return unknown();
  if (a == b)
    return a;
  bool isMin = kind == TermKind::Min;
  TermRef difference = combine(a, -1, b);
  if (difference->kind != TermKind::Unknown) {
    if (difference->high <= 0)
      return isMin ? a : b;
    if (difference->low >= 0)
      return isMin ? b : a;
  }
  if (a->serial > b->serial)
    std::swap(a, b);
  auto pick = [&](int64_t p, int64_t q) { return isMin ? std::min(p, q) : std::max(p, q); };
  return ranged({kind, 0, {a, b}, {}, 0, 0, a->uniform && b->uniform}, pick(a->low, b->low),
                pick(a->high, b->high));
}

TermRef Terms::choose(TermRef condition, TermRef then, TermRef otherwise) {
  if (condition->kind == TermKind::True || then == otherwise)
    return then;
  if (condition->kind == TermKind::False)
    return otherwise;
  for (TermRef part : {condition, then, otherwise})
    if (part->kind == TermKind::Unknown)
      return unknown();
  return ranged({TermKind::Choose,
                 0,
                 {condition, then, otherwise},
                 {},
                 0,
                 0,
                 condition->uniform && then->uniform && otherwise->uniform},
                std::min(then->low, otherwise->low), std::max(then->high, otherwise->high));
}

//===-- Booleans -------------------------------------------------------------------===//

TermRef Terms::notPositive(TermRef a) {
  if (a->kind == TermKind::Unknown)
    return unknown();
  if (a->high <= 0)
    return truth(true);
  if (a->low > 0)
    return truth(false);
  return make({TermKind::NotPositive, 0, {a}, {}, 0, 1, a->uniform});
}

TermRef Terms::isZero(TermRef a) {
  if (a->kind == TermKind::Unknown)
    return unknown();
  if (a->low == 0 && a->high == 0)
    return truth(true);
  if (a->low > 0 || a->high < 0)
    return truth(false);
  return make({TermKind::Zero, 0, {a}, {}, 0, 1, a->uniform});
}

TermRef Terms::negate(TermRef a) {
  switch (a->kind) {
  case TermKind::True:
  case TermKind::False:
    return truth(a->kind == TermKind::False);
  case TermKind::NotPositive: // not a <= 0: 1 - a <= 0
    return notPositive(combine(constant(1), -1, a->operands[0]));
  case TermKind::Not:
    return a->operands[0];
  case TermKind::Unknown:
    return unknown();
  case TermKind::And:
  case TermKind::Or: {
    TermRef result = truth(a->kind == TermKind::And ? false : true);
    for (TermRef operand : a->operands)
      result = a->kind == TermKind::And ? either(result, negate(operand))
                                        : both(result, negate(operand));
    return result;
  }
  default:
    return make({TermKind::Not, 0, {a}, {}, 0, 1, a->uniform});
  }
}

TermRef Terms::junction(TermKind kind, TermRef a, TermRef b) {
  TermKind neutral = kind == TermKind::And ? TermKind::True : TermKind::False;
  TermKind ruling = kind == TermKind::And ? TermKind::False : TermKind::True;
  std::vector<TermRef> parts;
  for (TermRef term : {a, b})
    for (TermRef part : term->kind == kind ? term->operands : std::vector<TermRef>{term}) {
      if (part->kind == ruling)
        return part;
      if (part->kind != neutral)
        parts.push_back(part);
    }
  std::sort(parts.begin(), parts.end(), [](TermRef p, TermRef q) { return p->serial < q->serial; });
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  if (parts.empty())
    return truth(kind == TermKind::And);
  if (parts.size() == 1)
    return parts[0];
  bool uniform = allUniform(parts);
  return make({kind, 0, std::move(parts), {}, 0, 1, uniform});
}

bool Terms::contains(TermRef whole, TermRef part) {
  if (whole == part)
    return true;
  if (whole->operands.empty() || whole->serial < part->serial)
    return false;
  auto [it, isNew] = occurs.try_emplace({whole, part}, false);
  if (isNew)
    it->second = std::any_of(whole->operands.begin(), whole->operands.end(),
                             [&](TermRef operand) { return contains(operand, part); });
  return it->second;
}

//===-- Values ---------------------------------------------------------------------===//

int64_t evaluate(TermRef term, llvm::function_ref<int64_t(const Term &)> leaf) {
  auto at = [&](size_t i) { return evaluate(term->operands[i], leaf); };
  switch (term->kind) {
  case TermKind::Linear: {
    int64_t sum = term->number;
    for (size_t i = 0; i < term->operands.size(); ++i)
      sum += term->coefficients[i] * at(i);
    return sum;
  }
  case TermKind::Symbol:
  case TermKind::Lookup:
  case TermKind::Point:
  case TermKind::Element:
  case TermKind::Flag:
    return leaf(*term);
  case TermKind::Multiply:
    return at(0) * at(1);
  case TermKind::Divide: {
    int64_t divisor = at(1);
    return floorDivide(at(0), divisor == 0 ? 1 : divisor);
  }
  case TermKind::Modulo: {
    int64_t a = at(0), b = at(1);
    b = b == 0 ? 1 : b;
    return a - b * floorDivide(a, b);
  }
  case TermKind::Min:
    return std::min(at(0), at(1));
  case TermKind::Max:
    return std::max(at(0), at(1));
  case TermKind::Choose:
    return at(0) ? at(1) : at(2);
  case TermKind::True:
    return 1;
  case TermKind::False:
    return 0;
  case TermKind::NotPositive:
    return at(0) <= 0;
  case TermKind::Zero:
    return at(0) == 0;
  case TermKind::And:
    for (size_t i = 0; i < term->operands.size(); ++i)
      if (!at(i))
        return 0;
    return 1;
  case TermKind::Or:
    for (size_t i = 0; i < term->operands.size(); ++i)
      if (at(i))
        return 1;
    return 0;
  case TermKind::Not:
    return !at(0);
  case TermKind::Unknown:
    break;
  }
  assert(false && "an unknown has no value");
  return 0;
}

static std::string printLinear(const Term &term,
                               llvm::function_ref<std::string(TermRef)> operandText) {
  std::string text;
  for (size_t i = 0; i < term.operands.size(); ++i) {
    int64_t by = term.coefficients[i];
    text += by < 0 ? (text.empty() ? "-" : " - ") : (text.empty() ? "" : " + ");
    if (std::abs(by) != 1)
      text += std::to_string(std::abs(by)) + " * ";
    text += operandText(term.operands[i]);
  }
  if (text.empty())
    return std::to_string(term.number);
  if (term.number != 0)
    text += (term.number < 0 ? " - " : " + ") + std::to_string(std::abs(term.number));
  return text;
}

/// `left <= right`, with what is subtracted on the other side.
static std::string printRelation(const Term &sum, const char *relation,
                                 llvm::function_ref<std::string(TermRef)> operandText) {
  if (sum.kind != TermKind::Linear)
    return operandText(&sum) + relation + "0";
  Term left{TermKind::Linear, 0}, right{TermKind::Linear, 0};
  for (size_t i = 0; i < sum.operands.size(); ++i) {
    Term &side = sum.coefficients[i] > 0 ? left : right;
    side.operands.push_back(sum.operands[i]);
    side.coefficients.push_back(std::abs(sum.coefficients[i]));
  }
  if (left.operands.empty())
    left.number = sum.number;
  else
    right.number = -sum.number;
  return printLinear(left, operandText) + relation + printLinear(right, operandText);
}

std::string print(TermRef term, llvm::function_ref<std::string(const Term &)> name) {
  auto at = [&](TermRef operand) { return print(operand, name); };
  auto inBrackets = [&](TermRef operand) {
    std::string text = at(operand);
    bool compound = (operand->kind == TermKind::Linear && !operand->operands.empty()) ||
                    operand->kind == TermKind::Multiply || operand->kind == TermKind::Divide ||
                    operand->kind == TermKind::Modulo || operand->kind == TermKind::And ||
                    operand->kind == TermKind::Or;
    return compound ? "(" + text + ")" : text;
  };
  auto call = [&](const char *function) {
    std::string text = std::string(function) + "(";
    for (size_t i = 0; i < term->operands.size(); ++i)
      text += (i ? ", " : "") + at(term->operands[i]);
    return text + ")";
  };
  auto joined = [&](const char *separator) {
    std::string text;
    for (size_t i = 0; i < term->operands.size(); ++i)
      text += (i ? separator : "") + inBrackets(term->operands[i]);
    return text;
  };
  switch (term->kind) {
  case TermKind::Linear:
    return printLinear(*term, inBrackets);
  case TermKind::Symbol:
  case TermKind::Lookup:
  case TermKind::Point:
  case TermKind::Element:
  case TermKind::Flag:
    return name(*term);
  case TermKind::Multiply:
    return joined(" * ");
  case TermKind::Divide:
    return joined(" / ");
  case TermKind::Modulo:
    return joined(" % ");
  case TermKind::Min:
    return call("min");
  case TermKind::Max:
    return call("max");
  case TermKind::Choose:
    return call("where");
  case TermKind::True:
    return "true";
  case TermKind::False:
    return "false";
  case TermKind::NotPositive:
    return printRelation(*term->operands[0], " <= ", inBrackets);
  case TermKind::Zero:
    return printRelation(*term->operands[0], " == ", inBrackets);
  case TermKind::And:
    return joined(" and ");
  case TermKind::Or:
    return joined(" or ");
  case TermKind::Not:
    return "not " + inBrackets(term->operands[0]);
  case TermKind::Unknown:
    return "?";
  }
  return "?";
}

} // namespace fc
