// Tree.h - the checked tree as import reads it: `let`s looked through, softmax and log-sum-exp
// written out, implied conversions and bounds made expressions
//
//   softmax[j](x)   = e / sum[j](e)      with m = max[j](x), e = exp(x - m)
//   logsumexp[j](x) = m + log(sum[j](e))
//
// so that everything after knows one form. Both over one x share m, e and the sum.
#pragma once
#include "compiler/Import/Interval.h"
#include <deque>
#include <map>
#include <vector>

namespace fc {

class Tree {
public:
  /// The expression behind `let`s, written out.
  const dsl::Expr *resolve(const dsl::Expr *expr);
  /// `expr as elem`; `expr` itself if it has that type.
  const dsl::Expr *cast(const dsl::Expr *expr, dsl::Elem elem);
  /// min(hi, lo + upto): the end of an axis (rule A3).
  const dsl::Expr *end(const dsl::Axis *axis);
  /// The number of points of a grid axis as the launch knows it, at least 0.
  const dsl::Expr *extent(const dsl::Axis *axis, Intervals &intervals);

private:
  using Operands = std::vector<const dsl::Expr *>;
  const dsl::Expr *make(dsl::Op op, dsl::Elem elem, Operands operands, dsl::Loc loc);
  const dsl::Expr *reduction(dsl::Op op, const dsl::Expr *x, const dsl::Expr &source);

  /// m, e and sum[j](e) of one x.
  struct Normaliser {
    const dsl::Expr *top, *weights, *total;
  };
  const Normaliser &normaliser(const dsl::Expr &source);

  std::deque<dsl::Expr> store;
  std::map<std::pair<const dsl::Expr *, std::vector<const dsl::Axis *>>, Normaliser> normalisers;
  std::map<const dsl::Expr *, const dsl::Expr *> written;
  std::map<std::pair<const dsl::Expr *, dsl::Elem>, const dsl::Expr *> casts;
  std::map<const dsl::Axis *, const dsl::Expr *> ends, extents;
};

/// Whether the launch knows the value: it depends on dimensions, scalars and constants only.
bool knownAtLaunch(const dsl::Expr *expr);

} // namespace fc
