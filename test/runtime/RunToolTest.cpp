// RunToolTest.cpp - the parts of fc-run: random numbers, fills, poison, comparisons.
#include "dsl/Frontend.h"
#include "tools/fc-run/Check.h"
#include "tools/fc-run/Sha256.h"
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc::run;
using fc::rt::Elem;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::vector<double> filled(Elem elem, std::vector<int64_t> shape, std::string_view how,
                           uint64_t seed = 0, std::string_view name = "x") {
  HostTensor tensor{elem, std::move(shape), {}};
  fc::rt::Error error;
  EXPECT_TRUE(fill(tensor, name, how, seed, {{"N", 12}}, error)) << error.message;
  std::vector<double> values;
  for (size_t i = 0; i < tensor.size(); ++i)
    values.push_back(load(elem, tensor.bits.data(), i));
  return values;
}

/// Against the algorithm written down in Python.
TEST(Random, IsTheSameOnEveryMachine) {
  Random random(0, "q");
  EXPECT_EQ(random.bits(), 0x76ba6bd2424e43e5u);
  EXPECT_EQ(random.normal(), -0x1.4eeda63600000p-1);
}

TEST(Random, NormalsHaveMeanZeroAndDeviationOne) {
  Random random(3, "q");
  double sum = 0, squares = 0, fourth = 0;
  constexpr int count = 100000;
  for (int i = 0; i < count; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / count, 0, 0.02);
  EXPECT_NEAR(squares / count, 1, 0.02);
  EXPECT_NEAR(fourth / count, 2.9, 0.1); // of twelve uniform numbers; a normal has 3
}

TEST(Random, UniformsStayInTheirRange) {
  Random random(3, "q");
  std::vector<int> counts(16);
  for (int i = 0; i < 16000; ++i) {
    const int64_t x = random.uniform(-8, 8);
    ASSERT_TRUE(x >= -8 && x < 8);
    ++counts[static_cast<size_t>(x + 8)];
  }
  for (int count : counts)
    EXPECT_NEAR(count, 1000, 150);
}

TEST(Fill, DependsOnSeedAndName) {
  EXPECT_EQ(filled(Elem::F32, {8}, ""), filled(Elem::F32, {8}, "normal"));
  EXPECT_NE(filled(Elem::F32, {8}, "", 0), filled(Elem::F32, {8}, "", 1));
  EXPECT_NE(filled(Elem::F32, {8}, "", 0, "k"), filled(Elem::F32, {8}, "", 0, "v"));
}

TEST(Fill, RegularPatterns) {
  EXPECT_THAT(filled(Elem::I32, {3}, ""), ElementsAre(0, 0, 0));
  EXPECT_THAT(filled(Elem::F16, {3}, "zeros"), ElementsAre(0, 0, 0));
  EXPECT_THAT(filled(Elem::I64, {2}, "const:N"), ElementsAre(12, 12));
  EXPECT_THAT(filled(Elem::I32, {2, 2}, "arange"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(filled(Elem::I32, {2, 4}, "steps:2"), ElementsAre(0, 0, 1, 1, 0, 0, 1, 1));
  EXPECT_THAT(filled(Elem::I32, {4}, "cumulative:N"), ElementsAre(0, 4, 8, 12));
  EXPECT_THAT(filled(Elem::I32, {1}, "cumulative:N"), ElementsAre(0));
  for (double x : filled(Elem::U8, {100}, ""))
    EXPECT_TRUE(x >= 0 && x < 16);
  for (double x : filled(Elem::F32, {100}, "uniform:-1:N"))
    EXPECT_TRUE(x >= -1 && x < 12);
  EXPECT_TRUE(filled(Elem::F32, {0, 4}, "").empty());
}

TEST(Poison, IsNaNInFloats) {
  for (Elem elem : {Elem::F32, Elem::F16, Elem::BF16, Elem::F8E4M3, Elem::F8E5M2})
    EXPECT_TRUE(std::isnan(toDouble(elem, poisonBits(elem)))) << fc::rt::name(elem);
  EXPECT_EQ(poisonBits(Elem::I32), 0x7f7f7f7fu);
  EXPECT_EQ(poisonBits(Elem::Bool), 0x7fu);
  HostTensor tensor{Elem::F16, {3}, {}};
  poison(tensor);
  EXPECT_EQ(tensor.bits.size(), 6u);
}

// --- comparisons ---

const Tolerance tight{.relL2 = 1e-3, .maxAbs = 0.01};
const Tolerance loose{.relL2 = INFINITY, .maxAbs = INFINITY};

Comparison compared(const std::vector<double> &seen, const std::vector<double> &expected,
                    const Tolerance &tolerance = tight) {
  HostTensor tensor{
      Elem::F32, {static_cast<int64_t>(seen.size())}, std::vector<std::byte>(seen.size() * 4)};
  for (size_t i = 0; i < seen.size(); ++i)
    store(Elem::F32, tensor.bits.data(), i, seen[i]);
  return compare("o", tensor, expected, {}, tolerance);
}

TEST(Compare, MeasuresTheErrors) {
  const Comparison it = compared({3, 4.005}, {3, 4}, {.relL2 = 1, .maxAbs = 1});
  EXPECT_NEAR(it.maxAbs, 0.005, 1e-6);
  EXPECT_NEAR(it.maxRel, 0.00125, 1e-6);
  EXPECT_NEAR(it.relL2, 0.001, 1e-6);
  EXPECT_THAT(it.worst, HasSubstr("at [1]: 4.005, and the reference has 4"));
  EXPECT_TRUE(it.pass);
}

TEST(Compare, FailsBeyondEitherTolerance) {
  EXPECT_FALSE(compared({3, 4.02}, {3, 4}, {.relL2 = 1, .maxAbs = 0.01}).pass);
  EXPECT_FALSE(compared({3, 4.02}, {3, 4}, {.relL2 = 1e-3, .maxAbs = 1}).pass);
  EXPECT_TRUE(compared({3, 4.02}, {3, 4}, {.relL2 = 1, .maxAbs = 1}).pass);
}

TEST(Compare, OutputsOfLargeNumbersMayBeOffInProportion) {
  const Tolerance half{.relL2 = 1, .maxAbs = 0.01, .unit = 0x1p-10, .scaled = true};
  const Tolerance asked{.relL2 = 1, .maxAbs = 0.01, .unit = 0x1p-10, .scaled = false};
  // A unit in the last place of the element itself; the many zeros keep the root mean square
  // at 1.25.
  std::vector<double> seen(1000000, 0), expected(1000000, 0);
  seen[7] = 1250;
  expected[7] = 1251;
  EXPECT_TRUE(compared(seen, expected, half).pass);
  EXPECT_FALSE(compared(seen, expected, asked).pass);
  expected[7] = 1252;
  EXPECT_EQ(compared(seen, expected, half).beyond, 1u);
  seen[9] = 0.02; // a small element is not excused by a large one
  EXPECT_EQ(compared(seen, expected, half).beyond, 2u);
  // The root mean square of the whole.
  EXPECT_TRUE(compared({100, 0.5}, {100, 0}, half).pass);
  EXPECT_NEAR(compared({100, 0.5}, {100, 0}, half).tolerance.maxAbs, 0.707, 1e-3);
  EXPECT_FALSE(compared({100, 0.8}, {100, 0}, half).pass);
  EXPECT_FALSE(compared({1, 0.02}, {1, 0}, half).pass);
}

TEST(Compare, InfinitiesAndNaNsMustBeTheSame) {
  EXPECT_TRUE(compared({-INFINITY, 1}, {-INFINITY, 1}).pass);
  EXPECT_TRUE(compared({NAN, 1}, {NAN, 1}).pass);
  EXPECT_FALSE(compared({-INFINITY, 1}, {INFINITY, 1}).pass);
  EXPECT_FALSE(compared({INFINITY, 1}, {1, 1}).pass);
  EXPECT_FALSE(compared({1, 1}, {-INFINITY, 1}).pass);
  EXPECT_EQ(compared({NAN, 1}, {1, 1}).wrongNan, 1u);
  EXPECT_FALSE(compared({NAN, 1}, {1, 1}).pass);
  EXPECT_FALSE(compared({1, 1}, {NAN, 1}).pass);
  EXPECT_FALSE(compared({NAN}, {0}, loose).pass);
}

TEST(Compare, AReferenceOfZeros) {
  EXPECT_TRUE(compared({0, 0}, {0, 0}).pass);
  EXPECT_EQ(compared({0.5, 0}, {0, 0}).relL2, 0.5);
  EXPECT_TRUE(compared({}, {}).pass);
}

TEST(Compare, ElementsNeverWrittenFail) {
  HostTensor tensor{Elem::F16, {2, 2}, {}};
  poison(tensor);
  store(Elem::F16, tensor.bits.data(), 0, 1);
  const Comparison it = compare("o", tensor, {1, 1, 1, 1}, {}, loose);
  EXPECT_EQ(it.unwritten, 3u);
  EXPECT_EQ(it.worst, "at [0, 1]: never written, and the reference has 1");
  EXPECT_FALSE(it.pass);
}

TEST(Compare, IntegersMustBeEqual) {
  HostTensor tensor{Elem::I64, {2}, std::vector<std::byte>(16)};
  const int64_t seen[2] = {(int64_t{1} << 60) + 1, -5};
  std::memcpy(tensor.bits.data(), seen, 16);
  EXPECT_TRUE(compare("o", tensor, {}, {seen[0], -5}, {.exact = true}).pass);
  EXPECT_FALSE(compare("o", tensor, {}, {seen[0] - 1, -5}, {.exact = true}).pass);
  HostTensor bytes{Elem::I8, {2}, {std::byte{0x7f}, std::byte{0xff}}};
  EXPECT_TRUE(
      compare("o", bytes, {}, {127, -1}, {.exact = true}).pass); // 0x7f is poison, and right
  EXPECT_EQ(compare("o", bytes, {}, {5, -1}, {.exact = true}).unwritten, 1u);
}

/// The examples of FIPS 180-4, and lengths around the padding's edges (by Python's hashlib).
TEST(Sha256, Examples) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(55, 'a')),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(sha256(std::string(56, 'a')),
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(sha256(std::string(63, 'a')),
            "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
  EXPECT_EQ(sha256(std::string(64, 'a')),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  EXPECT_EQ(sha256(std::string(119, 'a')),
            "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
  EXPECT_EQ(sha256(std::string(120, 'a')),
            "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c");
}

TEST(Tolerance, FollowsTheCoarsestRoundingOnTheWay) {
  fc::dsl::Diagnostics diagnostics;
  const auto program = fc::dsl::checkSource("k.fc", R"(
kernel k<T: type = bf16>(q: T[M, D], k: T[N, D], v: T[N, D])
    -> (o: T[M, D], wide: f32[M, D], lse: f32[M], looped: f32[M], count: i32[M])
{
  grid tile i in M
  axis j in N, d in D
  let s = dot[d](q[i, d], k[j, d])
  var half: f32[i] = 0
  for tile n in 0 .. N { half = half + sum[n](v[n, 0] * 0.5 as f16) }
  o[i, d] = dot[j](softmax[j](s) as T, v[j, d])
  wide[i, d] = dot[j]((softmax[j](s) as f8e4m3) as T, v[j, d])
  lse[i] = logsumexp[j](s)
  looped[i] = half
  count[i] = 1
})",
                                            {}, diagnostics);
  ASSERT_TRUE(program) << diagnostics.render();
  const fc::dsl::Kernel &kernel = *program->kernel("k");
  auto of = [&](const std::string &name, const Options &options = {}) {
    for (const fc::dsl::Tensor *output : kernel.outputs)
      if (output->name == name)
        return toleranceOf(options, kernel, *output);
    return Tolerance{};
  };
  EXPECT_EQ(of("o").relL2, 8e-3);
  EXPECT_EQ(of("o").maxAbs, 0.06);
  EXPECT_EQ(of("wide").relL2, 5e-2);
  EXPECT_EQ(of("lse").relL2, 1e-5); // bf16 inputs are exact
  EXPECT_EQ(of("lse").maxAbs, 2e-5);
  EXPECT_EQ(of("looped").relL2, 1e-3);
  EXPECT_TRUE(of("count").exact);
  Options options;
  options.maxAbs = 0.5;
  EXPECT_EQ(of("lse", options).maxAbs, 0.5);
  EXPECT_EQ(of("lse", options).relL2, 1e-5);
}

} // namespace
