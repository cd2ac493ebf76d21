// WorkTest.cpp - operations counted from the text of kernels.
#include "tools/fc-bench/Work.h"
#include "dsl/Frontend.h"
#include <gtest/gtest.h>

namespace fc::bench {
namespace {

/// Counts `text`, whose kernels have B, H, M and N, at the given sizes. The manifest of the session
/// is made by hand: counting needs dimensions, inputs and the names of kernels.
class WorkTest : public testing::Test {
protected:
  Work count(const std::string &text, std::map<std::string, int64_t> dims,
             std::map<std::string, run::HostTensor> inputs = {}) {
    dsl::Diagnostics diagnostics;
    program = dsl::checkSource("x.fc", text, {}, diagnostics);
    EXPECT_TRUE(program) << diagnostics.render();
    if (!program)
      return {};
    Work sum;
    for (const dsl::Kernel &kernel : program->kernels) {
      const Work one = workOf(kernel, {dims, {}, inputs});
      sum.flops += one.flops;
      sum.dense += one.dense;
      sum.note = one.note;
    }
    return sum;
  }
  /// Attention whose scores are `seen`.
  static std::string attention(const std::string &seen, const std::string &params = "") {
    return "kernel a<T: type = f16, D: int = 64>(q: T[B, H, M, D], k: T[B, H, N, D], "
           "v: T[B, H, N, D]" +
           params +
           ") -> (o: T[B, H, M, D]) {\n"
           "  grid b in B, h in H, tile i in M\n  axis j in N, d in D\n"
           "  let s = dot[d](q[b, h, i, d], k[b, h, j, d])\n"
           "  o[b, h, i, d] = dot[j](softmax[j](" +
           seen + ") as T, v[b, h, j, d])\n}\n";
  }
  std::unique_ptr<dsl::Program> program;
};

TEST_F(WorkTest, AttentionIsFourTimesItsSizes) {
  const Work work = count(attention("s"), {{"B", 2}, {"H", 3}, {"M", 100}, {"N", 200}});
  EXPECT_EQ(work.flops, 4.0 * 2 * 3 * 100 * 200 * 64);
  EXPECT_EQ(work.share(), 1);
}

TEST_F(WorkTest, CausalIsHalf) {
  const Work work =
      count(attention("where(j <= i, s, -inf)"), {{"B", 1}, {"H", 1}, {"M", 1000}, {"N", 1000}});
  EXPECT_EQ(work.flops, 2.0 * 1000 * 1000 * 64);
  EXPECT_EQ(work.dense, 4.0 * 1000 * 1000 * 64);
}

TEST_F(WorkTest, AWindowIsItsShare) {
  const Work work = count(attention("where(i - 100 < j and j <= i, s, -inf)"),
                          {{"B", 1}, {"H", 1}, {"M", 1000}, {"N", 1000}});
  EXPECT_NEAR(work.share(), 0.1 - 0.005, 0.003); // 100 of 1000 keys, fewer for the first rows
}

TEST_F(WorkTest, TheMaskMayBeTheOtherSide) {
  const Work work =
      count(attention("where(j > i, -inf, s)"), {{"B", 1}, {"H", 1}, {"M", 1000}, {"N", 1000}});
  EXPECT_EQ(work.share(), 0.5);
}

TEST_F(WorkTest, LengthsAreReadFromTheInputs) {
  run::HostTensor lengths{rt::Elem::I32, {2}, std::vector<std::byte>(8)};
  lengths.bits[0] = std::byte{25}; // of 100
  lengths.bits[4] = std::byte{75};
  const Work work = count(attention("where(j < len[b], s, -inf)", ", len: i32[B]"),
                          {{"B", 2}, {"H", 1}, {"M", 10}, {"N", 100}}, {{"len", lengths}});
  EXPECT_EQ(work.share(), 0.5);
  lengths.bits[0] = lengths.bits[4] = std::byte{20};
  EXPECT_NEAR(count(attention("where(j < len[b], s, -inf)", ", len: i32[B]"),
                    {{"B", 2}, {"H", 1}, {"M", 10}, {"N", 100}}, {{"len", lengths}})
                  .share(),
              0.2, 1e-9);
}

TEST_F(WorkTest, AMaskByScoresIsNotCounted) {
  const Work work =
      count(attention("where(s > 0, s, -inf)"), {{"B", 1}, {"H", 1}, {"M", 10}, {"N", 10}});
  EXPECT_EQ(work.share(), 1);
  EXPECT_EQ(work.note, "the mask depends on what is computed, so all of it is counted");
}

TEST_F(WorkTest, OneRowOfManyKeysSeesThemAll) {
  const Work work = count(attention("where(j <= i + (N - M), s, -inf)"),
                          {{"B", 1}, {"H", 1}, {"M", 1}, {"N", 4096}});
  EXPECT_EQ(work.share(), 1);
}

TEST_F(WorkTest, NothingIsNothing) {
  EXPECT_EQ(count(attention("s"), {{"B", 0}, {"H", 1}, {"M", 1}, {"N", 1}}).flops, 0);
}

} // namespace
} // namespace fc::bench
