// ParserTest.cpp - syntax trees: their printed form shows how a text was read, and parses to
// itself.
#include "dsl/Parser.h"
#include "dsl/Lexer.h"
#include "dsl/Words.h"
#include "test/dsl/TestUtil.h"

using namespace fc::dsl;
using namespace fc::dsl::test;

/// The printed tree, or the names of what is wrong.
static std::string printed(const std::string &text) {
  Diagnostics diagnostics;
  Reporter reporter(diagnostics);
  ast::File tree = parse(text, 0, reporter);
  if (!reporter.errors())
    return ast::print(tree);
  Checked said;
  said.diagnostics = diagnostics;
  return said.names();
}

/// How an expression is read.
static std::string read(const std::string &expression) {
  std::string text = printed("fn f() = " + expression);
  constexpr size_t kPrefix = sizeof("fn f() = ") - 1;
  return text.starts_with("fn f() = ") ? text.substr(kPrefix, text.size() - kPrefix - 1) : text;
}

TEST(Grammar, Precedence) {
  EXPECT_EQ(read("a + b * c - d"), "a + b * c - d");
  EXPECT_EQ(read("(a + b) * (c - d)"), "(a + b) * (c - d)");
  EXPECT_EQ(read("a - (b - c)"), "a - (b - c)");
  EXPECT_EQ(read("(a - b) - c"), "a - b - c");
  EXPECT_EQ(read("-a * -(b + c)"), "-a * -(b + c)");
  EXPECT_EQ(read("not a < b and c or d"), "not a < b and c or d");
  EXPECT_EQ(read("not (a and b)"), "not (a and b)");
  EXPECT_EQ(read("a and (b or c)"), "a and (b or c)");
  EXPECT_EQ(read("- - a"), "--a");
}

TEST(Grammar, CastCoversAllToItsLeft) {
  EXPECT_EQ(read("a * b + c as f16"), "a * b + c as f16");
  EXPECT_EQ(read("a * (b + c as f16)"), "a * (b + c as f16)");
  EXPECT_EQ(read("f(a or b as T, c)"), "f(a or b as T, c)");
  EXPECT_EQ(read("(a as f32) as int"), "(a as f32) as int");
}

TEST(Grammar, ComparisonsChain) {
  EXPECT_EQ(read("a < b <= c"), "a < b <= c");
  EXPECT_EQ(read("(a < b) == c"), "(a < b) == c");
  EXPECT_EQ(read("a + 1 < b"), "a + 1 < b");
}

TEST(Grammar, CallsAndReads) {
  EXPECT_EQ(read("sum[a, b](x)"), "sum[a, b](x)");
  EXPECT_EQ(read("x[a, b + 1,]"), "x[a, b + 1]");
  EXPECT_EQ(read("f()"), "f()");
  EXPECT_EQ(read("x[f(y)[1]]"), "Expected");
}

TEST(Grammar, Numbers) {
  EXPECT_EQ(read("12"), "12");
  EXPECT_EQ(read("0.5"), "5.00000000000000000e-01");
  EXPECT_EQ(read("1e-6"), "9.99999999999999955e-07");
  EXPECT_EQ(read("1e-999"), "0.00000000000000000e+00");
  EXPECT_EQ(printed("kernel t(x: f32[N]) -> (y: f32[N]) { grid i in 0..N }"),
            "kernel t(x: f32[N]) -> (y: f32[N]) {\n  grid i in 0 .. N\n}\n");
}

TEST(Grammar, LinesAndSemicolonsDoNotMatter) {
  std::string a =
      printed("kernel t(x: f32[N]) -> (y: f32[N]) { grid i in N let a = 1 let c = a; y[i] = c }");
  std::string b = printed("kernel t(\nx: f32[N],\n) -> (y: f32[N],)\n{\n grid i\n in N,\n let a "
                          "=\n 1;\n let c = a y[i]\n = c }");
  EXPECT_EQ(a, b);
}

TEST(Grammar, EveryStatement) {
  std::string text =
      "use \"lib.fc\"\n"
      "fn f[a](x, y) {\n  let z = x + y\n  return sum[a](z)\n}\n"
      "fn g() = 1\n"
      "kernel t<T: type = f16, D: int = 64>(x: T[N?, D], n: int = 3) -> (y: f32[N]) {\n"
      "  assume N == 3\n"
      "  grid b in N, tile i in a .. b upto c by 64\n"
      "  axis j in N, d in 0 .. D upto 3\n"
      "  var m: f32[i, j] = -inf\n"
      "  var n: int = 0\n"
      "  fn h(x) = x\n"
      "  for tile j in 0 .. N by 16 {\n"
      "    m = m as f16\n"
      "  }\n"
      "  y[b, i + 1] = true\n"
      "  schedule sm_80 {\n    tile i = 3;\n    tile j = 4;\n    warps = 8;\n  }\n"
      "}\n";
  EXPECT_EQ(printed(text), text);
}

class RoundTrip : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(RoundTrip, APrintedTreeParsesToItself) {
  std::string once = printed(readText(GetParam()));
  ASSERT_TRUE(once.find("kernel") != std::string::npos) << once;
  EXPECT_EQ(printed(once), once);
}

INSTANTIATE_TEST_SUITE_P(Examples, RoundTrip, testing::ValuesIn(programs(kTestDir / "examples")),
                         [](const auto &info) { return info.param.stem().string(); });

TEST(Words, SuggestionsAreNear) {
  std::vector<std::string_view> words = {"softmax", "sum", "scale", "b"};
  EXPECT_EQ(nearest("sotfmax", words), "softmax");
  EXPECT_EQ(nearest("sums", words), "sum");
  EXPECT_EQ(nearest("c", words), std::nullopt) << "all one-letter names are near to each other";
  EXPECT_EQ(nearest("total", words), std::nullopt);
}

TEST(Words, EveryKeywordAndOperationIsReserved) {
  for (std::string_view word : keywords())
    EXPECT_TRUE(isReserved(word)) << word;
  for (const Builtin &builtin : builtins())
    EXPECT_TRUE(isReserved(builtin.name)) << builtin.name;
  EXPECT_FALSE(isReserved("delta"));
}
