// Bench.h - goes through the cases: compiles, checks, measures or estimates.
#pragma once
#include "tools/fc-bench/Results.h"

namespace fc::bench {

/// Every input x compile-time parameters x strategy x shape. A case that fails says why in its
/// result; an error is what makes all of them impossible.
bool measureAll(const Options &options, Results &results, rt::Error &error);

} // namespace fc::bench
