// Derive.h - which accumulators a walk carries, and what its reductions are in terms of them
//
// Each reduction is brought to normal form; what is free of the walk leaves the sum, what is left
// inside is an accumulator. An accumulator that holds a mixed part is evaluated at a running
// *anchor*, the part's moved half: moving the anchor is a linear map on the accumulators, exp(w +
// d) = exp d exp w and (w + d)^n = sum C(n, i) d^(n-i) w^i, which is the correction of the loop and
// of the merge alike. So a power brings all lower powers along, and nothing else is needed.
//
// Exactness does not depend on the anchor; stability does. An exponent is anchored at a maximum
// that provably dominates it, or at a maximum made for it when there is no proof.
#pragma once
#include "compiler/Transforms/Online/NormalForm.h"

namespace fc::online {

/// One side of a product of tiles, or the whole of a sum's body.
struct Side {
  /// Values along the walk and shifts, with their powers.
  llvm::SmallVector<std::pair<const Node *, int64_t>, 2> atoms;
  /// Conditions: where one fails, the side adds nothing.
  llvm::SmallVector<const Node *, 2> guards;
  /// A `Shift` or a value along the walk: the side has the factor exp of it. Or null.
  const Node *exponent = nullptr;
  /// The element type of the tile: a product's operands keep theirs. Null: as it is.
  mlir::Type type;

  bool operator==(const Side &) const = default;
  bool empty() const { return atoms.empty() && guards.empty() && !exponent; }
  AxisMask axes() const;
};

struct Accumulator {
  ReduceKind kind;
  AxisMask reduced;
  llvm::SmallVector<Side, 2> sides; ///< two of a product of tiles, else one
  const Node *node = nullptr;       ///< stands for its value
  mlir::Location location;

  bool isDot() const { return sides.size() == 2; }
  mlir::Type type() const { return node->type; }
  AxisMask axes() const { return node->axes; }
};

/// A `Shift` among an accumulator's atoms.
struct ShiftAtom {
  unsigned side;
  const Node *shift;
  int64_t power;
};
llvm::SmallVector<ShiftAtom> shiftAtoms(const Accumulator &accumulator);

class Derivation {
public:
  explicit Derivation(Graph &graph) : graph(graph) {}

  /// Takes a reduction into the walk; those it depends on are in it or in an earlier one. On
  /// refusal nothing is changed.
  std::optional<Refusal> add(unsigned reduction);

  /// Accumulators, each after those its anchors are made of.
  llvm::ArrayRef<Accumulator> accumulators() const { return list; }
  /// A reduction of the walk in terms of accumulators and other reductions.
  const Node *valueOf(unsigned reduction) const { return values.lookup(reduction); }
  bool has(unsigned reduction) const { return values.contains(reduction); }
  /// The reductions of the walk.
  ReductionMask mask() const { return walk; }
  /// Puts the accumulators in order; after the last reduction has been added.
  void sort();
  /// The accumulator with other powers of its shift atoms.
  const Accumulator &lowered(const Accumulator &accumulator, llvm::ArrayRef<int64_t> powers) const;

private:
  std::optional<Refusal> addSum(const Reduction &reduction, const View &view);
  const Node *scaled(const Node *sum, const Node *factor, const View &view);
  std::optional<Refusal> anchor(Side &side, const Node *&hoisted, NormalForm &form,
                                const View &view,
                                llvm::ArrayRef<std::pair<const Node *, double>> exponent);
  /// Splits a monomial into a side of an accumulator and what leaves the sum.
  std::optional<Refusal> split(const Monomial &monomial, NormalForm &form, const View &view,
                               Side &side, const Node *&hoisted);
  /// Peels what is free of the walk off the body of a max, min, any or all.
  const Node *peel(ReduceKind kind, const Node *body, const View &view, const Reduction &reduction,
                   Refusal &refusal);
  const Node *accumulate(ReduceKind kind, AxisMask reduced, llvm::ArrayRef<Side> sides,
                         mlir::Location location, mlir::Type type);
  std::optional<Refusal> checkCast(const Side &side, mlir::Type type, const Reduction &reduction,
                                   bool mixed);

  Graph &graph;
  ReductionMask walk = 0;
  llvm::SmallVector<Accumulator> list;
  llvm::DenseMap<unsigned, const Node *> values;
};

} // namespace fc::online
