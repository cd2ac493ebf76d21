// AttentionTest.cpp - causal attention, placed by hand as the tile stage does it: the whole back
// end at once
#include "Bench.h"
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace fc::test;
using fc::rt::Elem;

namespace {

std::string causalText() {
  std::ifstream file(std::string(FC_SOURCE_DIR) +
                     "/test/compiler/Transforms/lower-to-threads-causal.mlir");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Compares with float64 on an 1 x H x M x 64 problem; pads the rows of q, k and v.
void check(const Compiled &kernel, int64_t H, int64_t G, int64_t M, int64_t N, int64_t pad,
           bool lse) {
  constexpr int64_t D = 64;
  Array q = Array::random(Elem::F16, {1, H, M, D}, 1, pad),
        k = Array::random(Elem::F16, {1, G, N, D}, 2, pad),
        v = Array::random(Elem::F16, {1, G, N, D}, 3, pad),
        o = Array::make(Elem::F16, {1, H, M, D}), l = Array::make(Elem::F32, {1, H, M});
  l.null = !lse;
  Run run{{{"q", &q}, {"k", &k}, {"v", &v}, {"o", &o}, {"lse", &l}},
          {{"B", 1}, {"H", H}, {"G", G}, {"M", M}, {"N", N}},
          {{"scale", 0.125}},
          uint32_t(H * ((M + 63) / 64))};
  ASSERT_EQ(launch(kernel, run), "");
  double worst = 0, worstLse = 0;
  for (int64_t h = 0; h < H; ++h)
    for (int64_t i = 0; i < M; ++i) {
      int64_t g = h / (H / G), seen = std::max<int64_t>(0, std::min(N, i + N - M + 1));
      std::vector<double> s(seen), expected(D, 0);
      double top = -INFINITY, sum = 0;
      for (int64_t j = 0; j < seen; ++j) {
        for (int64_t d = 0; d < D; ++d)
          s[j] += q.at({0, h, i, d}) * k.at({0, g, j, d}) * 0.125;
        top = std::max(top, s[j]);
      }
      for (int64_t j = 0; j < seen; ++j)
        sum += std::exp(s[j] - top);
      for (int64_t j = 0; j < seen; ++j)
        for (int64_t d = 0; d < D; ++d)
          expected[d] += std::exp(s[j] - top) / sum * v.at({0, g, j, d});
      for (int64_t d = 0; d < D; ++d)
        worst = std::max(worst, std::abs(expected[d] - o.at({0, h, i, d})));
      double expectedLse = seen ? top + std::log(sum) : -INFINITY;
      if (lse && seen)
        worstLse = std::max(worstLse, std::abs(expectedLse - l.at({0, h, i})));
      else if (lse)
        EXPECT_EQ(l.at({0, h, i}), -INFINITY);
    }
  EXPECT_LT(worst, 4e-3);
  EXPECT_LT(worstLse, 1e-5);
}

class Attention : public testing::Test {
protected:
  static void SetUpTestSuite() { kernel = new Compiled(compile(causalText())); }
  static void TearDownTestSuite() { delete kernel; }
  void SetUp() override { ASSERT_EQ(kernel->error, ""); }
  static Compiled *kernel;
};
Compiled *Attention::kernel;

TEST_F(Attention, WholeTiles) { check(*kernel, 2, 1, 128, 128, 0, true); }
TEST_F(Attention, Tails) { check(*kernel, 2, 2, 70, 133, 0, true); }
TEST_F(Attention, RowsThatSeeNoKey) { check(*kernel, 1, 1, 80, 20, 0, true); }
TEST_F(Attention, UnalignedRows) { check(*kernel, 1, 1, 33, 65, 3, true); }
/// Every line of the kernel that computes is the text's.
TEST_F(Attention, LinesOfTheText) {
  EXPECT_NE(kernel->ptx.find(".loc"), std::string::npos);
  EXPECT_EQ(kernel->ptx.find(".debug_info"), std::string::npos);
}
TEST_F(Attention, NullOutput) { check(*kernel, 1, 1, 16, 16, 0, false); }
/// Without any one of the barriers the emulator sees a race, so none is there for nothing.
TEST_F(Attention, EveryBarrierIsNeeded) {
  const std::string barrier = "bar.sync \t0;";
  int removed = 0;
  for (size_t at = 0; (at = kernel->ptx.find(barrier, at)) != std::string::npos; ++at, ++removed) {
    Compiled mutant = *kernel;
    mutant.ptx.erase(at, barrier.size());
    Array q = Array::random(Elem::F16, {1, 1, 64, 64}, 1),
          k = Array::random(Elem::F16, {1, 1, 192, 64}, 2), v = k,
          o = Array::make(Elem::F16, {1, 1, 64, 64}), l = Array::make(Elem::F32, {1, 1, 64});
    struct Run given{{{"q", &q}, {"k", &k}, {"v", &v}, {"o", &o}, {"lse", &l}},
                     {{"B", 1}, {"H", 1}, {"G", 1}, {"M", 64}, {"N", 192}},
                     {{"scale", 0.125}},
                     1};
    EXPECT_NE(launch(mutant, given).find("RACE"), std::string::npos) << "barrier " << removed;
  }
  EXPECT_EQ(removed, kernel->barriers);
}

TEST_F(Attention, TwoBarriersATile) { EXPECT_EQ(kernel->barriers, 2); }

} // namespace
