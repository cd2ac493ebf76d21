// ExactMask.h - which keys each row sees: a kernel's mask, point by point, by the reference
// evaluator
//
// The mask is what the language says it is (rule S2): a point of the walked axis is excluded where
// every reduction over it takes its identity. The conditions are those that the evaluator itself
// uses; they are evaluated alone, without scores or values, so that 4096 x 4096 points take a
// second. What the compiler plans is judged by this.
#pragma once
#include "dsl/Reference.h"
#include <memory>
#include <set>

namespace fc::dsl {

/// A part of a mask: points where `condition` is `deadWhen` are excluded.
struct MaskCondition {
  const Expr *condition;
  bool deadWhen;
  bool operator==(const MaskCondition &) const = default;
};

class ExactMask {
public:
  /// The mask of the reductions over `keys` for the rows of the grid's tile axis `rows` (null: one
  /// row a program). `dims` has every dimension of the kernel, `scalars` every scalar
  /// (bindScalars).
  ExactMask(const Kernel &kernel, const Axis *rows, const Axis *keys, Dims dims, Scalars scalars);
  ~ExactMask();

  /// What excludes points, of every reduction; empty: nothing does.
  const std::vector<MaskCondition> &conditions() const { return all; }
  /// Why the mask cannot be had without running the kernel (a condition on a `var`), or empty.
  const std::string &unknown() const { return why; }
  /// The tensors that must be given: those that the conditions, ranges and `assume`s read.
  const std::set<const Tensor *> &reads() const { return tensors; }

  struct Window {
    int64_t rowBegin = 0, rowEnd = 1, keyBegin = 0, keyEnd = 0;
  };
  /// Goes to one program of the grid: `offsets` into the ranges of its scalar axes by name, 0 where
  /// a name is missing. Gives the ranges of rows and keys there; checks the `assume`s. `given` must
  /// live as long as it is used.
  std::optional<ReferenceError> enter(const std::map<std::string, Array> &given,
                                      const Dims &offsets, Window &window);
  /// 1 for each key that counts: rows `begin` .. `end` of the window, row-major over its keys.
  std::optional<ReferenceError> evaluate(int64_t begin, int64_t end, std::vector<uint8_t> &live);

private:
  struct State;
  using Parts = std::vector<MaskCondition>;
  void collect(const std::vector<Stmt> &stmts);
  void collect(const Expr *expr);
  void addReads(const Expr *expr);
  void addReads(const Axis *axis);

  const Kernel &kernel;
  const Axis *rows, *keys;
  std::string why;
  Parts all;
  std::vector<Parts> reductions; ///< one that excludes nothing is empty
  std::set<const Tensor *> tensors;
  std::set<const void *> seen, used;
  std::unique_ptr<State> state;
};

} // namespace fc::dsl
