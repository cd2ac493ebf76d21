// CheckAny.cpp - see CheckAny.h.
#include "test/dsl/fuzz/CheckAny.h"
#include "dsl/DumpAst.h"
#include "dsl/Frontend.h"
#include "dsl/Lexer.h"
#include "dsl/Parser.h"
#include <cstdio>
#include <cstdlib>

namespace fc::dsl::test {

static void require(bool condition, const char *promise) {
  if (condition)
    return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// A tree that parsed prints as a text that parses to the same tree.
static void checkRoundTrip(const std::string &text) {
  Diagnostics diagnostics;
  Reporter reporter(diagnostics);
  if (!checkEncoding(text, 0, reporter))
    return;
  ast::File tree = parse(text, 0, reporter);
  if (reporter.errors())
    return;
  std::string printed = ast::print(tree);
  std::string again = ast::print(parse(printed, 0, reporter));
  require(!reporter.errors(), "a printed tree parses");
  require(printed == again, "a printed tree parses to itself");
}

void checkAny(std::string text) {
  Defines defines;
  if (!text.empty() && text[0] < 4 && text[0] >= 0) {
    const Defines choices[] = {{{"D", "128"}},
                               {{"T", "bf16"}, {"D", "80"}},
                               {{"BIAS", "false"}},
                               {{"D", "x"}, {"Q", "1"}}};
    defines = choices[size_t(text[0])];
    text.erase(0, 1);
  }
  checkRoundTrip(text);
  Diagnostics diagnostics;
  auto program = checkSource("fuzz.fc", text, defines, diagnostics);
  require(!program == diagnostics.hasErrors(), "a program comes out unless there are errors");
  require(!diagnostics.render(true).empty() || diagnostics.list.empty(), "what is said is shown");
  if (program)
    require(!dumpAst(*program).empty(), "a program has a text");
}

} // namespace fc::dsl::test
