// TermsTest.cpp - terms are made in normal form
#include "compiler/Analysis/MaskPlan.h"
#include <gtest/gtest.h>

using namespace fc;

namespace {

struct TermsTest : testing::Test {
  Terms t;
  TermRef i = t.point(0, 0, 1000), j = t.point(1, 0, 1000);
  TermRef n = t.symbol(0, 0, 1000), s = t.symbol(1, -1000, 1000);
  std::string text(TermRef term) {
    return print(term, [](const Term &leaf) {
      return std::string(leaf.kind == TermKind::Point ? "ij" : "ns", size_t(leaf.number), 1);
    });
  }
};

TEST_F(TermsTest, SumsAreOneForm) {
  EXPECT_EQ(t.subtract(t.add(i, j), j), i);
  EXPECT_EQ(t.add(i, t.scale(j, 2)), t.add(t.add(j, i), j));
  EXPECT_EQ(text(t.lessEqual(j, t.add(i, s))), "j <= i + s");
}

TEST_F(TermsTest, ImportedRemainderIsOne) {
  TermRef four = t.constant(4);
  EXPECT_EQ(t.subtract(i, t.multiply(t.divide(i, four), four)), t.modulo(i, four));
  EXPECT_EQ(t.subtract(i, t.multiply(n, t.divide(i, n))), t.modulo(i, n));
}

TEST_F(TermsTest, RangesDecide) {
  EXPECT_EQ(t.less(t.constant(-1), i)->kind, TermKind::True);
  EXPECT_EQ(t.max(n, t.constant(0)), n);
  EXPECT_EQ(t.equal(n, t.constant(-1))->kind, TermKind::False);
}

TEST_F(TermsTest, TooLargeIsUnknown) {
  TermRef large = t.symbol(2, 0, kMostTerm);
  EXPECT_EQ(t.add(large, t.constant(1))->kind, TermKind::Unknown);
  EXPECT_EQ(t.multiply(large, n)->kind, TermKind::Unknown);
}

TEST_F(TermsTest, NegationGoesIn) {
  EXPECT_EQ(t.negate(t.lessEqual(j, i)), t.less(i, j));
  EXPECT_EQ(t.negate(t.both(t.lessEqual(j, i), t.flag(3))),
            t.either(t.less(i, j), t.negate(t.flag(3))));
}

TEST_F(TermsTest, SolvesRelations) {
  TermRef x = t.symbol(4, 0, 1000);
  Span span = solve(t, t.lessEqual(t.scale(x, 3), n), x);
  EXPECT_EQ(span.high, t.divide(n, t.constant(3)));
  EXPECT_EQ(span.low, t.constant(-kFar));
  EXPECT_TRUE(span.exact);
  span = solve(t, t.lessEqual(n, t.divide(x, t.constant(8))), x);
  EXPECT_EQ(span.low, t.scale(n, 8));
  span = solve(t, t.isZero(t.modulo(x, n)), x);
  EXPECT_FALSE(span.exact);
}

} // namespace
