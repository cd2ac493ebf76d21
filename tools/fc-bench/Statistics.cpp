// Statistics.cpp - percentiles and verdicts; see Statistics.h.
#include "tools/fc-bench/Statistics.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace fc::bench {
namespace {

double percentile(const std::vector<double> &sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Of a normal distribution: its deviation by its median absolute deviation, and the error of a
/// median by that of a mean.
constexpr double deviationOfMad = 1.4826, medianOfMean = 1.2533;
/// Clocks and memory traffic of others move a median by this much from day to day.
constexpr double leastNoise = 0.01;
/// Errors beyond which a difference is believed.
constexpr double believed = 3;

} // namespace

Summary summarize(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  Summary result;
  result.count = static_cast<int>(values.size());
  result.median = result.p50 = percentile(values, 0.5);
  result.p90 = percentile(values, 0.9);
  result.p99 = percentile(values, 0.99);
  result.least = values.front();
  const auto count = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  for (double &value : values)
    value = std::fabs(value - result.median);
  std::sort(values.begin(), values.end());
  result.error = medianOfMean * deviationOfMad * percentile(values, 0.5) / std::sqrt(count);
  return result;
}

Verdict compare(double oldMedian, double oldError, double newMedian, double newError) {
  Verdict verdict;
  if (oldMedian <= 0 || newMedian <= 0)
    return verdict;
  verdict.ratio = newMedian / oldMedian;
  verdict.noise = std::max(leastNoise, believed * std::hypot(oldError, newError) / oldMedian);
  if (verdict.ratio > 1 + verdict.noise)
    verdict.kind = Verdict::Slower;
  else if (verdict.ratio < 1 - verdict.noise)
    verdict.kind = Verdict::Faster;
  return verdict;
}

} // namespace fc::bench
