// Terms.h - integer and boolean terms over the points of axes and values of the launch
//
// What the mask plan computes with: a term is a constant, a value known at launch, the point of an
// axis, an element of a tensor, or an operation on terms. Terms are hashed, so that equal ones are
// one object, and sums are kept as linear forms: `i - j + (N - M)` holds each point once, and what
// cancels is gone. Every term has a static range; a term whose range leaves kMostTerm is unknown,
// so that no computation on terms can overflow 64 bits.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fc {

enum class TermKind : uint8_t {
  // Integers.
  Linear,   ///< constant + sum of coefficient * operand; a constant has no operands
  Symbol,   ///< a value of the launch or of the program: the same at all points
  Lookup,   ///< a value found at launch that hangs on the operands, uniform like them
  Point,    ///< the point of an axis
  Element,  ///< an element of a tensor, of the points of some axes
  Multiply, ///< of two terms, neither constant
  Divide,   ///< floors; the divisor is not 0
  Modulo,   ///< a - b * floor(a / b)
  Min,
  Max,
  Choose, ///< operands: condition, then, else
  // Booleans.
  True,
  False,
  NotPositive, ///< operand <= 0
  Zero,        ///< operand == 0
  Flag,        ///< a boolean of the launch
  And,
  Or,
  Not,
  // Either.
  Unknown ///< nothing is known about it
};

struct Term {
  TermKind kind;
  int64_t number; ///< Linear: the constant; Symbol, Lookup, Point, Element, Flag, Unknown: its id
  std::vector<const Term *> operands;
  std::vector<int64_t> coefficients; ///< Linear: of the operands
  int64_t low, high;                 ///< static range of an integer
  bool uniform;                      ///< without points, elements and unknowns
  int serial;                        ///< order of making

  bool isBool() const { return kind >= TermKind::True && kind != TermKind::Unknown; }
  std::optional<int64_t> constant() const {
    return kind == TermKind::Linear && operands.empty() ? std::optional(number) : std::nullopt;
  }
};
using TermRef = const Term *;
/// The order in which terms were made, so that results do not hang on addresses.
struct InOrder {
  bool operator()(TermRef a, TermRef b) const { return a->serial < b->serial; }
};

/// Static ranges stay within this; sums of a few such values fit 64 bits.
inline constexpr int64_t kMostTerm = int64_t(1) << 58;

/// Makes terms, and owns them.
class Terms {
public:
  //===-- Leaves ---------------------------------------------------------------===//
  TermRef constant(int64_t value);
  TermRef symbol(int64_t id, int64_t low, int64_t high);
  TermRef lookup(int64_t id, llvm::ArrayRef<TermRef> operands, int64_t low, int64_t high);
  TermRef point(int64_t axis, int64_t low, int64_t high);
  TermRef element(int64_t id, int64_t low, int64_t high);
  TermRef flag(int64_t id);
  TermRef truth(bool value);
  TermRef unknown();

  //===-- Integers -------------------------------------------------------------===//
  TermRef add(TermRef a, TermRef b) { return combine(a, 1, b); }
  TermRef subtract(TermRef a, TermRef b);
  TermRef scale(TermRef a, int64_t factor) { return combine(constant(0), factor, a); }
  TermRef plus(TermRef a, int64_t value) { return add(a, constant(value)); }
  TermRef multiply(TermRef a, TermRef b);
  TermRef divide(TermRef a, TermRef b);
  TermRef modulo(TermRef a, TermRef b);
  TermRef min(TermRef a, TermRef b) { return extreme(TermKind::Min, a, b); }
  TermRef max(TermRef a, TermRef b) { return extreme(TermKind::Max, a, b); }
  TermRef choose(TermRef condition, TermRef then, TermRef otherwise);

  //===-- Booleans -------------------------------------------------------------===//
  TermRef notPositive(TermRef a);
  TermRef isZero(TermRef a);
  TermRef lessEqual(TermRef a, TermRef b) { return notPositive(subtract(a, b)); }
  TermRef less(TermRef a, TermRef b) { return notPositive(plus(subtract(a, b), 1)); }
  TermRef equal(TermRef a, TermRef b) { return isZero(subtract(a, b)); }
  TermRef negate(TermRef a);
  TermRef both(TermRef a, TermRef b) { return junction(TermKind::And, a, b); }
  TermRef either(TermRef a, TermRef b) { return junction(TermKind::Or, a, b); }

  /// Whether `part` occurs in `whole`.
  bool contains(TermRef whole, TermRef part);

private:
  /// a + factor * b.
  TermRef combine(TermRef a, int64_t factor, TermRef b);
  TermRef extreme(TermKind kind, TermRef a, TermRef b);
  TermRef junction(TermKind kind, TermRef a, TermRef b);
  TermRef make(Term term);
  TermRef ranged(Term term, __int128 low, __int128 high);

  using Key = std::tuple<TermKind, int64_t, std::vector<const Term *>, std::vector<int64_t>>;
  std::deque<Term> all;
  std::map<Key, TermRef> known;
  std::map<std::pair<TermRef, TermRef>, bool> occurs;
  int64_t unknowns = 0;
};

/// The value of a term, given those of its leaves (symbols, lookups, points, elements, flags). A
/// boolean is 0 or 1. An unknown has no value: it must not occur.
int64_t evaluate(TermRef term, llvm::function_ref<int64_t(const Term &)> leaf);

/// The term as text, its leaves by `name`.
std::string print(TermRef term, llvm::function_ref<std::string(const Term &)> name);

/// Division and remainder that floor.
int64_t floorDivide(int64_t a, int64_t b);

} // namespace fc
