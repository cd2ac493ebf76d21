// Interval.h - bounds of the integers of a checked kernel, and facts that follow from its text
// alone
//
// The language's `int` has 64 bits; what can be bounded is computed in 32. The bounds rest on two
// promises that hold at every launch: dimensions are below kMaxExtent (checked by the runtime), and
// so are the points of axes, since an axis indexes tensors. A third is the writer's: `assume` may
// bound a parameter by constants.
#pragma once
#include "dsl/Kernel.h"
#include "llvm/ADT/DenseMap.h"
#include <cstdint>
#include <limits>
#include <optional>

namespace fc {

/// lo <= x <= hi.
struct Interval {
  int64_t lo = std::numeric_limits<int64_t>::min();
  int64_t hi = std::numeric_limits<int64_t>::max();

  static Interval full() { return {}; }
  static Interval exactly(int64_t value) { return {value, value}; }
  bool isFull() const { return *this == full(); }
  bool fits32() const { return lo >= INT32_MIN && hi <= INT32_MAX; }
  bool nonNegative() const { return lo >= 0; }
  bool within(Interval other) const { return lo >= other.lo && hi <= other.hi; }
  bool operator==(const Interval &) const = default;
};

/// The values an integer element type can hold.
Interval rangeOf(dsl::Elem elem);

/// Looks through `let`s.
const dsl::Expr *resolve(const dsl::Expr *expr);
/// The value of an integer constant.
std::optional<int64_t> constantOf(const dsl::Expr *expr);
/// Whether the float constant is the language's -inf.
bool isNegativeInfinity(const dsl::Expr *expr);
/// Whether two expressions are the same by their structure. Large ones are not looked through.
bool same(const dsl::Expr *a, const dsl::Expr *b);

/// Memoised bounds of integer expressions.
class Intervals {
public:
  Intervals() = default;
  /// With what the kernel assumes of its parameters: `assume 1 <= step <= 1024`.
  explicit Intervals(const dsl::Kernel &kernel);
  Interval of(const dsl::Expr *expr);
  /// The points of an axis.
  Interval points(const dsl::Axis *axis);
  /// What is assumed of a parameter.
  Interval of(const dsl::Scalar *scalar) const { return scalars.lookup(scalar); }
  /// hi - lo if it, or `upto`, is a compile-time constant: how many points the axis has at most.
  std::optional<int64_t> constantExtent(const dsl::Axis *axis);

private:
  Interval compute(const dsl::Expr &expr);
  void assume(const dsl::Expr *fact);
  llvm::DenseMap<const dsl::Expr *, Interval> known;
  llvm::DenseMap<const dsl::Scalar *, Interval> scalars;
};

} // namespace fc
