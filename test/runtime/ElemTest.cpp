// ElemTest.cpp - conversion of elements to and from double.
#include "runtime/Elem.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace fc::rt;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Elem, NamesRoundTrip) {
  for (int i = 0; i < numElems; ++i) {
    const auto elem = static_cast<Elem>(i);
    EXPECT_EQ(parseElem(name(elem)), elem);
  }
  EXPECT_FALSE(parseElem("f64"));
  EXPECT_FALSE(parseElem(""));
}

/// Every bit pattern of the narrow floats comes back from its value (NaNs as some NaN, and f8e5m2's
/// infinities as its largest number).
TEST(Elem, NarrowFloatsRoundTripForEveryPattern) {
  for (Elem elem : {Elem::F16, Elem::BF16, Elem::F8E4M3, Elem::F8E5M2})
    for (uint64_t bits = 0; bits < uint64_t{1} << (8 * bytesOf(elem)); ++bits) {
      const double value = toDouble(elem, bits);
      if (std::isnan(value))
        EXPECT_TRUE(std::isnan(toDouble(elem, fromDouble(elem, value))));
      else if (elem == Elem::F8E5M2 && std::isinf(value))
        EXPECT_EQ(fromDouble(elem, value), bits - 1);
      else
        ASSERT_EQ(fromDouble(elem, value), bits) << name(elem) << " " << bits;
    }
}

/// Halfway between two neighbours goes to the even one, a little off it to the nearer one.
TEST(Elem, NarrowFloatsRoundToNearestEven) {
  for (Elem elem : {Elem::F16, Elem::BF16, Elem::F8E4M3, Elem::F8E5M2}) {
    const uint64_t sign = uint64_t{1} << (8 * bytesOf(elem) - 1);
    for (uint64_t bits = 0; bits + 1 < sign; ++bits) {
      const double low = toDouble(elem, bits), high = toDouble(elem, bits + 1);
      if (!std::isfinite(low) || !std::isfinite(high))
        break;
      const double middle = (low + high) / 2;
      ASSERT_EQ(fromDouble(elem, middle), bits % 2 ? bits + 1 : bits) << name(elem) << " " << bits;
      ASSERT_EQ(fromDouble(elem, std::nextafter(middle, 0)), bits);
      ASSERT_EQ(fromDouble(elem, std::nextafter(middle, infinity)), bits + 1);
      ASSERT_EQ(fromDouble(elem, -middle), sign | (bits % 2 ? bits + 1 : bits));
    }
  }
}

TEST(Elem, LargeFloatsGoToInfinityOrSaturate) {
  EXPECT_EQ(fromDouble(Elem::F16, 65519), 0x7bffu);
  EXPECT_EQ(fromDouble(Elem::F16, 65520), 0x7c00u);
  EXPECT_EQ(fromDouble(Elem::F16, -1e300), 0xfc00u);
  EXPECT_EQ(fromDouble(Elem::F8E5M2, 1e9), 0x7bu);
  EXPECT_EQ(toDouble(Elem::F8E4M3, fromDouble(Elem::F8E4M3, 1e9)), 448);
  EXPECT_EQ(toDouble(Elem::F8E4M3, fromDouble(Elem::F8E4M3, -infinity)), -448);
  EXPECT_EQ(fromDouble(Elem::F32, infinity), 0x7f800000u);
}

TEST(Elem, SmallFloatsAreSubnormalThenZero) {
  EXPECT_EQ(fromDouble(Elem::F16, 0x1p-24), 1u);
  EXPECT_EQ(fromDouble(Elem::F16, 0x1p-25), 0u);
  EXPECT_EQ(fromDouble(Elem::F16, 0x1.8p-25), 1u);
  EXPECT_EQ(fromDouble(Elem::F16, -0.0), 0x8000u);
  EXPECT_EQ(fromDouble(Elem::BF16, 5e-324), 0u);
}

TEST(Elem, IntegersRoundAndSaturate) {
  EXPECT_EQ(fromDouble(Elem::I8, 2.5), 2u);
  EXPECT_EQ(fromDouble(Elem::I8, 3.5), 4u);
  EXPECT_EQ(fromDouble(Elem::I8, 1e9), 0x7fu);
  EXPECT_EQ(fromDouble(Elem::I8, -1e9), 0x80u);
  EXPECT_EQ(fromDouble(Elem::U8, -3), 0u);
  EXPECT_EQ(fromDouble(Elem::U8, 300), 255u);
  EXPECT_EQ(fromDouble(Elem::U32, 4294967295.0), 0xffffffffu);
  EXPECT_EQ(fromDouble(Elem::U32, 4294967296.0), 0xffffffffu);
  EXPECT_EQ(fromDouble(Elem::I64, 1e300), 0x7fffffffffffffffu);
  EXPECT_EQ(fromDouble(Elem::I64, -infinity), 0x8000000000000000u);
  EXPECT_EQ(fromDouble(Elem::I32, std::nan("")), 0u);
  EXPECT_EQ(fromDouble(Elem::Bool, 0.25), 1u);
  EXPECT_EQ(toDouble(Elem::I16, 0xffff), -1);
}

TEST(Elem, ArraysLoadAndStore) {
  uint16_t array[4] = {0, 0, 0, 0xffff};
  store(Elem::F16, array, 2, 1.5);
  EXPECT_EQ(array[1], 0);
  EXPECT_EQ(array[2], 0x3e00);
  EXPECT_EQ(array[3], 0xffff);
  EXPECT_EQ(load(Elem::F16, array, 2), 1.5);
}

} // namespace
