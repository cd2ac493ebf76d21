// Rules S1 to S3: rows without keys, excluded points, what is read.
#include "TestKernel.h"

using namespace fc::dsl;
using namespace fc::dsl::test;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// A kernel over x[I, J] with statements; o[I].
std::string overRows(const std::string &body, const std::string &params = "x: f32[I, J]") {
  return "kernel t(" + params + ") -> (o: f32[I]) {\n grid tile i in I\n axis j in J\n " + body +
         "\n}\n";
}

/// A kernel over scores x[I, J] and values v[J, D].
std::string weighing(const std::string &body, const std::string &more = "") {
  return "kernel t<D: int = 1>(x: f32[I, J], v: f32[J, D], " + more +
         ") -> (o: f32[I, D]) {\n grid tile i in I\n axis j in J, d in D\n " + body + "\n}\n";
}

Arguments scoresAndValues() {
  Arguments args;
  args.tensors["x"] = floats({2, 3}, {0, 0, 0, 0, 0, 0});
  args.tensors["v"] = floats({3, 1}, {1, 2, 6});
  return args;
}

//===-- S1: no key
//--------------------------------------------------------------------------------===//

TEST(NoKey, TwoSumsDifferFromIeee) {
  Arguments args;
  args.tensors["x"] = floats({4, 2}, {-kInf, -kInf, 0, 0, 1, -kInf, 5, 0});
  // -inf - -inf, then 0 / 0
  EXPECT_THAT(
      valuesOf(run(
          "kernel t(x: f32[I, J]) -> (o: f32[I]) { grid tile i in I\n o[i] = x[i, 0] - x[i, 1] }",
          args)),
      ElementsAre(-kInf, 0, kInf, 5));
  EXPECT_THAT(
      valuesOf(run(
          "kernel t(x: f32[I, J]) -> (o: f32[I]) { grid tile i in I\n o[i] = x[i, 0] / x[i, 1] }",
          args))[1],
      0);
}

TEST(NoKey, ReductionsOverNothingGiveTheirIdentity) {
  std::string text = R"(
kernel t(x: f32[I, J], n: i32[I, J]) -> (s: f32[I], most: f32[I], least: f32[I], lse: f32[I], p: f32[I, E], d: f32[I],
    any_: i32[I], all_: i32[I], total: i64[I])
{
  grid tile i in I
  axis j in J, e in E
  s[i] = sum[j](x[i, j])
  most[i] = max[j](x[i, j])
  least[i] = min[j](x[i, j])
  lse[i] = logsumexp[j](x[i, j])
  d[i] = dot[j](x[i, j], x[i, j])
  p[i, e] = dot[j](softmax[j](x[i, j]), x[i, j])
  any_[i] = where(any[j](x[i, j] > 0), 1, 0)
  all_[i] = where(all[j](x[i, j] > 0), 1, 0)
  total[i] = sum[j](n[i, j])
})";
  Arguments args;
  args.tensors["x"] = floats({2, 0}, {});
  args.tensors["n"] = ints({2, 0}, {});
  args.dims["E"] = 2;
  Outcome outcome = run(text, args);
  EXPECT_THAT(valuesOf(outcome, "s"), Each(0.0));
  EXPECT_THAT(valuesOf(outcome, "most"), Each(-kInf));
  EXPECT_THAT(valuesOf(outcome, "least"), Each(kInf));
  EXPECT_THAT(valuesOf(outcome, "lse"), Each(-kInf));
  EXPECT_THAT(valuesOf(outcome, "d"), Each(0.0));
  EXPECT_THAT(valuesOf(outcome, "p"), Each(0.0));
  EXPECT_THAT(intsOf(outcome, "any_"), Each(0));
  EXPECT_THAT(intsOf(outcome, "all_"), Each(1));
  EXPECT_THAT(intsOf(outcome, "total"), Each(0));
}

/// A row that sees no key gives 0, however the softmax is written.
class EmptyRows : public testing::TestWithParam<const char *> {};

TEST_P(EmptyRows, GiveZero) {
  Arguments args = scoresAndValues();
  args.tensors["x"].f = {1, 2, 3, 4, 5, 6};
  // Row 0 sees nothing; row 1 sees key 0 only.
  std::vector<double> o = valuesOf(run(weighing(GetParam()), args));
  expectNear(o, {0, 1});
}

INSTANTIATE_TEST_SUITE_P(
    Forms, EmptyRows,
    testing::Values(
        "o[i, d] = dot[j](softmax[j](where(j < i, x[i, j], -inf)), v[j, d])",
        "o[i, d] = dot[j](softmax[j](x[i, j] + where(j < i, 0, -inf)), v[j, d])",
        "let s = where(j < i, x[i, j], -inf)\n"
        " let e = exp(s - max[j](s))\n o[i, d] = dot[j](e, v[j, d]) / sum[j](e)",
        "let s = where(j < i, x[i, j], -inf)\n"
        " o[i, d] = dot[j](exp(s - logsumexp[j](s)), v[j, d])",
        "var m: f32[i] = -inf\n var l: f32[i] = 0\n var a: f32[i, d] = 0\n"
        " for tile c in 0 .. J {\n let s = where(c < i, x[i, c], -inf)\n"
        " let m1 = max(m, max[c](s))\n let p = exp(s - m1)\n"
        " l = l * exp(m - m1) + sum[c](p)\n a = a * exp(m - m1) + dot[c](p, v[c, d])\n m = m1 }\n"
        " o[i, d] = a / l"));

TEST(NoKey, ScoresFarBelowZeroAreUnseen) {
  Arguments args;
  // A row of scores below -2^100, one at the edge that counts, and one with a key that is seen.
  args.tensors["x"] = floats({3, 2}, {-1e31, -2e31, -0x1p100, -1e31, 3, -1e31});
  args.tensors["v"] = floats({2, 1}, {5, 7});
  const char *builtIn = "o[i, d] = dot[j](softmax[j](x[i, j]), v[j, d])";
  const char *written =
      "let e = exp(x[i, j] - max[j](x[i, j]))\n o[i, d] = dot[j](e, v[j, d]) / sum[j](e)";
  EXPECT_THAT(valuesOf(run(weighing(builtIn), args)), ElementsAre(0, 5, 5));
  EXPECT_THAT(valuesOf(run(weighing(written), args)), ElementsAre(0, 5, 5));
  args.tensors.erase("v");
  EXPECT_THAT(valuesOf(run(overRows("o[i] = logsumexp[j](x[i, j])"), args)),
              ElementsAre(-kInf, -0x1p100, 3));
}

//===-- S2: masks
//---------------------------------------------------------------------------------===//

/// Masks by a length: v is NaN beyond it and must not reach the result, by any way to weigh it.
class Lengths : public testing::TestWithParam<const char *> {};

TEST_P(Lengths, KeepNanOut) {
  Arguments args = scoresAndValues();
  args.tensors["x"].f = {1, 1, kNaN, 1, 1, kNaN};
  args.tensors["v"].f[2] = kNaN;
  args.tensors["len"] = ints({1}, {2});
  std::vector<double> o = valuesOf(run(weighing(GetParam(), "len: i32[1]"), args));
  ASSERT_EQ(o.size(), 2u);
  EXPECT_TRUE(std::isfinite(o[0])) << o[0];
  EXPECT_EQ(o[0], o[1]);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Lengths,
    testing::Values(
        "o[i, d] = dot[j](softmax[j](where(j < len[0], x[i, j], -inf)), v[j, d])",
        "o[i, d] = dot[j](softmax[j](x[i, j] + where(j < len[0], 0, -inf)), v[j, d])",
        "o[i, d] = dot[j](softmax[j](2 * (where(j < len[0], x[i, j], -inf) - 1)), v[j, d])",
        "o[i, d] = dot[j](softmax[j](where(not (j >= len[0]), x[i, j], -inf)) as f16, v[j, d] as "
        "f16)",
        "o[i, d] = dot[j](exp(where(j < len[0] and j <= i + 3, x[i, j], -inf)), v[j, d])",
        "o[i, d] = dot[j](sigmoid(where(j < len[0], x[i, j], -inf)), v[j, d])",
        "o[i, d] = dot[j](max(where(j < len[0], x[i, j], -inf), 0), v[j, d])",
        "o[i, d] = dot[j](where(j < len[0], x[i, j], 0), v[j, d])",
        "o[i, d] = dot[j](where(j < len[0], x[i, j], 0) * x[i, j] / 3, v[j, d])",
        "o[i, d] = dot[j](v[j, d], where(j < len[0], x[i, j], 0))",
        "o[i, d] = sum[j](where(j < len[0], x[i, j], 0) * v[j, d])",
        "let c = j < len[0] and i >= 0\n o[i, d] = sum[j](where(c, x[i, j], 0) * v[j, d])"));

TEST(Masks, ByTheRowAddZeroTimesTheValue) {
  // Key 2 is excluded in both rows, but by a condition on the row: 0 * v, which is 0 for finite v
  // only.
  const char *body = "o[i, d] = dot[j](softmax[j](where(j < i + 1, x[i, j], -inf)), v[j, d])";
  Arguments args = scoresAndValues();
  EXPECT_THAT(valuesOf(run(weighing(body), args)), ElementsAre(1, 1.5));
  args.tensors["v"].f[2] = kNaN;
  std::vector<double> o = valuesOf(run(weighing(body), args));
  EXPECT_TRUE(std::isnan(o[0]) && std::isnan(o[1]));
  // The masked operand itself is 0 there, whatever stands behind its mask.
  args = scoresAndValues();
  args.tensors["x"].f = {0, kNaN, kNaN, 0, 0, kNaN};
  EXPECT_THAT(
      valuesOf(
          run(weighing("o[i, d] = dot[j](exp(x[i, j] + where(j <= i, 0, -inf)), v[j, d])"), args)),
      ElementsAre(1, 3));
}

TEST(Masks, InsideTanhAreNone) {
  // tanh(-inf) = -1 has a weight.
  Arguments args = scoresAndValues();
  std::vector<double> o = valuesOf(run(
      weighing("o[i, d] = dot[j](softmax[j](tanh(where(j < 2, x[i, j], -inf))), v[j, d])"), args));
  double e = std::exp(-1);
  expectNear(o, {(3 + 6 * e) / (2 + e), (3 + 6 * e) / (2 + e)});
}

TEST(Masks, PointsExcludedDoNotReachMaxMinAnyAll) {
  Arguments args;
  args.tensors["x"] = floats({1, 3}, {2, 5, kNaN});
  auto reduce = [&](const std::string &value) {
    return valuesOf(run(overRows("o[i] = " + value), args))[0];
  };
  EXPECT_EQ(reduce("max[j](where(j < 2, x[i, j], -inf))"), 5);
  EXPECT_EQ(reduce("max[j](where(j < 2, 0, -inf) + x[i, j])"), 5);
  EXPECT_EQ(reduce("min[j](where(j < 2, x[i, j], inf))"), 2);
  EXPECT_EQ(reduce("sum[j](where(j < 2, 1, 0) * x[i, j])"), 7);
  EXPECT_EQ(reduce("where(any[j](j < 1 and x[i, j] > 2), 1.0, 0.0)"), 0);
  EXPECT_EQ(reduce("where(all[j](j >= 2 or x[i, j] > 1), 1.0, 0.0)"), 1);
}

TEST(Masks, OfAnEarlierLetAreThoseOfItsTime) {
  // The mask of `p` is made with n = 2; n changes before p is used.
  std::string text = R"(
kernel t(x: f32[J], v: f32[J]) -> (o: f32[B]) {
  grid b in B
  axis j in J
  var n: i32 = 2
  let p = where(j < n, x[j], 0)
  n = 3
  o[b] = dot[j](p, v[j]) + 0 * n
})";
  Arguments args;
  args.dims["B"] = 1;
  args.tensors["x"] = floats({3}, {1, 2, 4});
  args.tensors["v"] = floats({3}, {1, 1, kNaN});
  EXPECT_THAT(valuesOf(run(text, args)), ElementsAre(3));
}

//===-- S3, S6: what is read
//----------------------------------------------------------------------===//

TEST(Reads, OnlyWhereTheValueIsUsed) {
  Arguments args;
  args.tensors["x"] = floats({1, 3}, {1, 2, 4});
  auto value = [&](const std::string &body) { return valuesOf(run(overRows(body), args)); };
  EXPECT_THAT(value("o[i] = sum[j](where(j + 1 < J, x[i, j + 1], 100))"), ElementsAre(106));
  EXPECT_THAT(value("o[i] = sum[j](where(j + 1 >= J, 100, x[i, j + 1]))"), ElementsAre(106));
  EXPECT_THAT(value("let y = x[i, j + 1]\n o[i] = sum[j](where(j < 2, y * 2, 0))"),
              ElementsAre(12));
  EXPECT_THAT(value("o[i] = where(any[j](j > 0 and x[i, j - 1] > 1), 1.0, 0.0)"), ElementsAre(1));
  EXPECT_THAT(value("o[i] = where(all[j](j == 0 or x[i, j - 1] > 1), 1.0, 0.0)"), ElementsAre(0));
  EXPECT_THAT(value("let unused = x[i, 7]\n o[i] = 1"), ElementsAre(1));
  EXPECT_THAT(value("o[i] = where(J > 3 and 6 / (J - 3) > 1, 1.0, 2.0)"), ElementsAre(2));
  EXPECT_EQ(errorOf(run(overRows("o[i] = where(6 / (J - 3) > 1 and J > 3, 1.0, 2.0)"), args)),
            "4: `/` of 6 by zero");
}

TEST(Reads, OfExcludedKeysDoNotHappen) {
  // A list with -1 entries: neither k nor v is read there, though v stands outside the `where`.
  std::string text = R"(
kernel t(x: f32[N], v: f32[N, D], list: i32[I, L]) -> (o: f32[I, D]) {
  grid ROWS
  axis t in L, d in D
  let j = list[i, t]
  let s = where(j >= 0, x[j], -inf)
  o[i, d] = dot[t](softmax[t](s), v[j, d])
})";
  Arguments args;
  args.tensors["x"] = floats({2}, {0, 0});
  args.tensors["v"] = floats({2, 1}, {3, 5});
  args.tensors["list"] = ints({3, 3}, {1, -1, 0, -1, -1, -1, 0, -1, -1});
  // The same whether the row is a scalar or one of a tile.
  for (const char *rows : {"i in I", "tile i in I"}) {
    std::string program = text;
    program.replace(program.find("ROWS"), 4, rows);
    EXPECT_THAT(valuesOf(run(program, args)), ElementsAre(4, 0, 3)) << rows;
    Arguments wrong = args;
    wrong.tensors["list"].i[4] = 2;
    EXPECT_EQ(errorOf(run(program, wrong)), "6: `x[2]` is outside of `x`, whose shape is [2]");
  }
}

TEST(Reads, OutsideNameThePlaceAndTheIndices) {
  Arguments args;
  args.tensors["x"] = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(errorOf(run(overRows("o[i] = sum[j](x[i, j + 1])"), args)),
            "4: `x[0, 3]` is outside of `x`, whose shape is [2, 3]");
  EXPECT_EQ(errorOf(run(overRows("o[i] = x[i - 1, 0]"), args)),
            "4: `x[-1, 0]` is outside of `x`, whose shape is [2, 3]");
  EXPECT_EQ(errorOf(run(overRows("o[i] = 0 * sum[j](x[i, j - 1])"), args)),
            "4: `x[0, -1]` is outside of `x`, whose shape is [2, 3]");
  EXPECT_EQ(errorOf(run(overRows("o[i] = x[x[i, 0] as int, 0]"), args)),
            "4: `x[4, 0]` is outside of `x`, whose shape is [2, 3]");
}

TEST(Reads, DivisionByZeroIsAnErrorWhereItIsUsed) {
  Arguments args;
  args.tensors["x"] = floats({1, 3}, {1, 2, 4});
  EXPECT_THAT(valuesOf(run(overRows("o[i] = sum[j](where(j > 0, 12 / j, 100))"), args)),
              ElementsAre(118));
  EXPECT_THAT(errorOf(run(overRows("o[i] = sum[j](12 / j)"), args)), "4: `/` of 12 by zero");
  EXPECT_THAT(errorOf(run(overRows("o[i] = sum[j](7 % j)"), args)), "4: `%` of 7 by zero");
}

TEST(Reads, TailsAreNeverSeen) {
  // S5: 5 rows, 7 keys: sums and maxima of exactly those.
  Arguments args;
  std::mt19937_64 rng(1);
  args.tensors["x"] = randomFloats(rng, Elem::F32, {5, 7});
  std::vector<double> o =
      valuesOf(run(overRows("o[i] = sum[j](x[i, j]) + 0 * max[j](x[i, j])"), args));
  for (int row = 0; row < 5; ++row) {
    double sum = 0;
    for (int column = 0; column < 7; ++column)
      sum += args.tensors["x"].f[row * 7 + column];
    EXPECT_NEAR(o[row], sum, 1e-12);
  }
}

} // namespace
