// Simplify.cpp - conditions under the facts that stand beside them
#include "compiler/Explain/Simplify.h"
#include "compiler/Analysis/MaskPlan.h"
#include "llvm/ADT/STLExtras.h"

namespace fc::explain {

namespace {

class Simplifier {
public:
  explicit Simplifier(Terms &terms) : terms(terms) {}

  TermRef run(TermRef condition, llvm::SmallVector<TermRef> facts) {
    if (condition->kind == TermKind::And) {
      for (TermRef part : condition->operands)
        if (part->kind == TermKind::NotPositive && isPlain(part->operands[0]))
          facts.push_back(part->operands[0]);
      TermRef all = terms.truth(true);
      for (TermRef part : condition->operands) {
        llvm::SmallVector<TermRef> others;
        bool isFact = part->kind == TermKind::NotPositive && isPlain(part->operands[0]);
        for (TermRef fact : facts)
          if (!isFact || fact != part->operands[0])
            others.push_back(fact);
        all = terms.both(all, run(part, others));
      }
      return all;
    }
    if (condition->kind == TermKind::Or) {
      TermRef any = terms.truth(false);
      for (TermRef part : condition->operands)
        any = terms.either(any, run(part, facts));
      return any;
    }
    if (condition->kind == TermKind::Not)
      return terms.negate(run(condition->operands[0], facts));
    if (condition->kind == TermKind::NotPositive) {
      TermRef sum = number(condition->operands[0], facts);
      for (TermRef fact : facts) {
        if (terms.subtract(sum, fact)->high <= 0)
          return terms.truth(true); // sum <= fact <= 0
        if (terms.add(sum, fact)->low > 0)
          return terms.truth(false);
      }
      return terms.notPositive(sum);
    }
    if (condition->kind == TermKind::Zero)
      return terms.isZero(number(condition->operands[0], facts));
    return condition;
  }

private:
  /// Without minima, maxima and choices, which facts are to decide.
  bool isPlain(TermRef sum) {
    return llvm::none_of(sum->operands, [](TermRef operand) {
      return operand->kind == TermKind::Min || operand->kind == TermKind::Max ||
             operand->kind == TermKind::Choose;
    });
  }

  bool isBelow(TermRef a, TermRef b, llvm::ArrayRef<TermRef> facts) {
    TermRef difference = terms.subtract(a, b);
    if (difference->high <= 0)
      return true;
    return llvm::any_of(facts,
                        [&](TermRef fact) { return terms.subtract(difference, fact)->high <= 0; });
  }

  TermRef number(TermRef term, llvm::ArrayRef<TermRef> facts) {
    switch (term->kind) {
    case TermKind::Linear: {
      TermRef sum = terms.constant(term->number);
      for (auto [operand, by] : llvm::zip(term->operands, term->coefficients))
        sum = terms.add(sum, terms.scale(number(operand, facts), by));
      return sum;
    }
    case TermKind::Min:
    case TermKind::Max: {
      TermRef a = number(term->operands[0], facts), b = number(term->operands[1], facts);
      bool isMin = term->kind == TermKind::Min;
      if (isBelow(a, b, facts))
        return isMin ? a : b;
      if (isBelow(b, a, facts))
        return isMin ? b : a;
      return isMin ? terms.min(a, b) : terms.max(a, b);
    }
    default:
      return term;
    }
  }

  Terms &terms;
};

} // namespace

/// The operands of nested minima or maxima that are bounds.
static void addBounds(TermRef end, TermKind kind, llvm::function_ref<std::string(TermRef)> print,
                      std::vector<std::string> &bounds, std::vector<std::string> &conditions) {
  auto isFar = [](TermRef term) { return std::abs(term->constant().value_or(0)) >= kFar; };
  auto addOnce = [](std::vector<std::string> &list, std::string text) {
    if (!llvm::is_contained(list, text))
      list.push_back(std::move(text));
  };
  if (end->kind == kind) {
    for (TermRef operand : end->operands)
      addBounds(operand, kind, print, bounds, conditions);
  } else if (end->kind == TermKind::Choose && isFar(end->operands[1]) && isFar(end->operands[2])) {
    addOnce(conditions, print(end->operands[0]));
  } else if (!isFar(end)) {
    addOnce(bounds, print(end));
  }
}

std::string printEnd(TermRef end, bool isLow, llvm::function_ref<std::string(TermRef)> print,
                     std::vector<std::string> &conditions) {
  std::vector<std::string> bounds;
  addBounds(end, isLow ? TermKind::Max : TermKind::Min, print, bounds, conditions);
  if (bounds.size() <= 1)
    return bounds.empty() ? "" : bounds[0];
  std::string text = isLow ? "max(" : "min(";
  for (size_t i = 0; i < bounds.size(); ++i)
    text += (i ? ", " : "") + bounds[i];
  return text + ")";
}

TermRef simplified(Terms &terms, TermRef condition) {
  for (int round = 0; round < 3; ++round) {
    TermRef next = Simplifier(terms).run(condition, {});
    if (next == condition || next->kind == TermKind::Unknown)
      break;
    condition = next;
  }
  return condition;
}

} // namespace fc::explain
