// PlotTest.cpp - what a plot says.
#include "tools/fc-bench/Plot.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fc::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

Results example(bool estimate) {
  Results results;
  results.device = "cuda:0 (NVIDIA <H100> & more)";
  results.board = "h100";
  results.cuda = "13.0";
  results.runs = 100;
  for (const char *strategy : {"tensor", "pipelined"})
    for (int64_t rows : {512, 1024}) {
      Result it;
      it.kernel = "causal";
      it.strategy = strategy;
      it.cparams = {{"D", "64"}};
      it.dims = {{"H", 16}, {"M", rows}};
      it.flops = 1e9;
      if (estimate)
        it.estimate = Estimate{10, "tensor cores", {}, {}};
      else
        it.warm = Measured{{100, 10, 10, 12, 13, 9, 10, 0.1}};
      results.results.push_back(it);
    }
  return results;
}

size_t count(const std::string &text, const std::string &part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST(Plot, DrawsABarForEachCase) {
  const std::string svg = plot(example(false));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("NVIDIA &lt;H100&gt; &amp; more"));
  EXPECT_THAT(svg, HasSubstr("warm L2, median of 100 runs"));
  EXPECT_EQ(count(svg, "fill=\"#0072b2\"/>"), 2u + 1u); // the legend too
  EXPECT_EQ(count(svg, "fill=\"#e69f00\"/>"), 2u + 1u);
  // What all shapes share is not said of each.
  EXPECT_THAT(svg, HasSubstr(">M=512<"));
  EXPECT_THAT(svg, Not(HasSubstr("H=16")));
}

TEST(Plot, SaysThatEstimatesAreNoTimes) {
  const std::string svg = plot(example(true));
  EXPECT_THAT(svg, HasSubstr("estimates by the emulator's counters"));
  EXPECT_THAT(svg, HasSubstr("nothing ran on a GPU"));
  EXPECT_THAT(svg, HasSubstr("url(#hatch0)"));
  EXPECT_THAT(svg, Not(HasSubstr("median of")));
}

TEST(Plot, OfNothingIsAPlot) { EXPECT_THAT(plot({}), HasSubstr("</svg>")); }

} // namespace
} // namespace fc::bench
