// ErrorsTest.cpp - the wrong programs of errors/: what is said of each is in the file beside it,
// `what.expected`, to the letter. FC_UPDATE_EXPECTED=1 writes those files anew, to be read in
// review.
#include "test/dsl/TestUtil.h"
#include <sstream>

using namespace fc::dsl;
using namespace fc::dsl::test;

/// A first line `// defines: D=64 T=f16` gives the definitions of the command line.
static Defines definesOf(const std::string &text) {
  Defines defines;
  constexpr std::string_view kMark = "// defines: ";
  if (!text.starts_with(kMark))
    return defines;
  std::istringstream words(text.substr(kMark.size(), text.find('\n') - kMark.size()));
  for (std::string word; words >> word;)
    defines[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  return defines;
}

class WrongProgram : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(WrongProgram, IsExplained) {
  // From its own folder, so that messages name files and no machine's paths.
  std::filesystem::current_path(GetParam().parent_path());
  std::string file = GetParam().filename().string();
  Diagnostics diagnostics;
  auto program = checkFile(file, definesOf(readText(file)), diagnostics);
  EXPECT_EQ(program == nullptr, diagnostics.hasErrors());
  EXPECT_FALSE(diagnostics.list.empty()) << "nothing is wrong with " << file;

  std::filesystem::path expected = std::filesystem::path(file).replace_extension(".expected");
  if (getenv("FC_UPDATE_EXPECTED"))
    std::ofstream(expected, std::ios::binary) << diagnostics.render();
  EXPECT_EQ(diagnostics.render(), readText(expected));
}

static std::string testName(const testing::TestParamInfo<std::filesystem::path> &info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, WrongProgram, testing::ValuesIn(programs(kTestDir / "errors")),
                         testName);
