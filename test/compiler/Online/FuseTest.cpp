// FuseTest.cpp - derived folds compute what the text says, however the walk is cut and merged
#include "test/compiler/Online/OnlinePrograms.h"
#include <cmath>

namespace fc::test {
namespace {

class Fuse : public testing::TestWithParam<OnlineProgram> {};

/// Rows and keys: none, one, a few, more.
constexpr std::pair<int64_t, int64_t> kShapes[] = {{3, 0}, {1, 1}, {4, 7}, {6, 23}};
constexpr Scores kScores[] = {Scores::Plain, Scores::LargePositive, Scores::LargeNegative,
                              Scores::Rising, Scores::Sparse};

TEST_P(Fuse, EqualsTheText) {
  Imported before = import(textOf(GetParam())), after = import(textOf(GetParam()));
  ASSERT_TRUE(before.module && after.module) << before.diagnostics;
  ASSERT_TRUE(before.run(false)) << before.diagnostics;
  ASSERT_TRUE(after.run(true)) << after.diagnostics;
  std::mt19937 rng(7);
  for (auto [rows, keys] : kShapes)
    for (Scores scores : kScores)
      for (int trial = 0; trial < 3; ++trial) {
        dsl::Dims dims{{"M", rows}, {"N", keys}};
        dsl::Arguments arguments = randomArguments(before.kernel(), dims, scores, rng);
        dsl::Outcome expected = dsl::evaluate(before.kernel(), arguments);
        ASSERT_FALSE(expected.error) << expected.error->render(*before.program);

        if (llvm::StringRef(GetParam().name).starts_with("Excluded"))
          for (double value : expected.outputs.at("o").values.f)
            ASSERT_FALSE(std::isnan(value));

        Launch whole = launchOf(before.kernel(), arguments, expected);
        std::string error = interpret(before.op(), whole);
        ASSERT_EQ(error, "");
        // Excluded points are taken out after the walks are made (fc-drop-excluded).
        if (!llvm::StringRef(GetParam().name).starts_with("Excluded")) {
          EXPECT_LE(distance(whole, expected), 1e-9)
              << "before the pass, " << rows << " x " << keys;
        }

        Options options;
        options.cut = [&](llvm::StringRef, int64_t left) { return 1 + int64_t(rng() % 5); };
        if (trial)
          options.split = &rng;
        Launch folded = launchOf(after.kernel(), arguments, expected);
        error = interpret(after.op(), folded, options);
        ASSERT_EQ(error, "");
        EXPECT_LE(distance(folded, expected, GetParam().overflows), 1e-8)
            << "after the pass, " << rows << " x " << keys << ", scores " << int(scores);
      }
}

TEST_P(Fuse, TakesTheExpectedWalks) {
  Imported imported = import(textOf(GetParam()));
  ASSERT_TRUE(imported.module) << imported.diagnostics;
  ASSERT_TRUE(imported.run(true)) << imported.diagnostics;
  std::vector<FoldOp> folds;
  imported.op().walk([&](FoldOp fold) {
    if (mlir::cast<mlir::StringAttr>(fold.getAxes()[0]).getValue() == "j")
      folds.push_back(fold);
  });
  EXPECT_EQ(folds.size(), GetParam().folds);
  if (GetParam().carried && !folds.empty()) {
    EXPECT_EQ(folds[0].getInit().size(), GetParam().carried);
  }
  for (FoldOp fold : folds)
    EXPECT_EQ(fold.derived(), !fold.getInit().empty());
  imported.op().walk([&](AxisOp axis) { EXPECT_TRUE(axis.getSize()) << axis.axis().str(); });
}

INSTANTIATE_TEST_SUITE_P(Programs, Fuse,
                         testing::ValuesIn(onlinePrograms().begin(), onlinePrograms().end()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace fc::test
