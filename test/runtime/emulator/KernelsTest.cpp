// PTX that nvcc made of everyday CUDA (cuda/kernels.cu, cuda/blocks.cu), each kernel against the
// same thing in C++; one of them lacks a barrier, and is found out.
#include "runtime/emulator/Emulator.h"
#include "runtime/emulator/Half.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <sstream>

namespace fc::emu {
namespace {

class Kernels : public ::testing::Test {
protected:
  void SetUp() override { load("kernels.ptx"); }
  void load(const std::string &name) {
    std::ifstream file(FC_SOURCE_DIR "/test/runtime/emulator/cuda/" + name);
    std::stringstream text;
    text << file.rdbuf();
    Report error;
    module = Module::load(text.str(), name, error);
    ASSERT_TRUE(module) << error.text;
  }

  /// A buffer that stands where the kernel has its next pointer.
  template <class T> void buffer(const char *name, std::vector<T> &values, bool initialized) {
    auto params = module->params(launch.entry);
    launch.pointers.push_back({params[next++].offset, int(launch.buffers.size()), 0});
    launch.buffers.push_back({name, values.data(), values.size() * sizeof(T), initialized});
  }
  template <class T> void scalar(T value) {
    auto params = module->params(launch.entry);
    if (launch.params.empty())
      launch.params.resize(params.back().offset + params.back().size);
    std::memcpy(launch.params.data() + params[next++].offset, &value, sizeof value);
  }
  void start(const char *entry, std::array<uint32_t, 3> grid, std::array<uint32_t, 3> block) {
    launch = Launch();
    next = 0;
    launch.entry = entry;
    launch.grid = grid;
    launch.block = block;
    auto params = module->params(entry);
    launch.params.resize(params.back().offset + params.back().size);
  }
  Result run() { return emu::launch(*module, launch); }
  void mustPass() {
    Result result = run();
    EXPECT_TRUE(result.ok) << result.report.text;
  }
  std::vector<float> randomFloats(size_t n) {
    std::vector<float> values(n);
    std::normal_distribution<float> normal;
    for (float &x : values)
      x = normal(random);
    return values;
  }

  std::shared_ptr<const Module> module;
  Launch launch;
  size_t next = 0;
  std::mt19937 random{7};
};

TEST_F(Kernels, Saxpy) {
  auto x = randomFloats(1000), y = randomFloats(1000), before = y;
  start("saxpy", {8, 1, 1}, {128, 1, 1});
  buffer("y", y, true), buffer("x", x, true), scalar(2.5f), scalar(1000);
  mustPass();
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y[i], std::fma(2.5f, x[i], before[i]));
}

TEST_F(Kernels, Sum) {
  auto x = randomFloats(3000);
  std::vector<float> o(1);
  start("sum", {1, 1, 1}, {256, 1, 1});
  buffer("o", o, false), buffer("x", x, true), scalar(3000);
  mustPass();
  double want = 0;
  for (float v : x)
    want += v;
  EXPECT_NEAR(o[0], want, 1e-3);
}

TEST_F(Kernels, AMissingSyncthreadsIsFound) {
  auto x = randomFloats(3000);
  std::vector<float> o(1);
  for (auto async : {Launch::Async::Lazy, Launch::Async::Random}) {
    start("sum_racy", {1, 1, 1}, {256, 1, 1});
    launch.async = async;
    buffer("o", o, false), buffer("x", x, true), scalar(3000);
    Result result = run();
    ASSERT_FALSE(result.ok);
    EXPECT_EQ(result.report.id.substr(0, 5), "RACE-") << result.report.text;
    EXPECT_NE(result.report.text.find("the other side: kernels.ptx:"), std::string::npos);
  }
}

TEST_F(Kernels, Transpose) {
  auto x = randomFloats(64 * 64);
  std::vector<float> o(64 * 64);
  start("transpose", {2, 2, 1}, {32, 8, 1});
  buffer("o", o, false), buffer("x", x, true), scalar(64);
  Result result = run();
  ASSERT_TRUE(result.ok) << result.report.text;
  for (size_t i = 0; i < 64; ++i)
    for (size_t j = 0; j < 64; ++j)
      EXPECT_EQ(o[i * 64 + j], x[j * 64 + i]);
  // The 33rd column is there so that no bank is asked twice.
  EXPECT_EQ(result.counters["shared_wavefronts"], result.counters["shared_wavefronts_ideal"]);
  EXPECT_EQ(result.counters["global_sectors"], result.counters["global_sectors_ideal"]);
}

TEST_F(Kernels, Histogram) {
  std::vector<uint8_t> x(5000);
  std::vector<unsigned> bins(64), want(64);
  for (uint8_t &v : x)
    ++want[(v = uint8_t(random())) & 63];
  start("histogram", {4, 1, 1}, {128, 1, 1});
  buffer("bins", bins, true), buffer("x", x, true), scalar(5000);
  mustPass();
  EXPECT_EQ(bins, want);
}

TEST_F(Kernels, Softmax) {
  auto x = randomFloats(5 * 100);
  std::vector<float> o(x.size());
  start("softmax", {5, 1, 1}, {32, 1, 1});
  buffer("o", o, false), buffer("x", x, true), scalar(100);
  mustPass();
  for (size_t r = 0; r < 5; ++r) {
    double total = 0;
    for (size_t i = 0; i < 100; ++i)
      total += std::exp(double(x[r * 100 + i]));
    for (size_t i = 0; i < 100; ++i)
      EXPECT_NEAR(o[r * 100 + i], std::exp(double(x[r * 100 + i])) / total, 1e-7);
  }
}

TEST_F(Kernels, Scan) {
  std::vector<int> x(500), o(500);
  for (int &v : x)
    v = int(random() % 100);
  start("scan", {1, 1, 1}, {512, 1, 1});
  buffer("o", o, false), buffer("x", x, true), scalar(500);
  mustPass();
  int sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(o[i], sum += x[i]);
}

TEST_F(Kernels, Matmul) {
  std::vector<uint16_t> a(32 * 32), b(32 * 32), c(32 * 32);
  for (auto *m : {&a, &b})
    for (uint16_t &v : *m)
      v = toHalf(float(int(random() % 9) - 4));
  start("matmul", {2, 2, 1}, {16, 16, 1});
  buffer("c", c, false), buffer("a", a, true), buffer("b", b, true), scalar(32);
  mustPass();
  for (size_t i = 0; i < 32; ++i)
    for (size_t j = 0; j < 32; ++j) {
      float sum = 0;
      for (size_t k = 0; k < 32; ++k)
        sum += fromHalf(a[i * 32 + k]) * fromHalf(b[k * 32 + j]);
      EXPECT_EQ(fromHalf(c[i * 32 + j]), sum);
    }
}

TEST_F(Kernels, Bitonic) {
  std::vector<int> x(256);
  for (int &v : x)
    v = int(random());
  auto want = x;
  std::sort(want.begin(), want.end());
  start("bitonic", {1, 1, 1}, {256, 1, 1});
  buffer("x", x, true);
  mustPass();
  EXPECT_EQ(x, want);
}

TEST_F(Kernels, Collatz) {
  std::vector<unsigned> steps(200);
  start("collatz", {2, 1, 1}, {128, 1, 1});
  buffer("steps", steps, false), scalar(200);
  mustPass();
  for (size_t i = 0; i < steps.size(); ++i) {
    unsigned count = 0;
    for (uint64_t v = i + 1; v != 1; v = v & 1 ? 3 * v + 1 : v / 2)
      ++count;
    EXPECT_EQ(steps[i], count);
  }
}

TEST_F(Kernels, Polynomial) {
  std::vector<double> x(32), o(32);
  for (double &v : x)
    v = double(random() % 1000) / 1000;
  start("polynomial", {1, 1, 1}, {32, 1, 1});
  buffer("o", o, false), buffer("x", x, true), scalar(20);
  mustPass();
  for (int i = 0; i < 32; ++i) {
    double sum = 0, power = 1;
    for (int k = 0; k < 20; ++k, power *= x[size_t(i)]) {
      int c = (k * 5 + i) & 7;
      sum += (std::sin(double(c)) + 1.0 / (c + 1)) * power;
    }
    sum = (i & 3) == 0   ? std::sqrt(std::fabs(sum))
          : (i & 3) == 1 ? -sum
          : (i & 3) == 2 ? sum * sum
                         : sum;
    EXPECT_NEAR(o[size_t(i)], sum, 1e-12);
  }
}

/// Kernels whose blocks talk to each other (cuda/blocks.cu).
class Blocks : public Kernels {
protected:
  void SetUp() override { load("blocks.ptx"); }
  std::vector<float> total{0}, parts, x = randomFloats(3000);
  std::vector<unsigned> ticket{0};
  void startLast(const char *entry) {
    parts.resize(17);
    start(entry, {17, 1, 1}, {32, 1, 1});
    buffer("total", total, false), buffer("parts", parts, false), buffer("ticket", ticket, true);
    buffer("x", x, true), scalar(int(x.size()));
  }
};

TEST_F(Blocks, TheLastOneAddsUp) {
  for (auto mode : {Launch::Async::Lazy, Launch::Async::Random}) {
    startLast("last_block");
    launch.async = mode;
    launch.seed = 5;
    mustPass();
    EXPECT_EQ(ticket[0], 0u);
    float sum = 0;
    for (float part : parts)
      sum += part;
    EXPECT_EQ(total[0], sum);
    EXPECT_NEAR(sum, std::accumulate(x.begin(), x.end(), 0.0), 1e-3);
  }
}

TEST_F(Blocks, TheFenceBeforeTheTicketIsMissed) {
  for (int seed : {0, 1, 2}) {
    startLast("last_block_racy");
    launch.async = seed ? Launch::Async::Random : Launch::Async::Lazy;
    launch.seed = uint64_t(seed);
    Result result = run();
    ASSERT_FALSE(result.ok);
    EXPECT_EQ(result.report.id, "RACE-GMEM");
    EXPECT_NE(result.report.text.find("of `parts`, which CTA"), std::string::npos)
        << result.report.text;
  }
}

TEST_F(Blocks, AFirstLookWithoutAnAtomicIsNoRace) {
  std::vector<float> o{1}, factors(64, 2);
  start("multiply", {2, 1, 1}, {32, 1, 1});
  buffer("o", o, true), buffer("x", factors, true);
  launch.checkRaces = true;
  Result result = run();
  EXPECT_TRUE(result.ok) << result.report.text;
  EXPECT_EQ(o[0], 0x1p64f);
}

} // namespace
} // namespace fc::emu
