// Statistics.h - what is said of a list of measured times.
#pragma once
#include <vector>

namespace fc::bench {

struct Summary {
  int count = 0;
  double median = 0, p50 = 0, p90 = 0, p99 = 0, least = 0, mean = 0;
  /// The standard error of the median, by the median absolute deviation: outliers (another program
  /// on the machine) do not move it.
  double error = 0;
};

/// Of at least one value, in the unit of the values. Percentiles lie between values, linearly.
Summary summarize(std::vector<double> values);

/// What two measurements of one thing say of each other.
struct Verdict {
  enum Kind { Same, Faster, Slower } kind = Same;
  double ratio = 1; ///< new / old
  double noise = 0; ///< the relative change that would not be one: at least 1 %
};
Verdict compare(double oldMedian, double oldError, double newMedian, double newError);

} // namespace fc::bench
