// CheckTest.cpp - what the checker makes of a program: the checked form, by its text (dumpAst) and
// by its fields. Wrong programs are in errors/.
#include "dsl/DumpAst.h"
#include "test/dsl/TestUtil.h"

using namespace fc::dsl;
using namespace fc::dsl::test;
using testing::HasSubstr;
using testing::Not;

/// The dump of a kernel around `body` (TestUtil.h), which must check without a word.
static std::string dumpBody(const std::string &body) {
  Checked checked = checkBody(body + "\n  l[b, h, i] = 0\n  o[b, h, i, d] = 0\n");
  EXPECT_EQ(checked.diagnostics.render(), "");
  return checked.program ? dumpAst(*checked.program) : "";
}

/// What a `let x = expression`, kept alive by an `assume`, becomes.
static std::string dumpOf(const std::string &expression, const std::string &before = "") {
  std::string text =
      dumpBody(before + "\n  let probe = " + expression + "\n  assume probe == probe\n");
  size_t begin = text.find("let probe: ");
  if (begin == std::string::npos)
    return "folded: " + text.substr(text.find("assume ") + 7, 40);
  begin += 11;
  return text.substr(begin, text.find('\n', begin) - begin);
}

//===-- Types (T1 - T5) ---------------------------------------------------===//

TEST(Types, ArithmeticWidens) {
  EXPECT_EQ(dumpOf("q[b, h, i, d] + 1"), "f32 (i, d) = f32(q[b, h, i, d]) + 1.0");
  EXPECT_EQ(dumpOf("n[b] + j"), "int (j) = int(n[b]) + j");
  EXPECT_EQ(dumpOf("c[h] * (j - i)"), "f32 (i, j) = c[h] * f32(j - i)");
  EXPECT_EQ(dumpOf("-q[b, h, i, d]"), "f32 (i, d) = -f32(q[b, h, i, d])");
  EXPECT_EQ(dumpOf("max(q[b, h, i, d], 0)"), "f32 (i, d) = max(f32(q[b, h, i, d]), 0.0)");
  EXPECT_EQ(dumpOf("clamp(j - i, 0, width)"), "int (i, j) = clamp(j - i, 0, width)");
  EXPECT_EQ(dumpOf("exp(j)"), "f32 (j) = exp(f32(j))");
  EXPECT_EQ(dumpOf("abs(j - i)"), "int (i, j) = abs(j - i)");
}

TEST(Types, AReadHasItsTensorsType) {
  EXPECT_EQ(dumpOf("q[b, h, i, d]"), "f16 (i, d) = q[b, h, i, d]");
  EXPECT_EQ(dumpOf("n[b]"), "i32 = n[b]");
}

TEST(Types, DotKeepsNarrowOperands) {
  EXPECT_EQ(dumpOf("dot[d](q[b, h, i, d], k[b, h, j, d])"),
            "f32 (i, j) = dot[d](q[b, h, i, d], k[b, h, j, d])");
  EXPECT_EQ(dumpOf("dot[j](j, j)"), "int = dot[j](j, j)");
}

TEST(Types, WhereKeepsACommonType) {
  EXPECT_EQ(dumpOf("where(j < i, k[b, h, j, d], k[b, h, j, 0])"),
            "f16 (i, j, d) = where(j < i, k[b, h, j, d], k[b, h, j, 0])");
  EXPECT_EQ(dumpOf("where(j < i, c[h], 0)"), "f32 (i, j) = where(j < i, c[h], 0.0)");
  EXPECT_EQ(dumpOf("where(j < i, j < 3, flag)"), "bool (i, j) = where(j < i, j < 3, flag)");
}

TEST(Types, AConstantSideOfWhereTakesANarrowTypeThatHoldsIt) {
  EXPECT_EQ(dumpOf("where(j < i, k[b, h, j, d], 0)"),
            "f16 (i, j, d) = where(j < i, k[b, h, j, d], f16(0.0))");
  EXPECT_EQ(dumpOf("where(j < i, -inf, k[b, h, j, d])"),
            "f16 (i, j, d) = where(j < i, f16(-inf), k[b, h, j, d])");
  // 0.1 and 2^20 are no f16.
  EXPECT_THAT(dumpOf("where(j < i, k[b, h, j, d], 0.1)"), HasSubstr("f32 (i, j, d)"));
  EXPECT_THAT(dumpOf("where(j < i, k[b, h, j, d], 1048576)"), HasSubstr("f32 (i, j, d)"));
  EXPECT_EQ(dumpOf("where(j < i, n[b], -1)"), "i32 (i, j) = where(j < i, n[b], i32(-1))");
  EXPECT_THAT(dumpOf("where(j < i, n[b], 3000000000)"), HasSubstr("int (i, j)"));
}

TEST(Types, CastCoversAllToItsLeft) {
  EXPECT_EQ(dumpOf("c[h] + j as f16"), "f16 (j) = c[h] + f32(j) as f16");
  EXPECT_EQ(dumpOf("max(c[h] as int, 3)"), "int = max(c[h] as int, 3)");
  EXPECT_EQ(dumpOf("c[h] as f32"), "f32 = c[h]") << "nothing to convert";
}

TEST(Types, RandomPutsMissingCountersFirst) {
  EXPECT_EQ(dumpOf("random(width, i, j)"), "f32 (i, j) = random(width, 0, 0, i, j)");
}

TEST(Types, AStoreTakesANarrowValueOrAWideOne) {
  Checked checked = checkBody("  o[b, h, i, d] = q[b, h, i, d]\n  l[b, h, i] = i\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  std::string text = dumpAst(*checked.program);
  EXPECT_THAT(text, HasSubstr("o[b, h, i, d] = q[b, h, i, d]\n"));
  EXPECT_THAT(text, HasSubstr("l[b, h, i] = f32(i)\n"));
}

//===-- Constants and compile-time conditions (D3) ------------------------===//

TEST(Folding, IntegersFloor) {
  EXPECT_THAT(dumpOf("-7 / 2 == -4 and -7 % 2 == 1 and 7 / -2 == -4 and 7 % -2 == -1"),
              HasSubstr("true"));
  EXPECT_EQ(dumpOf("i + (D / 2 - 2 * 16)"), "int (i) = i + 0");
}

TEST(Folding, OverflowIsLeftAsItIs) {
  EXPECT_EQ(dumpOf("9223372036854775807 + 1"), "int = 9223372036854775807 + 1");
}

TEST(Folding, ACastRoundsToNearestEvenAndSaturates) {
  EXPECT_THAT(
      dumpOf("(2.5 as int) == 2 and (3.5 as int) == 4 and (-inf as int) < -9223372036854775807"),
      HasSubstr("true"));
}

TEST(Folding, InfinitiesAreLeftToTheRulesOfS1) {
  EXPECT_EQ(dumpOf("-inf - -inf"), "f32 = -inf - -inf");
  EXPECT_EQ(dumpOf("0.0 / 0"), "f32 = 0.0 / 0.0");
}

static const char *kOptional =
    "kernel t<T: type = f16, BIAS: bool = true>(x: T[N], bias: f32[N?]) -> (y: f32[N])\n"
    "{\n  grid tile i in N\n  let wanted = BIAS and not false\n"
    "  let extra = bias[i]\n  y[i] = x[i] + where(wanted, extra, 0)\n}\n";

TEST(Folding, ACompileTimeConditionKeepsOneSide) {
  Checked with = checkText(kOptional), without = checkText(kOptional, {{"BIAS", "false"}});
  ASSERT_TRUE(with.program && without.program);
  EXPECT_THAT(dumpAst(*with.program), HasSubstr("y[i] = f32(x[i]) + extra\n"));
  EXPECT_TRUE(with.program->kernels[0].inputs[1]->read);
  EXPECT_THAT(dumpAst(*without.program), HasSubstr("y[i] = f32(x[i]) + 0.0\n"));
  EXPECT_THAT(dumpAst(*without.program), Not(HasSubstr("extra")));
  EXPECT_FALSE(without.program->kernels[0].inputs[1]->read) << "may be null at launch";
}

TEST(Folding, ADroppedSideLeavesItsAxesToAReduction) {
  EXPECT_EQ(dumpOf("sum[j](where(false, j, 0) * 2)"), "int = sum[j](where(j == j, 0, 0))");
  EXPECT_EQ(dumpOf("any[j](false and j < i)"), "bool = any[j](where(j == j, false, false))");
  EXPECT_EQ(dumpOf("dot[d](where(false, q[b, h, i, d], 0), k[b, h, j, d])"),
            "f32 (j) = dot[d](where(d == d, f16(0.0), f16(0.0)), k[b, h, j, d])");
  // Elsewhere nothing is left of it, and what never had the axis still does not.
  EXPECT_EQ(dumpOf("c[h] + where(false, c[h] * j, 0)"), "f32 = c[h] + 0.0");
  EXPECT_EQ(checkBody("  let a = sum[j](where(false, i, 0))\n").names(),
            "NeverStored NeverStored AxisMissing");
}

TEST(Folding, WhatOnlyTheDroppedSideDoesIsNoMistake) {
  EXPECT_EQ(dumpOf("c[h] + where(D > 64, q[b, h, i, 64], 0)"), "f32 = c[h] + 0.0");
  EXPECT_EQ(dumpOf("i + where(D > 64, N / (D - 64), 0)"), "int (i) = i + 0");
}

TEST(Folding, TheSideThatIsDroppedIsStillChecked) {
  Checked checked = checkBody("  let a = where(true, 1, unknown)\n");
  EXPECT_THAT(checked.names(), HasSubstr("UnknownName"));
}

//===-- Axes (A1 - A8) ----------------------------------------------------===//

TEST(Axes, AnIndexCarriesItsAxes) {
  EXPECT_EQ(dumpOf("k[b, h, n[b] + i - j, d]"), "f16 (i, j, d) = k[b, h, int(n[b]) + i - j, d]");
}

TEST(Axes, PointsAreScalars) {
  EXPECT_EQ(dumpOf("b * h"), "int = b * h");
  Checked checked = checkBody("  var t: f32 = 0\n  for u in 0 .. 4 {\n    t = t + u\n  }\n"
                              "  l[b, h, i] = t\n  o[b, h, i, d] = 0\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  EXPECT_THAT(dumpAst(*checked.program), HasSubstr("for u in 0 .. 4\n    t = t + f32(u)\n"));
}

TEST(Axes, ATileOfALoopIsReducedOverItsTurn) {
  Checked checked = checkBody("  var t: f32[i] = 0\n  for tile u in 0 .. N by 32 {\n"
                              "    t = t + sum[u](dot[d](q[b, h, i, d], k[b, h, u, d]))\n  }\n"
                              "  l[b, h, i] = t\n  o[b, h, i, d] = 0\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  EXPECT_THAT(dumpAst(*checked.program), HasSubstr("for tile u in 0 .. N by 32\n"));
}

TEST(Axes, ReductionsLoseAxesAndNormalisersKeepThem) {
  const char *s = "  let s = dot[d](q[b, h, i, d], k[b, h, j, d])\n";
  EXPECT_EQ(dumpOf("softmax[j](s)", s), "f32 (i, j) = softmax[j](s)");
  EXPECT_EQ(dumpOf("cumsum[j](s)", s), "f32 (i, j) = cumsum[j](s)");
  EXPECT_EQ(dumpOf("logsumexp[j](s)", s), "f32 (i) = logsumexp[j](s)");
  EXPECT_EQ(dumpOf("any[j](s > 0)", s), "bool (i) = any[j](s > 0.0)");
  EXPECT_EQ(dumpOf("sum[j, d](s * d)", s), "f32 (i) = sum[j, d](s * f32(d))");
}

TEST(Axes, NamesMayBeUsedAgainInAnotherBlock) {
  dumpBody("  for u in 2 {\n    let a = 1\n  }\n  for u in 2 {\n    let a = 2\n  }\n");
}

TEST(Axes, AVarMayBeOverWhatHasABound) {
  dumpBody("  axis u in 0 .. N upto 16, w in n[b] .. n[b] + 16\n  var a: f32[i, u, w] = 0\n");
  EXPECT_EQ(checkBody("  axis u in 0 .. n[b]\n  var a: f32[u] = 0\n").names(),
            "NeverStored NeverStored VarAxis");
}

TEST(Axes, AGridAxisMayReachTheIndicesThroughLetsAndRanges) {
  Checked checked =
      checkText("kernel t(x: f32[M], cu: i32[B + 1]) -> (y: f32[M]) {\n"
                "  grid b in B, c in 4\n  let lo = cu[b] + c\n"
                "  axis i in lo .. cu[b + 1] upto 1\n  let at = i\n  y[at] = x[i]\n}\n");
  EXPECT_EQ(checked.diagnostics.render(), "");
}

TEST(Axes, ADroppedLetIsNoDeclarationLess) {
  EXPECT_EQ(checkBody("  let a = 1\n  let a = 2\n").names(),
            "NeverStored NeverStored DeclaredTwice");
}

//===-- Comparisons, conditions -------------------------------------------===//

TEST(Comparisons, AChainIsAConjunction) {
  EXPECT_EQ(dumpOf("i - width < j <= i"), "bool (i, j) = i - width < j and j <= i");
  EXPECT_EQ(dumpOf("0 <= j < i < N"), "bool (i, j) = 0 <= j and j < i and i < N");
  EXPECT_EQ(dumpOf("(j < i) == flag"), "bool (i, j) = (j < i) == flag");
}

//===-- Dimensions and parameters (D1 - D4) -------------------------------===//

TEST(Dimensions, AreBoundByAnEntryPlusAConstant) {
  Checked checked =
      checkText("kernel t<C: int = 3>(a: i32[2 * P], b: i32[C + N], c: i32[M - 1, P], e: i32[N])\n"
                "    -> (y: f32[M]) {\n"
                "  grid tile i in M\n  y[i] = a[i] + b[i] + c[i, i] + e[i]\n}\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  std::string text = dumpAst(*checked.program);
  EXPECT_THAT(text, HasSubstr("dim P = extent 1 of c\n"));
  EXPECT_THAT(text, HasSubstr("dim N = extent 0 of b - 3\n"));
  EXPECT_THAT(text, HasSubstr("dim M = extent 0 of c + 1\n"));
}

TEST(Dimensions, AreBoundByATensorThatIsThereAtEveryLaunch) {
  Checked checked = checkText("kernel t(unused: f32[N, M], x: f32[N]) -> (y: f32[N]) {\n"
                              "  grid tile i in N\n  y[i] = x[i] * M\n}\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  EXPECT_THAT(dumpAst(*checked.program), HasSubstr("dim N = extent 0 of x\n"));
  EXPECT_THAT(dumpAst(*checked.program), HasSubstr("in unused: f32[N, M] (never read)\n"));
}

TEST(Parameters, DefinesReplaceDefaults) {
  const char *text =
      "kernel t<T: type = f16, D: int = 64, E: f32 = 2, F: bool = true, S: int = D / 2>(\n"
      "    x: T[N, D]) -> (y: T[N, S]) {\n"
      "  grid tile i in N\n  axis s in S\n  y[i, s] = x[i, s] * where(F, E, 0)\n}\n";
  Checked checked = checkText(text, {{"T", "bf16"}, {"D", "128"}, {"E", "0.5"}, {"F", "1"}});
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  std::string dump = dumpAst(*checked.program);
  EXPECT_THAT(
      dump,
      HasSubstr("type T = bf16\n  int D = 128\n  f32 E = 0.5\n  bool F = true\n  int S = 64\n"));
  const Kernel &kernel = checked.program->kernels[0];
  EXPECT_TRUE(kernel.cparams[0].defined);
  EXPECT_FALSE(kernel.cparams[4].defined);
}

TEST(Parameters, DefaultsMayUseDimensionsAndEarlierScalars) {
  Checked checked =
      checkText("kernel t<D: int = 16>(x: f32[N, D], a: f32 = 1 / sqrt(D), n: int = N / 2,\n"
                "    c: f32 = a * n) -> (y: f32[N]) {\n"
                "  grid tile i in N\n  y[i] = x[i, 0] * c + n\n}\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  std::string dump = dumpAst(*checked.program);
  EXPECT_THAT(
      dump,
      HasSubstr("scalar a: f32 = 0.25\n  scalar n: int = N / 2\n  scalar c: f32 = a * f32(n)\n"));
}

//===-- Functions (F1) ----------------------------------------------------===//

TEST(Functions, ShareTheirArguments) {
  Checked checked = checkText("fn square(x) = x * x\n"
                              "kernel t(x: f32[N]) -> (y: f32[N]) {\n  grid tile i in N\n"
                              "  y[i] = square(square(x[i] + 1))\n}\n");
  ASSERT_TRUE(checked.program);
  EXPECT_THAT(dumpAst(*checked.program),
              HasSubstr("  %1: f32 (i) = x[i] + 1.0\n  %2: f32 (i) = %1 * %1\n  y[i] = %2 * %2\n"));
}

TEST(Functions, ALocalOneSeesItsSurroundingsAndIsHadAtOtherPoints) {
  EXPECT_EQ(
      dumpOf("at(d) + at((d + D / 2) % D)", "  let r = c[h]\n  fn at(x) = q[b, h, i, x] * r\n"),
      "f32 (i, d) = f32(q[b, h, i, d]) * r + f32(q[b, h, i, (d + 32) % 64]) * r");
}

TEST(Functions, DoNotCapture) {
  // `y` of the function is its own, whatever the kernel calls so.
  Checked checked = checkText("fn f(x) {\n  let z = x + 1\n  return z * z\n}\n"
                              "kernel t(x: f32[N]) -> (y: f32[N]) {\n  grid tile i in N\n"
                              "  let z = 3\n  y[i] = f(z + i)\n}\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  EXPECT_THAT(dumpAst(*checked.program), HasSubstr("%1: int (i) = 3 + i + 1\n"));
}

TEST(Functions, TakeAxes) {
  EXPECT_EQ(dumpOf("unit[d](q[b, h, i, d])", "  fn unit[a](x) = x * rsqrt(sum[a](x * x) + a)\n")
                .substr(0, 10),
            "f32 (i, d)");
}

TEST(Functions, TheBuiltInFileHasThem) {
  const char *text =
      "use \"lib.fc\"\nkernel t(x: f32[N], z: f32[1]) -> (y: f32[N]) {\n"
      "  grid tile i in cdiv(N, 2)\n  axis j in N\n"
      "  y[i] = sum[j](softmax1[j](x[j]) + softmax_with[j](softcap(softplus(x[j]), 2), z[0]))\n}\n";
  Checked checked = checkText(text);
  EXPECT_EQ(checked.diagnostics.render(), "");
  ASSERT_TRUE(checked.program);
  ASSERT_EQ(checked.program->files.size(), 2u);
  EXPECT_EQ(checked.program->files[1].text,
            readText(std::filesystem::path(FC_SOURCE_DIR) / "dsl/lib.fc"));
}

TEST(Functions, AFileBesideTheUsersGoesFirst) {
  auto folder = std::filesystem::temp_directory_path() / "fc-use-test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "lib.fc") << "fn cdiv(a, b) = a - b\n";
  std::ofstream(folder / "more.fc") << "use \"lib.fc\"\nfn more(x) = cdiv(x, 1)\n";
  std::ofstream(folder / "main.fc") << "use \"lib.fc\"\nuse \"more.fc\"\nuse \"more.fc\"\n"
                                       "kernel t(x: f32[N]) -> (y: f32[N]) {\n"
                                       "  grid tile i in N\n  y[i] = x[i] + more(i)\n}\n";
  Diagnostics diagnostics;
  auto program = checkFile((folder / "main.fc").string(), {}, diagnostics);
  ASSERT_TRUE(program) << diagnostics.render();
  EXPECT_EQ(program->files.size(), 3u) << "each file once";
  EXPECT_THAT(dumpAst(*program), HasSubstr("y[i] = x[i] + f32(i - 1)\n"));
  std::filesystem::remove_all(folder);
}

//===-- The rest of the form ----------------------------------------------===//

TEST(Kernels, SchedulesAreKept) {
  std::string text = dumpBody(
      "  schedule { tile i = 128, j = D / 2; split j = 8; walks j = 2; warps = 4 stages = 2 }\n"
      "  schedule sm_90a { tile j = 128 }\n");
  EXPECT_THAT(
      text,
      HasSubstr("  schedule\n    tile i = 128\n    tile j = 32\n    split j = 8\n    walks j = 2\n"
                "    warps = 4\n    stages = 2\n  schedule sm_90a\n    tile j = 128\n"));
}

TEST(Kernels, FactsKeepTheirText) {
  Checked checked = checkBody("  assume j + 1 == N  or\n      n[b] <= j // sorted\n"
                              "  l[b, h, i] = 0\n  o[b, h, i, d] = 0\n");
  ASSERT_TRUE(checked.program) << checked.diagnostics.render();
  const auto &body = checked.program->kernels[0].body;
  auto fact =
      std::find_if(body.begin(), body.end(), [](const Stmt &s) { return s.kind == Stmt::Assume; });
  ASSERT_NE(fact, body.end());
  EXPECT_EQ(fact->text, "j + 1 == N or n[b] <= j");
}

TEST(Kernels, PlacesAreThoseOfTheText) {
  Checked checked = checkText("fn twice(x) = x + x\nkernel t(x: f32[N]) -> (y: f32[N]) {\n"
                              "  grid tile i in N\n  y[i] = twice(x[i])\n}\n");
  ASSERT_TRUE(checked.program);
  const Kernel &kernel = checked.program->kernels[0];
  const Stmt &store = kernel.body[0];
  EXPECT_EQ(store.loc.line, 4u);
  EXPECT_EQ(store.value->loc.line, 1u) << "a value is where its operation is written";
  EXPECT_EQ(store.value->loc.col, 17u);
  EXPECT_EQ(store.value->operands[0]->loc.line, 4u);
  EXPECT_EQ(kernel.grid[0]->loc.col, 13u);
}

TEST(Kernels, AFileMayHaveSeveral) {
  Checked checked;
  checked.program =
      checkFile((kTestDir / "examples/backward.fc").string(), {}, checked.diagnostics);
  ASSERT_TRUE(checked.program);
  EXPECT_EQ(checked.program->kernels.size(), 3u);
  EXPECT_TRUE(checked.program->kernel("grad_kv"));
  EXPECT_FALSE(checked.program->kernel("grad"));
}

TEST(Kernels, TwoKernelsOfOneFileMayDifferInScalars) {
  Checked checked = checkText(
      "kernel a(x: f32[N], s: f32 = 1) -> (y: f32[N]) {\n  grid tile i in N\n  y[i] = x[i] * s\n}\n"
      "kernel c(y: f32[N], s: int = 2) -> (z: f32[N]) {\n  grid tile i in N\n  z[i] = y[i] * "
      "s\n}\n");
  EXPECT_EQ(checked.diagnostics.render(), "");
}
