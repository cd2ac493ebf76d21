// NormalForm.h - the body of a sum as a sum of terms whose parts are told apart
//
// A body is brought to the form
//
//     sum over terms of   coef * prod atom^n * exp(sum c_k e_k)
//
// where an atom is free of the walk, or free of earlier reductions, or one of the three mixed kinds
// that can be carried: a `Shift` x + y, a `Guard`, an `Equal`. A mixed difference is never
// expanded: a difference may be much smaller than its parts. What has no such form cannot be
// carried by finitely many sums, and is refused. The form is unique once mixed differences are
// atoms, so nothing is searched.
#pragma once
#include "compiler/Transforms/Online/Graph.h"
#include <map>

namespace fc::online {

/// How a value relates to the reduction in question.
enum class Class : uint8_t {
  Plain, ///< constant along the walk, and known before it
  Along, ///< varies along the walk only: opaque
  Moved, ///< depends on an earlier reduction of the same walk only: moves as the walk goes on
  Mixed, ///< both: must be taken apart
};

/// A reduction's view of the graph: what it reduces over, and which reductions share its walk.
struct View {
  AxisMask reduced;
  ReductionMask walk;

  bool along(const Node *node) const { return node->axes & reduced; }
  bool moved(const Node *node) const { return node->reductions & walk; }
  Class classOf(const Node *node) const {
    return along(node) ? (moved(node) ? Class::Mixed : Class::Along)
                       : (moved(node) ? Class::Moved : Class::Plain);
  }
};

/// Why a reduction has no online form.
struct Refusal {
  const Node *at = nullptr; ///< the sub-expression that stands in the way
  std::string why;
};

/// Factors with their powers, and the exponent's addends with their coefficients; both sorted by
/// node.
struct Monomial {
  llvm::SmallVector<std::pair<const Node *, int64_t>, 4> atoms;
  llvm::SmallVector<std::pair<const Node *, double>, 4> exponent;
};
struct MonomialLess {
  bool operator()(const Monomial &a, const Monomial &b) const;
};
using Polynomial = std::map<Monomial, double, MonomialLess>;

class NormalForm {
public:
  NormalForm(Graph &graph, View view) : graph(graph), view(view) {}

  /// The form of a float value, or nothing and a refusal.
  std::optional<Polynomial> of(const Node *node);
  const Refusal &refusal() const { return refused; }

  /// The product of the atoms as a node.
  const Node *product(llvm::ArrayRef<std::pair<const Node *, int64_t>> atoms);
  /// sum c e as a node.
  const Node *sum(llvm::ArrayRef<std::pair<const Node *, double>> addends);
  /// The addends of a node with their coefficients.
  void addends(const Node *node, double coefficient,
               llvm::SmallVectorImpl<std::pair<const Node *, double>> &list);

private:
  std::optional<Polynomial> refuse(const Node *at, const llvm::Twine &why);
  std::optional<Polynomial> ofExp(const Node *node);
  std::optional<Polynomial> ofPower(const Node *node);
  std::optional<Polynomial> ofAdd(const Node *node);
  std::optional<Polynomial> ofLog(const Node *node);
  std::optional<Polynomial> ofSelect(const Node *condition, const Node *a, const Node *b);
  std::optional<Polynomial> times(const Polynomial &a, const Polynomial &b, const Node *at);
  /// A condition (or its opposite) as a factor.
  std::optional<Polynomial> indicator(const Node *condition, bool holds);
  struct Branches {
    const Node *condition, *a, *b;
  };
  /// A select that can be pulled above a mixed exponent.
  std::optional<Branches> asSelect(const Node *node);
  bool isNegativeInfinity(const Node *node);

  Graph &graph;
  View view;
  Refusal refused;
};

/// Facts that hold for every element, as far as the text shows them.
/// Positive wherever the row sees a key.
bool isPositive(const Graph &graph, const Node *node);
/// At most 1 in absolute value: the result of exp(x - max x), a sigmoid, a condition.
bool isBoundedByOne(const Node *node);
/// b >= x at every point.
bool isNeverBelow(const Node *b, const Node *x);
/// M >= x at all points seen so far, and M never decreases as the walk goes on.
bool dominates(const Graph &graph, const View &view, const Node *maximum, const Node *x);

} // namespace fc::online
