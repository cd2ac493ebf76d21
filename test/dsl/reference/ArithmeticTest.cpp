// Rules T1 to T5: integers, casts, random numbers, elementwise functions.
#include "TestKernel.h"

using namespace fc::dsl;
using namespace fc::dsl::test;
using testing::ElementsAre;

namespace {

/// o[I] of an expression over x[i] (f32) and n[i] (i32).
std::vector<double> floatsOf(const std::string &expr, std::vector<double> x,
                             std::vector<int64_t> n = {}) {
  Arguments args;
  args.dims["I"] = int64_t(std::max(x.size(), n.size()));
  x.resize(args.dims["I"]);
  n.resize(args.dims["I"]);
  args.tensors["x"] = floats({args.dims["I"]}, x);
  args.tensors["n"] = ints({args.dims["I"]}, n);
  return valuesOf(run(
      "kernel t(x: f32[I], n: i32[I]) -> (o: f32[I]) { grid tile i in I\n o[i] = " + expr + " }",
      args));
}

/// The same for an integer expression and i64 output.
std::vector<int64_t> intsOfExpr(const std::string &expr, std::vector<int64_t> n,
                                std::vector<double> x = {}, const std::string &type = "i64") {
  Arguments args;
  args.dims["I"] = int64_t(std::max(x.size(), n.size()));
  x.resize(args.dims["I"]);
  n.resize(args.dims["I"]);
  args.tensors["x"] = floats({args.dims["I"]}, x);
  args.tensors["n"] = ints({args.dims["I"]}, n, Elem::I64);
  return intsOf(run("kernel t(x: f32[I], n: i64[I]) -> (o: " + type +
                        "[I]) { grid tile i in I\n o[i] = " + expr + " }",
                    args));
}

TEST(Arithmetic, IntegerDivisionFloors) {
  EXPECT_THAT(intsOfExpr("n[i] / 4", {7, -7, -8, 0}), ElementsAre(1, -2, -2, 0));
  EXPECT_THAT(intsOfExpr("n[i] % 4", {7, -7, -8, 0}), ElementsAre(3, 1, 0, 0));
  EXPECT_THAT(intsOfExpr("n[i] / -4", {7, -7, 8}), ElementsAre(-2, 1, -2));
  EXPECT_THAT(intsOfExpr("n[i] % -4", {7, -7, 8}), ElementsAre(-1, -3, 0));
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_THAT(intsOfExpr("n[i] / -1", {least, 5}), ElementsAre(least, -5));
  EXPECT_THAT(intsOfExpr("n[i] % -1", {least, 5}), ElementsAre(0, 0));
}

TEST(Arithmetic, IntegersAre64Bit) {
  EXPECT_THAT(intsOfExpr("n[i] * n[i]", {3000000000}), ElementsAre(9000000000000000000));
  EXPECT_THAT(intsOfExpr("n[i] * n[i] + 1", {100000007}),
              ElementsAre(10000001400000050)); // not a float64
  EXPECT_THAT(intsOfExpr("abs(n[i]) + max(n[i], 2) - min(n[i], 2) + clamp(n[i], 0, 3)", {-5, 9}),
              ElementsAre(12, 19));
  EXPECT_THAT(intsOfExpr("where(bit(n[i], 3), 1, 0) + where(bit(n[i], 63), 10, 0)", {8, 7, -1}),
              ElementsAre(1, 0, 11));
}

TEST(Arithmetic, NarrowIntegersWidenExactly) {
  Arguments args;
  args.tensors["a"] = ints({3}, {127, -128, 5}, Elem::I8);
  args.tensors["b"] = ints({3}, {255, 254, 253}, Elem::U8);
  EXPECT_THAT(
      intsOf(run(
          "kernel t(a: i8[J], b: u8[J]) -> (o: i64[J]) { grid tile j in J\n o[j] = a[j] * b[j] }",
          args)),
      ElementsAre(127 * 255, -128 * 254, 5 * 253));
}

TEST(Arithmetic, CastsToIntegers) {
  EXPECT_THAT(intsOfExpr("x[i] as int", {}, {2.5, 3.5, -0.5, -2.7, 1e30, kNaN}),
              ElementsAre(2, 4, 0, -3, std::numeric_limits<int64_t>::max(), 0));
  EXPECT_THAT(intsOfExpr("x[i] as i8", {}, {127.5, 126.5, -1000}, "i8"),
              ElementsAre(127, 126, -128));
  EXPECT_THAT(intsOfExpr("floor(x[i]) as int", {}, {2.9, -2.1}), ElementsAre(2, -3));
  EXPECT_THAT(intsOfExpr("n[i] as i8", {300, -129}, {}, "i8"), ElementsAre(44, 127));
}

TEST(Arithmetic, CastsBetweenFloatsDoNotRound) {
  double x = 1 + 0x1p-20; // not an f16
  EXPECT_EQ(floatsOf("(x[i] as f16) as f32", {x})[0], x);
  EXPECT_EQ(floatsOf("(x[i] as f8e4m3) * 1", {1e6})[0], 1e6);
  Arguments args;
  args.tensors["x"] = floats({1}, {x});
  EXPECT_EQ(valuesOf(run("kernel t(x: f32[I]) -> (o: f16[I]) { grid tile i in I\n o[i] = x[i] }",
                         args))[0],
            x);
}

TEST(Arithmetic, IntegersMeetFloats) {
  EXPECT_THAT(floatsOf("x[i] * n[i] + 1", {0.5, 2}, {3, -4}), ElementsAre(2.5, -7));
  EXPECT_THAT(floatsOf("1 / sqrt(n[i])", {}, {4, 16}), ElementsAre(0.5, 0.25));
}

TEST(Arithmetic, Functions) {
  double x = 0.75;
  expectNear(floatsOf("exp(x[i]) + exp2(x[i])", {x}), {std::exp(x) + std::exp2(x)});
  expectNear(floatsOf("log(x[i]) + log2(x[i])", {x}), {std::log(x) + std::log2(x)});
  expectNear(floatsOf("tanh(x[i]) + sigmoid(x[i])", {x}), {std::tanh(x) + 1 / (1 + std::exp(-x))});
  expectNear(floatsOf("sqrt(x[i]) + rsqrt(x[i]) + floor(-x[i])", {x}),
             {std::sqrt(x) + 1 / std::sqrt(x) - 1});
  expectNear(floatsOf("abs(-x[i]) + min(x[i], 0.5) + max(x[i], 0.5) + clamp(x[i], 1, 2)", {x}),
             {0.75 + 0.5 + 0.75 + 1});
  expectNear(floatsOf("sigmoid(x[i])", {-1000, 1000, -kInf}), {0, 1, 0});
  expectNear(floatsOf("where(not (x[i] < 1 <= 2 and x[i] != 3), 1.0, 2.0)", {0, 1}), {2, 1});
}

TEST(Arithmetic, RandomIsPhilox) {
  Arguments args;
  args.scalars["seed"] = {0, 42};
  Outcome outcome =
      run("kernel t(seed: int) -> (o: f32[B, I, J]) {\n grid b in B, tile i in I\n axis j in J\n"
          " o[b, i, j] = random(seed, b, i, j) }",
          [&] {
            args.dims = {{"B", 2}, {"I", 3}, {"J", 9}};
            return args;
          }());
  std::vector<double> o = valuesOf(outcome);
  ASSERT_EQ(o.size(), 54u);
  for (int b = 0, n = 0; b < 2; ++b)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 9; ++j, ++n)
        EXPECT_EQ(o[n], philoxUniform(42, 0, b, i, j)); // missing counters come first
  double mean = 0;
  for (double x : o) {
    EXPECT_TRUE(0 <= x && x < 1);
    mean += x / 54;
  }
  EXPECT_NEAR(mean, 0.5, 0.15);
}

TEST(Arithmetic, ScalarsAreF32) {
  Arguments args;
  args.dims["I"] = 1;
  EXPECT_EQ(
      valuesOf(run("kernel t(keep: f32 = 0.9) -> (o: f32[I]) { grid tile i in I\n o[i] = keep }",
                   args))[0],
      double(0.9f));
}

} // namespace
