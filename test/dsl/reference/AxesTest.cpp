// Rules A1 to A8: broadcasting by name, contractions, ranges, loops and carried values.
#include "TestKernel.h"

using namespace fc::dsl;
using namespace fc::dsl::test;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// Row-major product of x[a, b] and y[b, c].
std::vector<double> product(const std::vector<double> &x, const std::vector<double> &y, int a,
                            int b, int c) {
  std::vector<double> out(a * c);
  for (int i = 0; i < a; ++i)
    for (int k = 0; k < b; ++k)
      for (int j = 0; j < c; ++j)
        out[i * c + j] += x[i * b + k] * y[k * c + j];
  return out;
}

TEST(Axes, DotOfAnySizeIsTheMatrixProduct) {
  std::mt19937_64 rng(3);
  for (auto [a, b, c] :
       {std::array<int, 3>{1, 1, 1}, {4, 8, 8}, {5, 3, 9}, {13, 17, 7}, {3, 0, 5}, {66, 33, 20}}) {
    Arguments args;
    args.tensors["x"] = randomFloats(rng, Elem::F32, {a, b});
    args.tensors["y"] = randomFloats(rng, Elem::F32, {b, c});
    std::vector<double> o =
        valuesOf(run("kernel t(x: f32[A, B], y: f32[B, C]) -> (o: f32[A, C]) {\n grid tile a in A\n"
                     " axis b in B, c in C\n o[a, c] = dot[b](x[a, b], y[b, c]) }",
                     args));
    expectNear(o, product(args.tensors["x"].f, args.tensors["y"].f, a, b, c));
  }
}

TEST(Axes, DotOverSeveralAxesWithBatchAxes) {
  // o[n, a, c] = sum over p, q of x[p, n, a, q] y[c, q, n, p]: every group of axes, in no order.
  Arguments args;
  std::mt19937_64 rng(4);
  const int n = 3, a = 5, c = 4, p = 2, q = 6;
  args.tensors["x"] = randomFloats(rng, Elem::F32, {p, n, a, q});
  args.tensors["y"] = randomFloats(rng, Elem::F32, {c, q, n, p});
  std::vector<double> o = valuesOf(run(
      "kernel t(x: f32[P, N, A, Q], y: f32[C, Q, N, P]) -> (o: f32[N, A, C]) {\n grid tile n in N\n"
      " axis q in Q, c in C, p in P, a in A\n o[n, a, c] = dot[q, p](x[p, n, a, q], y[c, q, n, p]) "
      "}",
      args));
  std::vector<double> expected(n * a * c);
  for (int in = 0; in < n; ++in)
    for (int ia = 0; ia < a; ++ia)
      for (int ic = 0; ic < c; ++ic)
        for (int ip = 0; ip < p; ++ip)
          for (int iq = 0; iq < q; ++iq)
            expected[(in * a + ia) * c + ic] +=
                args.tensors["x"].f[((ip * n + in) * a + ia) * q + iq] *
                args.tensors["y"].f[((ic * q + iq) * n + in) * p + ip];
  expectNear(o, expected);
}

TEST(Axes, DotOfIntegersIsExact) {
  Arguments args;
  args.tensors["x"] = ints({1, 3}, {127, -128, 127}, Elem::I8);
  args.tensors["y"] = ints({3}, {127, -128, -1}, Elem::I8);
  EXPECT_THAT(
      intsOf(run("kernel t(x: i8[I, J], y: i8[J]) -> (o: i64[I]) { grid tile i in I\n axis j in J\n"
                 " o[i] = dot[j](x[i, j], y[j]) }",
                 args)),
      ElementsAre(127 * 127 + 128 * 128 - 127));
}

TEST(Axes, ReductionsOverSeveralAxesAndInAnyOrder) {
  Arguments args;
  args.tensors["x"] = floats({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  std::string text = R"(
kernel t(x: f32[A, B, C]) -> (all_: f32[B], outer: f32[B], most: f32[B, C], p: f32[B, A, C])
{
  grid tile b in B
  axis a in A, c in C
  all_[b] = sum[c, a](x[a, b, c])
  outer[b] = sum[c](max[a](x[a, b, c]))
  most[b, c] = max[a](x[a, b, c])
  p[b, a, c] = softmax[a, c](x[a, b, c] - x[a, b, c])
})";
  Outcome outcome = run(text, args);
  EXPECT_THAT(valuesOf(outcome, "all_"), ElementsAre(30, 48));
  EXPECT_THAT(valuesOf(outcome, "outer"), ElementsAre(24, 33));
  EXPECT_THAT(valuesOf(outcome, "most"), ElementsAre(7, 8, 9, 10, 11, 12));
  EXPECT_THAT(valuesOf(outcome, "p"), Each(1.0 / 6));
}

TEST(Axes, CumSumKeepsItsAxis) {
  Arguments args;
  args.tensors["x"] = floats({2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  EXPECT_THAT(
      valuesOf(run("kernel t(x: f32[I, J]) -> (o: f32[I, J]) { grid tile i in I\n axis j in J\n"
                   " o[i, j] = cumsum[j](where(j == 2, 0, x[i, j])) }",
                   args)),
      ElementsAre(1, 3, 3, 7, 10, 30, 30, 70));
  EXPECT_THAT(
      valuesOf(run("kernel t(x: f32[I, J]) -> (o: f32[J, I]) { grid tile j in J\n axis i in I\n"
                   " o[j, i] = cumsum[i](x[i, j]) }",
                   args)),
      ElementsAre(1, 11, 2, 22, 3, 33, 4, 44));
}

TEST(Axes, AreAbsolutePoints) {
  Arguments args;
  args.tensors["lo"] = ints({2}, {3, 7});
  // A range given by values, and its empty and its clipped form.
  std::string text = "kernel t(lo: i32[B]) -> (s: i64[B], n: i64[B], e: i64[B]) {\n grid b in B\n"
                     " axis j in lo[b] .. 9, u in lo[b] .. 100 upto 2, z in 9 .. lo[b]\n"
                     " s[b] = sum[j](j)\n n[b] = sum[u](u)\n e[b] = sum[z](z) }";
  Outcome outcome = run(text, args);
  EXPECT_THAT(intsOf(outcome, "s"), ElementsAre(3 + 4 + 5 + 6 + 7 + 8, 7 + 8));
  EXPECT_THAT(intsOf(outcome, "n"), ElementsAre(3 + 4, 7 + 8));
  EXPECT_THAT(intsOf(outcome, "e"), ElementsAre(0, 0));
}

TEST(Axes, GridRangesMayReadTensors) {
  Arguments args;
  args.tensors["cu"] = ints({4}, {0, 2, 2, 7});
  std::string text = "kernel t(cu: i32[B + 1], longest: int) -> (o: i64[P]) {\n grid b in B,"
                     " tile i in cu[b] .. cu[b + 1] upto longest\n o[i] = 100 * b + i }";
  args.dims["P"] = 7;
  args.scalars["longest"] = {0, 5};
  EXPECT_THAT(intsOf(run(text, args)), ElementsAre(0, 1, 202, 203, 204, 205, 206));
  args.scalars["longest"] = {0, 4};
  EXPECT_EQ(errorOf(run(text, args)),
            "1: `o[6]` is never written; every element is to be written once");
}

//===-- loops
//-------------------------------------------------------------------------------------===//

TEST(Loops, CountAndCarry) {
  Arguments args;
  args.tensors["x"] = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(valuesOf(run(
                  "kernel t(x: f32[I, J]) -> (o: f32[I]) {\n grid tile i in I\n var a: f32[i] = 1\n"
                  " for c in J { a = a * 10 + x[i, c] }\n o[i] = a }",
                  args)),
              ElementsAre(1123, 1456));
}

TEST(Loops, LetsKeepTheirValue) {
  Arguments args;
  args.dims["B"] = 1;
  EXPECT_THAT(
      intsOf(run(
          "kernel t(n: int = 4) -> (o: i64[B]) {\n grid b in B\n var x: i64 = 1\n let y = x * 10\n"
          " let z = y + 1\n x = 5\n x = x + y\n o[b] = 1000 * x + z }",
          args)),
      ElementsAre(15011));
  // In a loop a `let` is new in each turn.
  EXPECT_THAT(intsOf(run("kernel t(n: int = 4) -> (o: i64[B]) {\n grid b in B\n var x: i64 = 1\n"
                         " for c in n { let y = x + c\n x = x * 2\n x = x + y }\n o[b] = x }",
                         args)),
              ElementsAre(((((1 * 2 + 1 + 0) * 2 + 3 + 1) * 2 + 10 + 2) * 2) + 32 + 3));
}

TEST(Loops, AxesMayBeDeclaredInside) {
  Arguments args;
  args.tensors["x"] = floats({7}, {1, 2, 3, 4, 5, 6, 7});
  // Sums of chunks of 3, the last one short; each multiplied by its number.
  EXPECT_THAT(
      valuesOf(run(
          "kernel t(x: f32[J]) -> (o: f32[B]) {\n grid b in B\n var a: f32 = 0\n for c in 3 {\n"
          " let lo = c * 3\n axis j in lo .. J upto 3\n a = a + c * sum[j](x[j]) }\n o[b] = a }",
          [&] {
            args.dims["B"] = 1;
            return args;
          }())),
      ElementsAre(15 + 2 * 7));
}

TEST(Loops, OverTilesMustNotDependOnTheCut) {
  Arguments args;
  args.tensors["x"] = floats({1, 7}, {1, 2, 3, 4, 5, 6, 7});
  auto kernel = [](const std::string &loop) {
    return "kernel t(x: f32[I, J]) -> (o: f32[I]) {\n grid tile i in I\n var a: f32[i] = 0\n " +
           loop + "\n o[i] = a }";
  };
  EXPECT_THAT(valuesOf(run(kernel("for tile j in J { a = a + sum[j](x[i, j]) }"), args)),
              ElementsAre(28));
  // Forgets the earlier tiles.
  EXPECT_EQ(errorOf(run(kernel("for tile j in J { a = sum[j](x[i, j]) }"), args)),
            "4: the result depends on where `for tile j` is cut: `o[0]` is 28 with one tile and 7 "
            "with three");
  // Counts the tiles.
  EXPECT_THAT(errorOf(run(kernel("for tile j in J { a = a + 1 + 0 * sum[j](x[i, j]) }"), args)),
              HasSubstr("`o[0]` is 1 with one tile and 3 with three"));
  // With a size that means something there is one cut, that one.
  EXPECT_THAT(
      valuesOf(run(kernel("for tile j in J by 2 { a = a + 1 + 0 * sum[j](x[i, j]) }"), args)),
      ElementsAre(4));
}

TEST(Loops, TilesAreCutEverywhereInTheirRange) {
  // The axis holds the turn's points, absolute ones, and the range need not begin at 0.
  Arguments args;
  args.tensors["x"] = floats({1, 7}, {1, 2, 3, 4, 5, 6, 7});
  EXPECT_THAT(valuesOf(run(
                  "kernel t(x: f32[I, J]) -> (o: f32[I]) {\n grid tile i in I\n var a: f32[i] = 0\n"
                  " for tile j in 2 .. J { a = a + sum[j](x[i, j] * j) }\n o[i] = a }",
                  args)),
              ElementsAre(3 * 2 + 4 * 3 + 5 * 4 + 6 * 5 + 7 * 6));
}

TEST(Loops, AFinishedVarStartsANewWalk) {
  // Entmax by bisection (alpha = 2, which is sparsemax): tau with sum of max(x - tau, 0) = 1.
  Arguments args;
  args.tensors["x"] = floats({1, 4}, {1.0, 0.8, 0.1, -1.0});
  std::vector<double> o = valuesOf(run(R"(
kernel t(x: f32[I, J]) -> (o: f32[I, J]) {
  grid tile i in I
  axis j in J
  var lo: f32[i] = max[j](x[i, j]) - 1
  var hi: f32[i] = max[j](x[i, j])
  for n in 60 {
    let mid = (lo + hi) / 2
    let over = sum[j](max(x[i, j] - mid, 0)) >= 1
    lo = where(over, mid, lo)
    hi = where(over, hi, mid)
  }
  o[i, j] = max(x[i, j] - lo, 0)
})",
                                       args));
  expectNear(o, {0.6, 0.4, 0, 0});
}

//===-- stores and facts
//--------------------------------------------------------------------------===//

TEST(Stores, BroadcastOverTheirIndices) {
  Arguments args;
  args.dims = {{"I", 2}, {"J", 3}};
  EXPECT_THAT(intsOf(run("kernel t(n: int = 1) -> (o: i64[J, I]) { grid tile i in I\n axis j in "
                         "J\n o[j, i] = 10 * i }",
                         args)),
              ElementsAre(0, 10, 0, 10, 0, 10));
}

TEST(Stores, TwiceIsAnError) {
  Arguments args;
  args.dims["I"] = 4;
  EXPECT_EQ(
      errorOf(run("kernel t(n: int = 1) -> (o: f32[I]) {\n grid tile i in I\n o[i / 2 * 2] = i }",
                  args)),
      "3: `o[0]` is written twice; every element is to be written once");
  // By two stores, of which the checker cannot tell.
  EXPECT_EQ(
      errorOf(
          run("kernel t(n: int = 2) -> (o: f32[I, J]) {\n grid tile i in I\n axis j in n, k in 3\n"
              " o[i, j] = i\n o[i, J - 1 - k] = i }",
              [&] {
                args.dims["J"] = 4;
                return args;
              }())),
      "5: `o[0, 1]` is written twice; every element is to be written once");
}

TEST(Stores, NeverIsAnErrorUnlessAllowed) {
  Arguments args;
  args.dims["I"] = 4;
  const char *text = "kernel t(n: int = 1) -> (o: f32[I + 1]) {\n grid tile i in I\n o[i] = i }";
  EXPECT_EQ(errorOf(run(text, args)),
            "1: `o[4]` is never written; every element is to be written once");
  ReferenceOptions options;
  options.allowUnwritten = true;
  Outcome outcome = run(text, args, {}, options);
  EXPECT_THAT(valuesOf(outcome), ElementsAre(0, 1, 2, 3, 0));
  EXPECT_THAT(outcome.outputs.at("o").written, ElementsAre(1, 1, 1, 1, 0));
}

TEST(Stores, OutsideAreErrors) {
  Arguments args;
  args.dims["I"] = 4;
  EXPECT_EQ(errorOf(run("kernel t(n: int = 1) -> (o: f32[I]) {\n grid tile i in I\n o[i + 1] = i }",
                        args)),
            "3: `o[4]` is outside of `o`, whose shape is [4]");
}

TEST(Facts, AreCheckedAtEveryPoint) {
  Arguments args;
  args.tensors["doc"] = ints({2, 4}, {0, 0, 1, 2, 3, 4, 4, 4});
  std::string text =
      "kernel t(doc: i32[B, M]) -> (o: i64[B, M]) {\n grid b in B, tile i in M\n axis j in M\n"
      " assume j + 1 == M or doc[b, j] <= doc[b, j + 1]\n o[b, i] = doc[b, i] }";
  EXPECT_THAT(intsOf(run(text, args)), ElementsAre(0, 0, 1, 2, 3, 4, 4, 4));
  args.tensors["doc"].i[6] = 3;
  EXPECT_EQ(errorOf(run(text, args)),
            "4: `assume j + 1 == M or doc[b, j] <= doc[b, j + 1]` does not hold at b = 1, j = 1");
}

TEST(Facts, AboutDimensionsNameNoPoint) {
  Arguments args;
  args.dims = {{"H", 5}, {"G", 2}};
  EXPECT_EQ(errorOf(run("kernel t(n: int = 1) -> (o: f32[H, G]) {\n assume H % G == 0\n grid tile "
                        "h in H\n axis g in G\n"
                        " o[h, g] = 1 }",
                        args)),
            "2: `assume H % G == 0` does not hold");
}

//===-- threads and chunks
//------------------------------------------------------------------------===//

TEST(Grid, ChunksAndThreadsDoNotShow) {
  // Enough rows for several chunks and several items.
  Arguments args;
  std::mt19937_64 rng(9);
  args.tensors["x"] = randomFloats(rng, Elem::F16, {700, 300});
  std::string text = "kernel t(x: f16[I, J]) -> (o: f32[I]) {\n grid tile i in I\n axis j in J\n"
                     " o[i] = logsumexp[j](where(j <= i, x[i, j], -inf)) }";
  ReferenceOptions one, four;
  one.threads = 1;
  four.threads = 4;
  std::vector<double> a = valuesOf(run(text, args, {}, one)),
                      b = valuesOf(run(text, args, {}, four));
  EXPECT_EQ(a, b);
  for (int row : {0, 1, 255, 256, 299, 699}) {
    double sum = 0;
    for (int column = 0; column <= std::min(row, 299); ++column)
      sum += std::exp(args.tensors["x"].f[row * 300 + column]);
    EXPECT_NEAR(a[row], std::log(sum), 1e-12) << row;
  }
}

TEST(Grid, TwoTileAxes) {
  Arguments args;
  args.dims = {{"I", 300}, {"J", 400}};
  std::vector<int64_t> o = intsOf(run("kernel t(n: int = 1000) -> (o: i64[I, J]) { grid tile i in "
                                      "I, tile j in J\n o[i, j] = i * n + j }",
                                      args));
  for (int64_t n = 0; n < int64_t(o.size()); ++n)
    ASSERT_EQ(o[n], n / 400 * 1000 + n % 400);
}

TEST(Grid, TheFirstErrorIsTheSameOnAnyNumberOfThreads) {
  Arguments args;
  args.tensors["at"] = ints({64}, std::vector<int64_t>(64, 0));
  for (int n : {13, 20, 50})
    args.tensors["at"].i[n] = 100 + n;
  args.tensors["x"] = floats({1}, {1});
  for (int threads : {1, 2, 4, 8}) {
    ReferenceOptions options;
    options.threads = threads;
    EXPECT_EQ(
        errorOf(run(
            "kernel t(x: f32[N], at: i32[B]) -> (o: f32[B]) {\n grid b in B\n o[b] = x[at[b]] }",
            args, {}, options)),
        "3: `x[113]` is outside of `x`, whose shape is [1]");
  }
}

TEST(Grid, AValueTooLargeIsRefused) {
  Arguments args;
  args.dims = {{"I", 1}};
  EXPECT_THAT(
      errorOf(
          run("kernel t(n: int = 100000) -> (o: i64[I]) { grid tile i in I\n axis j in n, k in n\n"
              " o[i] = sum[j, k](j * k) }",
              args)),
      HasSubstr("is more than the reference holds"));
}

} // namespace
