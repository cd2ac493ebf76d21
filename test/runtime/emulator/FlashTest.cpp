// A FlashAttention-2 style kernel that nvcc compiled (cuda/flash.cu), against attention in double:
// copies in flight, ldmatrix, mma.sync, swizzles and shuffles together, in every mode.
#include "runtime/emulator/Emulator.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/Mutate.h"

#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

namespace fc::emu {
namespace {

struct Problem {
  uint32_t heads, m, n;
  std::vector<uint16_t> q, k, v;
  static constexpr uint32_t d = 64;

  Problem(uint32_t heads, uint32_t m, uint32_t n) : heads(heads), m(m), n(n) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (auto [array, rows] : {std::pair{&q, m}, {&k, n}, {&v, n}}) {
      array->resize(size_t(heads) * rows * d);
      for (uint16_t &x : *array)
        x = toHalf(normal(random));
    }
  }

  double error(const std::vector<uint16_t> &o, uint32_t everyRow) const {
    double difference = 0, norm = 0;
    for (uint32_t h = 0; h < heads; ++h)
      for (uint32_t i = 0; i < m; i += everyRow) {
        std::vector<double> p(n);
        double most = -HUGE_VAL, sum = 0;
        for (uint32_t j = 0; j < n; ++j) {
          for (uint32_t x = 0; x < d; ++x)
            p[j] += double(fromHalf(q[(size_t(h) * m + i) * d + x])) *
                    fromHalf(k[(size_t(h) * n + j) * d + x]);
          p[j] *= 0.125;
          most = std::max(most, p[j]);
        }
        for (double &x : p)
          sum += x = std::exp(x - most);
        for (uint32_t x = 0; x < d; ++x) {
          double want = 0;
          for (uint32_t j = 0; j < n; ++j)
            want += p[j] / sum * fromHalf(v[(size_t(h) * n + j) * d + x]);
          double seen = fromHalf(o[(size_t(h) * m + i) * d + x]);
          difference += (seen - want) * (seen - want);
          norm += want * want;
        }
      }
    return std::sqrt(difference / norm);
  }
};

std::string flashText() {
  std::ifstream file(FC_SOURCE_DIR "/test/runtime/emulator/cuda/flash.ptx");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::shared_ptr<const Module> loadFlash() {
  Report error;
  auto module = Module::load(flashText(), "flash.ptx", error);
  EXPECT_TRUE(module) << error.text;
  return module;
}

struct Ran {
  Result result;
  std::vector<uint16_t> o;
};

Ran runFlash(const Module &module, Problem &problem, Launch launch) {
  Ran ran;
  ran.o.assign(problem.q.size(), 0x7e00);
  launch.entry = "flash";
  launch.grid = {problem.m / 64, problem.heads, 1};
  launch.block = {128, 1, 1};
  launch.sharedBytes = 5 * 64 * 128;
  launch.params.resize(44);
  float scale = 0.125f * 1.4426950408889634f;
  std::memcpy(launch.params.data() + 32, &problem.m, 4);
  std::memcpy(launch.params.data() + 36, &problem.n, 4);
  std::memcpy(launch.params.data() + 40, &scale, 4);
  launch.buffers = {{"q", problem.q.data(), problem.q.size() * 2, true},
                    {"k", problem.k.data(), problem.k.size() * 2, true},
                    {"v", problem.v.data(), problem.v.size() * 2, true},
                    {"o", ran.o.data(), ran.o.size() * 2, false}};
  launch.pointers = {{0, 0, 0}, {8, 1, 0}, {16, 2, 0}, {24, 3, 0}};
  ran.result = emu::launch(module, launch);
  return ran;
}

TEST(Flash, AgreesWithDoubleInEveryMode) {
  auto module = loadFlash();
  ASSERT_TRUE(module);
  Problem problem(2, 128, 256);
  std::vector<uint16_t> first;
  for (auto [async, seed, exact] : {std::tuple{Launch::Async::Lazy, 0, false},
                                    {Launch::Async::Eager, 0, false},
                                    {Launch::Async::Random, 1, false},
                                    {Launch::Async::Random, 2, false},
                                    {Launch::Async::Lazy, 0, true}}) {
    Launch launch;
    launch.async = async;
    launch.seed = uint64_t(seed);
    launch.exactMma = exact;
    Ran ran = runFlash(*module, problem, launch);
    ASSERT_TRUE(ran.result.ok) << ran.result.report.text;
    EXPECT_LT(problem.error(ran.o, 1), 1e-3);
    if (first.empty())
      first = ran.o;
    if (!exact)
      EXPECT_EQ(ran.o, first) << "the time at which copies land must not change the result";
  }
}

TEST(Flash, SameBytesAndCountersForAnyNumberOfThreads) {
  auto module = loadFlash();
  ASSERT_TRUE(module);
  Problem problem(3, 128, 128);
  for (auto [async, seed] : {std::pair{Launch::Async::Lazy, 0},
                             {Launch::Async::Eager, 0},
                             {Launch::Async::Random, 1},
                             {Launch::Async::Random, 2}}) {
    Launch launch;
    launch.async = async;
    launch.seed = uint64_t(seed);
    launch.hostThreads = 1;
    Ran one = runFlash(*module, problem, launch);
    ASSERT_TRUE(one.result.ok) << one.result.report.text;
    for (int threads : {2, 5}) {
      launch.hostThreads = threads;
      Ran many = runFlash(*module, problem, launch);
      EXPECT_EQ(one.o, many.o);
      EXPECT_EQ(one.result.counters, many.result.counters);
    }
  }
}

TEST(Flash, SameReportForAnyNumberOfThreads) {
  // Without its first barrier every CTA has a fault; the one reported is the first in order.
  Problem problem(3, 128, 128);
  std::vector<Mutant> mutants = syncMutants(flashText(), "flash.ptx");
  ASSERT_FALSE(mutants.empty());
  for (const Mutant &mutant : mutants) {
    Report error;
    auto module = Module::load(mutant.ptx, "flash.ptx", error);
    ASSERT_TRUE(module) << error.text;
    for (uint64_t seed : {0, 1, 2}) {
      std::string first;
      for (int threads : {1, 2, 5}) {
        Launch launch;
        launch.async = seed ? Launch::Async::Random : Launch::Async::Lazy;
        launch.seed = seed;
        launch.hostThreads = threads;
        std::string text = runFlash(*module, problem, launch).result.report.text;
        if (threads == 1)
          first = text;
        EXPECT_EQ(text, first) << mutant.instruction;
      }
    }
  }
}

TEST(Flash, CountsWhatItDoes) {
  auto module = loadFlash();
  ASSERT_TRUE(module);
  Problem problem(1, 64, 128);
  Ran ran = runFlash(*module, problem, Launch());
  ASSERT_TRUE(ran.result.ok) << ran.result.report.text;
  const Counters &c = ran.result.counters;
  EXPECT_EQ(c.at("tensor_flops_issued"), 4u * 64 * 128 * 64);
  // Q, then K and V in two slots: the second tile of keys flies while the first is multiplied.
  EXPECT_EQ(c.at("async_groups"), 4u * 3);
  EXPECT_EQ(c.at("tensor_flops_in_flight"), 2u * 64 * 128 * 64);
  EXPECT_EQ(c.at("mma"), c.at("tensor_flops_issued") / 4096);
  EXPECT_EQ(c.at("warp_instructions.tensor"), c.at("mma"));
  EXPECT_EQ(c.at("global_bytes_read"), (64u + 2 * 128) * 128);
  EXPECT_EQ(c.at("global_bytes_written"), 64u * 128);
  // The swizzle leaves ldmatrix and the copies without a bank conflict.
  EXPECT_EQ(c.at("shared_wavefronts"), c.at("shared_wavefronts_ideal"));
  // Each of the 16 stores of a warp writes 16 bytes in each of 8 rows: half of 8 sectors, not 4
  // whole.
  EXPECT_EQ(c.at("global_sectors"), c.at("global_sectors_ideal") + 4 * 16 * 4);
}

TEST(Flash, EveryCommitWaitAndBarrierIsMissed) {
  Problem problem(1, 64, 192);
  MutationScore score = mutationScore(flashText(), "flash.ptx", "flash", [&](const Module &module) {
    for (auto async : {Launch::Async::Lazy, Launch::Async::Eager}) {
      Launch launch;
      launch.async = async;
      if (!runFlash(module, problem, launch).result.ok)
        return true;
    }
    return false;
  });
  EXPECT_EQ(score.mutants, 7u);
  EXPECT_EQ(score.caught, score.mutants) << score.text();
}

TEST(Flash, ALongSequenceTakesLittleTime) {
  auto module = loadFlash();
  ASSERT_TRUE(module);
  Problem problem(1, 4096, 4096);
  Launch launch;
  launch.checkRaces = false;
  std::clock_t start = std::clock();
  Ran ran = runFlash(*module, problem, launch);
  double cpu = double(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_TRUE(ran.result.ok) << ran.result.report.text;
  EXPECT_LT(problem.error(ran.o, 512), 1e-3);
  std::printf("B=1 H=1 S=4096 D=64: %.3f s, %.3f s of CPU\n", ran.result.seconds, cpu);
#if defined(FC_TIMED)
  EXPECT_LT(cpu, 4.0); // two seconds on two cores
#endif
}

TEST(Flash, TheMissionShapeTakesLittleTime) {
  auto module = loadFlash();
  ASSERT_TRUE(module);
  Problem problem(8, 512, 512);
  for (bool races : {false, true}) {
    Launch launch;
    launch.checkRaces = races;
    std::clock_t start = std::clock();
    Ran ran = runFlash(*module, problem, launch);
    double cpu = double(std::clock() - start) / CLOCKS_PER_SEC;
    ASSERT_TRUE(ran.result.ok) << ran.result.report.text;
    EXPECT_LT(problem.error(ran.o, 64), 1e-3);
    std::printf("B=1 H=8 S=512 D=64, races %s: %.3f s, %.3f s of CPU\n", races ? "on" : "off",
                ran.result.seconds, cpu);
#if defined(FC_TIMED)
    // Half a second and one second on two cores, whatever else they are doing.
    EXPECT_LT(cpu, races ? 2.0 : 1.0);
#endif
  }
}

} // namespace
} // namespace fc::emu
