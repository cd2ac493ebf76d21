// MonoidTest.cpp - the merge of derived folds is a monoid that agrees with the step
#include "test/compiler/Online/OnlinePrograms.h"
#include <cmath>

namespace fc::test {
namespace {

class Monoid : public testing::TestWithParam<OnlineProgram> {};

double distanceOf(const State &a, const State &b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t k = 0; k < a[i].data.size(); ++k) {
      if (!mlir::isa<mlir::FloatType>(a[i].element)) {
        worst = std::max(worst, double(a[i].data[k].n != b[i].data[k].n));
        continue;
      }
      double x = a[i].data[k].f, y = b[i].data[k].f;
      if (x == y)
        continue;
      double difference = std::abs(x - y) / std::max({1.0, std::abs(x), std::abs(y)});
      worst = std::max(worst, std::isnan(difference) ? HUGE_VAL : difference);
    }
  return worst;
}

/// A state that need not come from any keys: every member a number of its own.
State randomState(const State &like, std::mt19937 &rng) {
  std::uniform_real_distribution<double> uniform(0.5, 2);
  State state = like;
  for (Tile &member : state)
    for (Number &number : member.data) {
      if (mlir::isa<mlir::FloatType>(member.element))
        number.f = uniform(rng);
      else
        number.n = member.element.isInteger(1) ? rng() % 2 : rng() % 100;
    }
  return state;
}

TEST_P(Monoid, Laws) {
  Imported imported = import(textOf(GetParam()));
  ASSERT_TRUE(imported.module && imported.run(true)) << imported.diagnostics;
  std::mt19937 rng(11);
  Options options;
  unsigned checked = 0;
  options.onFold = [&](FoldView &fold) {
    if (!fold.combine || fold.hi[0] - fold.lo[0] < 3)
      return;
    ++checked;
    int64_t lo = fold.lo[0], n = fold.hi[0] - lo;
    auto part = [&](const State &state, int64_t from, int64_t to) {
      return to > from ? fold.step(state, {lo + from}, {to - from}) : state;
    };
    int64_t first = 1 + rng() % (n - 2), second = first + 1 + rng() % (n - first - 1);
    State a = part(fold.init, 0, first), b = part(fold.init, first, second),
          c = part(fold.init, second, n);
    // Identity.
    for (const State &state : {a, b, c, fold.init, randomState(a, rng)}) {
      EXPECT_LE(distanceOf(fold.combine(fold.init, state), state), 1e-12);
      EXPECT_LE(distanceOf(fold.combine(state, fold.init), state), 1e-12);
    }
    // Agreement with the step: merging a turn's own state is taking the turn.
    EXPECT_LE(distanceOf(fold.combine(a, b), part(a, first, second)), 1e-9);
    EXPECT_LE(distanceOf(fold.combine(fold.combine(a, b), c), part(fold.init, 0, n)), 1e-9);
    // Associativity.
    EXPECT_LE(distanceOf(fold.combine(fold.combine(a, b), c), fold.combine(a, fold.combine(b, c))),
              1e-9);
    State x = randomState(a, rng), y = randomState(a, rng), z = randomState(a, rng);
    EXPECT_LE(distanceOf(fold.combine(fold.combine(x, y), z), fold.combine(x, fold.combine(y, z))),
              1e-9);
  };
  for (Scores scores : {Scores::Plain, Scores::LargeNegative, Scores::Sparse}) {
    dsl::Arguments arguments =
        randomArguments(imported.kernel(), {{"M", 5}, {"N", 17}}, scores, rng);
    dsl::Outcome expected = dsl::evaluate(imported.kernel(), arguments);
    ASSERT_FALSE(expected.error) << expected.error->render(*imported.program);
    Launch launch = launchOf(imported.kernel(), arguments, expected);
    ASSERT_EQ(interpret(imported.op(), launch, options), "");
  }
  if (GetParam().carried) {
    EXPECT_GT(checked, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Monoid,
                         testing::ValuesIn(onlinePrograms().begin(), onlinePrograms().end()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace fc::test
