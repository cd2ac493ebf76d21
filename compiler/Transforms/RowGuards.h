// RowGuards.h - what stands at the end of a walk for rows that see no key
#pragma once
#include "compiler/Analysis/FoldPlan.h"

namespace fc {

/// Where the plan proves that every row sees a key: drops the tests of a softmax's end that only a
/// row without one would need, `0 / 0 = 0` by its sum and the floor of its maximum (language S1).
/// Scores must be finite but for the mask: one that is read from memory may be -inf. The number of
/// tests dropped.
int dropRowGuards(const FoldPlan &plan);

} // namespace fc
