// ExamplesTest.cpp - every program in examples/ checks without a word.
#include "test/dsl/TestUtil.h"

using namespace fc::dsl;
using namespace fc::dsl::test;

class Example : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Example, ChecksInSilence) {
  Checked checked;
  checked.program = checkFile(GetParam().string(), {}, checked.diagnostics);
  EXPECT_TRUE(checked.program);
  EXPECT_EQ(checked.diagnostics.render(), "");
}

// The kernels that come with the project too.
INSTANTIATE_TEST_SUITE_P(KernelsSrc, Example,
                         testing::ValuesIn(programs(FC_SOURCE_DIR "/kernels_src")),
                         [](const auto &info) { return info.param.stem().string(); });

INSTANTIATE_TEST_SUITE_P(All, Example, testing::ValuesIn(programs(kTestDir / "examples")),
                         [](const auto &info) { return info.param.stem().string(); });
