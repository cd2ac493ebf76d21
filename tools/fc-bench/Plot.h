// Plot.h - results as an SVG.
#pragma once
#include "tools/fc-bench/Results.h"

namespace fc::bench {

/// One panel for each kernel and set of parameters: shapes along x, a bar for each strategy (warm
/// L2, whiskers from the least to p90), the rate of operations along y. Estimates are hatched, and
/// the plot says that they are no times.
std::string plot(const Results &results);

} // namespace fc::bench
