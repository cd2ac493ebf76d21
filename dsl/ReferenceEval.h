// ReferenceEval.h - evaluates expressions and statements at one grid point and one range of rows.
//
// Every expression is evaluated at all points of its axes at once, and remembered until something
// it depends on changes: a grid axis, the range of an axis, a `var`. Each such thing is a slot with
// the time of its last change; a remembered value is good if it is younger than all its slots. So
// what does not depend on the rows is computed once for all of them, with no analysis beyond the
// slots.
#pragma once
#include "dsl/Reference.h"
#include "dsl/ReferencePlan.h"
#include "dsl/ReferenceValue.h"
#include <optional>
#include <string>
#include <unordered_map>

namespace fc::dsl {

/// Thrown inside the evaluator, caught by evaluate(): the first error ends the evaluation.
struct Failure {
  ReferenceError error;
};

/// What the launch fixes.
struct Launch {
  const Kernel &kernel;
  Dims dims;
  Scalars scalars;
  std::unordered_map<const Tensor *, const Array *> inputs;
  std::unordered_map<const Tensor *, Output *> outputs; ///< without the null ones
};

class Evaluator {
public:
  Evaluator(const Launch &launch, const Plan &plan, int cut);

  void setPoint(const Axis *axis, int64_t at) { setRange(axis, at, at + 1); }
  void setRange(const Axis *axis, int64_t lo, int64_t hi);
  struct Range {
    int64_t lo = 0, hi = 0;
  };
  /// The range that the axis declares, empty if hi <= lo.
  Range rangeOf(const Axis *axis);

  void run(const std::vector<Stmt> &stmts);
  /// The value over the ranges that are set.
  ValueRef valueOf(const Expr *e) { return eval(e); }

  /// The most elements that a value has had with this many rows of the axes `tiles` at a time, from
  /// the extents seen so far; nothing while some axis has not been seen.
  std::optional<int64_t> largestValue(const std::vector<const Axis *> &tiles,
                                      const std::vector<int64_t> &rows) const;

private:
  struct Remembered {
    ValueRef value;
    uint64_t time = 0;
  };
  struct SlotState {
    uint64_t changed = 0;
    Range range;                      ///< of an axis
    int64_t largest = -1;             ///< of an axis: the largest extent so far
    ValueRef value;                   ///< of a `var` or a kept `let`
    std::vector<ValueRef> conditions; ///< of a kept `let`: those of its exclusions
  };
  /// What went wrong at a point, reported if the point is used.
  struct Fault {
    const Expr *expr;
    std::vector<int64_t> numbers; ///< a read's indices, a division's dividend
  };

  const Launch &launch;
  const Plan &plan;
  int cut; ///< of the free loops over tiles: 0 or 1
  uint64_t now = 1;
  std::vector<SlotState> states;
  std::vector<Remembered> memo;
  std::vector<Fault> faults;

  // ReferenceEval.cpp
  ValueRef eval(const Expr *e);
  ValueRef compute(const Expr *e);
  Value emptyResult(const Expr *e);
  std::vector<int64_t> extentsOf(const std::vector<const Axis *> &axes) const;
  Value leaf(const Expr *e);
  Value unary(const Expr *e);
  Value binary(const Expr *e);
  Value divideInts(const Expr *e, ValueRef dividends, ValueRef divisors);
  Value compare(const Expr *e);
  Value logic(const Expr *e);
  Value select(const Expr *e);
  ValueRef cast(const Expr *e);
  Value random(const Expr *e);
  void spreadPoison(Value &out, const std::vector<ValueRef> &operands);
  uint32_t addFault(const Expr *e, std::vector<int64_t> numbers);
  [[noreturn]] void failAt(uint32_t poison);
  std::string describe(const Fault &fault) const;

  // ReferenceReduce.cpp
  Value dot(const Expr *e);
  Value reduce(const Expr *e);
  Value normalise(const Expr *e);
  Value cumulate(const Expr *e);
  ValueRef condition(const Exclusion &exclusion);
  ValueRef withoutExcluded(const Expr *operand, Absorbed identity);
  struct Rows;
  Rows rowsOf(const Expr *e, Absorbed identity);
  ValueRef deadPoints(const Expr *e);

  // ReferenceMemory.cpp
  /// Where the elements of an access lie in an array.
  struct Places {
    Value offsets;                ///< Int, over the axes of the access; poisoned where an index is
    std::vector<uint8_t> outside; ///< empty: none; else 1 where an index is outside its extent
    std::vector<Value> indices;   ///< the indices over the same axes, if some point is outside
    std::vector<int64_t> indicesAt(int64_t point) const;
  };
  Value read(const Expr *e);
  void store(const Stmt &stmt);
  Places placesOf(const Tensor *tensor, const std::vector<int64_t> &shape,
                  const std::vector<const Expr *> &indices, const std::vector<const Axis *> &axes);

  // ReferenceRun.cpp
  void run(const Stmt &stmt);
  void assign(const Var *var, const Expr *value);
  void loop(const Stmt &stmt);
  void check(const Stmt &stmt);
  int64_t scalarInt(const Expr *e);
  std::string pointText(const Expr *e, const Value &value, int64_t at) const;
};

} // namespace fc::dsl
