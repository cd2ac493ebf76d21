// MaskPlan.h - which tiles a predicate leaves empty, full or partial, by three-valued evaluation
//
// A predicate is a boolean term over points. Over a tile, in which each point lies between two
// uniform terms, `TileTests` gives two uniform conditions: one without which the predicate holds at
// no point (`possible`), one with which it holds at all (`certain`). Both are sound for every value
// at launch; where intervals lose something the tile counts as partial, which is always right.
// Three things keep intervals tight: linear forms (`i - j` is one form, not two intervals), facts
// (in `a and b`, b is judged where a holds: bounds on any linear form of points), and congruences
// (`(i - j) % d == c` asks whether a multiple lies in the interval).
//
// `solve` turns a uniform condition into the span of one variable outside of which it is false:
// the loop's bounds in closed form.
#pragma once
#include "compiler/Analysis/Terms.h"

namespace fc {

/// A point and the tile it runs through: first <= point <= last, both uniform.
struct TileRange {
  TermRef point, first, last;
};

class TileTests {
public:
  TileTests(Terms &terms, llvm::ArrayRef<TileRange> ranges);
  /// The element of a tensor lies between these, uniform terms, in the tile.
  void setElement(TermRef element, TermRef low, TermRef high) { elements[element] = {low, high}; }

  /// False: the predicate holds at no point of the tile.
  TermRef possible(TermRef predicate);
  /// True: the predicate holds at every point of the tile.
  TermRef certain(TermRef predicate) { return terms.negate(possible(terms.negate(predicate))); }

private:
  struct Bounds {
    TermRef low = nullptr, high = nullptr; ///< null: none known
  };
  /// What is known of linear forms of points, by form (first coefficient positive).
  struct Known {
    llvm::SmallVector<TermRef, 2> lows, highs;
  };
  using Facts = std::map<TermRef, Known, InOrder>;

  TermRef possible(TermRef predicate, const Facts &facts);
  TermRef possibleConjunction(llvm::ArrayRef<TermRef> parts, Facts facts);
  TermRef possibleZero(TermRef sum, const Facts &facts);
  bool addFact(TermRef part, Facts &facts);
  bool addBound(TermRef sum, Facts &facts);
  Known rangeOfForm(TermRef form, const Facts &facts);
  Bounds boundsOf(TermRef term, const Facts &facts);
  Bounds boundsOfLinear(TermRef term, const Facts &facts);
  Bounds boundsOfProduct(Bounds a, Bounds b);
  Bounds boundsOfQuotient(TermRef term, const Facts &facts);
  Bounds boundsOfRemainder(TermRef term, const Facts &facts);
  Bounds boundsOfChoice(TermRef term, const Facts &facts);
  Bounds unionOf(Bounds a, Bounds b);

  Terms &terms;
  std::map<TermRef, Bounds, InOrder> tiles, elements;
};

/// `sum <= 0`, with those minima, maxima and choices among the sum's operands for which `expands`
/// holds written as conjunctions and disjunctions.
TermRef expandRelation(Terms &terms, TermRef sum, llvm::function_ref<bool(TermRef)> expands);

/// low <= variable <= high.
struct Span {
  TermRef low, high;
  bool exact; ///< the condition holds everywhere in between
};
/// What a condition leaves of a variable. Ends without a bound are -/+kFar; nothing is left where
/// low > high.
Span solve(Terms &terms, TermRef condition, TermRef variable);
inline constexpr int64_t kFar = int64_t(1) << 40;

/// The same as several spans: the condition is false outside all of them. Unions stay apart, up to
/// kMostSpans; what is more is joined.
llvm::SmallVector<Span> solveApart(Terms &terms, TermRef condition, TermRef variable);
inline constexpr size_t kMostSpans = 4;

} // namespace fc
