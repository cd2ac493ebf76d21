// The element types: every pattern of the small formats, rounding at every midpoint, Philox's known
// answers.
#include "dsl/Numeric.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>

using namespace fc::dsl;

namespace {

const double inf = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

class Formats : public testing::TestWithParam<Elem> {};

TEST_P(Formats, EveryPatternSurvives) {
  for (uint32_t pattern = 0; pattern < 1u << bits(GetParam()); ++pattern) {
    double value = decodeFloat(GetParam(), pattern);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(roundToElem(GetParam(), value)));
    else if (std::isfinite(value))
      EXPECT_EQ(encodeFloat(GetParam(), value), pattern);
  }
}

TEST_P(Formats, RoundsToNearestEvenBetweenAllNeighbours) {
  uint32_t sign = 1u << (bits(GetParam()) - 1);
  for (uint32_t pattern = 0; pattern + 1 < sign; ++pattern) {
    double low = decodeFloat(GetParam(), pattern), high = decodeFloat(GetParam(), pattern + 1);
    if (!std::isfinite(low) || !std::isfinite(high))
      continue;
    ASSERT_LT(low, high);
    double middle = (low + high) / 2; // exact in float64
    uint32_t even = pattern % 2 ? pattern + 1 : pattern;
    EXPECT_EQ(encodeFloat(GetParam(), middle), even);
    EXPECT_EQ(encodeFloat(GetParam(), std::nextafter(middle, -inf)), pattern);
    EXPECT_EQ(encodeFloat(GetParam(), std::nextafter(middle, inf)), pattern + 1);
    EXPECT_EQ(encodeFloat(GetParam(), -middle), even | sign);
  }
}

INSTANTIATE_TEST_SUITE_P(Small, Formats,
                         testing::Values(Elem::F16, Elem::BF16, Elem::F8E4M3, Elem::F8E5M2),
                         [](auto &info) { return std::string(name(info.param)); });

TEST(Numeric, KnownValues) {
  EXPECT_EQ(decodeFloat(Elem::F16, 0x3C00), 1.0);
  EXPECT_EQ(decodeFloat(Elem::F16, 0x7BFF), 65504.0);
  EXPECT_EQ(decodeFloat(Elem::F16, 0x0001), 0x1p-24);
  EXPECT_EQ(decodeFloat(Elem::F16, 0xFC00), -inf);
  EXPECT_EQ(decodeFloat(Elem::BF16, 0x3F80), 1.0);
  EXPECT_EQ(decodeFloat(Elem::BF16, 0xC049), -3.140625);
  EXPECT_EQ(decodeFloat(Elem::F8E4M3, 0x7E), 448.0);
  EXPECT_EQ(decodeFloat(Elem::F8E4M3, 0x01), 0x1p-9);
  EXPECT_TRUE(std::isnan(decodeFloat(Elem::F8E4M3, 0x7F)));
  EXPECT_EQ(decodeFloat(Elem::F8E5M2, 0x7B), 57344.0);
  EXPECT_EQ(decodeFloat(Elem::F8E5M2, 0x7C), inf);
  EXPECT_EQ(decodeFloat(Elem::F32, 0x40490FDB), double(3.14159274f));
}

TEST(Numeric, OverflowIsInfinityOrSaturates) {
  EXPECT_EQ(encodeFloat(Elem::F16, 65519.9), 0x7BFFu);
  EXPECT_EQ(encodeFloat(Elem::F16, 65520.0), 0x7C00u);
  EXPECT_EQ(encodeFloat(Elem::F16, -inf), 0xFC00u);
  EXPECT_EQ(encodeFloat(Elem::BF16, 1e39), 0x7F80u);
  EXPECT_EQ(encodeFloat(Elem::F8E4M3, 1e9), 0x7Eu);
  EXPECT_EQ(encodeFloat(Elem::F8E4M3, -inf), 0xFEu);
  EXPECT_EQ(encodeFloat(Elem::F8E5M2, 1e9), 0x7Bu);
  EXPECT_TRUE(std::isnan(roundToElem(Elem::F8E4M3, nan)));
}

TEST(Numeric, RoundsOnceFromDouble) {
  // Just above the midpoint of 1 and its successor: by way of f32 it would round to the midpoint,
  // then to 1.
  EXPECT_EQ(roundToElem(Elem::F16, 1 + 0x1p-11 + 0x1p-40), 1 + 0x1p-10);
}

TEST(Numeric, F32RoundsAsTheHardwareDoes) {
  for (double x : {0.1, 1.0 / 3, 1e-40, 3.4028235677973366e38, -7.3e-46, 1e308, 5e-324})
    EXPECT_EQ(roundToElem(Elem::F32, x), double(float(x))) << x;
}

TEST(Numeric, IntegersWrapAndSaturate) {
  EXPECT_EQ(wrapToElem(Elem::I8, 200), -56);
  EXPECT_EQ(wrapToElem(Elem::U8, -1), 255);
  EXPECT_EQ(wrapToElem(Elem::I16, 0x18000), -0x8000);
  EXPECT_EQ(wrapToElem(Elem::U32, -1), 0xFFFFFFFFll);
  EXPECT_EQ(wrapToElem(Elem::I64, -5), -5);
  EXPECT_EQ(saturateToElem(Elem::I8, 127.5), 127);
  EXPECT_EQ(saturateToElem(Elem::I8, -1e9), -128);
  EXPECT_EQ(saturateToElem(Elem::U8, -0.6), 0);
  EXPECT_EQ(saturateToElem(Elem::I32, 2.5), 2);
  EXPECT_EQ(saturateToElem(Elem::I32, 3.5), 4);
  EXPECT_EQ(saturateToElem(Elem::I32, nan), 0);
  EXPECT_EQ(saturateToElem(Elem::I64, inf), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(saturateToElem(Elem::I64, -1e300), std::numeric_limits<int64_t>::min());
}

// The test vectors of Random123 (kat_vectors, philox4x32 10), through the upper 24 bits of each
// word.
TEST(Numeric, PhiloxKnownAnswers) {
  auto of = [](uint32_t word) { return (word >> 8) * 0x1p-24; };
  EXPECT_EQ(philoxUniform(0, 0, 0, 0, 0), of(0x6627e8d5));
  EXPECT_EQ(philoxUniform(0, 0, 0, 0, 1), of(0xe169c58d));
  EXPECT_EQ(philoxUniform(0, 0, 0, 0, 2), of(0xbc57ac4c));
  EXPECT_EQ(philoxUniform(0, 0, 0, 0, 3), of(0x9b00dbd8));
  // All ones in counter and key.
  EXPECT_EQ(philoxUniform(-1, -1, -1, -1, -4), of(0x408f276d));
  EXPECT_EQ(philoxUniform(-1, -1, -1, -1, -1), of(0x6d5451fd));
  // The digits of pi.
  int64_t seed = int64_t(0x299f31d0a4093822ull), last = int64_t(0x03707344) * 4;
  EXPECT_EQ(philoxUniform(seed, 0x243f6a88, int64_t(0x85a308d3), 0x13198a2e, last), of(0xd16cfe09));
  EXPECT_EQ(philoxUniform(seed, 0x243f6a88, int64_t(0x85a308d3), 0x13198a2e, last + 3),
            of(0x24126ea1));
}

} // namespace
