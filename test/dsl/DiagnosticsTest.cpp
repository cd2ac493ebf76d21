// DiagnosticsTest.cpp - how diagnostics are shown, the limits, and that each one is in a test.
#include "dsl/Report.h"
#include "test/dsl/TestUtil.h"
#include <set>

using namespace fc::dsl;
using namespace fc::dsl::test;
using testing::HasSubstr;

/// A kernel whose body is `statements`, each on the line it is on.
static std::string kernelText(const std::string &statements) {
  return "kernel t(x: f32[N]) -> (y: f32[N]) {\n  grid tile i in N\n" + statements +
         "\n  y[i] = x[i]\n}\n";
}

//===-- Rendering ---------------------------------------------------------===//

TEST(Render, ShowsPlaceLineCaretAndFix) {
  Checked checked = checkText(kernelText("  let value = 3\n  let a = valeu + 1"));
  EXPECT_EQ(checked.diagnostics.render(),
            "test.fc:4:11: error: there is no `valeu` here [UnknownName]\n"
            "    let a = valeu + 1\n"
            "            ^\n"
            "test.fc:4:11: fix: did you mean `value`?\n");
}

TEST(Render, ColoursOnRequest) {
  std::string text = checkText(kernelText("  let a = b")).diagnostics.render(true);
  EXPECT_THAT(text, HasSubstr("\033[1;31merror"));
  EXPECT_THAT(text, HasSubstr("\033[1;32m^"));
}

TEST(Render, CaretsStandUnderWideText) {
  std::string text =
      checkText("// \xC3\xA4\xC3\xB6\xC3\xBC\n" + kernelText("\tlet a = b")).diagnostics.render();
  EXPECT_THAT(text, HasSubstr("   let a = b\n           ^\n")) << "a tab is one column";
  text = checkText("kernel \xC3\xA4 t").diagnostics.render();
  EXPECT_THAT(text, HasSubstr("  kernel \xC3\xA4 t\n         ^\n"));
}

TEST(Render, LongLinesAreCutAroundTheCaret) {
  std::string filler(5000, ' ');
  std::string text = checkText(kernelText("  let c = 1 +" + filler + "oops" + filler + "+ 1"))
                         .diagnostics.render();
  EXPECT_LT(text.size(), 400u);
  EXPECT_THAT(text, HasSubstr("oops"));
}

TEST(Render, NothingReachesTheTerminalRaw) {
  std::string text = checkText("kernel \x1b[31m(x").diagnostics.render();
  EXPECT_THAT(text, HasSubstr("<1B>[31m"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Render, AMistakeInAFunctionIsShownOnce) {
  std::string names =
      checkText("fn f(x) = not x\n" + kernelText("  let a = f(1)\n  let c = f(2)")).names();
  EXPECT_EQ(names, "NumberIsNoBool NumberIsNoBool") << "two uses, two arguments";
  names =
      checkText("fn f(x) = not (x + 1)\n" + kernelText("  let a = f(1)\n  let c = f(2)")).names();
  EXPECT_EQ(names, "NumberIsNoBool") << "one mistake, in the function";
}

//===-- Limits and odd inputs ---------------------------------------------===//

TEST(Limits, ALineOfTenMegabytes) {
  std::string spaces(10 << 20, ' '), words, sums = "1";
  while (words.size() < 10u << 20)
    words += "word ";
  while (sums.size() < 10u << 20)
    sums += " + 1";
  EXPECT_TRUE(checkText(kernelText("  let a =" + spaces + "1")).program);
  EXPECT_EQ(checkText(words).names(), "Expected");
  EXPECT_EQ(checkText(kernelText("  let a = " + sums)).names(), "TooDeep");
  EXPECT_EQ(checkText(kernelText("  let a = " + std::string(10 << 20, '('))).names(), "TooDeep");
  EXPECT_EQ(checkText(kernelText("  let a = x[" + std::string(10 << 20, '9') + "]")).names(),
            "NumberTooLarge");
  EXPECT_EQ(checkText("// " + std::string(10 << 20, 'x')).names(), "NoKernel");
}

TEST(Limits, AProgramOfManyLines) {
  std::string lets;
  for (int i = 0; i < 30'000; ++i)
    lets += "  let a" + std::to_string(i) + " = x[i] * " + std::to_string(i) + "\n";
  EXPECT_TRUE(checkText(kernelText(lets)).program);
}

TEST(Limits, ALongChainOfLets) {
  std::string lets = "  let a0 = x[i]\n";
  for (int i = 1; i < 2000; ++i)
    lets += "  let a" + std::to_string(i) + " = a" + std::to_string(i - 1) + " + 1\n";
  EXPECT_EQ(checkText(kernelText(lets)).names(), "TooDeep");
}

TEST(Limits, NoListIsSearchedForEachOfItsItems) {
  // Each of these took minutes when something was linear in the wrong place.
  std::string fns, names, uses, items, axes;
  for (int i = 0; i < 30'000; ++i) {
    std::string n = std::to_string(i);
    fns += "  fn f" + n + "(x) = x + z" + n + "\n  let z" + n + "x = 1\n";
    names += "u" + n + ", ";
    uses += "use \"lib.fc\"\n";
    items += "warp" + n + " = 1; ";
    axes += (i ? ", a" : "a") + n;
  }
  EXPECT_THAT(checkText(kernelText(fns)).names(), HasSubstr("TooManyErrors"));
  EXPECT_THAT(checkText(kernelText("  let a = exp(" + names + ")")).names(),
              HasSubstr("TooManyErrors"));
  EXPECT_EQ(checkText(uses + kernelText("")).names(), "");
  EXPECT_THAT(checkText(kernelText("  schedule { " + items + "}")).names(),
              HasSubstr("TooManyErrors"));
  EXPECT_EQ(checkText("fn f[" + axes + "](x) = sum[" + axes + "](x)\n" + kernelText("")).names(),
            "");
  EXPECT_THAT(checkText(kernelText("  let a = sum[" + names + "](x[i])")).names(),
              HasSubstr("TooManyErrors"));
}

TEST(Limits, TooLargeAFile) {
  EXPECT_EQ(checkText(std::string((64u << 20) + 1, '\n')).names(), "FileTooLarge");
}

TEST(Limits, ADeviceIsNotRead) {
  Diagnostics diagnostics;
  EXPECT_FALSE(checkFile("/dev/zero", {}, diagnostics));
  EXPECT_EQ(diagnostics.render(),
            "/dev/zero: error: cannot read `/dev/zero`: it is no file of text [FileUnreadable]\n");
  EXPECT_EQ(checkText("use \"/dev/zero\"\n" + kernelText("")).names(), "UseNotFound");
}

TEST(Limits, AMissingFile) {
  Diagnostics diagnostics;
  EXPECT_FALSE(checkFile("no/such/file.fc", {}, diagnostics));
  EXPECT_THAT(diagnostics.render(),
              HasSubstr("cannot read `no/such/file.fc`: there is no such file"));
}

TEST(Limits, ErrorsAreCountedOut) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "fn f" + std::to_string(i) + "(x) = y\n";
  Checked checked = checkText(text + kernelText(""));
  EXPECT_EQ(checked.diagnostics.list.size(), Reporter::kMaxErrors + 1);
  EXPECT_EQ(checked.diagnostics.list.back().diag, Diag::TooManyErrors);
}

TEST(Text, AByteOrderMarkAndLineEndsOfWindows) {
  std::string text = kernelText("  let a = 1");
  std::string windows = "\xEF\xBB\xBF";
  for (char c : text)
    windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(checkText(windows).diagnostics.render(), "");
}

TEST(Text, OverlongAndSurrogateSequencesAreNoUtf8) {
  for (const char *bytes : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                            "\xF8\x88\x80\x80\x80", "\x80"})
    EXPECT_EQ(checkText("// " + std::string(bytes)).names(), "NotUtf8");
  EXPECT_EQ(checkText("// \xF0\x9F\x99\x82").names(), "NoKernel");
}

//===-- Coverage ----------------------------------------------------------===//

TEST(Coverage, EveryDiagnosticIsInATest) {
  // In the expected output of a wrong program, or by name in a test of the front end.
  std::string all;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(kTestDir))
    if (entry.path().extension() == ".expected" || entry.path().extension() == ".cpp")
      all += readText(entry.path());
  const Diag diags[] = {
#define FC_DIAG(Name, Level, Message) Diag::Name,
#include "dsl/Diagnostics.def"
  };
  for (Diag diag : diags) {
    std::string text(name(diag));
    bool found = all.find("[" + text + "]") != std::string::npos ||
                 all.find("\"" + text) != std::string::npos;
    EXPECT_TRUE(found) << text << " is in no test";
  }
}

TEST(Coverage, MessagesKeepTheHouseStyle) {
  const Diag diags[] = {
#define FC_DIAG(Name, Level, Message) Diag::Name,
#include "dsl/Diagnostics.def"
  };
  for (Diag diag : diags) {
    std::string_view message = format(diag);
    EXPECT_FALSE(message.ends_with('.')) << message;
    EXPECT_FALSE(std::isupper(message[0])) << message;
    EXPECT_EQ(std::count(message.begin(), message.end(), '`') % 2, 0) << message;
  }
}
