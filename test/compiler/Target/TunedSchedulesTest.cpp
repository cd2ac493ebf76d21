// TunedSchedulesTest.cpp - which entry of a table is taken
#include "compiler/Target/TunedSchedules.h"
#include "compiler/Target/TargetInfo.h"
#include "dsl/Frontend.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc;

namespace {

const char *const kText =
    R"(kernel scaled<T: type = f16, F: f32 = 2, Round: bool = true>(x: T[N]) -> (y: T[N])
{
  grid tile i in N
  y[i] = (F * x[i]) as T
})";

struct TunedSchedules : testing::Test {
  TunedSchedules() {
    dsl::Diagnostics diagnostics;
    program = dsl::checkSource("scaled.fc", kText, {}, diagnostics);
    EXPECT_TRUE(program) << diagnostics.render();
  }

  /// What a table with one entry of these members has for the kernel; "error: ..." if it is
  /// refused.
  std::string find(const std::string &members, bool measuredOnly = false) {
    std::string table =
        R"({"format": 1, "target": "sm_80", "entries": [{"kernel": "scaled",)" + members + "}]}";
    TunedQuery query{&program->kernels.front(), "ab", "sm_80", "auto", measuredOnly};
    auto found = findTuned(table, query);
    if (!found)
      return "error: " + toString(found.takeError());
    if (!*found)
      return "none";
    std::string text = (*found)->strategy;
    for (const std::string &item : (*found)->items)
      text += " " + item;
    return text;
  }

  std::unique_ptr<dsl::Program> program;
};

const std::string kCparams = R"("cparams": {"T": "f16", "F": 2, "Round": true})";
const std::string kRest = R"(, "strategy": "scalar", "schedule": {"warps": 2, "i": 64})";

TEST_F(TunedSchedules, TakesTheEntryOfItsParameters) {
  EXPECT_EQ(find(R"("sha256": "ab",)" + kCparams + kRest), "scalar i=64 warps=2");
}

TEST_F(TunedSchedules, AnotherTextOrOtherParametersAreNoEntry) {
  EXPECT_EQ(find(R"("sha256": "cd",)" + kCparams + kRest), "none");
  for (const char *cparams : {R"("cparams": {"T": "bf16", "F": 2, "Round": true})",
                              R"("cparams": {"T": "f16", "F": 3, "Round": true})",
                              R"("cparams": {"T": "f16", "F": 2, "Round": false})",
                              R"("cparams": {"T": "f16", "F": 2})", R"("cparams": [])"})
    EXPECT_EQ(find(R"("sha256": "ab",)" + std::string(cparams) + kRest), "none") << cparams;
}

TEST_F(TunedSchedules, AGuessIsNotTakenForAMeasurement) {
  std::string members = R"("sha256": "ab",)" + kCparams + kRest;
  EXPECT_EQ(find(members, /*measuredOnly=*/true), "none");
  EXPECT_EQ(find(members + R"(, "measured": false)", true), "none");
  EXPECT_EQ(find(members + R"(, "measured": true)", true), "scalar i=64 warps=2");
}

TEST_F(TunedSchedules, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(find(R"("sha256": "ab",)" + kCparams + R"(, "strategy": "scalar")"),
            "error: tuned table: entries[0] has no `strategy` or no `schedule`");
  EXPECT_EQ(
      find(R"("sha256": "ab",)" + kCparams + R"(, "strategy": "scalar", "schedule": {"i": 1.5})"),
      "error: tuned table: entries[0].schedule.i is no integer");
}

/// The tables of the tree can be read, each for the target that its name says.
TEST_F(TunedSchedules, TheBuiltInTablesAreWellFormed) {
  for (const TargetInfo &target : targets()) {
    llvm::StringRef table = builtInTunedTable(target.name);
    if (table.empty())
      continue;
    TunedQuery query{&program->kernels.front(), "", target.name.str(), "auto"};
    auto found = findTuned(table, query);
    EXPECT_TRUE(bool(found)) << target.name.str();
    if (!found)
      ADD_FAILURE() << toString(found.takeError());
  }
  EXPECT_EQ(builtInTunedTable("sm_1"), "");
}

} // namespace
