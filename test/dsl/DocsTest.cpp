// DocsTest.cpp - the code in docs/language.md and docs/schedules.md. A block ```fc is a whole
// program that checks without a word;
// ```fc body stands in the kernel of TestUtil.h, which the page shows; ```fc .. error=Name gives
// exactly that diagnostic first.
#include "dsl/Parser.h"
#include "dsl/Words.h"
#include "test/dsl/TestUtil.h"
#include <sstream>

using namespace fc::dsl;
using namespace fc::dsl::test;

namespace {

struct Block {
  std::string page;
  int line = 0;
  bool isBody = false;
  std::string error, text;
};
void PrintTo(const Block &block, std::ostream *out) {
  *out << "docs/" << block.page << ".md:" << block.line;
}

std::string page(const std::string &name = "language") {
  return readText(std::filesystem::path(FC_SOURCE_DIR) / "docs" / (name + ".md"));
}

std::vector<Block> blocks(const std::string &name) {
  std::vector<Block> found;
  std::istringstream lines(page(name));
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      found.back().text += line + "\n";
    } else if (line == "```fc" || line.starts_with("```fc ")) {
      inside = true;
      Block &block = found.emplace_back();
      block.page = name;
      block.line = number;
      block.isBody = line.find(" body") != std::string::npos;
      if (size_t at = line.find("error="); at != std::string::npos)
        block.error = line.substr(at + 6);
    }
  }
  return found;
}

class Docs : public testing::TestWithParam<Block> {};

} // namespace

TEST_P(Docs, BlockIsTrue) {
  const Block &block = GetParam();
  Checked checked = block.isBody ? checkBody(block.text) : checkText(block.text);
  if (block.error.empty()) {
    EXPECT_EQ(checked.diagnostics.render(), "");
    return;
  }
  // A mistake may leave an output unstored: that is not what the page is about.
  std::erase_if(checked.diagnostics.list,
                [](const Diagnostic &d) { return d.diag == Diag::NeverStored; });
  EXPECT_EQ(checked.names(), block.error) << checked.diagnostics.render();
}

INSTANTIATE_TEST_SUITE_P(Language, Docs, testing::ValuesIn(blocks("language")),
                         [](const auto &info) { return "line" + std::to_string(info.param.line); });
INSTANTIATE_TEST_SUITE_P(Schedules, Docs, testing::ValuesIn(blocks("schedules")),
                         [](const auto &info) { return "line" + std::to_string(info.param.line); });

TEST(DocsPage, ShowsTheKernelThatFragmentsStandIn) {
  Checked checked = checkBody("");
  std::string text = checked.diagnostics.files[0].text, kernel;
  // As the page has it: other name, indented by four, `...` for the fragment.
  std::istringstream lines(text.substr(0, text.find("\n\n}")));
  for (std::string line; std::getline(lines, line);)
    kernel += "    " + line + "\n";
  kernel.replace(kernel.find("test"), 4, "fragment");
  EXPECT_THAT(page(), testing::HasSubstr(kernel));
}

TEST(DocsPage, NamesEveryWordOfTheLanguage) {
  std::string text = page();
  for (std::string_view word : keywords())
    EXPECT_THAT(text, testing::HasSubstr(std::string(word)));
  for (const Builtin &builtin : builtins())
    EXPECT_THAT(text, testing::HasSubstr(std::string(builtin.name)));
  for (std::string_view word : elementTypeNames())
    EXPECT_THAT(text, testing::HasSubstr(std::string(word)));
  for (std::string_view word : scheduleKeys())
    EXPECT_THAT(text, testing::HasSubstr(std::string(word)));
  for (std::string_view word : targetNames())
    EXPECT_THAT(text, testing::HasSubstr(std::string(word)));
}
