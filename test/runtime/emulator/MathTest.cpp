// The special functions against the ISA's bounds: every float of a binade (or of the range in which
// the function does anything), and the values at its ends.
#include "runtime/emulator/Math.h"

#include <gtest/gtest.h>

namespace fc::emu {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan = std::numeric_limits<float>::quiet_NaN();

double ulp(double x) {
  int exponent = std::max(std::ilogb(x), -126);
  return std::ldexp(1.0, exponent - 23);
}

/// All floats in [from, to), in steps.
template <class F> void forFloats(float from, float to, uint32_t step, F f) {
  for (uint32_t bits = std::bit_cast<uint32_t>(from); bits < std::bit_cast<uint32_t>(to);
       bits += step)
    f(std::bit_cast<float>(bits));
}

TEST(Math, Ex2IsWithinTwoUlpForEveryFloatOfABinade) {
  double worst = 0;
  auto check = [&](float x) {
    double want = std::exp2(double(x));
    worst = std::max(worst, std::fabs(double(exp2Approx(x)) - want) / ulp(want));
  };
  forFloats(1.0f, 2.0f, 1, check);
  forFloats(1.0f, 2.0f, 7, [&](float x) { check(-x * 40), check(x * 60), check(-x * 70); });
  EXPECT_LE(worst, 0.501);
}

TEST(Math, Ex2AtTheEnds) {
  EXPECT_EQ(exp2Approx(0.0f), 1.0f);
  EXPECT_EQ(exp2Approx(-0.0f), 1.0f);
  EXPECT_EQ(exp2Approx(-inf), 0.0f);
  EXPECT_EQ(exp2Approx(inf), inf);
  EXPECT_EQ(exp2Approx(128.0f), inf);
  EXPECT_EQ(exp2Approx(-149.0f), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(exp2Approx(-200.0f), 0.0f);
  EXPECT_EQ(std::bit_cast<uint32_t>(exp2Approx(nan)), floatNan);
}

TEST(Math, Lg2IsWithinTheBoundOfTheIsa) {
  double worst = 0;
  forFloats(0.5f, 2.0f, 1, [&](float x) {
    worst = std::max(worst, std::fabs(double(log2Approx(x)) - std::log2(double(x))));
  });
  EXPECT_LE(worst, 0x1p-22);
  worst = 0;
  forFloats(2.0f, 4.0f, 1, [&](float x) {
    for (float y : {x, x * 1e10f, x * 1e-20f})
      worst = std::max(worst, std::fabs(double(log2Approx(y)) / std::log2(double(y)) - 1));
  });
  EXPECT_LE(worst, 0x1p-22);
  EXPECT_EQ(log2Approx(0.0f), -inf);
  EXPECT_EQ(log2Approx(inf), inf);
  EXPECT_EQ(log2Approx(1.0f), 0.0f);
  EXPECT_NE(log2Approx(-1.0f), log2Approx(-1.0f));
}

TEST(Math, TanhIsWithinTheBoundOfTheIsa) {
  double worst = 0;
  forFloats(1.0f, 2.0f, 1, [&](float x) {
    for (float y : {x, -x * 0.25f, x * 1e-3f, x * 4})
      worst = std::max(worst, std::fabs(double(tanhApprox(y)) / std::tanh(double(y)) - 1));
  });
  EXPECT_LE(worst, 0x1p-11);
  EXPECT_EQ(tanhApprox(inf), 1.0f);
  EXPECT_EQ(tanhApprox(-inf), -1.0f);
  EXPECT_TRUE(std::signbit(tanhApprox(-0.0f)));
}

TEST(Math, RcpAndRsqrtAreWithinTheBoundsOfTheIsa) {
  double worstRcp = 0, worstRsqrt = 0;
  forFloats(1.0f, 4.0f, 1, [&](float x) {
    double rcp = 1.0 / double(x), rsqrt = 1.0 / std::sqrt(double(x));
    worstRcp = std::max(worstRcp, std::fabs(double(1.0f / x) - rcp) / ulp(rcp));
    float mine = float(1.0 / __builtin_sqrt(double(x)));
    worstRsqrt = std::max(worstRsqrt, std::fabs(double(mine) / rsqrt - 1));
  });
  EXPECT_LE(worstRcp, 1.0);
  EXPECT_LE(worstRsqrt, 0x1p-22);
}

TEST(Math, SineAndCosineAreWithinTheBoundOfTheIsa) {
  double worst = 0;
  forFloats(1.0f, 2.0f, 3, [&](float x) {
    for (float y : {x, -x * 3, x * 0.01f}) {
      worst = std::max(worst, std::fabs(double(sineApprox(y, 0)) - std::sin(double(y))));
      worst = std::max(worst, std::fabs(double(sineApprox(y, 1)) - std::cos(double(y))));
    }
  });
  EXPECT_LE(worst, 0x1p-20);
  EXPECT_NE(sineApprox(inf, 0), sineApprox(inf, 0));
}

//===-- formats -------------------------------------------------------------------------------===//

TEST(Half, EveryHalfSurvivesTheWayThroughFloat) {
  for (uint32_t h = 0; h < 65536; ++h) {
    bool isNan = (h & 0x7fff) > 0x7c00;
    EXPECT_EQ(toHalf(fromHalf(uint16_t(h))), isNan ? halfNan : h);
  }
}

TEST(Half, RoundsToNearestEvenAsTheGeneralRoundingDoes) {
  uint32_t bits = 1;
  for (int i = 0; i < 2000000; ++i) {
    bits = bits * 1664525 + 1013904223;
    // Exponents from below the smallest subnormal half to above the largest half.
    uint32_t x = (bits & 0x807fffff) | (100 + bits / 65536 % 46) << 23;
    float f = std::bit_cast<float>(x);
    ASSERT_EQ(fromHalf(toHalf(f)), float(roundTo(f, 10, -14, 15, Round::Nearest))) << f;
    ASSERT_EQ(fromBfloat(toBfloat(f)), float(roundTo(f, 7, -126, 127, Round::Nearest))) << f;
  }
}

TEST(Half, DirectedRoundingBracketsTheValue) {
  for (double x : {1.0001, -1.0001, 6.1e-5, -3e-8, 65519.0, -70000.0, 1e-9}) {
    double down = roundTo(x, 10, -14, 15, Round::Down), up = roundTo(x, 10, -14, 15, Round::Up);
    EXPECT_LE(down, x);
    EXPECT_GE(up, x);
    double zero = roundTo(x, 10, -14, 15, Round::Zero);
    EXPECT_LE(std::fabs(zero), std::fabs(x));
    EXPECT_TRUE(zero == down || zero == up);
  }
  EXPECT_EQ(roundTo(65520, 10, -14, 15, Round::Nearest), HUGE_VAL);
  EXPECT_EQ(roundTo(65520, 10, -14, 15, Round::Zero), 65504);
}

TEST(EightBits, EveryNumberSurvivesAndOverflowSaturates) {
  for (uint32_t x = 0; x < 256; ++x) {
    if ((x & 0x7f) != 0x7f)
      EXPECT_EQ(toE4m3(fromE4m3(uint8_t(x))), x);
    if ((x & 0x7f) < 0x7c)
      EXPECT_EQ(toE5m2(fromE5m2(uint8_t(x))), x);
  }
  EXPECT_EQ(fromE4m3(0x7e), 448.0f);
  EXPECT_EQ(fromE4m3(0x01), 0x1p-9f);
  EXPECT_EQ(fromE5m2(0x7b), 57344.0f);
  EXPECT_EQ(toE4m3(1e9f), 0x7e);
  EXPECT_EQ(toE5m2(-1e9f), 0xfb);
  EXPECT_EQ(toE4m3(nan), 0x7f);
}

TEST(Half, AddToOddKeepsWhatRoundsAway) {
  // 1 + 2^-8 is a tie of bf16; a tail far below decides it.
  EXPECT_EQ(toBfloat(addToOdd(1.0 + 0x1p-8, 0x1p-90), Round::Nearest), 0x3f81);
  EXPECT_EQ(toBfloat(addToOdd(1.0 + 0x1p-8, -0x1p-90), Round::Nearest), 0x3f80);
  EXPECT_EQ(addToOdd(1.0, 2.0), 3.0);
}

} // namespace
} // namespace fc::emu
