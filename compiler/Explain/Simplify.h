// Simplify.h - a condition on tiles, rid of what its own parts decide
#pragma once
#include "compiler/Analysis/Terms.h"

namespace fc::explain {

/// The same condition, shorter: in `a and b`, b is judged where a holds. `j0 + 64 <= N` makes
/// `min(j0 + 63, N - 1)` the first of the two. For print only: nothing is computed with it.
TermRef simplified(Terms &terms, TermRef condition);

/// An end of a span as text: the least of the bounds from above, or the greatest of those from
/// below. Ends that are no bounds are left out; conditions without which nothing is left go to
/// `conditions`. Empty if there is no bound.
std::string printEnd(TermRef end, bool isLow, llvm::function_ref<std::string(TermRef)> print,
                     std::vector<std::string> &conditions);

} // namespace fc::explain
