// EditorsTest.cpp - the grammars for VS Code and Vim know every word of the language, and no
// others.
#include "dsl/Words.h"
#include "test/dsl/TestUtil.h"
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

using namespace fc::dsl;
using namespace fc::dsl::test;

static const std::filesystem::path kTools = std::filesystem::path(FC_SOURCE_DIR) / "tools";

static std::set<std::string> languageWords() {
  std::set<std::string> words = {"int"};
  for (std::string_view word : keywords())
    words.emplace(word);
  for (std::string_view word : elementTypeNames())
    words.emplace(word);
  for (std::string_view word : scheduleKeys())
    words.emplace(word);
  for (const Builtin &builtin : builtins())
    words.emplace(builtin.name);
  return words;
}

/// The words in the alternatives `\b(a|b|c)\b` of the grammar's patterns.
static void collectWords(const nlohmann::json &node, std::set<std::string> &words) {
  if (node.is_string()) {
    static const std::regex list(R"(\\b\(([a-z0-9_|]+)\))");
    std::string text = node;
    for (std::sregex_iterator at(text.begin(), text.end(), list), end; at != end; ++at) {
      std::istringstream alternatives((*at)[1]);
      for (std::string word; std::getline(alternatives, word, '|');)
        words.insert(word);
    }
  }
  if (node.is_structured())
    for (const auto &item : node)
      collectWords(item, words);
}

TEST(Editors, VsCodeKnowsEveryWord) {
  auto grammar = nlohmann::json::parse(readText(kTools / "vscode/syntaxes/fc.tmLanguage.json"));
  std::set<std::string> words;
  collectWords(grammar, words);
  EXPECT_EQ(words, languageWords());
}

TEST(Editors, VsCodesFilesFitTogether) {
  auto package = nlohmann::json::parse(readText(kTools / "vscode/package.json"));
  auto language = package["contributes"]["languages"][0];
  EXPECT_EQ(language["extensions"][0], ".fc");
  std::string configuration = language["configuration"];
  EXPECT_TRUE(nlohmann::json::accept(readText(kTools / "vscode" / configuration)));
  auto grammar = package["contributes"]["grammars"][0];
  EXPECT_TRUE(std::filesystem::exists(kTools / "vscode" / std::string(grammar["path"])));
  EXPECT_EQ(grammar["language"], language["id"]);

  // The problem matcher reads what the front end prints.
  auto pattern = package["contributes"]["problemMatchers"][0]["pattern"];
  std::string text =
      checkText("kernel t(x: f32[N]) -> (y: f32[N]) {\n  grid i in N\n  y[i] = z\n}\n")
          .diagnostics.render();
  std::smatch match;
  std::string line = text.substr(0, text.find('\n'));
  ASSERT_TRUE(std::regex_match(line, match, std::regex(std::string(pattern["regexp"])))) << line;
  EXPECT_EQ(match[2], "3");
  EXPECT_EQ(match[6], "UnknownName");
}

TEST(Editors, VimKnowsEveryWord) {
  std::istringstream file(readText(kTools / "vim/syntax/fc.vim"));
  std::set<std::string> words;
  for (std::string line; std::getline(file, line);) {
    std::istringstream parts(line);
    std::string syn, keyword, group, word;
    parts >> syn >> keyword >> group;
    if (syn != "syn" || keyword != "keyword")
      continue;
    while (parts >> word)
      if (word != "contained")
        words.insert(word);
  }
  EXPECT_EQ(words, languageWords());
}
