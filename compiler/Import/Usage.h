// Usage.h - who uses an expression, and where its reads are needed
//
// Rule S3: a read happens only at points whose value is used. What an `fc.read` may touch is
// limited by its bounds (the tails of axes) and its `where` predicates. A read whose indices lie in
// the tensor for every point of their axes needs no predicate. Any other takes the conditions under
// which it is used:
//
//   where(c, x[e], y)      c, and `not c` on the other side; the same right of `and` and `or`
//   dot[j](p, x[e])        the conditions without which p is 0 by rule S2, as of `where(c, p, 0)`,
//                          `exp(where(c, s, -inf) - m)`; and likewise under sum, max, softmax
//
// Of these only those over the read's own axes when a reduction lies between (`where false is
// decided by conjuncts over the contracted axes alone`): the others exclude no point of the read
// altogether.
#pragma once
#include "compiler/Import/Tree.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include <set>

namespace fc {

/// A condition, or its negation, that holds wherever an expression is used.
struct Guard {
  const dsl::Expr *condition;
  bool holds;
  bool reduced;  ///< a reduction lies between the condition and the use
  bool excludes; ///< known from the other operand of a product: not when the condition itself is
                 ///< evaluated
  auto operator<=>(const Guard &) const = default;
};
/// All of them hold.
using Guards = std::vector<Guard>;

class Usage {
public:
  Usage(const dsl::Kernel &kernel, Tree &tree, Intervals &intervals);

  /// How many places use the value of a resolved expression.
  unsigned uses(const dsl::Expr *expr) const { return counts.lookup(expr); }
  /// The alternatives under which a read is used, each a conjunction; none: always.
  const std::vector<Guards> &guards(const dsl::Expr *read) const;
  /// Whether reads are used under more conditions than it is sensible to follow.
  bool gaveUp() const { return walked.size() > kMaxWalked; }
  /// Whether the axis occurs in the last index of some read or store.
  bool isMinor(const dsl::Axis *axis) const { return minor.contains(axis); }
  /// Whether what is carried along some walk is over the axis: a `var`, or what is stored of a
  /// product that an `isWalked` axis contracts and of which one operand does not vary along this
  /// one. A walk over it would compute that operand anew in each turn.
  bool isCarried(const dsl::Axis *axis, llvm::function_ref<bool(const dsl::Axis *)> isWalked) const;

private:
  static constexpr size_t kMaxWalked = 4'000;
  /// What a value is for: points where it is this identity do not matter.
  enum class Identity { None, Zero, NegInf };

  void visit(const std::vector<dsl::Stmt> &body);
  void visitAxis(const dsl::Axis *axis);
  void root(const dsl::Expr *expr);
  void count(const dsl::Expr *expr);
  /// Whether some read below may leave its tensor, so that its conditions matter.
  bool mayLeave(const dsl::Expr *expr);
  void walk(const dsl::Expr *expr, const Guards &guards, Identity identity);
  /// The conjuncts of a condition or of its negation.
  const Guards &conjuncts(const dsl::Expr *condition, bool holds);
  /// The conditions without which `expr` is the identity (rule S2).
  const Guards &exclusions(const dsl::Expr *expr, Identity identity);
  void settle(const dsl::Expr *read, const std::set<Guards> &contexts);

  Tree &tree;
  Intervals &intervals;
  llvm::DenseMap<const dsl::Expr *, unsigned> counts, order; ///< order: of the first visit
  llvm::DenseMap<const dsl::Expr *, bool> leaving;
  std::map<const dsl::Expr *, std::set<Guards>>
      contexts; ///< of each read that may leave its tensor
  std::map<const dsl::Expr *, std::vector<Guards>> settled;
  std::set<std::tuple<const dsl::Expr *, Guards, Identity>> walked;
  std::map<std::pair<const dsl::Expr *, bool>, Guards> conjunctsOf;
  std::map<std::pair<const dsl::Expr *, Identity>, Guards> exclusionsOf;
  llvm::DenseSet<const dsl::Axis *> minor, stored, ofVars;
  /// By axis of a product, those that it contracts, where one operand does not vary along the axis.
  llvm::DenseMap<const dsl::Axis *, llvm::DenseSet<const dsl::Axis *>> contractedBeside;
};

/// Whether every index of the read is within the tensor at all points of its axes.
bool staysInside(const dsl::Expr *read, Intervals &intervals);

} // namespace fc
