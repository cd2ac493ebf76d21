// StatisticsTest.cpp - percentiles, and what is called a change.
#include "tools/fc-bench/Statistics.h"
#include <gtest/gtest.h>

namespace fc::bench {
namespace {

TEST(Statistics, PercentilesLieBetweenValues) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i)
    values.push_back(i);
  const Summary it = summarize(values);
  EXPECT_EQ(it.count, 101);
  EXPECT_EQ(it.median, 50);
  EXPECT_EQ(it.p50, 50);
  EXPECT_EQ(it.p90, 90);
  EXPECT_EQ(it.p99, 99);
  EXPECT_EQ(it.least, 0);
  EXPECT_EQ(it.mean, 50);
  EXPECT_DOUBLE_EQ(summarize({1, 2}).median, 1.5);
  EXPECT_DOUBLE_EQ(summarize({1, 2}).p90, 1.9);
}

TEST(Statistics, OneValueIsAll) {
  const Summary it = summarize({7});
  EXPECT_EQ(it.median, 7);
  EXPECT_EQ(it.p99, 7);
  EXPECT_EQ(it.error, 0);
}

TEST(Statistics, OutliersDoNotMoveTheError) {
  std::vector<double> values(99, 10.0);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] += 0.01 * static_cast<double>(i % 5);
  const Summary quiet = summarize(values);
  values[0] = 10000;
  const Summary loud = summarize(values);
  EXPECT_NEAR(loud.error, quiet.error, 0.2 * quiet.error);
  EXPECT_GT(quiet.error, 0);
}

TEST(Statistics, AChangeIsWhatIsBeyondTheNoise) {
  EXPECT_EQ(compare(100, 0, 100.5, 0).kind, Verdict::Same); // below 1 %
  EXPECT_EQ(compare(100, 0, 102, 0).kind, Verdict::Slower);
  EXPECT_EQ(compare(100, 0, 98, 0).kind, Verdict::Faster);
  EXPECT_EQ(compare(100, 2, 102, 0).kind, Verdict::Same); // three errors are 6 %
  EXPECT_EQ(compare(100, 2, 107, 0).kind, Verdict::Slower);
  EXPECT_DOUBLE_EQ(compare(100, 3, 100, 4).noise, 0.15);
  EXPECT_DOUBLE_EQ(compare(100, 0, 50, 0).ratio, 0.5);
  EXPECT_EQ(compare(0, 0, 50, 0).kind, Verdict::Same);
}

} // namespace
} // namespace fc::bench
